"""Operations on the vectors of a block, where statsmodels' formulas lose digits or time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from statsmodels_ooc.arrays import BoolArray, FloatArray

Factor = FloatArray | float  # one number stands for every row
Weights = FloatArray | None  # None for unit weights
Pair = tuple[FloatArray, FloatArray]
EPS = float(np.finfo(float).eps)
TINY = float(np.finfo(float).tiny)
SMALL, LARGE = 1e-280, 1e280  # between them a quotient of ordinary numbers is one too
NEAR = 1e-2  # of a mean: closer responses leave a deviance fewer than twelve digits
_TERMS = 9  # of a series in NEAR: what is left out is below eps


def quiet() -> np.errstate:
    """Let infinities and NaN come without a warning; who needs to know looks for them."""
    return np.errstate(divide="ignore", over="ignore", invalid="ignore")


def total(rows: FloatArray, weights: Weights) -> float:
    """The weighted sum."""
    return float(rows.sum() if weights is None else rows @ weights)


def total_of_weighted(rows: FloatArray, weights: Weights) -> float:
    """The weighted sum, where a weight of zero takes any value with it, infinity too."""
    return total(rows if weights is None else np.where(weights > 0, rows, 0.0), weights)


def times(rows: FloatArray, weights: Weights) -> FloatArray:
    """The weighted rows; None for unit weights."""
    return rows if weights is None else rows * weights


def widest(gap: FloatArray, a: Weights, spread: Weights = None) -> float:
    """The largest distance from a mean; of a cell, that of its rows in the root mean square."""
    if spread is None or a is None:
        return max(float(gap.max()), -float(gap.min()))
    with quiet():
        return float(np.sqrt((gap * gap + spread / a).max()))


def pearson(gap: FloatArray, variance: FloatArray, a: Weights, spread: Weights = None) -> float:
    """Pearson's chi-squared; what rows within a cell differ in comes on top."""
    with quiet():
        squares = gap * gap
        if a is not None:
            squares *= a
        if spread is not None:
            squares += spread
        ratio = np.divide(squares, variance, out=np.zeros_like(squares), where=squares != 0)
    return float(ratio.sum())


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


def tallied(y: FloatArray, weights: Weights) -> tuple[FloatArray, Weights]:
    """The values of counts that repeat, with their summed weights; other rows as they are."""
    if len(y) and y.min() >= 0 and y.max() < len(y) / 8:
        count = y.astype(np.intp)
        if (count == y).all():
            sums = np.bincount(count, weights)
            return np.arange(float(len(sums))), sums.astype(np.float64)
    return y, weights


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


# B[2i] / (2i * (2i - 1)) of Stirling's series. The error is below the first term left
# out, 1 / (156 * k**13): from k = 16 on 1.5e-18, 2.8e-16 of the sum.
_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
_LARGE = 16.0
_SMALL = 5e-3  # relative variance; the fifth term, left out, is below 3e-15


def stirling_error(k: FloatArray) -> FloatArray:
    r"""Logarithm of ``k!`` over Stirling's approximation of it.

    .. math:: \delta(k) = \log\Gamma(k) - (k - 1/2) \log k + k - \log(2\pi) / 2

    Parameters
    ----------
    k : ndarray, (b,)
        Positive numbers, infinity among them.

    Returns
    -------
    ndarray, (b,)
        To 3 eps of the larger one of 1 and itself; from 16 on, to 2 eps of itself.

    References
    ----------
    Loader (2000). Fast and Accurate Computation of Binomial Probabilities.

    Examples
    --------
    >>> stirling_error(np.array([0.5, 1e18]))
    array([1.53426410e-01, 8.33333333e-20])
    """
    large = np.maximum(k, _LARGE)
    found = np.polynomial.polynomial.polyval(1 / (large * large), _SERIES) / large
    small = k < _LARGE
    if small.any():
        few = k[small]
        found[small] = -_of_few(few) - np.log(2 * np.pi * few) / 2
    return found


