"""What a design must offer a pass, sizes of frames and blocks, and what fits into memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Protocol

import dask.config
import numpy as np
import pandas as pd
from dask.system import CPU_COUNT

from statsmodels_ooc.engine.gate import place_to_read, readers_at_once, reads_here
from statsmodels_ooc.engine.kernels import compiled_pays
from statsmodels_ooc.errors import MemoryLimitError, OptionError
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.sources.base import Partition, Source
from statsmodels_ooc.sources.chunk import Chunk, as_chunk
from statsmodels_ooc.sources.copies import copied_bytes
from statsmodels_ooc.sources.files import contents_are_compared
from statsmodels_ooc.sources.frames import reader_bytes


class BlockSpec(Protocol):
    """What a pass needs of a design: which columns to read, and blocks of a frame."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def encoded(self) -> frozenset[str]: ...

    @property
    def k(self) -> int: ...

    @property
    def width(self) -> int: ...  # of its k columns those that a block writes out

    @property
    def widest(self) -> str: ...  # what makes most of the columns, for a message

    @property
    def block_rows(self) -> int: ...  # most rows of a block, where memory has room

    def compiled(self) -> BlockSpec: ...  # the same, whose blocks use machine code

    def blocks(
        self, frame: Chunk | pd.DataFrame, partition: int, label: str, start: int, block_rows: int
    ) -> Iterable[Any]: ...


@dataclass(frozen=True)
class WholeFrames:
    """A design that leaves frames as they are."""

    columns: tuple[str, ...]
    encoded: frozenset[str]
    k: int = 0
    width: int = 0
    widest: str = ""
    block_rows: int = 1

    def compiled(self) -> WholeFrames:
        return self

    def blocks(
        self,
        frame: Chunk | pd.DataFrame,
        partition: int,
        label: str,
        start: int,
        block_rows: int,
    ) -> Iterable[Any]:
        return (as_chunk(frame).frame,)


ANSWER_COPIES = 2  # of an answer in memory: of its partitions, and the whole
_FRAME_ROWS = 65_536
_FRAME_COPIES = 5  # where nothing tells: Arrow's, its decoder's, its pool's, pandas', doubles
_BLOCK_COPIES = 2  # of a block: the design, and the design times weights
_LEAST = 2**25  # bytes that no limit forbids: the imports alone take more
_BLOCK_BYTES = 2**23  # of a design block: it stays in the cache
_COMPILED_BYTES, _COMPILED_ROWS = 2**24, 131_072
_PIECE_ROWS = 131_072  # the most, where frames are smaller
_PIECES = 3  # that are read, wait or are folded, for every worker


@dataclass(frozen=True)
class Sizes:
    """Rows of frames, blocks and pieces, and the room for what reads them.

    Attributes
    ----------
    frame_rows, block_rows, piece_rows : int
        At most so many rows of a frame, of a block, and of a piece: frames that are folded apart
        from others. They follow from the design and the settings, never from the workers.
    written : int
        Columns of a block that are written out.
    room : int or None
        Bytes for all readers of a process; None for those that do not wait.
    """

    frame_rows: int
    block_rows: int
    piece_rows: int
    written: int = 0
    room: int | None = None


