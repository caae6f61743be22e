"""What scoring needs of each row, for families whose means are exponentials of eta.

Exponentials and logarithms are written out, so that a loop over rows becomes one of several rows
at a time: a call for each row of the machine's own functions takes three times as long. They
are right to less than a unit in the last place.

References
----------
FDLIBM, e_log.c and e_exp.c (Sun Microsystems, 1993), for the polynomials and the ways to reduce
an argument.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from statsmodels_ooc.arrays import FloatArray

SLICE = 256  # rows that stay in the first cache
MOST = 700.0  # of eta: beyond it exponentials are beyond what doubles can be

_SUMS = {"reassoc", "contract", "nsz"}  # of what numbers a sum is, not in which order
_EXACT = {"contract", "nsz"}

_LOG2E = math.log2(math.e)
_LN2, _LN2_REST = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # 33 bits, and the rest
_ROUND = 1.5 * 2.0**52  # adding it rounds to whole numbers
_SQRT_HALF_BITS = np.float64(math.sqrt(0.5)).view(np.int64)
_ONE_BITS = np.float64(1.0).view(np.int64)
_MANTISSA = np.int64(2**52 - 1)
_BIG_BITS, _BIG = np.float64(2.0**52).view(np.int64), 2.0**52
_E2, _E3, _E4, _E5, _E6, _E7, _E8, _E9, _E10, _E11, _E12, _E13 = (
    1 / math.factorial(i) for i in range(2, 14)
)
_L1, _L2, _L3, _L4 = 0.6666666666666735, 0.3999999999940942, 0.2857142874366239, 0.22222198432149784
_L5, _L6, _L7 = 0.1818357216161805, 0.15313837699209373, 0.14798198605116586


class Totals(NamedTuple):
    """Sums and extremes over rows; the sums with prior weights."""

    deviance: float
    pearson: float
    gap: float  # the largest distance of a response from its mean
    lowest: float  # the smallest expected information, before prior weights
    squares: float  # of these distances
    responses: float  # squared


@njit(nogil=True, cache=True, fastmath=_EXACT)
def exp_slice(x: FloatArray, m: int, scale: FloatArray, out: FloatArray) -> None:
    """``exp(x)`` of m numbers between -`MOST` and `MOST`; scale is scratch memory."""
    bits = scale.view(np.int64)
    for i in range(m):
        shifted = x[i] * _LOG2E + _ROUND
        power = shifted - _ROUND
        scale[i] = shifted
        r = (x[i] - power * _LN2) - power * _LN2_REST
        p = _E13
        p = p * r + _E12
        p = p * r + _E11
        p = p * r + _E10
        p = p * r + _E9
        p = p * r + _E8
        p = p * r + _E7
        p = p * r + _E6
        p = p * r + _E5
        p = p * r + _E4
        p = p * r + _E3
        p = p * r + _E2
        out[i] = 1.0 + (r + r * r * p)
    for i in range(m):
        bits[i] = (bits[i] + 1023) << 52  # 2**power: the whole number is in the last bits
    for i in range(m):
        out[i] *= scale[i]


@njit(nogil=True, cache=True, fastmath=_EXACT)
def log1p_slice(x: FloatArray, m: int, out: FloatArray) -> None:
    """``log(1 + x)`` of m numbers between 0 and 1."""
    for i in range(m):
        halved = x[i] > 0.41421356237309503
        f = (x[i] - 1.0) * 0.5 if halved else x[i]
        k = 1.0 if halved else 0.0
        half = 0.5 * f * f
        s = f / (2.0 + f)
        z = s * s
        r = z * (_L1 + z * (_L2 + z * (_L3 + z * (_L4 + z * (_L5 + z * (_L6 + z * _L7))))))
        out[i] = k * _LN2 - ((half - (s * (half + r) + k * _LN2_REST)) - f)


@njit(nogil=True, cache=True, fastmath=_EXACT)
def log_slice(x: FloatArray, m: int, scratch: FloatArray, out: FloatArray) -> None:
    """``log(x)`` of m positive numbers that are not subnormal; scratch is memory for 2 m."""
    given = x.view(np.int64)
    part = scratch.view(np.int64)
    for i in range(m):
        bits = given[i] + (_ONE_BITS - _SQRT_HALF_BITS)  # at sqrt(1/2) the exponent goes up
        part[i] = (bits >> 52) + _BIG_BITS
        part[m + i] = (bits & _MANTISSA) + _SQRT_HALF_BITS
    for i in range(m):
        k = scratch[i] - (_BIG + 1023.0)
        f = scratch[m + i] - 1.0
        half = 0.5 * f * f
        s = f / (2.0 + f)
        z = s * s
        r = z * (_L1 + z * (_L2 + z * (_L3 + z * (_L4 + z * (_L5 + z * (_L6 + z * _L7))))))
        out[i] = k * _LN2 - ((half - (s * (half + r) + k * _LN2_REST)) - f)


@njit(nogil=True, cache=True)
def all_within(x: FloatArray, low: float, high: float) -> bool:
    """Whether all numbers are between two others, NaN among none."""
    beyond = 0
    for i in range(len(x)):
        beyond += not (x[i] >= low and x[i] <= high)
    return beyond == 0


@njit(nogil=True, cache=True)
def all_binary(y: FloatArray) -> bool:
    """Whether all numbers are 0 or 1."""
    others = 0
    for i in range(len(y)):
        others += y[i] != 0.0 and y[i] != 1.0
    return others == 0


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _weighted(
    a: FloatArray,
    first: int,
    m: int,
    weight: FloatArray,
    score: FloatArray,
    rows: FloatArray,
    others: FloatArray,
) -> tuple[float, float]:
    """Multiply with the prior weights, where there are any; the sums of rows and of others."""
    total, other = 0.0, 0.0
    if len(a):
        prior = a[first : first + m]
        for i in range(m):
            weight[i] *= prior[i]
            score[i] *= prior[i]
            rows[i] *= prior[i]
            others[i] *= prior[i]
    for i in range(m):
        total += rows[i]
        other += others[i]
    return total, other


@njit(nogil=True, cache=True, fastmath={"nnan", "nsz"})
def _extremes(
    weight: FloatArray, gaps: FloatArray, m: int, lowest: float, gap: float
) -> tuple[float, float]:
    for i in range(m):
        lowest = min(lowest, weight[i])
        gap = max(gap, abs(gaps[i]))
    return lowest, gap


@njit(nogil=True, cache=True, fastmath=_SUMS)
def logit(
    y: FloatArray, eta: FloatArray, a: FloatArray, weight: FloatArray, score: FloatArray
) -> Totals:
    """Zeros and ones whose log-odds are eta.

    Parameters
    ----------
    y, eta : ndarray, (n,)
        The responses, and linear predictors within `MOST`.
    a : ndarray, (n,) or (0,)
        Prior weights, or nothing.
    weight, score : ndarray, (n,)
        Get the expected information and the score of each row.
    """
    small, rows, others = np.empty(SLICE), np.empty(SLICE), np.empty(SLICE)
    deviance, pearson, gap, lowest = 0.0, 0.0, 0.0, np.inf
    for first in range(0, len(y), SLICE):
        m = min(SLICE, len(y) - first)
        response, at = y[first : first + m], eta[first : first + m]
        w, s = weight[first : first + m], score[first : first + m]
        for i in range(m):
            rows[i] = -abs(at[i])
        exp_slice(rows, m, others, small)
        log1p_slice(small, m, rows)
        for i in range(m):
            large = 1.0 / (1.0 + small[i])
            less = small[i] * large
            w[i] = less * large
            s[i] = response[i] - (less if at[i] < 0.0 else large)
            rows[i] += max(at[i], 0.0) - response[i] * at[i]
            others[i] = s[i] * s[i] / w[i]
        lowest, gap = _extremes(w, s, m, lowest, gap)
        total, other = _weighted(a, first, m, w, s, rows, others)
        deviance += total
        pearson += other
    return Totals(2.0 * deviance, pearson, gap, lowest, 0.0, 0.0)


@njit(nogil=True, cache=True, fastmath=_SUMS)
def log(
    y: FloatArray,
    eta: FloatArray,
    a: FloatArray,
    power: int,
    weight: FloatArray,
    score: FloatArray,
) -> Totals:
    """Responses from zero on whose means are ``exp(eta)``, the variance a power of them.

    Parameters
    ----------
    y, eta : ndarray, (n,)
        The responses, zero or above the smallest double, for power 2 above it; and linear
        predictors within `MOST`.
    a : ndarray, (n,) or (0,)
        Prior weights, or nothing.
    power : int
        1 for Poisson, 2 for Gamma.
    weight, score : ndarray, (n,)
        Get the expected information and the score of each row.
    """
    mu, logs, gaps = np.empty(SLICE), np.empty(SLICE), np.empty(SLICE)
    rows, others, scratch = np.empty(SLICE), np.empty(SLICE), np.empty(2 * SLICE)
    deviance, pearson, gap, lowest, squares, responses = 0.0, 0.0, 0.0, np.inf, 0.0, 0.0
    for first in range(0, len(y), SLICE):
        m = min(SLICE, len(y) - first)
        response, at = y[first : first + m], eta[first : first + m]
        w, s = weight[first : first + m], score[first : first + m]
        exp_slice(at, m, rows, mu)
        for i in range(m):
            rows[i] = max(response[i], 2.2250738585072014e-308)
        log_slice(rows, m, scratch, logs)
        for i in range(m):
            gaps[i] = response[i] - mu[i]
            squares += gaps[i] * gaps[i]
            responses += response[i] * response[i]
        if power == 1:
            for i in range(m):
                w[i] = mu[i]
                s[i] = gaps[i]
                rows[i] = response[i] * (logs[i] - at[i]) - gaps[i]
                others[i] = gaps[i] * gaps[i] / mu[i]
        else:
            for i in range(m):
                share = gaps[i] / mu[i]
                w[i] = 1.0
                s[i] = share
                rows[i] = share - (logs[i] - at[i])
                others[i] = share * share
        lowest, gap = _extremes(w, gaps, m, lowest, gap)
        total, other = _weighted(a, first, m, w, s, rows, others)
        deviance += total
        pearson += other
    return Totals(2.0 * deviance, pearson, gap, lowest, squares, responses)
