"""Means as functions of the linear predictor: the inverses of links, exact in the tails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.families.elementwise import EPS, Factor, Pair, log_plus

HUGE_ETA = 700.0  # exp of more overflows


class Mean(NamedTuple):
    """The mean of b rows, (b,) each. The fields may be one array: nobody writes into them."""

    mu: FloatArray
    slope: FloatArray  # its derivative in the linear predictor
    variance: FloatArray  # the family's variance function of it, for one trial


@dataclass(frozen=True)
class InverseLink:
    """The mean mu as a function of eta, by what any link object offers; all are vectors, (b,)."""

    link: Any

    positive = False  # a mean of zero is one that underflowed
    ends = (np.nan, np.nan)  # of the mean, as eta falls and rises without a limit

    def mean(self, eta: FloatArray) -> FloatArray:
        """``mu``."""
        return np.asarray(self.link.inverse(eta))

    def complement(self, eta: FloatArray) -> FloatArray:
        """``1 - mu``."""
        return 1 - self.mean(eta)

    def slope(self, eta: FloatArray) -> FloatArray:
        """``dmu/deta``."""
        return np.asarray(self.link.inverse_deriv(eta))

    def bend(self, eta: FloatArray) -> Factor:
        """``(d2mu/deta2) / (dmu/deta)``; zero where the mean does not move."""
        slope = self.slope(eta)
        bend: FloatArray = np.asarray(self.link.inverse_deriv2(eta)) / slope
        bend[slope == 0] = 0
        return bend

    def log_mean(self, eta: FloatArray) -> FloatArray:
        """``log(mu)``."""
        return np.log(self.mean(eta))

    def logs(self, eta: FloatArray) -> Pair:
        """``log(mu)`` and ``log(1 - mu)``."""
        mu, rest = self.mean(eta), self.complement(eta)
        return log_plus(mu, rest), log_plus(rest, mu)

    def log_slope(self, eta: FloatArray) -> Factor:
        """``dlog(mu)/deta``."""
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


class InverseLogit(InverseLink):
    """``mu = 1 / (1 + exp(-eta))``."""

    ends = (0.0, 1.0)

    def mean(self, eta: FloatArray) -> FloatArray:
        return np.asarray(special.expit(eta))

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.asarray(special.expit(-eta))

    def slope(self, eta: FloatArray) -> FloatArray:
        return self.mean(eta) * self.complement(eta)

    def bend(self, eta: FloatArray) -> Factor:
        return -np.tanh(eta / 2)

    def logs(self, eta: FloatArray) -> Pair:
        return special.log_expit(eta), special.log_expit(-eta)

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return self.complement(eta), self.mean(eta)

    def bends(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return self.mean(eta), self.complement(eta)


class InverseCDFLink(InverseLink):
    """The distribution function of any distribution of SciPy."""

    ends = (0.0, 1.0)

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.link.dbn.sf(eta))

    def logs(self, eta: FloatArray) -> Pair:
        return self.link.dbn.logcdf(eta), self.link.dbn.logsf(eta)

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        log_slope, (success, failure) = self.link.dbn.logpdf(eta), self.logs(eta)
        return np.exp(log_slope - success), np.exp(log_slope - failure)


class InverseProbit(InverseLink):
    """All from ``erfcx(x) = exp(x**2) erfc(x)``, which neither tail loses."""

    ends = (0.0, 1.0)

    def mean(self, eta: FloatArray) -> FloatArray:
        return np.asarray(special.ndtr(eta))

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.asarray(special.ndtr(-eta))

    def slope(self, eta: FloatArray) -> FloatArray:
        return np.asarray(np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi))

    def bend(self, eta: FloatArray) -> Factor:
        return -eta

    def logs(self, eta: FloatArray) -> Pair:
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


def _either(which: BoolArray, first: FloatArray, second: FloatArray) -> Pair:
    """Both arrays, exchanged where not ``which``."""
    return np.where(which, first, second), np.where(which, second, first)


class InverseCauchit(InverseLink):
    """``mu = 1/2 + arctan(eta) / pi``."""

    ends = (0.0, 1.0)

    def mean(self, eta: FloatArray) -> FloatArray:
        return self.complement(-eta)

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.asarray(np.arctan2(1, eta) / np.pi)

    def slope(self, eta: FloatArray) -> FloatArray:
        return np.asarray(1 / (np.pi * (1 + eta**2)))

    def bend(self, eta: FloatArray) -> Factor:
        return -2 * eta / (1 + eta**2)


class InverseLog(InverseLink):
    """``mu = exp(eta)``."""

    positive = True
    ends = (0.0, np.inf)

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


class InverseLogC(InverseLink):
    """``mu = 1 - exp(eta)``."""

    ends = (1.0, -np.inf)

    def mean(self, eta: FloatArray) -> FloatArray:
        return -np.expm1(eta)

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.exp(eta)

    def slope(self, eta: FloatArray) -> FloatArray:
        return -np.exp(eta)

    def bend(self, eta: FloatArray) -> Factor:
        return 1.0

    def logs(self, eta: FloatArray) -> Pair:
        return log_plus(self.mean(eta), np.exp(eta)), eta

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return -np.exp(eta) / np.maximum(self.mean(eta), EPS), -1.0

    def bends(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return -1 / np.maximum(self.mean(eta), EPS), 0.0


class InverseCLogLog(InverseLink):
    """``mu = 1 - exp(-exp(eta))``."""

    positive = True
    ends = (0.0, 1.0)

    def mean(self, eta: FloatArray) -> FloatArray:
        return -np.expm1(-np.exp(eta))

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.exp(-np.exp(eta))

    def slope(self, eta: FloatArray) -> FloatArray:
        return np.exp(eta - np.exp(eta))

    def bend(self, eta: FloatArray) -> Factor:
        return -np.expm1(eta)

    def log_mean(self, eta: FloatArray) -> FloatArray:
        return np.where(eta < -HUGE_ETA, eta, log_plus(self.mean(eta), self.complement(eta)))

    def logs(self, eta: FloatArray) -> Pair:
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


class InverseLogLog(InverseLink):
    """The complementary log-log inverse, turned by half a turn."""

    ends = (0.0, 1.0)

    @property
    def _turned(self) -> InverseCLogLog:
        return InverseCLogLog(self.link)

    def mean(self, eta: FloatArray) -> FloatArray:
        return self._turned.complement(-eta)

    def complement(self, eta: FloatArray) -> FloatArray:
        return self._turned.mean(-eta)

    def slope(self, eta: FloatArray) -> FloatArray:
        return self._turned.slope(-eta)

    def bend(self, eta: FloatArray) -> Factor:
        return np.expm1(-eta)

    def logs(self, eta: FloatArray) -> Pair:
        return self._turned.logs(-eta)[::-1]

    def hazards(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return self._turned.hazards(-eta)[::-1]

    def bends(self, eta: FloatArray) -> tuple[Factor, Factor]:
        return self._turned.bends(-eta)[::-1]


class InverseNegativeBinomial(InverseLink):
    """``mu = exp(eta) / (alpha * (1 - exp(eta)))``."""

    positive = True
    ends = (0.0, np.inf)  # eta rises to zero only, where the mean is infinite

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


class InversePower(InverseLink):
    """``mu = eta**(1 / power)``."""

    def bend(self, eta: FloatArray) -> Factor:
        power = self.link.power
        return 0.0 if power == 1 else np.asarray((1 - power) / (power * eta))

    def log_slope(self, eta: FloatArray) -> Factor:
        return np.asarray(1 / (self.link.power * eta))


CURVES: dict[str, type[InverseLink]] = {
    "CLogLog": InverseCLogLog,
    "Cauchy": InverseCauchit,
    "Log": InverseLog,
    "LogC": InverseLogC,
    "LogLog": InverseLogLog,
    "Logit": InverseLogit,
    "NegativeBinomial": InverseNegativeBinomial,
    "Power": InversePower,
}
DISTRIBUTIONS: dict[str, type[InverseLink]] = {"norm": InverseProbit, "cauchy": InverseCauchit}


def inverse_link_of(link: Any) -> InverseLink:
    """The inverse of a link, by the name of its class; any link gives one."""
    # A class of somebody else may have changed whatever it inherits.
    known = type(link).__module__ == "statsmodels.genmod.families.links"
    if known and hasattr(link, "dbn"):
        return DISTRIBUTIONS.get(getattr(link.dbn, "name", ""), InverseCDFLink)(link)
    names = [base.__name__ for base in type(link).__mro__] if known else []
    return next((CURVES[name] for name in names if name in CURVES), InverseLink)(link)
