"""Elastic net and ridge over many penalties, from one triangular factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.reductions.least_squares import triangularize
from statsmodels_ooc.solvers.dependence import lengths, null_space, resolve
from statsmodels_ooc.solvers.elastic_net import penalized_quadratic


@dataclass(frozen=True)
class Path:
    """Parameters by penalty, (a, k), and how many degrees of freedom they take, (a,)."""

    params: FloatArray
    df: FloatArray


@dataclass(frozen=True)
class _Rest:
    """What is left of penalised columns once the others are taken out.

    Attributes
    ----------
    free : ndarray of int, (u,)
        Independent columns without a penalty.
    penalized : ndarray of bool, (k,)
        The others.
    system : ndarray, (m, u + p + 1)
        R of free columns, penalised ones, and y.
    """

    free: NDArray[np.intp]
    penalized: BoolArray
    system: FloatArray

    @property
    def columns(self) -> FloatArray:
        """The penalised columns, orthogonal to the free ones, (m, p)."""
        return self.system[len(self.free) :, len(self.free) : -1]

    @property
    def y(self) -> FloatArray:
        """The response, likewise."""
        return self.system[len(self.free) :, -1]

    def whole(self, params: FloatArray) -> FloatArray:
        """All parameters, (a, k), from those with a penalty, (a, p)."""
        u = len(self.free)
        found = np.zeros((len(params), len(self.penalized)))
        found[:, self.penalized] = params
        if u:
            top = self.system[:u]
            left = top[:, -1:] - top[:, u:-1] @ params.T
            found[:, self.free] = solve_triangular(top[:, :u], left).T
        return found


def penalized_path(
    r: FloatArray, rows: int, alphas: FloatArray, l1: FloatArray, l2: FloatArray
) -> Path:
    """Minimise ``|y - X b|**2 / (2 n) + alpha (l1 @ abs(b) + l2 @ b**2 / 2)`` for many alphas.

    Parameters
    ----------
    r : ndarray, (k + 2, k + 2)
        Upper triangular factor of ``sqrt(w) * [1 | X | y]``, of n rows.
    rows : int
        n.
    alphas : ndarray, (a,)
        Descending and positive.
    l1, l2 : ndarray, (k,)
        Zero for columns without a penalty.

    Notes
    -----
    Columns without a penalty are taken out first, so that a constant costs no digits. Without an
    L1 part, with ``P diag(l2)**-1/2 = U S V'``, the parameters are
    ``diag(l2)**-1/2 V S / (S**2 + n alpha) U'y``, and the degrees of freedom the sum of
    ``S**2 / (S**2 + n alpha)``. With one, each solution starts the next, from an active set that
    hardly changes; the degrees of freedom are the trace of the smoother of the active columns,
    for the lasso their number.

    References
    ----------
    Hastie, Tibshirani, Friedman (2009). The Elements of Statistical Learning, section 3.4.
    Zou, Hastie, Tibshirani (2007). On the "degrees of freedom" of the lasso. Annals of
    Statistics 35, 2173-2192.
    """
    rest = _taken_out(r, rows, (l1 == 0) & (l2 == 0))
    some = rest.penalized
    if not l1.any():
        params, df = _ridge(rest, rows * alphas, np.sqrt(l2[some]))
    else:
        params, df = _elastic_net(rest, rows, alphas, l1[some], l2[some])
    return Path(rest.whole(params), df + len(rest.free))


def largest_alpha(r: FloatArray, rows: int, l1: FloatArray) -> float:
    """The smallest alpha at which no penalised column has a coefficient."""
    rest = _taken_out(r, rows, l1 == 0)
    slope = np.abs(rest.columns.T @ rest.y) / rows
    return float((slope / l1[rest.penalized]).max(initial=0.0))


def _taken_out(r: FloatArray, rows: int, is_free: BoolArray) -> _Rest:
    """Take columns without a penalty out of the others, a constant first."""
    x = r[:, 1:-1]
    free = np.flatnonzero(is_free)
    free = free[np.argsort(x[1:, free].any(axis=0), kind="stable")]
    null, tolerance = null_space(x[:, free], rows)
    if null.shape[1]:
        free = free[resolve(null, tolerance, lengths(x[:, free]), "last").independent]
    system = triangularize(np.column_stack((x[:, free], x[:, ~is_free], r[:, -1])))
    return _Rest(free, ~is_free, system)


def _ridge(rest: _Rest, strength: FloatArray, root: FloatArray) -> tuple[FloatArray, FloatArray]:
    u, s, vt = np.linalg.svd(rest.columns / root, full_matrices=False)
    shrunk = s / (s**2 + strength[:, None])
    params = (shrunk * (u.T @ rest.y)) @ vt / root
    return params, (s * shrunk).sum(axis=1)


def _elastic_net(
    rest: _Rest, rows: int, alphas: FloatArray, l1: FloatArray, l2: FloatArray
) -> tuple[FloatArray, FloatArray]:
    columns = rest.columns
    products, linear = columns.T @ columns / rows, columns.T @ rest.y / rows
    params, df = np.zeros((len(alphas), len(l1))), np.zeros(len(alphas))
    start = np.zeros(len(l1))
    for i, alpha in enumerate(alphas):
        hessian = products + np.diag(alpha * l2)
        params[i] = start = penalized_quadratic(hessian, linear, alpha * l1, start)
        active = start != 0
        own = products[np.ix_(active, active)]
        df[i] = np.trace(np.linalg.pinv(hessian[np.ix_(active, active)], hermitian=True) @ own)
    return params, df
