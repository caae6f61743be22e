"""Sums of the scores of each period, and their products with those of periods before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.cluster import sums_by
from statsmodels_ooc.reductions.kernel import checked_times, counted_rows, in_order
from statsmodels_ooc.reductions.sandwich import RowScores


@dataclass(slots=True)
class PeriodState:
    """Sums over the rows so far."""

    times: NDArray[Any]  # of T periods, in their order, (T,)
    sums: FloatArray  # of their scores, (T, r)
    back: int = 0  # how often time goes back from one row to the next
    ends: tuple[Any, Any] | None = None  # times of the first and the last row


@dataclass(frozen=True)
class PeriodSums(Reduction[PeriodState]):
    """Add up the scores of each period.

    Parameters
    ----------
    scores, axes
        As for `KernelMeat`.
    time : str
        The name under which times stand beside the rows.
    most : int
        So many periods there may be.

    Raises
    ------
    MemoryLimitError
        There are more periods.

    References
    ----------
    Driscoll, Kraay (1998). Consistent covariance matrix estimation with spatially dependent
    panel data. Review of Economics and Statistics 80, 549-560.
    """

    scores: RowScores
    axes: Axes
    time: str
    most: int

    def init(self) -> PeriodState:
        return PeriodState(np.empty(0), np.zeros((0, self.axes.root.shape[1])))

    def update(self, state: PeriodState, block: Block) -> PeriodState:
        block = counted_rows(self.scores, block)
        if len(block.endog) == 0:
            return state
        values = checked_times(block, self.time)
        u = self.axes.rows(block) * self.scores.of(block)[:, None]  # of f rows f times
        times, codes = np.unique(values, return_inverse=True)
        back = int(np.count_nonzero(values[1:] < values[:-1]))
        sums = sums_by(codes, len(times), u)
        return self.merge(state, PeriodState(times, sums, back, (values[0], values[-1])))

    def merge(self, left: PeriodState, right: PeriodState) -> PeriodState:
        if left.ends is None or right.ends is None:
            return left if right.ends is None else right
        with in_order():
            goes_back = bool(right.ends[0] < left.ends[1])
            both = np.concatenate([left.times, right.times])
            times, codes = np.unique(both, return_inverse=True)
        if len(times) > self.most:
            raise MemoryLimitError(
                f"there are more than {self.most:,} periods, and for each of them "
                f"{left.sums.shape[1]:,} sums are kept",
                hint="smo.options.memory_limit = '8 GiB' raises the limit",
            )
        sums = sums_by(codes, len(times), np.concatenate([left.sums, right.sums]))
        back = left.back + right.back + goes_back
        return PeriodState(times, sums, back, (left.ends[0], right.ends[1]))


def period_products(times: NDArray[Any], sums: FloatArray, weights: FloatArray) -> FloatArray:
    """``sum_t sum_s w(|t - s|) u_t u_s'`` over periods, (r, r).

    Parameters
    ----------
    times : ndarray, (T,)
        Of the periods, in their order. Whole numbers are as far apart as they say; of other
        times each follows on the one before.
    sums : ndarray, (T, r)
        The sums of their scores, u.
    weights : ndarray, (L + 1,)
        Of the kernel, by lag.
    """
    places = _places(times, len(weights))
    meat = weights[0] * (sums.T @ sums)
    for lag in range(1, min(len(weights), int(places[-1]) + 1 if len(places) else 1)):
        at = np.minimum(np.searchsorted(places, places - lag), len(places) - 1)
        there = places[at] == places - lag
        half = sums[there].T @ sums[at[there]]
        meat += weights[lag] * (half + half.T)
    return np.asarray(meat)


def _places(times: NDArray[Any], far: int) -> NDArray[np.int64]:
    """Where periods stand, (T,): as far apart as their times, or so far that no lag reaches."""
    if times.dtype.kind not in "biuf" or not (np.floor(times) == times).all():
        return np.arange(len(times))
    if times.dtype.kind == "f":
        gaps = np.minimum(np.diff(times), far).astype(np.int64)
    else:  # modulo 2**64, which no gap of whole numbers of 64 bits reaches
        words = times.astype(np.uint64 if times.dtype.kind == "u" else np.int64).view(np.uint64)
        gaps = np.minimum(words[1:] - words[:-1], np.uint64(far)).astype(np.int64)
    return np.concatenate(([0], np.cumsum(gaps)))
