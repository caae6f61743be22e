"""Folds of other designs and responses than a model's own: auxiliary regressions, and lags."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, Dense
from statsmodels_ooc.reductions.base import Reduction

S = TypeVar("S")

_NUMBERS = 2**19  # of an auxiliary block, 4 MiB
_ROWS = 64  # at the least


def auxiliary_block(block: Block, design: FloatArray, endog: FloatArray) -> Block:
    """The rows of a block with another design, (b, q), and another response, (b,)."""
    return replace(block, design=Dense(np.asfortranarray(design)), endog=endog)


def pieces(block: Block, width: int) -> Iterator[Block]:
    """A block in pieces that stay small with so many columns."""
    b, most = len(block.endog), max(_ROWS, _NUMBERS // max(width, 1))
    if b <= most:
        yield block
        return
    dense = block.dense()
    for start in range(0, b, most):
        rows = slice(start, start + most)
        yield replace(
            block,
            endog=block.endog[rows],
            design=Dense(np.asfortranarray(dense[rows])),
            extras=block.extras.piece(rows),
            start=block.start if block.kept is not None else block.start + start,
            kept=None if block.kept is None else block.kept[rows],
        )


@dataclass(frozen=True)
class Auxiliary(Reduction[S], Generic[S]):
    """Fold rows that are made of a model's rows one by one: an auxiliary regression.

    Parameters
    ----------
    rows : callable
        Block of b rows to a block with another design, or fewer rows; picklable.
    reduction : Reduction
        What is folded of those.
    width : int
        The number of columns of that design: the block is cut so that it stays small.
    """

    rows: Callable[[Block], Block]
    reduction: Reduction[S]
    width: int

    def init(self) -> S:
        return self.reduction.init()

    def update(self, state: S, block: Block) -> S:
        if len(block.endog) == 0:
            return state
        for piece in pieces(block, self.width):
            state = self.reduction.update(state, self.rows(piece))
        return state

    def merge(self, left: S, right: S) -> S:
        return self.reduction.merge(left, right)

    def nbytes(self) -> int:
        return self.reduction.nbytes()


class Series(NamedTuple):
    """A number of each row, (b,), and columns that stand beside its lags, (b, q)."""

    values: FloatArray
    beside: FloatArray


@dataclass(slots=True)
class LaggedState(Generic[S]):
    """Consecutive rows; those whose lags are all among them have been folded.

    Attributes
    ----------
    rows : int
        How many there are.
    head : ndarray, (min(rows, lags), 1 + q)
        Value and columns of the first rows, whose lags stand before.
    tail : ndarray, (min(rows, lags),)
        The last values.
    folded : state
        Of the other rows.
    """

    rows: int
    head: FloatArray
    tail: FloatArray
    folded: S


@dataclass(frozen=True)
class Lagged(Reduction[LaggedState[S]], Generic[S]):
    """Fold a series on its own lags, and on columns beside them, in row order.

    The design of row t is ``[beside_t | s_{t-1} | ... | s_{t-lags}]``, the response ``s_t``.

    Parameters
    ----------
    series : callable
        Block of b rows to a `Series`; picklable.
    lags : int
        How many, at least one.
    reduction : Reduction
        What is folded, of q + lags columns.
    q : int
        The number of columns beside the lags.

    Notes
    -----
    A row waits in the head of a state until a merge brings what stands before it, so that
    neither blocks nor partitions need to be longer than the lags.
    """

    series: Callable[[Block], Series]
    lags: int
    reduction: Reduction[S]
    q: int = 0

    def init(self) -> LaggedState[S]:
        head = np.empty((0, 1 + self.q))
        return LaggedState(0, head, np.empty(0), self.reduction.init())

    def update(self, state: LaggedState[S], block: Block) -> LaggedState[S]:
        if len(block.endog):
            for piece in pieces(block, self.lags + self.q):
                self._append(state, self.series(piece))
        return state

    def _append(self, state: LaggedState[S], rows: Series) -> None:
        """Fold more rows into a state, in place."""
        b = len(rows.values)
        if b == 0:
            return
        waiting = min(max(self.lags - state.rows, 0), b)
        if waiting:
            opened = np.column_stack((rows.values[:waiting], rows.beside[:waiting]))
            state.head = np.vstack((state.head, opened))
        values = np.concatenate((state.tail, rows.values))
        if b > waiting:
            lagged = sliding_window_view(values, self.lags + 1)[:, -2::-1]
            design = np.hstack((rows.beside[waiting:], lagged))
            block = Block(rows.values[waiting:], Dense(np.asfortranarray(design)))
            state.folded = self.reduction.update(state.folded, block)
        state.tail = values[-self.lags :].copy()
        state.rows += b

    def merge(self, left: LaggedState[S], right: LaggedState[S]) -> LaggedState[S]:
        between = LaggedState(left.rows, left.head, left.tail, self.reduction.init())
        self._append(between, Series(right.head[:, 0], right.head[:, 1:]))
        tail = between.tail if right.rows <= self.lags else right.tail
        first = self.reduction.merge(left.folded, between.folded)
        folded = self.reduction.merge(first, right.folded)
        return LaggedState(left.rows + right.rows, between.head, tail.copy(), folded)

    def folded(self, state: LaggedState[S], *, zeros_before: bool) -> S:
        """What was folded of all rows, with zeros before the first, or of those with all lags."""
        if not zeros_before:
            return state.folded
        none = np.zeros(self.lags)
        first = LaggedState(self.lags, np.empty((0, 1 + self.q)), none, self.reduction.init())
        self._append(first, Series(state.head[:, 0], state.head[:, 1:]))
        return self.reduction.merge(first.folded, state.folded)

    def nbytes(self) -> int:
        return self.reduction.nbytes()
