"""Mean, weights, deviance and likelihood of a generalised linear model, row by row.

A `Kernel` joins a law (the family's variance, deviance and likelihood) and a curve
(the inverse of the link), both picked by the names of statsmodels' classes. All of
them work from the linear predictor eta: a mean alone has lost what the tails need,
and statsmodels' own functions keep it 2.2e-16 away from its bounds.

Rows whose mean is impossible may come out as NaN or infinite, without a warning;
`Kernel.outside` finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from statsmodels_ooc.reductions.base import FloatArray

__all__ = ["BinomialLogit", "GammaLog", "GaussianIdentity", "Kernel", "Mean", "PoissonLog"]

BoolArray = NDArray[np.bool_]
Factor = FloatArray | float  # one number stands for every row

EPS = float(np.finfo(float).eps)
TINY = float(np.finfo(float).tiny)
SMALL, LARGE = 1e-280, 1e280  # between them a quotient of ordinary numbers is one too
LOG_2PI = float(np.log(2 * np.pi))
HUGE_ETA = 700.0  # exp of more overflows


class Mean(NamedTuple):
    """The mean of b rows. The fields may be one array: nobody writes into them.

    Attributes
    ----------
    mu : ndarray, (b,)
        The mean.
    slope : ndarray, (b,)
        Its derivative in the linear predictor.
    variance : ndarray, (b,)
        The family's variance function of it, for one trial.
    """

    mu: FloatArray
    slope: FloatArray
    variance: FloatArray


def _quiet() -> np.errstate:
    return np.errstate(divide="ignore", over="ignore", invalid="ignore")


def _total(rows: FloatArray, weights: FloatArray | None) -> float:
    return float(rows.sum() if weights is None else rows @ weights)


def _times(rows: FloatArray, weights: FloatArray | None) -> FloatArray:
    return rows if weights is None else rows * weights


def _rows_not(good: Callable[[FloatArray], BoolArray], x: FloatArray) -> BoolArray | None:
    """Rows that are not good, None for none: for intervals, which their ends decide."""
    if len(x) == 0 or (good(x.min()) and good(x.max())):
        return None
    return ~good(x)


def _binary(y: FloatArray) -> bool:
    return bool(((y != 0) == y).all())


def _of_counts(function: Callable[[FloatArray], FloatArray], y: FloatArray) -> FloatArray:
    """``function(y)``, looked up in a table where y are counts that repeat."""
    if len(y) and y.min() >= 0 and y.max() < len(y) / 2:
        count = y.astype(np.intp)
        if (count == y).all():
            return function(np.arange(count.max() + 1.0)).take(count)
    return function(y)


def _log_ratio(y: FloatArray, mu: FloatArray, log_mu: Callable[[], Factor]) -> FloatArray:
    """``log(y / mu)``, some finite number where y is zero."""
    if len(mu) and mu.min() > SMALL and mu.max() < LARGE:
        ratio = y / mu
        np.maximum(ratio, TINY, out=ratio)
        return np.log(ratio, out=ratio)
    return np.log(np.maximum(y, TINY)) - log_mu()


def _log(x: FloatArray, rest: FloatArray) -> FloatArray:
    """Logarithm of a probability, from its complement where that says more."""
    return np.where(x < 0.5, np.log(x), np.log1p(-rest))


# --- curves: the inverse of a link ------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """The mean as a function of eta, by what any link object offers."""

    link: Any

    positive = False  # a mean of zero is one that underflowed

    def mean(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.link.inverse(eta))

    def complement(self, eta: FloatArray) -> FloatArray:
        """One minus the mean."""
        return 1 - self.mean(eta)

    def slope(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.link.inverse_deriv(eta))

    def bend(self, eta: FloatArray) -> Factor:
        """Second derivative of the mean over its first."""
        slope = self.slope(eta)
        bend: FloatArray = np.asarray(self.link.inverse_deriv2(eta)) / slope
        bend[slope == 0] = 0
        return bend

    def log_mean(self, eta: FloatArray) -> FloatArray:
        return np.log(self.mean(eta))

    def logs(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Logarithms of the mean and of its complement."""
        mu, rest = self.mean(eta), self.complement(eta)
        return _log(mu, rest), _log(rest, mu)

    def log_slope(self, eta: FloatArray) -> Factor:
        """Derivative of the logarithm of the mean."""
        return self.slope(eta) / self.mean(eta)

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        """Derivatives of ``log(mu)`` and of ``-log(1 - mu)``.

        The mean may reach a bound while it still moves: it is kept as far away from
        the bounds as statsmodels keeps it.
        """
        slope = self.slope(eta)
        success = slope / np.maximum(self.mean(eta), EPS)
        return success, slope / np.maximum(self.complement(eta), EPS)

    def bends(self, eta: FloatArray) -> tuple[Factor, Factor]:
        """Minus the second derivatives of both logarithms, each over its hazard."""
        success, failure = self.hazards(eta)
        bend = self.bend(eta)
        return success - bend, failure + bend


