"""Elastic net, ridge and square-root lasso without a further pass.

The penalties see the data through X'X, X'y and y'y only, so statsmodels' algorithms
run on the k + 1 rows of the triangular factor, told the true number of rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.base.elastic_net import RegularizedResults, RegularizedResultsWrapper
from statsmodels.regression.linear_model import OLS

from statsmodels_ooc.reductions.facts import RowFactsState
from statsmodels_ooc.results.penalized import PenalizedResults
from statsmodels_ooc.solvers import gaussian
from statsmodels_ooc.solvers.least_squares import LinearFit


def fit_regularized(
    model: Any,
    fit: LinearFit,
    facts: RowFactsState,
    alpha: Any,
    start_params: Any,
    *,
    method: str,
    L1_wt: float,
    refit: bool,
    **options: Any,
) -> Any:
    """Statsmodels' regularized fit of a streamed model; see its ``fit_regularized``.

    Parameters
    ----------
    model : StreamedLinear
        The model, for the results.
    fit, facts : LinearFit, RowFactsState
        The rows, condensed.
    alpha, start_params, method, L1_wt, refit, **options
        As for statsmodels.
    """
    alpha = np.asarray(alpha) * (facts.total_weight / facts.rows)
    if method == "sqrt_lasso":  # statsmodels divides by the root of the number of rows
        alpha = alpha * np.sqrt((len(fit.params) + 1) / facts.rows)
    endog, exog = gaussian.surrogate_rows(fit)
    found = _surrogate(facts.rows)(endog, exog, hasconst=False).fit_regularized(
        method,
        float(alpha) if alpha.ndim == 0 else alpha,
        L1_wt,
        None if start_params is None else np.array(start_params, dtype=np.float64),
        refit=refit,
        **options,
    )
    if not isinstance(model, OLS):  # WLS keeps the parameters only
        return RegularizedResultsWrapper(PenalizedResults(model, found.params))
    if refit and method != "sqrt_lasso" and L1_wt != 0:
        return _refitted(model, found, fit)
    results = PenalizedResults(model, found.params)
    if isinstance(found, RegularizedResults):  # a ridge fit comes as it is
        return results
    if hasattr(found, "converged"):
        results.converged = found.converged
    return RegularizedResultsWrapper(results)


def _refitted(model: Any, found: Any, fit: LinearFit) -> Any:
    """Ordinary results at parameters that were fitted again without a penalty."""
    told = ("df_model", "df_resid", "method", "converged", "fit_history")
    return model.results_kind(
        model,
        found.params,
        found.normalized_cov_params,
        linear_fit=fit,
        regularized=True,
        **{name: getattr(found, name) for name in told},
    )


def _surrogate(n: int) -> type[OLS]:
    """An OLS that takes its rows to stand for n."""

    class Surrogate(OLS):  # type: ignore[misc]
        def initialize(self) -> None:
            super().initialize()
            self.nobs = float(n)

    return Surrogate
