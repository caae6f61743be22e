"""Pearson's equation for the power of a variance function, at many powers at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.blocks.weights import linear_predictor, prior_weights
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Reduction

__all__ = ["PowerSums", "PowerSumsState", "power_sums"]


@dataclass(slots=True)
class PowerSumsState:
    """Sums over the rows so far, see `power_sums`."""

    sums: FloatArray


@dataclass(frozen=True)
class PowerSums(Reduction[PowerSumsState]):
    """Fold `power_sums` at given parameters.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,), or None
        The parameters; None for the means that stand beside the rows, ``mu``.
    powers : ndarray, (m,)
        The powers of the mean that the variance may be.
    """

    kernel: Kernel
    beta: FloatArray | None
    powers: FloatArray

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

    def merge(self, left: PowerSumsState, right: PowerSumsState) -> PowerSumsState:
        return PowerSumsState(left.sums + right.sums)


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
