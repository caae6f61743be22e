"""Factors of a formula, evaluated on a frame: numbers, or codes of levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc._patsy import EvalFactor, is_numeric
from statsmodels_ooc.design.block import FloatArray, Where
from statsmodels_ooc.design.levels import Codes, encode, unbox
from statsmodels_ooc.errors import DesignError

__all__ = [
    "Categorical",
    "Factor",
    "Numeric",
    "column_values",
    "evaluate",
    "plain",
    "require_rowwise",
]


@dataclass(frozen=True)
class Numeric:
    """A numerical factor.

    Attributes
    ----------
    name : str
        The factor's code.
    factor, state : EvalFactor, dict
        What patsy evaluates.
    column : str or None
        The source's column where the factor is nothing but that.
    width : int
        The number of columns that it evaluates to.
    """

    name: str
    factor: EvalFactor
    state: dict[str, Any]
    column: str | None
    width: int

    def values(self, frame: pd.DataFrame, where: Where) -> FloatArray:
        """The factor's columns, (width, n), each contiguous; NaN where missing."""
        if self.column is not None:
            return column_values(frame[self.column], self.name, where)[None, :]
        value = np.asarray(evaluate(self.factor, self.state, frame))
        if not is_numeric(value):
            raise DesignError(f"{self.name!r} is no longer numeric at {where.row(0)}")
        value = value[:, None] if value.ndim == 1 else value
        if value.shape != (len(frame), self.width):
            raise DesignError(
                f"{self.name!r} has shape {value.shape} where {len(frame)} rows of "
                f"{where} give ({len(frame)}, {self.width})",
                hint="every name in a formula is a column of the data or a scalar: arrays "
                "from outside cannot follow the rows of a chunk",
            )
        return np.ascontiguousarray(value.T, dtype=np.float64)

    @staticmethod
    def absent(values: FloatArray) -> NDArray[np.bool_] | None:
        """Which rows are missing, None for none."""
        # The sum of a row with a NaN is NaN; infinities may add up to one as well.
        if not np.isnan(values.sum()):
            return None
        mask: NDArray[np.bool_] = np.isnan(values).any(axis=0)
        return mask if mask.any() else None


@dataclass(frozen=True)
class Categorical:
    """A categorical factor: `Numeric`, with levels in place of a width."""

    name: str
    factor: EvalFactor
    state: dict[str, Any]
    column: str | None
    levels: tuple[Any, ...]

    def values(self, frame: pd.DataFrame, where: Where) -> Codes:
        """Positions among the levels, (n,); -1 where missing."""
        value = frame[self.column] if self.column else evaluate(self.factor, self.state, frame)
        codes = encode(unbox(value), self.levels, self.column or self.name, where)
        if len(codes) != len(frame):
            raise DesignError(f"{self.name!r} has {len(codes)} values for {len(frame)} rows")
        return codes

    @staticmethod
    def absent(values: Codes) -> NDArray[np.bool_] | None:
        """Which rows are missing, None for none."""
        return values < 0 if values.size and values.min() < 0 else None


Factor = Numeric | Categorical


def evaluate(factor: EvalFactor, state: dict[str, Any], frame: pd.DataFrame) -> Any:
    """Evaluate a factor as patsy does."""
    return factor.eval(state, plain(frame))


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame in dtypes that patsy and NumPy functions know.

    Strings become object, as statsmodels does; nullable numbers become floats with
    NaN, or stay whole numbers where nothing is missing.
    """
    changed = {
        name: _plain_column(column)
        for name, column in frame.items()
        if isinstance(column.dtype, pd.api.extensions.ExtensionDtype)
        and not isinstance(column.dtype, pd.CategoricalDtype)
        and column.dtype.kind != "M"
    }
    return frame.assign(**changed) if changed else frame


def _plain_column(column: pd.Series) -> pd.Series:
    kind = column.dtype.kind
    if kind in "iuf" and column.isna().any():
        return column.astype("float64")
    if kind in "iufb" and not column.isna().any():
        return column.astype(column.dtype.numpy_dtype)
    return column.astype(object).where(column.notna(), None)


def column_values(column: pd.Series, name: str, where: Where) -> FloatArray:
    """A numeric column as floats, (n,), NaN where missing."""
    if column.dtype == np.float64:
        return column.to_numpy()
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DesignError(
            f"column {name!r} holds {column.dtype} in {where}, not numbers: {error}"
        ) from None


def require_rowwise(factor: EvalFactor, state: dict[str, Any], head: pd.DataFrame) -> None:
    """Refuse a factor whose value in a row depends on other rows.

    Evaluated chunk by chunk, ``x - x.mean()`` would subtract the mean of the chunk:
    a silent wrong number. The halves of the first rows must give what all of them
    give.

    Raises
    ------
    DesignError
        They do not.
    """
    half = len(head) // 2
    if half == 0:
        return
    whole = _as_frame(evaluate(factor, state, head))
    for piece in (slice(0, half), slice(half, len(head))):
        part = _as_frame(evaluate(factor, state, head.iloc[piece]))
        if len(whole) == len(head) and not part.equals(whole.iloc[piece].reset_index(drop=True)):
            raise DesignError(
                f"{factor.name()!r} does not work row by row: its value changes with the rows "
                "that are evaluated together, so chunks would not give what the whole gives",
                hint="use a stateful transform (center, standardize, bs, or your own with "
                "patsy.stateful_transform), or write the constant into the formula",
            )


def _as_frame(value: Any) -> pd.DataFrame:
    inner = unbox(value)
    if isinstance(getattr(inner, "dtype", None), pd.CategoricalDtype):
        inner = np.asarray(inner, dtype=object)
    return pd.DataFrame(np.atleast_1d(np.asarray(inner)))
