"""What a step of scoring leaves of the score, beyond what it is linear in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.blocks.weights import linear_predictor, prior_weights
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Reduction

__all__ = ["Remainder"]


@dataclass(frozen=True)
class Remainder(Reduction[FloatArray]):
    """Fold ``s(beta + d) - s(beta) + X'WX d`` for the score s and a step d, (k,).

    NaN where the family cannot have a mean at the end of the step.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    beta, direction : ndarray, (k,)
        Where the step starts, and the step.
    """

    takes_cells = True

    kernel: Kernel
    beta: FloatArray
    direction: FloatArray

    def init(self) -> FloatArray:
        return np.zeros(len(self.beta))

    def update(self, state: FloatArray, block: Block) -> FloatArray:
        y = block.endog
        if len(y) == 0:
            return state
        eta = linear_predictor(block, self.beta)
        along = block.design.matvec(self.direction)
        mean = self.kernel.mean(eta + along)
        if self.kernel.outside(mean) is not None:
            return np.full(len(self.beta), np.nan)
        _, after = self.kernel.working(y, eta + along, mean)
        weight, before = self.kernel.working(y, eta, self.kernel.mean(eta))
        rest = after - before + weight * along
        a = prior_weights(block)
        state += block.design.rmatvec(rest if a is None else rest * a)
        return state

    def merge(self, left: FloatArray, right: FloatArray) -> FloatArray:
        return left + right