class LogitCurve(Curve):
    def mean(self, eta: FloatArray) -> FloatArray:
        return np.asarray(special.expit(eta))

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.asarray(special.expit(-eta))

    def slope(self, eta: FloatArray) -> FloatArray:
        return self.mean(eta) * self.complement(eta)

    def bend(self, eta: FloatArray) -> Factor:
        return -np.tanh(eta / 2)

    def logs(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        return special.log_expit(eta), special.log_expit(-eta)

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return self.complement(eta), self.mean(eta)

    def bends(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return self.mean(eta), self.complement(eta)


class CDFCurve(Curve):
    """The distribution function of any distribution of SciPy."""

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.link.dbn.sf(eta))

    def logs(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        return self.link.dbn.logcdf(eta), self.link.dbn.logsf(eta)

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        log_slope, (success, failure) = self.link.dbn.logpdf(eta), self.logs(eta)
        return np.exp(log_slope - success), np.exp(log_slope - failure)


class ProbitCurve(Curve):
    """All from ``erfcx(x) = exp(x**2) erfc(x)``, which neither tail loses."""

    def mean(self, eta: FloatArray) -> FloatArray:
        return np.asarray(special.ndtr(eta))

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.asarray(special.ndtr(-eta))

    def slope(self, eta: FloatArray) -> FloatArray:
        return np.asarray(np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi))

    def bend(self, eta: FloatArray) -> Factor:
        return -eta

    def logs(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        scaled = special.erfcx(np.abs(eta) / np.sqrt(2)) / 2
        square = eta**2 / 2
        small, large = np.log(scaled) - square, np.log1p(-scaled * np.exp(-square))
        return _either(eta < 0, small, large)

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        scaled = special.erfcx(np.abs(eta) / np.sqrt(2)) / 2
        density = np.exp(-(eta**2) / 2)
        small, large = 1 / scaled, density / (1 - scaled * density)
        success, failure = _either(eta < 0, small, large)
        return success / np.sqrt(2 * np.pi), failure / np.sqrt(2 * np.pi)


def _either(
    which: BoolArray, first: FloatArray, second: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Both arrays, exchanged where not ``which``."""
    return np.where(which, first, second), np.where(which, second, first)


class CauchyCurve(Curve):
    def mean(self, eta: FloatArray) -> FloatArray:
        return self.complement(-eta)

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.asarray(np.arctan2(1, eta) / np.pi)

    def slope(self, eta: FloatArray) -> FloatArray:
        return np.asarray(1 / (np.pi * (1 + eta**2)))

    def bend(self, eta: FloatArray) -> Factor:
        return -2 * eta / (1 + eta**2)


class LogCurve(Curve):
    positive = True

    def mean(self, eta: FloatArray) -> FloatArray:
        return np.exp(eta)

    def complement(self, eta: FloatArray) -> FloatArray:
        return -np.expm1(eta)

    def slope(self, eta: FloatArray) -> FloatArray:
        return np.exp(eta)

    def bend(self, eta: FloatArray) -> Factor:
        return 1.0

    def log_mean(self, eta: FloatArray) -> FloatArray:
        return eta

    def log_slope(self, eta: FloatArray) -> Factor:
        return 1.0

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return 1.0, np.exp(eta) / np.maximum(self.complement(eta), EPS)

    def bends(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return 0.0, 1 / np.maximum(self.complement(eta), EPS)


class LogCCurve(Curve):
    def mean(self, eta: FloatArray) -> FloatArray:
        return -np.expm1(eta)

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.exp(eta)

    def slope(self, eta: FloatArray) -> FloatArray:
        return -np.exp(eta)

    def bend(self, eta: FloatArray) -> Factor:
        return 1.0

    def logs(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        return _log(self.mean(eta), np.exp(eta)), eta

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return -np.exp(eta) / np.maximum(self.mean(eta), EPS), -1.0

    def bends(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return -1 / np.maximum(self.mean(eta), EPS), 0.0


class CLogLogCurve(Curve):
    positive = True

    def mean(self, eta: FloatArray) -> FloatArray:
        return -np.expm1(-np.exp(eta))

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.exp(-np.exp(eta))

    def slope(self, eta: FloatArray) -> FloatArray:
        return np.exp(eta - np.exp(eta))

    def bend(self, eta: FloatArray) -> Factor:
        return -np.expm1(eta)

    def log_mean(self, eta: FloatArray) -> FloatArray:
        return np.where(eta < -HUGE_ETA, eta, _log(self.mean(eta), self.complement(eta)))

    def logs(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        return self.log_mean(eta), -np.exp(eta)

    def log_slope(self, eta: FloatArray) -> Factor:
        return self.hazards(eta)[0]

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        rate = np.exp(np.minimum(eta, HUGE_ETA))
        return 1 / special.exprel(rate), rate

    def bends(self, eta: FloatArray) -> tuple[Factor, Factor]:
        rate = np.exp(np.minimum(eta, HUGE_ETA))
        series = rate * (0.5 + rate / 12)
        return np.where(rate < 1e-4, series, 1 / special.exprel(rate) + rate - 1), 1.0


class LogLogCurve(Curve):
    """The complementary log-log curve, turned by half a turn."""

    @property
    def _turned(self) -> CLogLogCurve:
        return CLogLogCurve(self.link)

    def mean(self, eta: FloatArray) -> FloatArray:
        return self._turned.complement(-eta)

    def complement(self, eta: FloatArray) -> FloatArray:
        return self._turned.mean(-eta)

    def slope(self, eta: FloatArray) -> FloatArray:
        return self._turned.slope(-eta)

    def bend(self, eta: FloatArray) -> Factor:
        return np.expm1(-eta)

    def logs(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        return self._turned.logs(-eta)[::-1]

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return self._turned.hazards(-eta)[::-1]

    def bends(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return self._turned.bends(-eta)[::-1]


class NegativeBinomialCurve(Curve):
    positive = True

    def mean(self, eta: FloatArray) -> FloatArray:
        return np.asarray(np.exp(eta) / (-self.link.alpha * np.expm1(eta)))

    def slope(self, eta: FloatArray) -> FloatArray:
        return np.asarray(np.exp(eta) / (self.link.alpha * np.expm1(eta) ** 2))

    def bend(self, eta: FloatArray) -> Factor:
        return -1 / np.tanh(eta / 2)

    def log_mean(self, eta: FloatArray) -> FloatArray:
        return np.asarray(eta - np.log(-self.link.alpha * np.expm1(eta)))

    def log_slope(self, eta: FloatArray) -> Factor:
        return -1 / np.expm1(eta)


class PowerCurve(Curve):
    def bend(self, eta: FloatArray) -> Factor:
        power = self.link.power
        return 0.0 if power == 1 else np.asarray((1 - power) / (power * eta))

    def log_slope(self, eta: FloatArray) -> Factor:
        return np.asarray(1 / (self.link.power * eta))


CURVES: dict[str, type[Curve]] = {
    "CLogLog": CLogLogCurve,
    "Cauchy": CauchyCurve,
    "Log": LogCurve,
    "LogC": LogCCurve,
    "LogLog": LogLogCurve,
    "Logit": LogitCurve,
    "NegativeBinomial": NegativeBinomialCurve,
    "Power": PowerCurve,
}
DISTRIBUTIONS: dict[str, type[Curve]] = {"norm": ProbitCurve, "cauchy": CauchyCurve}


def _curve_of(link: Any) -> Curve:
    # A class of somebody else may have changed whatever it inherits.
    known = type(link).__module__ == "statsmodels.genmod.families.links"
    if known and hasattr(link, "dbn"):
        return DISTRIBUTIONS.get(getattr(link.dbn, "name", ""), CDFCurve)(link)
    names = [base.__name__ for base in type(link).__mro__] if known else []
    return next((CURVES[name] for name in names if name in CURVES), Curve)(link)


# --- laws: a family without its link ----------------------------------------------------


class Law:
    """What a family knows of a mean; ``curve`` says how that mean came about."""

    def variance(self, mu: FloatArray, eta: FloatArray, curve: Curve) -> FloatArray:
        raise NotImplementedError

    def working(
        self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve
    ) -> tuple[FloatArray, FloatArray]:
        raise NotImplementedError

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve) -> FloatArray:
        raise NotImplementedError

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray, curve: Curve) -> FloatArray:
        """Half the deviance of each row of weight one."""
        raise NotImplementedError

    def saturated(
        self, y: FloatArray, weights: FloatArray | None, trials: FloatArray | None
    ) -> FloatArray:
        raise NotImplementedError

    def is_mean(self, mu: FloatArray, curve: Curve) -> BoolArray:
        """Of positive laws: the mean is above zero, or underflowed."""
        return (mu >= 0 if curve.positive else mu > 0) & (mu < np.inf)

    def is_response(self, y: FloatArray) -> BoolArray:
        return y >= 0

    def starting_mean(self, y: FloatArray, mean_of_y: float) -> FloatArray:
        return (y + mean_of_y) / 2


class GaussianLaw(Law):
    def variance(self, mu: FloatArray, eta: FloatArray, curve: Curve) -> FloatArray:
        return np.ones_like(mu)

    def working(
        self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve
    ) -> tuple[FloatArray, FloatArray]:
        return mean.slope**2, (y - mean.mu) * mean.slope

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve) -> FloatArray:
        return mean.slope * (mean.slope - (y - mean.mu) * curve.bend(eta))

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray, curve: Curve) -> FloatArray:
        return (y - mu) ** 2 / 2

    def saturated(
        self, y: FloatArray, weights: FloatArray | None, trials: FloatArray | None
    ) -> FloatArray:
        logs = np.zeros_like(y) if weights is None else np.log(weights)
        return (logs - LOG_2PI) / 2

    def is_mean(self, mu: FloatArray, curve: Curve) -> BoolArray:
        return np.isfinite(mu)

    def is_response(self, y: FloatArray) -> BoolArray:
        return np.isfinite(y)


class BinomialLaw(Law):
    def variance(self, mu: FloatArray, eta: FloatArray, curve: Curve) -> FloatArray:
        return mu * curve.complement(eta)

    def working(
        self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve
    ) -> tuple[FloatArray, FloatArray]:
        success, failure = curve.hazards(eta)
        return np.asarray(success * failure), y * success - (1 - y) * failure

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve) -> FloatArray:
        (success, failure), (first, second) = curve.hazards(eta), curve.bends(eta)
        return y * (success * first) + (1 - y) * (failure * second)

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray, curve: Curve) -> FloatArray:
        log_mu, log_rest = curve.logs(eta)
        if _binary(y):
            return -np.where(y == 1, log_mu, log_rest)
        cross = np.where(y == 0, 0, y * log_mu) + np.where(y == 1, 0, (1 - y) * log_rest)
        return np.asarray(special.xlogy(y, y) + special.xlogy(1 - y, 1 - y) - cross)

    def saturated(
        self, y: FloatArray, weights: FloatArray | None, trials: FloatArray | None
    ) -> FloatArray:
        if _binary(y):  # all successes or none: one way of many to come about
            return np.zeros_like(y)
        n = np.ones_like(y) if trials is None else trials
        ways = special.gammaln(n + 1)
        ways -= special.gammaln(n * y + 1) + special.gammaln(n - n * y + 1)
        ways += special.xlogy(n * y, y) + special.xlogy(n - n * y, 1 - y)
        return _times(ways, weights)

    def is_mean(self, mu: FloatArray, curve: Curve) -> BoolArray:
        return (mu >= 0) & (mu <= 1)

    def is_response(self, y: FloatArray) -> BoolArray:
        return (y >= 0) & (y <= 1)

    def starting_mean(self, y: FloatArray, mean_of_y: float) -> FloatArray:
        return (y + 0.5) / 2


@dataclass(frozen=True)
class PowerLaw(Law):
    """A variance of ``mu**power``: the Tweedie families."""

    power: float
    family: Any

    def variance(self, mu: FloatArray, eta: FloatArray, curve: Curve) -> FloatArray:
        return np.power(np.abs(mu), self.power)

    def working(
        self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve
    ) -> tuple[FloatArray, FloatArray]:
        rise = curve.log_slope(eta)
        mu = np.maximum(mean.mu, TINY)
        size = np.power(mu, 2 - self.power)
        return rise**2 * size, rise * ((y - mean.mu) / mu * size)

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve) -> FloatArray:
        weight, score = self.working(y, eta, mean, curve)
        return weight - score * (curve.bend(eta) - self.power * curve.log_slope(eta))

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray, curve: Curve) -> FloatArray:
        p, mu = self.power, np.maximum(mu, TINY)
        fitted = np.power(mu, 2 - p) * (y / mu / (p - 1) + 1 / (2 - p))
        return np.power(y, 2 - p) / ((1 - p) * (2 - p)) + fitted

    def saturated(
        self, y: FloatArray, weights: FloatArray | None, trials: FloatArray | None
    ) -> FloatArray:
        if self.family.eql:
            return (_log_of(weights) - LOG_2PI - self.power * np.log(y)) / 2
        w = np.ones_like(y) if weights is None else weights
        found = self.family.loglike_obs(y, np.maximum(y, TINY), var_weights=w)
        return np.broadcast_to(found, y.shape)

    def is_response(self, y: FloatArray) -> BoolArray:
        return y >= 0 if self.power < 2 else y > 0


class PoissonLaw(PowerLaw):
    def working(
        self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve
    ) -> tuple[FloatArray, FloatArray]:
        rise = curve.log_slope(eta)
        return rise**2 * mean.mu, rise * (y - mean.mu)

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray, curve: Curve) -> FloatArray:
        rows = _log_ratio(y, mu, lambda: curve.log_mean(eta))
        rows *= y
        rows -= y - mu
        return rows

    def saturated(
        self, y: FloatArray, weights: FloatArray | None, trials: FloatArray | None
    ) -> FloatArray:
        return _times(_of_counts(_poisson_at_itself, y), weights)


class GammaLaw(PowerLaw):
    def working(
        self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve
    ) -> tuple[FloatArray, FloatArray]:
        rise = curve.log_slope(eta)
        score = rise * ((y - mean.mu) / np.maximum(mean.mu, TINY))
        return np.broadcast_to(rise**2, y.shape).copy(), score

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray, curve: Curve) -> FloatArray:
        return (y - mu) / mu - _log_ratio(y, mu, lambda: curve.log_mean(eta))

    def saturated(
        self, y: FloatArray, weights: FloatArray | None, trials: FloatArray | None
    ) -> FloatArray:
        if weights is None:
            return -1 - np.log(y)
        own = special.xlogy(weights, weights) - weights - special.gammaln(weights)
        return np.asarray(own - np.log(y))


class InverseGaussianLaw(PowerLaw):
    def working(
        self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve
    ) -> tuple[FloatArray, FloatArray]:
        rise = curve.log_slope(eta)
        return rise**2 / mean.mu, rise * ((y - mean.mu) / mean.mu / mean.mu)

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray, curve: Curve) -> FloatArray:
        return ((y - mu) / mu) ** 2 / (2 * y)

    def saturated(
        self, y: FloatArray, weights: FloatArray | None, trials: FloatArray | None
    ) -> FloatArray:
        return (_log_of(weights) - LOG_2PI - 3 * np.log(y)) / 2


@dataclass(frozen=True)
class NegativeBinomialLaw(Law):
    alpha: float

    def variance(self, mu: FloatArray, eta: FloatArray, curve: Curve) -> FloatArray:
        return mu * (1 + self.alpha * mu)

    def working(
        self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve
    ) -> tuple[FloatArray, FloatArray]:
        rise = curve.log_slope(eta) / (1 + self.alpha * mean.mu)
        return rise * curve.log_slope(eta) * mean.mu, rise * (y - mean.mu)

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean, curve: Curve) -> FloatArray:
        weight, score = self.working(y, eta, mean, curve)
        growth = 1 + self.alpha * mean.mu / (1 + self.alpha * mean.mu)
        return weight - score * (curve.bend(eta) - growth * curve.log_slope(eta))

    def deviances(self, y: FloatArray, eta: FloatArray, mu: FloatArray, curve: Curve) -> FloatArray:
        size, gap = 1 / self.alpha, y - mu
        rows = _log_ratio(y, mu, lambda: curve.log_mean(eta))
        rows *= y
        # log((y + size) / (mu + size)) from the smaller one: nothing cancels
        logs = np.copysign(np.log1p(np.abs(gap) / (np.minimum(y, mu) + size)), gap)
        return rows - (y + size) * logs

    def saturated(
        self, y: FloatArray, weights: FloatArray | None, trials: FloatArray | None
    ) -> FloatArray:
        return _times(_of_counts(self._at_itself, y), weights)

    def _at_itself(self, y: FloatArray) -> FloatArray:
        a, size = self.alpha, 1 / self.alpha
        ways = -special.betaln(size, y + 1) - np.log(size + y)
        return np.asarray(ways + special.xlogy(y, a * y) - (y + size) * np.log1p(a * y))


def _log_of(weights: FloatArray | None) -> Factor:
    return 0.0 if weights is None else np.log(weights)


def _poisson_at_itself(y: FloatArray) -> FloatArray:
    return np.asarray(special.xlogy(y, y) - y - special.gammaln(y + 1))


def _law_of(family: Any) -> Law:
    kind = type(family)
    match kind.__name__ if kind.__module__ == "statsmodels.genmod.families.family" else "":
        case "Gaussian":
            return GaussianLaw()
        case "Binomial":
            return BinomialLaw()
        case "NegativeBinomial":
            return NegativeBinomialLaw(family.alpha)
        case "Poisson":
            return PoissonLaw(1, family)
        case "Gamma":
            return GammaLaw(2, family)
        case "InverseGaussian":
            return InverseGaussianLaw(3, family)
        case "Tweedie":
            known: dict[float, type[PowerLaw]] = {1: PoissonLaw, 2: GammaLaw}
            return known.get(family.var_power, PowerLaw)(family.var_power, family)
    raise TypeError(f"not a family of statsmodels: {kind.__module__}.{kind.__qualname__}")


# --- kernels ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Kernel:
    """The numerics of a family and its link, on blocks of b rows.

    Parameters
    ----------
    family : statsmodels.genmod.families.Family
        Any family of statsmodels; a Binomial one with ``n = 1``. Responses are
        proportions then, and the trials belong to the weights.
    """

    family: Any

    @cached_property
    def law(self) -> Law:
        return _law_of(self.family)

    @cached_property
    def curve(self) -> Curve:
        return _curve_of(self.family.link)

    def mean(self, eta: FloatArray) -> Mean:
        """The mean at a linear predictor."""
        with _quiet():
            mu = self.curve.mean(eta)
            return Mean(mu, self.curve.slope(eta), self.law.variance(mu, eta, self.curve))

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> tuple[FloatArray, FloatArray]:
        """What scoring needs of each row, per unit of prior weight.

        Returns
        -------
        weight : ndarray, (b,)
            ``slope**2 / variance``, the expected information.
        score : ndarray, (b,)
            ``(y - mu) * slope / variance``. Both arrays are the caller's own.
        """
        with _quiet():
            return self.law.working(y, eta, mean, self.curve)

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        """The observed information of each row, per unit of prior weight."""
        with _quiet():
            return self.law.observed(y, eta, mean, self.curve)

    def deviance(
        self, y: FloatArray, eta: FloatArray, mean: Mean, weights: FloatArray | None
    ) -> float:
        """The weighted sum of the rows' deviances at scale one."""
        with _quiet():
            return 2 * _total(self.law.deviances(y, eta, mean.mu, self.curve), weights)

    def saturated(
        self, y: FloatArray, var_weights: FloatArray | None, trials: FloatArray | None
    ) -> FloatArray:
        """Log-likelihood of each row, (b,), where the mean is y and the scale one.

        Less half the deviance this is the log-likelihood at scale one, for every
        family of statsmodels.
        """
        with _quiet():
            return self.law.saturated(y, var_weights, trials)

    def outside(self, mean: Mean) -> BoolArray | None:
        """Rows with a mean that the family cannot have, None for none."""
        return _rows_not(lambda mu: self.law.is_mean(mu, self.curve), mean.mu)

    def impossible(self, y: FloatArray) -> BoolArray | None:
        """Rows with a response that the family cannot have, None for none."""
        return _rows_not(self.law.is_response, y)

    def start(self, y: FloatArray, mean_of_y: float) -> FloatArray:
        """The linear predictor that statsmodels starts from, (b,)."""
        with _quiet():
            return np.asarray(self.family.link(self.law.starting_mean(y, mean_of_y)))


class GaussianIdentity(Kernel):
    """Least squares."""

    def mean(self, eta: FloatArray) -> Mean:
        ones = np.ones_like(eta)
        return Mean(eta, ones, ones)

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> tuple[FloatArray, FloatArray]:
        return np.ones_like(y), y - eta

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        return np.ones_like(y)

    def deviance(
        self, y: FloatArray, eta: FloatArray, mean: Mean, weights: FloatArray | None
    ) -> float:
        gap = y - eta
        return float(gap @ _times(gap, weights))


class BinomialLogit(Kernel):
    """Logistic regression."""

    def mean(self, eta: FloatArray) -> Mean:
        small = np.abs(eta)
        np.negative(small, out=small)
        np.exp(small, out=small)
        large = small + 1
        np.reciprocal(large, out=large)
        small *= large  # of mu and 1 - mu the smaller one, and the larger one
        mu = np.where(eta < 0, small, large)
        small *= large
        return Mean(mu, small, small)

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> tuple[FloatArray, FloatArray]:
        return mean.variance.copy(), y - mean.mu

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        return mean.variance.copy()

    def deviance(
        self, y: FloatArray, eta: FloatArray, mean: Mean, weights: FloatArray | None
    ) -> float:
        rows = np.abs(eta)
        np.negative(rows, out=rows)
        np.exp(rows, out=rows)
        np.log1p(rows, out=rows)
        hinge = np.maximum(eta, 0)
        hinge -= y * eta
        rows += hinge
        if not _binary(y):
            rows += special.xlogy(y, y) + special.xlogy(1 - y, 1 - y)
        return 2 * _total(rows, weights)


class PoissonLog(Kernel):
    """Log-linear counts."""

    def mean(self, eta: FloatArray) -> Mean:
        with _quiet():
            mu = np.exp(eta)
        return Mean(mu, mu, mu)

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> tuple[FloatArray, FloatArray]:
        return mean.mu.copy(), y - mean.mu

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        return mean.mu.copy()


class GammaLog(Kernel):
    """Positive responses of constant coefficient of variation."""

    def mean(self, eta: FloatArray) -> Mean:
        with _quiet():
            mu = np.exp(eta)
            return Mean(mu, mu, mu * mu)

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        with _quiet():
            return y / mean.mu
