"""Row-aligned answers that stay lazy, and which rows of the source they are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.errors import MemoryLimitError, RowArrayError
from statsmodels_ooc.options import options

_ORDERED = {np.median, np.nanmedian, np.percentile, np.nanpercentile, np.quantile, np.nanquantile}
_WAYS = (
    "slices, reductions and to_zarr stay out of memory; .compute() reads it into NumPy on "
    "purpose; below smo.options.array_limit an answer is the Series or array that statsmodels "
    "gives, and model.data.row_labels are the labels of its rows"
)


class RowArray(da.Array):
    """An answer for every row, as a dask array that does not become NumPy by accident.

    Answers smaller than ``smo.options.array_limit`` are what statsmodels gives; larger
    ones, and those that ``lazy`` gives, are of this kind. What a dask array does not have
    raises an error that says so.

    Attributes
    ----------
    origin : tuple or None
        The stream and the function of blocks that it was made of.
    """

    origin: tuple[Any, Any] | None = None

    def __array__(self, dtype: Any = None, copy: bool | None = None, **kwargs: Any) -> Any:
        if self.nbytes > options.array_limit:
            raise MemoryLimitError(
                f"a row-level array of shape {self.shape} and {self.nbytes:,.0f} bytes would be "
                f"turned into NumPy; array_limit is {options.array_limit:,}",
                hint="use .compute() to do so on purpose, or work with the dask array: "
                "slices, reductions and to_parquet stay out of memory",
            )
        return super().__array__(dtype, copy=copy, **kwargs)  # type: ignore[no-untyped-call]

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _ORDERED:  # dask has them chunk by chunk and averages, or not at all
            named = {name: _read(arg) for name, arg in kwargs.items()}
            return func(*map(_read, args), **named)
        return super().__array_function__(func, types, args, kwargs)  # type: ignore[no-untyped-call]

    def __getattr__(self, name: str) -> Any:
        # Reached only for what a dask array does not have. NumPy, pandas and pickle ask for
        # names with underscores to find out what a thing is.
        if name.startswith("_"):
            raise AttributeError(name)
        raise RowArrayError(f"{self._described} has no attribute {name!r}", hint=_WAYS)

    def __iter__(self) -> Iterator[Any]:
        raise RowArrayError(
            f"{self._described} is not walked through row by row: each row would read its "
            "partition anew",
            hint=_WAYS,
        )

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)  # type: ignore[no-untyped-call]
        self.origin = None  # which gives other rows

    def copy(self) -> RowArray:
        """The same rows, from the same origin; writing to a copy leaves them as they are."""
        found = copy(self)
        found.origin = self.origin
        return found

    @property
    def _described(self) -> str:
        return f"a RowArray, the lazy (dask) array of shape {self.shape} of a row-level answer,"

    def __reduce__(self) -> tuple[Any, ...]:
        return (RowArray, (self.dask, self.name, self.chunks, self.dtype))


def _read(value: Any) -> Any:
    """Lazy rows in memory, where these are small; anything else as it is."""
    return np.asarray(value) if isinstance(value, RowArray) else value


RowNumbers = NDArray[np.intp]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class KeptRows:
    """Which rows of a partition an answer is about.

    Attributes
    ----------
    kept : ndarray of int, (m,), or None
        The numbers of the m rows that were kept among those that were read; None for all.
    read : int
        Rows that were read: those that a subset chose.
    numbers : ndarray of int, (m,), or None
        Their numbers among all rows of the partition, those not chosen counted; None for
        all.
    rows : int
        All rows of the partition.
    labels : Index or None
        Their labels, where the source has an index of its own.
    repeats : int
        How often reading them was interrupted and began again.
    """

    kept: RowNumbers | None
    read: int
    numbers: RowNumbers | None
    rows: int
    labels: pd.Index[Any] | None
    repeats: int = 0


@dataclass(frozen=True)
class UsedRows:
    """The rows of a source that a model uses.

    Attributes
    ----------
    labels : Index, (n,)
        The labels that the source's own index gives them, or else their numbers in the
        source, rows that were dropped or not chosen counted.
    kept : sequence of (int, ndarray or None)
        Of each partition: rows read, and the numbers among them of those that were kept,
        None for all.
    """

    labels: pd.Index[Any]
    kept: Sequence[tuple[int, RowNumbers | None]]

    @property
    def dropped(self) -> RowNumbers:
        """The numbers of the dropped rows among those that were read.

        As statsmodels counts them in ``missing_row_idx``.
        """
        lost, start = [np.empty(0, dtype=np.intp)], 0
        for read, kept in self.kept:
            if kept is not None:
                is_lost = np.ones(read, dtype=np.bool_)
                is_lost[kept] = False
                lost.append(start + np.flatnonzero(is_lost))
            start += read
        return np.concatenate(lost)

    def labels_of(self, partitions: IntArray, rows: IntArray) -> pd.Index[Any]:
        """The labels of a few rows, by partitions and numbers among those read of them, (c,)."""
        counts = [read if kept is None else len(kept) for read, kept in self.kept]
        before = np.cumsum([0, *counts])
        places = np.array(rows)
        for partition in set(partitions.tolist()):
            kept, here = self.kept[partition][1], partitions == partition
            if kept is not None:
                places[here] = np.searchsorted(kept, rows[here])
        return self.labels.take(before[partitions] + places)


def few_labels(
    counts: Sequence[int],
    own: Mapping[int, pd.Index[Any] | None],
    partitions: IntArray,
    rows: IntArray,
) -> pd.Index[Any]:
    """The labels of a few rows, or their numbers in the source, (c,).

    Parameters
    ----------
    counts : sequence of int
        The rows of every partition.
    own : mapping
        By partition, the labels that the source's own index gives its rows.
    partitions, rows : ndarray of int, (c,)
        Numbers of partitions, and of rows in them.
    """
    labels = [own.get(p) for p in partitions.tolist()]
    if len(rows) == 0 or any(each is None for each in labels):
        before = np.cumsum([0, *counts])
        return pd.Index(before[partitions] + rows)
    pairs = zip(labels, rows.tolist(), strict=True)
    return _joined([index[[row]] for index, row in pairs if index is not None])


def used_rows(pieces: Sequence[KeptRows]) -> UsedRows:
    """The rows of a source, from those of its partitions in order."""
    if all(piece.labels is not None for piece in pieces):
        labels = _joined([piece.labels for piece in pieces if piece.labels is not None])
    else:
        labels = _numbers(pieces)
    return UsedRows(labels, [(piece.read, piece.kept) for piece in pieces])


def _joined(labels: Sequence[pd.Index[Any]]) -> pd.Index[Any]:
    filled = [piece for piece in labels if len(piece)] or list(labels[:1])
    joined: pd.Index[Any] = filled[0].append(filled[1:]) if len(filled) > 1 else filled[0]
    return joined


def _numbers(pieces: Sequence[KeptRows]) -> pd.Index[Any]:
    total = sum(piece.rows for piece in pieces)
    if all(piece.numbers is None for piece in pieces):
        return pd.RangeIndex(total)
    counts = [piece.rows if piece.numbers is None else len(piece.numbers) for piece in pieces]
    numbers = np.empty(sum(counts), dtype=np.intp)
    start = filled = 0
    for piece, count in zip(pieces, counts, strict=True):
        own = np.arange(piece.rows) if piece.numbers is None else piece.numbers
        np.add(own, start, out=numbers[filled : filled + count])
        start, filled = start + piece.rows, filled + count
    labels: pd.Index[Any] = pd.Index(numbers, copy=False)
    return labels
