"""What a design must offer a pass, sizes of frames and blocks, and what fits into memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import dask.config
import numpy as np
import pandas as pd
from dask.system import CPU_COUNT

from statsmodels_ooc.engine.kernels import compiled_pays
from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.base import Reduction
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
        self, frame: pd.DataFrame, partition: int, label: str, start: int, block_rows: int
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
        frame: pd.DataFrame,
        partition: int,
        label: str,
        start: int,
        block_rows: int,
    ) -> Iterable[Any]:
        return (frame,)


ANSWER_COPIES = 2  # of an answer in memory: of its partitions, and the whole
_FRAME_ROWS = 65_536
_FRAME_COPIES = 5  # Arrow's, its decoder's, one that its pool keeps, pandas', the variables
_BLOCK_COPIES = 2  # of a block: the design, and the design times weights
_READERS = 6  # whose frames are counted at most: so many fill what is meant for frames
_LEAST = 2**25  # bytes that no limit forbids: the imports alone take more
_BLOCK_BYTES = 2**22  # of a design block: it stays in the cache
_COMPILED_BYTES, _COMPILED_ROWS = 2**24, 131_072
_PIECE_ROWS = 262_144  # the most, where frames are smaller
_PIECES = 3  # that are read, wait or are folded, for every worker


@dataclass(frozen=True)
class Sizes:
    """Rows of a frame, of a block, and of a piece: frames that are folded apart from others."""

    frame_rows: int
    block_rows: int
    piece_rows: int


def sizes_for(spec: BlockSpec, *, dense: bool = False, compiled: bool = False) -> Sizes:
    """Sizes that follow from the design and the settings, never from the workers.

    Parameters
    ----------
    spec : BlockSpec
        The design.
    dense : bool
        Whether all of its columns are written out, those too that a block holds as codes.
    compiled : bool
        Whether machine code goes through the rows of a block in slices of its own: then blocks
        and frames are as long as memory allows, for there are fewer of them.
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
    return Sizes(frame, block, frame * max(1, min(share // 2, _PIECE_ROWS) // frame))


def writes_out(function: Any) -> bool:
    """Whether a function of blocks says that it writes out all columns of the design."""
    return bool(getattr(function, "dense", False))


def are_light(sizes: Sizes, spec: BlockSpec) -> bool:
    """Whether some pieces may wait in memory for every worker."""
    return 2 * 8 * sizes.piece_rows * max(len(spec.columns), 1) <= reader_bytes()


def workers() -> int:
    """How many tasks run at once, as far as dask's settings tell."""
    count: int = dask.config.get("num_workers", None) or CPU_COUNT
    return count


def states_alive() -> int:
    """How many states of a reduction may be in memory at once: of the workers, and merged ones."""
    return workers() + 6


def memory_needed(
    spec: BlockSpec, solving: int, rows: int | None, questions: Sequence[Reduction[Any]]
) -> int:
    """About how many bytes a pass takes at its peak, and what is made of it.

    Frames and blocks of all readers, pieces that wait to be folded, the states of all workers,
    and what is made of the last.

    Parameters
    ----------
    spec : BlockSpec
        The design.
    solving : int
        How many matrices, (k, k), a solver and the results hold beside the states.
    rows : int or None
        The number of rows, where it is known.
    questions : sequence of Reduction
        What is folded.
    """
    sizes = sizes_for(spec, compiled=compiled_pays(spec.k, rows))
    frame_rows = sizes.frame_rows if rows is None else min(sizes.frame_rows, rows)
    piece_rows = sizes.piece_rows if rows is None else min(sizes.piece_rows, rows)
    frame = 8 * frame_rows * len(spec.columns)
    piece = 8 * piece_rows * len(spec.columns)
    block = 8 * min(sizes.block_rows, frame_rows) * spec.width
    reader = _FRAME_COPIES * frame + _BLOCK_COPIES * block
    if are_light(sizes, spec):
        reader += _PIECES * piece - frame
    states = states_alive() * sum(question.nbytes() for question in questions)
    return min(workers(), _READERS) * reader + states + 8 * (spec.k + 2) ** 2 * solving


def check_memory(
    spec: BlockSpec, solving: int, rows: int | None, questions: Sequence[Reduction[Any]]
) -> None:
    """Refuse what cannot fit, before its first read; see `memory_needed`.

    Raises
    ------
    MemoryLimitError
        The message names what makes most of the columns.
    """
    need = memory_needed(spec, solving, rows, questions)
    if need > max(options.memory_limit, _LEAST):
        raise MemoryLimitError(
            f"{spec.k:,} columns{spec.widest} need about {need:,} bytes for their rows and cross "
            f"products, more than memory_limit = {options.memory_limit:,}",
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
