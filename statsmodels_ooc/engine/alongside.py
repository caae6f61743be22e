"""Arrays of somebody else beside lazy rows, and sums over both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.rowarray import RowArray
from statsmodels_ooc.errors import DesignError

__all__ = ["aligned", "as_rows", "beside", "total"]


def as_rows(array: Any) -> RowArray:
    """A dask array that does not become NumPy by accident any more."""
    return RowArray(  # type: ignore[no-untyped-call]
        array.dask, array.name, array.chunks, dtype=array.dtype
    )


def aligned(values: Any, rows: RowArray, what: str) -> Any:
    """Values as long as some rows, as a dask array with their chunks.

    Parameters
    ----------
    values : dask, NumPy or pandas, (n,) or (n, q)
        The values, in the order of the rows.
    rows : RowArray, (n,) or (n, p)
        The rows.
    what : str
        What the values are, for messages.

    Raises
    ------
    DesignError
        There are not as many values as rows.
    """
    if hasattr(values, "to_dask_array"):
        values = values.to_dask_array(lengths=True)
    elif not isinstance(values, da.Array):
        values = da.from_array(np.asarray(values, dtype=np.float64))
    if np.isnan(values.shape[0]):
        values = values.compute_chunk_sizes()
    if values.shape[0] != rows.shape[0]:
        raise DesignError(
            f"{what} has {values.shape[0]:,} rows, the model has {rows.shape[0]:,}",
            hint="rows that were dropped for missing values are none of the model's",
        )
    return values.rechunk({0: rows.chunks[0], **({1: -1} if values.ndim == 2 else {})})


def beside(rows: RowArray, values: Any, what: str) -> Any:
    """The columns of some rows and, to their right, aligned values, (n, p + q)."""
    values = aligned(values, rows, what)
    columns = values[:, None] if values.ndim == 1 else values
    return da.concatenate([rows, columns], axis=1).rechunk({1: -1})


def total(function: Callable[[FloatArray], FloatArray], rows: Any, width: int) -> FloatArray:
    """The sum, over chunks of rows, of what a function makes of each.

    Parameters
    ----------
    function : callable
        Rows (b, p) to an array (width,); picklable.
    rows : dask Array, (n, p)
        The rows, every chunk with all columns.
    width : int
        The length of the answer.
    """
    chunks = ((1,) * rows.numblocks[0], (width,))
    pieces = rows.map_blocks(_lifted, function, chunks=chunks, dtype=np.float64, meta=_EMPTY)
    found: FloatArray = np.asarray(pieces.sum(axis=0).compute())
    return found


_EMPTY = np.empty((0, 0))


def _lifted(rows: FloatArray, function: Callable[[FloatArray], FloatArray]) -> FloatArray:
    return np.asarray(function(rows))[None, :]
