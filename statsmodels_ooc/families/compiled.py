"""Kernels of common families that score rows in machine code, in one call a block."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan
from typing import NamedTuple

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.compiled import scoring as loops
from statsmodels_ooc.compiled.scoring import Totals
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
)

_NONE = np.empty(0)
_LARGE = 1e100  # of responses that are not binary


class _Found(NamedTuple):
    """What the loops have found of rows."""

    totals: Totals
    weight: FloatArray
    score: FloatArray

    def scored(self, edge: float = inf, faint: bool = False) -> Scored:
        found = self.totals
        return Scored(
            *(self.weight, self.score, found.deviance, found.pearson, found.gap, found.lowest),
            edge=edge,
            faint=faint,
        )


class _Compiled(Kernel):
    """With loops that say whether they are sure."""

    within: tuple[float, float]  # eta

    def _found(self, y: FloatArray, eta: FloatArray, a: Weights) -> _Found | None:
        """None where they are not."""
        y, eta = np.ascontiguousarray(y), np.ascontiguousarray(eta)
        if not (self._can_have(y) and loops.all_within(eta, *self.within)):
            return None
        weight, score = np.empty_like(eta), np.empty_like(eta)
        prior = _NONE if a is None else np.ascontiguousarray(a)
        totals = self._loop(y, eta, prior, weight, score)
        if isnan(totals.deviance + totals.pearson):  # a weight of zero times what overflows
            return None
        return _Found(totals, weight, score)

    def _can_have(self, y: FloatArray) -> bool:
        raise NotImplementedError

    def _loop(self, *rows: FloatArray) -> Totals:
        raise NotImplementedError

    def working_at(self, y: FloatArray, eta: FloatArray) -> Pair:
        found = self._found(y, eta, None)
        return super().working_at(y, eta) if found is None else (found.weight, found.score)


class _Binary(_Compiled):
    """Of zeros and ones; of proportions as NumPy."""

    link: int

    def _can_have(self, y: FloatArray) -> bool:
        return bool(loops.all_binary(y))

    def _loop(self, *rows: FloatArray) -> Totals:
        y, eta, a, weight, score = rows
        return Totals(*loops.binary(y, eta, a, self.link, weight, score))

    def scored(self, y: FloatArray, eta: FloatArray, a: Weights, spread: Weights = None) -> Scored:
        found = self._found(y, eta, a) if spread is None else None
        if found is None:
            return super().scored(y, eta, a, spread)
        return found.scored(faint=found.totals.lowest < FAINT)


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


class _Means(_Compiled):
    """Of a mean that is a power or the exponential of eta."""

    link, variance, size = loops.LOG, 0, inf
    within = -200.0, 200.0
    least = TINY  # response

    def _can_have(self, y: FloatArray) -> bool:
        return bool(loops.all_within(y, self.least, _LARGE))

    def _loop(self, *rows: FloatArray) -> Totals:
        y, eta, a, weight, score = rows
        found = loops.means(y, eta, a, self.link, self.variance, self.size, weight, score)
        return Totals(*found)

    def scored(self, y: FloatArray, eta: FloatArray, a: Weights, spread: Weights = None) -> Scored:
        found = self._found(y, eta, a) if spread is None else None
        if found is not None:
            sums = found.totals
            is_near = sums.squares <= NEAR**2 * sums.responses  # deviances may cancel
            if not is_near and (sums.lowest >= FAINT or self.least > 0):
                return found.scored(self._edge_at(eta))
        return super().scored(y, eta, a, spread)

    def _edge_at(self, eta: FloatArray) -> float:
        return inf if self.is_safe else abs(self.link) * float(eta.min())


@dataclass(frozen=True)
class CompiledGaussian(_Means):
    """Exponential curves with additive errors."""

    least = -_LARGE


@dataclass(frozen=True)
class CompiledPoisson(_Means, PoissonLog):
    """Log-linear counts."""

    variance, least = 1, 0.0


@dataclass(frozen=True)
class CompiledNegativeBinomial(_Means):
    """Log-linear counts that are more dispersed."""

    variance, least = loops.QUADRATIC, 0.0

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
