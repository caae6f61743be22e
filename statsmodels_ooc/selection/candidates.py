"""One pass keeps, for every step of a selection, the rows that it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.selection.carried import Numbering, RawBlock
from statsmodels_ooc.selection.ordering import IntArray, Order
from statsmodels_ooc.selection.pool import Pool

PAIR = 24  # bytes of a candidate: score and code, and half as many for those that wait
_SPARE = 1_024  # raw rows, at least, that are no candidates any more before they are let go


@dataclass(slots=True)
class CandidatesState:
    """The first rows of the orders so far."""

    orders: list[Order]  # one for each step
    kept: dict[int, int] = field(default_factory=dict)  # rows kept so far by partition
    outside: int = 0  # rows with an impossible mean
    outside_at: int = -1  # the code of the first of them, -1 for none
    _pool: Pool | None = field(default_factory=Pool)

    @property
    def pool(self) -> Pool:
        """Raw rows, of the candidates at least; none where they were not carried."""
        return Pool() if self._pool is None else self._pool


Scores = Callable[[RawBlock], tuple[Iterator[FloatArray], NDArray[np.bool_] | None]]


@dataclass(frozen=True)
class Candidates(Reduction[CandidatesState]):
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
    room : int
        How many bytes of raw rows a state may carry with the candidates. One that would
        need more gives up, and what it is merged with, too.
    rows : int or None
        How many rows there are, where that is known.
    """

    is_divisible = False  # rows are numbered from the start of a partition

    needs: tuple[int, ...]
    scores: Scores
    numbering: Numbering
    room: int = 2**30
    rows: int | None = None

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
        if self.room and state._pool is not None:
            rows = np.flatnonzero(chosen)
            if len(rows):
                state._pool.add(codes[rows], rows + before, *block.raw(rows))
                state._pool = self._tidied(state, state._pool)
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
        )
        if left._pool is None or right._pool is None:
            state._pool = None
        else:
            state._pool = self._tidied(state, left._pool.joined(right._pool))
        return state

    def _tidied(self, state: CandidatesState, pool: Pool) -> Pool | None:
        """The raw rows without those that are no candidates any more, when there are many.

        None where the candidates' own are too large.
        """
        if pool.size > 2 * sum(self.needs) + _SPARE or pool.nbytes > self.room:
            pool = pool.only(_distinct(self.orders(state)))
        return pool if pool.nbytes <= self.room else None

    def orders(self, state: CandidatesState) -> list[IntArray]:
        """The codes of every step's candidates, in its order."""
        return [order.settle(self.numbering.ties).codes for order in state.orders]

    def nbytes(self) -> int:
        kept = [m if self.rows is None else min(m, self.rows) for m in self.needs]
        return PAIR * sum(kept) + self.room


def _distinct(codes: Sequence[IntArray]) -> IntArray:
    """All codes, sorted, once each; faster than np.unique, which hashes."""
    merged = np.sort(np.concatenate(codes))
    return merged[np.flatnonzero(np.diff(merged, prepend=-1))]
