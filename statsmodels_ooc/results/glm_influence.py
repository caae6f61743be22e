"""Influence of the rows on a fit of a generalised linear model: one step of leaving a row out."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.stats.outliers_influence import GLMInfluence as InMemoryInfluence

from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.engine import RowFunction, row_answer, row_method
from statsmodels_ooc.results.glm_measures import (
    GLMMeasures,
    ScoreForm,
    ScoreResidual,
    WeightedByInformation,
    covariance_in,
)
from statsmodels_ooc.results.glm_rows import GLMRow
from statsmodels_ooc.results.streamed_influence import StreamedInfluence, measure
from statsmodels_ooc.results.top_influence import HasTopInfluence


class GLMInfluence(StreamedInfluence, InMemoryInfluence):  # type: ignore[misc]
    """Influence of the rows on a fit of a GLM, as statsmodels' `GLMInfluence`.

    Parameters
    ----------
    results : GLMResults
        Of a model that streams.
    observed : bool
        Whether the leverages are those of the observed information, or of the expected.

    Warns
    -----
    LeverageWarning
        A row determines coefficients alone: its studentised residual, Cook's distance and
        changes of these coefficients are NaN.

    Notes
    -----
    ``d_fittedvalues_scaled`` has the standard errors of the means of the rows themselves;
    statsmodels leaves offset and exposure out of these. Leaving out a row of frequency f leaves
    out all f; in statsmodels ``d_params`` lacks a factor ``sqrt(f)``, and Cook's distance f.
    Parameters that constraints fix do not change.
    Rows of which the observed information
    is negative have NaN where its root is needed.
    """

    table_columns = ("cooks_d", "standard_resid", "hat_diag", "dffits_internal")

    def __init__(self, results: Any, observed: bool = True) -> None:
        super().__init__(results)
        self.observed = observed
        self.k_params = np.size(results.params)
        self.scale = results.scale

    @cached_property
    def measures(self) -> GLMMeasures:
        """The closed forms; the observed information takes a pass, unless it is known."""
        results = self.results
        root = results.glm_fit.root if self.results.scored.free < self.k_vars else None
        axes = results.information_axes(self.observed, root)
        return GLMMeasures(
            results.model.likelihood.kernel,
            np.asarray(results.params, dtype=np.float64),
            axes,
            covariance_in(axes.axes, results),
            np.asarray(results.bse),
            float(results.scale),
            float(results.df_resid),
            results.scored.ones(axes.axes.root),
            results.scored.free,
        )

    @property
    def cov_params(self) -> Any:
        """The covariance of the parameters, (k, k)."""
        return self.results.cov_params()

    @cached_property
    def hessian(self) -> Any:
        """The Hessian of the log-likelihood, (k, k)."""
        return self.results.model.hessian(self.results.params)

    @property
    def score_obs(self) -> Any:
        """The scores of the rows, (n, k)."""
        return self.results.model.score_obs(self.results.params)

    def _whitened(self, width: int | None) -> RowFunction:
        scale = float(self.results.scale)
        return RowFunction(WeightedByInformation(self.measures, scale, width is not None), width)

    @row_answer
    def endog(self) -> RowFunction:
        """The response times the root of the information, (n,)."""
        return self._whitened(None)

    @row_answer
    def exog(self) -> RowFunction:
        """The design times the root of the information, (n, k)."""
        return self._whitened(self.k_vars)

    resid = measure("Pearson's residuals over the root of the scale, (n,).", "resid")
    hat_matrix_diag = measure("The leverages ``h = w x'(X'WX)^-1 x``, (n,).", "hat_diag")
    hat_matrix_exog_diag = measure("The same, (n,).", "hat_diag")
    resid_studentized = measure("``resid / sqrt(1 - h)``, (n,).", "standard_resid")
    cooks_distance = measure("Cook's distances and p-values, (n,) each.", "cooks_d", "cooks_p")
    d_params = measure("Changes of the parameters by leaving the row out, (n, k).", "d_params")
    dfbetas = measure("The same in standard errors, (n, k).", "dfbetas")
    params_one = measure("The parameters without the row, by one step, (n, k).", "params_one")
    d_linpred = measure("Changes of the row's linear predictor, (n,).", "d_linpred")
    d_linpred_scaled = measure("The same in its standard errors, (n,).", "d_linpred_scaled")
    d_fittedvalues = measure("Changes of the row's mean, (n,).", "d_fittedvalues")
    d_fittedvalues_scaled = measure("The same in its standard errors, (n,).", "dffits_internal")

    @row_method
    def resid_score_factor(self) -> Any:
        """Scores by the linear predictor over the roots of their information, (n,)."""
        kernel, beta = self.measures.kernel, self.measures.beta
        scale = float(self.results.scale)
        score = GLMRow("score_factor", kernel, beta, scale)
        information = GLMRow("observed_information", kernel, beta, scale)
        return RowFunction(ScoreResidual(score, information, self.measures))

    @row_method
    def resid_score(self, joint: bool = True, index: Any = None, studentize: bool = False) -> Any:
        """Scores of the rows, as in a score test.

        Parameters
        ----------
        joint : bool
            Whether one quadratic form for each row, (n,), or a column for each parameter.
        index : array_like of int, optional
            The parameters that are looked at.
        studentize : bool
            Whether they are divided by ``sqrt(1 - h)``.
        """
        columns = np.arange(self.k_vars)[slice(None) if index is None else np.asarray(index)]
        information = -np.asarray(self.hessian)[np.ix_(columns, columns)]
        scale = float(self.results.scale)
        score = GLMRow("score_obs", self.measures.kernel, self.measures.beta, scale)
        measures = self.measures if studentize else None
        asked = ScoreForm(score, columns, information, joint, measures)
        return RowFunction(asked, None if joint else len(columns))


class HasGLMInfluence(HasTopInfluence):
    """A mixin for results of a GLM: which rows matter most."""

    @row_answer
    def _influence(self) -> Any:
        return {}  # by whether the information is the observed one

    def get_influence(self, observed: bool = True) -> GLMInfluence:
        """Influence measures of every row.

        Parameters
        ----------
        observed : bool
            Whether the leverages are those of the observed information, or of the expected.

        Returns
        -------
        GLMInfluence
            As statsmodels'; what it has read is kept.
        """
        kept: dict[bool, GLMInfluence] = self._influence
        if observed not in kept:
            kept[observed] = GLMInfluence(self, observed)
        return kept[observed]
