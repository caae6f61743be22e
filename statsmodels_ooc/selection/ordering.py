"""Total orders of rows: by a score, ties by row number or by a hash of it."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray

IntArray = NDArray[np.int64]
Ties = Callable[[IntArray], NDArray[Any]]  # codes to what decides between equal scores

TIES, PILOT, UNIFORM = 0, 1, 2  # what hashes are for

_SPARE = 1_024  # rows that wait, at least, before an order is sorted again

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)


def hashes(seed: int, rows: IntArray, purpose: int = TIES) -> NDArray[np.uint64]:
    """A hash of every row number, (b,); for one seed no two rows share one.

    Parameters
    ----------
    seed : int
        Whole and not negative, below 2**64.
    rows : ndarray of int64, (b,)
        Row numbers.
    purpose : {TIES, PILOT, UNIFORM}
        What the hashes are for: a pilot, a uniform selection and the breaking of ties
        are independent of one another.

    References
    ----------
    Steele, Lea, Flood (2014). Fast splittable pseudorandom number generators. OOPSLA
    2014, 453-472: the generator SplitMix64, started at a mixed seed, another one for
    each purpose, and asked for its number ``row + 1``.
    """
    begin = (seed + (1 + purpose) * int(_GOLDEN)) % 2**64
    start = _mixed(np.array([begin], dtype=np.uint64))
    return _mixed(start + (rows.astype(np.uint64) + np.uint64(1)) * _GOLDEN)


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    for shift, factor in _MIX:
        z = (z ^ (z >> shift)) * factor
    return z ^ (z >> np.uint64(31))


def first(scores: FloatArray, ties: NDArray[np.generic], m: int) -> NDArray[np.intp]:
    """Positions of the first m rows of an order, in that order.

    Parameters
    ----------
    scores : ndarray, (b,)
        Smaller comes first; NaN comes last.
    ties : ndarray, (b,)
        What decides between equal scores, smaller first; no two are equal.
    m : int
        How many rows are wanted; all of them where there are fewer.
    """
    among = _cut(scores, ties.__getitem__, m)
    order = np.lexsort((ties[among], scores[among]))
    return among[order][:m]


def _cut(scores: FloatArray, ties: Ties, m: int) -> NDArray[np.intp]:
    """Positions of the first m rows, in any order; of more where the last score is NaN.

    Few rows are level with the last one: ties are asked for by position, and only there.
    """
    if m >= len(scores):
        return np.arange(len(scores))
    if m == 0:
        return np.arange(0)
    last = _smallest(scores, m)
    if np.isnan(last):
        return np.arange(len(scores))
    among = np.flatnonzero(scores <= last)
    surplus = len(among) - m
    if surplus == 0:
        return among
    is_level = scores[among] == last
    level = among[is_level]
    stay = len(level) - surplus
    level = level[np.argpartition(ties(level), stay - 1)[:stay]]
    return np.concatenate((among[~is_level], level))


def _smallest(scores: FloatArray, m: int) -> float:
    """The score of number m, in ascending order; NaN where fewer are numbers.

    Nothing beyond number m of some of the scores can be it: most need not be sorted.
    """
    step = isqrt(len(scores) // m)
    if step > 1:
        bound = np.partition(scores[::step], m - 1)[m - 1]
        if not np.isnan(bound):
            scores = scores[scores <= bound]
    last: float = np.partition(scores, m - 1)[m - 1]
    return last


class Order:
    """The first m rows of a total order, and rows that wait to be sorted in.

    Attributes
    ----------
    scores, codes : ndarray, (<= m,)
        The rows, in order after `settle`.
    """

    __slots__ = ("_bound", "_in_order", "_waiting", "codes", "m", "scores", "waits")

    def __init__(self, m: int) -> None:
        self.m = m
        self.scores: FloatArray = np.empty(0)
        self.codes: IntArray = np.empty(0, dtype=np.int64)
        self.waits = 0
        self._in_order = True
        self._waiting: list[tuple[FloatArray, IntArray]] = []
        self._bound: tuple[float, Any] | None = None  # of the last row, where there are m

    def offer(self, scores: FloatArray, codes: IntArray, ties: Ties) -> IntArray | None:
        """Let the rows of a block in, and say which were; None for none of them."""
        if self._bound is None:
            chosen = np.arange(len(scores))
            if len(scores) > self.m:
                chosen = _cut(scores, lambda rows: ties(codes[rows]), self.m)
        else:
            last, tie = self._bound
            chosen = np.flatnonzero(scores <= last)
            if len(chosen) == 0:
                return None
            level = scores[chosen] == last
            if level.any():
                level[level] = ties(codes[chosen[level]]) > tie
                chosen = chosen[~level]
        self._waiting.append((scores[chosen], codes[chosen]))
        self.waits += len(chosen)
        # The sooner there is a bound, the fewer rows are let in; later it is cuts that cost.
        enough = self.m if self._bound is None else max(self.m // 2, _SPARE)
        if self.waits >= enough:
            self._let_go(ties)
        return chosen

    def settle(self, ties: Ties) -> Order:
        """Sort the rows, and let go of those behind the first m."""
        self._let_go(ties)
        if not self._in_order:
            order = first(self.scores, ties(self.codes), self.m)
            self.scores, self.codes, self._in_order = self.scores[order], self.codes[order], True
        return self

    def _let_go(self, ties: Ties) -> None:
        """Keep the first m rows of those that are here and those that wait."""
        if not self._waiting:
            return
        scores = np.concatenate((self.scores, *(pair[0] for pair in self._waiting)))
        codes = np.concatenate((self.codes, *(pair[1] for pair in self._waiting)))
        chosen = _cut(scores, lambda rows: ties(codes[rows]), self.m)
        if len(chosen) > self.m:  # down to scores that are NaN
            chosen = first(scores, ties(codes), self.m)
        self.scores, self.codes, self._in_order = scores[chosen], codes[chosen], False
        self._waiting, self.waits = [], 0
        last = self.scores.max(initial=-np.inf)  # NaN where there is one
        if len(chosen) == self.m and not np.isnan(last):
            self._bound = (last, ties(self.codes[self.scores == last]).max())

    def joined(self, other: Order, ties: Ties) -> Order:
        """The first m rows of both."""
        both = Order(self.m)
        both._waiting = [
            pair
            for order in (self, other)
            for pair in ((order.scores, order.codes), *order._waiting)
        ]
        return both.settle(ties)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Order)
            and np.array_equal(self.scores, other.scores)
            and np.array_equal(self.codes, other.codes)
        )

    __hash__ = None  # type: ignore[assignment]
