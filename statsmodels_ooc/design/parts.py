"""Smaller designs of the same rows, and how their columns follow from those of the whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import DesignInfo, PatsyError
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import shown
from statsmodels_ooc.design.columns import ColumnSpec
from statsmodels_ooc.design.learned import FormulaSpec
from statsmodels_ooc.design.spans import combinations
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.errors import DesignError

_LISTED = 20  # names in a message


class Part(NamedTuple):
    """A smaller design: ``X_part = X @ span``, for X of k columns and a span (k, q)."""

    spec: DesignSpec
    span: FloatArray
    formula: str | None


@dataclass(frozen=True)
class TermSpan:
    """A term of a design, and what it has to do with the others.

    Attributes
    ----------
    name : str
        As the formula has it; of a design without one, the name of the column.
    span : ndarray, (k, q)
        The columns that it adds to a model with all that it implies.
    own : ndarray, (k, c)
        Its columns in the design.
    requires : frozenset of str
        Terms whose columns it spans itself: those that lack one of its categories.
    lower : frozenset of str
        All terms of some of its factors: a model that respects marginality has them, too.
    is_constant : bool
        Whether it is the intercept.
    """

    name: str
    span: FloatArray
    own: FloatArray
    requires: frozenset[str] = frozenset()
    lower: frozenset[str] = frozenset()
    is_constant: bool = False


def part_of(
    spec: DesignSpec,
    names: Sequence[str],
    terms: str | Collection[str] | None = None,
    drop: str | Collection[str] | None = None,
) -> Part:
    """A smaller design of the same rows.

    Parameters
    ----------
    spec : DesignSpec
        The whole design.
    names : sequence of str, (k,)
        Its columns.
    terms : str or collection of str, optional
        The right-hand side of a formula, or the names of the terms that stay.
    drop : str or collection of str, optional
        Names of terms or of columns that go.

    Raises
    ------
    DesignError
        A name is unknown, no column is left, or a term is not made of those of the model.
    """
    if (terms is None) == (drop is None):
        raise DesignError(
            "a submodel is told by its terms, or by what is dropped: one of the two",
            hint="res.submodel('a + C(g)') or res.submodel(drop=['b'])",
        )
    for given in (terms, drop):
        if not isinstance(given, str | Collection | None):
            raise DesignError(
                f"{given!r} tells no part of a model; it is told by a formula or names",
                hint="submodel('a + b') keeps terms, submodel(drop=['c']) leaves some out",
            )
    gone = {drop} if isinstance(drop, str) else set() if drop is None else set(drop)
    if isinstance(spec, FormulaSpec):
        part = _of_terms(spec, terms) if terms is not None else _without(spec, gone)
    elif isinstance(spec, ColumnSpec):
        kept = set(names) - gone if terms is None else _listed(terms)
        _refuse_unknown((gone | kept) - set(names), names, "columns")
        chosen = [j for j, name in enumerate(names) if name in kept]
        part = Part(spec.part(chosen), np.eye(len(names))[:, chosen], None)
    else:
        raise DesignError(f"a {type(spec).__name__} has no smaller designs")
    if part.spec.k == 0:
        raise DesignError("nothing is left of the design: a model has at least one column")
    return part


def _listed(terms: str | Collection[str]) -> set[str]:
    if isinstance(terms, str):
        raise DesignError(
            f"{terms!r} is read as a formula, and the model has none",
            hint="name the columns that stay in a list, or those that go: drop=['x2']",
        )
    return set(terms)


def _refuse_unknown(unknown: Collection[str], known: Sequence[str], what: str) -> None:
    if unknown:
        raise DesignError(
            f"the model has no {', '.join(map(repr, sorted(unknown)))}",
            hint=f"its {what} are {shown(list(dict.fromkeys(known)), _LISTED)}",
        )


# --- designs of formulas


def _info(spec: FormulaSpec) -> DesignInfo:
    """What builds the columns of a design, and no others."""
    if not spec.learned.dropped:
        return spec.design_info
    return _patsy.with_columns(spec.design_info, set(spec.exog_names))


def _of_terms(spec: FormulaSpec, terms: str | Collection[str]) -> Part:
    whole = _info(spec)
    if not isinstance(terms, str):
        _refuse_unknown(set(terms) - set(whole.term_names), whole.term_names, "terms")
        return _without(spec, set(whole.term_names) - set(terms))
    try:
        found = _patsy.model_desc(terms)
    except PatsyError as error:
        raise DesignError(f"{terms!r} is no formula: {error}") from None
    left = [term.name() for term in found.lhs_termlist]
    if left and left != [term.name() for term in spec.learned.sides[0].terms]:
        raise DesignError(
            f"the response of {terms!r} is another than that of the model",
            hint="the right-hand side is enough: 'a + C(g)'",
        )
    known = set(whole.factor_infos)
    unknown = [t.name() for t in found.rhs_termlist if not known.issuperset(t.factors)]
    _refuse_unknown(unknown, whole.term_names, "terms")
    return _coded(spec, whole, found.rhs_termlist)


def _without(spec: FormulaSpec, gone: set[str]) -> Part:
    whole = _info(spec)
    terms = whole.term_names
    if gone <= set(terms) and _is_fresh(spec, whole):
        return _coded(spec, whole, [term for term in whole.terms if term.name() not in gone])
    _refuse_unknown(
        gone - set(terms) - set(spec.exog_names), [*terms, *spec.exog_names], "terms and columns"
    )
    of_terms = (whole.column_names[whole.term_name_slices[name]] for name in gone & set(terms))
    lost = gone.union(*of_terms)
    kept = [name for name in spec.exog_names if name not in lost]
    try:
        info = _patsy.with_columns(whole, set(kept))
    except _patsy.IndivisibleError as error:
        raise DesignError(
            f"the columns of {str(error)!r} go together: some cannot be dropped without the others",
            hint="drop the term",
        ) from None
    places = [spec.exog_names.index(name) for name in kept]
    return Part(spec.part(info), np.eye(spec.k)[:, places], _formula(spec, info))


def _coded(spec: FormulaSpec, whole: DesignInfo, terms: Sequence[Any]) -> Part:
    """The design that a formula of these terms gives, coded afresh."""
    info = _fresh(spec, whole, terms)
    found = combinations(whole, info)
    if found.outside:
        _refuse_unknown(found.outside, whole.column_names, "columns")
    return Part(spec.part(info), found.coefs, _formula(spec, info))


def _is_fresh(spec: FormulaSpec, whole: DesignInfo) -> bool:
    """Whether the columns are those of the formula of the terms: none has been left out."""
    fresh = _fresh(spec, whole, whole.terms)
    return bool(fresh.column_names == whole.column_names)


def _fresh(spec: FormulaSpec, whole: DesignInfo, terms: Sequence[Any]) -> DesignInfo:
    infos: Mapping[Any, Any] = whole.factor_infos
    contrasts = spec.learned.contrasts
    return _patsy.design_info(
        terms,
        {factor: info.state for factor, info in infos.items()},
        {f: info.num_columns for f, info in infos.items() if info.type == "numerical"},
        {
            factor: (info.categories, contrasts.get(factor))
            for factor, info in infos.items()
            if info.type == "categorical"
        },
    )


def _formula(spec: FormulaSpec, info: DesignInfo) -> str:
    left = " + ".join(term.name() for term in spec.learned.sides[0].terms)
    right = [term.name() for term in info.terms if term != _patsy.INTERCEPT]
    if _patsy.INTERCEPT not in info.terms:
        right = ["0", *right]
    return f"{left} ~ {' + '.join(right) or '1'}"


# --- terms, for whoever chooses among them


def term_spans(spec: DesignSpec, names: Sequence[str], constant: int | None) -> list[TermSpan]:
    """The terms of a design; of one without a formula, its columns.

    Parameters
    ----------
    spec : DesignSpec
        The design.
    names : sequence of str, (k,)
        Its columns.
    constant : int or None
        The column of a constant, in a design without a formula.
    """
    if not isinstance(spec, FormulaSpec):
        columns = enumerate(np.eye(len(names))[:, :, None])
        return [TermSpan(names[j], each, each, is_constant=j == constant) for j, each in columns]
    whole = _info(spec)
    slices = {term: np.eye(spec.k)[:, whole.term_slices[term]] for term in whole.terms}
    found, is_fresh = [], _is_fresh(spec, whole)
    for term in whole.terms:
        others = [t for t in whole.terms if set(t.factors) < set(term.factors)]
        lower = {t.name() for t in others if t != _patsy.INTERCEPT}
        implied = [t for t in others if _adds_categories(term, t, whole)]
        span = slices[term]
        if is_fresh:
            span = _enough(spec, whole, term, implied, slices)
        requires = {t.name() for t in implied if t != _patsy.INTERCEPT}
        is_constant = term == _patsy.INTERCEPT
        found.append(
            TermSpan(
                term.name(), span, slices[term], frozenset(requires), frozenset(lower), is_constant
            )
        )
    return found


def _adds_categories(term: Any, lower: Any, info: DesignInfo) -> bool:
    """Whether a term differs from a lower one by categories only, and so spans it."""
    more = set(term.factors) - set(lower.factors)
    return all(info.factor_infos[factor].type == "categorical" for factor in more)


def _enough(
    spec: FormulaSpec,
    whole: DesignInfo,
    term: Any,
    implied: Sequence[Any],
    slices: Mapping[Any, Any],
) -> FloatArray:
    """The columns of a term, or all that it spans where other terms have some of these."""
    own = slices[term]
    alone = combinations(whole, _fresh(spec, whole, [term])).coefs
    present = np.hstack([own, *(slices[t] for t in implied)]).any(axis=1)
    return own if not alone[~present].any() else alone
