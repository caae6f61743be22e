"""Generalized linear models on data that does not fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import statsmodels.api as sm
from patsy import EvalEnvironment
from scipy import stats
from statsmodels.genmod.families import links
from statsmodels.tools.validation import string_like

from statsmodels_ooc._statsmodels import StreamedGLMWrapper
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine import RowFunction, StreamedRows, row_answer, row_method
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.families.lookup import (
    checked_family,
    kernel_of,
    loglike_form,
    max_endog,
)
from statsmodels_ooc.likelihoods.checks import warn_of_levels
from statsmodels_ooc.likelihoods.glm import GLMLikelihood
from statsmodels_ooc.likelihoods.loglike import loglike_of
from statsmodels_ooc.likelihoods.opening import check_missing, open_formula
from statsmodels_ooc.models.arguments import (
    SCALE_OF_ONE,
    checked_covariance,
    checked_maxiter,
    checked_scale,
    checked_start,
    chosen_start,
    scale_rule,
)
from statsmodels_ooc.models.glm_constrained import fit_constrained
from statsmodels_ooc.models.glm_fit import FitOptions, fit_by_optimizer, fit_by_scoring
from statsmodels_ooc.models.glm_regularized import fit_regularized
from statsmodels_ooc.models.in_memory_only import InMemoryOnly
from statsmodels_ooc.models.streamed import StreamedModel, column_stream, refuse_sources
from statsmodels_ooc.models.tweedie import solve_power
from statsmodels_ooc.reductions.given_means import GivenMeans, GivenMeansState
from statsmodels_ooc.reductions.power import PowerSums, PowerSumsState
from statsmodels_ooc.results.fits import GLMFit
from statsmodels_ooc.results.glm import GLMResults
from statsmodels_ooc.results.glm_rows import Extra, GLMRow, Predict, PriorWeights, Shift
from statsmodels_ooc.results.glm_scores import independent_sums, joint_statistic, score_sums
from statsmodels_ooc.solvers.irls import Point
from statsmodels_ooc.solvers.likelihood import loglike_at
from statsmodels_ooc.solvers.scale import Gaps
from statsmodels_ooc.sources.dask_array import from_arrays, is_lazy

__all__ = ["GLM"]

_EXTRAS = ("offset", "exposure", "freq_weights", "var_weights")


class GLM(StreamedModel, sm.GLM):  # type: ignore[misc]
    """Generalized linear model, as `statsmodels.genmod.generalized_linear_model.GLM`.

    Parameters
    ----------
    endog : array_like or dask Array, Series, DataFrame, (n,) or (n, 2)
        The response; for a Binomial family also successes and failures. Dask
        collections stream, whatever is in memory already takes statsmodels' own road.
    exog : array_like or dask Array, DataFrame, (n, k)
        The design. No constant is added.
    family : statsmodels.genmod.families.Family, optional
        The family and its link; Gaussian by default.
    offset : array_like or dask Array, Series, (n,), optional
        Added to the linear predictor.
    exposure : array_like or dask Array, Series, (n,), optional
        Its logarithm is added to the linear predictor; for the log link only.
    freq_weights : array_like or dask Array, Series, (n,), optional
        How many times a row counts.
    var_weights : array_like or dask Array, Series, (n,), optional
        Proportional to the inverse variances.
    missing : {"none", "drop", "raise"}
        What happens to rows with missing values. Out of memory "none" refuses them.
    **kwargs
        As statsmodels.

    See Also
    --------
    GLM.from_formula : A formula and a file, or anything else that `as_source` takes;
        offset, exposure and weights are then columns' names or expressions.

    Examples
    --------
    >>> import pandas as pd
    >>> import statsmodels.api as sm
    >>> import statsmodels_ooc.api as smo
    >>> frame = pd.DataFrame({"y": [0, 1, 2, 4, 9], "x": [0.0, 1.0, 2.0, 3.0, 4.0]})
    >>> model = smo.GLM.from_formula("y ~ x", smo.as_source(frame), family=sm.families.Poisson())
    >>> model.fit().params.round(4).to_dict()
    {'Intercept': -1.1237, 'x': 0.8359}
    """

    likelihood: GLMLikelihood
    _check_inputs = InMemoryOnly("the constructor checks its arguments by itself")
    _setup_binomial = InMemoryOnly("successes and failures are two columns of the response")
    _fit_irls = InMemoryOnly("it is fit(method='IRLS')")
    _fit_gradient = InMemoryOnly("it is fit(method='newton')")
    _update_history = InMemoryOnly("a fit tells its fit_history")

    def __init__(
        self,
        endog: Any,
        exog: Any,
        family: Any = None,
        offset: Any = None,
        exposure: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        missing: str = "none",
        **kwargs: Any,
    ) -> None:
        extras = (offset, exposure, freq_weights, var_weights)
        if not is_lazy(endog, exog, *extras):
            if type(self) is GLM:
                self._warn_of_unknown(kwargs, ["n_trials"])
            refuse_sources(endog, exog)
            super().__init__(endog, exog, family, *extras, missing, **kwargs)
            return
        hasconst = kwargs.pop("hasconst", None)
        trials = kwargs.pop("n_trials", None) if isinstance(family, sm.families.Binomial) else None
        self._warn_of_unknown(kwargs)
        family = checked_family(family, exposure is not None)
        if trials is not None:  # of proportions: what a clone is given
            successes = endog * trials
            endog = np.stack([successes, trials - successes], axis=1)
        check_missing(missing)
        given = _given(*extras)
        source = from_arrays(endog, exog, max_endog=max_endog(family), **given)
        columns = {role: source.extra_columns[role] for role in given}
        stream, spec = column_stream(source, columns, missing)  # type: ignore[arg-type]
        names = {role: getattr(value, "name", None) for role, value in given.items()}
        named = {
            role: name if isinstance(name, str) and not hasattr(given[role], "chunks") else role
            for role, name in names.items()
        }
        self._start_glm(stream, spec, family, named, hasconst, None, source.is_frame_like)

    def _start_formula(
        self,
        formula: Any,
        data: Any,
        subset: Any,
        drop_cols: Any,
        env: EvalEnvironment,
        family: Any = None,
        offset: Any = None,
        exposure: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        missing: str = "drop",
        hasconst: bool | None = None,
        **kwargs: Any,
    ) -> None:
        self._warn_of_unknown({**kwargs, "formula": formula})
        family = checked_family(family, exposure is not None)
        given = _given(offset, exposure, freq_weights, var_weights)
        stream, spec = open_formula(
            formula,
            data,
            env=env,
            missing=missing,
            subset=subset,
            drop_cols=drop_cols,
            extras=given,
            max_endog=max_endog(family),
        )
        warn_of_levels(spec, family)
        self._start_glm(stream, spec, family, given, hasconst, formula, True)

    def _start_glm(
        self,
        stream: StreamedRows,
        spec: Any,
        family: Any,
        extras: Mapping[str, str],
        hasconst: bool | None,
        formula: Any,
        is_frame_like: bool,
    ) -> None:
        """Set what statsmodels' constructor would have set."""
        if spec.k == 0:
            raise DesignError("the design has no column", hint="'y ~ 1' has a constant")
        planner = GLMLikelihood(
            stream,
            spec,
            kernel_of(family),
            roles=frozenset(extras),
            starts_from_mean=not isinstance(family, sm.families.Binomial),
            hasconst=hasconst,
        )
        self._start(stream, spec, planner, hasconst, formula, is_frame_like=is_frame_like)
        self.family = family
        self.scaletype: str | float | None = None
        self._offset_name = extras.get("offset")
        self._exposure_name = extras.get("exposure")
        self._freq_weights_name = extras.get("freq_weights")
        self._var_weights_name = extras.get("var_weights")
        self._has_offset = "offset" in extras
        self._has_exposure = "exposure" in extras
        self._has_freq_weights = "freq_weights" in extras
        self._has_var_weights = "var_weights" in extras
        self._init_keys += ["family", *_EXTRAS]
        if len(spec.endog_names) == 2:
            self._init_keys.append("n_trials")

    # --- what only a pass can tell

    # Of the types that statsmodels gives: counts are integers, unless weights make them sums.

    @cached_property
    def nobs(self) -> int:
        return int(self.likelihood.facts.rows)

    @cached_property
    def df_model(self) -> np.int64:
        return np.int64(self.likelihood.rank - 1)

    @cached_property
    def wnobs(self) -> Any:
        freq = self.likelihood.responses.freq
        return np.float64(freq) if self._has_freq_weights else int(freq)

    @cached_property
    def df_resid(self) -> Any:
        return self.wnobs - self.df_model - 1

    # --- rows

    @row_answer
    def offset(self) -> RowFunction | None:
        """The offset, (n,); None where there is none."""
        return RowFunction(Extra("offset")) if self._has_offset else None

    @row_answer
    def exposure(self) -> RowFunction | None:
        """The logarithm of the exposure, as statsmodels keeps it, (n,)."""
        return RowFunction(Extra("exposure")) if self._has_exposure else None

    @row_answer
    def _offset_exposure(self) -> RowFunction | float:
        return RowFunction(Shift()) if self._has_offset or self._has_exposure else 0.0

    @row_answer
    def freq_weights(self) -> RowFunction:
        """How many times each row counts, (n,)."""
        return RowFunction(Extra("freq_weights"))

    @row_answer
    def var_weights(self) -> RowFunction:
        """The variance weights, (n,)."""
        return RowFunction(Extra("var_weights"))

    @row_answer
    def n_trials(self) -> RowFunction:
        """The numbers of trials, (n,)."""
        return RowFunction(Extra("trials"))

    @row_answer
    def iweights(self) -> RowFunction:
        """The product of frequency and variance weights, (n,)."""
        return RowFunction(PriorWeights())

    def _row(
        self, kind: str, params: Any, scale: float = 1.0, width: int | None = None
    ) -> RowFunction:
        beta = np.asarray(params, dtype=np.float64)
        return RowFunction(GLMRow(kind, self.likelihood.kernel, beta, scale), width)

    # --- the likelihood

    def _at(self, params: Any) -> Point:
        return self.likelihood.at(np.asarray(params, dtype=np.float64))

    def _scale_of(self, gaps: Callable[[], Gaps]) -> float:
        """The scale by the rule that the last fit was given."""
        return self.likelihood.scale(scale_rule(self.scaletype, self.family), gaps)

    def loglike(self, params: Any, scale: float | None = None) -> Any:
        """The log-likelihood; the scale estimated at the parameters where it is None."""
        if self._stream is None:
            return super().loglike(params, scale)
        point = self._at(params)
        return loglike_of(self.likelihood, point, self._scale_at(params, scale))

    def score(self, params: Any, scale: float | None = None) -> Any:
        """The gradient of `loglike`, (k,)."""
        if self._stream is None:
            return super().score(params, scale)
        point = self._at(params)
        return point.score / self._scale_at(params, scale)

    def hessian(self, params: Any, scale: float | None = None, observed: bool | None = None) -> Any:
        """The Hessian of `loglike`, (k, k); minus the expected information if not observed."""
        if self._stream is None:
            return super().hessian(params, scale, observed)
        point = self._at(params)
        scale = self._scale_at(params, scale)
        observed = True if observed is None else observed
        return -self.likelihood.information(point, observed=observed) / scale

    def loglike_mu(self, mu: Any, scale: float = 1.0) -> Any:
        """The log-likelihood at means, (n,): an array, or lazy ones such as `results.mu`."""
        if self._stream is None:
            return super().loglike_mu(mu, scale)
        beta = self._params_of(mu)
        if beta is not None:
            return self.loglike(beta, float(scale))
        form, divisor = loglike_form(self.family, unit_var_weights=False), 1.0
        if form is None:  # the weights of the rows take the scale along
            form, divisor = "fixed", float(scale)
        found = self._at_means(mu, divisor)
        likelihood = loglike_at(form, found.saturated, found.deviance, float(scale), found.freq)
        return np.float64(likelihood)

    def _estimate_x2_scale(self, mu: Any) -> Any:
        if self._stream is None:
            return super()._estimate_x2_scale(mu)
        return np.float64(np.divide(self._at_means(mu).pearson, self.df_resid))

    def estimate_scale(self, mu: Any) -> Any:
        """The scale at means, (n,), by the rule that `fit` was given."""
        if self._stream is None:
            return super().estimate_scale(mu)
        beta = self._params_of(mu)
        return self._scale_of(lambda: self._at_means(mu) if beta is None else self._at(beta))

    def estimate_tweedie_power(
        self, mu: Any, method: str = "brentq", low: float = 1.01, high: float = 5.0
    ) -> Any:
        """The power of the variance, by Pearson's equation; two or three passes.

        Parameters
        ----------
        mu : array_like or dask Array, (n,)
            The means, such as `results.mu`.
        method : {"brentq"}
            As for statsmodels.
        low, high : float
            Where the power is sought.

        Raises
        ------
        ValueError
            It is not there.
        """
        if self._stream is None:
            return super().estimate_tweedie_power(mu, method, low, high)
        if method != "brentq":
            raise NotImplementedError("Only brentq can currently be used")
        rows, beta = self._opened(), self._params_of(mu)
        assert rows is not None
        rows = rows.beside(mu=mu) if beta is None else rows

        def sums(powers: FloatArray) -> FloatArray:
            reduction = PowerSums(self.likelihood.kernel, beta, powers)
            state: PowerSumsState = rows.fold("variance power", reduction)[0]
            return state.sums

        return solve_power(sums, self.df_resid, low, high)

    def _at_means(self, mu: Any, divisor: float = 1.0) -> GivenMeansState:
        """The sums at means, (n,); a pass."""
        rows = self._opened()
        assert rows is not None
        reduction = GivenMeans(self.likelihood.kernel, divisor)
        state: GivenMeansState = rows.beside(mu=mu).fold("given means", reduction)[0]
        return state

    def _params_of(self, mu: Any) -> FloatArray | None:
        """The parameters of lazy means that this model has made itself."""
        stream, made_by = getattr(mu, "origin", None) or (None, None)
        if stream is not self._stream or not isinstance(made_by, GLMRow):
            return None
        own = made_by.kind == "mean" and made_by.kernel is self.likelihood.kernel
        return made_by.beta if own else None

    @row_method
    def score_factor(self, params: Any, scale: float | None = None) -> Any:
        """The derivative of each row's log-likelihood in its predictor, (n,)."""
        if self._stream is None:
            return super().score_factor(params, scale)
        return self._row("score_factor", params, self._scale_at(params, scale))

    @row_method
    def score_obs(self, params: Any, scale: float | None = None) -> Any:
        """The scores of the rows, (n, k)."""
        if self._stream is None:
            return super().score_obs(params, scale)
        scale = self._scale_at(params, scale)
        return self._row("score_obs", params, scale, width=self.spec.k)

    @row_method
    def hessian_factor(self, params: Any, scale: float | None = None, observed: bool = True) -> Any:
        """The information of each row about its predictor, (n,)."""
        if self._stream is None:
            return super().hessian_factor(params, scale, observed)
        kind = "observed_information" if observed else "information"
        return self._row(kind, params, self._scale_at(params, scale))

    @row_method
    def _deriv_mean_dparams(self, params: Any) -> Any:
        if self._stream is None:
            return super()._deriv_mean_dparams(params)
        return self._row("mean_dparams", params, width=self.spec.k)

    @row_method
    def _deriv_score_obs_dendog(self, params: Any, scale: float | None = None) -> Any:
        if self._stream is None:
            return super()._deriv_score_obs_dendog(params, scale)
        scale = self._scale_at(params, scale)
        return self._row("score_dendog", params, scale, width=self.spec.k)

    def _scale_at(self, params: Any, scale: float | None) -> float:
        return self._scale_of(lambda: self._at(params)) if scale is None else float(scale)

    def score_test(
        self,
        params_constrained: Any,
        k_constraints: int | None = None,
        exog_extra: Any = None,
        observed: bool = True,
    ) -> Any:
        """Score test of restrictions, or of omitted variables; one reading of the rows.

        Parameters
        ----------
        params_constrained : array_like, (k,)
            Parameters of the restricted model.
        k_constraints : int, optional
            How many restrictions there are; needed without `exog_extra`.
        exog_extra : array_like or dask Array, (n,) or (n, q), optional
            Variables to be tested, aligned with the rows.
        observed : bool
            Whether the information is the observed one, or the expected.

        Returns
        -------
        statistic, pvalue, df
            As statsmodels.
        """
        if self._stream is None:
            return super().score_test(params_constrained, k_constraints, exog_extra, observed)
        if exog_extra is None and k_constraints is None:
            raise ValueError("if exog_extra is None, then k_constraints needs to be given")
        params = np.asarray(params_constrained, dtype=np.float64)
        rule = scale_rule(self.scaletype, self.family)
        sums = score_sums(self.likelihood, params, rule, exog_extra, observed)
        sums, kept = independent_sums(self.likelihood, params, sums)
        statistic = joint_statistic(sums)
        count = (k_constraints or 0) + int(np.count_nonzero(kept[self.spec.k :]))
        return statistic, stats.chi2.sf(statistic, count), count

    # --- predictions

    @row_method
    def predict(
        self,
        params: Any,
        exog: Any = None,
        exposure: Any = None,
        offset: Any = None,
        which: str = "mean",
    ) -> Any:
        """Predicted values, of a new design or of the data.

        Parameters
        ----------
        params : array_like, (k,)
            The parameters.
        exog : array_like, (m, k), optional
            A design; the data's own by default.
        exposure, offset : array_like or dask Array, optional
            For the rows of the design; for the data those of the model by default.
        which : {"mean", "linear", "var_unscaled"}
            What is predicted.
        """
        if self._stream is None or exog is not None:
            return sm.GLM.predict(self, params, exog, exposure, offset, which)
        kind = string_like(which, "which", options=("mean", "linear", "var_unscaled"), lower=False)
        if exposure is not None and not isinstance(self.family.link, links.Log):
            raise ValueError("exposure can only be used with the log link function")
        if exposure is None and offset is None:
            return self._row(kind, params)
        given = {
            "offset": offset,
            "exposure": None if exposure is None else np.log(exposure),
        }
        constants = {role: v for role, v in given.items() if v is not None and np.ndim(v) == 0}
        arrays = {role: v for role, v in given.items() if np.ndim(v)}
        row = GLMRow(kind, self.likelihood.kernel, np.asarray(params, dtype=np.float64))
        return RowFunction(Predict(row, constants), beside=arrays)

    def get_distribution(
        self,
        params: Any,
        scale: float | None = None,
        exog: Any = None,
        exposure: Any = None,
        offset: Any = None,
        var_weights: Any = 1.0,
        n_trials: Any = 1.0,
    ) -> Any:
        """The predictive distribution; see statsmodels.

        Parameters
        ----------
        params : array_like, (k,)
            The parameters.
        scale : float, optional
            The scale, for families that have one.
        exog : array_like, (m, k), optional
            A design. None takes the data's own, while an array of n numbers is smaller
            than ``smo.options.array_limit``.
        exposure, offset : array_like, optional
            For the rows of the design.
        var_weights, n_trials : array_like
            Variance weights, and numbers of trials.
        """
        weights = {"var_weights": var_weights, "n_trials": n_trials}
        if self._stream is None or exog is not None:
            return super().get_distribution(params, scale, exog, exposure, offset, **weights)
        mu = np.asarray(self.predict(params, None, exposure, offset))
        if not isinstance(self.family, sm.families.Binomial) or np.all(n_trials == 1):
            del weights["n_trials"]
        discrete = isinstance(self.family, SCALE_OF_ONE)
        return self.family.get_distribution(mu, 1.0 if discrete else scale, **weights)

    # --- what statsmodels sets in a fit

    @row_answer
    def mu(self) -> RowFunction:
        """The means of the last fit, (n,)."""
        return self._row("mean", self._last("mu"))

    @row_answer
    def weights(self) -> RowFunction:
        """The weights of the rows in the last fit, (n,)."""
        return self._row("information", self._last("weights"))

    def _last(self, name: str) -> FloatArray:
        """The parameters of the last fit."""
        params: FloatArray | None = self.__dict__.get("_fitted_params")
        if params is None:
            raise AttributeError(f"{name}: the model has not been fitted")
        return params

    def results_of(self, fit: GLMFit, **covariance: Any) -> GLMResults:
        """Results, and on the model what statsmodels sets there in a fit."""
        results = GLMResults(self, fit, **covariance)
        self._fitted_params, self.scale = np.array(fit.params), fit.scale
        for name in ("mu", "weights"):
            self.__dict__.pop(name, None)
        return results

    def initialize(self) -> None:
        """Not available out of memory: it is run by statsmodels' own constructor."""
        if self.__dict__.get("_stream") is not None:
            raise NotImplementedError("initialize sets up arrays as long as the data")
        super().initialize()

    def fit(
        self,
        start_params: Any = None,
        maxiter: int = 100,
        method: str = "IRLS",
        tol: float = 1e-8,
        scale: str | float | None = None,
        cov_type: str = "nonrobust",
        cov_kwds: dict[str, Any] | None = None,
        use_t: bool | None = None,
        full_output: bool = True,
        disp: bool = False,
        max_start_irls: int = 3,
        *,
        start: str | FloatArray | None = "pilot",
        compress: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Fit the model.

        Parameters
        ----------
        start_params : array_like, (k,), optional
            Where to start.
        maxiter : int
            Most iterations. None of them, 0, evaluates the start.
        method : str
            "IRLS", or a method of statsmodels' optimizers such as "newton", "bfgs" and
            "lbfgs", of which every evaluation is a pass.
        tol : float
            How still the deviance must stand.
        scale : {"X2", "dev"} or float, optional
            How the scale is estimated, or its value; as for statsmodels.
        cov_type : {"nonrobust", "eim", "HC0", "HC1", "HC2", "HC3"}
            The covariance estimator; all robust ones are HC0, as in statsmodels, and take
            one more pass.
        cov_kwds : dict, optional
            Keywords of the covariance estimator.
        use_t : bool, optional
            Whether tests use Student's t; they do not by default.
        full_output, disp, max_start_irls
            As for statsmodels, where `method` is not "IRLS".
        start : {"pilot", "statsmodels"} or array_like, (k,)
            "pilot" fits a sample of the rows first, starts there and corrects the steps by
            it, so that two to five passes will do; "statsmodels" starts from the responses,
            and takes the same iterations as statsmodels.
        compress : bool
            Fold the data once into its distinct rows, where there are few, and iterate on
            those in memory; from the start "pilot" only.
        **kwargs
            ``atol``, ``rtol`` and ``tol_criterion`` ("deviance" or "params") for IRLS, and
            the options of the other methods.

        Returns
        -------
        GLMResultsWrapper
            Also an instance of the `GLMResults` inside.

        Raises
        ------
        EmptyDataError, MissingDataError, DesignError
            No row is left, a value is not finite, the family cannot have a response, there
            are no more rows than columns, or the start gives means that the family cannot
            have.

        Warns
        -----
        ConvergenceWarning
            The iterations did not converge; it tells the norm of the score.
        PerfectSeparationWarning
            The responses are predicted perfectly.

        Notes
        -----
        k steps of IRLS take k + 1 passes: one pass at some parameters gives the deviance
        there and the normal equations of the next step. Where the score says that the
        deviance will not move any more, the last step is taken without another pass.

        Examples
        --------
        >>> import pandas as pd
        >>> import statsmodels.api as sm
        >>> import statsmodels_ooc.api as smo
        >>> frame = pd.DataFrame({"y": [0, 1, 2, 4, 9], "x": [0.0, 1.0, 2.0, 3.0, 4.0]})
        >>> data = smo.as_source(frame)
        >>> res = smo.GLM.from_formula("y ~ x", data, family=sm.families.Poisson()).fit()
        >>> round(float(res.deviance), 4), res.converged
        (0.7704, True)
        """
        start, start_params = chosen_start(start, start_params)
        if self._stream is None:
            options = (maxiter, method, tol, scale, cov_type, cov_kwds, use_t)
            return super().fit(start_params, *options, full_output, disp, max_start_irls, **kwargs)
        # 1. What the caller wants, checked.
        expected, covariance = checked_covariance(cov_type)
        steps, scaletype = checked_maxiter(maxiter), checked_scale(scale)
        if start_params is not None:
            start = checked_start(start_params, self.spec.k)
        told = FitOptions(start, steps, tol, scale_rule(scaletype, self.family), compress)
        # 2. Scoring, or another optimizer.
        if method.lower() == "irls":
            fit = fit_by_scoring(self, told, kwargs)
        else:
            output = {"full_output": full_output, "disp": disp}
            fit = fit_by_optimizer(
                self, told, method, max_start_irls, output, kwargs, expected=expected
            )
        # 3. Results with the covariance that was asked for.
        self.scaletype = scaletype
        results = self.results_of(fit, cov_type=covariance, cov_kwds=cov_kwds, use_t=use_t)
        return StreamedGLMWrapper(results)

    def fit_regularized(
        self,
        method: str = "elastic_net",
        alpha: Any = 0.0,
        start_params: Any = None,
        refit: bool = False,
        opt_method: str = "bfgs",
        **kwargs: Any,
    ) -> Any:
        """Minimise ``-loglike / nobs`` plus an elastic net penalty.

        The penalty is ``alpha * ((1 - L1_wt) * sum(b**2) / 2 + L1_wt * sum(abs(b)))``.

        Parameters
        ----------
        method : {"elastic_net", "l1_slsqp"}
            As for statsmodels. "l1_slsqp" is the lasso alone, and out of memory the same
            minimum is found in the same way.
        alpha : float or array_like, (k,)
            The weight of the penalty, or one for every parameter.
        start_params : array_like, (k,), optional
            Where to start; by default at the best parameters that a pass has seen, so that
            the fits of several penalties, one after another, share their passes.
        refit : bool
            Fit the chosen columns again without a penalty.
        opt_method : str
            Only for data in memory.
        **kwargs
            ``L1_wt``, the share of the L1 penalty, 1 by default; ``maxiter``, most steps;
            ``cnvrg_tol``, what the last step may leave, in standard errors; ``zero_tol``,
            below which a parameter counts as zero.

        Returns
        -------
        RegularizedResults
            Wrapped; `GLMResults` where the chosen columns were fitted again.

        Warns
        -----
        ConvergenceWarning
            The steps did not converge.

        Notes
        -----
        Every step of a proximal Newton method is a pass. As in statsmodels the scale is one,
        but for ridge fits (``L1_wt=0``), whose parameters solve
        ``score(b) / nobs == alpha * b`` with the scale estimated at b. Statsmodels'
        optimizer heads for the same equation and may stop before.
        """
        if self._stream is None:
            arguments = (method, alpha, start_params, refit, opt_method)
            return super().fit_regularized(*arguments, **kwargs)
        return fit_regularized(self, method, alpha, start_params, refit, **kwargs)

    def _fit_ridge(self, alpha: Any, start_params: Any, method: Any) -> Any:
        if self._stream is None:
            return super()._fit_ridge(alpha, start_params, method)
        return self.fit_regularized("elastic_net", alpha, start_params, L1_wt=0.0)

    def fit_constrained(self, constraints: Any, start_params: Any = None, **fit_kwds: Any) -> Any:
        """Fit subject to linear constraints ``R @ params == q``.

        Parameters
        ----------
        constraints : str, list of str, (R, q) or array_like
            As for statsmodels' `t_test`.
        start_params : array_like, (k,), optional
            Where to start; the nearest parameters that satisfy the constraints are taken.
        **fit_kwds
            Options of `fit`, whose ``method`` is "IRLS" here.

        Returns
        -------
        GLMResultsWrapper
            As that of `fit`, with ``constraints`` and ``k_constr``. There is no
            ``results_constrained``: no model of fewer columns is fitted.

        Raises
        ------
        DesignError
            The constraints contradict one another, or one follows from the others.

        Notes
        -----
        A step of IRLS is a pass, as without constraints, and stays where they hold. Robust
        standard errors are named as such in ``cov_type``, which statsmodels leaves at
        "nonrobust".
        """
        if self._stream is None:
            return super().fit_constrained(constraints, start_params, **fit_kwds)
        asked = {name: fit_kwds.pop(name, None) for name in ("cov_type", "cov_kwds", "use_t")}
        _, cov_type = checked_covariance(asked.pop("cov_type") or "nonrobust")
        fit = fit_constrained(self, constraints, start_params, **fit_kwds)
        self.scaletype = checked_scale(fit_kwds.get("scale"))
        return StreamedGLMWrapper(self.results_of(fit, cov_type=cov_type, **asked))


def _given(*extras: Any) -> dict[str, Any]:
    """What goes with the rows, by role, in the order of statsmodels' arguments."""
    return {role: value for role, value in zip(_EXTRAS, extras, strict=True) if value is not None}
