"""Whether a direction raises the likelihood of every row for ever: the proof of separation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, Dense, Extras, prior_weights
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.least_squares import Triangle, TriangleState

ROUNDING = 1e-14  # of the sizes of the products in x'd: what counts as zero
_HUGE = 1e100  # where squares are still numbers


@dataclass(slots=True)
class RecessionState:
    """How the rows so far stand to a direction d.

    A row x with a side s (1: its likelihood never falls as its linear predictor rises, -1:
    as it falls) gains ``s x'd``; measured in ``sum |x_j d_j|``, which makes it a number
    between -1 and 1 whatever the units and the length of the row. A row without a side
    loses either way.

    Attributes
    ----------
    direction : ndarray, (k,)
        The direction d.
    units : ndarray, (k,)
        What the columns were measured in.
    least, most : float
        The smallest and the largest gain of the rows that have a side; infinite for none.
    apart : float
        The largest ``|x'd|`` of rows without a side, measured likewise.
    held, free : TriangleState
        Of the rows without a side, and of those with one, all brought to one length in
        the units that were given.
    pull : ndarray, (k,)
        Sum of ``s x`` over the rows, likewise.
    logs, entries : ndarray, (k,)
        Of every column the sum of ``log |x_j|`` over entries other than zero, and how many
        there are.
    rows : int
        Rows.
    losers : ndarray, (m, k)
        ``s x`` of the rows that lose most, each row once.
    losses : ndarray, (m,)
        What they gain, ascending, all below zero.
    movers : ndarray, (l, k)
        Rows without a side that move most, each once.
    moves : ndarray, (l,)
        Minus how far they move, ascending.
    """

    direction: FloatArray
    units: FloatArray
    held: TriangleState
    free: TriangleState
    pull: FloatArray
    logs: FloatArray
    entries: FloatArray
    losers: FloatArray
    losses: FloatArray
    movers: FloatArray
    moves: FloatArray
    rows: int = 0
    least: float = np.inf
    most: float = -np.inf
    apart: float = 0.0

    @property
    def typical(self) -> FloatArray:
        """Geometric means of the entries of the columns, (k,); one for a column of zeros."""
        means: FloatArray = np.exp(self.logs / np.maximum(self.entries, 1))
        return means


@dataclass(frozen=True)
class Recession(Reduction[RecessionState]):
    """Fold what proves that a direction separates the responses, or what speaks against it.

    Rows of weight zero do not count.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    direction : ndarray, (k,)
        The direction d.
    units : ndarray, (k,)
        What the columns are measured in, above zero.
    most : int
        How many losers and movers are kept, each.

    References
    ----------
    Albert, Anderson (1984). On the existence of maximum likelihood estimates in logistic
    regression models. Biometrika 71, 1-10, sections 3 and 4.
    """

    takes_cells = True

    kernel: Kernel
    direction: FloatArray
    units: FloatArray
    most: int

    @property
    def _triangle(self) -> Reduction[TriangleState]:
        return Triangle(len(self.direction))

    def init(self) -> RecessionState:
        k = len(self.direction)
        triangle = self._triangle
        return RecessionState(
            self.direction,
            self.units,
            held=triangle.init(),
            free=triangle.init(),
            pull=np.zeros(k),
            logs=np.zeros(k),
            entries=np.zeros(k),
            losers=np.zeros((0, k)),
            losses=np.zeros(0),
            movers=np.zeros((0, k)),
            moves=np.zeros(0),
        )

    def update(self, state: RecessionState, block: Block) -> RecessionState:
        x, side = block.dense(), self.kernel.side(block.endog)
        a = prior_weights(block)
        counted = np.ones(len(side), dtype=bool) if a is None else a > 0
        x, side = x[counted], side[counted]
        free, held = side != 0, side == 0
        self._measure(state, x, side)
        size = np.abs(x) @ np.abs(self.direction)
        share = np.divide(x @ self.direction, size, out=np.zeros_like(size), where=size > 0)
        gains = share[free] * side[free]
        state.apart = float(np.abs(share[held]).max(initial=state.apart))
        state.least = float(gains.min(initial=state.least))
        state.most = float(gains.max(initial=state.most))
        signed = x[free] * side[free, None] + 0.0  # no -0.0: `_worst` compares bytes
        state.losers, state.losses = self._worst(state.losers, state.losses, signed, gains)
        moves = -np.abs(share[held])
        state.movers, state.moves = self._worst(state.movers, state.moves, x[held], moves)
        return state

    def _measure(self, state: RecessionState, x: FloatArray, side: FloatArray) -> None:
        """What does not depend on the direction."""
        sizes = np.abs(x)
        norms = (sizes / self.units).sum(axis=1)
        norms = np.clip(np.where(norms > 0, norms, 1.0), 1 / _HUGE, _HUGE)
        free, held = side != 0, side == 0
        state.held = self._triangle.update(state.held, _as_block(x[held], norms[held]))
        state.free = self._triangle.update(state.free, _as_block(x[free], norms[free]))
        state.pull += (side / norms) @ (x / self.units)
        state.logs += np.log(sizes, out=np.zeros_like(sizes), where=sizes > 0).sum(axis=0)
        state.entries += np.count_nonzero(sizes, axis=0)
        state.rows += len(side)

    def merge(self, left: RecessionState, right: RecessionState) -> RecessionState:
        triangle = self._triangle
        losers, losses = self._worst(left.losers, left.losses, right.losers, right.losses)
        movers, moves = self._worst(left.movers, left.moves, right.movers, right.moves)
        return RecessionState(
            self.direction,
            self.units,
            held=triangle.merge(left.held, right.held),
            free=triangle.merge(left.free, right.free),
            pull=left.pull + right.pull,
            logs=left.logs + right.logs,
            entries=left.entries + right.entries,
            losers=losers,
            losses=losses,
            movers=movers,
            moves=moves,
            rows=left.rows + right.rows,
            least=min(left.least, right.least),
            most=max(left.most, right.most),
            apart=max(left.apart, right.apart),
        )

    def _worst(
        self, rows: FloatArray, gains: FloatArray, others: FloatArray, theirs: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The rows that gain least, below zero, each once, of some and others."""
        losing = theirs < 0
        if not losing.any():
            return rows, gains
        rows = np.ascontiguousarray(np.vstack((rows, others[losing])))
        gains = np.concatenate((gains, theirs[losing]))
        keys = rows.view(f"V{rows.dtype.itemsize * rows.shape[1]}").ravel()
        order = np.argsort(gains, kind="stable")
        _, first = np.unique(keys[order], return_index=True)
        kept = order[np.sort(first)][: self.most]
        return rows[kept], gains[kept]

    def nbytes(self) -> int:
        return 16 * (len(self.direction) + 2) ** 2 + 16 * self.most * len(self.direction)


def _as_block(x: FloatArray, norms: FloatArray) -> Block:
    """Rows of a design divided by their norms, as a triangle takes them."""
    return Block(np.zeros(len(x)), Dense(x), Extras(weights=norms**-2.0))
