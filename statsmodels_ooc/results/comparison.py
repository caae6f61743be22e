"""A restricted model inside a full one: found by its columns, tested by its scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.solvers.least_squares import LinearFit

__all__ = ["lm_statistic", "same_columns"]

_ROUNDING = 1e-9


def same_columns(
    full: tuple[Sequence[str], LinearFit], restricted: tuple[Sequence[str], LinearFit]
) -> list[int] | None:
    """Where the columns of a restricted design stand in the full one.

    Names are not enough: the cross products of the columns, with one another and with
    the response, must agree, too.

    Parameters
    ----------
    full, restricted : (names, LinearFit)
        Of k and of fewer columns.

    Returns
    -------
    list of int, or None
        One position for each restricted column; None where one is missing or differs.
    """
    names, fit = full
    if not set(restricted[0]) <= set(names):
        return None
    positions = [list(names).index(name) for name in restricted[0]]
    whole = _cross_products(fit)
    picked = whole[np.ix_([*positions, -1], [*positions, -1])]
    size = np.sqrt(np.diag(picked))
    gap = np.abs(picked - _cross_products(restricted[1]))
    return positions if (gap <= _ROUNDING * np.outer(size, size)).all() else None


def _cross_products(fit: LinearFit) -> FloatArray:
    """Of the whitened ``[X | y]``, (k + 1, k + 1)."""
    k = len(fit.effects)
    r = np.zeros((k + 1, k + 1))
    r[:k, :k], r[:k, k], r[k, k] = fit.r_exog, fit.effects, fit.rho
    return r.T @ r


def lm_statistic(score: FloatArray, covariance: FloatArray, n: float) -> float:
    """``n s' S^-1 s`` for the mean score and the covariance of the scores.

    Both in r coordinates that the rows of the design determine.

    Parameters
    ----------
    score : ndarray, (r,)
        The mean score.
    covariance : ndarray, (r, r)
        Of the scores.
    n : float
        Number of rows.

    References
    ----------
    Wooldridge (2010). Econometric Analysis of Cross Section and Panel Data, 2nd ed.,
    section 12.6.2.
    """
    return float(n * score @ np.linalg.solve(covariance, score))
