"""Penalised fits of generalised linear models: a pass a step, as without a penalty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from statsmodels.base.elastic_net import RegularizedResultsWrapper
from statsmodels.genmod import families
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tools.validation import string_like

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import warn_caller
from statsmodels_ooc.likelihoods.glm import GLMLikelihood
from statsmodels_ooc.models.arguments import checked_start, scale_rule
from statsmodels_ooc.models.glm_scoring import FitOptions, scored, warn_of
from statsmodels_ooc.results.fits import GLMFit
from statsmodels_ooc.results.penalized import PenalizedResults
from statsmodels_ooc.solvers.elastic_net import Penalized, Penalty, penalized_likelihood
from statsmodels_ooc.solvers.point import Point, ScaleRule
from statsmodels_ooc.solvers.submodels import spanned

_IGNORED = {
    *("check_step", "trim_mode", "auto_trim_tol", "size_trim_tol", "qc_tol", "qc_verbose"),
    "acc",
}
_REFITTED = 1e-8  # how still the deviance stands after the refit, as in `fit`


def fit_regularized(
    model: Any,
    method: str,
    alpha: Any,
    start_params: Any,
    refit: bool,
    *,
    maxiter: int = 50,
    L1_wt: float = 1.0,
    cnvrg_tol: float = 1e-9,
    zero_tol: float = 1e-10,
    **options: Any,
) -> Any:
    """`GLM.fit_regularized` of a streamed model."""
    method = string_like(method, "method", options=("elastic_net", "l1_slsqp"), lower=False)
    unknown = sorted(set(options) - _IGNORED)
    if unknown:
        raise TypeError(f"fit_regularized has no option {', '.join(map(repr, unknown))}")
    penalty = _penalty(alpha, L1_wt, model.spec.k)
    if method == "l1_slsqp" and L1_wt != 1:
        raise ValueError("L1_wt must be 1 when method is 'l1_slsqp'")
    likelihood: GLMLikelihood = model.likelihood
    family, rule = model.family, scale_rule(model.scaletype, model.family)
    first = _start(likelihood, penalty, start_params, rule)
    found = penalized_likelihood(
        likelihood.at,
        first,
        penalty,
        model.nobs,
        scale_of=lambda point: likelihood.scale(rule, lambda: point),
        tolerance=cnvrg_tol,
        maxiter=maxiter,
        anchor=likelihood.anchor() if first.beta is None else None,
        quadratic=isinstance(family, families.Gaussian) and _is_identity(family.link),
    )
    if not found.converged:
        warn_caller(
            f"Regularized fitting did not converge: {found.reason}",
            ConvergenceWarning,
        )
    params = np.where(np.abs(found.params) < zero_tol, 0.0, found.params)
    if refit and not penalty.scaled:
        return model.results_of(_refitted(model, found, params, method))
    results = PenalizedResults(model, params)
    results.converged = found.converged
    results.fit_history = {"iteration": found.iterations}
    return RegularizedResultsWrapper(results)


def _is_identity(link: Any) -> bool:
    return isinstance(link, families.links.Power) and link.power == 1


def _penalty(alpha: Any, share: float, k: int) -> Penalty:
    """What statsmodels adds to minus the log-likelihood per row.

    Its ridge fit takes the log-likelihood at the scale estimated at the parameters, all
    others at scale one.
    """
    weights = np.asarray(alpha, dtype=np.float64)
    if weights.shape not in ((), (k,)) or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(f"alpha is a number or {k} of them, finite and not negative: {alpha!r}")
    if not 0 <= share <= 1:
        raise ValueError(f"L1_wt is the share of the L1 penalty, from 0 to 1, not {share!r}")
    weights = np.broadcast_to(weights, (k,))
    return Penalty(weights * share, weights * (1.0 - share), scaled=share == 0)


def _start(
    likelihood: GLMLikelihood, penalty: Penalty, start_params: Any, rule: ScaleRule
) -> Point:
    """The point that was asked for, or the best one that is known."""
    known = likelihood.evaluation.active(compress=True).known()
    if known and start_params is None:
        return min(known, key=_objective(likelihood, penalty, rule))
    start: str | FloatArray = "pilot"
    if start_params is not None:
        start = checked_start(start_params, likelihood.spec.k)
    return scored(likelihood, FitOptions(start, 0, 0.0, rule, True)).point


def _objective(
    likelihood: GLMLikelihood, penalty: Penalty, rule: ScaleRule
) -> Callable[[Point], float]:
    rows = likelihood.facts.rows

    def objective(point: Point) -> float:
        assert point.beta is not None
        factor = likelihood.scale(rule, lambda: point) if penalty.scaled else 1.0
        value = point.deviance / (2 * rows) + factor * penalty.at(point.beta)
        return value if np.isfinite(value) else np.inf

    return objective


def _refitted(model: Any, found: Penalized, params: FloatArray, method: str) -> GLMFit:
    """A fit of the chosen columns again, without a penalty."""
    likelihood: GLMLikelihood = model.likelihood
    chosen = params != 0
    rule, count = scale_rule(None, model.family), float(chosen.sum())
    df_resid = model.wnobs - count
    span = np.eye(len(params))[:, chosen]
    converged = found.converged
    if chosen.any():
        last = found.point.beta
        begin = params if last is None or last[~chosen].any() else last
        told = FitOptions(begin, 100, _REFITTED, rule, True)
        path = scored(likelihood, told, df_resid=df_resid, span=span)
        warn_of(path, model.spec_names, tried=True)
        point, params = path.point, path.params
        root = spanned(point.fit, span).root
        converged = converged and path.converged
    else:
        point, root = likelihood.at(params), np.zeros((len(params), 0))
    return GLMFit(
        params=params,
        point=point,
        root=root,
        cov=root @ root.T,
        scale=likelihood.scale(rule, lambda: point, df_resid),
        rule=rule,
        df_model=int(count),
        df_resid=model.nobs - int(count),
        method=method,
        history={"iteration": found.iterations},
        converged=converged,
        constrained=int((~chosen).sum()),
        attributes={"regularized": True},
    )