def sizes_for(
    spec: BlockSpec,
    *,
    dense: bool = False,
    compiled: bool = False,
    questions: Sequence[Reduction[Any]] = (),
) -> Sizes:
    """Sizes that follow from the design and the settings.

    Parameters
    ----------
    spec : BlockSpec
        The design.
    dense : bool
        Whether all of its columns are written out, those too that a block holds as codes.
    compiled : bool
        Whether machine code goes through the rows of a block in slices of its own: then blocks
        and frames are as long as memory allows, for there are fewer of them.
    questions : sequence of Reduction
        What is folded, whose states leave less room for readers.
    """
    width = max((spec.k if dense else spec.width) + 2, len(spec.columns), 1)
    most, size = spec.block_rows, _BLOCK_BYTES
    if compiled:
        most, size = _COMPILED_ROWS, _COMPILED_BYTES
    fitting = size // (8 * width)
    block = options.block_rows or int(np.clip(fitting, min(4 * width, most), most))
    row_bytes = 8 * max(len(spec.columns), 1)
    share = reader_bytes() // row_bytes
    frame = options.frame_rows or int(np.clip(share, 1_024, max(most, _FRAME_ROWS)))
    piece = frame * max(1, min(share // 2, _PIECE_ROWS) // frame)
    room = None if reads_here() else _room() - _states(questions)
    in_slices = compiled and all(question.is_sliced() for question in questions)
    written = 0 if in_slices else spec.k if dense else spec.width
    return Sizes(frame, block, piece, written, room)


def writes_out(function: Any) -> bool:
    """Whether a function of blocks says that it writes out all columns of the design."""
    return bool(getattr(function, "dense", False))


def are_light(sizes: Sizes, spec: BlockSpec) -> bool:
    """Whether some pieces may wait in memory for every worker."""
    return 2 * 8 * sizes.piece_rows * max(len(spec.columns), 1) <= reader_bytes()


def workers() -> int:
    """How many tasks run at once, as far as dask's settings tell.

    Raises
    ------
    OptionError
        dask's num_workers is no number of workers.
    """
    count = dask.config.get("num_workers", None)
    if count is None:
        return int(CPU_COUNT)
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise OptionError(
            f"dask's setting num_workers is {count!r}",
            hint="dask.config.set(num_workers=4) is right: a whole number from 1 on",
        )
    return int(count)


def _room() -> int:
    return int(max(options.memory_limit - copied_bytes(), _LEAST))


def _states(questions: Sequence[Reduction[Any]]) -> int:
    return states_alive() * sum(question.nbytes() for question in questions)


def states_alive() -> int:
    """How many states of a reduction may be in memory at once: of the workers, and merged ones."""
    return workers() + 6


def reader_needs(partition: Partition, spec: BlockSpec, sizes: Sizes) -> int:
    """About how many bytes a task holds that reads a partition: frames, variables, blocks."""
    rows = sizes.frame_rows
    if partition.rows is not None:
        rows = min(rows, partition.rows)
    with contents_are_compared():  # where they have to be the same, whoever reads them tells
        told = partition.reading_bytes(spec.columns, sizes.frame_rows)
    if told is None:
        told = _FRAME_COPIES * 8 * rows * len(spec.columns)
    return told + _BLOCK_COPIES * 8 * min(sizes.block_rows, rows) * sizes.written


def reading(partition: Partition, spec: BlockSpec, sizes: Sizes) -> AbstractContextManager[None]:
    """Read a partition while there is a core and room for it."""
    if sizes.room is None:
        return nullcontext()
    return place_to_read(reader_needs(partition, spec, sizes), sizes.room, partition.is_far)


def working(sizes: Sizes, is_far: bool = False) -> AbstractContextManager[None]:
    """Go on with a partition that several tasks read, while there is a core; it has its room."""
    return nullcontext() if sizes.room is None else place_to_read(0, sizes.room, is_far)


def few_readers(source: Source, spec: BlockSpec, sizes: Sizes) -> int | None:
    """How many partitions are read at a time, where memory has room for fewer than workers."""
    if sizes.room is None:
        return None
    need, far = reader_needs(_largest(source), spec, sizes), is_far(source)
    count = readers_at_once(need, sizes.room, far)
    most = min(workers(), len(source.partitions), readers_at_once(1, sizes.room, far))
    return count if count < most else None


def is_far(source: Source) -> bool:
    """Whether reading some partition may wait for something else than this machine."""
    return any(partition.is_far for partition in source.partitions)


def _largest(source: Source) -> Partition:
    return max(source.partitions, key=lambda one: (one.nbytes or 0, one.rows or 0))


def memory_needed(
    spec: BlockSpec, solving: int, source: Source, questions: Sequence[Reduction[Any]]
) -> int:
    """About how many bytes a pass takes at its peak, and what is made of it.

    What as many readers hold as there is room for, one at least, pieces that wait to be folded,
    the states of all workers, and what is made of the last.

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
    """
    one, others = _needs(spec, solving, source, questions)
    most = min(workers(), len(source.partitions))
    at_once = min(readers_at_once(one, _room() - others, is_far(source)), most)
    return at_once * (one + _waiting(spec, source, questions)) + others


def _waiting(spec: BlockSpec, source: Source, questions: Sequence[Reduction[Any]]) -> int:
    """Bytes of the pieces of a partition that wait to be folded."""
    sizes = _sizes_of(spec, source, questions)
    rows = max((partition.rows or 0 for partition in source.partitions), default=0)
    if rows <= sizes.piece_rows or not are_light(sizes, spec):
        return 0
    return _PIECES * 8 * sizes.piece_rows * len(spec.columns)


def _needs(
    spec: BlockSpec, solving: int, source: Source, questions: Sequence[Reduction[Any]]
) -> tuple[int, int]:
    """What one reader of the largest partition holds, and what is held beside all readers."""
    sizes = _sizes_of(spec, source, questions)
    one = reader_needs(_largest(source), spec, sizes) if source.partitions else 0
    return one, _states(questions) + 8 * (spec.k + 2) ** 2 * solving


def _sizes_of(spec: BlockSpec, source: Source, questions: Sequence[Reduction[Any]]) -> Sizes:
    compiled = compiled_pays(spec.k, source.rows)
    return sizes_for(spec, compiled=compiled, questions=questions)


def check_memory(
    spec: BlockSpec, solving: int, source: Source, questions: Sequence[Reduction[Any]]
) -> None:
    """Refuse what cannot fit, before its first read, however few read at a time.

    Raises
    ------
    MemoryLimitError
        The message names the partition that is too large, or what makes most of the columns.
    """
    one, others = _needs(spec, solving, source, questions)
    if one + others <= _room():
        return
    limit = f"more than memory_limit = {options.memory_limit:,}"
    if one > others and source.partitions:
        largest = _largest(source)
        raise MemoryLimitError(
            f"{largest.label}: reading its {len(spec.columns):,} columns takes about {one:,} "
            f"bytes at a time, and what is made of them {others:,}, {limit}",
            hint="write the file again in smaller row groups or chunks, read fewer columns, or "
            "raise smo.options.memory_limit",
        )
    raise MemoryLimitError(
        f"{spec.k:,} columns{spec.widest} need about {one + others:,} bytes for their rows and "
        f"cross products, {limit}",
        hint="text, dates and C(...) are factors with a column for each level: is one of them "
        "meant to be a number? smo.options.memory_limit = '8 GiB' raises the limit",
    )


def check_room(what: str, need: int) -> None:
    """Refuse an answer for every row that cannot be read into memory, before it is read.

    Raises
    ------
    MemoryLimitError
        It says how to have the answer out of memory.
    """
    if need > max(options.memory_limit, _LEAST):
        raise MemoryLimitError(
            f"{what!r} takes about {need:,} bytes in memory, more than memory_limit = "
            f"{options.memory_limit:,}",
            hint="res.lazy and model.lazy have answers for every row as dask arrays; "
            "smo.options.memory_limit = '8 GiB' raises the limit",
        )
