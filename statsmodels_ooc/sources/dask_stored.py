"""Rows of an array in a file, as a dask array."""

from __future__ import annotations

from typing import Any

import dask.array as da

from statsmodels_ooc.errors import SourceError

_BLOCK = 2**24  # bytes of a block of rows


def of_rows(stored: Any) -> Any:
    """A dask array over an array of zarr, h5py or NumPy: blocks of whole rows.

    Parameters
    ----------
    stored : zarr.Array, h5py.Dataset or numpy.memmap, (n,) or (n, k)
        The array, whose file stays open and as it is.

    Raises
    ------
    SourceError
        It has another number of dimensions.
    """
    if stored.ndim not in (1, 2):
        raise SourceError(
            f"an array of {stored.ndim} dimensions is neither a column nor a table",
            hint="endog has one dimension, exog one or two",
        )
    chunks = getattr(stored, "chunks", None)  # none of a map, and of HDF5 without chunks
    step = chunks[0] if chunks else 1
    row = max(stored.dtype.itemsize * (stored.shape[1] if stored.ndim == 2 else 1), 1)
    rows = max(step * max(_BLOCK // (row * step), 1), 1)
    locked = type(stored).__module__.startswith("h5py")  # which is read by one thread at a time
    return da.from_array(stored, (rows, *stored.shape[1:]), lock=locked)
