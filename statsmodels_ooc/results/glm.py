"""Results of streamed generalised linear models: the familiar class, without the rows."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.genmod.generalized_linear_model as glm
from statsmodels.base.model import LikelihoodModelResults
from statsmodels.genmod import families
from statsmodels.genmod.families import links

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.learned import FormulaSpec
from statsmodels_ooc.errors import SourceError, warn_caller
from statsmodels_ooc.families.kernels import SCALE_OF_ONE
from statsmodels_ooc.likelihoods.glm import loglike, loglike_null
from statsmodels_ooc.results.covariance.glm import GLMScored
from statsmodels_ooc.results.covariance.registry import GLM, HasCovariances, checked, set_covariance
from statsmodels_ooc.results.fits import GLMFit
from statsmodels_ooc.results.glm_answers import GLMRowAnswers
from statsmodels_ooc.results.glm_influence import HasGLMInfluence
from statsmodels_ooc.results.glm_scores import score_test
from statsmodels_ooc.results.glm_submodels import HasNoSubmodels
from statsmodels_ooc.results.growing import Grows
from statsmodels_ooc.results.hypotheses import EstimableTests
from statsmodels_ooc.results.lazy import WithDesign, new_rows
from statsmodels_ooc.results.margins import StreamedMargins
from statsmodels_ooc.results.new_data import is_read_in_chunks, levels_are_counted, with_columns
from statsmodels_ooc.results.predicting import predict_glm
from statsmodels_ooc.results.writing import WritesRows
from statsmodels_ooc.solvers.least_squares import LinearFit
from statsmodels_ooc.sources.coerce import as_source

_A_POINT = "it shows a point for every row of the data"


class GLMResults(
    HasCovariances,
    GLMRowAnswers,
    WritesRows,
    Grows,
    HasGLMInfluence,
    HasNoSubmodels,
    EstimableTests,
    glm.GLMResults,  # type: ignore[misc]
):
    """Results of a streamed GLM; see statsmodels' `GLMResults`.

    Sums come from the last point of the fit, rows come lazily, and what needs another
    pass makes it once, when it is first asked for.

    From the start "pilot", `params` hold one more step than that last point, a step that
    needs no pass: deviance, Pearson's chi-squared and the covariance are those of the
    point, which differ from theirs by rounding or little more.

    Attributes
    ----------
    separation : Separation or None
        The proof that the parameters grow without a limit, where they do.
    score_norm : float
        The length of the step that is left, in standard errors; NaN where another method
        than IRLS found the parameters.
    """

    registry = GLM

    def __init__(
        self,
        model: Any,
        fit: GLMFit,
        cov_type: str = "nonrobust",
        cov_kwds: dict[str, Any] | None = None,
        use_t: bool | None = None,
    ) -> None:
        checked(GLM, cov_type, cov_kwds)
        LikelihoodModelResults.__init__(
            self, model, fit.params, normalized_cov_params=fit.cov, scale=fit.scale
        )
        self.glm_fit = fit
        self.family = model.family
        self.df_resid, self.df_model = fit.df_resid, fit.df_model
        self.method, self.fit_history = fit.method, dict(fit.history)
        self.score_norm, self.separation = fit.score_norm, fit.separation
        if fit.converged is not None:
            self.converged = fit.converged
        for name, value in fit.attributes.items():
            setattr(self, name, value)
        self._cache: dict[str, Any] = {}
        self.use_t = bool(use_t)
        if cov_type == "nonrobust":
            self.cov_type = "nonrobust"
            self.cov_kwds = {
                "description": "Standard Errors assume that the covariance matrix of "
                "the errors is correctly specified."
            }
        else:
            set_covariance(self, GLM, self.scored, cov_type, cov_kwds or {}, use_t)

    # --- sums of the fit

    def _design_fit(self) -> LinearFit | None:
        restricted = hasattr(self, "constraints") or hasattr(self, "regularized")
        return None if restricted else self.glm_fit.point.fit

    @property
    def nobs(self) -> int:
        """Number of rows."""
        return int(self.model.nobs)

    @cached_property
    def deviance(self) -> float:
        """Twice the log-likelihood lost against means that are the responses, at scale one."""
        return np.float64(self.glm_fit.point.deviance)

    @cached_property
    def pearson_chi2(self) -> float:
        """Sum of the squared Pearson residuals."""
        return np.float64(self.glm_fit.point.pearson)

    @cached_property
    def null_deviance(self) -> float:
        """Deviance of the model of a constant, and the offset where there is one."""
        return np.float64(self.model.likelihood.null_deviance)

    @cached_property
    def llnull(self) -> float:
        """Log-likelihood of the model of a constant, at the scale of this one."""
        return np.float64(loglike_null(self.model.likelihood, np.asarray(self.params), self.scale))

    def llf_scaled(self, scale: float | None = None) -> float:
        """Log-likelihood at a scale; see statsmodels.

        Parameters
        ----------
        scale : float, optional
            By default the estimate; for a Gaussian family with an identity link the one
            that maximises the likelihood.
        """
        if scale is None:
            scale = self.scale
            link = self.family.link
            is_identity = isinstance(link, links.Power) and link.power == 1.0
            if isinstance(self.family, families.Gaussian) and is_identity:
                scale = self.deviance / self.model.wnobs
        return np.float64(
            loglike(self.model.likelihood, np.asarray(self.params), self.deviance, float(scale))
        )

    @cached_property
    def llf(self) -> float:
        """Log-likelihood at the parameters."""
        return self.llf_scaled()

    # --- one more pass

    @property
    def scored(self) -> GLMScored:
        """What robust covariances ask of the fit."""
        fit, params = self.glm_fit, np.asarray(self.params, dtype=np.float64)
        likelihood, rows = self.model.likelihood, float(self.model.wnobs)
        names = self.model.exog_names
        return GLMScored(likelihood, params, fit.point.fit, rows, self.df_resid, fit, names)

    # --- predictions

    def get_prediction(
        self,
        exog: Any = None,
        exposure: Any = None,
        offset: Any = None,
        transform: bool = True,
        which: str | None = None,
        average: bool = False,
        agg_weights: Any = None,
        row_labels: Any = None,
    ) -> Any:
        """Predictions with their intervals.

        Parameters
        ----------
        exog : DataFrame, dict or array_like, or whatever `as_source` takes, optional
            New data. None takes the data itself; rows with missing values are left out.
        exposure, offset : array_like or str, optional
            Of the rows of `exog`, also columns of it. As in statsmodels, the model's own are not
            used here, even where the data are.
        transform : bool
            Whether a formula's variables are in `exog`, rather than its columns.
        which : {"mean", "linear", "var_unscaled"}, optional
            What is predicted, and statsmodels' newer class of results; by default the
            mean, and the older one.
        average : bool
            Whether the mean over the rows is predicted, where `which` is given; one pass.
        agg_weights : array_like or str, optional
            Weights of that mean, also a column; they are not normalised.
        row_labels : array_like, optional
            Index of the summary frame.

        Returns
        -------
        PredictionResultsBase or LazyPredictions
            That of statsmodels while it is smaller than ``array_limit``; lazy answers above.
        """
        given = {"exposure": exposure, "offset": offset, "agg_weights": agg_weights}
        if transform and isinstance(self.model.spec, FormulaSpec):
            exog, given = with_columns(exog, given)
            exog = as_source(exog) if average and isinstance(exog, pd.DataFrame) else exog
        if exog is None or is_read_in_chunks(exog, *given.values()):
            weights = given.pop("agg_weights")
            how = (which, average, weights, row_labels)
            return predict_glm(self, exog, transform, given, *how)
        new = new_rows(exog)
        asked = (exposure, offset, transform, which, average, agg_weights, row_labels)
        with levels_are_counted(self.model, new, transform):
            return glm.GLMResults.get_prediction(self, new, *asked)

    def with_design(self, exog: FloatArray) -> GLMResults:
        """The same results, of a model with a design in memory."""
        results = copy.copy(self)
        results.model = copy.copy(self.model)
        results.model.exog, results.model.weights = exog, None
        return results

    def get_distribution(
        self,
        exog: Any = None,
        exposure: Any = None,
        offset: Any = None,
        var_weights: Any = 1.0,
        n_trials: Any = 1.0,
    ) -> Any:
        """The predictive distribution; see statsmodels.

        Parameters
        ----------
        exog : array_like, (m, k), optional
            A design. None takes the data's own, while an array of n numbers is smaller
            than ``smo.options.array_limit``.
        exposure, offset : array_like, optional
            For the rows of the design.
        var_weights, n_trials : array_like
            Variance weights, and numbers of trials.
        """
        if isinstance(self.family, SCALE_OF_ONE) and self.scale != 1.0:
            warn_caller("using scale=1, no exess dispersion in distribution", UserWarning)
        weights = {"var_weights": var_weights, "n_trials": n_trials}
        return self.model.get_distribution(
            self.params, self.scale, exog, exposure, offset, **weights
        )

    # --- tests and effects

    def score_test(
        self,
        exog_extra: Any = None,
        params_constrained: Any = None,
        hypothesis: str = "joint",
        cov_type: str | None = None,
        cov_kwds: dict[str, Any] | None = None,
        k_constraints: int | None = None,
        observed: bool = True,
        *,
        return_object: bool | None = None,
    ) -> Any:
        """Score test of restrictions, or of omitted variables; one reading of the rows.

        Parameters
        ----------
        exog_extra : str, list of str, array_like or dask Array, (n,) or (n, q), optional
            Variables to be tested: columns of the data, or expressions in them; or values, aligned
            with the rows that the model uses.
        params_constrained : array_like, (k,), optional
            Parameters of the restricted model; those of the results by default.
        hypothesis : {"joint", "separate"}
            Whether one statistic tests all restrictions.
        cov_type : {"nonrobust", "HC0"}, optional
            Covariance of the score; by default the type of the fit.
        cov_kwds : dict, optional
            Not used, as in statsmodels.
        k_constraints : int, optional
            How many restrictions there are; needed without `exog_extra`.
        observed : bool
            Whether the information is the observed one, or the expected.
        return_object : bool, optional
            Not used, as in statsmodels.

        Returns
        -------
        ScoreTestResult
            As statsmodels'.
        """
        for role in ("freq_weights", "var_weights"):
            if role in self.model.likelihood.roles:
                warn_caller(f"score test has not been verified with {role}", UserWarning)
        return score_test(
            self, exog_extra, params_constrained, hypothesis, cov_type, k_constraints, observed
        )

    def get_margeff(
        self,
        at: str = "overall",
        method: str = "dydx",
        atexog: Any = None,
        dummy: bool = False,
        count: bool = False,
    ) -> Any:
        """Marginal effects; one pass, none for "zero".

        Parameters
        ----------
        at : {"overall", "mean", "median", "zero", "all"}
            Where: on average over the rows, or at one row. "median" and "all" need the
            design in memory, and so below ``smo.options.array_limit``.
        method : {"dydx", "eyex", "dyex", "eydx"}
            Absolute or relative changes, of the mean and of the variable.
        atexog : dict or ndarray, optional
            Values of columns, by their numbers; or rows that take the place of the data.
        dummy, count : bool
            Whether columns of zeros and ones, and of counts, change by steps.

        Returns
        -------
        DiscreteMargins
            As statsmodels'.

        Raises
        ------
        NotImplementedError
            The model has an offset, or `atexog` holds values for every row.
        MemoryLimitError
            The design would be needed in memory.

        Warns
        -----
        UserWarning
            The model has weights or an exposure, which marginal effects do not know.
        """
        likelihood = self.model.likelihood
        if "offset" in likelihood.roles:
            raise NotImplementedError("Margins with offset are not available.")
        if "freq_weights" in likelihood.roles or not likelihood.responses.unit_var_weights:
            warn_caller("weights are not taken into account by margeff", UserWarning)
        if "exposure" in likelihood.roles:
            warn_caller("exposure is not taken into account by margeff", UserWarning)
        return StreamedMargins(self, (at, method, atexog, dummy, count))

    plot_added_variable = WithDesign(_A_POINT)
    plot_partial_residuals = WithDesign(_A_POINT)
    plot_ceres_residuals = WithDesign(_A_POINT)

    # --- keeping and losing data

    _iterates = True

    def _told(self) -> dict[str, Any]:
        return {"start_params": np.asarray(self.params), "scale": self.glm_fit.rule.asked}

    def _is_held(self) -> bool:
        return bool(self.glm_fit.constrained)

    def remove_data(self) -> None:
        """Let go of the data.

        What needs no rows stays, predictions of new data among it; robust covariances
        stay if they have been asked for, and so does what the summary asks for.
        """
        with suppress(SourceError):  # the rows are gone already
            _ = self.llf, self.llnull
        self.forget_rows()
