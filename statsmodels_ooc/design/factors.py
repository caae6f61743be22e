"""Factors of a formula, evaluated on a frame: numbers, or codes of levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc._patsy import Box, EvalFactor, PatsyError, is_numeric, scope
from statsmodels_ooc.design.block import FloatArray, Where
from statsmodels_ooc.design.codes import Codes, encode
from statsmodels_ooc.design.plain import PlainFrame, column_values
from statsmodels_ooc.errors import DesignError

__all__ = ["FROM_OUTSIDE", "Categorical", "Factor", "Numeric", "evaluate", "unbox"]

FROM_OUTSIDE = (
    "every name in a formula is a column of the data, or a scalar or a function: arrays "
    "from outside cannot follow the rows of a chunk; make the array a column"
)


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

    @property
    def capacities(self) -> tuple[None, ...]:
        """None for each of its columns, which are numbers."""
        return (None,) * self.width

    def values(self, frame: PlainFrame, where: Where) -> FloatArray:
        """The factor's columns, (width, n); NaN where missing.

        Raises
        ------
        DesignError
            It is not numeric, or not of this shape.
        """
        if self.column is not None:
            return column_values(frame.raw[self.column], self.column, where)[None, :]
        value = np.asarray(evaluate(self.factor, self.state, frame))
        if value.ndim < 2:
            value = value.reshape(-1, 1)
        if not is_numeric(value):
            value = _numbers(value, self.name, where)
        if value.shape != (len(frame), self.width):
            raise DesignError(
                f"{self.name!r} has shape {value.shape} where {len(frame)} rows of "
                f"{where} give ({len(frame)}, {self.width})",
                hint=FROM_OUTSIDE,
            )
        return np.ascontiguousarray(value.T, dtype=np.float64)

    @staticmethod
    def absent(values: FloatArray) -> NDArray[np.bool_] | None:
        """Which rows are missing, None for none."""
        flat = values.ravel()
        if not np.isnan(np.dot(flat, flat)):  # squares cannot cancel: NaN comes from NaN
            return None
        mask: NDArray[np.bool_] = np.any(np.isnan(values), axis=0)
        return mask


@dataclass(frozen=True)
class Categorical:
    """A categorical factor: `Numeric`, with levels in place of a width."""

    name: str
    factor: EvalFactor
    state: dict[str, Any]
    column: str | None
    levels: tuple[Any, ...]

    @property
    def capacities(self) -> tuple[int]:
        """How many codes it can have."""
        return (len(self.levels),)

    def values(self, frame: PlainFrame, where: Where) -> Codes:
        """Positions among the levels, (n,); -1 where missing.

        Raises
        ------
        UnseenLevelError
            A value is not among the levels.
        DesignError
            There is not one value a row.
        """
        if self.column is not None:
            return encode(frame.raw[self.column], self.levels, self.column, where)
        value = unbox(evaluate(self.factor, self.state, frame))
        codes = encode(value, self.levels, self.name, where)
        if len(codes) != len(frame):
            raise DesignError(
                f"{self.name!r} has {len(codes)} values where {where} has {len(frame)} rows",
                hint=FROM_OUTSIDE,
            )
        return codes

    @staticmethod
    def absent(values: Codes) -> NDArray[np.bool_] | None:
        """Which rows are missing, None for none."""
        return values < 0 if values.size and values.min() < 0 else None


Factor = Numeric | Categorical


def unbox(value: Any) -> Any:
    """What stands inside ``C(...)``, or the value itself."""
    return value.data if isinstance(value, Box) else value


def evaluate(factor: EvalFactor, state: dict[str, Any], frame: PlainFrame) -> Any:
    """Evaluate a factor as patsy does.

    Raises
    ------
    DesignError
        It fails, and an array of the caller's is in it.
    PatsyError
        It fails.
    """
    try:
        return factor.eval(state, frame)
    except PatsyError as error:
        arrays = _arrays(scope(state))
        if not arrays:
            raise
        raise DesignError(
            f"{factor.name()!r} cannot be evaluated on {len(frame)} rows together with "
            f"{' and '.join(arrays)}: {error.message}",
            hint=FROM_OUTSIDE,
        ) from error


def _arrays(names: Mapping[str, Any]) -> list[str]:
    return [
        f"{name!r} of length {len(value)}"
        for name, value in names.items()
        if isinstance(value, list | np.ndarray | pd.Series | pd.Index) and np.ndim(value)
    ]


def _numbers(value: NDArray[Any], name: str, where: Where) -> FloatArray:
    """Object arrays that hold numbers all the same, as an all-missing chunk gives."""
    columns = [column_values(pd.Series(column, dtype=object), name, where) for column in value.T]
    return np.column_stack(columns)
