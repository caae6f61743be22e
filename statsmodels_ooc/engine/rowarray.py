"""Row-aligned answers that stay lazy."""

from __future__ import annotations

from typing import Any

import dask.array as da

from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.options import options

__all__ = ["RowArray"]


class RowArray(da.Array):
    """A row-aligned answer as a dask array that does not become NumPy by accident.

    Below ``smo.options.array_limit`` it turns into NumPy whenever something asks for
    an array; above, ``.compute()`` does so on purpose.
    """

    def __array__(self, dtype: Any = None, copy: bool | None = None, **kwargs: Any) -> Any:
        if self.nbytes > options.array_limit:
            raise MemoryLimitError(
                f"a row-level array of shape {self.shape} and {self.nbytes:,.0f} bytes would be "
                f"turned into NumPy; array_limit is {options.array_limit:,}",
                hint="use .compute() to do so on purpose, or work with the dask array: "
                "slices, reductions and to_parquet stay out of memory",
            )
        return super().__array__(dtype, copy=copy, **kwargs)  # type: ignore[no-untyped-call]

    def __reduce__(self) -> tuple[Any, ...]:
        return (RowArray, (self.dask, self.name, self.chunks, self.dtype))
