"""Rows of a source, column by column, before anybody needs a pandas frame of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Chunk:
    """Consecutive rows of some columns.

    A frame costs a hundred microseconds to make and ten for every column that is looked up in
    it, with the interpreter's lock held: numbers go without one.

    Parameters
    ----------
    labels : Index
        The names of the columns.
    arrays : sequence of array_like, (b,)
        Their values: of NumPy, or pandas' extension arrays, or Series of them.
    rows : int
        b.
    """

    __slots__ = ("_arrays", "_frame", "_labels", "names", "rows")

    def __init__(self, labels: pd.Index[Any], arrays: Sequence[Any], rows: int) -> None:
        self.names: tuple[Any, ...] = tuple(labels)
        self.rows = rows
        self._labels = labels
        self._arrays = dict(zip(self.names, arrays, strict=True))
        self._frame: pd.DataFrame | None = None

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Chunk:
        """The rows of a frame."""
        chunk = cls.__new__(cls)
        chunk.names, chunk.rows = tuple(frame.columns), len(frame)
        chunk._labels, chunk._arrays, chunk._frame = frame.columns, {}, frame
        return chunk

    def __len__(self) -> int:
        return self.rows

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return sum(int(self.array(name).nbytes) for name in self.names)

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a frame, which shares their memory."""
        if self._frame is None:
            arrays = dict(enumerate(self._arrays.values()))
            self._frame = pd.DataFrame(arrays, index=pd.RangeIndex(self.rows), copy=False)
            self._frame.columns = self._labels
        return self._frame

    def __getitem__(self, name: Any) -> pd.Series:
        """A column as pandas has it."""
        if self._frame is None:
            return pd.Series(self._arrays[name], name=name, copy=False)
        column: pd.Series = self._frame[name]
        return column

    def array(self, name: Any) -> Any:
        """The values of a column: an array of NumPy, or an extension array."""
        if name not in self._arrays:
            column = self[name]
            plain = isinstance(column.dtype, np.dtype)
            self._arrays[name] = column.to_numpy() if plain else column.array
        return self._arrays[name]

    def take(self, positions: NDArray[np.intp]) -> pd.DataFrame:
        """Some of the rows, by their positions, in memory of their own."""
        if self._frame is not None:
            return self._frame.take(positions)
        taken = [_unlabelled(values).take(positions) for values in self._arrays.values()]
        return Chunk(self._labels, taken, len(positions)).frame


def _unlabelled(values: Any) -> Any:
    return values.array if isinstance(values, pd.Series) else values


def as_chunk(rows: Chunk | pd.DataFrame) -> Chunk:
    """Rows in either way as a `Chunk`."""
    return rows if isinstance(rows, Chunk) else Chunk.of(rows)
