"""Covariances of generalised linear models: White's, by four names as in statsmodels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from statsmodels.base.covtype import descriptions

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import CovarianceWarning, LeverageWarning, warn_caller
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.likelihoods.glm import meat_question
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.glm_meat import ScoreMeatState
from statsmodels_ooc.reductions.leverage import LeverageOne
from statsmodels_ooc.reductions.sandwich import GLMScores, WhiteMeat
from statsmodels_ooc.results.covariance.base import Robust, ScoredFit, sandwich
from statsmodels_ooc.results.covariance.linear import MEATS, leverage_message
from statsmodels_ooc.results.fits import GLMFit

_UNSURE = 1e-9  # of 1 - h: weights and their sum are of parameters that differ by a last step


@dataclass
class GLMScored(ScoredFit):
    """A fit of a generalised linear model.

    Attributes
    ----------
    glm_fit : GLMFit
        How it came about.
    names : sequence of str
        Names of the k columns, for warnings.
    """

    glm_fit: GLMFit
    names: Sequence[str]

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

    def ones(self, root: FloatArray) -> LeverageOne:
        """What tells rows of leverage one, for a root of an inverse information, (k, r)."""
        return LeverageOne(root, self.fit.column_rounding, _UNSURE)

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
class GLMWhiteOptions:
    """Keywords of White's covariance of a generalised linear model.

    Attributes
    ----------
    corrected : bool
        Whether HC1 to HC3 are corrected for small samples and leverages.
    """

    corrected: bool = False


@dataclass(frozen=True)
class GLMWhite:
    """Robust covariance, White (1982).

    statsmodels corrects nothing for a generalised linear model: its HC1 to HC3 are HC0, and so
    are these, with a `CovarianceWarning`. With ``corrected=True`` HC1 is HC0 times
    ``n / (n - k)``, and in HC2 and HC3 the squared scores are divided by ``1 - h`` and
    ``(1 - h)**2``, with the leverages ``h_i = w_i x_i' (X'WX)^-1 x_i`` for the weights w of
    Fisher scoring (those of R's ``sandwich::vcovHC``).

    Parameters
    ----------
    name : {"HC0", "HC1", "HC2", "HC3"}
        Which of them.
    """

    name: str
    Options: ClassVar[type[GLMWhiteOptions]] = GLMWhiteOptions

    def questions(self, fit: GLMScored, options: GLMWhiteOptions) -> tuple[Question, ...]:
        """The squared scores, weighted by leverages where they are to be corrected."""
        return (_question(fit),) if options.corrected else fit.alongside()

    def of(self, fit: GLMScored, options: GLMWhiteOptions) -> Robust:
        """The covariance; one pass."""
        if not options.corrected:
            if self.name != "HC0":
                warn_caller(
                    f"{self.name} of a GLM is HC0, as in statsmodels; "
                    "cov_kwds={'corrected': True} corrects it for small samples or leverages",
                    CovarianceWarning,
                )
            return Robust(sandwich(fit.bread(), fit.meat(fit.root).meat), descriptions[self.name])
        ((state, message),) = fit.ask(_question(fit))
        if message is not None and self.name in ("HC2", "HC3"):
            warn_caller(message, LeverageWarning)
        if self.name == "HC1":
            fit.require_spare_rows()
        meat = MEATS[self.name](state, fit.nobs, fit.nobs - fit.free)
        return Robust(sandwich(fit.bread(), meat), descriptions[self.name], {"corrected": True})


def _question(fit: GLMScored) -> Question:
    """The meats, and what is to be said of rows with leverage one."""
    source = fit.likelihood.stream.source
    return Question(
        "robust covariance",
        fit.key("corrected white"),
        WhiteMeat(fit.scores, fit.axes, fit.ones(fit.root)),
        lambda meat: (meat, leverage_message(meat, fit.names, source)),
    )
