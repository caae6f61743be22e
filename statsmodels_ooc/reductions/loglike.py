"""The log-likelihood at given parameters and scale, by the family's own word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.reductions.base import BlockLike, FloatArray
from statsmodels_ooc.reductions.kernels import Kernel
from statsmodels_ooc.reductions.scoring import linear_predictor

__all__ = ["LogLike"]


@dataclass(frozen=True)
class LogLike:
    """Fold the log-likelihood where its sums at scale one do not tell it.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,)
        The parameters.
    scale : float
        The scale.
    constant : float
        Is added to the linear predictor.
    """

    kernel: Kernel
    beta: FloatArray
    scale: float
    constant: float = 0.0

    def init(self) -> float:
        return 0.0

    def update(self, state: float, block: BlockLike) -> float:
        if len(block.endog) == 0:
            return state
        eta = linear_predictor(block, self.beta) + self.constant
        mu = self.kernel.mean(eta).mu
        ones = np.ones(len(mu))
        with np.errstate(divide="ignore", invalid="ignore"):
            loglike = self.kernel.family.loglike(
                block.endog,
                mu,
                var_weights=block.extras.get("var_weights", ones),
                freq_weights=block.extras.get("freq_weights", ones),
                scale=self.scale,
            )
        return state + float(loglike)

    def merge(self, left: float, right: float) -> float:
        return left + right
