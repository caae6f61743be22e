"""Operations on the vectors of a block, where statsmodels' formulas lose digits or time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from statsmodels_ooc.arrays import BoolArray, FloatArray

__all__ = [
    "EPS",
    "NEAR",
    "TINY",
    "Factor",
    "bend_of_power",
    "is_binary",
    "log_plus",
    "log_ratio",
    "of_counts",
    "quiet",
    "rows_not",
    "times",
    "total",
    "total_of_weighted",
]

Factor = FloatArray | float  # one number stands for every row
EPS = float(np.finfo(float).eps)
TINY = float(np.finfo(float).tiny)
SMALL, LARGE = 1e-280, 1e280  # between them a quotient of ordinary numbers is one too
NEAR = 1e-2  # of a mean: closer responses leave a deviance fewer than twelve digits
_TERMS = 9  # of a series in NEAR: what is left out is below eps


def quiet() -> np.errstate:
    """Let infinities and NaN come without a warning; who needs to know looks for them."""
    return np.errstate(divide="ignore", over="ignore", invalid="ignore")


def total(rows: FloatArray, weights: FloatArray | None) -> float:
    """The weighted sum."""
    return float(rows.sum() if weights is None else rows @ weights)


def total_of_weighted(rows: FloatArray, weights: FloatArray | None) -> float:
    """The weighted sum, where a weight of zero takes any value with it, infinity too."""
    return total(rows if weights is None else np.where(weights > 0, rows, 0.0), weights)


def times(rows: FloatArray, weights: FloatArray | None) -> FloatArray:
    """The weighted rows; None for unit weights."""
    return rows if weights is None else rows * weights


def rows_not(good: Callable[[FloatArray], BoolArray], x: FloatArray) -> BoolArray | None:
    """Rows that are not good, None for none: for intervals, which their ends decide."""
    if len(x) == 0 or (good(x.min()) and good(x.max())):
        return None
    return ~good(x)


def is_binary(y: FloatArray) -> bool:
    """Whether all values are 0 or 1."""
    return bool(((y != 0) == y).all())


def of_counts(function: Callable[[FloatArray], FloatArray], y: FloatArray) -> FloatArray:
    """``function(y)``, looked up in a table where y are counts that repeat."""
    if len(y) and y.min() >= 0 and y.max() < len(y) / 2:
        count = y.astype(np.intp)
        if (count == y).all():
            return function(np.arange(count.max() + 1.0)).take(count)
    return function(y)


def log_ratio(y: FloatArray, mu: FloatArray, log_mu: Callable[[], Factor]) -> FloatArray:
    """``log(y / mu)``, some finite number where y is zero."""
    if len(mu) and mu.min() > SMALL and mu.max() < LARGE:
        ratio = y / mu
        np.maximum(ratio, TINY, out=ratio)
        return np.log(ratio, out=ratio)
    return np.log(np.maximum(y, TINY)) - log_mu()


def bend_of_power(x: FloatArray, p: float) -> FloatArray:
    """The double integral of ``(1 + t)**-p`` from 0 to x, for ``|x| <= NEAR``.

    Half the deviance of a response ``mu (1 + x)`` whose variance is ``mu**p`` is
    ``mu**(2 - p)`` times this: ``(1 + x) log(1 + x) - x`` for p = 1, ``x - log(1 + x)``
    for p = 2. Its own terms would cancel to a share of x of what they are.
    """
    binomials = np.cumprod([1.0, *((-p - j) / (j + 1) for j in range(_TERMS))])
    series = np.zeros_like(x)
    for j in reversed(range(_TERMS)):
        series = series * x + binomials[j] / ((j + 1) * (j + 2))
    return series * x * x


def log_plus(x: FloatArray, rest: FloatArray) -> FloatArray:
    """Logarithm of a probability, from its complement where that says more."""
    return np.where(x < 0.5, np.log(x), np.log1p(-rest))
