"""Columns of one coding of some terms as combinations of those of another."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from statsmodels_ooc._patsy import DesignInfo, subterm_columns
from statsmodels_ooc.arrays import FloatArray

_OUTSIDE = 1e-8  # of a column: a squared distance above it is none of rounding
_WHOLE = 1e-10  # from a whole number: a coefficient that is meant to be one


class Combinations(NamedTuple):
    """``X_part = X_whole @ coefs``, (k, q), and the names of columns of which that is not so."""

    coefs: FloatArray
    outside: tuple[str, ...]


@dataclass(frozen=True)
class _Columns:
    """m columns that are products of the same numbers and of codes of the same factors."""

    places: Sequence[int]  # in the design, (m,)
    codes: Mapping[Any, FloatArray]  # of each factor what its levels give the columns, (levels, m)

    def told(self) -> Iterator[tuple[int, Hashable]]:
        """Of each column its place, and what equal columns have in common."""
        for j, place in enumerate(self.places):
            parts = ((factor, code[:, j].tobytes()) for factor, code in self.codes.items())
            yield place, frozenset(parts)

    def products(self, other: _Columns) -> FloatArray:
        """Mean products with other columns over the cells of all factors, (m, m')."""
        found = np.ones((len(self.places), len(other.places)))
        for factor, code in self.codes.items():
            if factor in other.codes:
                found *= code.T @ other.codes[factor] / len(code)
            else:
                found *= code.mean(axis=0)[:, None]
        for factor, code in other.codes.items():
            if factor not in self.codes:
                found *= code.mean(axis=0)
        return found


def combinations(whole: DesignInfo, part: DesignInfo) -> Combinations:
    """The columns of a design as combinations of those of another, whatever the data.

    Parameters
    ----------
    whole, part : DesignInfo
        Of k and of q columns, of the same factors.

    Notes
    -----
    A column is a product of numbers and of codes of levels. Columns of the same numbers are
    functions on the cells of their factors; with the same weight for all cells their inner
    products factorise, so that no cell is ever listed. Columns that both designs have are told
    by their codes, without arithmetic.
    """
    coefs = np.zeros((len(whole.column_names), len(part.column_names)))
    outside: list[int] = []
    known = _by_numbers(whole)
    for numbers, wanted in _by_numbers(part).items():
        given = known.get(numbers, [])
        places = {key: place for columns in given for place, key in columns.told()}
        other = []
        for columns in wanted:
            for place, key in columns.told():
                if key in places:
                    coefs[places[key], place] = 1.0
                else:
                    other.append(place)
        if other:
            outside += _solve(given, wanted, np.array(other), coefs)
    return Combinations(coefs, tuple(part.column_names[j] for j in sorted(outside)))


def _by_numbers(info: DesignInfo) -> dict[Hashable, list[_Columns]]:
    """The columns of a design by the numbers that they are products of."""
    found: dict[Hashable, list[_Columns]] = {}
    start = 0
    for subterms in info.term_codings.values():
        for subterm in subterms:
            by_numbers: dict[Hashable, list[tuple[int, Sequence[int]]]] = {}
            for place, columns in enumerate(subterm_columns(info, subterm), start):
                pairs = zip(subterm.factors, columns, strict=True)
                numbers: Hashable = frozenset(
                    p for p in pairs if p[0] not in subterm.contrast_matrices
                )
                by_numbers.setdefault(numbers, []).append((place, columns))
            for told, members in by_numbers.items():
                codes = {
                    factor: np.asarray(
                        subterm.contrast_matrices[factor].matrix[:, [c[i] for _, c in members]],
                        dtype=np.float64,
                    )
                    for i, factor in enumerate(subterm.factors)
                    if factor in subterm.contrast_matrices
                }
                columns_ = _Columns([place for place, _ in members], codes)
                found.setdefault(told, []).append(columns_)
            start += subterm.num_columns
    return found


def _solve(
    given: Sequence[_Columns], wanted: Sequence[_Columns], places: Any, coefs: FloatArray
) -> list[int]:
    """Write the coefficients of some columns; those that are no combinations are returned."""
    if not given:
        return list(places)
    own = np.concatenate([columns.places for columns in given])
    order = [place for columns in wanted for place in columns.places]
    some = [order.index(place) for place in places]
    gram = np.block([[a.products(b) for b in given] for a in given])
    right = np.block([[a.products(b) for b in wanted] for a in given])[:, some]
    sizes = np.concatenate([np.diag(b.products(b)) for b in wanted])[some]
    inverse = np.linalg.pinv(gram, hermitian=True)
    found = inverse @ right
    found += inverse @ (right - gram @ found)  # the digits that the condition has cost
    whole = np.round(found)
    found = np.where(np.abs(found - whole) <= _WHOLE, whole, found)
    rest = sizes - 2 * np.sum(found * right, axis=0) + np.sum(found * (gram @ found), axis=0)
    inside = np.abs(rest) <= _OUTSIDE * sizes
    coefs[np.ix_(own, places[inside])] = found[:, inside]
    return list(places[~inside])
