"""The sums of a score test, also of columns that are put beside the design."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.blocks.block import Block, linear_predictor, prior_weights
from statsmodels_ooc.blocks.given import numbers_beside
from statsmodels_ooc.families.elementwise import pearson
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Additive


@dataclass(slots=True)
class ScoreTestSumsState:
    """Sums over the rows so far of a design of p columns, at scale one."""

    score: FloatArray  # the gradient of the log-likelihood, (p,)
    information: FloatArray  # minus its Hessian, observed or expected, (p, p)
    squares: FloatArray  # the outer products of the scores of the rows, (p, p)
    deviance: float = 0.0  # this and the next tell the scale
    pearson: float = 0.0
    rows: int = 0

    def at(self, scale: float) -> ScoreTestSumsState:
        """The same at a scale."""
        score, information, squares = self.score, self.information, self.squares
        return replace(
            self, score=score / scale, information=information / scale, squares=squares / scale**2
        )

    def of(self, kept: BoolArray) -> ScoreTestSumsState:
        """The same of some of the columns, (p,)."""
        both = np.ix_(kept, kept)
        return replace(
            self,
            score=self.score[kept],
            information=self.information[both],
            squares=self.squares[both],
        )

    @property
    def empirical(self) -> FloatArray:
        """The rows times the covariance of their scores, (p, p)."""
        centred = self.squares - np.outer(self.score, self.score) / self.rows
        return centred * (self.rows / (self.rows - 1))


@dataclass(frozen=True)
class ScoreTestSums(Additive[ScoreTestSumsState]):
    """Fold the scores, the information and the squared scores of ``[X | Z]`` at ``[beta | 0]``.

    Z is what stands beside the rows under the name ``exog_extra``, if anything.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,)
        The parameters of the design.
    observed : bool
        Whether the information is the observed one, or the expected.
    extra : int
        The number q of columns of Z.

    References
    ----------
    Boos (1992). On generalized score tests. The American Statistician 46, 327-333.
    """

    kernel: Kernel
    beta: FloatArray
    observed: bool
    extra: int = 0
    names: tuple[str, ...] = ("exog_extra",)

    @property
    def _p(self) -> int:
        return len(self.beta) + self.extra

    def init(self) -> ScoreTestSumsState:
        p = self._p
        return ScoreTestSumsState(np.zeros(p), np.zeros((p, p)), np.zeros((p, p)))

    def update(self, state: ScoreTestSumsState, block: Block) -> ScoreTestSumsState:
        y = block.endog
        if len(y) == 0:
            return state
        eta = linear_predictor(block, self.beta)
        mean, a = self.kernel.mean(eta), prior_weights(block)
        information, score = self.kernel.working(y, eta, mean)
        if self.observed:
            information = self.kernel.observed(y, eta, mean)
        if a is not None:
            information, score = information * a, score * a
        x = block.dense()
        if self.extra:
            x = np.hstack((x, *(numbers_beside(block, n, "exog_extra") for n in self.names)))
        scores = x * score[:, None]
        state.score += np.dot(x.T, score)
        state.information += np.dot(x.T, x * information[:, None])
        state.squares += np.dot(scores.T, scores)
        state.deviance += self.kernel.deviance(y, eta, mean, a)
        state.pearson += pearson(y - mean.mu, mean.variance, a)
        state.rows += len(y)
        return state

    def nbytes(self) -> int:
        return 16 * self._p**2
