"""The fits of a streamed GLM, and what statsmodels sets on a model in a fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from statsmodels_ooc._statsmodels import StreamedGLMWrapper
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine import RowFunction, row_answer
from statsmodels_ooc.likelihoods.glm import GLMLikelihood
from statsmodels_ooc.models.arguments import (
    checked_covariance,
    checked_maxiter,
    checked_scale,
    checked_start,
    scale_rule,
)
from statsmodels_ooc.models.checkpointed import checkpointed
from statsmodels_ooc.models.glm_constrained import fit_constrained
from statsmodels_ooc.models.glm_regularized import fit_regularized
from statsmodels_ooc.models.glm_scoring import FitOptions, fit_by_optimizer, fit_by_scoring
from statsmodels_ooc.models.growing import grown_glm
from statsmodels_ooc.models.keywords import chosen_start
from statsmodels_ooc.models.missing_groups import without_rows_of_no_group
from statsmodels_ooc.results.fits import GLMFit
from statsmodels_ooc.results.glm import GLMResults
from statsmodels_ooc.results.glm_rows import glm_row


class GLMFits:
    """By scoring or another optimizer, penalised, and subject to constraints."""

    likelihood: GLMLikelihood
    family: Any
    scaletype: str | float | None = None

    @checkpointed
    @without_rows_of_no_group
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
        """Fit the model; see `GLM.fit`, and for the covariances :doc:`/standard_errors`."""
        start, start_params = chosen_start(start, start_params)
        # 1. What the caller wants, checked.
        expected, covariance = checked_covariance(cov_type, cov_kwds)
        steps, scaletype = checked_maxiter(maxiter), checked_scale(scale)
        if start_params is not None:
            start = checked_start(start_params, self.likelihood.spec.k)
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

    def grown(self, data: Any) -> Any:
        """The model of its rows and of more; see `GLMResults.update`."""
        return grown_glm(self, data)

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
        return fit_regularized(self, method, alpha, start_params, refit, **kwargs)

    def _fit_ridge(self, alpha: Any, start_params: Any, method: Any) -> Any:
        return self.fit_regularized("elastic_net", alpha, start_params, L1_wt=0.0)

    @without_rows_of_no_group
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
        asked = {name: fit_kwds.pop(name, None) for name in ("cov_type", "cov_kwds", "use_t")}
        cov_type = asked.pop("cov_type") or "nonrobust"
        _, cov_type = checked_covariance(cov_type, asked["cov_kwds"])
        fit = fit_constrained(self, constraints, start_params, **fit_kwds)
        self.scaletype = checked_scale(fit_kwds.get("scale"))
        return StreamedGLMWrapper(self.results_of(fit, cov_type=cov_type, **asked))

    # --- what statsmodels sets in a fit

    @row_answer
    def mu(self) -> RowFunction:
        """The means of the last fit, (n,)."""
        return glm_row(self.likelihood.kernel, "mean", self._last("mu"))

    @row_answer
    def weights(self) -> RowFunction:
        """The weights of the rows in the last fit, (n,)."""
        return glm_row(self.likelihood.kernel, "information", self._last("weights"))

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
