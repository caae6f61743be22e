"""Parts of a factor's code that look at all rows of a column."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Any

__all__ = ["whole_column_use"]

_METHODS = {
    "max",
    "min",
    "mean",
    "sum",
    "prod",
    "std",
    "var",
    "median",
    "quantile",
    "mode",
    "sem",
    "skew",
    "kurt",
    "nunique",
    "idxmax",
    "idxmin",
    "argmax",
    "argmin",
    "argsort",
    "nanmax",
    "nanmin",
    "nanmean",
    "nansum",
    "nanstd",
    "nanvar",
    "nanmedian",
    "nanquantile",
    "percentile",
    "nanpercentile",
    "average",
    "ptp",
    "iloc",
    "loc",
    "iat",
    "index",
    "shift",
    "diff",
    "pct_change",
    "rank",
    "cumsum",
    "cumprod",
    "cummax",
    "cummin",
    "rolling",
    "expanding",
    "ewm",
    "ffill",
    "bfill",
    "interpolate",
    "factorize",
    "unique",
    "qcut",
    "value_counts",
    "duplicated",
    "nlargest",
    "nsmallest",
    "sort_values",
}
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
