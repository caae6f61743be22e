"""One pass keeps, for every step of a selection, the rows that it may take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.selection.carried import Numbering, RawBlock
from statsmodels_ooc.selection.ordering import IntArray, Offer, Order
from statsmodels_ooc.selection.pool import Pool
from statsmodels_ooc.selection.scorers import Offers

PAIR = 24  # bytes of a candidate: score and code, and half as many for those that wait
# Raw rows, of which candidates are some, before the others are let go: a partition of five blocks
# has less than _TIMES as many rows that are candidates when they come.
_TIMES, _SPARE = 4, 1_024


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


class Scorer(Protocol):
    """What ranks the rows of a block."""

    def __call__(self, block: RawBlock, orders: Sequence[Order]) -> Offers:
        """The rows that the order of each step may let in, with scores, smallest first."""
        ...

    def compiled(self) -> Scorer:
        """The same rows and scores, found in machine code where it can be."""
        ...


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
    scores : Scorer
        What ranks the rows.
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
    scores: Scorer
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
        offers, outside = self.scores(block, state.orders)
        if outside is not None:
            state.outside += int(outside.sum())
            if state.outside_at < 0:
                first = np.flatnonzero(outside)[:1]
                state.outside_at = int(self.numbering.codes(block, first)[0])
        rows = self._let_in(state.orders, offers, block)
        if self.room and state._pool is not None and len(rows):
            codes = self.numbering.codes(block, rows)
            state._pool.add(codes, rows + before, *block.raw(rows))
            state._pool = self._tidied(state, state._pool)
        return state

    def compiled(self) -> Candidates:
        return replace(self, scores=self.scores.compiled())

    def _let_in(self, orders: list[Order], offers: Iterator[Offer], block: RawBlock) -> IntArray:
        """Offer the orders what they may take; the positions of the rows that one let in."""
        chosen = np.zeros(len(block.endog), dtype=bool)
        whole: IntArray | None = None  # the codes of all rows
        for order, (rows, scores) in zip(orders, offers, strict=True):
            if rows is None:
                whole = self.numbering.codes(block) if whole is None else whole
            codes = whole if rows is None else self.numbering.codes(block, rows)
            assert codes is not None
            let_in = order.offer(scores, codes, self.numbering.ties)
            if let_in is not None:
                chosen[let_in if rows is None else rows[let_in]] = True
        return np.flatnonzero(chosen)

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
        if pool.size > _TIMES * sum(self.needs) + _SPARE or pool.nbytes > self.room:
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
