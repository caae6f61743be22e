"""The rows with the largest values of something."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Place, Reduction

IntArray = NDArray[np.int64]


class Scores(NamedTuple):
    """What some rows are ranked by."""

    values: FloatArray  # largest first, (b,), NaN last
    alone: BoolArray  # rows of leverage one, (b,)
    lost: BoolArray | None = None  # rows whose values have lost their digits, (b,)


class Ranking(Protocol):
    """What rows are ranked by, and what is kept of the first."""

    @property
    def width(self) -> int:
        """How many numbers are kept of a row."""
        ...

    def scores(self, block: Block) -> Scores:
        """The scores of the rows of a block."""
        ...

    def kept(self, block: Block) -> FloatArray:
        """What is kept of the rows of a block, (b, width)."""
        ...


def _no_numbers() -> IntArray:
    return np.empty(0, dtype=np.int64)


@dataclass(slots=True)
class LargestRowsState:
    """The first rows of the ranking so far, largest first."""

    values: FloatArray  # what is kept of them, (c, width)
    scores: FloatArray = field(default_factory=lambda: np.empty(0))  # (c,)
    partitions: IntArray = field(default_factory=_no_numbers)  # (c,)
    rows: IntArray = field(default_factory=_no_numbers)  # numbers in the partitions, (c,)
    seen: int = 0  # rows
    above: int = 0  # rows whose score is above the floor
    alone: int = 0  # rows of leverage one
    first: Place | None = None  # of those
    lost: int = 0  # rows whose values have lost their digits


@dataclass(frozen=True)
class LargestRows(Reduction[LargestRowsState]):
    """Keep the m rows with the largest scores; of equal ones those that come first.

    The first m rows of a whole are among the first m of its parts, so that states merge in
    any order, and never hold more than m rows.

    Parameters
    ----------
    ranking : Ranking
        The scores, and what is kept.
    m : int
        How many rows.
    floor : float or None
        Only rows with larger scores are kept; None for all, those without a score last.
    """

    ranking: Ranking
    m: int
    floor: float | None = None

    def init(self) -> LargestRowsState:
        return LargestRowsState(np.empty((0, self.ranking.width)))

    def update(self, state: LargestRowsState, block: Block) -> LargestRowsState:
        b = len(block.endog)
        if b == 0:
            return state
        scores, alone, lost = self.ranking.scores(block)
        state.lost += 0 if lost is None else int(np.count_nonzero(lost))
        if state.first is None and alone.any():
            state.first = Place(block.partition, block.row(int(np.argmax(alone))))
        state.alone += int(np.count_nonzero(alone))
        state.seen += b
        scores = np.where(np.isnan(scores), -np.inf, scores)
        is_high = np.ones(b, dtype=np.bool_) if self.floor is None else scores > self.floor
        state.above += int(np.count_nonzero(is_high))
        if len(state.scores) == self.m:
            is_high &= scores >= state.scores[-1]
        chosen = _largest(scores, np.flatnonzero(is_high), self.m)
        if len(chosen) == 0:
            return state
        return self._first(
            state,
            np.concatenate((state.values, self.ranking.kept(block.some(chosen)))),
            np.concatenate((state.scores, scores[chosen])),
            np.concatenate((state.partitions, np.full(len(chosen), block.partition))),
            np.concatenate((state.rows, block.row_numbers[chosen])),
        )

    def merge(self, left: LargestRowsState, right: LargestRowsState) -> LargestRowsState:
        counts = LargestRowsState(
            left.values,
            seen=left.seen + right.seen,
            above=left.above + right.above,
            alone=left.alone + right.alone,
            lost=left.lost + right.lost,
            first=right.first if left.first is None else left.first,
        )
        return self._first(
            counts,
            np.concatenate((left.values, right.values)),
            np.concatenate((left.scores, right.scores)),
            np.concatenate((left.partitions, right.partitions)),
            np.concatenate((left.rows, right.rows)),
        )

    def _first(
        self,
        state: LargestRowsState,
        values: FloatArray,
        scores: FloatArray,
        partitions: IntArray,
        rows: IntArray,
    ) -> LargestRowsState:
        """The state with the first m of these rows, in their order."""
        order = np.lexsort((rows, partitions, -scores))[: self.m]
        state.values, state.scores = values[order], scores[order]
        state.partitions, state.rows = partitions[order], rows[order]
        return state

    def nbytes(self) -> int:
        return 8 * self.m * (self.ranking.width + 3)


def _largest(scores: FloatArray, among: NDArray[np.intp], m: int) -> NDArray[np.intp]:
    """Those of some rows that are among the m with the largest scores, and their equals."""
    if len(among) <= m:
        return among
    cut = np.partition(scores[among], len(among) - m)[len(among) - m]
    chosen: NDArray[np.intp] = among[scores[among] >= cut]
    return chosen
