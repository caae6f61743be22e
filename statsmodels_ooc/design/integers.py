"""Whether an expression needs whole numbers, or may be given doubles in their place."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc._patsy import EvalFactor
from statsmodels_ooc.design.evaluation import attempt, evaluate, same_values
from statsmodels_ooc.design.plain import PlainFrame, Sight
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.sources.values import EXACT

_WIDE = 8  # bytes; smaller whole numbers are all told apart by doubles
_FEW = 1_000  # rows on which doubles and whole numbers are compared


def learn_sight(
    factor: EvalFactor,
    state: dict[str, Any],
    head: pd.DataFrame,
    *,
    incomplete: Collection[str],
    is_number: bool,
) -> Sight:
    """How an expression is to see whole numbers, so that chunks agree with the whole.

    Doubles do not overflow, and hold missing values. An expression that makes the same
    number of them is given nothing else. Another one, such as ``C(x.astype(str))``, sees
    whole numbers, as it would of a complete column in memory; where the column has missing
    values, doubles, as it would then in memory too.

    Parameters
    ----------
    factor, state : EvalFactor, dict
        The expression.
    head : DataFrame
        The columns that the expression looks at in some rows of the data.
    incomplete : collection of str
        Columns that are known to have missing values somewhere.
    is_number : bool
        Whether its value is a number, not a level.
    """
    columns = frozenset(head.columns)
    whole = {name for name in columns if _is_whole(head[name])}
    unsure = whole - set(incomplete)
    with warnings.catch_warnings():  # not where chunks are read: threads share the filters
        warnings.simplefilter("ignore")
        same = not whole or _same_from_doubles(factor, state, head, whole)
    if same and is_number:
        return Sight(columns, columns=columns)
    whole_always = frozenset() if same else frozenset(unsure)
    return Sight(columns - unsure, whole_always, columns)


def evaluate_exactly(
    factor: EvalFactor, state: dict[str, Any], frame: PlainFrame, sight: Sight
) -> Any:
    """Evaluate an expression that may have been given doubles for whole numbers.

    Raises
    ------
    DesignError
        The numbers are beyond 2**53 and it makes a difference.
    """
    value = evaluate(factor, state, frame.through(sight))
    for name in sight.columns:
        column = frame.raw[name]
        if not _is_seen_as_doubles(column, name, sight):
            continue
        beyond = _beyond(column)
        if beyond is None:
            continue
        few = frame.raw.frame.iloc[beyond[:_FEW]].reset_index(drop=True)
        is_decimal = isinstance(column.dtype, pd.ArrowDtype)
        same = _same_from_decimals if is_decimal else _same_from_doubles
        if not same(factor, state, few, {name}):
            i = int(beyond[0])
            raise DesignError(
                f"column {name!r} is {column.iloc[i]} at {frame.where.row(i)}, beyond the whole "
                f"numbers that a double tells apart, 2**53, and {factor.code!r} needs it exactly",
                hint=f"C({name}) keeps such numbers apart; for more, make the column text",
            )
    return value


def _is_whole(column: pd.Series) -> bool:
    return column.dtype.kind in "iu" and not column.isna().any()


def _is_seen_as_doubles(column: pd.Series, name: str, sight: Sight) -> bool:
    """Whether an expression is given doubles for wide whole numbers."""
    dtype: Any = column.dtype
    if isinstance(dtype, pd.ArrowDtype):
        return bool(dtype.pyarrow_dtype.scale <= 0)
    if dtype.kind not in "iu" or dtype.itemsize < _WIDE:
        return False
    return name in sight.as_floats or bool(column.isna().any())


def _beyond(column: pd.Series) -> NDArray[np.intp] | None:
    """Positions of whole numbers that are not told apart by doubles, None for none."""
    far = ((column > EXACT) | (column < -EXACT)).fillna(False).to_numpy(np.bool_)
    return np.flatnonzero(far) if far.any() else None


def _same_from_doubles(
    factor: EvalFactor, state: dict[str, Any], rows: pd.DataFrame, columns: Collection[str]
) -> bool:
    """Whether an expression makes the same of doubles as of whole numbers.

    Where it does not, Python's own whole numbers, which do not overflow, tell which of the
    two is right.
    """
    with np.errstate(all="ignore"):
        doubles = attempt(factor, state, PlainFrame(rows, sight=Sight(frozenset(rows.columns))))
        if doubles is None:
            return False
        whole = attempt(factor, state, PlainFrame(rows))
        if whole is None or same_values(whole, doubles):
            return True
        exact = rows.assign(**{name: rows[name].astype(object) for name in columns})
        right = attempt(factor, state, PlainFrame(exact))
        return right is not None and same_values(right, doubles)


def _same_from_decimals(
    factor: EvalFactor, state: dict[str, Any], rows: pd.DataFrame, columns: Collection[str]
) -> bool:
    """Whether an expression makes the same of doubles as of the whole numbers of decimals.

    It does where it takes none of Python's, which are the only ones that are as long.
    """
    exact = rows.assign(**{name: rows[name].map(int).astype(object) for name in columns})
    with np.errstate(all="ignore"):
        doubles = attempt(factor, state, PlainFrame(rows))
        whole = attempt(factor, state, PlainFrame(exact))
    return doubles is None or whole is None or same_values(whole, doubles)
