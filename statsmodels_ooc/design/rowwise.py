"""A check that an expression may be evaluated chunk by chunk."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc._patsy import EvalFactor
from statsmodels_ooc.design.evaluation import (
    FROM_OUTSIDE,
    attempt,
    evaluate,
    same_values,
    values_by_row,
)
from statsmodels_ooc.design.plain import PlainFrame, Sight
from statsmodels_ooc.errors import DesignError

_METHODS = {
    "max", "min", "mean", "sum", "prod", "std", "var", "median", "quantile", "mode", "sem",
    "skew", "kurt", "nunique", "idxmax", "idxmin", "argmax", "argmin", "argsort",
    "nanmax", "nanmin", "nanmean", "nansum", "nanstd", "nanvar", "nanmedian", "nanquantile",
    "percentile", "nanpercentile", "average", "ptp",
    "iloc", "loc", "iat", "index", "shift", "diff", "pct_change", "rank",
    "cumsum", "cumprod", "cummax", "cummin", "rolling", "expanding", "ewm",
    "ffill", "bfill", "interpolate", "factorize", "unique", "qcut", "value_counts",
    "duplicated", "nlargest", "nsmallest", "sort_values",
}  # fmt: skip
_FUNCTIONS = {"len", "sum", "max", "min", "sorted"}


def whole_column_use(code: str, columns: Collection[Any]) -> str | None:
    """The first method or function that takes a whole column, as written.

    A value may not betray it: ``x * (z.max() > 5)`` changes with the rows at hand only
    where a large z is among them.

    Parameters
    ----------
    code : str
        A Python expression.
    columns : collection
        The names that are columns.

    Returns
    -------
    str or None
        None where there is none. What goes along the rows, with ``axis=1``, passes.
    """
    tree = ast.parse(code, mode="eval")
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        call = calls.get(id(node))
        arguments = call.args if call is not None else []
        match node:
            case ast.Attribute(attr=name, value=owner) if name in _METHODS:
                touched = any(_mentions(part, columns) for part in (owner, *arguments))
                if touched and not (call is not None and _goes_along_rows(call)):
                    return ast.unparse(node)
            case ast.Name(id=name) if name in _FUNCTIONS and name not in columns:
                if any(isinstance(part, ast.Name) and part.id in columns for part in arguments):
                    return f"{name}()"
    return None


def _mentions(node: ast.AST, columns: Collection[Any]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in columns for part in ast.walk(node))


def _goes_along_rows(call: ast.Call) -> bool:
    """Whether ``axis=1``, or an axis through a list of columns, is asked for."""
    axes = [word.value for word in call.keywords if word.arg == "axis"]
    through_list = bool(call.args) and isinstance(call.args[0], (ast.List, ast.Tuple))
    return bool(axes) and (through_list or ast.unparse(axes[0]) in {"1", "-1", "'columns'"})


_FEW = 7  # rows: fewer may be too few for a function that is fine otherwise


ROW_BY_ROW = (
    "use a stateful transform (center, standardize, bs, or your own with "
    "patsy.stateful_transform), or write the constant into the formula; arrays from outside "
    "must become columns"
)


def require_rowwise(
    factor: EvalFactor, state: dict[str, Any], head: pd.DataFrame, sight: Sight
) -> None:
    """Refuse a factor whose value in a row depends on other rows.

    Evaluated chunk by chunk, ``x - x.mean()`` would subtract the mean of the chunk:
    a silent wrong number. What pieces of shuffled rows give must be what all rows
    give. That is tried on the first rows, and on the first rows disturbed: with
    values missing, and no column constant.

    Parameters
    ----------
    factor, state : EvalFactor, dict
        What is evaluated.
    head : DataFrame
        The first rows of the data.
    sight : Sight
        How the factor sees whole numbers.

    Raises
    ------
    DesignError
        It does, or it has not one value a row.
    """
    found = whole_column_use(factor.code, head.columns)
    if found is not None:
        raise DesignError(
            f"{factor.name()!r} does not work row by row: {found} looks at all rows of a column",
            hint=ROW_BY_ROW,
        )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        whole = values_by_row(evaluate(factor, state, PlainFrame(head, sight=sight)))
        if len(whole) != len(head):
            raise DesignError(
                f"{factor.name()!r} has {len(whole)} values where the data has {len(head)} rows",
                hint=FROM_OUTSIDE,
            )
        _compare(factor, state, head, whole, sight, is_data=True)
        disturbed = _disturbed(head)
        values = attempt(factor, state, PlainFrame(disturbed, sight=sight))
        if values is not None and len(values) == len(head):
            _compare(factor, state, disturbed, values, sight, is_data=False)


def _compare(
    factor: EvalFactor,
    state: dict[str, Any],
    frame: pd.DataFrame,
    whole: NDArray[Any],
    sight: Sight,
    *,
    is_data: bool,
) -> None:
    for rows in _pieces(len(frame)):
        part = attempt(
            factor, state, PlainFrame(frame.iloc[rows].reset_index(drop=True), sight=sight)
        )
        if part is None and not (is_data and len(rows) > _FEW):
            continue
        if part is None or not same_values(part, whole[rows]):
            raise DesignError(
                f"{factor.name()!r} does not work row by row: its value changes with the rows "
                "that are evaluated together, so chunks would not give what the whole gives",
                hint=ROW_BY_ROW,
            )


def _pieces(n: int) -> Iterator[NDArray[np.intp]]:
    """All rows, shuffled, in a few small pieces and two large ones."""
    order = np.random.default_rng(n).permutation(n)
    cuts = [1, 2, 4, _FEW, 2 * _FEW, 3 * _FEW, 3 * _FEW + max(n - 3 * _FEW, 0) // 2]
    return (piece for piece in np.split(order, cuts) if len(piece))


def _disturbed(frame: pd.DataFrame) -> pd.DataFrame:
    """The same kinds of values in other rows, some missing, none constant."""
    rng = np.random.default_rng(len(frame))
    return pd.DataFrame({name: _disturb(column, rng) for name, column in frame.items()})


def _disturb(column: Any, rng: np.random.Generator) -> Any:
    n = len(column)
    shuffled = column.take(rng.permutation(n)).reset_index(drop=True)
    absent, steps = pd.Series(rng.random(n) < 0.3), rng.integers(0, 3, n)
    match column.dtype.kind:
        case "f":
            return (shuffled * rng.uniform(0.5, 1.5, n)).mask(absent)
        case "i" | "u":
            return shuffled + steps.astype(np.int8)
        case "b":
            return shuffled ^ (steps == 0)
        case "M" | "m":
            return (shuffled + pd.to_timedelta(steps, unit="D")).mask(absent)
    return shuffled.mask(absent)
