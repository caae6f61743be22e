"""Whether a Gram matrix will do in place of the triangular factor R."""

from __future__ import annotations

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.reductions.moments import MomentsState
from statsmodels_ooc.solvers.moments import correct_digits, factor_moments

__all__ = ["DIGITS", "factor_of_gram"]

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
