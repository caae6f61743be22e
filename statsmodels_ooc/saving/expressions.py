"""The code that results hold: expressions of a formula, of weights and of offsets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from statsmodels_ooc.design.written import SCOPE, codes_in, codes_of, is_scope, more_than_columns
from statsmodels_ooc.errors import SavedResultError
from statsmodels_ooc.models.travelling import Travels


def check_place(thing: Any, key: Any) -> None:
    """Refuse what evaluates expressions, wherever but beside the one that it evaluates.

    Parameters
    ----------
    thing : object
        Part of results.
    key : object
        Of the dictionary where it stands, None elsewhere.

    Raises
    ------
    SavedResultError
        It would evaluate other expressions than those that `beyond_formula` finds.
    """
    if is_scope(thing) and key != SCOPE:
        raise SavedResultError("a scope stands where no expression is")


def beyond_formula(things: Iterable[Any], formula: Any) -> list[str]:
    """The expressions in results that are neither in the formula nor a column.

    Parameters
    ----------
    things : iterable
        All objects that the results are made of.
    formula : str, ModelDesc or None
        That of the model.

    Returns
    -------
    list of str
        As of weights and offsets, and of ``subset``, sorted.

    Raises
    ------
    SavedResultError
        An expression is no text.

    Examples
    --------
    >>> from patsy.eval import EvalFactor
    >>> from statsmodels_ooc.saving.expressions import beyond_formula
    >>> codes = ["np.log(x)", "1 / w", "z"]
    >>> beyond_formula(map(EvalFactor, codes), "y ~ np.log(x)")
    ['1 / w']
    """
    codes: set[str] = set()
    conditions: set[str] = set()
    for thing in things:
        codes.update(map(_text, codes_in(thing)))
        conditions.update(map(_text, _conditions_in(thing)))
    known = set() if formula is None else codes_of(formula)
    return sorted({*more_than_columns(codes - known), *conditions})


def _conditions_in(thing: Any) -> list[Any]:
    """By which a model has chosen its rows, and chooses new ones; functions are not saved."""
    if not isinstance(thing, Travels):
        return []
    return [one for one in thing.conditions if one is not None and not callable(one)]


def _text(code: Any) -> str:
    if type(code) is not str:
        raise SavedResultError(f"an expression is a {type(code).__name__}, and no text")
    return code
