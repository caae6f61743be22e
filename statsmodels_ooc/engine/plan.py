"""What a pass takes of memory: planned before it reads, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from statsmodels_ooc.engine.gate import readers_at_once
from statsmodels_ooc.engine.kernels import compiled_pays
from statsmodels_ooc.engine.leaves import are_shared
from statsmodels_ooc.engine.pieces import divides, pieces_of
from statsmodels_ooc.engine.sizes import (
    BlockSpec,
    Sizes,
    WholeFrames,
    is_far,
    largest,
    limit,
    reader_needs,
    sizes_for,
    states_bytes,
    workers,
)
from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.sources.base import Source

_MARGIN = 1.2  # times what is planned, which may be less than it takes, has room
_PIECES = 3  # of a partition that several threads work on: read, waiting, or being folded


@dataclass(frozen=True)
class Plan:
    """What a pass holds, and how it keeps to the limit.

    Attributes
    ----------
    sizes : Sizes
        Of frames, blocks and pieces.
    reader : int
        Bytes of a reader of the largest partition, and of the thread that folds what it reads.
    readers, most : int
        How many read at a time, and how many would if memory had room.
    sharing : int
        Bytes of pieces that wait, and of further threads that fold them.
    others : int
        Bytes of all states, and of what is made of the last one.
    """

    sizes: Sizes
    reader: int
    readers: int
    most: int
    sharing: int
    others: int

    @property
    def nbytes(self) -> int:
        """About how many bytes the pass takes at its peak."""
        return self.readers * self.reader + self.sharing + self.others


def planned(
    spec: BlockSpec,
    solving: int,
    source: Source,
    questions: Sequence[Reduction[Any]],
    threads: int = 1,
) -> Plan:
    """What a pass holds at its peak.

    As many readers as there are threads and room for, one at least, pieces that wait to be
    folded, the states of all workers, and what is made of the last.

    Parameters
    ----------
    spec : BlockSpec
        The design.
    solving : int
        How many matrices, (k, k), a solver and the results hold beside the states.
    source : Source
        The rows.
    questions : sequence of Reduction
        What is folded.
    threads : int
        Threads of this process that work at a time; one where the tasks run elsewhere.

    Notes
    -----
    Where the limit has room, readers keep what they will need again, and several threads work
    on a partition. Where it has not, what Arrow has freed is given back after each frame; then
    a partition is folded by the thread that reads it; then fewer partitions are read at a time.
    None of this changes a bit of the result.
    """
    sizes = sizes_for(spec, compiled=compiled_pays(spec.k, source.rows), questions=questions)
    others = states_bytes(questions) + 8 * (spec.k + 2) ** 2 * solving
    may_share = (
        divides(questions)
        and are_shared(spec, sizes, source.partitions, threads)
        and any(pieces_of(partition, sizes) > 1 for partition in source.partitions)
    )
    ways = [(True, False), (True, True)] if may_share else []
    for shares, frees in (*ways, (False, False), (False, True)):
        how = replace(sizes, shares=shares, frees=frees)
        plan = _plan(spec, source, how, others, threads)
        if _MARGIN * plan.nbytes <= limit() and plan.readers == plan.most:
            break
    return plan


def _plan(spec: BlockSpec, source: Source, sizes: Sizes, others: int, threads: int) -> Plan:
    """What a pass holds that is made in one of the ways."""
    partitions = source.partitions
    if not partitions:
        return Plan(sizes, 0, 0, 0, 0, others)
    one, far = reader_needs(largest(source), spec, sizes), is_far(source)
    if sizes.shares:
        readers = min(threads, len(partitions))
        piece = 8 * sizes.piece_rows * max(len(spec.columns), 1)
        sharing = readers * _PIECES * piece + (threads - readers) * sizes.folding()
        return Plan(sizes, one, readers, readers, sharing, others)
    most = min(workers(), len(partitions), readers_at_once(1, limit(), far))
    readers = min(readers_at_once(one, limit() - others, far), most)
    return Plan(sizes, one, readers, most, 0, others)


def check_memory(plan: Plan, spec: BlockSpec, source: Source) -> None:
    """Refuse what cannot fit, before its first read, however few read at a time.

    Raises
    ------
    MemoryLimitError
        The message names the partition that is too large, or what makes most of the columns.
    """
    need = plan.reader + plan.others
    if need <= limit():
        return
    told = f"more than memory_limit = {options.memory_limit:,}"
    if plan.reader > plan.others:
        raise MemoryLimitError(
            f"{largest(source).label}: reading its {len(spec.columns):,} columns takes about "
            f"{plan.reader:,} bytes at a time, and what is made of them {plan.others:,}, {told}",
            hint="write the file again in smaller row groups or chunks, read fewer columns, or "
            "raise smo.options.memory_limit",
            needed=need,
        )
    raise MemoryLimitError(
        f"{spec.k:,} columns{spec.widest} need about {need:,} bytes for their rows and "
        f"cross products, {told}",
        hint="text, dates and C(...) are factors with a column for each level: is one of them "
        "meant to be a number? smo.options.memory_limit = '8 GiB' raises the limit",
        needed=need,
    )


def check_reading(source: Source, columns: Sequence[str]) -> None:
    """Refuse to read some columns where one frame of them, as it is read, cannot fit.

    Raises
    ------
    MemoryLimitError
        The message names the partition that is too large.
    """
    spec = WholeFrames(tuple(columns), frozenset())
    check_memory(planned(spec, 0, source, ()), spec, source)


def check_room(what: str, need: int) -> None:
    """Refuse an answer for every row that cannot be read into memory, before it is read.

    Raises
    ------
    MemoryLimitError
        It says how to have the answer out of memory.
    """
    if need > limit():
        raise MemoryLimitError(
            f"{what!r} takes about {need:,} bytes in memory, more than memory_limit = "
            f"{options.memory_limit:,}",
            hint="res.lazy and model.lazy have answers for every row as dask arrays; "
            "smo.options.memory_limit = '8 GiB' raises the limit",
            needed=need,
        )
