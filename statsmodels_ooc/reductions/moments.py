"""Means and centred cross products of ``[X | y]``: the shifted Gram matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Reduction

__all__ = ["Moments", "MomentsState"]


@dataclass(slots=True)
class MomentsState:
    """First and second moments of the rows seen so far.

    Attributes
    ----------
    total : float
        Sum of the weights; the number of rows where there are none.
    mean : ndarray, (k + 1,)
        Weighted means of the columns of ``[X | y]``.
    comoment : ndarray, (k + 1, k + 1)
        Weighted sum of ``(z - mean)(z - mean)'`` over the rows z of ``[X | y]``.
    rows : int
        How many rows went into them.
    """

    total: float
    mean: FloatArray
    comoment: FloatArray
    rows: int = 0


@dataclass(frozen=True)
class Moments(Reduction[MomentsState]):
    """Fold ``[X | y]`` into means and centred cross products.

    Every block is shifted to the mean of its own rows before it is multiplied, so
    that large means cost no digits.

    Parameters
    ----------
    k : int
        The number of columns of the design.
    response : bool
        Whether the response is folded, or taken for zero.

    References
    ----------
    Chan, Golub, LeVeque (1983). Algorithms for computing the sample variance.
    The American Statistician 37, 242-247, equation (2.1).
    """

    k: int
    response: bool = True

    def init(self) -> MomentsState:
        q = self.k + 1
        return MomentsState(0.0, np.zeros(q), np.zeros((q, q)))

    def update(self, state: MomentsState, block: Block) -> MomentsState:
        weights, design = block.weights, block.design
        endog = block.endog if self.response else None
        total = float(len(block.endog) if weights is None else weights.sum())
        if total == 0:
            return state
        mean, comoment = np.zeros(self.k + 1), np.zeros((self.k + 1, self.k + 1))
        width = self.k + self.response
        with np.errstate(invalid="ignore"):  # infinities: the facts name them
            w = np.ones(len(block.endog)) if weights is None else weights
            mean[: self.k] = design.rmatvec(w) / total
            if self.response:
                mean[-1] = (w @ block.endog) / total
            comoment[:width, :width] = design.comoment(weights, mean[:width], endog)
        return self.merge(state, MomentsState(total, mean, comoment, len(block.endog)))

    def merge(self, left: MomentsState, right: MomentsState) -> MomentsState:
        if right.total == 0:
            return left
        if left.total == 0:
            return right
        total = left.total + right.total
        with np.errstate(invalid="ignore"):
            delta = right.mean - left.mean
            mean = left.mean + delta * (right.total / total)
            comoment = left.comoment + right.comoment
            comoment += np.outer(delta, delta * (left.total * right.total / total))
        return MomentsState(total, mean, comoment, left.rows + right.rows)

    def nbytes(self) -> int:
        return 8 * (self.k + 1) ** 2
