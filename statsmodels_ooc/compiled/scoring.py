"""What scoring needs of each row, for common families and links.

Exponentials and logarithms are written out, so that a loop over rows becomes one of several rows
at a time: a call for each row of the machine's own functions takes three times as long. They
are right to less than a unit in the last place. A division that may raise an error would keep rows
apart, too: here dividing by zero gives infinity.

References
----------
FDLIBM, e_log.c and e_exp.c (Sun Microsystems, 1993), for the polynomials and the ways to reduce
an argument.

Shepherd, Laframboise (1981). Chebyshev approximation of (1 + 2x) exp(x^2) erfc(x) in 0 <= x <
infinity. Mathematics of Computation 36, 249-253, for the tails of the normal distribution; with
powers of (x - 3.75) / (x + 3.75) up to the 22nd, found with 40 digits.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import carray, cfunc, njit, types

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.compiled.intrinsics import larger, smaller
from statsmodels_ooc.compiled.program import Rule, Totals
from statsmodels_ooc.forks import Lock

SLICE = 256  # rows that stay in the first cache
BESIDE = 1023715795  # checksum of the files without loops
MOST = 700.0  # of eta: beyond it exponentials are beyond what doubles can be
LOGIT, PROBIT, CLOGLOG, LOG, INVERSE, INVERSE_SQUARE = 1, 2, 3, 0, -1, -2  # links
QUADRATIC, BINARY = 4, 5  # variances

# Where `Rule` and `Totals` have what.
_VARIANCE, _LINK, _SIZE, _LOW, _HIGH, _LEAST, _LARGEST = range(len(Rule._fields))
_DEVIANCE, _PEARSON, _GAP, _LOWEST, _SQUARES, _RESPONSES, _ETA = range(len(Totals._fields))

_COMPILING = Lock()  # once is enough, however many threads ask
_SUMS = {"reassoc", "contract", "nsz"}  # of what numbers a sum is, not in which order
_EXACT = {"contract", "nsz"}

_LOG2E = math.log2(math.e)
_LN2, _LN2_REST = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # 33 bits, and the rest
_ROUND = 1.5 * 2.0**52  # adding it rounds to whole numbers
_SQRT_HALF, _DENSITY = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
_SQRT_HALF_BITS = np.float64(_SQRT_HALF).view(np.int64)
_ONE_BITS = np.float64(1.0).view(np.int64)
_MANTISSA = np.int64(2**52 - 1)
_BIG_BITS, _BIG = np.float64(2.0**52).view(np.int64), 2.0**52
_TINY = 2.2250738585072014e-308
# Coefficients of polynomials, the highest power first.
_EXP = np.array([1 / math.factorial(i) for i in range(13, 1, -1)])
_LOG = np.array(
    [
        *(0.14798198605116586, 0.15313837699209373, 0.1818357216161805, 0.22222198432149784),
        *(0.2857142874366239, 0.3999999999940942, 0.6666666666666735),
    ]
)
_ERFCX = np.array(
    [
        *(-2.623107347133469e-09, -1.9551358868985632e-09, 3.1979266716668e-08),
        *(1.8790823223700487e-08, -2.4857126248016734e-07, -5.084465378687303e-08),
        *(1.7419821586224814e-06, -9.792625707303523e-07, -1.1438048033346894e-05),
        *(2.2387565714911816e-05, 5.164652974177416e-05, -0.00029015535246077655),
        *(0.000293714378044958, 0.0017556261651970652, -0.009746579683265262),
        *(0.02836227737211114, -0.05869339857664934, 0.09230432116428125),
        *(-0.10880393014244462, 0.08227673848999506, 0.0035854154854790257),
        *(-0.14024059858554525, 1.2375126308378275),
    ]
)


class Rows(NamedTuple):
    """What is written of the rows of a slice."""

    weight: FloatArray  # the expected information
    score: FloatArray
    gap: FloatArray  # the response less its mean
    deviance: FloatArray  # half of it
    pearson: FloatArray


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def _reduce(x: FloatArray, m: int, scale: FloatArray, out: FloatArray) -> None:
    """``exp(x) = scale (1 + out)`` of m numbers between -`MOST` and `MOST`."""
    bits = scale.view(np.int64)
    for i in range(m):
        shifted = x[i] * _LOG2E + _ROUND
        power = shifted - _ROUND
        scale[i] = shifted
        r = (x[i] - power * _LN2) - power * _LN2_REST
        p = _EXP[0]
        for j in range(1, len(_EXP)):
            p = p * r + _EXP[j]
        out[i] = r + r * r * p
    for i in range(m):
        bits[i] = (bits[i] + 1023) << 52  # 2**power: the whole number is in the last bits


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def exp_slice(x: FloatArray, m: int, scale: FloatArray, out: FloatArray) -> None:
    """``exp(x)`` of m numbers between -`MOST` and `MOST`; scale is scratch memory."""
    _reduce(x, m, scale, out)
    for i in range(m):
        out[i] = (1.0 + out[i]) * scale[i]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def exp_and_rest_slice(
    x: FloatArray, m: int, scale: FloatArray, out: FloatArray, rest: FloatArray
) -> None:
    """``exp(x)`` and ``1 - exp(x)`` of m numbers between -`MOST` and 0."""
    _reduce(x, m, scale, out)
    for i in range(m):
        rest[i] = (1.0 - scale[i]) - scale[i] * out[i]
        out[i] = (1.0 + out[i]) * scale[i]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def _log(k: float, f: float) -> float:
    """The logarithm of ``2**k (1 + f)``, for 1 + f between the roots of 1/2 and 2."""
    half = 0.5 * f * f
    s = f / (2.0 + f)
    z = s * s
    p = _LOG[0]
    for j in range(1, len(_LOG)):
        p = p * z + _LOG[j]
    found: float = k * _LN2 - ((half - (s * (half + z * p) + k * _LN2_REST)) - f)
    return found


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def log1p_slice(x: FloatArray, m: int, out: FloatArray) -> None:
    """``log(1 + x)`` of m numbers between -1/2 and 1."""
    for i in range(m):
        is_large, is_small = x[i] > 0.41421356237309503, x[i] < -0.2928932188134524
        f = (x[i] - 1.0) * 0.5 if is_large else x[i]
        f = 1.0 + 2.0 * x[i] if is_small else f
        k = 1.0 if is_large else 0.0
        k = -1.0 if is_small else k
        out[i] = _log(k, f)


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def log_slice(x: FloatArray, m: int, scratch: FloatArray, out: FloatArray) -> None:
    """``log(x)`` of m positive numbers that are not subnormal; scratch is memory for 2 m."""
    given = x.view(np.int64)
    part = scratch.view(np.int64)
    for i in range(m):
        bits = given[i] + (_ONE_BITS - _SQRT_HALF_BITS)  # at sqrt(1/2) the exponent goes up
        part[i] = (bits >> 52) + _BIG_BITS
        part[m + i] = (bits & _MANTISSA) + _SQRT_HALF_BITS
    for i in range(m):
        out[i] = _log(scratch[i] - (_BIG + 1023.0), scratch[m + i] - 1.0)


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def erfcx_slice(x: FloatArray, m: int, out: FloatArray) -> None:
    """``exp(x**2) erfc(x)`` of m numbers from 0 on, to two units in the last place."""
    for i in range(m):
        t = (x[i] - 3.75) / (x[i] + 3.75)
        p = _ERFCX[0]
        for j in range(1, len(_ERFCX)):
            p = p * t + _ERFCX[j]
        out[i] = p / (1.0 + 2.0 * x[i])


@njit(nogil=True, cache=True)
def _is_sure(rule: FloatArray, y: FloatArray, eta: FloatArray) -> bool:
    """Whether all rows are such as the loops are right for, NaN being none of them."""
    low, high, least, most = rule[_LOW], rule[_HIGH], rule[_LEAST], rule[_LARGEST]
    beyond = 0
    for i in range(len(y)):
        beyond += not (eta[i] >= low and eta[i] <= high)
        beyond += not (y[i] >= least and y[i] <= most)
    if rule[_VARIANCE] == BINARY:
        for i in range(len(y)):
            beyond += y[i] != 0.0 and y[i] != 1.0
    return beyond == 0


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_SUMS)
def _weighted(prior: FloatArray, m: int, rows: Rows) -> tuple[float, float]:
    """Multiply with the prior weights, where there are any; sum deviances and chi-squared."""
    total, other = 0.0, 0.0
    if len(prior):
        for i in range(m):
            rows.weight[i] *= prior[i]
            rows.score[i] *= prior[i]
            rows.deviance[i] *= prior[i]
            rows.pearson[i] *= prior[i]
    for i in range(m):
        total += rows.deviance[i]
        other += rows.pearson[i]
    return total, other


@njit(nogil=True, cache=True)
def _widen(rows: Rows, eta: FloatArray, m: int, totals: FloatArray) -> None:
    gap, lowest, least = totals[_GAP], totals[_LOWEST], totals[_ETA]
    for i in range(m):
        gap = larger(abs(rows.gap[i]), gap)
        lowest = smaller(rows.weight[i], lowest)
        least = smaller(eta[i], least)
    totals[_GAP], totals[_LOWEST], totals[_ETA] = gap, lowest, least


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def _logit(y: FloatArray, eta: FloatArray, m: int, rows: Rows) -> None:
    w, s, small, half, square = rows
    for i in range(m):
        half[i] = -abs(eta[i])
    exp_slice(half, m, square, small)
    log1p_slice(small, m, half)
    for i in range(m):
        large = 1.0 / (1.0 + small[i])
        less = small[i] * large
        w[i] = less * large
        s[i] = y[i] - (less if eta[i] < 0.0 else large)
        half[i] += max(eta[i], 0.0) - y[i] * eta[i]
        square[i] = s[i] * s[i] / w[i]
    for i in range(m):
        rows.gap[i] = s[i]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def _probit(y: FloatArray, eta: FloatArray, m: int, rows: Rows, more: FloatArray) -> None:
    """From ``erfcx``, which neither tail loses."""
    w, s, gap, half, square = rows
    scratch, scaled, power, small, logs = more[:2].ravel(), more[2], more[3], more[4], more[5]
    for i in range(m):
        power[i] = -0.5 * eta[i] * eta[i]
        half[i] = abs(eta[i]) * _SQRT_HALF
    erfcx_slice(half, m, scaled)
    exp_slice(power, m, square, small)
    for i in range(m):
        w[i] = small[i] * _DENSITY
        scaled[i] *= 0.5
        small[i] *= -scaled[i]
    log_slice(scaled, m, scratch, logs)
    log1p_slice(small, m, half)
    for i in range(m):
        large, less = 1.0 + small[i], -small[i]  # of mu and 1 - mu
        sign = 1.0 if y[i] == 1.0 else -1.0
        is_less = eta[i] * sign < 0.0  # likely of the two responses
        of_less, of_large = _DENSITY / scaled[i], w[i] / large
        w[i] = of_less * of_large
        s[i] = sign * (of_less if is_less else of_large)
        gap[i] = sign * (large if is_less else less)
        half[i] = -(logs[i] + power[i] if is_less else half[i])
        square[i] = large / less if is_less else less / large


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def _cloglog(y: FloatArray, eta: FloatArray, m: int, rows: Rows, more: FloatArray) -> None:
    w, s, gap, half, square = rows
    scratch, rate, rest, mu, logs = more[:2].ravel(), more[2], more[3], more[4], more[5]
    exp_slice(eta, m, square, rate)
    for i in range(m):
        half[i] = -rate[i]
    exp_and_rest_slice(half, m, square, rest, mu)
    log_slice(mu, m, scratch, logs)
    for i in range(m):
        square[i] = -min(rest[i], 0.5)
    log1p_slice(square, m, half)
    for i in range(m):
        is_one = y[i] == 1.0
        hazard = rate[i] * rest[i] / mu[i]
        log_mu = half[i] if rest[i] < 0.5 else logs[i]
        w[i] = hazard * rate[i]
        s[i] = hazard if is_one else -rate[i]
        gap[i] = rest[i] if is_one else -mu[i]
        half[i] = -log_mu if is_one else rate[i]
        square[i] = rest[i] / mu[i] if is_one else mu[i] / rest[i]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def _means(link: int, eta: FloatArray, m: int, scratch: FloatArray, mu: FloatArray) -> None:
    if link == LOG:
        exp_slice(eta, m, scratch, mu)
    elif link == INVERSE:
        for i in range(m):
            mu[i] = 1.0 / eta[i]
    else:
        for i in range(m):
            mu[i] = 1.0 / np.sqrt(eta[i])


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def _powers(variance: int, y: FloatArray, m: int, rows: Rows, mu: FloatArray) -> None:
    """Where it is a power of mu; what comes as deviance is the logarithm of y over mu."""
    w, s, gap, half, square = rows
    if variance == 0:
        for i in range(m):
            w[i] = mu[i] * mu[i]
            s[i] = gap[i] * mu[i]
            square[i] = gap[i] * gap[i]
            half[i] = 0.5 * square[i]
    elif variance == 1:
        for i in range(m):
            w[i] = mu[i]
            s[i] = gap[i]
            half[i] = y[i] * half[i] - gap[i]
            square[i] = gap[i] * gap[i] / mu[i]
    elif variance == 2:
        for i in range(m):
            w[i] = 1.0
            s[i] = gap[i] / mu[i]
            half[i] = s[i] - half[i]
            square[i] = s[i] * s[i]
    else:
        for i in range(m):
            share = gap[i] / mu[i]
            w[i] = 1.0 / mu[i]
            s[i] = share / mu[i]
            half[i] = share * share / (2.0 * y[i])
            square[i] = share * s[i]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_EXACT)
def _quadratic(
    size: float, y: FloatArray, m: int, rows: Rows, mu: FloatArray, more: FloatArray
) -> None:
    """Where it is ``mu + mu**2 / size``; as `_powers`."""
    w, s, gap, half, square = rows
    ratio, logs = more[2], more[3]
    # log((y + size) / (mu + size)) from the smaller one: nothing cancels
    for i in range(m):
        square[i] = abs(gap[i]) / (min(y[i], mu[i]) + size)
        ratio[i] = 1.0 + square[i]
        w[i] = min(square[i], 1.0)
    log_slice(ratio, m, more[:2].ravel(), s)
    log1p_slice(w, m, logs)
    for i in range(m):
        log_ratio = s[i] if square[i] > 1.0 else logs[i]
        log_ratio = log_ratio if gap[i] > 0.0 else -log_ratio
        rise = size / (size + mu[i])
        w[i] = rise * mu[i]
        s[i] = rise * gap[i]
        half[i] = y[i] * half[i] - (y[i] + size) * log_ratio
        square[i] = gap[i] * s[i] / mu[i]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_SUMS)
def _of_means(
    rule: FloatArray, y: FloatArray, eta: FloatArray, rows: Rows, more: FloatArray
) -> tuple[float, float]:
    """Responses whose means are powers or the exponential of eta; sums of squares."""
    m, variance, link = len(y), int(rule[_VARIANCE]), int(rule[_LINK])
    w, s, gap, half, square = rows
    mu, squares, responses = more[4], 0.0, 0.0
    _means(link, eta, m, half, mu)
    for i in range(m):
        gap[i] = y[i] - mu[i]
        squares += gap[i] * gap[i]
        responses += y[i] * y[i]
    if variance != 0 and variance != 3:
        for i in range(m):
            square[i] = max(y[i] / mu[i], _TINY)
        log_slice(square, m, more[:2].ravel(), half)
    if variance == QUADRATIC:
        _quadratic(rule[_SIZE], y, m, rows, mu, more)
    else:
        _powers(variance, y, m, rows, mu)
    if link != LOG:
        for i in range(m):
            rise = 1.0 / (link * eta[i])  # of the logarithm of mu
            w[i] *= rise * rise
            s[i] *= rise
    return squares, responses


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_SUMS)
def score_rows(
    rule: FloatArray,
    y: FloatArray,
    eta: FloatArray,
    prior: FloatArray,
    weight: FloatArray,
    score: FloatArray,
    totals: FloatArray,
) -> bool:
    """Score rows; whether all of them are in the range that the loops are right for.

    Parameters
    ----------
    rule, totals : ndarray, (7,)
        A `Rule`, and `Totals` to which those of the rows are added.
    y, eta : ndarray, (n,)
        The responses and linear predictors.
    prior : ndarray, (n,) or (0,)
        Prior weights, or nothing.
    weight, score : ndarray, (n,)
        Get the expected information and the score of each row.
    """
    scratch, link = np.empty((9, SLICE)), rule[_LINK]
    for first in range(0, len(y), SLICE):
        m, here = min(SLICE, len(y) - first), slice(first, first + SLICE)
        rows = Rows(weight[here], score[here], scratch[0], scratch[1], scratch[2])
        if not _is_sure(rule, y[here], eta[here]):
            return False
        if rule[_VARIANCE] != BINARY:
            squares, responses = _of_means(rule, y[here], eta[here], rows, scratch[3:])
            totals[_SQUARES] += squares
            totals[_RESPONSES] += responses
        elif link == LOGIT:
            _logit(y[here], eta[here], m, rows)
        elif link == PROBIT:
            _probit(y[here], eta[here], m, rows, scratch[3:])
        else:
            _cloglog(y[here], eta[here], m, rows, scratch[3:])
        _widen(rows, eta[here], m, totals)
        deviance, pearson = _weighted(prior[here], m, rows)
        totals[_DEVIANCE] += deviance
        totals[_PEARSON] += pearson
    # NaN is a weight of zero times what overflows
    return not np.isnan(totals[_DEVIANCE] + totals[_PEARSON])


def _score_at(
    rule: Any, y: Any, eta: Any, prior: Any, weight: Any, score: Any, totals: Any, n: int, q: int
) -> int:
    """As `score_rows`, for addresses of n numbers, and q prior weights."""
    rows = carray(y, (n,)), carray(eta, (n,)), carray(prior, (q,))
    found = carray(weight, (n,)), carray(score, (n,)), carray(totals, (7,))
    return int(score_rows(carray(rule, (7,)), *rows, *found))


@cache
def _compiled() -> Any:
    signature = types.int64(*[types.CPointer(types.float64)] * 7, types.int64, types.int64)
    return cfunc(signature, nopython=True, cache=True)(_score_at)


def scorer() -> int:
    """The address of `score_rows`, for loops of other files."""
    with _COMPILING:
        return int(_compiled().address)
