"""OLS and WLS of data that stays outside memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from patsy import EvalEnvironment
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

from statsmodels_ooc._statsmodels import StreamedWrapper
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.engine import RowFunction, row_answer, row_method
from statsmodels_ooc.errors import DesignError, warn_caller
from statsmodels_ooc.likelihoods.least_squares import METHODS, LeastSquares
from statsmodels_ooc.likelihoods.opening import check_missing, open_formula
from statsmodels_ooc.likelihoods.stored import open_stored
from statsmodels_ooc.models.checkpointed import checkpointed
from statsmodels_ooc.models.door import refused
from statsmodels_ooc.models.growing import grown_linear
from statsmodels_ooc.models.keywords import (
    warn_of_unknown,
    warn_of_unknown_in_fit,
    warn_of_weights,
)
from statsmodels_ooc.models.linear import OLS, WLS
from statsmodels_ooc.models.linear_constrained import HasConstrained
from statsmodels_ooc.models.missing_groups import without_rows_of_no_group
from statsmodels_ooc.models.regularized import fit_regularized
from statsmodels_ooc.models.streamed import StreamedModel, column_stream
from statsmodels_ooc.models.submodels import HasSubmodels
from statsmodels_ooc.results.covariance.registry import LINEAR, checked
from statsmodels_ooc.results.lazy import require_design
from statsmodels_ooc.results.linear import OLSResults, RegressionResults
from statsmodels_ooc.results.rows import Design, Response, Weights, Whitened
from statsmodels_ooc.solvers import gaussian
from statsmodels_ooc.sources.dask_array import from_arrays
from statsmodels_ooc.sources.stored_design import StoredDesign

_RCOND = 1e-15  # of the largest singular value, as in statsmodels' pinv


class StreamedLinear(HasSubmodels, HasConstrained, StreamedModel):
    """What OLS and WLS share when they stream."""

    likelihood: LeastSquares
    results_kind: type[RegressionResults] = RegressionResults

    def _open_formula(
        self,
        formula: Any,
        data: Any,
        subset: Any,
        drop_cols: Any,
        env: EvalEnvironment,
        weights: Any = None,
        missing: str = "drop",
        hasconst: bool | None = None,
        **kwargs: Any,
    ) -> None:
        if weights is not None and self.results_kind is OLSResults:
            warn_of_weights()
            weights = None
        warn_of_unknown(self, {**kwargs, "formula": formula})
        extras = {} if weights is None else {"weights": weights}
        stream, spec = open_formula(
            formula,
            data,
            env=env,
            missing=missing,
            subset=subset,
            drop_cols=drop_cols,
            extras=extras,
        )
        self.set_up(stream, spec, LeastSquares(stream, spec, hasconst), hasconst, formula)

    def open_arrays(
        self, endog: Any, exog: Any, weights: Any, missing: Any, hasconst: bool | None
    ) -> None:
        """Take dask collections in place of what the constructor of statsmodels takes."""
        if exog is None:
            raise DesignError("exog is None, and least squares needs at least one column")
        check_missing(missing)
        scalar = weights is None or np.ndim(weights) == 0
        source = from_arrays(endog, exog, weights=None if scalar else weights)
        extras = source.extra_columns if weights is None or not scalar else {"weights": weights}
        stream, spec = column_stream(source, extras, missing)
        likelihood = LeastSquares(stream, spec, hasconst)
        self.set_up(stream, spec, likelihood, hasconst, is_frame_like=source.is_frame_like)

    def open_design(self, store: StoredDesign, weights: Any, hasconst: bool | None) -> None:
        """Take a design that was written out, with its weights or others."""
        roles = () if self.results_kind is OLSResults else ("weights",)
        stream, spec = open_stored(store, roles, {"weights": weights})
        likelihood = LeastSquares(stream, spec, hasconst)
        self.set_up(stream, spec, likelihood, hasconst, spec.formula)

    @cached_property
    def rank(self) -> np.int64:
        return np.int64(self.likelihood.fit().rank)

    @cached_property
    def normalized_cov_params(self) -> FloatArray:
        return self.likelihood.fit().normalized_cov_params

    @cached_property
    def wexog_singular_values(self) -> FloatArray:
        return self.likelihood.fit().singular_values

    @row_answer
    def wexog(self) -> RowFunction:
        """The design times the roots of the weights, (n, k)."""
        return RowFunction(Design(whitened=True), self.spec.k)

    @row_answer
    def wendog(self) -> RowFunction:
        """The response times the roots of the weights, (n,)."""
        return RowFunction(Response(whitened=True))

    @row_answer
    def pinv_wexog(self) -> FloatArray:
        """The pseudo-inverse of `wexog`, (k, n), where that is smaller than ``array_limit``."""
        require_design(
            self,
            "pinv_wexog, with a column for every row of the data, does not exist out of memory",
        )
        return np.linalg.pinv(self.wexog, rcond=_RCOND)

    @checkpointed
    @without_rows_of_no_group
    def fit(
        self,
        method: str = "pinv",
        cov_type: str = "nonrobust",
        cov_kwds: dict[str, Any] | None = None,
        use_t: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Fit the model; see `OLS.fit`, and for the covariances :doc:`/standard_errors`.

        Parameters
        ----------
        method : {"pinv", "qr", "auto", "gram"}
            How the normal equations are solved.
        cov_type : str
            The covariance estimator: "nonrobust", "HC0" to "HC3", "cluster", "cluster-crv3",
            "cluster-jk", "HAC", "hac-panel", "hac-groupsum" or "fixed scale".
        cov_kwds : dict, optional
            Its keywords, such as ``{"groups": "firm"}`` or ``{"maxlags": 4}``.
        use_t : bool, optional
            Whether tests use Student's t; with a robust covariance they do not by default.
        **kwargs
            As for statsmodels, which knows none; others than those of other models' ``fit`` are
            warned of.
        """
        # 1. What the caller wants, checked.
        if method not in METHODS:
            raise ValueError(f"method must be one of {METHODS}, not {method!r}")
        checked(LINEAR, cov_type, cov_kwds)
        warn_of_unknown_in_fit(kwargs)
        # 2. One pass, or none where the rows have told.
        fit = self.likelihood.fit(method)
        # 3. A short rank is named, or refused.
        if fit.rank < self.spec.k:
            told = self.likelihood.dependent(fit, self.spec_names)
            if method == "qr":
                raise np.linalg.LinAlgError(
                    f"singular matrix: rank {fit.rank} of {self.spec.k} columns; {told}"
                )
            warn_caller(
                f"The design matrix is rank-deficient: {told}. "
                "The model parameters are not uniquely determined.",
                SingularMatrixWarning,
            )
        # 4. Results with the covariance that was asked for.
        attributes = {} if self.results_kind is OLSResults else kwargs  # as statsmodels
        results = self.results_kind(
            self,
            fit.params,
            normalized_cov_params=fit.normalized_cov_params,
            cov_type=cov_type,
            cov_kwds=cov_kwds,
            use_t=use_t,
            linear_fit=fit,
            **attributes,
        )
        return StreamedWrapper(results)

    def grown(self, data: Any) -> Any:
        """The model of its rows and of more, which alone are read; see the `update` of results."""
        return grown_linear(self, data)

    def initialize(self) -> None:
        """Not available out of memory: it is run by statsmodels' own constructor."""
        raise NotImplementedError("initialize sets up arrays as long as the data")

    @row_method
    def whiten(self, x: Any) -> Any:
        """Multiply rows by the roots of their weights.

        Parameters
        ----------
        x : array_like or dask Array, (n,) or (n, q)
            A row for each row that the model uses.

        Returns
        -------
        ndarray or RowArray, (n,) or (n, q)
            In one pass, or lazily above ``array_limit``.
        """
        width = None if np.ndim(x) == 1 else np.shape(x)[1]
        return RowFunction(Whitened("x"), width, {"x": x})

    @row_method
    def hessian_factor(self, params: Any, scale: Any = None, observed: bool = True) -> Any:
        """The weights of the rows in the Hessian."""
        return RowFunction(Weights())

    def get_distribution(
        self, params: Any, scale: Any, exog: Any = None, dist_class: Any = None
    ) -> Any:
        """The predictive distribution; of the data itself while it fits array_limit."""
        if exog is None:
            exog = np.asarray(self.exog)
        return super().get_distribution(params, scale, exog, dist_class)  # type: ignore[misc]

    def fit_regularized(
        self,
        method: str = "elastic_net",
        alpha: Any = 0.0,
        L1_wt: float = 1.0,
        start_params: Any = None,
        profile_scale: bool = False,
        refit: bool = False,
        **kwargs: Any,
    ) -> Any:
        """A regularized fit, as statsmodels' own; no pass beyond that of `fit`.

        The penalties see the data through X'X, X'y and y'y only, so statsmodels'
        algorithms run on the k + 1 rows of the triangular factor.

        Parameters
        ----------
        method : {"elastic_net", "sqrt_lasso"}
            The penalty.
        alpha : float or array_like, (k,)
            Its weight.
        L1_wt : float
            The share of the L1 penalty, 0 for ridge.
        start_params : array_like, (k,), optional
            Where to start.
        profile_scale : bool
            Penalise the log-likelihood with the scale profiled out.
        refit : bool
            Fit the chosen columns again without a penalty.
        **kwargs
            ``maxiter``, ``cnvrg_tol``, ``zero_tol``. The last is 1e-8 by default, and in the
            units of the coefficients: a column of 1e12 may lose one that matters.

        Returns
        -------
        RegularizedResults
            Wrapped where statsmodels wraps it; ordinary results where OLS is refitted.
        """
        return fit_regularized(
            self,
            self.likelihood.fit(),
            self.likelihood.facts,
            alpha,
            start_params,
            method=method,
            L1_wt=L1_wt,
            profile_scale=profile_scale,
            refit=refit,
            **kwargs,
        )


