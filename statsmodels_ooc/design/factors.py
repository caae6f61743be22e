"""Factors of a formula, evaluated on a frame: numbers, or positions among learned levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import MAX_PREC, Context, Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc._patsy import EvalFactor, is_missing, is_numeric
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Where
from statsmodels_ooc.design.evaluation import FROM_OUTSIDE, unbox
from statsmodels_ooc.design.integers import evaluate_exactly
from statsmodels_ooc.design.plain import PlainFrame, Sight, array_values, column_values
from statsmodels_ooc.errors import DesignError, UnseenLevelError
from statsmodels_ooc.sources.columns import DOUBLE_DIGITS
from statsmodels_ooc.sources.values import EXACT

Codes = NDArray[np.signedinteger[Any]]

_EXACTLY = Context(prec=MAX_PREC)
_DENSE = 4_096  # whole numbers within so many are their own table of codes


UNSEEN = -2
"""The code of a value that is not among the levels, where that is no error."""


class Encoded(NamedTuple):
    """What categories are among the levels, for Categoricals of one dtype that come in turn.

    Attributes
    ----------
    dtype : CategoricalDtype or None
        Of the Categorical before; None of none.
    uniques : list
        Its categories.
    found : list of int
        Their positions among the levels, -1 for missing ones, `UNSEEN` for others.
    """

    dtype: Any
    uniques: list[Any]
    found: list[int]


def encode(
    values: Any,
    levels: tuple[Any, ...],
    name: str,
    where: Where,
    *,
    strict: bool = True,
    before: list[Encoded] | None = None,
) -> Codes:
    """Positions of values among the levels, -1 for missing ones.

    Parameters
    ----------
    values : Series, Categorical, array_like, (n,)
        A categorical variable.
    levels : tuple
        The learned levels.
    name : str
        The variable, for the message.
    where : Where
        The frame, for the message.
    strict : bool
        Whether a value that is not among the levels is an error; it is `UNSEEN` otherwise.
    before : list of Encoded, optional
        What the values before told, and gets what these do.

    Returns
    -------
    ndarray of the smallest signed integer type that holds the levels, (n,)

    Raises
    ------
    UnseenLevelError
        A value is not among the levels.
    DesignError
        The values are not hashable, or not one a row.
    """
    dtype = np.min_scalar_type(-max(len(levels), 1) - 1)
    cat, known = as_categorical(values), before[-1] if before else Encoded(None, [], [])
    if cat is not None and known.dtype is cat.dtype:
        codes, uniques, found = cat.codes, known.uniques, known.found
    else:
        codes, uniques = _factorize(values, name)
        found = _positions(uniques, levels)
        if cat is not None and before is not None:
            before[:] = [Encoded(cat.dtype, uniques, found)]
    if found == list(range(len(found))):
        return codes.astype(dtype)
    table = np.array([*found, -1], dtype=dtype)
    coded: Codes = table.take(codes)  # a missing value, -1, takes the last entry
    if strict and UNSEEN in found and (coded == UNSEEN).any():
        i = int(np.argmax(coded == UNSEEN))
        raise UnseenLevelError(
            f"{name!r} has the level {uniques[codes[i]]!r} at {where.row(i)}, which is not "
            f"among the levels of the design: {_shown(levels)}",
            hint="the levels are those seen when the formula was learned, or those declared "
            "by C(..., levels=[...]) or a Categorical dtype",
        )
    return coded


def _positions(uniques: Sequence[Any], levels: tuple[Any, ...]) -> list[int]:
    position = {level: i for i, level in enumerate(levels)}
    found = [position.get(value, UNSEEN) for value in uniques]
    if UNSEEN in found:
        found = [-1 if is_missing(value) else i for value, i in zip(uniques, found, strict=True)]
    return found


def _shown(levels: tuple[Any, ...]) -> str:
    return ", ".join(map(repr, levels[:8])) + (", …" if len(levels) > 8 else "")


def as_level(value: Any) -> Any:
    """A value as levels have it: decimals are doubles or whole numbers where these suffice.

    What type a decimal travels in hangs on its neighbours in a chunk.
    """
    if not isinstance(value, Decimal) or not value.is_finite():
        return value
    if value == value.to_integral_value():
        return float(value) if abs(value) <= EXACT else int(value)
    digits = value.normalize(_EXACTLY).as_tuple().digits
    return float(value) if len(digits) <= DOUBLE_DIGITS else value


def as_categorical(values: Any) -> pd.Categorical | None:
    """The Categorical in a Series of them, or None for anything else."""
    inner = values.array if isinstance(values, pd.Series) else values
    return inner if isinstance(inner, pd.Categorical) else None


def as_series(values: Any, name: str) -> pd.Series:
    """Values of a categorical variable as a Series.

    Raises
    ------
    DesignError
        They have more than one dimension.
    """
    if isinstance(values, pd.Series):
        return values
    array = np.asarray(values)
    if array.ndim > 1:
        raise DesignError(f"{name!r} is categorical and has {array.ndim} dimensions, not one")
    return pd.Series(np.atleast_1d(array))


def _factorize(values: Any, name: str) -> tuple[NDArray[Any], list[Any]]:
    """Codes with -1 for missing, and the distinct values that they stand for."""
    cat = as_categorical(values)
    if cat is not None:
        return cat.codes, [as_level(value) for value in cat.categories]
    is_flat = isinstance(values, np.ndarray) and values.ndim == 1
    array = values if is_flat else as_series(values, name)
    if isinstance(array.dtype, np.dtype) and array.dtype.kind in "iu" and len(array):
        array = np.asarray(array)
        low, high = int(array.min()), int(array.max())
        if high - low < _DENSE:
            wide = array.astype(np.int16) if array.dtype == np.int8 else array
            return wide - low if low else wide, list(range(low, high + 1))
    try:
        codes, uniques = pd.factorize(as_series(values, name))
    except TypeError as error:
        raise DesignError(f"levels of {name!r} must be hashable: {error}") from None
    return codes, [as_level(value) for value in uniques.tolist()]


@dataclass(frozen=True)
class _Evaluated:
    """What patsy evaluates, or the source's column where a factor is nothing but that."""

    name: str
    factor: EvalFactor
    state: dict[str, Any]
    column: str | None
    sight: Sight


