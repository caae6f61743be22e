"""Penalised fits: statsmodels' algorithms on k + 1 rows instead of n."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from models.pairs import Pair, make_pair
from numpy.testing import assert_allclose
from tolerances import ITERATED, SOLVED

import statsmodels_ooc.api as smo
from statsmodels_ooc.engine import RowArray

CASES: dict[str, dict[str, Any]] = {
    "lasso": {"alpha": 0.1},
    "elastic net": {"alpha": 0.2, "L1_wt": 0.4},
    "ridge": {"alpha": 0.3, "L1_wt": 0},
    "a penalty each": {"alpha": "each", "L1_wt": 0.5},
    "a ridge penalty each": {"alpha": "each", "L1_wt": 0},
    "profiled scale": {"alpha": 0.1, "profile_scale": True},
    "refit": {"alpha": 0.2, "refit": True},
    "nothing left": {"alpha": 1e3, "refit": True},
}


@pytest.fixture(params=["ols formula", "wls formula", "ols arrays", "ols no constant"])
def pair(request: pytest.FixtureRequest) -> Pair:
    return make_pair(request.param)


def regularized(results: Any, name: str) -> Any:
    kwargs = dict(CASES[name])
    if kwargs["alpha"] == "each":
        kwargs["alpha"] = np.linspace(0.05, 0.5, len(results.params))
    return results.model.fit_regularized(**kwargs)


@pytest.mark.parametrize("name", CASES)
def test_params(pair: Pair, name: str) -> None:
    ours, theirs = (regularized(r, name).params for r in (pair.ours, pair.theirs))
    assert type(ours) is type(theirs)
    assert_allclose(ours, theirs, rtol=ITERATED, atol=ITERATED)


@pytest.mark.parametrize("name", CASES)
def test_the_same_columns_are_chosen(pair: Pair, name: str) -> None:
    ours, theirs = (np.asarray(regularized(r, name).params) for r in (pair.ours, pair.theirs))
    assert list(ours == 0) == list(theirs == 0)


@pytest.mark.parametrize(
    "name", ["bse", "scale", "ssr", "df_model", "df_resid", "llf", "rsquared", "converged"]
)
def test_refitted_results(name: str) -> None:
    pair = make_pair("ols formula")
    ours, theirs = (getattr(regularized(r, "refit"), name) for r in (pair.ours, pair.theirs))
    assert_allclose(ours, theirs, rtol=SOLVED)


def test_refitted_results_keep_their_degrees_of_freedom() -> None:
    pair = make_pair("ols formula")
    refit = regularized(pair.ours, "refit")
    left = np.flatnonzero(np.asarray(refit.params))
    theirs = sm.OLS(pair.theirs.model.endog, pair.theirs.model.exog[:, left]).fit()
    robust = refit.get_robustcov_results("HC1")
    assert (robust.df_resid, robust.df_model) == (refit.df_resid, refit.df_model)
    assert_allclose(robust.scale, refit.scale, rtol=SOLVED)
    fixed = refit.get_robustcov_results("fixed scale", scale=2.0)
    wanted = 2.0 * theirs.normalized_cov_params
    assert_allclose(np.asarray(fixed.cov_params())[np.ix_(left, left)], wanted, rtol=SOLVED)


def test_fitted_values_are_lazy_where_they_are_large(pair: Pair) -> None:
    ours, theirs = (regularized(r, "lasso").fittedvalues for r in (pair.ours, pair.theirs))
    assert isinstance(ours, pd.Series) == (not isinstance(pair.ours.params, np.ndarray))
    assert_allclose(ours, theirs, rtol=ITERATED, atol=ITERATED)
    with smo.options.set(array_limit=10):
        large = regularized(pair.ours, "lasso").fittedvalues
        assert isinstance(large, RowArray)
        assert_allclose(large.compute(), theirs, rtol=ITERATED, atol=ITERATED)


def test_no_pass_is_made(pair: Pair) -> None:
    before = len(pair.ours.passes)
    regularized(pair.ours, "lasso")
    assert len(pair.ours.passes) == before


def test_start_params_stay_as_they_were(pair: Pair) -> None:
    start = np.full(len(pair.ours.params), 0.5)
    pair.ours.model.fit_regularized(alpha=0.1, start_params=start)
    assert (start == 0.5).all()


def test_sqrt_lasso() -> None:
    pytest.importorskip("cvxopt")
    pair = make_pair("ols formula")
    ours, theirs = (
        r.model.fit_regularized("sqrt_lasso", alpha=3.0).params for r in (pair.ours, pair.theirs)
    )
    assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)  # an interior point method


def test_an_unknown_method_is_refused(pair: Pair) -> None:
    with pytest.raises(ValueError, match="method must be one of"):
        pair.ours.model.fit_regularized("bridge")
