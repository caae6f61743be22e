"""Kernels of common families that score rows in machine code, in one call a block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.compiled import scoring as loops
from statsmodels_ooc.families.elementwise import LARGE, NEAR, TINY, Weights
from statsmodels_ooc.families.kernels import (
    FAINT,
    BinomialLogit,
    GammaLog,
    Kernel,
    PoissonLog,
    Scored,
)

_NONE = np.empty(0)


@dataclass(frozen=True)
class CompiledLogit(BinomialLogit):
    """Of zeros and ones; of proportions as `BinomialLogit`."""

    def scored(self, y: FloatArray, eta: FloatArray, a: Weights, spread: Weights = None) -> Scored:
        y, eta = np.ascontiguousarray(y), np.ascontiguousarray(eta)
        if (
            spread is None
            and loops.all_binary(y)
            and loops.all_within(eta, -loops.MOST, loops.MOST)
        ):
            weight, score = np.empty_like(eta), np.empty_like(eta)
            found = loops.logit(y, eta, _prior(a), weight, score)
            if found.lowest >= FAINT:
                return _scored(found, weight, score)
        return super().scored(y, eta, a, spread)


class _CompiledLog(Kernel):
    """Of a power of the mean as variance, and its logarithm as link."""

    power: int
    least = 0.0  # response

    def scored(self, y: FloatArray, eta: FloatArray, a: Weights, spread: Weights = None) -> Scored:
        y, eta = np.ascontiguousarray(y), np.ascontiguousarray(eta)
        if (
            spread is None
            and loops.all_within(y, self.least, LARGE)
            and loops.all_within(eta, -loops.MOST, loops.MOST)
        ):
            weight, score = np.empty_like(eta), np.empty_like(eta)
            found = loops.log(y, eta, _prior(a), self.power, weight, score)
            is_near = found.squares <= NEAR**2 * found.responses  # deviances may cancel
            if found.lowest >= FAINT and not is_near:
                return _scored(found, weight, score)
        return super().scored(y, eta, a, spread)


@dataclass(frozen=True)
class CompiledPoisson(_CompiledLog, PoissonLog):
    """Log-linear counts."""

    power = 1


@dataclass(frozen=True)
class CompiledGamma(_CompiledLog, GammaLog):
    """Positive responses of constant coefficient of variation."""

    power, least = 2, TINY


def _prior(a: Weights) -> FloatArray:
    return _NONE if a is None else np.ascontiguousarray(a)


def _scored(found: loops.Totals, weight: FloatArray, score: FloatArray) -> Scored:
    return Scored(weight, score, found.deviance, found.pearson, found.gap, found.lowest)


COMPILED: dict[type[Kernel], type[Kernel]] = {
    BinomialLogit: CompiledLogit,
    PoissonLog: CompiledPoisson,
    GammaLog: CompiledGamma,
}


def compiled_kernel(kernel: Kernel) -> Kernel:
    """The same family and link, in machine code where there are loops for them."""
    return COMPILED.get(type(kernel), type(kernel))(kernel.family)
