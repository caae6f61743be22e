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
from statsmodels_ooc.errors import OptionError
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
    """A design that leaves frames as they are.

    Attributes
    ----------
    value_bytes : int
        What a value takes, where more than a number is made of it.
    """

    columns: tuple[str, ...]
    encoded: frozenset[str]
    k: int = 0
    width: int = 0
    widest: str = ""
    block_rows: int = 1
    value_bytes: int = 8

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
_BLOCK_COPIES = 3  # of a block: the design, the design times weights, and what is made of that
_ALLOCATED = 1.5  # times what arrays of a block take: allocators keep what is free
_AT_EASE = 1.3  # times what a reader holds, unless what Arrow has freed is given back at once
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
    row_bytes : int
        What a thread holds of every row of the block that it folds.
    frees : bool
        Whether readers give back at once what Arrow has freed, which takes time.
    shares : bool
        Whether memory has room for several threads on a partition.
    """

    frame_rows: int
    block_rows: int
    piece_rows: int
    written: int = 0
    room: int | None = None
    row_bytes: int = 0
    frees: bool = False
    shares: bool = True

    def folding(self, rows: int | None = None) -> int:
        """Bytes that a thread holds that folds a block, of so many rows where these are few."""
        most = min(self.block_rows, self.frame_rows)
        return self.row_bytes * (most if rows is None else min(most, rows))


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
    value_bytes = spec.value_bytes if isinstance(spec, WholeFrames) else 8
    row_bytes = value_bytes * max(len(spec.columns), 1)
    share = reader_bytes() // row_bytes
    frame = options.frame_rows or int(np.clip(share, 1_024, max(most, _FRAME_ROWS)))
    piece = frame * max(1, min(share // 2, _PIECE_ROWS) // frame)
    room = None if reads_here() else limit() - states_bytes(questions)
    in_slices = compiled and all(question.is_sliced() for question in questions)
    written = 0 if in_slices else spec.k if dense else spec.width
    values = _BLOCK_COPIES * (written + 2) + sum(one.row_values() for one in questions)
    return Sizes(frame, block, piece, written, room, int(_ALLOCATED * 8 * values))


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


def limit() -> int:
    """Bytes that a pass may plan with."""
    return int(max(options.memory_limit - copied_bytes(), _LEAST))


def states_bytes(questions: Sequence[Reduction[Any]]) -> int:
    """Bytes of all states of some reductions that are in memory at once."""
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
    return int(told * (1 if sizes.frees else _AT_EASE)) + sizes.folding(rows)


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
    need, far = reader_needs(largest(source), spec, sizes), is_far(source)
    count = readers_at_once(need, sizes.room, far)
    most = min(workers(), len(source.partitions), readers_at_once(1, sizes.room, far))
    return count if count < most else None


def is_far(source: Source) -> bool:
    """Whether reading some partition may wait for something else than this machine."""
    return any(partition.is_far for partition in source.partitions)


def largest(source: Source) -> Partition:
    """The partition that is likely to take most memory."""
    return max(source.partitions, key=lambda one: (one.nbytes or 0, one.rows or 0))
