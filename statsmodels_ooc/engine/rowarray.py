"""Row-aligned answers that stay lazy."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import dask.array as da
import numpy as np

from statsmodels_ooc.errors import MemoryLimitError, RowArrayError
from statsmodels_ooc.options import options

__all__ = ["RowArray"]

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
