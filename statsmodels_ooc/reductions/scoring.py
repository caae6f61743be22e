"""What a step of iteratively reweighted least squares needs of the rows, and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import (
    Block,
    Extras,
    linear_predictor,
    prior_weights,
    total_offset,
)
from statsmodels_ooc.families.elementwise import quiet, times
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Additive, Reduction

_FAINT = 1e-8  # weight; what such a row can still gain is too little to see


class Outside(NamedTuple):
    """The first row whose mean the family cannot have."""

    partition: int
    row: int
    mean: float


@dataclass(slots=True)
class ScoringState:
    """Sums over the rows so far, at the parameters of the pass and at scale one."""

    design: Any  # of the design, weighted with the expected information: moments or a triangle
    score: FloatArray  # X's, the gradient of the log-likelihood, (k,)
    deviance: float = 0.0
    pearson: float = 0.0
    gap: float = 0.0  # the largest distance of a response from its mean
    edge: float = np.inf  # the smallest one of eta from where means become impossible
    lowest: float = np.inf  # the smallest expected information of a row, before prior weights
    faint: bool = False  # whether it is next to nothing in a row whose likelihood rises for ever
    outside: Outside | None = None


@dataclass(frozen=True)
class Scoring(Reduction[ScoringState]):
    """Fold the score, the expected information and the deviance at given parameters.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,), or None
        The parameters; None for the means that statsmodels starts from, which follow
        from the responses. The score is then that of the working response.
    inner : Reduction
        Folds the design, weighted: `Moments` without a response, or `Triangle`.
    mean_of_y : float
        Mean response, for the start.

    References
    ----------
    McCullagh, Nelder (1989). Generalized Linear Models, 2nd ed., section 2.5. The
    weights are ``(dmu/deta)**2 / V(mu)`` of the linear predictor eta itself: a link
    evaluated at a mean that has underflowed has lost it.
    """

    takes_cells = True

    kernel: Kernel
    beta: FloatArray | None
    inner: Reduction[Any]
    k: int
    mean_of_y: float = 0.0

    def init(self) -> ScoringState:
        return ScoringState(self.inner.init(), np.zeros(self.k))

    def update(self, state: ScoringState, block: Block) -> ScoringState:
        y = block.endog
        if len(y) == 0:
            return state
        kernel, a = self.kernel, prior_weights(block)
        eta = self._eta(block)
        mean = kernel.mean(eta)
        outside = kernel.outside(mean)
        if outside is not None:
            if state.outside is None:
                i = int(np.argmax(outside))
                state.outside = Outside(block.partition, block.row(i), float(mean.mu[i]))
            return state
        weight, score = kernel.working(y, eta, mean)
        lowest = float(weight.min())
        state.lowest = min(state.lowest, lowest)
        if lowest < _FAINT:
            state.faint |= bool(kernel.side(y[weight < _FAINT]).any())
        state.deviance += kernel.deviance(y, eta, mean, a)
        gap = y - mean.mu
        state.gap = max(state.gap, _widest(block, gap))
        state.edge = min(state.edge, kernel.edge(mean))
        state.pearson += pearson(block, gap, mean.variance, a)
        if a is not None:
            weight *= a
            score *= a
        if self.beta is None:
            offset = total_offset(block)
            score += weight * (eta if offset is None else eta - offset)
        with quiet():  # sums that overflow: the point is of no use
            state.score += block.design.rmatvec(score)
            weighted = Block(np.zeros(len(y)), block.design, Extras(weights=weight))
            state.design = self.inner.update(state.design, weighted)
        return state

    def _eta(self, block: Block) -> FloatArray:
        if self.beta is None:
            return self.kernel.start(block.endog, self.mean_of_y)
        return linear_predictor(block, self.beta)

    def merge(self, left: ScoringState, right: ScoringState) -> ScoringState:
        with quiet():
            return ScoringState(
                self.inner.merge(left.design, right.design),
                left.score + right.score,
                left.deviance + right.deviance,
                left.pearson + right.pearson,
                max(left.gap, right.gap),
                min(left.edge, right.edge),
                min(left.lowest, right.lowest),
                left.faint or right.faint,
                left.outside or right.outside,
            )

    def nbytes(self) -> int:
        return self.inner.nbytes()


def _widest(block: Block, gap: FloatArray) -> float:
    """The largest distance from a mean; of a cell, that of its rows in the root mean square."""
    if block.cells is None:
        return max(float(gap.max()), -float(gap.min()))
    with quiet():
        spread = block.cells.spread / block.cells.weight
        return float(np.sqrt((gap * gap + spread).max()))


def pearson(block: Block, gap: FloatArray, variance: FloatArray, a: FloatArray | None) -> float:
    """Pearson's chi-squared; what rows within a cell differ in comes on top."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        squares = gap * gap
        if a is not None:
            squares *= a
        if block.cells is not None:
            squares += block.cells.spread
        ratio = np.divide(squares, variance, out=np.zeros_like(squares), where=squares != 0)
    return float(ratio.sum())


@dataclass(frozen=True)
class Remainder(Additive[FloatArray]):
    """Fold ``s(beta + d) - s(beta) + X'WX d`` for the score s at beta and a step d, (k,) each.

    NaN where the family cannot have a mean at the end of the step.
    """

    takes_cells = True

    kernel: Kernel
    beta: FloatArray
    direction: FloatArray

    def init(self) -> FloatArray:
        return np.zeros(len(self.beta))

    def update(self, state: FloatArray, block: Block) -> FloatArray:
        y = block.endog
        if len(y) == 0:
            return state
        eta = linear_predictor(block, self.beta)
        along = block.design.matvec(self.direction)
        mean = self.kernel.mean(eta + along)
        if self.kernel.outside(mean) is not None:
            return np.full(len(self.beta), np.nan)
        _, after = self.kernel.working(y, eta + along, mean)
        weight, before = self.kernel.working(y, eta, self.kernel.mean(eta))
        rest = after - before + weight * along
        state += block.design.rmatvec(times(rest, prior_weights(block)))
        return state
