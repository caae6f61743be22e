"""The arrays of a design store as dask arrays, which read under the lock of HDF5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.sources.design_file import read_array
from statsmodels_ooc.sources.files import StoredFile


@dataclass(frozen=True)
class _Rows:
    """Rows of an array of a file, as they are when they are asked for."""

    file: StoredFile
    node: str
    column: int | None

    __name__ = "rows"  # in pictures of task graphs

    def __call__(self, block_info: Any = None) -> NDArray[Any]:
        (start, stop), *_ = block_info[None]["array-location"]
        self.file.now()
        values = read_array(self.file.path, self.node, start, stop)
        self.file.now()
        return values if self.column is None else np.ascontiguousarray(values[:, self.column])


def dask_rows(
    file: StoredFile,
    node: str,
    chunks: tuple[int, ...],
    width: int | None,
    column: int | None = None,
) -> Any:
    """An array of a store.

    Parameters
    ----------
    file : StoredFile
        As it is now.
    node : str
        The array.
    chunks : tuple of int
        Rows of each chunk.
    width : int or None
        Columns; None for one dimension.
    column : int, optional
        The only column that is wanted.

    Returns
    -------
    dask Array, (n,) or (n, width)
        Each chunk opens the file, reads its rows, and closes it.
    """
    shape = (chunks,) if width is None else (chunks, (width,))
    rows = _Rows(file, node, column)
    make: Any = da.map_blocks
    return make(rows, chunks=shape, dtype=np.float64, meta=np.empty((0,) * len(shape)))
