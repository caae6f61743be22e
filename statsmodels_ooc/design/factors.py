"""Factors of a formula, evaluated on a frame: numbers, or codes of levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc._patsy import EvalFactor, is_numeric
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Where
from statsmodels_ooc.design.codes import Codes, encode
from statsmodels_ooc.design.evaluation import FROM_OUTSIDE, unbox
from statsmodels_ooc.design.integers import evaluate_exactly
from statsmodels_ooc.design.plain import PlainFrame, Sight, column_values
from statsmodels_ooc.errors import DesignError

__all__ = ["Categorical", "Factor", "Numeric"]


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
    sight: Sight

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
        if not len(frame):  # splines, for one, want a row
            return np.empty((self.width, 0))
        if self.column is not None:
            return column_values(frame.raw[self.column], self.column, where)[None, :]
        value = np.asarray(evaluate_exactly(self.factor, self.state, frame, self.sight))
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
    sight: Sight

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
        if not len(frame):
            return np.empty(0, dtype=np.int64)
        if self.column is not None:
            return encode(frame.raw[self.column], self.levels, self.column, where)
        value = unbox(evaluate_exactly(self.factor, self.state, frame, self.sight))
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


def _numbers(value: NDArray[Any], name: str, where: Where) -> FloatArray:
    """Object arrays that hold numbers all the same, as an all-missing chunk gives."""
    columns = [column_values(pd.Series(column, dtype=object), name, where) for column in value.T]
    return np.column_stack(columns)
