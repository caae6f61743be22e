"""Kernels of common families that score rows in machine code, in one call a block."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from statsmodels_ooc.arrays import FloatArray, doubles
from statsmodels_ooc.compiled import scoring as loops
from statsmodels_ooc.compiled.program import Rule, Totals
from statsmodels_ooc.families.distributions import (
    BinomialDistribution,
    Distribution,
    GammaDistribution,
    GaussianDistribution,
    InverseGaussianDistribution,
    NegativeBinomialDistribution,
    PoissonDistribution,
)
from statsmodels_ooc.families.elementwise import NEAR, TINY, Pair, Weights
from statsmodels_ooc.families.inverse_links import (
    InverseCLogLog,
    InverseLink,
    InverseLog,
    InverseLogit,
    InversePower,
    InverseProbit,
)
from statsmodels_ooc.families.kernels import (
    FAINT,
    BinomialLogit,
    GammaLog,
    Kernel,
    PoissonLog,
    Scored,
    ScoredSums,
)

_LARGE = 1e100  # of responses that are not binary


class CompiledKernel(Kernel):
    """A kernel that scores in machine code, and as NumPy where a row is out of its range."""

    variance: float
    link: float
    size = inf
    within: tuple[float, float]  # in which range eta is
    responses: tuple[float, float]  # and in which these are

    @property
    def rule(self) -> FloatArray:
        """What the loops know of it, a `Rule` as an array."""
        rule = Rule(self.variance, self.link, self.size, *self.within, *self.responses)
        return np.array(rule, dtype=np.float64)

    def sums(self, totals: FloatArray) -> ScoredSums | None:
        """What a step needs, from the `Totals` of rows; None where these may have lost digits."""
        raise NotImplementedError

    def scored(self, y: FloatArray, eta: FloatArray, a: Weights, spread: Weights = None) -> Scored:
        found = self._found(y, eta, a) if spread is None else None
        sums = None if found is None else self.sums(found[1])
        if found is None or sums is None:
            return super().scored(y, eta, a, spread)
        return Scored(*found[0], sums)

    def working_at(self, y: FloatArray, eta: FloatArray) -> Pair:
        found = self._found(y, eta, None)
        return super().working_at(y, eta) if found is None else found[0]

    def _found(self, y: FloatArray, eta: FloatArray, a: Weights) -> tuple[Pair, FloatArray] | None:
        """Expected information and score of each row, and `Totals`; None if one is out of range."""
        totals, weight, score = np.array(Totals()), np.empty(len(eta)), np.empty(len(eta))
        rows = doubles(y), doubles(eta), doubles(a)
        is_sure = loops.score_rows(self.rule, *rows, weight, score, totals)
        return ((weight, score), totals) if is_sure else None


class _Binary(CompiledKernel):
    """Of zeros and ones; of proportions as NumPy."""

    variance, responses = loops.BINARY, (0.0, 1.0)

    def sums(self, totals: FloatArray) -> ScoredSums | None:
        found = Totals(*totals.tolist())
        return _sums(found, inf, found.lowest < FAINT)


@dataclass(frozen=True)
class CompiledLogit(_Binary, BinomialLogit):
    """Logistic regression."""

    link, within = loops.LOGIT, (-loops.MOST, loops.MOST)


@dataclass(frozen=True)
class CompiledProbit(_Binary):
    """Of a normal variable whether it is above zero."""

    link, within = loops.PROBIT, (-37.0, 37.0)


@dataclass(frozen=True)
class CompiledCLogLog(_Binary):
    """Of a count whether it is above zero."""

    link, within = loops.CLOGLOG, (-loops.MOST, 6.5)


class _Means(CompiledKernel):
    """Of a mean that is a power or the exponential of eta."""

    link, variance = loops.LOG, 0
    within, responses = (-200.0, 200.0), (TINY, _LARGE)

    def sums(self, totals: FloatArray) -> ScoredSums | None:
        found = Totals(*totals.tolist())
        if found.squares <= NEAR**2 * found.responses:  # deviances may cancel
            return None
        if found.lowest < FAINT and self.responses[0] <= 0:
            return None
        return _sums(found, inf if self.is_safe else abs(self.link) * found.eta)


def _sums(found: Totals, edge: float, faint: bool = False) -> ScoredSums:
    deviance = 2 * found.deviance
    return ScoredSums(deviance, found.pearson, found.gap, found.lowest, edge, faint)


@dataclass(frozen=True)
class CompiledGaussian(_Means):
    """Exponential curves with additive errors."""

    responses = -_LARGE, _LARGE


@dataclass(frozen=True)
class CompiledPoisson(_Means, PoissonLog):
    """Log-linear counts."""

    variance, responses = 1, (0.0, _LARGE)


@dataclass(frozen=True)
class CompiledNegativeBinomial(_Means):
    """Log-linear counts that are more dispersed."""

    variance, responses = loops.QUADRATIC, (0.0, _LARGE)

    @property
    def size(self) -> float:  # type: ignore[override]
        return 1.0 / float(self.family.alpha)


@dataclass(frozen=True)
class CompiledGamma(_Means, GammaLog):
    """Positive responses of constant coefficient of variation."""

    variance = 2


@dataclass(frozen=True)
class CompiledInverseGaussian(_Means):
    """Positive responses whose variance is the cube of their mean."""

    variance = 3


@dataclass(frozen=True)
class CompiledGammaInverse(_Means):
    """The same as `CompiledGamma` with the canonical link."""

    link, variance = loops.INVERSE, 2
    within = 1e-70, 1e70


@dataclass(frozen=True)
class CompiledInverseGaussianSquare(_Means):
    """The same as `CompiledInverseGaussian` with the canonical link."""

    link, variance = loops.INVERSE_SQUARE, 3
    within = 1e-100, 1e100


# Of a link that is a power of the mean, that power.
COMPILED: dict[tuple[type[Distribution], type[InverseLink], float | None], type[Kernel]] = {
    (BinomialDistribution, InverseLogit, None): CompiledLogit,
    (BinomialDistribution, InverseProbit, None): CompiledProbit,
    (BinomialDistribution, InverseCLogLog, None): CompiledCLogLog,
    (GaussianDistribution, InverseLog, None): CompiledGaussian,
    (PoissonDistribution, InverseLog, None): CompiledPoisson,
    (NegativeBinomialDistribution, InverseLog, None): CompiledNegativeBinomial,
    (GammaDistribution, InverseLog, None): CompiledGamma,
    (GammaDistribution, InversePower, -1): CompiledGammaInverse,
    (InverseGaussianDistribution, InverseLog, None): CompiledInverseGaussian,
    (InverseGaussianDistribution, InversePower, -2): CompiledInverseGaussianSquare,
}


def compiled_kernel(kernel: Kernel) -> Kernel:
    """The same family and link, in machine code where there are loops for them."""
    inverse = kernel.inverse
    power = inverse.link.power if isinstance(inverse, InversePower) else None
    found = COMPILED.get((type(kernel.distribution), type(inverse), power))
    return kernel if found is None else found(kernel.family)
