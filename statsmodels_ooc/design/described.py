"""What a design is, beside its names: equal descriptions make equal columns of equal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statsmodels_ooc import _patsy
from statsmodels_ooc.design.learned import FormulaSpec
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.fingerprints import UntoldError, in_words


def described(spec: DesignSpec) -> dict[str, str]:
    """What a design was told and has learned, in words.

    Parameters
    ----------
    spec : DesignSpec
        The design.

    Returns
    -------
    dict of str to str
        One of plain columns is described by its names. Of a formula: what happens to missing
        values, what goes with the rows, levels, contrasts, what ``center`` and the like have
        memorized, and the variables and functions of the caller's scope that it uses.

    Raises
    ------
    UntoldError
        A variable of that scope has no words that would tell it from others of its kind.
    """
    told = {"response": ", ".join(spec.endog_names), "design": ", ".join(spec.exog_names)}
    if not isinstance(spec, FormulaSpec):
        return {**told, "columns": ", ".join(map(repr, spec.columns))}
    learned = spec.learned
    told["missing"] = f"{learned.missing}, dropped {sorted(learned.dropped)}"
    told |= {role: factor.name() for role, factor in learned.extras.items()}
    told |= {role: repr(value) for role, value in learned.constants}
    for factor, info in learned.factors.items():
        if info.categories is not None:
            told[f"levels of {factor.name()}"] = repr(info.categories)
        transforms = info.state.get("transforms", {})
        told |= _each(factor.name(), _patsy.scope_of(factor, info.state))
        for name, one in transforms.items():  # such as _patsy_stobj0__center__
            at, _, what = name.removeprefix("_patsy_stobj").strip("_").partition("__")
            told[f"what {what} ({at}) has learned in {factor.name()}"] = in_words(_memorized(one))
    for side in learned.sides:
        for subterms in side.term_codings.values():
            for subterm in subterms:
                for factor, matrix in subterm.contrast_matrices.items():
                    name = f"contrasts of {factor.name()}"
                    told[name] = f"{told.get(name, '')}{matrix.matrix.tolist()}"
    return told


def scope_in_words(spec: FormulaSpec, env: Any) -> dict[str, str]:
    """What the factors of a formula use of a scope, in words.

    Raises
    ------
    UntoldError
        Something of it has no words.
    """
    told: dict[str, str] = {}
    for factor in spec.learned.factors:
        told |= _each(factor.name(), _patsy.used_of(factor, env))
    return told


def _memorized(transform: Any) -> dict[str, Any]:
    """What a stateful transform has memorized."""
    return {name: one for name, one in sorted(vars(transform).items()) if name != "_tmp"}


def _each(factor: str, values: Mapping[str, Any]) -> dict[str, str]:
    told = {}
    for name, value in values.items():
        try:
            told[f"{name} of {factor}"] = in_words(value)
        except UntoldError as error:
            raise UntoldError(f"{name} of {factor}: {error}") from error
    return told
