"""How far the responses and weights of two models of the same rows are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.blocks.block import Block, row_weights
from statsmodels_ooc.reductions.base import Reduction


@dataclass(slots=True)
class GapState:
    """Largest absolute differences, and largest absolute values, of the rows so far."""

    response: float = 0.0
    size: float = 0.0
    weight: float = 0.0
    weights: float = 0.0


@dataclass(frozen=True)
class Gap(Reduction[GapState]):
    """Compare response and weights with those in the last two columns of what stands beside.

    Parameters
    ----------
    name : str
        What stands beside the rows.
    """

    name: str

    def init(self) -> GapState:
        return GapState()

    def update(self, state: GapState, block: Block) -> GapState:
        if len(block.endog) == 0:
            return state
        other = block.extras.beside[self.name]
        weights = row_weights(block)
        piece = GapState(
            float(np.abs(block.endog - other[:, -2]).max()),
            float(np.abs(block.endog).max()),
            float(np.abs(weights - other[:, -1]).max()),
            float(np.abs(weights).max()),
        )
        return self.merge(state, piece)

    def merge(self, left: GapState, right: GapState) -> GapState:
        return GapState(
            max(left.response, right.response),
            max(left.size, right.size),
            max(left.weight, right.weight),
            max(left.weights, right.weights),
        )