@dataclass(frozen=True)
class Numeric(_Evaluated):
    """A numerical factor that evaluates to ``width`` columns."""

    width: int

    @property
    def capacities(self) -> tuple[None, ...]:
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
            return array_values(frame.raw, self.column, where)[None, :]
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
        with np.errstate(over="ignore"):
            if not np.isnan(np.dot(flat, flat)):  # squares cannot cancel: NaN comes from NaN
                return None
        mask: NDArray[np.bool_] = np.any(np.isnan(values), axis=0)
        return mask


@dataclass(frozen=True)
class Categorical(_Evaluated):
    """A categorical factor with its learned levels."""

    levels: tuple[Any, ...]
    _before: list[Encoded] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def capacities(self) -> tuple[int]:
        return (len(self.levels),)

    def values(self, frame: PlainFrame, where: Where, *, strict: bool = True) -> Codes:
        """Positions among the levels, (n,); -1 where missing; see `encode`.

        Raises
        ------
        UnseenLevelError
            A value is not among the levels.
        DesignError
            There is not one value a row.
        """
        if not len(frame):
            return np.empty(0, dtype=np.int64)
        name = self.name if self.column is None else self.column
        codes = encode(
            self._evaluated(frame), self.levels, name, where, strict=strict, before=self._before
        )
        if len(codes) != len(frame):
            raise DesignError(
                f"{self.name!r} has {len(codes)} values where {where} has {len(frame)} rows",
                hint=FROM_OUTSIDE,
            )
        return codes

    def _evaluated(self, frame: PlainFrame) -> Any:
        if self.column is not None:
            array = frame.raw.array(self.column)
            is_plain = isinstance(array, np.ndarray | pd.Categorical)
            return array if is_plain else frame.raw[self.column]
        return unbox(evaluate_exactly(self.factor, self.state, frame, self.sight))

    def unseen(self, frame: PlainFrame, rows: NDArray[np.intp]) -> tuple[Any, ...]:
        """What some rows of a frame have, (m,), that is not among the levels."""
        values = self._evaluated(frame)
        cat = as_categorical(values)
        series = as_series(values, self.name) if cat is None else pd.Series(cat)
        return tuple(as_level(value) for value in series.iloc[rows].tolist())

    @staticmethod
    def absent(values: Codes) -> NDArray[np.bool_] | None:
        """Which rows are missing, None for none."""
        return values < 0 if values.size and values.min() < 0 else None


Factor = Numeric | Categorical


def _numbers(value: NDArray[Any], name: str, where: Where) -> FloatArray:
    """Object arrays that hold numbers all the same, as an all-missing chunk gives."""
    columns = [column_values(pd.Series(column, dtype=object), name, where) for column in value.T]
    return np.column_stack(columns)
