"""What collinearity costs, beside statsmodels and the rows themselves."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from models.pairs import CHUNK, FRAME, make_pair
from numpy.testing import assert_allclose
from statsmodels.stats.outliers_influence import variance_inflation_factor
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError

MODELS = ["ols formula", "wls formula", "ols arrays", "ols no constant", "ols implicit constant"]
MODELS += ["ols transforms", "ols arrays, constant last", "ols missing"]


@pytest.mark.parametrize("name", MODELS)
def test_as_statsmodels(name: str) -> None:
    pair = make_pair(name)
    before = len(pair.ours.passes)
    found = pair.ours.vif()
    theirs = pair.theirs.model
    if "wls" in name:  # of the weighted sums of squares, about weighted means
        x, root = theirs.exog, np.sqrt(theirs.weights)
        for j in range(1, x.shape[1]):
            fit = sm.WLS(x[:, j], np.delete(x, j, axis=1), theirs.weights).fit()
            assert_allclose(found.iloc[j], 1 / (1 - fit.rsquared), rtol=SOLVED)
        rest = sm.OLS(root, np.delete(theirs.wexog, 0, axis=1)).fit()
        assert_allclose(found.iloc[0], root @ root / rest.ssr, rtol=SOLVED)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = [
                variance_inflation_factor(theirs.exog, j, standardize=False)
                for j in range(theirs.exog.shape[1])
            ]
        assert_allclose(found, wanted, rtol=SOLVED)
    assert list(found.index) == list(pair.ours.model.exog_names)
    assert len(pair.ours.passes) == before


@pytest.mark.parametrize("name", MODELS)
def test_proportions_by_the_rows(name: str) -> None:
    pair = make_pair(name)
    table = pair.ours.collinearity()
    x = pair.theirs.model.wexog
    scaled = x / np.linalg.norm(x, axis=0)
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    values, vectors = values[::-1], vectors[:, ::-1]
    assert_allclose(table["condition_index"], np.sqrt(values[0] / values), rtol=1e-8)  # squares
    phi = vectors**2 / values
    assert_allclose(table.iloc[:, 1:], (phi / phi.sum(axis=1)[:, None]).T, rtol=1e-6, atol=1e-9)
    assert_allclose(table.iloc[:, 1:].sum(), 1, rtol=SOLVED)


def test_published_indices() -> None:
    """Longley's data: Belsley, Kuh and Welsch's scaled condition number of 43,275."""
    frame = sm.datasets.longley.load_pandas().data
    res = smof.ols(
        "TOTEMP ~ GNPDEFL + GNP + UNEMP + ARMED + POP + YEAR", smo.as_source(frame, chunk_rows=7)
    ).fit()
    assert_allclose(res.collinearity()["condition_index"].iloc[-1], 43275.04, rtol=1e-6)
    assert_allclose(  # statsmodels' manual and R's car::vif
        res.vif().iloc[1:],
        [135.53244, 1788.51348, 33.61889, 3.58893, 399.15102, 758.98060],
        rtol=1e-5,
    )


def test_terms() -> None:
    res = make_pair("ols formula").ours  # y ~ a * b + C(g)
    table = res.gvif()
    x = pd.DataFrame(make_pair("ols formula").theirs.model.exog, columns=res.model.exog_names)
    corr = x.drop(columns="Intercept").corr()
    own = ["C(g)[T.v]", "C(g)[T.w]"]
    others = [name for name in corr if name not in own]
    det = np.linalg.det
    wanted = det(corr.loc[own, own]) * det(corr.loc[others, others]) / det(corr)
    assert_allclose(table.loc["C(g)", "gvif"], wanted, rtol=SOLVED)
    assert table.loc["C(g)", "df"] == 2
    assert_allclose(table.loc["C(g)"].iloc[2], wanted**0.25, rtol=SOLVED)
    assert_allclose(table.loc["a:b", "gvif"], res.vif()["a:b"], rtol=SOLVED)
    arrays = make_pair("ols arrays").ours
    assert_allclose(arrays.gvif()["gvif"], arrays.vif()[1:], rtol=SOLVED)


def test_columns_that_follow_from_others() -> None:
    frame = FRAME.assign(c=FRAME["a"] + 2, one_more=3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        res: Any = smof.ols("y ~ a + b + c", smo.as_source(frame, chunk_rows=CHUNK)).fit()
    assert_allclose(res.vif()[["Intercept", "a", "c"]], np.inf)
    x = np.column_stack((np.ones(len(frame)), frame[["a", "b"]]))
    assert_allclose(res.vif()["b"], variance_inflation_factor(x, 2), rtol=SOLVED)
    table = res.collinearity()
    assert np.isinf(table["condition_index"].iloc[-1])
    assert_allclose(table.iloc[-1][["Intercept", "a", "c"]], 1)
    assert table["b"].iloc[-1] == 0
    assert_allclose(table.iloc[:, 1:].sum(), 1)
    with pytest.raises(DesignError, match="the rank of the design is 3 of 4"):
        res.gvif()


def test_columns_far_from_zero() -> None:
    frame = FRAME.assign(far=FRAME["a"] + 1e9)
    near, far = (
        smof.ols(f"y ~ {name} + b", smo.as_source(frame, chunk_rows=1)).fit().vif()
        for name in ("a", "far")
    )
    assert_allclose(far.iloc[1:], near.iloc[1:], rtol=1e-6)  # of 1e9
