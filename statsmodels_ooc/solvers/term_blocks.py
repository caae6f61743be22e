"""Terms of a linear model as blocks of columns, what is always in the model taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.reductions.least_squares import triangularize
from statsmodels_ooc.solvers.dependence import lengths, noise, null_space, resolve


class Fitted(NamedTuple):
    """The sum of squared residuals of a model, and its rank."""

    ssr: float
    rank: int


@dataclass(frozen=True)
class TermBlocks:
    """p terms of q columns together.

    Attributes
    ----------
    columns : ndarray, (m, q)
        Those of a factor with the cross products of the rows, orthogonal to what is always in
        the model; measured in the lengths that they had before.
    y : ndarray, (m,)
        The response, likewise.
    of : ndarray of int, (q,)
        The term of each column.
    needs : ndarray of bool, (p, p)
        Which terms a model with a term has, too: itself, and transitively.
    base : int
        The rank of what is always in the model.
    rows : int
        How many rows went into the factor.
    """

    columns: FloatArray
    y: FloatArray
    of: NDArray[np.intp]
    needs: BoolArray
    base: int
    rows: int

    @property
    def count(self) -> int:
        """The number of terms, p."""
        return len(self.needs)

    @cached_property
    def sizes(self) -> NDArray[np.intp]:
        """How many columns each term has, (p,)."""
        return np.bincount(self.of, minlength=self.count)

    @cached_property
    def condition(self) -> float:
        """The ratio of the largest singular value of the columns to the smallest."""
        if not len(self.of):
            return 1.0
        values = np.linalg.svd(self.columns, compute_uv=False)
        return float(values[0] / values[-1]) if values[-1] > 0 else np.inf

    def fit(self, chosen: BoolArray) -> Fitted:
        """The model of some terms, (p,), and of what is always in it."""
        some = self.columns[:, chosen[self.of]]
        if some.shape[1] == 0:
            return Fitted(float(self.y @ self.y), self.base)
        u, s, _ = np.linalg.svd(some, full_matrices=False)
        least = noise(self.rows, self.base + len(self.of)) * max(s[0], 1.0)
        rank = int(np.count_nonzero(s > least))
        rest = self.y - u[:, :rank] @ (u[:, :rank].T @ self.y)
        rest -= u[:, :rank] @ (u[:, :rank].T @ rest)
        return Fitted(float(rest @ rest), self.base + rank)

    def is_closed(self, chosen: BoolArray) -> bool:
        """Whether a model has all that its terms need."""
        return not (self.needs[chosen].any(axis=0) & ~chosen).any()


def term_blocks(
    r: FloatArray,
    rows: int,
    kept: FloatArray,
    spans: Sequence[FloatArray],
    needs: BoolArray,
) -> TermBlocks:
    """Take what is always in the model out of the terms.

    Parameters
    ----------
    r : ndarray, (k + 2, k + 2)
        Upper triangular factor of ``sqrt(w) * [1 | X | y]``.
    rows : int
        How many rows went into it.
    kept : ndarray, (k, c)
        What is always in the model, as combinations of the columns of X.
    spans : sequence of ndarray, (k, q_j)
        The terms, likewise.
    needs : ndarray of bool, (p, p)
        Which terms need which others.
    """
    x = r[:, 1:-1]
    always = x @ kept
    null, tolerance = null_space(always, rows)
    if null.shape[1]:
        always = always[:, resolve(null, tolerance, lengths(always), "last").independent]
    base = always.shape[1]
    terms = x @ np.hstack([np.zeros((len(kept), 0)), *spans])
    units = lengths(terms)
    stacked = _triangle(np.column_stack((always, terms / units, r[:, -1])))[base:, base:]
    sizes = np.array([span.shape[1] for span in spans], dtype=np.intp)
    of = np.repeat(np.arange(len(spans)), sizes)
    return TermBlocks(stacked[:, :-1], stacked[:, -1], of, closed(needs), base, rows)


def closed(needs: BoolArray) -> BoolArray:
    """What terms need, what that needs, and so on; and themselves."""
    found = needs | np.eye(len(needs), dtype=bool)
    for _ in range(len(needs)):
        found = found | (found.astype(int) @ found.astype(int) > 0)
    return found


def inverse_products(columns: FloatArray) -> FloatArray:
    """``(X'X)^-1`` of columns of full rank, (q, q)."""
    root = solve_triangular(_triangle(columns), np.eye(columns.shape[1]))
    products: FloatArray = root @ root.T
    return products


def _triangle(columns: FloatArray) -> FloatArray:
    """R of columns of any number of rows."""
    rows, q = columns.shape
    return triangularize(np.vstack((columns, np.zeros((max(q - rows, 0), q)))))
