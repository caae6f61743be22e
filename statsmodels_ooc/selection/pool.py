"""Raw rows that were carried, and those that are gathered in a pass of their own, by number."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.engine.sizes import states_alive
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.selection.carried import Numbering, RawBlock, partitions_of, rows_of
from statsmodels_ooc.selection.ordering import IntArray


@dataclass(slots=True)
class Pool:
    """Raw rows, each with its code and its place among the rows that were kept.

    A place is the number of kept rows before in the partition.
    """

    codes: list[IntArray] = field(default_factory=list)  # of each frame
    places: list[IntArray] = field(default_factory=list)
    frames: list[pd.DataFrame] = field(default_factory=list)
    nbytes: int = 0  # about how much memory the rows take

    @property
    def size(self) -> int:
        """How many rows it has."""
        return sum(len(codes) for codes in self.codes)

    def add(self, codes: IntArray, places: IntArray, frame: pd.DataFrame, nbytes: int) -> None:
        self.codes.append(codes)
        self.places.append(places)
        self.frames.append(frame)
        self.nbytes += nbytes

    def only(self, codes: IntArray) -> Pool:
        """The rows of these codes, once each, in the order of the codes; all are there."""
        if not self.frames:
            return Pool()
        own = np.concatenate(self.codes)
        order = np.argsort(own, kind="stable")
        found = order[np.searchsorted(own[order], np.sort(codes))]
        frame = pd.concat(self.frames, ignore_index=True).take(found)
        places = np.concatenate(self.places)[found]
        share = self.nbytes * len(found) // max(len(own), 1)
        return Pool([own[found]], [places], [frame.reset_index(drop=True)], share)

    def joined(self, other: Pool) -> Pool:
        """The rows of both."""
        return Pool(
            self.codes + other.codes,
            self.places + other.places,
            self.frames + other.frames,
            self.nbytes + other.nbytes,
        )


@dataclass(slots=True)
class GatherState:
    """Raw rows that were found so far."""

    kept: dict[int, int] = field(default_factory=dict)
    pool: Pool = field(default_factory=Pool)


@dataclass(frozen=True)
class Gather(Reduction[GatherState]):
    """Find the raw rows of some codes, which are sorted."""

    is_divisible = False  # rows are numbered from the start of a partition

    codes: IntArray
    numbering: Numbering

    def init(self) -> GatherState:
        return GatherState()

    def update(self, state: GatherState, block: RawBlock) -> GatherState:
        codes = self.numbering.codes(block)
        before = state.kept.get(block.partition, 0)
        state.kept[block.partition] = before + len(codes)
        rows = np.flatnonzero(np.isin(codes, self.codes))
        if len(rows):
            state.pool.add(codes[rows], rows + before, *block.raw(rows))
        return state

    def merge(self, left: GatherState, right: GatherState) -> GatherState:
        return GatherState(left.kept | right.kept, left.pool.joined(right.pool))


_CELL = 32  # bytes of a value of a raw row, on the average
_SHARE = 4  # a quarter of the memory limit may go to raw rows


@dataclass(frozen=True)
class NumberedRows:
    """The rows of a stream of `RawBlock`."""

    stream: StreamedRows
    seed: int  # for hashes of their numbers

    def numbering(self, purpose: int | None = None) -> Numbering:
        """How ties are broken: by number, or by hashes for a purpose.

        Hashes take a pass where nobody knows how many rows the partitions have.
        """
        return Numbering(self.seed, purpose, None if purpose is None else self._starts())

    def _starts(self) -> IntArray:
        partitions = self.stream.source.partitions
        rows = [partition.rows for partition in partitions]
        if any(count is None for count in rows[:-1]):
            rows = [read for read, _, _ in self.stream.seen]
        return np.cumsum([0, *(count or 0 for count in rows[:-1])], dtype=np.int64)

    def nbytes(self, rows: int) -> int:
        """About how much memory so many raw rows take."""
        return rows * _CELL * (len(self.stream.spec.columns) + 1)

    def may_hold(self, rows: int) -> bool:
        """Whether so many raw rows fit, once."""
        room: int = options.memory_limit // _SHARE
        return self.nbytes(rows) <= room

    def room(self, rows: int) -> int:
        """How many bytes of raw rows each state may carry; 0 where it need not even try."""
        share: int = options.memory_limit // _SHARE // states_alive()
        return share if 2 * self.nbytes(rows) <= share else 0

    def fetched(self, codes: IntArray, carried: Pool) -> Pool:
        """The raw rows of some codes: of those carried, or gathered in one more pass."""
        if carried.frames:
            return carried.only(codes)
        (found,) = self.stream.fold("rows", Gather(np.sort(codes), self.numbering()))
        pool: Pool = found.pool.only(codes)
        return pool

    def numbered(self, pool: Pool) -> tuple[pd.DataFrame, IntArray]:
        """Raw rows under their numbers in the source, and their numbers among the kept ones."""
        (codes,), (places,), (frame,) = pool.codes, pool.places, pool.frames
        frame.index, frame.columns = pd.Index(self.in_source(codes)), list(frame.columns)
        index: IntArray = self._offsets(1)[partitions_of(codes)] + places
        return frame, index

    def in_source(self, codes: IntArray) -> IntArray:
        """Row numbers in the source; after a pass."""
        return rows_of(codes, self._offsets(0))

    def _offsets(self, which: int) -> IntArray:
        """Rows read (0) or kept (1) before each partition."""
        counts = [seen[which] for seen in self.stream.seen]
        return np.cumsum([0, *counts[:-1]], dtype=np.int64)
