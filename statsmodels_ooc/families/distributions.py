"""What families know of means: variance, deviance, likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.families.elementwise import (
    TINY,
    Factor,
    Pair,
    Weights,
    bend_of_power,
    gamma_at_mean,
    has_saddlepoint,
    is_binary,
    log_ratio,
    of_counts,
    poisson_at_mean,
    stirling_error,
    times,
    tweedie_at_mean,
)
from statsmodels_ooc.families.inverse_links import InverseLink, Mean

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Distribution:
    """What a family knows of a mean; ``inverse`` says how that mean came about.

    Every method takes and gives vectors of the b rows of a block, (b,): the response y, the
    linear predictor eta, the mean mu; at scale one, and for a prior weight of one unless
    weights are given.
    """

    family: Any
    inverse: InverseLink

    def variance(self, mu: FloatArray, eta: FloatArray) -> FloatArray:
        """The variance function ``V(mu)``."""
        raise NotImplementedError

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> Pair:
        """Expected information ``(dmu/deta)**2 / V``, and score ``(y - mu) (dmu/deta) / V``."""
        raise NotImplementedError

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        """The observed information: minus the derivative of the score of `working` in eta."""
        raise NotImplementedError

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        """Half the deviance of each row, the integral of ``(y - t) / V(t)`` from mu to y."""
        raise NotImplementedError

    def near(self, gap: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        """The same for responses ``mu + gap`` within `NEAR` of their means, to full precision."""
        raise NotImplementedError

    def saturated(self, y: FloatArray, weights: Weights, trials: Weights) -> FloatArray:
        """The log-likelihood where the mean is y, of rows with variance weights and trials."""
        raise NotImplementedError

    def is_mean(self, mu: FloatArray) -> BoolArray:
        """Of positive responses: the mean is above zero, or underflowed."""
        return (mu >= 0 if self.inverse.positive else mu > 0) & (mu < np.inf)

    def room(self, mu: FloatArray) -> FloatArray:
        """How far a mean is from the next bound that it cannot reach."""
        return mu

    def is_response(self, y: FloatArray) -> BoolArray:
        """Whether the family can have a response."""
        return y >= 0

    def starting_mean(self, y: FloatArray, mean_of_y: float) -> FloatArray:
        """The mean that statsmodels starts from: between y and the mean response."""
        return (y + mean_of_y) / 2


class GaussianDistribution(Distribution):
    """Variance 1; the deviance of a row is ``(y - mu)**2``."""

    def variance(self, mu: FloatArray, eta: FloatArray) -> FloatArray:
        return np.ones_like(mu)

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> Pair:
        return mean.slope**2, (y - mean.mu) * mean.slope

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        return mean.slope * (mean.slope - (y - mean.mu) * self.inverse.bend(eta))

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        return (y - mu) ** 2 / 2

    def near(self, gap: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        return gap**2 / 2

    def saturated(self, y: FloatArray, weights: Weights, trials: Weights) -> FloatArray:
        logs = np.zeros_like(y) if weights is None else np.log(weights)
        return (logs - LOG_2PI) / 2

    def is_mean(self, mu: FloatArray) -> BoolArray:
        return np.isfinite(mu)

    def is_response(self, y: FloatArray) -> BoolArray:
        return np.isfinite(y)


class BinomialDistribution(Distribution):
    """Proportions: variance ``mu * (1 - mu)``, over the trials of a row."""

    def variance(self, mu: FloatArray, eta: FloatArray) -> FloatArray:
        return mu * self.inverse.complement(eta)

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> Pair:
        success, failure = self.inverse.hazards(eta)
        return np.asarray(success * failure), y * success - (1 - y) * failure

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        (success, failure), (first, second) = self.inverse.hazards(eta), self.inverse.bends(eta)
        return y * (success * first) + (1 - y) * (failure * second)

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        log_mu, log_rest = self.inverse.logs(eta)
        if is_binary(y):
            return -np.where(y == 1, log_mu, log_rest)
        cross = np.where(y == 0, 0, y * log_mu) + np.where(y == 1, 0, (1 - y) * log_rest)
        return np.asarray(special.xlogy(y, y) + special.xlogy(1 - y, 1 - y) - cross)

    def near(self, gap: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        rest = self.inverse.complement(eta)
        return mu * bend_of_power(gap / mu, 1) + rest * bend_of_power(-gap / rest, 1)

    def saturated(self, y: FloatArray, weights: Weights, trials: Weights) -> FloatArray:
        if is_binary(y):  # all successes or none: one way of many to come about
            return np.zeros_like(y)
        n = np.ones_like(y) if trials is None else trials
        successes = n * y
        parts = poisson_at_mean(successes) + poisson_at_mean(n - successes)
        return times(parts - poisson_at_mean(n), weights)

    def is_mean(self, mu: FloatArray) -> BoolArray:
        return (mu >= 0) & (mu <= 1)

    def room(self, mu: FloatArray) -> FloatArray:
        return np.minimum(mu, 1 - mu)

    def is_response(self, y: FloatArray) -> BoolArray:
        return (y >= 0) & (y <= 1)

    def starting_mean(self, y: FloatArray, mean_of_y: float) -> FloatArray:
        return (y + 0.5) / 2


@dataclass(frozen=True)
class PowerDistribution(Distribution):
    """A variance of ``mu**power``: the Tweedie families."""

    power: float

    def variance(self, mu: FloatArray, eta: FloatArray) -> FloatArray:
        return np.power(np.abs(mu), self.power)

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> Pair:
        rise = self.inverse.log_slope(eta)
        mu = np.maximum(mean.mu, TINY)
        size = np.power(mu, 2 - self.power)
        return rise**2 * size, rise * ((y - mean.mu) / mu * size)

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        weight, score = self.working(y, eta, mean)
        return weight - score * (self.inverse.bend(eta) - self.power * self.inverse.log_slope(eta))

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        p, mu = self.power, np.maximum(mu, TINY)
        fitted = np.power(mu, 2 - p) * (y / mu / (p - 1) + 1 / (2 - p))
        return np.power(y, 2 - p) / ((1 - p) * (2 - p)) + fitted

    def near(self, gap: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        return np.power(mu, 2 - self.power) * bend_of_power(gap / mu, self.power)

    def saturated(self, y: FloatArray, weights: Weights, trials: Weights) -> FloatArray:
        if self.family.eql:
            return (_log_of(weights) - LOG_2PI - self.power * np.log(y)) / 2
        w = np.ones_like(y) if weights is None else weights
        found = np.full_like(y, np.nan)
        if not 1 < self.power < 2:  # statsmodels has no likelihood for these
            return found
        near = has_saddlepoint(y, 1 / w, self.power)
        found[near] = tweedie_at_mean(y[near], 1 / w[near], self.power)
        y, w = y[~near], w[~near]
        found[~near] = self.family.loglike_obs(y, np.maximum(y, TINY), var_weights=w)
        return found

    def is_response(self, y: FloatArray) -> BoolArray:
        return y >= 0 if self.power < 2 else y > 0


class PoissonDistribution(PowerDistribution):
    """Variance ``mu``: the power 1, with its own sums."""

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> Pair:
        rise = self.inverse.log_slope(eta)
        return rise**2 * mean.mu, rise * (y - mean.mu)

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        rows = log_ratio(y, mu, lambda: self.inverse.log_mean(eta))
        rows *= y
        rows -= y - mu
        return rows

    def saturated(self, y: FloatArray, weights: Weights, trials: Weights) -> FloatArray:
        return times(of_counts(poisson_at_mean, y), weights)


class GammaDistribution(PowerDistribution):
    """Variance ``mu**2``: the power 2, whose deviance has a logarithm."""

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> Pair:
        rise = self.inverse.log_slope(eta)
        score = rise * ((y - mean.mu) / np.maximum(mean.mu, TINY))
        return np.broadcast_to(rise**2, y.shape).copy(), score

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        return (y - mu) / mu - log_ratio(y, mu, lambda: self.inverse.log_mean(eta))

    def saturated(self, y: FloatArray, weights: Weights, trials: Weights) -> FloatArray:
        if weights is None:
            return -1 - np.log(y)
        return gamma_at_mean(weights) - np.log(y)


class InverseGaussianDistribution(PowerDistribution):
    """Variance ``mu**3``: the power 3."""

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> Pair:
        rise = self.inverse.log_slope(eta)
        return rise**2 / mean.mu, rise * ((y - mean.mu) / mean.mu / mean.mu)

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        return ((y - mu) / mu) ** 2 / (2 * y)

    def saturated(self, y: FloatArray, weights: Weights, trials: Weights) -> FloatArray:
        return (_log_of(weights) - LOG_2PI - 3 * np.log(y)) / 2


class NegativeBinomialDistribution(Distribution):
    """Variance ``mu + alpha * mu**2``."""

    @property
    def alpha(self) -> float:
        alpha: float = self.family.alpha
        return alpha

    def variance(self, mu: FloatArray, eta: FloatArray) -> FloatArray:
        return mu * (1 + self.alpha * mu)

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> Pair:
        rise = self.inverse.log_slope(eta) / (1 + self.alpha * mean.mu)
        return rise * self.inverse.log_slope(eta) * mean.mu, rise * (y - mean.mu)

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        weight, score = self.working(y, eta, mean)
        growth = 1 + self.alpha * mean.mu / (1 + self.alpha * mean.mu)
        return weight - score * (self.inverse.bend(eta) - growth * self.inverse.log_slope(eta))

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        size, gap = 1 / self.alpha, y - mu
        rows = log_ratio(y, mu, lambda: self.inverse.log_mean(eta))
        rows *= y
        # log((y + size) / (mu + size)) from the smaller one: nothing cancels
        logs = np.copysign(np.log1p(np.abs(gap) / (np.minimum(y, mu) + size)), gap)
        return rows - (y + size) * logs

    def near(self, gap: FloatArray, eta: FloatArray, mu: FloatArray) -> FloatArray:
        far = mu + 1 / self.alpha
        return mu * bend_of_power(gap / mu, 1) - far * bend_of_power(gap / far, 1)

    def saturated(self, y: FloatArray, weights: Weights, trials: Weights) -> FloatArray:
        return times(of_counts(self._at_itself, y), weights)

    def _at_itself(self, y: FloatArray) -> FloatArray:
        size = np.full_like(y, 1 / self.alpha)
        gap = stirling_error(size + y) - stirling_error(size)
        return np.asarray(poisson_at_mean(y) - np.log1p(y / size) / 2 + gap)


def _log_of(weights: Weights) -> Factor:
    return 0.0 if weights is None else np.log(weights)


def distribution_of(family: Any, inverse: InverseLink) -> Distribution:
    """The distribution of a family of statsmodels, by the name of its class."""
    kind = type(family)
    match kind.__name__ if kind.__module__ == "statsmodels.genmod.families.family" else "":
        case "Gaussian":
            return GaussianDistribution(family, inverse)
        case "Binomial":
            return BinomialDistribution(family, inverse)
        case "NegativeBinomial":
            return NegativeBinomialDistribution(family, inverse)
        case "Poisson":
            return PoissonDistribution(family, inverse, 1)
        case "Gamma":
            return GammaDistribution(family, inverse, 2)
        case "InverseGaussian":
            return InverseGaussianDistribution(family, inverse, 3)
        case "Tweedie":
            known = {1: PoissonDistribution, 2: GammaDistribution}
            power = family.var_power
            return known.get(power, PowerDistribution)(family, inverse, power)
    raise TypeError(f"not a family of statsmodels: {kind.__module__}.{kind.__qualname__}")
