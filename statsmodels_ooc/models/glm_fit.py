"""How a generalised linear model is fitted: by scoring, or by a general optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
from statsmodels.base.model import LikelihoodModel
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    HessianInversionWarning,
    PerfectSeparationWarning,
    SingularMatrixWarning,
)

from statsmodels_ooc._statsmodels import StreamedGLMWrapper
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import DesignError, warn_caller
from statsmodels_ooc.families.lookup import CANONICAL
from statsmodels_ooc.models.arguments import (
    checked_maxiter,
    checked_options,
    checked_scale,
    checked_start,
    criterion_of,
)
from statsmodels_ooc.results.glm import GLMResults
from statsmodels_ooc.solvers.dependence import describe
from statsmodels_ooc.solvers.irls import Criterion, Path, Point
from statsmodels_ooc.solvers.least_squares import LinearFit
from statsmodels_ooc.solvers.separation import told

__all__ = ["fit_glm", "scored", "warn_of"]

_BEYOND = 30  # steps of scoring from where another optimizer ended


def fit_glm(
    model: Any,
    start_params: Any,
    maxiter: Any,
    method: str,
    tol: float,
    scale: str | float | None,
    cov_type: str,
    cov_kwds: dict[str, Any] | None,
    use_t: bool | None,
    full_output: bool,
    disp: bool,
    max_start_irls: int,
    *,
    start: str | FloatArray,
    compress: bool,
    **kwargs: Any,
) -> Any:
    """`GLM.fit` of a streamed model."""
    steps, model.scaletype = checked_maxiter(maxiter), checked_scale(scale)
    if start_params is not None:
        start = checked_start(start_params, model.spec.k)
    model._planner.may_compress = compress
    covariance = {"cov_type": cov_type, "cov_kwds": cov_kwds, "use_t": use_t}
    if method.lower() == "irls":
        if cov_type.lower() == "eim":
            covariance["cov_type"] = "nonrobust"
        return _fit_irls(model, start, steps, tol, covariance, **kwargs)
    output = {"full_output": full_output, "disp": disp}
    return _fit_gradient(
        model, start, steps, method, tol, max_start_irls, covariance, output, **kwargs
    )


def _fit_irls(
    model: Any,
    start: str | FloatArray,
    maxiter: int,
    tol: float,
    covariance: dict[str, Any],
    **options: Any,
) -> Any:
    wls_method = checked_options(options)
    path = scored(model, start, maxiter, criterion_of(tol, options))
    warn_of(path, model.spec_names, tried=maxiter > 0)
    params = path.params
    design = model._planner.design_fit(path.point)
    if design.rank < model.spec.k:
        params = design.shortest(params)
        _warn_of_rank(design, model.spec_names)
    cov = path.point.fit.normalized_cov_params
    if path.point.fit.rank < design.rank:  # weights have vanished, and what they would tell
        cov = np.full_like(cov, np.nan)
    results = GLMResults(
        model,
        params,
        cov if maxiter > 0 else None,
        model._scale_of(lambda: path.point),
        point=path.point,
        **covariance,
    )
    results.method = "IRLS"
    results.mle_settings = {"wls_method": wls_method, "optimizer": "IRLS"}
    results.fit_history = {**path.history, "iteration": max(path.iterations, 1)}
    results.converged = path.converged
    results.score_norm, results.separation = path.score_norm, path.separation
    return StreamedGLMWrapper(results)


def scored(
    model: Any,
    start: str | FloatArray,
    maxiter: int,
    criterion: Criterion,
    span: FloatArray | None = None,
) -> Path:
    """Fisher scoring of a streamed model."""
    return model._planner.path(  # type: ignore[no-any-return]
        start,
        maxiter=maxiter,
        criterion=criterion,
        scale_of=lambda point: model._scale_of(lambda: point),
        span=span,
    )


def warn_of(path: Path, names: Sequence[str], *, tried: bool) -> None:
    """Warn of perfect prediction, and of iterations that did not converge."""
    if path.perfect and tried:
        warn_caller(
            "Perfect separation or prediction detected, parameter may not be identified",
            PerfectSeparationWarning,
        )
    if tried and not path.converged:
        proof = "" if path.separation is None else f" along {told(path.separation, names)}"
        warn_caller(
            f"IRLS did not converge: {path.reason}{proof}; the score is {path.score_norm:.3g} "
            f"standard errors long after {path.iterations} iterations",
            ConvergenceWarning,
        )


def _fit_gradient(
    model: Any,
    start: str | FloatArray,
    maxiter: int,
    method: str,
    tol: float,
    max_start_irls: int,
    covariance: dict[str, Any],
    output: dict[str, bool],
    **options: Any,
) -> Any:
    """As statsmodels: the scale is held at one while the parameters are sought.

    An optimizer takes a likelihood that has become flat for one at its maximum. Where it
    says that it has converged, steps of scoring from there tell: a pass or two at a maximum.
    """
    model._optim_hessian = options.pop("optim_hessian", None)
    rule, model.scaletype = model.scaletype, 1.0
    try:
        begin = None if isinstance(start, str) else start
        if begin is None and max_start_irls > 0:
            begin = scored(model, start, max_start_irls, Criterion("deviance", tol, 0.0)).params
        begin = np.zeros(model.spec.k) if begin is None else begin
        scored(model, begin, 0, Criterion("deviance", tol, 0.0))  # refuses impossible means
        if method.lower() == "newton":
            _refuse_short_rank(model._planner.design_fit(model._at(begin)), model.spec_names)
        options.setdefault("skip_hessian", True)  # it follows below, of the right kind
        # What the optimizers ask for; of the rows that is their number, which costs no pass.
        climbed = SimpleNamespace(
            endog=model.lazy.endog,
            loglike=model.loglike,
            score=model.score,
            hessian=model.hessian,
        )
        found = LikelihoodModel.fit(
            climbed, start_params=begin, maxiter=maxiter, method=method, **output, **options
        )
        params = np.asarray(found.params)
        point = model._at(params)
        if point.outside is not None:
            raise DesignError(
                f"method {method!r} ended where a row has the mean {point.outside.mean:g}, which "
                f"the {type(model.family).__name__} family cannot have",
                hint="method 'IRLS' keeps away from there",
            )
        separation = None
        if found.mle_retvals["converged"]:
            path = scored(model, params, _BEYOND, Criterion("deviance", tol, 0.0))
            separation = path.separation
    finally:
        model.scaletype, model._optim_hessian = rule, None
    scale = model._scale_of(lambda: point)
    expected = covariance["cov_type"].lower() == "eim"
    if expected:
        covariance["cov_type"] = "nonrobust"
    design = model._planner.design_fit(point)
    if design.rank < model.spec.k:
        params = design.shortest(params)
        _warn_of_rank(design, model.spec_names)
    cov = _covariance(model, point, design, expected)
    results = GLMResults(model, params, cov, scale, point=point, **covariance)
    history: dict[str, Any] = {"iteration": 0}
    if output["full_output"]:
        results.mle_retvals = found.mle_retvals
        history["iteration"] = found.mle_retvals.get("iterations", 0)
        results.converged = found.mle_retvals.get("converged")
    if separation is not None:
        warn_caller(
            f"method {method!r} did not converge: the parameters grow without a limit: "
            f"{separation.kind} separation along {told(separation, model.spec_names)}",
            ConvergenceWarning,
        )
        results.converged, results.separation = False, separation
    results.method = method
    results.fit_history = history
    return StreamedGLMWrapper(results)


def _refuse_short_rank(fit: LinearFit, names: Sequence[str]) -> None:
    """Statsmodels' Newton inverts the Hessian at the end, which only rounding makes possible."""
    combined = describe(fit.r_exog, fit.rows, names)
    if combined:
        raise DesignError(
            f"method 'newton' inverts the Hessian, and the design is rank-deficient: {combined}",
            hint="leave columns out, or take method 'IRLS', which takes any rank",
        )


def _warn_of_rank(fit: LinearFit, names: Sequence[str]) -> None:
    combined = describe(fit.r_exog, fit.rows, names)
    warn_caller(
        f"The design matrix is rank-deficient: {combined}. The model parameters are not "
        "uniquely determined.",
        SingularMatrixWarning,
    )


def _covariance(model: Any, point: Point, design: LinearFit, expected: bool) -> FloatArray | None:
    """Of the parameters at scale one, by the observed information or the expected."""
    fit, planner = point.fit, model._planner
    if fit.rank == design.rank:  # otherwise weights have vanished, and what they would tell
        if expected or isinstance(planner.kernel, CANONICAL):
            return fit.normalized_cov_params
        observed = planner.meat_on(point.beta, fit, fit.root).observed
        with suppress(np.linalg.LinAlgError):
            inverse: FloatArray = fit.root @ np.linalg.inv(observed) @ fit.root.T
            return inverse
    warn_caller(
        "Inverting hessian failed, no bse or cov_params available",
        HessianInversionWarning,
    )
    return None
