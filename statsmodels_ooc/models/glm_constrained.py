"""Fits subject to linear constraints: scoring whose steps stay where they hold."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from patsy import DesignInfo
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

from statsmodels_ooc._statsmodels import LinearConstraints, StreamedGLMWrapper
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import DesignError, warn_caller
from statsmodels_ooc.models.arguments import (
    checked_options,
    checked_scale,
    checked_start,
    criterion_of,
)
from statsmodels_ooc.models.glm_fit import scored, warn_of
from statsmodels_ooc.results.covariance import refuse_unavailable, robust
from statsmodels_ooc.results.glm import GLMResults
from statsmodels_ooc.solvers.dependence import describe, lengths
from statsmodels_ooc.solvers.irls import Point
from statsmodels_ooc.solvers.spanned import spanned

__all__ = ["fit_constrained"]


def fit_constrained(
    model: Any,
    constraints: Any,
    start_params: Any,
    *,
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
    compress: bool = True,
    **options: Any,
) -> Any:
    """`GLM.fit_constrained` of a streamed model."""
    if method.lower() != "irls":
        raise NotImplementedError(
            f"fit_constrained(method={method!r}): out of memory the constraints go with IRLS, "
            "which finds the same parameters"
        )
    refuse_unavailable("nonrobust" if cov_type.lower() == "eim" else cov_type)
    options_of_irls = checked_options(options)
    found = DesignInfo(model.exog_names).linear_constraint(constraints)
    model.scaletype = checked_scale(scale)
    model._planner.may_compress = compress
    design = model._planner.first().fit
    feasible = _solutions(found.coefs, found.constants.ravel(), lengths(design.r_exog))
    span = feasible.span
    if start_params is None:
        start = _start(model, feasible)
    else:
        start = feasible.nearest(checked_start(start_params, model.spec.k))
    rank = spanned(design, span).rank
    own = copy(model)
    own.df_model, own.df_resid = float(rank - 1), model.wnobs - rank
    path = scored(own, start, maxiter, criterion_of(tol, options), span)
    warn_of(path, model.spec_names, tried=maxiter > 0)
    params, determined = path.params, spanned(path.point.fit, span)
    root = determined.root
    if determined.rank < span.shape[1]:
        params = determined.shortest(params)
        told = describe(path.point.fit.r_exog, path.point.fit.rows, model.spec_names, span)
        warn_caller(
            f"The constraints leave the design matrix rank-deficient: {told}. The model "
            "parameters are not uniquely determined.",
            SingularMatrixWarning,
        )
    estimated = own._scale_of(lambda: path.point)
    cov = estimated * (root @ root.T)
    results = GLMResults(model, params, cov / estimated, estimated, use_t=use_t, point=path.point)
    if cov_type.lower() not in ("nonrobust", "eim"):
        cov = robust(root, model._planner.meat_on(params, path.point.fit, root))
        results.cov_type = cov_type
        results.cov_kwds = {"description": _DESCRIPTION, **(cov_kwds or {})}
    results.cov_params_default = cov
    results.normalized_cov_params = cov / estimated
    results.df_resid, results.df_model = own.df_resid, own.df_model
    results.constraints = LinearConstraints.from_formula_parser(found)
    results.k_constr = len(found.coefs)
    results.method = "IRLS"
    results.mle_settings = {"wls_method": options_of_irls, "optimizer": "IRLS"}
    results.fit_history = {**path.history, "iteration": max(path.iterations, 1)}
    results.converged = path.converged
    results.score_norm, results.separation = path.score_norm, path.separation
    return StreamedGLMWrapper(results)


_FEASIBLE = 1e-14  # of the parameters' length: what rounding leaves of the constraints
_DESCRIPTION = "Standard Errors are heteroscedasticity robust (HC0)"


@dataclass(frozen=True)
class _Solutions:
    """All solutions of m constraints, as parameters of columns of one length.

    Attributes
    ----------
    span : ndarray, (k, k - m)
        What the differences of solutions are combinations of; orthonormal once its rows
        are multiplied by the lengths.
    shift : ndarray, (k,)
        One solution, the shortest in those units.
    lengths : ndarray, (k,)
        Of the columns.
    """

    span: FloatArray
    shift: FloatArray
    lengths: FloatArray

    def nearest(self, params: FloatArray) -> FloatArray:
        """The nearest parameters that satisfy the constraints, by fitted values."""
        orthonormal = self.span * self.lengths[:, None]
        nearest: FloatArray = self.shift + self.span @ (orthonormal.T @ (self.lengths * params))
        return nearest


def _solutions(coefs: FloatArray, constants: FloatArray, lengths: FloatArray) -> _Solutions:
    """The solutions of the constraints."""
    rows, k = coefs.shape
    coefs = coefs / lengths
    norms = np.linalg.norm(coefs, axis=1)
    norms = np.where(norms > 0, norms, 1.0)
    coefs, constants = coefs / norms[:, None], constants / norms
    u, values, vt = np.linalg.svd(coefs)
    counted = values > values.max(initial=0.0) * max(rows, k) * np.finfo(np.float64).eps
    if counted.sum() < rows:
        raise DesignError(
            f"possibly inconsistent constraints: only {counted.sum()} of {rows} are independent",
            hint="leave out those that follow from the others or contradict them",
        )
    if rows == k:
        raise DesignError(f"{rows} constraints leave none of {k} parameters to estimate")
    shift: FloatArray = vt[:rows].T @ ((u.T @ constants) / values)
    return _Solutions(vt[rows:].T / lengths[:, None], shift / lengths, lengths)


def _start(model: Any, feasible: _Solutions) -> FloatArray:
    """The best known parameters that satisfy the constraints, or those promised to be good.

    Where none are known, the quadratic model at the best point has its minimum there.
    """
    known: list[Point] = model._planner.known()
    known.sort(key=lambda point: point.deviance)
    for beta in (point.beta for point in known if point.beta is not None):
        gap = np.linalg.norm(feasible.lengths * (beta - feasible.nearest(beta)))
        if gap <= _FEASIBLE * np.linalg.norm(feasible.lengths * beta):
            return beta
    point = known[0] if known else model._planner.first()
    base = np.zeros(len(feasible.shift)) if point.beta is None else point.beta
    nearest = feasible.nearest(base)
    for start in (_minimum(point, base, nearest, feasible.span), nearest, feasible.shift):
        if np.isfinite(start).all() and model._at(start).outside is None:
            return start
    return nearest


def _minimum(point: Point, base: FloatArray, nearest: FloatArray, span: FloatArray) -> FloatArray:
    r, root = point.fit.r_exog, spanned(point.fit, span).root
    slope = point.score - r.T @ (r @ (nearest - base))
    minimum: FloatArray = nearest + root @ (root.T @ slope)
    return minimum
