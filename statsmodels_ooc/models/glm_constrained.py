"""Fits subject to linear constraints: scoring whose steps stay where they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

from statsmodels_ooc._statsmodels import LinearConstraints
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.design.hypotheses import linear_hypotheses
from statsmodels_ooc.errors import warn_caller
from statsmodels_ooc.likelihoods.glm import GLMLikelihood
from statsmodels_ooc.models.arguments import (
    checked_maxiter,
    checked_options,
    checked_scale,
    checked_start,
    criterion_of,
    scale_rule,
)
from statsmodels_ooc.models.glm_scoring import FitOptions, scored, warn_of
from statsmodels_ooc.results.fits import GLMFit
from statsmodels_ooc.solvers.constraints import Solutions, solutions
from statsmodels_ooc.solvers.dependence import describe, lengths
from statsmodels_ooc.solvers.point import Point
from statsmodels_ooc.solvers.submodels import spanned


def fit_constrained(
    model: Any,
    constraints: Any,
    start_params: Any,
    *,
    maxiter: int = 100,
    method: str = "IRLS",
    tol: float = 1e-8,
    scale: str | float | None = None,
    full_output: bool = True,
    disp: bool = False,
    max_start_irls: int = 3,
    compress: bool = True,
    **options: Any,
) -> GLMFit:
    """Fisher scoring whose steps stay where the constraints hold."""
    if method.lower() != "irls":
        raise NotImplementedError(
            f"fit_constrained(method={method!r}): out of memory the constraints go with IRLS, "
            "which finds the same parameters"
        )
    options_of_irls = checked_options(options)
    found = linear_hypotheses(constraints, model.exog_names)
    rule = scale_rule(checked_scale(scale), model.family)
    likelihood: GLMLikelihood = model.likelihood
    design = likelihood.first(compress=compress).fit
    feasible = solutions(found.coefs, found.constants.ravel(), lengths(design.r_exog))
    span = feasible.span
    if start_params is None:
        start = _start(likelihood, feasible, compress)
    else:
        start = feasible.nearest(checked_start(start_params, model.spec.k))
    rank = spanned(design, span).rank
    df_resid = model.wnobs - rank
    steps = checked_maxiter(maxiter)
    told = FitOptions(start, steps, tol, rule, compress)
    criterion = criterion_of(tol, options)
    path = scored(likelihood, told, criterion=criterion, df_resid=df_resid, span=span)
    warn_of(path, model.spec_names, tried=maxiter > 0)
    params, determined = path.params, spanned(path.point.fit, span)
    root = determined.root
    if determined.rank < span.shape[1]:
        params = determined.shortest(params)
        combined = describe(path.point.fit.r_exog, path.point.fit.rows, model.spec_names, span)
        warn_caller(
            f"The constraints leave the design matrix rank-deficient: {combined}. The model "
            "parameters are not uniquely determined.",
            SingularMatrixWarning,
        )
    estimated = likelihood.scale(rule, lambda: path.point, df_resid)
    cov = estimated * (root @ root.T)
    attributes = {
        "cov_params_default": cov,
        "constraints": LinearConstraints.from_formula_parser(found),
        "k_constr": len(found.coefs),
        "mle_settings": {"wls_method": options_of_irls, "optimizer": "IRLS"},
    }
    return GLMFit(
        params=params,
        point=path.point,
        root=root,
        cov=cov / estimated,
        scale=estimated,
        rule=rule,
        df_model=float(rank - 1),
        df_resid=df_resid,
        method="IRLS",
        history={**path.history, "iteration": max(path.iterations, 1)},
        converged=path.converged,
        score_norm=path.score_norm,
        separation=path.separation,
        compress=compress,
        constrained=len(found.coefs),
        attributes=attributes,
    )


_FEASIBLE = 1e-14  # of the parameters' length: what rounding leaves of the constraints


def _start(likelihood: GLMLikelihood, feasible: Solutions, compress: bool) -> FloatArray:
    """The best known parameters that satisfy the constraints, or those promised to be good.

    Where none are known, the quadratic model at the best point has its minimum there.
    """
    known = likelihood.evaluation.active(compress).known()
    known.sort(key=lambda point: point.deviance)
    for beta in (point.beta for point in known if point.beta is not None):
        gap = np.linalg.norm(feasible.lengths * (beta - feasible.nearest(beta)))
        if gap <= _FEASIBLE * np.linalg.norm(feasible.lengths * beta):
            return beta
    point = known[0] if known else likelihood.first(compress=compress)
    base = np.zeros(len(feasible.shift)) if point.beta is None else point.beta
    nearest = feasible.nearest(base)
    for start in (_minimum(point, base, nearest, feasible.span), nearest, feasible.shift):
        if not np.isfinite(start).all():
            continue
        if likelihood.at(start, compress=compress).outside is None:
            return start
    return nearest


def _minimum(point: Point, base: FloatArray, nearest: FloatArray, span: FloatArray) -> FloatArray:
    r, root = point.fit.r_exog, spanned(point.fit, span).root
    slope = point.score - r.T @ (r @ (nearest - base))
    minimum: FloatArray = nearest + root @ (root.T @ slope)
    return minimum
