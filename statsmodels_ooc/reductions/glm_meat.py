"""Squared scores and the observed information of a generalised linear model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, linear_predictor, prior_weights
from statsmodels_ooc.families.elementwise import quiet, times
from statsmodels_ooc.families.inverse_links import Mean
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.base import Additive, Reduction
from statsmodels_ooc.reductions.row_sums import products


@dataclass(slots=True)
class ScoreMeatState:
    """Sums over the rows so far, each (k, k), or (r, r) in other axes."""

    meat: FloatArray  # sum of x x' times the squared scores
    observed: FloatArray  # the observed information, minus the Hessian

    def on(self, root: FloatArray) -> ScoreMeatState:
        """The same for the rows ``root.T x``."""
        return ScoreMeatState(root.T @ self.meat @ root, root.T @ self.observed @ root)


@dataclass(frozen=True)
class ScoreMeat(Additive[ScoreMeatState]):
    """Fold the squared scores and the observed information, both at scale one.

    A row of frequency weight f counts f times, not f squared times.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,)
        The parameters.
    axes : Axes, optional
        Where columns are so far from zero that products of theirs lose their digits.

    References
    ----------
    White (1982). Maximum likelihood estimation of misspecified models. Econometrica 50,
    1-25.
    """

    takes_cells = True

    kernel: Kernel
    beta: FloatArray
    axes: Axes | None = None

    def compiled(self) -> ScoreMeat:
        from statsmodels_ooc.families.compiled import compiled_kernel

        return replace(self, kernel=compiled_kernel(self.kernel))

    def init(self) -> ScoreMeatState:
        k = len(self.beta) if self.axes is None else self.axes.root.shape[1]
        return ScoreMeatState(np.zeros((k, k)), np.zeros((k, k)))

    def update(self, state: ScoreMeatState, block: Block) -> ScoreMeatState:
        y = block.endog
        if len(y) == 0:
            return state
        eta = linear_predictor(block, self.beta)
        sandwich = block.design.sandwich
        if self.axes is not None:
            sandwich = partial(products, self.axes.rows(block))
        if block.cells is None and self.kernel.is_canonical:
            weight, score = self.kernel.working_at(y, eta)
            state.observed += sandwich(times(weight, prior_weights(block)))
            state.meat += sandwich(_squares(block, score))
            return state
        mean = self.kernel.mean(eta)
        weight, score = self.kernel.working(y, eta, mean)
        state.observed += sandwich(_observed(self.kernel, block, eta, mean))
        if block.cells is None:
            squares = _squares(block, score)
        else:
            slope = np.divide(weight, mean.slope, out=np.zeros_like(y), where=mean.slope != 0)
            squares = block.cells.squared_gaps(y - mean.mu) * slope**2
        state.meat += sandwich(squares)
        return state

    def nbytes(self) -> int:
        return 2 * self.init().meat.nbytes


@dataclass(frozen=True)
class ObservedInformation(Reduction[FloatArray]):
    """Fold the observed information at scale one, (k, k), at the parameters beta, (k,)."""

    takes_cells = True

    kernel: Kernel
    beta: FloatArray

    def init(self) -> FloatArray:
        return np.zeros((len(self.beta), len(self.beta)))

    def update(self, state: FloatArray, block: Block) -> FloatArray:
        if len(block.endog) == 0:
            return state
        eta = linear_predictor(block, self.beta)
        with quiet():  # sums that overflow: the step of scoring will do
            observed = _observed(self.kernel, block, eta, self.kernel.mean(eta))
            state += block.design.sandwich(observed)
        return state

    def merge(self, left: FloatArray, right: FloatArray) -> FloatArray:
        with quiet():
            return left + right

    def nbytes(self) -> int:
        return 8 * len(self.beta) ** 2


def _observed(kernel: Kernel, block: Block, eta: FloatArray, mean: Mean) -> FloatArray:
    """The observed information of the rows, (b,)."""
    return times(kernel.observed(block.endog, eta, mean), prior_weights(block))


def _squares(block: Block, score: FloatArray) -> FloatArray:
    """Squared scores of the rows, (b,)."""
    extras, squares = block.extras, score * score
    for weights in (extras.var_weights, extras.trials):
        if weights is not None:
            squares *= weights**2
    if extras.freq_weights is not None:
        squares *= extras.freq_weights
    return squares
