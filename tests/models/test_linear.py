"""OLS and WLS in pieces against statsmodels in memory: what the fit alone can answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from models.pairs import Pair
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal, assert_series_equal
from statsmodels.regression import linear_model as lm
from statsmodels.tools.sm_exceptions import ValueWarning
from tolerances import EXACT, SOLVED, SUMS, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof


def assert_same(ours: Any, theirs: Any, rtol: float = SOLVED) -> None:
    """The same type, names and numbers; what is zero but for rounding counts as zero."""
    if isinstance(theirs, pd.Series):
        assert_series_equal(ours, theirs, rtol=rtol, atol=rtol)
    elif isinstance(theirs, pd.DataFrame):
        assert_frame_equal(ours, theirs, rtol=rtol, atol=rtol)
    else:
        assert np.shape(ours) == np.shape(theirs)
        assert not hasattr(ours, "index")
        assert_allclose(ours, theirs, rtol=rtol, atol=rtol)


STATISTICS: dict[str, Callable[[Any], Any]] = {
    "params": lambda r: r.params,
    "bse": lambda r: r.bse,
    "tvalues": lambda r: r.tvalues,
    "conf_int": lambda r: r.conf_int(),
    "conf_int 90 %": lambda r: r.conf_int(alpha=0.1),
    "cov_params": lambda r: r.cov_params(),
    "normalized_cov_params": lambda r: r.normalized_cov_params,
    "rsquared": lambda r: r.rsquared,
    "rsquared_adj": lambda r: r.rsquared_adj,
    "llf": lambda r: r.llf,
    "aic": lambda r: r.aic,
    "bic": lambda r: r.bic,
    "aicc": lambda r: r.info_criteria("aicc"),
    "hqic": lambda r: r.info_criteria("hqic"),
    "aic, one more parameter": lambda r: r.info_criteria("aic", dk_params=1),
    "ess": lambda r: r.ess,
    "ssr": lambda r: r.ssr,
    "mse_model": lambda r: r.mse_model,
    "mse_resid": lambda r: r.mse_resid,
    "mse_total": lambda r: r.mse_total,
    "centered_tss": lambda r: r.centered_tss,
    "uncentered_tss": lambda r: r.uncentered_tss,
    "scale": lambda r: r.scale,
    "eigenvals": lambda r: r.eigenvals,
    "condition_number": lambda r: r.condition_number,
    "loglike": lambda r: r.model.loglike(np.asarray(r.params) + 0.1),
}
COUNTS: dict[str, Callable[[Any], Any]] = {
    "nobs": lambda r: r.nobs,
    "df_model": lambda r: r.df_model,
    "df_resid": lambda r: r.df_resid,
    "k_constant": lambda r: r.k_constant,
    "model.k_constant": lambda r: r.model.k_constant,
    "const_idx": lambda r: r.model.data.const_idx,
    "rank": lambda r: r.model.rank,
    "use_t": lambda r: r.use_t,
    "cov_type": lambda r: r.cov_type,
    "cov_kwds": lambda r: r.cov_kwds,
    "endog_names": lambda r: r.model.endog_names,
    "exog_names": lambda r: r.model.exog_names,
    "exog shape": lambda r: r.model.exog.shape,
    "exog dimensions": lambda r: r.model.exog.ndim,
    "endog shape": lambda r: r.model.endog.shape,
    "weights shape": lambda r: r.model.weights.shape,
    "wexog shape": lambda r: r.model.wexog.shape,
    "data names": lambda r: (r.model.data.xnames, r.model.data.ynames, r.model.data.param_names),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_statistic(pair: Pair, name: str) -> None:
    assert_same(STATISTICS[name](pair.ours), STATISTICS[name](pair.theirs))


@pytest.mark.parametrize("name", ["pvalues", "f_pvalue"])
def test_tail(pair: Pair, name: str) -> None:
    ours, theirs = getattr(pair.ours, name), getattr(pair.theirs, name)
    assert_allclose(ours, theirs, rtol=TAILS)


def test_fvalue(pair: Pair) -> None:
    if pair.theirs.df_model == 0:
        pytest.skip("no slopes, no F")
    assert_allclose(pair.ours.fvalue, pair.theirs.fvalue, rtol=SOLVED)


@pytest.mark.parametrize("name", COUNTS)
def test_count(pair: Pair, name: str) -> None:
    ours, theirs = COUNTS[name](pair.ours), COUNTS[name](pair.theirs)
    assert ours == theirs
    assert type(ours) is type(theirs) or name in ("rank", "df_resid")  # np.int64 there


def test_effects_are_those_of_qr(pair: Pair) -> None:
    theirs = pair.theirs.model.fit(method="qr").model.effects
    # Their signs are those of the triangular factor, which has no sign of its own.
    assert_allclose(np.abs(pair.ours.effects), np.abs(theirs), rtol=SOLVED, atol=SOLVED)


def test_results_are_instances_of_both(pair: Pair) -> None:
    kind = lm.OLSResults if isinstance(pair.theirs._results, lm.OLSResults) else None
    assert isinstance(pair.ours, kind or lm.RegressionResults)
    assert isinstance(pair.ours, lm.RegressionResultsWrapper)
    assert isinstance(pair.ours._results, type(pair.theirs._results))
    assert isinstance(pair.ours.model, type(pair.theirs.model))
    if kind is None:
        assert not isinstance(pair.ours, lm.OLSResults)
    else:
        assert isinstance(pair.ours.model, sm.OLS)


# --- the likelihood of OLS


@pytest.mark.parametrize("scale", [None, 1.7])
@pytest.mark.parametrize("function", ["loglike", "score", "hessian"])
@pytest.mark.parametrize("away", [0.0, 0.3])
def test_likelihood(ols: Pair, function: str, scale: float | None, away: float) -> None:
    params = np.asarray(ols.theirs.params) + away
    ours = getattr(ols.ours.model, function)(params, scale=scale)
    theirs = getattr(ols.theirs.model, function)(params, scale=scale)
    # At the maximum the score is rounding: what of it counts is against the Hessian.
    size = np.abs(ols.theirs.model.hessian(params, scale=scale)).max()
    assert_allclose(ours, theirs, rtol=SOLVED, atol=SUMS * size)


def test_information_is_not_built_by_statsmodels_either(ols: Pair) -> None:
    for results in (ols.ours, ols.theirs):
        with pytest.raises(NotImplementedError):
            results.model.information(results.params)


# --- R² next to one


@pytest.mark.parametrize("noise", [1e-3, 1e-7])
def test_ssr_keeps_its_digits_where_r2_is_one(noise: float) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=200)})
    frame["y"] = 1 + frame["x"] + noise * rng.normal(size=200)
    res = smo.OLS.from_formula("y ~ x", smo.as_source(frame, chunk_rows=7)).fit()
    x = np.column_stack((np.ones(200), frame["x"])).astype(np.longdouble)
    e = frame["y"].to_numpy().astype(np.longdouble)
    for column in (x[:, 0], x[:, 1] - x[:, 1].mean()):
        e = e - column * (column @ e) / (column @ column)
    # The response is rounded to eps, which is eps / noise of a residual.
    assert_allclose(res.ssr, float(e @ e), rtol=max(EXACT, 100 * 2.2e-16 / noise))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"covtype": "HC1"}, r"unknown kwargs \['covtype'\]; did you mean cov_type=\?"),
        ({"cov_type": "HC1", "maxlags": 3}, r"\['maxlags'\]; keywords .* belong in cov_kwds"),
    ],
)
@pytest.mark.parametrize("kind", ["ols", "wls"])
def test_keywords_of_fit_that_mean_nothing_are_told(
    kind: str, given: dict[str, Any], words: str
) -> None:
    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 2.0, 5.0]})
    model = getattr(smof, kind)("y ~ x", smo.as_source(frame))
    model.fit(disp=0)
    with pytest.warns(ValueWarning, match=words):
        model.fit(**given)


def test_results_say_what_they_are() -> None:
    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 2.0, 5.0]})
    res = smof.ols("y ~ x", smo.as_source(frame)).fit(cov_type="HC1")
    told = "<OLSResults of 'y' on 2 columns, 4 rows, HC1 standard errors: DataFrame>"
    assert repr(res) == told
    res.remove_data()
    assert repr(res) == told
