"""Weighted least squares from a triangular factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, solve_triangular

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.triangle import triangularize
from statsmodels_ooc.solvers.dependence import (
    Dependence,
    lengths,
    noise,
    null_space,
    resolve,
    scaled_rank,
)

__all__ = ["LinearFit", "solve"]


@dataclass(frozen=True)
class LinearFit:
    """What least squares found, for n rows and k columns.

    Everything here comes from R of ``sqrt(w) * [X | y]``, which stays in `r_exog`,
    `effects` and `rho`: those k + 1 rows are a data set with the same answers.

    Attributes
    ----------
    params : ndarray, (k,)
        The coefficients; of minimum norm where the rank is short.
    root : ndarray, (k, rank)
        A root of the normalised covariance, ``(X'WX)^+ == root @ root.T``.
    r_exog : ndarray, (k, k)
        Upper triangular factor of the whitened design.
    effects : ndarray, (k,)
        ``Q'y`` for the same factorisation, the first k entries.
    rho : float
        The last entry of the same column. At full rank the norm of the part of y that
        no column reaches.
    ssr : float
        Sum of squared whitened residuals at `params`.
    singular_values : ndarray, (k,)
        Of the whitened design, descending.
    rows : int
        How many rows went into it.
    rank : int
        How many columns are independent.
    dependence : Dependence or None
        Which columns follow from which others; None at full rank.
    centered_tss, uncentered_tss : float
        Weighted total sums of squares.
    """

    params: FloatArray
    root: FloatArray
    r_exog: FloatArray
    effects: FloatArray
    rho: float
    ssr: float
    singular_values: FloatArray
    rows: int
    rank: int
    dependence: Dependence | None
    centered_tss: float
    uncentered_tss: float

    @property
    def normalized_cov_params(self) -> FloatArray:
        """``(X'WX)^+``, (k, k)."""
        return self.root @ self.root.T

    def ssr_at(self, params: FloatArray) -> float:
        """Sum of squared whitened residuals at any parameters, (k,)."""
        gap = self.r_exog @ (self.params - params)  # orthogonal to the residuals
        return float(gap @ gap) + self.ssr

    def gradient_at(self, params: FloatArray) -> FloatArray:
        """``X'W(y - X params)`` at any parameters, (k,)."""
        gradient: FloatArray = self.r_exog.T @ (self.r_exog @ (self.params - params))
        return gradient

    def shortest(self, params: FloatArray) -> FloatArray:
        """Of all parameters with the fitted values of these those of minimum norm, (k,)."""
        if self.dependence is None:
            return params
        return self.dependence.shortest(params)


def solve(r: FloatArray, rows: int) -> LinearFit:
    """Least squares from R of ``sqrt(w) * [1 | X | y]``.

    Parameters
    ----------
    r : ndarray, (k + 2, k + 2)
        Upper triangular.
    rows : int
        How many rows went into it.

    Returns
    -------
    LinearFit
        With the solution of minimum norm where the rank is short.

    Notes
    -----
    1. The rank is that of the columns brought to one length, so that no unit of
       measurement takes part in it: singular values above `noise` count.
    2. Where it is short, as many columns are left out as follow from the others.
    3. The triangular system of the others is solved, which is more accurate than a
       pseudoinverse. A constant column comes first: the others then stand in it with
       their deviations from the mean, and keep the digits of these.
    4. What the columns left out share of the solution makes it the shortest.
    5. The residuals are what the same system leaves of y.
    """
    k = r.shape[0] - 2
    rx = _positive(triangularize(r[:, 1:]))
    r_exog = rx[:k, :k]
    rank = scaled_rank(r_exog, rows)
    dependence, columns = None, np.arange(k)
    if rank < k:
        null, tolerance = null_space(r_exog, rows)
        dependence = resolve(null, tolerance, lengths(r_exog))
        columns = dependence.independent
    columns = _constant_first(r, columns)
    system = _positive(triangularize(r[:, [*(columns + 1), k + 1]]))
    params, root = np.zeros(k), np.zeros((k, rank))
    if rank:
        params[columns] = solve_triangular(system[:rank, :rank], system[:rank, rank])
        root[columns] = np.triu(lapack.dtrtri(system[:rank, :rank])[0])
    if dependence is not None:
        params, root = dependence.shortest(params), dependence.shortest(root)
    centred = _ones_first(r, columns, rows)
    rest = system if centred is None else triangularize(r[:, [*centred, k + 1]])
    ssr = float(rest[rank, rank] ** 2)
    return LinearFit(
        params=params,
        root=root,
        r_exog=np.ascontiguousarray(r_exog),
        effects=np.ascontiguousarray(rx[:k, k]),
        rho=float(np.sqrt(ssr)) if rank == k else float(rx[k, k]),
        ssr=ssr,
        singular_values=np.linalg.svd(r_exog, compute_uv=False).astype(np.float64),
        rows=rows,
        rank=rank,
        dependence=dependence,
        centered_tss=float(r[1:, -1] @ r[1:, -1]),
        uncentered_tss=float(rx[:, k] @ rx[:, k]),
    )


def _positive(r: FloatArray) -> FloatArray:
    """The factor with a positive diagonal, which is unique at full rank."""
    return r * np.where(np.diag(r) < 0, -1.0, 1.0)[:, None]


def _constant_first(r: FloatArray, columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """The columns, a constant one moved to the front."""
    varies = r[1:, columns + 1].any(axis=0)
    return np.concatenate((columns[~varies], columns[varies]))


def _ones_first(r: FloatArray, columns: NDArray[np.intp], rows: int) -> list[int] | None:
    """Columns of R with the span of some of the design's, the column of ones before them.

    None where that column is not in the span, or is the first of them already.
    """
    m = len(columns)
    if m == 0 or not r[1:, columns[0] + 1].any():
        return None
    factor = triangularize(r[:, [*(columns + 1), 0]])
    ones = factor[:, m]
    if abs(ones[m]) > noise(rows, m) * np.linalg.norm(ones):
        return None
    basis = factor[:m, :m]
    shares = np.abs(solve_triangular(basis, ones[:m])) * lengths(basis)
    return [0, *np.delete(columns, shares.argmax()) + 1]
