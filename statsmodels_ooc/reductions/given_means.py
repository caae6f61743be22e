"""The likelihood at means that somebody else gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.blocks.weights import prior_weights
from statsmodels_ooc.families.elementwise import quiet, total, total_of_weighted
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Reduction

__all__ = ["GivenMeans", "GivenMeansState"]


@dataclass(slots=True)
class GivenMeansState:
    """Sums over the rows so far, at scale one.

    Attributes
    ----------
    saturated : float
        Log-likelihood where the means are the responses.
    deviance, pearson : float
        At the given means.
    freq : float
        Sum of the frequency weights.
    """

    saturated: float = 0.0
    deviance: float = 0.0
    pearson: float = 0.0
    freq: float = 0.0


@dataclass(frozen=True)
class GivenMeans(Reduction[GivenMeansState]):
    """Fold what the log-likelihood and the scale need, at the means beside the rows, ``mu``.

    A linear predictor keeps more of the tails than a mean does: where parameters are known,
    `Scoring` and `LogLike` are the better questions.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    divisor : float
        Of the variance weights: the scale, of families whose sums at scale one do not tell
        their likelihood.
    """

    kernel: Kernel
    divisor: float = 1.0

    def init(self) -> GivenMeansState:
        return GivenMeansState()

    def update(self, state: GivenMeansState, block: Block) -> GivenMeansState:
        y, extras = block.endog, block.extras
        if len(y) == 0:
            return state
        mu = extras.beside["mu"]
        a, var = prior_weights(block), extras.var_weights
        with quiet():
            eta = np.asarray(self.kernel.family.link(mu))
            mean = self.kernel.mean(eta)._replace(mu=mu)
            if self.divisor != 1:
                var = (np.ones_like(y) if var is None else var) / self.divisor
                a = (np.ones_like(y) if a is None else a) / self.divisor
            squares = (y - mu) ** 2 / self.kernel.family.variance(mu)
            state.pearson += total(squares, a)
        state.deviance += self.kernel.deviance(y, eta, mean, a)
        saturated = self.kernel.saturated(y, var, extras.trials)
        state.saturated += total_of_weighted(saturated, extras.freq_weights)
        state.freq += len(y) if extras.freq_weights is None else float(extras.freq_weights.sum())
        return state

    def merge(self, left: GivenMeansState, right: GivenMeansState) -> GivenMeansState:
        return GivenMeansState(
            left.saturated + right.saturated,
            left.deviance + right.deviance,
            left.pearson + right.pearson,
            left.freq + right.freq,
        )
