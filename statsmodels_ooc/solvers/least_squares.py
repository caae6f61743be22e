"""Weighted least squares from a triangular factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, lapack, solve_triangular

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.triangle import triangularize

__all__ = ["LinearFit", "noise", "solve"]

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
        How many columns are independent.
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


def noise(rows: int, k: int) -> float:
    """What rounding leaves of a singular value that is zero, as a share of the largest.

    For the factor of n rows and k columns of one length. Measured on designs with a
    column too many: at most ``0.6 * sqrt(n) * eps``, in blocks of 7 to 8,192 rows.
    """
    return max(k, 8 * float(np.sqrt(rows))) * _EPS


def solve(r: FloatArray, rows: int, *, method: str = "pinv") -> LinearFit:
    """Least squares from R of ``sqrt(w) * [1 | X | y]``.

    Parameters
    ----------
    r : ndarray, (k + 2, k + 2)
        Upper triangular.
    rows : int
        How many rows went into it.
    method : {"pinv", "qr"}
        "pinv" gives the minimum-norm solution where the rank is short, "qr"
        refuses a design that is singular whatever the lengths of its columns, and
        solves the others. At full rank both solve the triangular system, which is more
        accurate than a pseudoinverse.

    Raises
    ------
    LinAlgError
        The design is singular and `method` is "qr".

    Notes
    -----
    The rank rule is statsmodels': singular values above ``max * k * eps`` count, and
    the others are taken for zero. A sum over many blocks rounds more than that, so
    what is within its noise once all columns have one length does not count either.
    """
    k = r.shape[0] - 2
    centered_tss = float(r[1:, -1] @ r[1:, -1])
    rx = triangularize(r[:, 1:])
    # Signs with a positive diagonal: the factor is then unique at full rank.
    rx *= np.where(np.diag(rx) < 0, -1.0, 1.0)[:, None]
    r_exog, effects, rho = rx[:k, :k], rx[:k, k], float(rx[k, k])
    singular_values = np.linalg.svd(r_exog, compute_uv=False).astype(np.float64)
    short = _short_rank(r_exog, singular_values, rows, strict=method == "pinv")
    if short is None:
        rank = k
        root = np.triu(lapack.dtrtri(r_exog)[0])
        params = solve_triangular(r_exog, effects)
    else:
        u, s, vt = short
        rank = len(s)
        if method == "qr":
            raise LinAlgError(f"singular matrix: rank {rank} of {k} columns")
        root = vt.T / s
        params = root @ (u.T @ effects)
    return LinearFit(
        params=params,
        root=root,
        r_exog=np.ascontiguousarray(r_exog),
        effects=np.ascontiguousarray(effects),
        rho=rho,
        singular_values=singular_values,
        rank=rank,
        centered_tss=centered_tss,
        uncentered_tss=float(rx[:, k] @ rx[:, k]),
    )


def _short_rank(
    r: FloatArray, values: FloatArray, rows: int, *, strict: bool
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Singular vectors and values of R without those that do not count.

    Parameters
    ----------
    r : ndarray, (k, k)
        The triangular factor.
    values : ndarray, (k,)
        Its singular values.
    rows : int
        How many rows went into it.
    strict : bool
        Whether statsmodels' rule is applied, or only noise is left out.

    Returns
    -------
    u (k, rank), s (rank,), vt (rank, k), or None
        None where all of them count.
    """
    k = len(r)
    norms = np.linalg.norm(r, axis=0)
    norms = np.where(norms > 0, norms, 1.0)
    scaled = np.linalg.svd(r / norms, compute_uv=False)
    m = int(np.count_nonzero(scaled > scaled.max(initial=0.0) * noise(rows, k)))
    counted = values > values.max(initial=0.0) * k * _EPS
    if m == k and (counted.all() or not strict):
        return None
    q, scaled, vt = np.linalg.svd(r / norms)
    # Without its noise, the design goes back to the scale on which statsmodels counts.
    u, s, vt = np.linalg.svd(scaled[:m, None] * vt[:m] * norms, full_matrices=False)
    rank = int(np.count_nonzero(s > s.max(initial=0.0) * k * _EPS))
    return q[:, :m] @ u[:, :rank], s[:rank], vt[:rank]
