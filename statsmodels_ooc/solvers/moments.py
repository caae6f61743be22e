"""A triangular factor from moments, and how far it can be trusted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, solve_triangular

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.reductions.moments import MomentsState
from statsmodels_ooc.reductions.triangle import triangularize
from statsmodels_ooc.solvers.dependence import noise

__all__ = ["DIGITS", "correct_digits", "factor_moments", "factor_of_gram"]

_EPS = float(np.finfo(np.float64).eps)


def factor_moments(state: MomentsState, *, centred: bool = True) -> FloatArray | None:
    """R of ``sqrt(w) * [1 | X | y]`` from moments, None where they cannot give it.

    Parameters
    ----------
    state : MomentsState
        Of ``[X | y]``.
    centred : bool
        Whether the factor is found from the centred moments, as a design with an
        intercept wants it. Those of a design without one can be singular, a full set
        of dummies, where the design itself is not.

    Returns
    -------
    ndarray, (k + 2, k + 2), or None
        Upper triangular; None where the moments, scaled to unit diagonal, are singular.
    """
    if not centred:
        return _factor_raw(state)
    p = len(state.mean) + 1
    r = np.zeros((p, p))
    r[0, 0] = np.sqrt(state.total)
    r[0, 1:] = r[0, 0] * state.mean
    factor = _cholesky(_centred(state))
    if factor is None:
        return None
    r[1:, 1:] = factor
    return r


def correct_digits(state: MomentsState, *, centred: bool = True) -> float:
    """How many digits a fit from these moments has, at the least; negative for none.

    Parameters
    ----------
    state : MomentsState
        Of ``[X | y]``.
    centred : bool
        As for `factor_moments`.

    Returns
    -------
    float
        Correct digits of the sum of squared residuals, of the standard errors, and of
        the coefficients, a coefficient below its standard error measured in that.

    Notes
    -----
    With p columns, the scaled cross products of ``[X | y]`` lose the square of the
    condition number times ``4 sqrt(p)``, their rounding. Where they are centred, large
    means cost, too: what a mean rounds off is measured in the column's spread, and in
    the residuals' for the response. Both factors are bounds on what random designs were
    measured to lose.
    """
    products = _centred(state) if centred else _raw(state)
    scaled, moving, norms = _scaled(products)
    if len(moving) == 0:
        return float(-np.log10(_EPS))
    eigenvalues = np.linalg.eigvalsh(scaled)
    if eigenvalues[0] <= 0:
        return -float(np.inf)
    loss = 4 * np.sqrt(len(moving)) * eigenvalues[-1] / eigenvalues[0]
    if centred:
        means = np.abs(state.mean[moving]) * np.sqrt(state.total) / norms[moving]
        if moving[-1] == len(norms) - 1:  # the share of y's spread that no column reaches
            means[-1] *= np.sqrt(np.abs(np.linalg.inv(scaled)[-1, -1]))
        loss += 8 * means.max()
    return float(-np.log10(_EPS * loss))


def _factor_raw(state: MomentsState) -> FloatArray | None:
    """R from cross products about zero: that of ``[X | 1 | y]``, put in order."""
    k = len(state.mean) - 1
    raw = _raw(state)
    factor = _cholesky(raw[:k, :k])
    if factor is None:
        return None
    p = k + 2
    others = np.zeros((k, 2))  # against X: the column of ones, and y
    others[:, 0], others[:, 1] = state.total * state.mean[:k], raw[:k, k]
    kept = np.diag(factor) > 0
    reached = np.zeros((k, 2))
    reached[kept] = solve_triangular(factor[np.ix_(kept, kept)], others[kept], trans="T")
    ones_y = state.total * state.mean[k]
    rest = np.array([[state.total, ones_y], [ones_y, raw[k, k]]]) - reached.T @ reached
    r = np.zeros((p, p))
    r[:k, :k], r[:k, k:] = factor, reached
    r[k, k] = np.sqrt(max(rest[0, 0], 0.0))
    if r[k, k] > np.sqrt(_EPS * state.total):
        r[k, k + 1] = rest[0, 1] / r[k, k]
    else:  # ones are in the span of X
        r[k, k] = 0.0
    r[k + 1, k + 1] = np.sqrt(max(rest[1, 1] - r[k, k + 1] ** 2, 0.0))
    return triangularize(r[:, [k, *range(k), k + 1]])


def _centred(state: MomentsState) -> FloatArray:
    """Cross products about the means, zero for columns that are constant up to rounding."""
    spread = np.sqrt(np.diag(state.comoment))
    rounding = noise(state.rows, 1) * np.abs(state.mean) * np.sqrt(state.total)
    moving = spread > rounding
    products: FloatArray = state.comoment * np.outer(moving, moving)
    return products


def _raw(state: MomentsState) -> FloatArray:
    """Cross products about zero."""
    products: FloatArray = state.comoment + state.total * np.outer(state.mean, state.mean)
    return products


def _cholesky(products: FloatArray) -> FloatArray | None:
    """Upper triangular factor of cross products; columns of zeros need none."""
    scaled, moving, norms = _scaled(products)
    factor, info = lapack.dpotrf(scaled, lower=0) if len(moving) else (scaled, 0)
    if info != 0:
        return None
    r = np.zeros(products.shape)
    r[np.ix_(moving, moving)] = np.triu(factor) * norms[moving]
    return r


def _scaled(products: FloatArray) -> tuple[FloatArray, NDArray[np.intp], FloatArray]:
    """Cross products at unit diagonal, of which columns, and the norms of all."""
    norms = np.sqrt(np.diag(products))
    moving = np.flatnonzero(norms > 0)
    scaled = products[np.ix_(moving, moving)] / np.outer(norms[moving], norms[moving])
    return scaled, moving, norms


DIGITS = 9.0  # that a Gram matrix must promise; R keeps twice as many


def factor_of_gram(state: MomentsState, *, centred: bool = True) -> tuple[float, FloatArray | None]:
    """How many digits a fit from a Gram matrix has at the least, and R where they are enough.

    Parameters
    ----------
    state : MomentsState
        The Gram matrix, shifted.
    centred : bool
        As for `factor_moments`.

    Returns
    -------
    digits : float
        Not below zero.
    r : ndarray, (k + 2, k + 2), or None
        The factor of ``sqrt(w) * [1 | X | y]``; None where fewer than `DIGITS` are right.
    """
    digits = max(correct_digits(state, centred=centred), 0.0)
    factor = factor_moments(state, centred=centred) if digits >= DIGITS else None
    return (0.0 if digits >= DIGITS and factor is None else digits), factor
