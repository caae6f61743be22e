"""Penalised fits of generalised linear models: a pass a step, as without a penalty."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from statsmodels.base.elastic_net import RegularizedResults, RegularizedResultsWrapper
from statsmodels.genmod import families
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tools.validation import string_like

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import warn_caller
from statsmodels_ooc.models.arguments import checked_start
from statsmodels_ooc.models.glm_fit import scored, warn_of
from statsmodels_ooc.results.glm import GLMResults
from statsmodels_ooc.solvers.elastic_net import Penalized, Penalty, penalized_likelihood
from statsmodels_ooc.solvers.irls import Criterion, Point
from statsmodels_ooc.solvers.spanned import spanned

__all__ = ["fit_regularized"]

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
    planner, family = model._planner, model.family
    first = _start(model, penalty, start_params)
    found = penalized_likelihood(
        planner.at,
        first,
        penalty,
        model.nobs,
        scale_of=lambda point: model._scale_of(lambda: point),
        tolerance=cnvrg_tol,
        maxiter=maxiter,
        anchor=planner._anchor() if first.beta is None else None,
        quadratic=isinstance(family, families.Gaussian) and _is_identity(family.link),
    )
    if not found.converged:
        warn_caller(
            f"Regularized fitting did not converge: {found.reason}",
            ConvergenceWarning,
        )
    params = np.where(np.abs(found.params) < zero_tol, 0.0, found.params)
    if refit and not penalty.scaled:
        return _refitted(model, found, params, method)
    results = RegularizedResults(model, params)
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


def _start(model: Any, penalty: Penalty, start_params: Any) -> Point:
    """The point that was asked for, or the best one that is known."""
    planner = model._planner
    if start_params is not None:
        return _first(model, checked_start(start_params, model.spec.k))
    known: list[Point] = planner.known()
    if not known:
        return _first(model, "pilot")
    return min(known, key=_objective(model, penalty))


def _first(model: Any, start: str | FloatArray) -> Point:
    return scored(model, start, 0, Criterion("deviance", 0.0, 0.0)).point


def _objective(model: Any, penalty: Penalty) -> Callable[[Point], float]:
    def objective(point: Point) -> float:
        assert point.beta is not None
        factor = model._scale_of(lambda: point) if penalty.scaled else 1.0
        value = point.deviance / (2 * model.nobs) + factor * penalty.at(point.beta)
        return value if np.isfinite(value) else np.inf

    return objective


def _refitted(model: Any, found: Penalized, params: FloatArray, method: str) -> Any:
    """Ordinary results at parameters that were fitted again without a penalty."""
    chosen = params != 0
    own = copy(model)
    own.scaletype = None
    own.df_model, own.df_resid = float(chosen.sum()) - 1, model.wnobs - float(chosen.sum())
    span = np.eye(len(params))[:, chosen]
    if chosen.any():
        last = found.point.beta
        begin = params if last is None or last[~chosen].any() else last
        path = scored(own, begin, 100, Criterion("deviance", _REFITTED, 0.0), span)
        warn_of(path, model.spec_names, tried=True)
        point, params = path.point, path.params
        root = spanned(point.fit, span).root
        cov = root @ root.T
        converged = found.converged and path.converged
    else:
        converged = found.converged
        point, cov = model._at(params), np.zeros((len(params), len(params)))
    results = GLMResults(model, params, cov, own._scale_of(lambda: point), point=point)
    results.df_model, results.df_resid = int(chosen.sum()), model.nobs - int(chosen.sum())
    results.regularized, results.method = True, method
    results.converged, results.fit_history = converged, {"iteration": found.iterations}
    return results
