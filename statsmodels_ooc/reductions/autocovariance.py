"""Products of the deviations of residuals, lag by lag, in row order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Reduction


@dataclass(slots=True)
class AutocovarianceState:
    """Of n rows so far: their mean, and sums of products of deviations from it.

    Attributes
    ----------
    n : int
        Number of rows.
    mean : float
        Their mean.
    products : ndarray, (lags + 1,)
        ``sum_t (e_t - mean) (e_{t-l} - mean)`` for l = 0, ..., lags.
    head, tail : ndarray, (min(n, lags),)
        The first and the last values.
    """

    n: int
    mean: float
    products: FloatArray
    head: FloatArray
    tail: FloatArray


@dataclass(frozen=True)
class Autocovariance(Reduction[AutocovarianceState]):
    """Fold ``y - X beta`` into products of deviations from the mean, by their lags.

    Parameters
    ----------
    beta : ndarray, (k,)
        The parameters.
    lags : int
        The largest lag.

    Notes
    -----
    A mean that moves by d changes the products of lag l by ``(n - l) d**2`` and d times the
    deviations of the first and last l rows, which both ends of a state tell.
    """

    beta: FloatArray
    lags: int

    def init(self) -> AutocovarianceState:
        return AutocovarianceState(0, 0.0, np.zeros(self.lags + 1), np.empty(0), np.empty(0))

    def update(self, state: AutocovarianceState, block: Block) -> AutocovarianceState:
        n = len(block.endog)
        if n == 0:
            return state
        e = block.endog - block.matvec(self.beta)
        mean = float(e.mean())
        d = e - mean
        products = np.zeros(self.lags + 1)
        for lag in range(min(self.lags, n - 1) + 1):
            products[lag] = d[lag:] @ d[: n - lag]
        head, tail = e[: self.lags].copy(), e[max(n - self.lags, 0) :].copy()
        return self.merge(state, AutocovarianceState(n, mean, products, head, tail))

    def merge(self, left: AutocovarianceState, right: AutocovarianceState) -> AutocovarianceState:
        if right.n == 0:
            return left
        if left.n == 0:
            return right
        n = left.n + right.n
        mean = left.mean + (right.mean - left.mean) * (right.n / n)
        products = self._about(left, mean) + self._about(right, mean)
        before, after = left.tail - mean, right.head - mean
        for lag in range(1, self.lags + 1):
            # Row i of the right with row i - lag of the left, counted from its end.
            first, last = max(lag - len(before), 0), min(lag, len(after))
            if first < last:
                start = len(before) - lag
                products[lag] += after[first:last] @ before[start + first : start + last]
        head = np.concatenate((left.head, right.head[: max(self.lags - len(left.head), 0)]))
        kept = max(self.lags - len(right.tail), 0)
        tail = np.concatenate((left.tail[max(len(left.tail) - kept, 0) :], right.tail))
        return AutocovarianceState(n, mean, products, head, tail)

    def _about(self, state: AutocovarianceState, mean: float) -> FloatArray:
        """The products about another mean, (lags + 1,)."""
        moved, lags = state.mean - mean, np.arange(self.lags + 1)
        ends = _sums(state.head - state.mean, self.lags)
        ends += _sums((state.tail - state.mean)[::-1], self.lags)
        shift = moved * (moved * (state.n - lags) - ends)
        return state.products + np.where(lags < state.n, shift, 0.0)

    def nbytes(self) -> int:
        return 8 * (self.lags + 1)


def _sums(values: FloatArray, lags: int) -> FloatArray:
    """Sums of the first 0, 1, ..., lags values; of fewer, those that there are."""
    found = np.zeros(lags + 1)
    found[1 : len(values) + 1] = np.cumsum(values)
    found[len(values) + 1 :] = found[len(values)]
    return found
