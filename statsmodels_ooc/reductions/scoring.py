"""What a step of iteratively reweighted least squares needs of the rows, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

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
from statsmodels_ooc.families.kernels import Kernel, ScoredSums
from statsmodels_ooc.reductions.base import Additive, Reduction
from statsmodels_ooc.reductions.least_squares import Moments

if TYPE_CHECKING:
    from statsmodels_ooc.blocks.compiled import ScoredBlock

    Sweep = Callable[[Kernel, FloatArray, Block], tuple[ScoredSums, ScoredBlock] | None]


_ROW_VALUES = 24  # predictors, means, their derivatives, variances, and what comes of these


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

    def take(self, sums: ScoredSums) -> None:
        """Add the sums of some rows."""
        self.lowest = min(self.lowest, sums.lowest)
        self.faint |= sums.faint
        self.deviance += sums.deviance
        self.gap = max(self.gap, sums.gap)
        self.edge = min(self.edge, sums.edge)
        self.pearson += sums.pearson


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
    sweep : callable, optional
        What finds all of it in one sweep over the rows of a block, or None where it cannot.

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
    sweep: Sweep | None = None

    def row_values(self) -> int:
        return _ROW_VALUES

    def init(self) -> ScoringState:
        return ScoringState(self.inner.init(), np.zeros(self.k))

    def update(self, state: ScoringState, block: Block) -> ScoringState:
        y = block.endog
        if len(y) == 0 or self._sweep(state, block):
            return state
        eta, cells = self._eta(block), block.cells
        found = self.kernel.scored(
            y, eta, prior_weights(block), None if cells is None else cells.spread
        )
        if found.impossible is not None:
            row, mean = found.impossible
            state.outside = state.outside or Outside(block.partition, block.row(row), mean)
            return state
        state.take(found.sums)
        weight, score = found.weight, found.score
        if self.beta is None:
            offset = total_offset(block)
            score += weight * (eta if offset is None else eta - offset)
        with quiet():  # sums that overflow: the point is of no use
            state.score += block.design.rmatvec(score)
            weighted = Block(np.broadcast_to(0.0, len(y)), block.design, Extras(weights=weight))
            state.design = self.inner.update(state.design, weighted)
        return state

    def compiled(self) -> Scoring:
        from statsmodels_ooc.families.compiled import compiled_kernel
        from statsmodels_ooc.reductions.compiled_scoring import sweep

        return replace(self, kernel=compiled_kernel(self.kernel), sweep=sweep)

    def _sweep(self, state: ScoringState, block: Block) -> bool:
        """Take a block in one sweep of machine code; whether that can be."""
        if self.sweep is None or self.beta is None or not isinstance(self.inner, Moments):
            return False
        found = self.sweep(self.kernel, self.beta, block)
        if found is None:
            return False
        sums, rows = found
        state.take(sums)
        moments = self.inner.of(rows.weight, rows.means, rows.comoment, len(block.endog))
        with quiet():  # as in `update`
            state.score += rows.score
            state.design = self.inner.merge(state.design, moments)
        return True

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

    def is_sliced(self) -> bool:
        return self.inner.is_sliced()

    def nbytes(self) -> int:
        return self.inner.nbytes()


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
