"""One pass keeps, for every step of a selection, the rows that it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.selection.carried import RawBlock
from statsmodels_ooc.selection.ordering import IntArray, first, hashes

__all__ = [
    "Candidates",
    "CandidatesState",
    "Gather",
    "GatherState",
    "Numbering",
    "Pool",
    "partitions_of",
    "rows_of",
]

_PARTITION = 40  # a row's code: the partition's number in the bits above its own
_ROW = np.int64(2**_PARTITION - 1)
_SPARE = 1_024  # rows that wait, at least, before an order is sorted again

Ties = Callable[[IntArray], NDArray[Any]]


@dataclass(frozen=True)
class Numbering:
    """Row numbers and codes; a code is a partition's number and that of a row in it.

    Codes are in the order of the rows, whether or not anybody knows how long the
    partitions are.

    Attributes
    ----------
    seed : int
        For hashes.
    hashed : bool
        Whether ties go by a hash of the row number in the source, or by the number itself.
    starts : ndarray of int64 or None
        The number in the source of each partition's first row; needed for hashes.
    """

    seed: int = 0
    hashed: bool = False
    starts: IntArray | None = field(default=None, repr=False)

    def codes(self, block: RawBlock) -> IntArray:
        """The codes of the rows of a block, (b,)."""
        return block.numbers + np.int64(block.partition << _PARTITION)

    def ties(self, codes: IntArray) -> NDArray[Any]:
        """What decides between equal scores, smaller first."""
        if not self.hashed:
            return codes
        assert self.starts is not None
        return hashes(self.seed, rows_of(codes, self.starts))


def rows_of(codes: IntArray, starts: IntArray) -> IntArray:
    """Row numbers in the source, by where partitions start."""
    rows: IntArray = starts[partitions_of(codes)] + (codes & _ROW)
    return rows


def partitions_of(codes: IntArray) -> IntArray:
    """Numbers of the partitions."""
    return codes >> _PARTITION


class Order:
    """The first m rows of a total order, and rows that wait to be sorted in.

    Attributes
    ----------
    scores, codes : ndarray, (<= m,)
        The rows in order, as far as they are sorted.
    """

    __slots__ = ("_bound", "_waiting", "codes", "m", "scores", "waits")

    def __init__(self, m: int) -> None:
        self.m = m
        self.scores: FloatArray = np.empty(0)
        self.codes: IntArray = np.empty(0, dtype=np.int64)
        self.waits = 0
        self._waiting: list[tuple[FloatArray, IntArray]] = []
        self._bound: tuple[float, Any] | None = None  # of the last row, where there are m

    def offer(self, scores: FloatArray, codes: IntArray, ties: Ties) -> IntArray | None:
        """Let the rows of a block in, and say which were; None for none of them."""
        if self._bound is None:
            chosen = np.arange(len(scores))
            if len(scores) > self.m:
                chosen = first(scores, ties(codes), self.m)
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
        if self.waits > max(self.m // 2, _SPARE):
            self.settle(ties)
        return chosen

    def settle(self, ties: Ties) -> Order:
        """Sort the waiting rows in, and let go of rows behind the first m."""
        if self._waiting:
            scores = np.concatenate((self.scores, *(pair[0] for pair in self._waiting)))
            codes = np.concatenate((self.codes, *(pair[1] for pair in self._waiting)))
            self._keep(scores, codes, ties)
        return self

    def _keep(self, scores: FloatArray, codes: IntArray, ties: Ties) -> None:
        tie = ties(codes)
        chosen = first(scores, tie, self.m)
        self.scores, self.codes = scores[chosen], codes[chosen]
        self._waiting, self.waits = [], 0
        if len(chosen) == self.m:
            last = chosen[-1]
            self._bound = (scores[last], tie[last])

    def joined(self, other: Order, ties: Ties) -> Order:
        """The first m rows of both."""
        both = Order(self.m)
        pieces = [
            pair
            for order in (self, other)
            for pair in ((order.scores, order.codes), *order._waiting)
        ]
        both._keep(
            np.concatenate([pair[0] for pair in pieces]),
            np.concatenate([pair[1] for pair in pieces]),
            ties,
        )
        return both

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Order)
            and np.array_equal(self.scores, other.scores)
            and np.array_equal(self.codes, other.codes)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Pool:
    """Raw rows, each with its code and its place among the rows that were kept.

    Attributes
    ----------
    codes, places : list of ndarray of int64
        Codes, and numbers of kept rows before in the partition; for each frame.
    frames : list of DataFrame
        The rows.
    """

    codes: list[IntArray] = field(default_factory=list)
    places: list[IntArray] = field(default_factory=list)
    frames: list[pd.DataFrame] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many rows it has."""
        return sum(len(codes) for codes in self.codes)

    def add(self, codes: IntArray, places: IntArray, frame: pd.DataFrame) -> None:
        self.codes.append(codes)
        self.places.append(places)
        self.frames.append(frame)

    def only(self, codes: IntArray) -> Pool:
        """The rows of these codes, once each, in the order of the codes; all are there."""
        if not self.frames:
            return Pool()
        own = np.concatenate(self.codes)
        order = np.argsort(own, kind="stable")
        found = order[np.searchsorted(own[order], np.sort(codes))]
        frame = pd.concat(self.frames, ignore_index=True).take(found)
        places = np.concatenate(self.places)[found]
        return Pool([own[found]], [places], [frame.reset_index(drop=True)])

    def joined(self, other: Pool) -> Pool:
        """The rows of both."""
        return Pool(
            self.codes + other.codes, self.places + other.places, self.frames + other.frames
        )


