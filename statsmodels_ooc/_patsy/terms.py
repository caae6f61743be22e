"""Terms, levels and columns, as patsy makes them of factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from patsy import DesignInfo
from patsy.build import (
    _make_subterm_infos,
    _subterm_column_combinations,
    _subterm_column_names_iter,
)
from patsy.categorical import guess_categorical
from patsy.desc import Term
from patsy.design_info import FactorInfo
from patsy.eval import EvalFactor
from patsy.missing import NAAction
from patsy.util import SortAnythingKey

__all__ = [
    "design_info",
    "expression_term",
    "is_missing",
    "is_numeric",
    "planned_columns",
    "sorted_levels",
    "subterm_columns",
]


def expression_term(code: str) -> Any:
    """A term of one factor, a Python expression that is not parsed as a formula."""
    return Term([EvalFactor(code)])


def is_missing(value: Any) -> bool:
    """Whether patsy takes a value of a categorical variable for a missing one.

    Text that reads as NaN counts as well.
    """
    return bool(NAAction().is_categorical_NA(value))


def sorted_levels(values: Iterable[Any]) -> tuple[Any, ...]:
    """Levels in the order in which patsy puts those that it has found itself."""
    return tuple(sorted(values, key=SortAnythingKey))


def design_info(
    terms: Sequence[Any],
    states: Mapping[Any, dict[str, Any]],
    num_columns: Mapping[Any, int],
    levels: Mapping[Any, tuple[tuple[Any, ...], Any]],
) -> DesignInfo:
    """Assemble what patsy's `design_matrix_builders` assembles after its scan.

    Parameters
    ----------
    terms : sequence of Term
        One side of the formula.
    states : mapping
        Factor to memorised state.
    num_columns : mapping
        Numerical factor to its number of columns.
    levels : mapping
        Categorical factor to (levels, contrast).
    """
    codings = _make_subterm_infos(list(terms), dict(num_columns), dict(levels))
    infos = {
        factor: (
            FactorInfo(factor, "numerical", states[factor], num_columns=num_columns[factor])
            if factor in num_columns
            else FactorInfo(factor, "categorical", states[factor], categories=levels[factor][0])
        )
        for term in terms
        for factor in term.factors
    }
    names = [
        name
        for subterms in codings.values()
        for subterm in subterms
        for name in _subterm_column_names_iter(infos, subterm)
    ]
    return DesignInfo(names, factor_infos=infos, term_codings=codings)


def planned_columns(
    terms: Sequence[Any],
    num_columns: Mapping[Any, int],
    levels: Mapping[Any, tuple[tuple[Any, ...], Any]],
) -> dict[Any, int]:
    """How many columns each term will have, told without its contrasts.

    Two levels stand in for those of every factor: they get two columns where all levels
    have one, and one column where the first is left out.

    Parameters
    ----------
    terms, num_columns, levels
        See `design_info`.
    """
    stand_in = dict.fromkeys(levels, ((0, 1), None))
    codings = _make_subterm_infos(list(terms), dict(num_columns), stand_in)

    def width(subterm: Any) -> int:
        columns = 1
        for factor in subterm.factors:
            if factor in num_columns:
                columns *= num_columns[factor]
            else:
                omitted = 2 - subterm.contrast_matrices[factor].matrix.shape[1]
                columns *= _coded_columns(*levels[factor], omitted)
        return columns

    return {term: sum(map(width, subterms)) for term, subterms in codings.items()}


def _coded_columns(levels: tuple[Any, ...], contrast: Any, omitted: int) -> int:
    """A matrix of the user's has the columns that it has."""
    given = getattr(contrast, "matrix", contrast)
    is_matrix = isinstance(given, Sequence | np.ndarray) and np.ndim(given) == 2
    return int(np.shape(given)[1]) if is_matrix else max(len(levels) - omitted, 0)


def subterm_columns(info: DesignInfo, subterm: Any) -> list[tuple[int, ...]]:
    """For every column of a subterm, the column taken of each of its factors."""
    return list(_subterm_column_combinations(info.factor_infos, subterm))


def is_numeric(values: Any) -> bool:
    """Whether patsy takes evaluated values for a numerical factor."""
    return not guess_categorical(values) and np.asarray(values).dtype.kind in "iufb"
