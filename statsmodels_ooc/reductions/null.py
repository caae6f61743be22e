"""The model of a constant and an offset, at one constant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.blocks.weights import prior_weights, total_offset
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Reduction

__all__ = ["NullScoring", "NullState"]


@dataclass(slots=True)
class NullState:
    """Sums over the rows so far: deviance, score and expected information."""

    deviance: float = 0.0
    score: float = 0.0
    information: float = 0.0
    outside: bool = False


@dataclass(frozen=True)
class NullScoring(Reduction[NullState]):
    """Fold the deviance of the model of a constant and an offset, and its next step.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    constant : float
        What is added to the offset.
    """

    takes_cells = True

    kernel: Kernel
    constant: float

    def init(self) -> NullState:
        return NullState()

    def update(self, state: NullState, block: Block) -> NullState:
        y = block.endog
        if len(y) == 0:
            return state
        eta = np.full(len(y), self.constant)
        offset = total_offset(block)
        if offset is not None:
            eta += offset
        mean = self.kernel.mean(eta)
        if self.kernel.outside(mean) is not None:
            state.outside = True
            return state
        weight, score = self.kernel.working(y, eta, mean)
        a = prior_weights(block)
        state.deviance += self.kernel.deviance(y, eta, mean, a)
        state.score += float(score.sum() if a is None else score @ a)
        state.information += float(weight.sum() if a is None else weight @ a)
        return state

    def merge(self, left: NullState, right: NullState) -> NullState:
        return NullState(
            left.deviance + right.deviance,
            left.score + right.score,
            left.information + right.information,
            left.outside or right.outside,
        )
