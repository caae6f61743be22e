"""Designs of some of the columns of another one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any

from patsy import ContrastMatrix, DesignInfo
from patsy.build import _subterm_column_combinations, _subterm_column_names_iter
from patsy.design_info import SubtermInfo


class IndivisibleError(ValueError):
    """Some columns of a factor with several numbers a row are wanted, but not all of them."""


def with_columns(info: DesignInfo, names: Collection[str]) -> DesignInfo:
    """A description of some of the columns of a design, which builds no others.

    Parameters
    ----------
    info : DesignInfo
        The whole design.
    names : collection of str
        The columns that stay.

    Raises
    ------
    IndivisibleError
        Of a factor like a spline some columns are to stay, and some to go.
    """
    codings: OrderedDict[Any, list[Any]] = OrderedDict()
    columns: list[str] = []
    for term, subterms in info.term_codings.items():
        for subterm in subterms:
            named = list(_subterm_column_names_iter(info.factor_infos, subterm))
            kept = [i for i, name in enumerate(named) if name in names]
            columns += [named[i] for i in kept]
            if len(kept) == len(named):
                codings.setdefault(term, []).append(subterm)
            elif kept:
                codings.setdefault(term, []).extend(_singles(info, subterm, kept))
    factors = {factor: info.factor_infos[factor] for term in codings for factor in term.factors}
    return DesignInfo(columns, factor_infos=factors, term_codings=codings)


def _singles(info: DesignInfo, subterm: Any, kept: Sequence[int]) -> list[Any]:
    """Some columns of a subterm as subterms of one column each."""
    combinations = list(_subterm_column_combinations(info.factor_infos, subterm))
    return [_single(info, subterm, combinations[i]) for i in kept]


def _single(info: DesignInfo, subterm: Any, columns: Sequence[int]) -> Any:
    contrasts = {}
    for factor, column in zip(subterm.factors, columns, strict=True):
        whole = subterm.contrast_matrices.get(factor)
        if whole is not None:
            suffixes = [whole.column_suffixes[column]]
            contrasts[factor] = ContrastMatrix(whole.matrix[:, [column]], suffixes)
        elif info.factor_infos[factor].num_columns > 1:
            raise IndivisibleError(factor.name())
    return SubtermInfo(subterm.factors, contrasts, 1)
