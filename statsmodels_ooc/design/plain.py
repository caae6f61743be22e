"""Columns in dtypes that patsy and NumPy functions know."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.design.block import FloatArray, Where
from statsmodels_ooc.errors import DesignError

__all__ = ["PlainFrame", "column_values"]


class PlainFrame:
    """A frame whose columns are made plain when a factor looks them up.

    Strings become object, as statsmodels does; nullable numbers become floats with
    NaN, or stay whole numbers where nothing is missing.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        Rows as a source gives them.

    Attributes
    ----------
    raw : DataFrame
        The frame itself.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.raw = frame
        self._changed: dict[str, pd.Series] = {}

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, name: str) -> pd.Series:
        column = self.raw[name]
        if not _is_odd(column.dtype):
            return column
        if name not in self._changed:
            self._changed[name] = _plain_column(column)
        return self._changed[name].copy(deep=False)


def _is_odd(dtype: Any) -> bool:
    return (
        isinstance(dtype, pd.api.extensions.ExtensionDtype)
        and not isinstance(dtype, pd.CategoricalDtype)
        and dtype.kind != "M"
    )


def _plain_column(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.StringDtype) and column.dtype.na_value is np.nan:
        return column.astype(object)
    absent = column.isna()
    if column.dtype.kind in "iuf" and absent.any():
        return column.astype("float64")
    if column.dtype.kind in "iufb" and not absent.any():
        inside = "subtype" if isinstance(column.dtype, pd.SparseDtype) else "numpy_dtype"
        return column.astype(getattr(column.dtype, inside))
    return column.astype(object).where(~absent, None)


def column_values(column: pd.Series, name: str, where: Where) -> FloatArray:
    """A numeric column as floats, (n,), NaN where missing.

    Raises
    ------
    DesignError
        It holds something else than numbers; text is not read as numbers.
    """
    if column.dtype == np.float64:
        return column.to_numpy()
    if column.dtype.kind not in "iufb" and not _holds_numbers(column):
        raise DesignError(
            f"column {name!r} is {column.dtype} in {where}, where numbers are needed",
            hint="a column has one type in all chunks; convert it, or write C(...) around it",
        )
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _holds_numbers(column: pd.Series) -> bool:
    kinds = ("integer", "floating", "mixed-integer-float", "decimal", "empty")
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) in kinds