@dataclass(slots=True)
class CandidatesState:
    """The first rows of the orders so far.

    Attributes
    ----------
    orders : list of Order
        One for each step.
    kept : dict
        Rows kept so far by partition.
    outside : int
        Rows with an impossible mean.
    outside_at : int
        The code of the first of them, -1 for none.
    """

    orders: list[Order]
    kept: dict[int, int] = field(default_factory=dict)
    outside: int = 0
    outside_at: int = -1
    _pool: Pool = field(default_factory=Pool)

    @property
    def pool(self) -> Pool:
        """Raw rows, of the candidates at least."""
        return self._pool


Scores = Callable[[RawBlock], tuple[Iterator[FloatArray], NDArray[np.bool_] | None]]


@dataclass(frozen=True)
class Candidates:
    """Keep the first rows of the order of every step.

    Exact in one pass: of the ``B_t`` rows that earlier steps take, however many head the
    order of step t, its own ``c_t`` rows are found among the first ``B_t + c_t``. The first m
    rows of a whole are among the first m of its parts, so that states merge in any order.

    Parameters
    ----------
    needs : tuple of int
        How many rows of its order each step must know.
    scores : callable
        Block to the scores of each step, (b,), smallest first, and the rows that have an
        impossible mean.
    numbering : Numbering
        What rows are called and how ties are broken.
    carries : bool
        Whether raw rows are kept with the candidates.

    Notes
    -----
    16 bytes for each candidate, and half as many again for rows that wait to be sorted in.
    """

    needs: tuple[int, ...]
    scores: Scores
    numbering: Numbering
    carries: bool = True

    def init(self) -> CandidatesState:
        return CandidatesState([Order(m) for m in self.needs])

    def update(self, state: CandidatesState, block: RawBlock) -> CandidatesState:
        b = len(block.endog)
        if b == 0:
            return state
        before = state.kept.get(block.partition, 0)
        state.kept[block.partition] = before + b
        codes = self.numbering.codes(block)
        scores, outside = self.scores(block)
        if outside is not None:
            state.outside += int(outside.sum())
            if state.outside_at < 0:
                state.outside_at = int(codes[int(np.argmax(outside))])
        ties = self.numbering.ties
        chosen = np.zeros(b, dtype=bool)
        for order, s in zip(state.orders, scores, strict=True):
            let_in = order.offer(s, codes, ties)
            if let_in is not None:
                chosen[let_in] = True
        if self.carries:
            rows = np.flatnonzero(chosen)
            if len(rows):
                state._pool.add(codes[rows], rows + before, block.raw(rows))
                self._tidy(state)
        return state

    def merge(self, left: CandidatesState, right: CandidatesState) -> CandidatesState:
        firsts = [at for at in (left.outside_at, right.outside_at) if at >= 0]
        state = CandidatesState(
            [
                a.joined(b, self.numbering.ties)
                for a, b in zip(left.orders, right.orders, strict=True)
            ],
            left.kept | right.kept,
            left.outside + right.outside,
            min(firsts, default=-1),
            left._pool.joined(right._pool),
        )
        self._tidy(state)
        return state

    def _tidy(self, state: CandidatesState) -> None:
        """Let go of raw rows that are no candidates any more, when there are many."""
        if state._pool.size > 2 * sum(self.needs) + _SPARE:
            state._pool = state._pool.only(np.unique(np.concatenate(self.orders(state))))

    def orders(self, state: CandidatesState) -> list[IntArray]:
        """The codes of every step's candidates, in its order."""
        return [order.settle(self.numbering.ties).codes for order in state.orders]


@dataclass(slots=True)
class GatherState:
    """Raw rows that were found so far."""

    kept: dict[int, int] = field(default_factory=dict)
    pool: Pool = field(default_factory=Pool)


@dataclass(frozen=True)
class Gather:
    """Find the raw rows of some codes.

    Parameters
    ----------
    codes : ndarray of int64
        Sorted.
    numbering : Numbering
        What rows are called.
    """

    codes: IntArray
    numbering: Numbering

    def init(self) -> GatherState:
        return GatherState()

    def update(self, state: GatherState, block: RawBlock) -> GatherState:
        codes = self.numbering.codes(block)
        before = state.kept.get(block.partition, 0)
        state.kept[block.partition] = before + len(codes)
        rows = np.flatnonzero(np.isin(codes, self.codes))
        if len(rows):
            state.pool.add(codes[rows], rows + before, block.raw(rows))
        return state

    def merge(self, left: GatherState, right: GatherState) -> GatherState:
        return GatherState(left.kept | right.kept, left.pool.joined(right.pool))
