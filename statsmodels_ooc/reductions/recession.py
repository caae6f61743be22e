"""Whether a direction raises the likelihood of every row for ever: the proof of separation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.reductions.base import BlockLike, FloatArray, Reduction
from statsmodels_ooc.reductions.kernels import Kernel
from statsmodels_ooc.reductions.scoring import prior_weights
from statsmodels_ooc.reductions.triangle import Triangle, TriangleState

__all__ = ["ROUNDING", "Recession", "RecessionState"]

ROUNDING = 1e-12  # of the sizes of the products in x'd: what counts as zero


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
    least, most : float
        The smallest and the largest gain of the rows that have a side; infinite for none.
    apart : float
        The largest ``|x'd|`` of rows without a side, measured likewise.
    held, free : TriangleState
        Of the rows without a side, and of those with one, unweighted.
    pull : ndarray, (k,)
        Sum of ``s x`` over the rows, each measured in the lengths that were given.
    losers : ndarray, (m, k)
        ``s x`` of the rows that lose most, each row once.
    losses : ndarray, (m,)
        What they gain, ascending, all below zero.
    """

    direction: FloatArray
    held: TriangleState
    free: TriangleState
    pull: FloatArray
    losers: FloatArray
    losses: FloatArray
    least: float = np.inf
    most: float = -np.inf
    apart: float = 0.0


@dataclass(frozen=True)
class Recession:
    """Fold what proves that a direction separates the responses, or what speaks against it.

    Rows of weight zero do not count.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    direction : ndarray, (k,)
        The direction d.
    lengths : ndarray, (k,)
        Lengths of the columns, above zero.
    most : int
        How many losers are kept.

    References
    ----------
    Albert, Anderson (1984). On the existence of maximum likelihood estimates in logistic
    regression models. Biometrika 71, 1-10, sections 3 and 4.
    """

    kernel: Kernel
    direction: FloatArray
    lengths: FloatArray
    most: int

    @property
    def _triangle(self) -> Reduction[TriangleState]:
        return Triangle(len(self.direction))

    def init(self) -> RecessionState:
        k = len(self.direction)
        triangle = self._triangle
        none = np.zeros((0, k))
        return RecessionState(
            self.direction, triangle.init(), triangle.init(), np.zeros(k), none, np.zeros(0)
        )

    def update(self, state: RecessionState, block: BlockLike) -> RecessionState:
        x, side = block.dense(), self.kernel.side(block.endog)
        a = prior_weights(block)
        counted = np.ones(len(side), dtype=bool) if a is None else a > 0
        x, side = x[counted], side[counted]
        size = np.abs(x) @ np.abs(self.direction)
        share = np.divide(x @ self.direction, size, out=np.zeros_like(size), where=size > 0)
        free, held = side != 0, side == 0
        gains = share[free] * side[free]
        signed = x[free] * side[free, None]
        state.held = self._triangle.update(state.held, _Rows(x[held]))
        state.free = self._triangle.update(state.free, _Rows(signed))
        state.apart = float(np.abs(share[held]).max(initial=state.apart))
        state.least = float(gains.min(initial=state.least))
        state.most = float(gains.max(initial=state.most))
        measured = signed / self.lengths
        norms = np.abs(measured).sum(axis=1, keepdims=True)
        state.pull += np.divide(measured, norms, out=np.zeros_like(measured), where=norms > 0).sum(
            axis=0
        )
        losing = gains < 0
        self._keep(state, signed[losing], gains[losing])
        return state

    def merge(self, left: RecessionState, right: RecessionState) -> RecessionState:
        triangle = self._triangle
        merged = RecessionState(
            self.direction,
            triangle.merge(left.held, right.held),
            triangle.merge(left.free, right.free),
            left.pull + right.pull,
            left.losers,
            left.losses,
            min(left.least, right.least),
            max(left.most, right.most),
            max(left.apart, right.apart),
        )
        self._keep(merged, right.losers, right.losses)
        return merged

    def _keep(self, state: RecessionState, rows: FloatArray, gains: FloatArray) -> None:
        """Take the worst of the losers so far and of other rows, each once."""
        if len(rows) == 0:
            return
        rows = np.ascontiguousarray(np.vstack((state.losers, rows)))
        gains = np.concatenate((state.losses, gains))
        keys = rows.view(f"V{rows.dtype.itemsize * rows.shape[1]}").ravel()
        order = np.argsort(gains, kind="stable")
        _, first = np.unique(keys[order], return_index=True)
        kept = order[np.sort(first)][: self.most]
        state.losers, state.losses = rows[kept], gains[kept]


class _Rows:
    """Rows of a design as a triangle sees them: unweighted, without a response."""

    __slots__ = ("_x", "endog", "weights")

    def __init__(self, x: FloatArray) -> None:
        self._x, self.weights, self.endog = x, None, np.zeros(len(x))

    def dense(self) -> FloatArray:
        return self._x
