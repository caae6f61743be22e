"""The log-likelihood at given parameters and scale, of families that need the rows for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.blocks.weights import linear_predictor
from statsmodels_ooc.families.elementwise import quiet, times, total_of_weighted
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Reduction

__all__ = ["LogLike"]


@dataclass(frozen=True)
class LogLike(Reduction[float]):
    """Fold the log-likelihood where its sums at scale one do not tell it.

    Parameters
    ----------
    kernel : Kernel
        The family and its link: a family whose weights divide the dispersion.
    beta : ndarray, (k,)
        The parameters.
    scale : float
        The scale.
    constant : float
        Is added to the linear predictor.

    Notes
    -----
    A row of weight w at a scale is one of weight w / scale at scale one: its
    log-likelihood is that where the mean is the response, less half its deviance.
    """

    kernel: Kernel
    beta: FloatArray
    scale: float
    constant: float = 0.0

    def init(self) -> float:
        return 0.0

    def update(self, state: float, block: Block) -> float:
        y = block.endog
        if len(y) == 0:
            return state
        freq, var = block.extras.freq_weights, block.extras.var_weights
        with quiet():
            weights = (np.ones_like(y) if var is None else var) / self.scale
        eta = linear_predictor(block, self.beta) + self.constant
        deviance = self.kernel.deviance(y, eta, self.kernel.mean(eta), times(weights, freq))
        saturated = self.kernel.saturated(y, weights, None)
        return state + total_of_weighted(saturated, freq) - deviance / 2

    def merge(self, left: float, right: float) -> float:
        return left + right
