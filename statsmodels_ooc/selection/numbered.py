"""The rows of a stream by number: which they are, what they hold, how many fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.engine.sizes import states_alive
from statsmodels_ooc.options import options
from statsmodels_ooc.selection.numbering import Numbering, partitions_of, rows_of
from statsmodels_ooc.selection.ordering import IntArray
from statsmodels_ooc.selection.pool import Gather, Pool

__all__ = ["NumberedRows"]

_CELL = 32  # bytes of a value of a raw row, on the average
_SHARE = 4  # a quarter of the memory limit may go to raw rows


@dataclass(frozen=True)
class NumberedRows:
    """The rows of a stream of `RawBlock`.

    Parameters
    ----------
    stream : StreamedRows
        The rows.
    seed : int
        For hashes of their numbers.
    """

    stream: StreamedRows
    seed: int

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
        """NumberedRows read (0) or kept (1) before each partition."""
        counts = [seen[which] for seen in self.stream.seen]
        return np.cumsum([0, *counts[:-1]], dtype=np.int64)
