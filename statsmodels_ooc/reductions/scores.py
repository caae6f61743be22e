"""The scores of rows, which robust covariances square and add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.blocks.weights import linear_predictor, prior_weights
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.axes import Axes

__all__ = ["GLMScores", "LinearScores", "RowScores"]


class RowScores(Protocol):
    """The derivatives of the rows' log-likelihoods, by their linear predictors."""

    def of(self, block: Block) -> FloatArray:
        """At scale one, weights included, (b,): the score of a row is that times the row."""
        ...


@dataclass(frozen=True)
class LinearScores:
    """``w (y - x'beta)`` of least squares.

    Parameters
    ----------
    beta : ndarray, (k,)
        The parameters.
    axes : Axes
        In which fitted values keep their digits.
    """

    beta: FloatArray
    axes: Axes

    def of(self, block: Block) -> FloatArray:
        """The scores, (b,)."""
        e = block.endog - self.axes.fitted(block, self.beta)
        scores: FloatArray = e if block.weights is None else e * block.weights
        return scores


@dataclass(frozen=True)
class GLMScores:
    """``a (y - mu) / (V(mu) g'(mu))`` of a generalised linear model.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,)
        The parameters.
    """

    kernel: Kernel
    beta: FloatArray

    def of(self, block: Block) -> FloatArray:
        """The scores, (b,)."""
        if len(block.endog) == 0:
            return np.empty(0)
        eta = linear_predictor(block, self.beta)
        _, scores = self.kernel.working(block.endog, eta, self.kernel.mean(eta))
        a = prior_weights(block)
        return scores if a is None else scores * a
