"""The likelihood of a streamed generalised linear model at given means."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine import RowArray
from statsmodels_ooc.engine.alongside import beside, total
from statsmodels_ooc.families.elementwise import quiet, total_of_weighted
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.families.lookup import kernel_of, loglike_form
from statsmodels_ooc.reductions.power import power_sums
from statsmodels_ooc.results.glm_rows import Observed
from statsmodels_ooc.solvers.likelihood import loglike_at

__all__ = ["AtMeans"]


@dataclass
class AtMeans:
    """Sums over the rows at means that somebody else gives.

    Attributes
    ----------
    family : Family
        The family.
    rows : RowArray, (n, 4)
        What the likelihood takes besides the means, see `Observed`.
    mu : array_like or dask Array, (n,)
        The means.
    """

    family: Any
    rows: RowArray
    mu: Any

    @classmethod
    def of(cls, model: Any, mu: Any) -> AtMeans:
        """The sums of a streamed model."""
        return cls(model.family, model._rows(Observed(), 4), mu)

    @cached_property
    def _both(self) -> Any:
        return beside(self.rows, self.mu, "mu")

    def loglike(self, scale: float) -> float:
        """The log-likelihood at a scale; a pass."""
        form, divisor = loglike_form(self.family, unit_var_weights=False), 1.0
        if form is None:  # the weights of the rows take the scale along
            form, divisor = "fixed", scale
        found = total(_LogLike(kernel_of(self.family), divisor), self._both, 3).tolist()
        return loglike_at(form, found[0], found[1], scale, found[2])

    @cached_property
    def _fit(self) -> FloatArray:
        return total(_Fit(self.family), self._both, 2)

    @property
    def pearson(self) -> float:
        """Pearson's chi-squared."""
        return float(self._fit[0])

    @property
    def deviance(self) -> float:
        """The deviance at scale one."""
        return float(self._fit[1])

    def power_sums(self, powers: FloatArray) -> FloatArray:
        """What Pearson's equation for a power needs, see `power_sums`; a pass."""
        return total(_Powers(powers), self._both, 2 * len(powers) + 1)


@dataclass(frozen=True)
class _LogLike:
    """What `loglike_at` needs: the saturated log-likelihood, the deviance, the weights."""

    kernel: Kernel
    divisor: float  # of the variance weights

    def __call__(self, rows: FloatArray) -> FloatArray:
        y, freq, var, trials, mu = rows.T
        with quiet():
            var = var / self.divisor
            eta = np.asarray(self.kernel.family.link(mu))
        mean = self.kernel.mean(eta)._replace(mu=mu)
        deviance = self.kernel.deviance(y, eta, mean, freq * var * trials)
        saturated = self.kernel.saturated(y, var, trials)
        return np.array([total_of_weighted(saturated, freq), deviance, freq.sum()])


@dataclass(frozen=True)
class _Fit:
    family: Any

    def __call__(self, rows: FloatArray) -> FloatArray:
        y, freq, var, trials, mu = rows.T
        family = _with_trials(self.family, trials)
        squares = freq * var * trials * (y - mu) ** 2
        pearson = (squares / self.family.variance(mu)).sum()
        return np.array([pearson, family.deviance(y, mu, var, freq, 1.0)])


@dataclass(frozen=True)
class _Powers:
    powers: FloatArray

    def __call__(self, rows: FloatArray) -> FloatArray:
        y, freq, var, _, mu = rows.T
        return power_sums(y, mu, freq * var, self.powers)


def _with_trials(family: Any, trials: FloatArray) -> Any:
    family = copy.copy(family)
    if hasattr(family, "n"):
        family.n = trials
    return family
