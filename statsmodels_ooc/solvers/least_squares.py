"""Weighted least squares from a triangular factor or from moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, lapack, solve_triangular

from statsmodels_ooc.reductions.audit import RowAuditState
from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.moments import MomentsState
from statsmodels_ooc.reductions.triangle import triangularize

__all__ = ["LinearFit", "correct_digits", "factor_moments", "find_constant", "solve"]

_EPS = float(np.finfo(np.float64).eps)


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
        Norm of the part of y that no column reaches.
    singular_values : ndarray, (k,)
        Of the whitened design, descending.
    rank : int
        Singular values above ``max * k * eps``, as statsmodels counts.
    centered_tss, uncentered_tss : float
        Weighted total sums of squares.
    """

    params: FloatArray
    root: FloatArray
    r_exog: FloatArray
    effects: FloatArray
    rho: float
    singular_values: FloatArray
    rank: int
    centered_tss: float
    uncentered_tss: float

    @property
    def normalized_cov_params(self) -> FloatArray:
        """``(X'WX)^+``, (k, k)."""
        return self.root @ self.root.T

    @property
    def ssr(self) -> float:
        """Sum of squared whitened residuals at `params`."""
        return self.ssr_at(self.params)

    def ssr_at(self, params: FloatArray) -> float:
        """Sum of squared whitened residuals at any parameters, (k,)."""
        gap = self.effects - self.r_exog @ params
        return float(gap @ gap) + self.rho**2

    def gradient_at(self, params: FloatArray) -> FloatArray:
        """``X'W(y - X params)`` at any parameters, (k,)."""
        gradient: FloatArray = self.r_exog.T @ (self.effects - self.r_exog @ params)
        return gradient


def solve(r: FloatArray, *, method: str = "pinv") -> LinearFit:
    """Least squares from R of ``sqrt(w) * [1 | X | y]``.

    Parameters
    ----------
    r : ndarray, (k + 2, k + 2)
        Upper triangular.
    method : {"pinv", "qr"}
        "pinv" gives the minimum-norm solution where the rank is short, "qr"
        refuses. At full rank both solve the triangular system, which is more
        accurate than a pseudoinverse.

    Raises
    ------
    LinAlgError
        The design is singular and `method` is "qr".

    Notes
    -----
    The rank rule is statsmodels': singular values above ``max * k * eps`` count.
    The others are taken for zero.
    """
    k = r.shape[0] - 2
    centered_tss = float(r[1:, -1] @ r[1:, -1])
    rx = triangularize(r[:, 1:])
    # Signs with a positive diagonal: the factor is then unique at full rank.
    rx *= np.where(np.diag(rx) < 0, -1.0, 1.0)[:, None]
    r_exog, effects, rho = rx[:k, :k], rx[:k, k], float(rx[k, k])
    u, s, vt = np.linalg.svd(r_exog)
    rank = int(np.count_nonzero(s > s.max(initial=0.0) * k * _EPS))
    if rank == k:
        params = solve_triangular(r_exog, effects)
        root, info = lapack.dtrtri(r_exog)
        if info > 0:
            raise LinAlgError("singular matrix")
        root = np.triu(root)
    elif method == "qr":
        raise LinAlgError(f"singular matrix: rank {rank} of {k} columns")
    else:
        root = vt[:rank].T / s[:rank]
        params = root @ (u[:, :rank].T @ effects)
    return LinearFit(
        params=params,
        root=root,
        r_exog=np.ascontiguousarray(r_exog),
        effects=np.ascontiguousarray(effects),
        rho=rho,
        singular_values=s,
        rank=rank,
        centered_tss=centered_tss,
        uncentered_tss=float(rx[:, k] @ rx[:, k]),
    )


def factor_moments(state: MomentsState) -> FloatArray | None:
    """R of ``sqrt(w) * [1 | X | y]`` from moments, None where they cannot give it.

    Columns that do not vary have a zero centred row and need no factor. The rest
    is scaled to unit diagonal before the Cholesky factorisation.

    Returns
    -------
    ndarray, (k + 2, k + 2), or None
        Upper triangular; None where the centred, scaled moments are singular.
    """
    p = len(state.mean) + 1
    r = np.zeros((p, p))
    r[0, 0] = np.sqrt(state.total)
    r[0, 1:] = r[0, 0] * state.mean
    norms = np.sqrt(np.diag(state.comoment))
    moving = np.flatnonzero(norms > 0)
    scaled = _scaled(state, moving)
    factor, info = lapack.dpotrf(scaled, lower=0)
    if info != 0:
        return None
    r[np.ix_(moving + 1, moving + 1)] = np.triu(factor) * norms[moving]
    return r


def correct_digits(state: MomentsState) -> float:
    """How many digits the moments can give, at the least: ``-log10(eps * cond**2)``.

    ``cond**2`` is the condition number of the centred and scaled cross products of
    ``[X | y]``, so that a response that is fitted almost exactly counts too.
    """
    norms = np.sqrt(np.diag(state.comoment))
    moving = np.flatnonzero(norms > 0)
    if len(moving) == 0:
        return -np.log10(_EPS)
    eigenvalues = np.linalg.eigvalsh(_scaled(state, moving))
    # Rounding makes a column that cancels to nothing look like a small one.
    steady = np.flatnonzero(norms[:-1] <= 1e-8 * np.abs(state.mean[:-1]) * np.sqrt(state.total))
    if eigenvalues[0] <= 0 or np.intersect1d(steady, moving).size:
        return 0.0
    return float(-np.log10(_EPS * eigenvalues[-1] / eigenvalues[0]))


def _scaled(state: MomentsState, columns: NDArray[np.intp]) -> FloatArray:
    norms = np.sqrt(np.diag(state.comoment))[columns]
    scaled: FloatArray = state.comoment[np.ix_(columns, columns)] / np.outer(norms, norms)
    return scaled


def find_constant(
    audit: RowAuditState, r: FloatArray, hasconst: bool | None
) -> tuple[int, int | None]:
    """Whether the design holds a constant, and in which column.

    The rules of statsmodels' ``ModelData._handle_constant``: of several constant
    columns the first column of ones, else the first that is not zero; without one,
    an implicit constant where a column of ones does not raise the rank.

    Parameters
    ----------
    audit : RowAuditState
        Extremes of the k columns.
    r : ndarray, (k + 2, k + 2)
        Triangular factor of ``sqrt(w) * [1 | X | y]``.
    hasconst : bool or None
        The user's word, None to find out.

    Returns
    -------
    k_constant : int
        0 or 1.
    const_idx : int or None
        The column of an explicit constant.
    """
    if hasconst is False:
        return 0, None
    low, high = audit.low[:-1], audit.high[:-1]
    constant = np.flatnonzero(low == high)
    values = low[constant]
    ones = constant[values == 1]
    if len(constant) > 1 and len(ones):
        return 1, int(ones[0])
    if (values != 0).any():
        return 1, int(constant[values != 0][0])
    if hasconst:
        return 1, None
    return int(_implicit_constant(r[:, :-1], audit.rows)), None


def _implicit_constant(r: FloatArray, n: int) -> bool:
    """Whether ``rank([1 | X]) == rank(X)`` at numpy's tolerance for n rows."""
    k = r.shape[1] - 1
    augmented = np.linalg.svd(r, compute_uv=False)
    design = np.linalg.svd(r[:, 1:], compute_uv=False)
    tolerance = max(n, k) * _EPS
    rank = np.count_nonzero(design > design.max(initial=0.0) * tolerance)
    return bool(rank == np.count_nonzero(augmented > augmented.max() * max(n, k + 1) * _EPS))