def poisson_at_mean(k: FloatArray) -> FloatArray:
    r"""Logarithm of the Poisson probability of k where k is the mean; of any k from 0 on.

    .. math:: k \log k - k - \log\Gamma(k + 1) = -\log(2\pi k) / 2 - \delta(k)

    Parameters
    ----------
    k : ndarray, (b,)
        Numbers from 0 on, counts or not.

    Examples
    --------
    >>> poisson_at_mean(np.array([0.0, 1.0, 1e15]))
    array([  0.        ,  -1.        , -18.18832673])
    """
    small = k < _LARGE
    large = np.maximum(k, _LARGE)
    found = -np.log(2 * np.pi * large) / 2 - stirling_error(large)
    found[small] = _of_few(k[small])
    return np.asarray(found)


def gamma_at_mean(shape: FloatArray) -> FloatArray:
    r"""Logarithm of the gamma density of mean one at one.

    .. math:: k \log k - k - \log\Gamma(k) = \log(k / 2\pi) / 2 - \delta(k)

    Parameters
    ----------
    shape : ndarray, (b,)
        The shape k, one over the dispersion.

    Examples
    --------
    >>> gamma_at_mean(np.array([1.0, 1e14]))
    array([-1.        , 15.19915712])
    """
    return np.asarray(poisson_at_mean(shape) + np.log(shape))


def tweedie_at_mean(y: FloatArray, dispersion: FloatArray, power: float) -> FloatArray:
    r"""Logarithm of a Tweedie density of mean y at y, where the dispersion is small.

    .. math::

        -\log(2\pi\phi y^p) / 2 - \frac{u}{24} t + \frac{u (2 - u)}{48} t^2
        - \frac{u (161 u^2 - 626 u + 600)}{5760} t^3
        + \frac{u (2 - u) (367 u^2 - 1382 u + 1260)}{5760} t^4

    of the relative variance :math:`t = \phi y^{p - 2}` and :math:`u = p (3 - p)`.

    Parameters
    ----------
    y : ndarray, (b,)
        Positive numbers that `has_saddlepoint`.
    dispersion : ndarray, (b,)
        The dispersion of each.
    power : float
        The power of the mean that the variance is, between 1 and 2.

    References
    ----------
    Dunn, Smyth (2001). Tweedie family densities: methods of evaluation. The terms follow
    from the cumulants, whose powers of the mean are known (Jørgensen 1997, section 4.1);
    at powers 1 and 2 they are those of Stirling's series.

    Examples
    --------
    >>> tweedie_at_mean(np.array([2.0]), np.array([1e-12]), 1.5)
    array([12.37671164])
    """
    t, u = dispersion * y ** (power - 2), power * (3 - power)
    series = (
        -u / 24,
        u * (2 - u) / 48,
        -u * (161 * u**2 - 626 * u + 600) / 5760,
        u * (2 - u) * (367 * u**2 - 1382 * u + 1260) / 5760,
    )
    error = t * np.polynomial.polynomial.polyval(t, series)
    return np.asarray(error - (np.log(2 * np.pi * dispersion) + power * np.log(y)) / 2)


def has_saddlepoint(y: FloatArray, dispersion: FloatArray, power: float) -> BoolArray:
    """Where `tweedie_at_mean` is right, (b,).

    The closer the power is to 1, the more the density looks like the atoms of a Poisson
    law, which no series knows of: they show by ``exp(-2 * pi**2 * (power - 1) / t)``.
    """
    with quiet():
        t = dispersion * y ** (power - 2)
    return (y > 0) & (t < min(_SMALL, (power - 1) / 2))


def _of_few(k: FloatArray) -> FloatArray:
    """`poisson_at_mean` below 16: each factor is an ordinary number to a few eps."""
    # k + 1 is a rounded argument, and the slope of log-gamma multiplies what it lost
    factorial = np.where(k < 1, special.gamma(k + 1), k * special.gamma(np.maximum(k, 1)))
    return np.asarray(np.log(k**k * np.exp(-k) / factorial))
