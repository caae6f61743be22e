"""Rows of an array in a file, as a dask array."""

from __future__ import annotations

import os
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize

from statsmodels_ooc.errors import ParseError, SourceAccessError, SourceChangedError, SourceError
from statsmodels_ooc.sources.listing import access_errors

_BLOCK = 2**24  # bytes of a block of rows
_KINDS = {"zarr": "arrays of zarr", "h5py": "arrays of h5py", "numpy": "memory maps"}


def of_rows(stored: Any) -> Any:
    """A dask array over an array of zarr, h5py or NumPy: blocks of whole rows.

    Parameters
    ----------
    stored : zarr.Array, h5py.Dataset or numpy.memmap, (n,) or (n, k)
        The array, whose file stays open and as it is.

    Raises
    ------
    SourceError
        It has another number of dimensions, or its file is closed.
    """
    rows = StoredRows(stored)
    if stored.ndim not in (1, 2):
        raise SourceError(
            f"an array of {stored.ndim} dimensions is neither a column nor a table",
            hint="endog has one dimension, exog one or two",
        )
    chunks = getattr(stored, "chunks", None)  # none of a map, and of HDF5 without chunks
    step = chunks[0] if chunks else 1
    row = max(stored.dtype.itemsize * (stored.shape[1] if stored.ndim == 2 else 1), 1)
    count = max(step * max(_BLOCK // (row * step), 1), 1)
    locked = rows.kind == "h5py"  # which is read by one thread at a time
    name = f"{_prefix(rows.kind)}{tokenize(stored)}"
    return da.from_array(rows, (count, *stored.shape[1:]), name=name, lock=locked)


def kind_of(array: Any) -> str:
    """What a dask array reads, in words."""
    name = str(getattr(array, "name", ""))
    return next((told for kind, told in _KINDS.items() if name.startswith(_prefix(kind))), "")


def _prefix(kind: str) -> str:
    return f"rows-of-{kind}-"


class StoredRows:
    """An array in a file, as far as dask needs one; its errors are those of this package.

    Parameters
    ----------
    stored : zarr.Array, h5py.Dataset or numpy.memmap
        The array.

    Raises
    ------
    SourceAccessError
        Its file is closed.
    """

    def __init__(self, stored: Any) -> None:
        self.kind = type(stored).__module__.partition(".")[0]
        self._stored = stored
        self._check_open()
        self.shape, self.dtype, self.ndim = stored.shape, stored.dtype, stored.ndim

    def __repr__(self) -> str:
        return f"<{self.place}>"

    @property
    def place(self) -> str:
        """The file, and where the array stands in it."""
        if self.kind == "h5py":
            return f"{self._stored.name!r} of {self._stored.file.filename}" if self._stored else ""
        if self.kind == "numpy":
            return str(self._stored.filename)
        return str(self._stored.store_path)

    def __getitem__(self, key: Any) -> Any:
        self._check_open()
        self._check_length()
        try:
            return np.asarray(self._stored[key])
        except OSError as error:
            if error.errno is None:
                raise self._damaged(error) from error
            with access_errors(self.place):
                raise
        except (RuntimeError, ValueError) as error:
            raise self._damaged(error) from error

    def _check_open(self) -> None:
        if self.kind == "h5py" and not self._stored:
            raise SourceAccessError(
                "an array of h5py cannot be read: its file is closed",
                hint="keep the file open until the last result has been asked for, or give its "
                "path: smo.read_hdf(path)",
            )

    def _check_length(self) -> None:
        """Refuse a map of a file that is too short now: reading it would end the process."""
        if self.kind != "numpy":
            return
        with access_errors(self.place):
            size = os.stat(self._stored.filename).st_size
        needed = self._stored.offset + self._stored.nbytes
        if size < needed:
            raise SourceChangedError(
                f"{self.place} changed after it was opened: it has {size:,} bytes, and the map "
                f"needs {needed:,}",
                hint="open the file again and fit again",
            )

    def _damaged(self, error: Exception) -> ParseError:
        return ParseError(
            f"{self.place} cannot be read: {type(error).__name__}: {error}",
            hint="the file may be truncated, damaged, or still being written",
        )
