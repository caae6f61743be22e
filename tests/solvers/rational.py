"""Least squares and covariances in rational arithmetic, rounded once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, lcm
from typing import Any

import numpy as np

_BITS = 80  # of a square root: more than the 53 of a double


@dataclass(frozen=True)
class Exact:
    """The correctly rounded answer for n rows and k columns of full rank.

    Attributes
    ----------
    params, bse : ndarray, (k,)
        Coefficients and standard errors.
    ssr : float
        Weighted sum of squared residuals.
    """

    params: np.ndarray
    bse: np.ndarray
    ssr: float


def solve_exactly(y: Any, x: Any, weights: Any = None) -> Exact:
    """Least squares of doubles, each taken for the number that it is."""
    n, k = x.shape
    w = [Fraction(1)] * n if weights is None else [Fraction(v) for v in weights.tolist()]
    rows = [[Fraction(v) for v in row] for row in np.column_stack((x, y)).tolist()]
    sums = [[Fraction(0)] * (k + 1) for _ in range(k + 1)]
    for row, weight in zip(rows, w, strict=True):
        for i, a in enumerate(row):
            for j in range(i, k + 1):
                sums[i][j] += weight * a * row[j]
    gram = [[sums[min(i, j)][max(i, j)] for j in range(k)] for i in range(k)]
    moment = [sums[i][k] for i in range(k)]
    inverse = _inverse(gram)
    params = [_dot(row, moment) for row in inverse]
    ssr = sums[k][k] - _dot(params, moment)
    bse = [_root(ssr / (n - k) * inverse[j][j]) for j in range(k)]
    return Exact(np.array([float(b) for b in params]), np.array(bse), float(ssr))


def hac_exactly(y: Any, x: Any, maxlags: int) -> np.ndarray:
    """The HAC covariance with equal weights of lags, corrected by n / (n - k), (k, k)."""
    n, k = x.shape
    rows = [[Fraction(v) for v in row] for row in x.tolist()]
    response = [Fraction(v) for v in y.tolist()]
    columns = list(zip(*rows, strict=True))
    inverse = _inverse([[_dot(list(a), list(b)) for b in columns] for a in columns])
    params = [_dot(row, [_dot(list(c), response) for c in columns]) for row in inverse]
    residuals = [v - _dot(row, params) for v, row in zip(response, rows, strict=True)]
    scores = [[e * v for v in row] for e, row in zip(residuals, rows, strict=True)]
    meat = [[Fraction(0)] * k for _ in range(k)]
    for i, later in enumerate(scores):
        for j, earlier in enumerate(scores[max(i - maxlags, 0) : i + 1], max(i - maxlags, 0)):
            for a in range(k):
                for b in range(k):
                    meat[a][b] += later[a] * earlier[b] + (earlier[a] * later[b] if j < i else 0)
    half = [[_dot(row, list(column)) for column in zip(*meat, strict=True)] for row in inverse]
    scale = Fraction(n, n - k)
    return np.array([[float(scale * _dot(a, b)) for b in inverse] for a in half])


def _dot(left: list[Fraction], right: list[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


def _inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """Bareiss' elimination: whole numbers, whose divisions leave no remainder."""
    k = len(matrix)
    common = [lcm(*(value.denominator for value in row)) for row in matrix]
    work = [
        [int(value * unit) for value in row] + [unit * (i == j) for j in range(k)]
        for i, (row, unit) in enumerate(zip(matrix, common, strict=True))
    ]
    before = 1
    for i in range(k):
        pivot = work[i][i]  # a leading minor of a positive definite matrix
        for j in range(k):
            if j != i:
                factor = work[j][i]
                work[j] = [
                    (pivot * a - factor * b) // before
                    for a, b in zip(work[j], work[i], strict=True)
                ]
        before = pivot
    return [[Fraction(value, before) for value in row[k:]] for row in work]


def _root(value: Fraction) -> float:
    """The square root, to all bits of a double."""
    shift = _BITS - (value.numerator.bit_length() - value.denominator.bit_length()) // 2
    four = Fraction(4) ** shift
    scaled = value * four
    return float(Fraction(isqrt(scaled.numerator // scaled.denominator)) / Fraction(2) ** shift)
