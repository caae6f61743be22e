"""Total orders of rows: by a score, ties by row number or by a hash of it."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import Any, NamedTuple

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
    return _first(scores, ties.__getitem__, m)


def _first(scores: FloatArray, ties: Ties, m: int) -> NDArray[np.intp]:
    among = _cut(scores, ties, m)
    order = np.argsort(scores[among], kind="stable")
    rows, s = among[order], scores[among[order]]
    level = (s[1:] == s[:-1]) | np.isnan(s[:-1])  # with the next one; NaN comes last
    if level.any():
        tied = np.append(level, False) | np.append(False, level)
        rows[tied] = rows[tied][np.lexsort((ties(rows[tied]), s[tied]))]
    return rows[:m]


def _cut(scores: FloatArray, ties: Ties, m: int) -> NDArray[np.intp]:
    """Positions of the first m rows, in any order; of more where the last score is NaN.

    Few rows are level with the last one: ties are asked for by position, and only there.
    """
    if m >= len(scores):
        return np.arange(len(scores))
    if m == 0:
        return np.arange(0)
    among = _near(scores, m)
    if among is None:
        return np.arange(len(scores))
    s = scores[among]
    last = np.partition(s, m - 1)[m - 1]
    is_first = s <= last
    rows: NDArray[np.intp] = among[is_first]
    s, surplus = s[is_first], len(rows) - m
    if surplus == 0:
        return rows
    level = rows[s == last]
    stay = len(level) - surplus
    level = level[np.argpartition(ties(level), stay - 1)[:stay]]
    return np.concatenate((rows[s < last], level))


def _near(scores: FloatArray, m: int) -> NDArray[np.intp] | None:
    """Positions of the first m rows and of few others; None where fewer are numbers.

    Number m of the whole is no larger than that of some of the scores.
    """
    for some in (scores[:: sampled(len(scores), m)], scores):
        bound = bound_of(some, m)
        if not np.isnan(bound):
            return np.flatnonzero(scores <= bound)
    return None


def sampled(rows: int, m: int) -> int:
    """One of how many rows bounds number m of them cheaply: as many are sorted as are let in."""
    return max(isqrt(rows // max(m, 1)), 1)


def bound_of(scores: FloatArray, m: int) -> float:
    """Score number m; NaN where fewer are numbers."""
    found: float = np.partition(scores, m - 1)[m - 1] if m <= len(scores) else np.nan
    return found


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

    @property
    def last(self) -> float:
        """The largest score that may still be let in; NaN while every row is."""
        return np.nan if self._bound is None else self._bound[0]

    def offer(self, scores: FloatArray, codes: IntArray, ties: Ties) -> IntArray | None:
        """Let rows in, and say which were; None for none of them."""
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
            order = _first(self.scores, lambda rows: ties(self.codes[rows]), self.m)
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
            chosen = _first(scores, lambda rows: ties(codes[rows]), self.m)
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


class Offer(NamedTuple):
    """Rows of a block that may be among the first of an order."""

    rows: IntArray | None  # their positions; None for all of them
    scores: FloatArray

    @classmethod
    def to(cls, order: Order, scores: FloatArray) -> Offer:
        """The rows that an order may let in, by the scores of all."""
        if np.isnan(order.last):
            return cls(None, scores)
        rows = np.flatnonzero(scores <= order.last)
        return cls(rows, scores[rows])
