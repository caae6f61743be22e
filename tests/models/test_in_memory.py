"""Data in memory takes statsmodels' own road, untouched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.pairs import FRAME
from numpy.testing import assert_array_equal
from statsmodels.stats.diagnostic import het_breuschpagan, linear_reset
from statsmodels.stats.outliers_influence import variance_inflation_factor
from tolerances import EXACT

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

Y, X, W = FRAME["y"], sm.add_constant(FRAME[["a", "b"]]), FRAME["w"]

MODELS: dict[str, tuple[Any, Any]] = {
    "ols pandas": (smo.OLS(Y, X), sm.OLS(Y, X)),
    "ols numpy": (smo.OLS(Y.to_numpy(), X.to_numpy()), sm.OLS(Y.to_numpy(), X.to_numpy())),
    "ols lists": (smo.OLS([1.0, 2, 4], [[1, 2], [1, 3], [1, 5]]),
                  sm.OLS([1.0, 2, 4], [[1, 2], [1, 3], [1, 5]])),
    "wls pandas": (smo.WLS(Y, X, W), sm.WLS(Y, X, W)),
    "wls scalar": (smo.WLS(Y, X, 2.0), sm.WLS(Y, X, 2.0)),
    "ols formula": (smof.ols("y ~ a + C(g)", FRAME), smf.ols("y ~ a + C(g)", FRAME)),
    "wls formula": (smof.wls("y ~ m", FRAME, weights=W), smf.wls("y ~ m", FRAME, weights=W)),
}  # fmt: skip


@pytest.fixture(params=MODELS)
def models(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return MODELS[request.param]


def text(results: Any) -> list[str]:
    lines = results.summary().as_text().splitlines()
    return [line for line in lines if not line.startswith(("Date:", "Time:"))]


@pytest.mark.filterwarnings("ignore:omni_normtest:UserWarning")
def test_the_summary_is_the_same(models: tuple[Any, Any]) -> None:
    if models[1].nobs < 8:
        pytest.skip("too few rows for a summary")
    ours, theirs = (model.fit() for model in models)
    assert text(ours) == text(theirs)


def test_the_types_are_the_same(models: tuple[Any, Any]) -> None:
    ours, theirs = (model.fit() for model in models)
    assert type(ours) is type(theirs)
    assert type(ours._results) is type(theirs._results)
    for name in ("params", "resid", "fittedvalues"):
        assert type(getattr(ours, name)) is type(getattr(theirs, name))


def test_the_bits_are_the_same(models: tuple[Any, Any]) -> None:
    ours, theirs = (model.fit() for model in models)
    for name in ("params", "bse", "resid"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_attributes_of_the_model(models: tuple[Any, Any]) -> None:
    ours, theirs = models
    for name in ("exog", "endog", "weights", "nobs", "k_constant", "df_resid", "wexog", "rank"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert ours._init_keys == theirs._init_keys


def test_clones_work(models: tuple[Any, Any]) -> None:
    ours, theirs = models
    clone = ours.__class__(ours.endog, ours.exog[:, :1], **ours._get_init_kwds())
    other = theirs.__class__(theirs.endog, theirs.exog[:, :1], **theirs._get_init_kwds())
    assert_array_equal(clone.fit().params, other.fit().params)


CALLS: dict[str, Callable[[Any], Any]] = {
    "linear_reset": lambda m: linear_reset(m.fit(), use_f=True).pvalue,
    "het_breuschpagan": lambda m: het_breuschpagan(m.fit().resid, m.exog)[0],
    "variance_inflation_factor": lambda m: variance_inflation_factor(m.exog, 1),
    "influence": lambda m: m.fit().get_influence().cooks_distance[0],
    "cluster": lambda m: m.fit(cov_type="cluster", cov_kwds={"groups": FRAME["a"] > 0}).bse,
    "regularized": lambda m: m.fit_regularized(alpha=0.1).params,
    "refit": lambda m: m.fit_regularized(alpha=0.1, refit=True).params,
    "score": lambda m: m.score(np.ones(3)),
    "hessian": lambda m: m.hessian(np.ones(3)),
    "hessian_factor": lambda m: m.hessian_factor(np.ones(3)),
    "loglike": lambda m: m.loglike(np.ones(3)),
    "qr": lambda m: m.fit(method="qr").params,
    "predict": lambda m: m.predict(np.ones(3)),
    "distribution": lambda m: m.get_distribution(np.ones(3), 1.0).mean(),
    "whiten": lambda m: m.whiten(np.ones(101)),
    "outlier_test": lambda m: m.fit().outlier_test(),
}


@pytest.mark.parametrize("name", CALLS)
def test_functions_of_statsmodels(name: str) -> None:
    ours, theirs = MODELS["ols pandas"]
    np.testing.assert_allclose(CALLS[name](ours), CALLS[name](theirs), rtol=EXACT)


def test_weights_may_be_named() -> None:
    for weights in ("w", "np.sqrt(w)"):
        ours = smof.wls("y ~ a", FRAME, weights=weights).fit()
        chunked = smof.wls("y ~ a", smo.as_source(FRAME), weights=weights).fit()
        np.testing.assert_allclose(ours.params, chunked.params, rtol=1e-12)


def test_names_of_the_callers_scope() -> None:
    half = 0.5
    ours = smof.ols("y ~ I(a * half)", FRAME).fit()
    pd.testing.assert_series_equal(ours.params, smf.ols("y ~ I(a * half)", FRAME).fit().params)
    del half


def test_there_are_no_passes_and_nothing_dropped() -> None:
    ours = MODELS["ols pandas"][0]
    assert (ours.passes, ours.dropped) == ([], {})


def test_method_auto_is_pinv() -> None:
    ours, theirs = MODELS["ols pandas"]
    assert_array_equal(ours.fit(method="auto").params, theirs.fit().params)


def test_which_rows_were_used_and_what_is_lazy() -> None:
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, np.nan, 7.0], "x": [0.0, 1.0, 2.0, 3.0, 5.0]})
    model = smo.OLS.from_formula("y ~ x", data)
    assert list(model.row_labels) == [0, 1, 2, 4]
    assert model.dropped_rows == [3]
    with pytest.raises(AttributeError, match=r"data are in memory.*ask without 'lazy'"):
        _ = model.lazy.exog
