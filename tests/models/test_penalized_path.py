"""Paths of penalised fits, beside statsmodels' fits one by one and the conditions of a minimum."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from models.pairs import CHUNK, FRAME, Pair, make_pair
from numpy.testing import assert_allclose
from tolerances import ITERATED, SOLVED, SUMS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import OptionError

ALPHAS = [0.8, 0.3, 0.1, 0.02, 0.0]


@pytest.fixture(params=["ols formula", "wls formula", "ols arrays", "ols no constant"])
def pair(request: pytest.FixtureRequest) -> Pair:
    return make_pair(request.param)


@pytest.mark.parametrize("L1_wt", [0.0, 0.3, 1.0])
def test_as_fits_one_by_one(pair: Pair, L1_wt: float) -> None:
    before = len(pair.ours.passes)
    path = pair.ours.regularization_path(ALPHAS[::-1], L1_wt)
    assert len(pair.ours.passes) == before
    assert list(path.params.index) == ALPHAS
    assert list(path.params.columns) == list(pair.ours.model.exog_names)
    for alpha, params in zip(ALPHAS, path.params.to_numpy(), strict=True):
        options = {} if L1_wt == 0 else {"cnvrg_tol": 1e-13, "maxiter": 2000}
        for model in (pair.theirs.model, pair.ours.model):
            fit = model.fit_regularized(alpha=alpha, L1_wt=L1_wt, **options)
            assert_allclose(params, fit.params, rtol=ITERATED, atol=ITERATED)


def gradient(x: Any, y: Any, params: Any) -> Any:
    return x.T @ (y - x @ params) / len(y)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("L1_wt", [0.0, 0.5, 1.0])
def test_the_conditions_of_a_minimum(L1_wt: float, standardize: bool) -> None:
    res, theirs = (make_pair("ols formula").ours, make_pair("ols formula").theirs)
    x, y = theirs.model.exog, theirs.model.endog
    factors = np.linspace(0, 2, x.shape[1])
    path = res.regularization_path(L1_wt=L1_wt, factors=factors, standardize=standardize)
    assert len(path.params) == 100
    sizes = factors * (x.std(axis=0) if standardize else 1)
    l2 = factors * (x.std(axis=0) ** 2 if standardize else 1)
    for alpha, params in zip(path.params.index, path.params.to_numpy(), strict=True):
        slope = gradient(x, y, params) - alpha * (1 - L1_wt) * l2 * params
        limit = alpha * L1_wt * sizes
        assert (np.abs(slope) <= limit + 1e-10).all()
        active = params != 0
        assert_allclose(slope[active], (limit * np.sign(params))[active], atol=1e-10)
        assert active[sizes == 0].all()


def test_the_default_grid() -> None:
    res = make_pair("ols formula").ours
    path = res.regularization_path(standardize=True, n_alphas=20, eps=1e-2)
    assert_allclose(path.params.index[-1] / path.params.index[0], 1e-2)
    first = path.params.iloc[0].drop("Intercept")
    assert_allclose(first, 0, atol=SUMS)
    assert (path.params.iloc[1].drop("Intercept") != 0).any()
    assert_allclose(path.params["Intercept"].iloc[0], FRAME["y"].mean(), rtol=SOLVED)
    assert (np.diff(path.table["ssr"]) < 0).all()


def test_ridge_with_a_free_intercept_is_that_of_centred_columns() -> None:
    res = smof.ols("y ~ a + b", smo.as_source(FRAME, chunk_rows=CHUNK)).fit()
    path = res.regularization_path([0.7], 0.0, factors=[0, 1, 1])
    x, y = FRAME[["a", "b"]], FRAME["y"]
    centred, n = x - x.mean(), len(FRAME)
    root = centred.T @ centred + n * 0.7 * np.eye(2)
    slopes = np.linalg.solve(root, centred.T @ (y - y.mean()))
    assert_allclose(path.params.iloc[0, 1:], slopes, rtol=SOLVED)
    assert_allclose(path.params.iloc[0, 0], y.mean() - x.mean() @ slopes, rtol=SOLVED)
    trace = 1 + np.trace(np.linalg.solve(root, centred.T @ centred))
    assert_allclose(path.table["df"].iloc[0], trace, rtol=SOLVED)


def test_the_table() -> None:
    res = make_pair("ols formula").ours
    path = res.regularization_path(ALPHAS)
    last = path.table.iloc[-1]
    assert_allclose(path.params.iloc[-1], res.params, rtol=SUMS)
    for name in ("ssr", "rsquared", "aic", "bic"):
        assert_allclose(last[name], getattr(res, name), rtol=SOLVED)
    assert last["df"] == len(res.params)
    assert_allclose(path.table["df"][:-1], (path.params != 0).sum(axis=1)[:-1], rtol=SOLVED)
    assert repr(path).startswith("lasso path of 6 parameters, 5 penalties")
    assert "<table" in path._repr_html_()
    assert repr(res.regularization_path([1.0], 0)).startswith("ridge path")
    assert repr(res.regularization_path([1.0], 0.5)).startswith("elastic net, L1_wt=0.5, path")


def test_columns_far_from_zero_and_a_short_rank() -> None:
    frame = FRAME.assign(far=FRAME["a"] + 1e7, again=2 * FRAME["b"])
    source = smo.as_source(frame, chunk_rows=CHUNK)
    near = smof.ols("y ~ a + b", source).fit().regularization_path(ALPHAS[:-1], standardize=True)
    far = smof.ols("y ~ far + b", source).fit().regularization_path(ALPHAS[:-1], standardize=True)
    assert_allclose(far.params.iloc[:, 1:], near.params.iloc[:, 1:], rtol=1e-7, atol=SUMS)  # 1e7
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        short = smof.ols("y ~ a + b + again", source).fit()
    path = short.regularization_path(ALPHAS[:-1], 0.5)
    for alpha, params in zip(ALPHAS[:-1], path.params.to_numpy(), strict=True):
        theirs = smf.ols("y ~ a + b + again", frame).fit_regularized(
            alpha=alpha, L1_wt=0.5, cnvrg_tol=1e-13, maxiter=5000
        )
        assert_allclose(params, theirs.params, rtol=ITERATED, atol=ITERATED)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"L1_wt": 2}, "from 0, ridge, to 1, lasso"),
        ({"alphas": [-1]}, "not negative"),
        ({"alphas": []}, "one at the least"),
        ({"factors": [1, 2]}, "factors are 6 numbers"),
        ({"eps": 0}, "above 0 and below 1"),
        ({"L1_wt": "lasso"}, "L1_wt='lasso'; it is a number, from 0"),
        ({"L1_wt": None}, "L1_wt=None; it is a number"),
        ({"alphas": "ridge"}, "alphas are numbers, not 'ridge'"),
        ({"alphas": np.ones((2, 2))}, "one at the least"),
        ({"n_alphas": 2.5}, "n_alphas=2.5; it is a whole number, 1 or more"),
        ({"factors": {"x": 1}}, "the design has no column 'x'"),
        ({"factors": {"a": "x"}}, "factors are numbers"),
    ],
)
def test_what_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make_pair("ols formula").ours.regularization_path(**asked)


def test_factors_by_name() -> None:
    res = make_pair("ols formula").ours
    names = list(res.params.index)
    free = dict.fromkeys(names, 1.0) | {"b": 0.0}
    expected = res.regularization_path([0.5], factors=list(free.values())).params
    backwards = pd.Series(free)[::-1]
    for given in (free, {"b": 0.0}, backwards):
        found = res.regularization_path([0.5], factors=given).params
        pd.testing.assert_frame_equal(found, expected)
    assert expected["b"].abs().item() > 0
