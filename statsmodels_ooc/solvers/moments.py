"""A triangular factor from moments, and how far it can be trusted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.moments import MomentsState

__all__ = ["correct_digits", "factor_moments"]

_EPS = float(np.finfo(np.float64).eps)


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
    """How many digits a fit from these moments has, at the least; negative for none.

    Parameters
    ----------
    state : MomentsState
        Of ``[X | y]``.

    Returns
    -------
    float
        Correct digits of the sum of squared residuals, of the standard errors, and of
        the coefficients, a coefficient below its standard error measured in that.

    Notes
    -----
    With p columns, the centred and scaled cross products of ``[X | y]`` lose the square
    of the condition number times ``4 sqrt(p)``, their rounding. Large means cost, too:
    what a mean rounds off is measured in the column's spread, and in the residuals' for
    the response. Both factors are bounds on what random designs were measured to lose.
    """
    norms = np.sqrt(np.diag(state.comoment))
    moving = np.flatnonzero(norms > 0)
    if len(moving) == 0:
        return float(-np.log10(_EPS))
    scaled = _scaled(state, moving)
    eigenvalues = np.linalg.eigvalsh(scaled)
    if eigenvalues[0] <= 0:
        return -float(np.inf)
    squared = eigenvalues[-1] / eigenvalues[0]
    means = np.abs(state.mean[moving]) * np.sqrt(state.total) / norms[moving]
    if moving[-1] == len(norms) - 1:  # the share of y's spread that no column reaches
        unreached = 1 / np.sqrt(np.linalg.inv(scaled)[-1, -1])
        means[-1] /= unreached
    loss = 4 * np.sqrt(len(moving)) * squared + 8 * means.max()
    return float(-np.log10(_EPS * loss))


def _scaled(state: MomentsState, columns: NDArray[np.intp]) -> FloatArray:
    norms = np.sqrt(np.diag(state.comoment))[columns]
    scaled: FloatArray = state.comoment[np.ix_(columns, columns)] / np.outer(norms, norms)
    return scaled
