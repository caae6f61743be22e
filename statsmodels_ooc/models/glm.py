"""Generalized linear models on data that does not fit into memory."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import statsmodels.api as sm
from patsy import EvalEnvironment
from statsmodels.genmod.families import links
from statsmodels.tools.sm_exceptions import DomainWarning

from statsmodels_ooc.engine import RowArray, Stream
from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.models.families import CANONICAL, kernel_of
from statsmodels_ooc.models.glm_constrained import fit_constrained
from statsmodels_ooc.models.glm_fit import fit_glm
from statsmodels_ooc.models.glm_regularized import fit_regularized
from statsmodels_ooc.models.maximum_likelihood import MaximumLikelihood
from statsmodels_ooc.models.streamed import StreamedModel, check_missing, column_stream
from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.results.glm_rows import Extra, GLMRow, PriorWeights
from statsmodels_ooc.solvers.irls import Point
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
    {'Intercept': -0.609, 'x': 0.6951}
    """

    _lazy = (
        *("exog", "endog", "weights", "offset", "exposure", "freq_weights", "var_weights"),
        *("iweights", "n_trials", "mu", "_offset_exposure"),
    )
    _planner: MaximumLikelihood

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
        extras = dict(zip(_EXTRAS, (offset, exposure, freq_weights, var_weights), strict=True))
        if not is_lazy(endog, exog, *extras.values()):
            if type(self) is GLM:
                self._check_kwargs(kwargs, ["n_trials"])
            super().__init__(endog, exog, family, **extras, missing=missing, **kwargs)
            return
        hasconst = kwargs.pop("hasconst", None)
        self._check_kwargs(kwargs)
        family = _checked(family, exposure is not None)
        check_missing(missing)
        given = {role: value for role, value in extras.items() if value is not None}
        source = from_arrays(endog, exog, max_endog=_max_endog(family), **given)
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
        self._check_kwargs(kwargs)
        family = _checked(family, exposure is not None)
        extras = dict(zip(_EXTRAS, (offset, exposure, freq_weights, var_weights), strict=True))
        given = {role: value for role, value in extras.items() if value is not None}
        for role, value in given.items():
            if not isinstance(value, str):
                raise TypeError(
                    f"{role} of data out of memory is a column's name or an expression in columns, "
                    f"not {type(value).__name__}"
                )
        stream, spec = self._learn_formula(
            formula, data, subset, drop_cols, env, missing, given, _max_endog(family)
        )
        self._start_glm(stream, spec, family, given, hasconst, formula, True)

    def _start_glm(
        self,
        stream: Stream,
        spec: Any,
        family: Any,
        extras: Mapping[str, str],
        hasconst: bool | None,
        formula: Any,
        is_frame_like: bool,
    ) -> None:
        """Set what statsmodels' constructor would have set."""
        planner = MaximumLikelihood(
            stream,
            spec,
            kernel_of(family),
            has_offset="offset" in extras or "exposure" in extras,
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
        self._optim_hessian: str | None = None
        self._init_keys += ["family", *_EXTRAS]

    # --- what only a pass can tell

    @cached_property
    def df_model(self) -> float:
        return float(self._planner.rank - 1)

    @cached_property
    def wnobs(self) -> float:
        return self._planner.responses.freq

    @cached_property
    def df_resid(self) -> float:
        return self.wnobs - self.df_model - 1

    # --- rows

    @cached_property
    def offset(self) -> RowArray | None:
        return self._rows(Extra("offset")) if self._has_offset else None

    @cached_property
    def exposure(self) -> RowArray | None:
        """The logarithm of the exposure, as statsmodels keeps it."""
        return self._rows(Extra("exposure")) if self._has_exposure else None

    @cached_property
    def _offset_exposure(self) -> Any:
        parts = [part for part in (self.offset, self.exposure) if part is not None]
        return sum(parts) if parts else 0.0

    @cached_property
    def freq_weights(self) -> RowArray:
        return self._rows(Extra("freq_weights"))

    @cached_property
    def var_weights(self) -> RowArray:
        return self._rows(Extra("var_weights"))

    @cached_property
    def n_trials(self) -> RowArray:
        return self._rows(Extra("trials"))

    @cached_property
    def iweights(self) -> RowArray:
        return self._rows(PriorWeights(trials=False))

    def _row(self, kind: str, params: Any, scale: float = 1.0, width: int | None = None) -> Any:
        beta = np.asarray(params, dtype=np.float64)
        return self._rows(GLMRow(kind, self._planner.kernel, beta, scale), width)

    # --- the likelihood

    def _at(self, params: Any) -> Point:
        return self._planner.at(np.asarray(params, dtype=np.float64))

    def _scale_of(self, point: Point) -> float:
        """The scale at a point, by the rule that `fit` was given."""
        rule = self.scaletype
        if rule is None:
            known = (sm.families.Binomial, sm.families.Poisson, sm.families.NegativeBinomial)
            rule = 1.0 if isinstance(self.family, known) else "x2"
        if isinstance(rule, float):
            return rule
        total = point.pearson if rule.lower() == "x2" else point.deviance
        return float(np.divide(total, self.df_resid))

    def loglike(self, params: Any, scale: float | None = None) -> Any:
        """The log-likelihood; the scale estimated at the parameters where it is None."""
        if self._stream is None:
            return super().loglike(params, scale)
        point = self._at(params)
        return self._loglike(point, self._scale_of(point) if scale is None else float(scale))

    def _loglike(self, point: Point, scale: float) -> float:
        assert point.beta is not None
        return self._planner.loglike(point.beta, point.deviance, scale)

    def score(self, params: Any, scale: float | None = None) -> Any:
        """The gradient of `loglike`, (k,)."""
        if self._stream is None:
            return super().score(params, scale)
        point = self._at(params)
        return point.score / (self._scale_of(point) if scale is None else scale)

    def hessian(self, params: Any, scale: float | None = None, observed: bool | None = None) -> Any:
        """The Hessian of `loglike`, (k, k); minus the expected information if not observed."""
        if self._stream is None:
            return super().hessian(params, scale, observed)
        point = self._at(params)
        scale = self._scale_of(point) if scale is None else scale
        if observed is None:
            observed = self._optim_hessian != "eim"
        if observed and not isinstance(self._planner.kernel, CANONICAL):
            return -self._planner.meat(np.asarray(params)).observed / scale
        return -(point.fit.r_exog.T @ point.fit.r_exog) / scale

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
        start: str | FloatArray = "pilot",
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
            "pilot" fits a sample of the rows first and starts there, so that two to four
            passes will do; "statsmodels" starts from the responses, and takes the same
            iterations as statsmodels.
        compress : bool
            Fold the data once into its distinct rows, where there are few, and iterate on
            those in memory.
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
            No row is left, a value is not finite, the family cannot have a response, or
            there are no more rows than columns.

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
        >>> round(res.deviance, 4), res.converged
        (1.5089, True)
        """
        options = (start_params, maxiter, method, tol, scale, cov_type, cov_kwds, use_t)
        output = (full_output, disp, max_start_irls)
        if self._stream is None:
            return super().fit(*options, *output, **kwargs)
        if isinstance(start, str) and start not in ("pilot", "statsmodels"):
            raise OptionError(
                f"start={start!r}; it is 'pilot', 'statsmodels' or an array of parameters"
            )
        if start_params is None and not isinstance(start, str):
            start_params = start
        return fit_glm(self, *options, *output, start=start, compress=compress, **kwargs)

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
        return fit_constrained(self, constraints, start_params, **fit_kwds)


def _checked(family: Any, has_exposure: bool) -> Any:
    """The family, a Gaussian one by default; warns of links that leave its domain."""
    if family is None:
        family = sm.families.Gaussian()
    elif not isinstance(family.link, tuple(family.safe_links)):
        warnings.warn(
            f"The {type(family.link).__name__} link function does not respect the domain of the "
            f"{type(family).__name__} family.",
            DomainWarning,
            stacklevel=4,
        )
    if has_exposure and not isinstance(family.link, links.Log):
        raise ValueError("exposure can only be used with the log link function")
    return family


def _max_endog(family: Any) -> int:
    return 2 if isinstance(family, sm.families.Binomial) else 1
