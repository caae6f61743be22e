"""How a generalised linear model is fitted: by scoring, or by a general optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from statsmodels.base.model import LikelihoodModel
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    HessianInversionWarning,
    PerfectSeparationWarning,
    SingularMatrixWarning,
)

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import DesignError, warn_caller
from statsmodels_ooc.families.kernels import Canonical
from statsmodels_ooc.likelihoods.glm import GLMLikelihood, loglike_of
from statsmodels_ooc.models.arguments import checked_options, criterion_of
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.results.fits import GLMFit
from statsmodels_ooc.solvers.dependence import describe
from statsmodels_ooc.solvers.irls import Path
from statsmodels_ooc.solvers.least_squares import LinearFit
from statsmodels_ooc.solvers.point import Criterion, Point, ScaleRule
from statsmodels_ooc.solvers.separation import told as told_of

_BEYOND = 30  # steps of scoring from where another optimizer ended


@dataclass(frozen=True)
class FitOptions:
    """What one call of `fit` was told about the iterations, checked.

    Attributes
    ----------
    start : str or ndarray, (k,)
        "pilot", "statsmodels", or parameters.
    maxiter : int
        Most iterations.
    tol : float
        How still the deviance must stand.
    rule : ScaleRule
        How the scale comes about.
    compress : bool
        Whether rows that repeat may be folded into distinct ones.
    """

    start: str | FloatArray
    maxiter: int
    tol: float
    rule: ScaleRule
    compress: bool


def fit_by_scoring(model: Any, told: FitOptions, options: dict[str, Any]) -> GLMFit:
    """Fisher scoring."""
    # 1. Steps until nothing moves any more.
    wls_method = checked_options(options)
    likelihood = model.likelihood
    path = scored(likelihood, told, criterion=criterion_of(told.tol, options))
    warn_of(path, model.spec_names, tried=told.maxiter > 0)
    # 2. Of a short rank, the shortest parameters.
    point, params = path.point, path.params
    design = likelihood.design_fit(point, compress=told.compress)
    if design.rank < model.spec.k:
        params = design.shortest(params)
        _warn_of_rank(design, model.spec_names)
    # 3. The covariance, which weights may have hidden by vanishing.
    cov: FloatArray | None = point.fit.normalized_cov_params
    if point.fit.rank < design.rank:
        cov = np.full_like(cov, np.nan)
    return GLMFit(
        params=params,
        point=point,
        root=point.fit.root,
        cov=cov if told.maxiter > 0 else None,
        scale=likelihood.scale(told.rule, lambda: point),
        rule=told.rule,
        df_model=model.df_model,
        df_resid=model.df_resid,
        method="IRLS",
        history={**path.history, "iteration": max(path.iterations, 1)},
        converged=path.converged,
        score_norm=path.score_norm,
        separation=path.separation,
        compress=told.compress,
        attributes={"mle_settings": {"wls_method": wls_method, "optimizer": "IRLS"}},
    )


def scored(
    likelihood: GLMLikelihood,
    told: FitOptions,
    *,
    criterion: Criterion | None = None,
    start: str | FloatArray | None = None,
    maxiter: int | None = None,
    df_resid: float | None = None,
    span: FloatArray | None = None,
) -> Path:
    """Fisher scoring as a fit was told, but for what is given here."""
    return likelihood.path(
        told.start if start is None else start,
        maxiter=told.maxiter if maxiter is None else maxiter,
        criterion=Criterion("deviance", told.tol, 0.0) if criterion is None else criterion,
        rule=told.rule,
        df_resid=df_resid,
        span=span,
        compress=told.compress,
    )


def warn_of(path: Path, names: Sequence[str], *, tried: bool) -> None:
    """Warn of perfect prediction, and of iterations that did not converge."""
    if path.perfect and tried:
        warn_caller(
            "Perfect separation or prediction detected, parameter may not be identified",
            PerfectSeparationWarning,
        )
    if tried and not path.converged:
        proof = "" if path.separation is None else f" along {told_of(path.separation, names)}"
        warn_caller(
            f"IRLS did not converge: {path.reason}{proof}; the score is {path.score_norm:.3g} "
            f"standard errors long after {path.iterations} iterations",
            ConvergenceWarning,
        )


def fit_by_optimizer(
    model: Any,
    told: FitOptions,
    method: str,
    max_start_irls: int,
    output: dict[str, bool],
    options: dict[str, Any],
    *,
    expected: bool,
) -> GLMFit:
    """As statsmodels: the scale is held at one while the parameters are sought.

    An optimizer takes a likelihood that has become flat for one at its maximum. Where it
    says that it has converged, steps of scoring from there tell: a pass or two at a maximum.
    """
    likelihood: GLMLikelihood = model.likelihood
    optim_hessian = options.pop("optim_hessian", None)
    at_one = replace(told, rule=ScaleRule("fixed"))
    # 1. Where to begin, by a few steps of scoring.
    begin = _begin(likelihood, at_one, max_start_irls)
    if method.lower() == "newton":
        point = likelihood.at(begin, compress=told.compress)
        fit = likelihood.design_fit(point, compress=told.compress)
        _refuse_short_rank(fit, model.spec_names)
    # 2. The optimizer of statsmodels, on what passes tell.
    options.setdefault("skip_hessian", True)  # it follows below, of the right kind
    climbed = _Climbed(likelihood, told.compress, observed=optim_hessian != "eim")
    found = LikelihoodModel.fit(
        climbed, start_params=begin, maxiter=told.maxiter, method=method, **output, **options
    )
    params = np.asarray(found.params)
    point = likelihood.at(params, compress=told.compress)
    if point.outside is not None:
        raise DesignError(
            f"method {method!r} ended where a row has the mean {point.outside.mean:g}, which "
            f"the {type(model.family).__name__} family cannot have",
            hint="method 'IRLS' keeps away from there",
        )
    # 3. Whether that is a maximum.
    converged: bool | None = found.mle_retvals["converged"]
    separation = None
    if converged:
        separation = scored(likelihood, at_one, start=params, maxiter=_BEYOND).separation
    # 4. Of a short rank, the shortest parameters; then the covariance.
    scale = likelihood.scale(told.rule, lambda: point)
    design = likelihood.design_fit(point, compress=told.compress)
    if design.rank < model.spec.k:
        params = design.shortest(params)
        _warn_of_rank(design, model.spec_names)
    cov = _covariance(likelihood, point, design, expected, told.compress)
    if separation is not None:
        warn_caller(
            f"method {method!r} did not converge: the parameters grow without a limit: "
            f"{separation.kind} separation along {told_of(separation, model.spec_names)}",
            ConvergenceWarning,
        )
        converged = False
    full = output["full_output"]
    return GLMFit(
        params=params,
        point=point,
        root=point.fit.root,
        cov=cov,
        scale=scale,
        rule=told.rule,
        df_model=model.df_model,
        df_resid=model.df_resid,
        method=method,
        history={"iteration": found.mle_retvals.get("iterations", 0) if full else 0},
        converged=converged if full or separation is not None else None,
        separation=separation,
        compress=told.compress,
        attributes={"mle_retvals": found.mle_retvals} if full else {},
    )


def _begin(likelihood: GLMLikelihood, told: FitOptions, steps: int) -> FloatArray:
    """Where an optimizer begins; refuses impossible means."""
    begin = None if isinstance(told.start, str) else told.start
    if begin is None and steps > 0:
        begin = scored(likelihood, told, maxiter=steps).params
    begin = np.zeros(likelihood.spec.k) if begin is None else begin
    scored(likelihood, told, start=begin, maxiter=0)
    return begin


class _Climbed:
    """What statsmodels' optimizers ask a model for, at scale one."""

    def __init__(self, likelihood: GLMLikelihood, compress: bool, observed: bool) -> None:
        self._likelihood, self._compress, self._observed = likelihood, compress, observed
        self.endog = np.broadcast_to(0.0, likelihood.facts.rows)  # its length is asked for

    def _at(self, params: Any) -> Point:
        return self._likelihood.at(np.asarray(params, dtype=np.float64), compress=self._compress)

    def loglike(self, params: Any) -> np.float64:
        return loglike_of(self._likelihood, self._at(params), 1.0)

    def score(self, params: Any) -> FloatArray:
        return self._at(params).score.copy()  # an optimizer may write into it

    def hessian(self, params: Any) -> FloatArray:
        point = self._at(params)
        information = self._likelihood.information(
            point, observed=self._observed, compress=self._compress
        )
        return -information


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


def _covariance(
    likelihood: GLMLikelihood, point: Point, design: LinearFit, expected: bool, compress: bool
) -> FloatArray | None:
    """Of the parameters at scale one, by the observed information or the expected."""
    fit, beta = point.fit, point.beta
    if fit.rank == design.rank and beta is not None:  # otherwise weights have vanished
        if expected or isinstance(likelihood.kernel, Canonical):
            return fit.normalized_cov_params
        observed = likelihood.meat(beta, Axes(fit.root, fit.centre), compress=compress).observed
        with suppress(np.linalg.LinAlgError):
            inverse: FloatArray = fit.root @ np.linalg.inv(observed) @ fit.root.T
            return inverse
    warn_caller(
        "Inverting hessian failed, no bse or cov_params available",
        HessianInversionWarning,
    )
    return None
