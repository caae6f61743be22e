"""Rows of data files that a lake's log says are deleted."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from xxhash import xxh3_64_hexdigest


class Deleted(ABC):
    """A cheap, picklable recipe for the numbers of deleted rows of one data file."""

    @abstractmethod
    def rows(self) -> NDArray[np.int64]:
        """The numbers, in order, each once."""

    def between(self, start: int, stop: int) -> int:
        """How many of the rows of a range are deleted."""
        first, last = np.searchsorted(self.rows(), (start, stop))
        return int(last - first)

    def mark(self, start: int, stop: int) -> str:
        """What changes when others of the rows of a range are deleted."""
        first, last = np.searchsorted(self.rows(), (start, stop))
        return str(xxh3_64_hexdigest(self.rows()[first:last].tobytes()))

    def without(self, batch: pa.RecordBatch, start: int) -> pa.RecordBatch:
        """A batch whose first row has a number, without the rows that are deleted."""
        rows = self.rows()
        first, last = np.searchsorted(rows, (start, start + batch.num_rows))
        if first == last:
            return batch
        kept = np.ones(batch.num_rows, dtype=bool)
        kept[rows[first:last] - start] = False
        return batch.filter(pa.array(kept))
