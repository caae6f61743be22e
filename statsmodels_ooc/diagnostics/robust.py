"""Wald tests of auxiliary regressions by a robust covariance, a second pass."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.diagnostics.subject import Subject
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.reductions.auxiliary import Auxiliary
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.leverage import LeverageOne
from statsmodels_ooc.reductions.sandwich import LinearScores, WhiteMeat, WhiteMeatState
from statsmodels_ooc.results.covariance.base import Robust, sandwich
from statsmodels_ooc.results.covariance.linear import MEATS, LinearScored
from statsmodels_ooc.results.covariance.registry import LINEAR, checked, is_known
from statsmodels_ooc.solvers.auxiliary import Regression

CLASSIC = "nonrobust"


def check_covariance(name: str, cov_type: str, cov_kwds: Any) -> None:
    """Refuse a covariance that auxiliary regressions do not have.

    Raises
    ------
    NotImplementedError
        It is none of ``"nonrobust"`` and ``"HC0"`` to ``"HC3"``.
    ValueError
        There is no such covariance, or it has keywords, which none of these takes.
    """
    if cov_type != CLASSIC and cov_type not in MEATS:
        if not is_known(LINEAR, cov_type):
            raise ValueError(f"{name}: cov_type {cov_type!r} not recognized")
        raise NotImplementedError(
            f"{name}: cov_type={cov_type!r} needs the rows of the regression in order or with "
            f"labels, which its sums do not have; there are {', '.join((CLASSIC, *MEATS))}"
        )
    if cov_kwds:
        raise ValueError(f"{name}: cov_type={cov_type!r} takes no keywords, not {cov_kwds!r}")


def meat_of(regression: Regression) -> WhiteMeat:
    """What a robust covariance folds of the rows of an auxiliary regression."""
    fit = regression.fit
    axes = Axes(fit.root, fit.centre)
    ones = LeverageOne(fit.root, fit.column_rounding)
    return WhiteMeat(LinearScores(fit.params, axes), axes, ones)


def covariance(
    regression: Regression, cov_type: str, read: Callable[[WhiteMeat], WhiteMeatState]
) -> FloatArray:
    """The covariance of the coefficients, (q, q).

    Parameters
    ----------
    regression : Regression
        The auxiliary regression.
    cov_type : str
        Of it.
    read : callable
        The pass that folds what a robust one needs.
    """
    if cov_type == CLASSIC:
        return regression.cov_params
    meat = MEATS[cov_type](read(meat_of(regression)), regression.nobs, regression.df_resid)
    return sandwich(regression.fit.root, meat)


@dataclass
class AuxiliaryScored(LinearScored):
    """An auxiliary regression, of whose rows any covariance of linear models can ask.

    Attributes
    ----------
    rows : callable
        Block of the model's rows to one of the regression's; picklable.
    options : tuple of hashable
        By which the regression is known, the name of its passes first.
    """

    rows: Callable[[Block], Block] = field(kw_only=True)
    options: tuple[Hashable, ...] = ()

    def white_questions(self) -> tuple[Question, ...]:
        return super().white_questions()[:1]  # nobody asks for the moments of its residuals

    def ask(self, *questions: Question) -> tuple[Any, ...]:
        width = len(self.params)
        asked = (
            replace(
                question,
                name=str(self.options[0]),
                key=("auxiliary", self.options, question.key),
                reduction=Auxiliary(self.rows, question.reduction, width),
            )
            for question in questions
        )
        return super().ask(*asked)


def robust_covariance(
    about: Subject,
    regression: Regression,
    rows: Callable[[Block], Block],
    kind: tuple[str, Any],
    options: tuple[Hashable, ...],
) -> Robust:
    """A covariance of the coefficients of an auxiliary regression: one pass.

    Parameters
    ----------
    about : Subject
        The model.
    regression : Regression
        The auxiliary regression, of q columns.
    rows : callable
        Block of the model's rows to one of the regression's; picklable.
    kind : (str, dict)
        ``cov_type`` and ``cov_kwds``.
    options : tuple of hashable
        By which the regression is known, the name of its pass first.

    Raises
    ------
    ValueError
        There is no such covariance, or it has no such keyword.
    """
    entry, chosen = checked(LINEAR, *kind)
    assert entry is not None
    fit, added = regression.fit, len(regression.params) - about.k
    names = [*about.names, *(f"added column {i}" for i in range(added))]
    n, df_resid = float(regression.nobs), float(regression.df_resid)
    scored = AuxiliaryScored(
        about.results.model.likelihood,
        fit.params,
        fit,
        n,
        df_resid,
        names,
        rows=rows,
        options=options,
    )
    found: Robust = entry.of(scored, chosen)
    return found


def wald(params: FloatArray, cov: FloatArray, tested: Sequence[int]) -> tuple[float, int]:
    """Chi-squared statistic of the hypothesis that coefficients are zero, and its rank.

    Notes
    -----
    Coefficients are measured in their standard errors, so that no unit takes part in the rank.
    """
    at = list(tested)
    part = cov[np.ix_(at, at)]
    errors = np.sqrt(np.diag(part))
    errors = np.where(errors > 0, errors, 1.0)
    values, vectors = np.linalg.eigh(part / np.outer(errors, errors))
    kept = values > values[-1] * len(at) * 4 * np.finfo(np.float64).eps
    turned = vectors[:, kept].T @ (params[at] / errors)
    return float(np.sum(turned**2 / values[kept])), int(kept.sum())
