"""Covariances of generalised linear models: White's, by four names as in statsmodels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from statsmodels.base.covtype import descriptions

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.likelihoods.glm import meat_question
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.glm_meat import ScoreMeatState
from statsmodels_ooc.reductions.sandwich import GLMScores
from statsmodels_ooc.results.covariance.base import NoOptions, Robust, ScoredFit, sandwich
from statsmodels_ooc.results.fits import GLMFit


@dataclass
class GLMScored(ScoredFit):
    """A fit of a generalised linear model.

    Attributes
    ----------
    glm_fit : GLMFit
        How it came about.
    """

    glm_fit: GLMFit

    @property
    def scores(self) -> GLMScores:
        return GLMScores(self.likelihood.kernel, self.params)

    @property
    def root(self) -> FloatArray:
        return self.glm_fit.root

    @property
    def free(self) -> int:
        return len(self.params) - self.glm_fit.constrained

    def bread(self) -> FloatArray:
        bread: FloatArray = self.root @ np.linalg.inv(self.meat(self.root).observed)
        return bread

    def alongside(self) -> tuple[Question, ...]:
        evaluation = self.likelihood.evaluation
        active = evaluation.active(self.glm_fit.compress)
        question = meat_question(self.likelihood.kernel, self.params, self.axes)
        is_open = active is evaluation.all_rows and question.key not in active.asked.answers
        return (question,) if is_open else ()

    def meat(self, root: FloatArray) -> ScoreMeatState:
        """Squared scores and the observed information of the rows ``root.T x``: a pass."""
        axes, compress = Axes(root, self.fit.centre), self.glm_fit.compress
        found: ScoreMeatState = self.likelihood.meat(self.params, axes, compress=compress)
        return found


@dataclass(frozen=True)
class GLMWhite:
    """Robust covariance, White (1982): statsmodels corrects no small samples for a GLM.

    Parameters
    ----------
    name : {"HC0", "HC1", "HC2", "HC3"}
        They are the same.
    """

    name: str
    Options: ClassVar[type[NoOptions]] = NoOptions

    def of(self, fit: GLMScored, options: NoOptions) -> Robust:
        """The covariance; one pass."""
        cov = sandwich(fit.bread(), fit.meat(fit.root).meat)
        return Robust(cov, descriptions[self.name])
