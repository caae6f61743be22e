"""Log-likelihoods that need the rows: of families, at given means, at many powers at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, linear_predictor, prior_weights
from statsmodels_ooc.families.elementwise import quiet, times, total, total_of_weighted
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Additive


@dataclass(slots=True)
class GivenMeansState:
    """Sums over the rows so far, at scale one, at the given means."""

    saturated: float = 0.0  # the log-likelihood where the means are the responses
    deviance: float = 0.0
    pearson: float = 0.0
    freq: float = 0.0  # sum of the frequency weights


@dataclass(frozen=True)
class GivenMeans(Additive[GivenMeansState]):
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


@dataclass(frozen=True)
class LogLike(Additive[float]):
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


@dataclass(slots=True)
class PowerSumsState:
    """Sums over the rows so far, see `power_sums`."""

    sums: FloatArray


@dataclass(frozen=True)
class PowerSums(Additive[PowerSumsState]):
    """Fold `power_sums` for m powers of the mean that the variance may be."""

    kernel: Kernel
    beta: FloatArray | None  # (k,); None for the means that stand beside the rows, "mu"
    powers: FloatArray  # (m,)

    def init(self) -> PowerSumsState:
        return PowerSumsState(np.zeros(2 * len(self.powers) + 1))

    def update(self, state: PowerSumsState, block: Block) -> PowerSumsState:
        if len(block.endog) == 0:
            return state
        if self.beta is None:
            mu = block.extras.beside["mu"]
        else:
            mu = self.kernel.mean(linear_predictor(block, self.beta)).mu
        weights = prior_weights(block, ("freq_weights", "var_weights"))
        weights = np.ones(len(mu)) if weights is None else weights
        state.sums += power_sums(block.endog, mu, weights, self.powers)
        return state


def power_sums(
    y: FloatArray, mu: FloatArray, weights: FloatArray, powers: FloatArray
) -> FloatArray:
    """What Pearson's equation needs of some rows.

    Returns
    -------
    ndarray, (2 * m + 1,)
        For each power p the sum of ``w * (y - mu)**2 * mu**-p``, then for each the same
        times ``log(mu)``, and last the sum of ``w * log(mu)``.
    """
    log_mu, squares = np.log(mu), weights * (y - mu) ** 2
    found = np.empty(2 * len(powers) + 1)
    for i, power in enumerate(powers):
        scaled = squares * np.exp(-power * log_mu)
        found[i], found[len(powers) + i] = scaled.sum(), scaled @ log_mu
    found[-1] = weights @ log_mu
    return found
