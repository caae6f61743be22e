"""What is written in the factors of a design: expressions, which are code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from statsmodels_ooc._patsy import (
    EvalEnvironment,
    EvalFactor,
    Term,
    evaluated_code,
    is_column,
    model_desc,
)

SCOPE = "eval_env"  # beside what is evaluated, in what patsy has learned of an expression


def is_scope(thing: Any) -> bool:
    """Whether a thing can evaluate expressions."""
    return isinstance(thing, EvalEnvironment)


def codes_in(thing: Any) -> list[Any]:
    """The expressions of a factor, or of what was learned of one, as the formula has them.

    Examples
    --------
    >>> from patsy.eval import EvalFactor
    >>> from statsmodels_ooc.design.written import codes_in
    >>> codes_in(EvalFactor("1 / w")), codes_in("1 / w")
    (['1 / w'], [])
    """
    if isinstance(thing, EvalFactor):
        return [thing.code]
    if isinstance(thing, dict) and SCOPE in thing:
        code = thing.get("eval_code")
        return [evaluated_code(code) if type(code) is str else code]
    return []


def codes_of(formula: Any) -> set[str]:
    """The expressions of a formula, str or ModelDesc."""
    terms = model_desc(formula)
    sides = (*terms.lhs_termlist, *terms.rhs_termlist)
    return {factor.code for term in sides for factor in term.factors}


def more_than_columns(codes: Iterable[str]) -> list[str]:
    """Those of some expressions that are more than the name of a column, sorted."""
    return sorted(code for code in codes if not is_column(code))


def hashed(thing: Any) -> Any:
    """What the hash of a term or of a factor is made of; None of other things."""
    if isinstance(thing, Term):
        return thing.factors
    return thing.code if isinstance(thing, EvalFactor) else None