class StreamedWLS(StreamedLinear, WLS):
    """WLS on data that stays outside memory."""

    _cloned = ("weights",)

    def loglike(self, params: Any) -> Any:
        """The Gaussian log-likelihood, the scale profiled out."""
        ssr, facts = self.likelihood.fit().ssr_at(np.asarray(params)), self.likelihood.facts
        return np.float64(gaussian.concentrated_loglike(ssr, facts.rows, facts.log_weights))


class StreamedOLS(StreamedLinear, OLS):
    """OLS on data that stays outside memory."""

    results_kind = OLSResults
    _setup_score_hess = refused("_setup_score_hess", "score and hessian need no setting up")
    _sqrt_lasso = refused("_sqrt_lasso", "it is fit_regularized('sqrt_lasso', alpha)")

    def loglike(self, params: Any, scale: float | None = None) -> Any:
        """The Gaussian log-likelihood; the scale profiled out where it is None."""
        ssr = self.likelihood.fit().ssr_at(np.asarray(params))
        if scale is None:
            return np.float64(gaussian.concentrated_loglike(ssr, self.nobs))
        return np.float64(gaussian.loglike(ssr, self.nobs, scale))

    def score(self, params: Any, scale: float | None = None) -> Any:
        """The gradient of `loglike`, (k,)."""
        return gaussian.score(self.likelihood.fit(), np.asarray(params), self.nobs, scale)

    def hessian(self, params: Any, scale: float | None = None) -> Any:
        """The Hessian of `loglike`, (k, k)."""
        return gaussian.hessian(self.likelihood.fit(), np.asarray(params), self.nobs, scale)

    def _fit_ridge(self, alpha: Any) -> Any:
        return self.fit_regularized("elastic_net", alpha, L1_wt=0.0)
