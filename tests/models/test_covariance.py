"""Robust and fixed covariances against statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from models.pairs import FRAME, Pair, formula_pair, shared_pair
from numpy.testing import assert_allclose
from tolerances import SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

KINDS = ["HC0", "HC1", "HC2", "HC3"]
FITS: dict[str, dict[str, Any]] = {
    **{kind: {"cov_type": kind} for kind in KINDS},
    "HC3, use_t": {"cov_type": "HC3", "use_t": True},
    "HC1, use_t keyword": {"cov_type": "HC1", "cov_kwds": {"use_t": True}},
    "nonrobust, no t": {"use_t": False},
    "fixed scale": {"cov_type": "fixed scale"},
    "fixed scale 2": {"cov_type": "fixed scale", "cov_kwds": {"scale": 2.0}},
}


@pytest.mark.parametrize("kind", KINDS)
def test_matrix(pair: Pair, kind: str) -> None:
    ours, theirs = getattr(pair.ours, f"cov_{kind}"), getattr(pair.theirs, f"cov_{kind}")
    assert_allclose(ours, theirs, rtol=SOLVED, atol=SOLVED * np.abs(theirs).max())


@pytest.mark.parametrize("kind", KINDS)
def test_standard_errors(pair: Pair, kind: str) -> None:
    assert_allclose(
        getattr(pair.ours, f"{kind}_se"), getattr(pair.theirs, f"{kind}_se"), rtol=SOLVED
    )


@pytest.fixture(params=FITS)
def robust(request: pytest.FixtureRequest) -> Pair:
    return shared_pair("y ~ a * b + C(g)", "w", **FITS[request.param])


@pytest.mark.parametrize("name", ["bse", "tvalues", "fvalue", "scale", "cov_params_default"])
def test_fit_with(robust: Pair, name: str) -> None:
    if name == "cov_params_default" and robust.theirs.cov_type == "nonrobust":
        pytest.skip("nonrobust results have none")
    assert_allclose(
        getattr(robust.ours, name), getattr(robust.theirs, name), rtol=SOLVED, atol=1e-14
    )


@pytest.mark.parametrize("name", ["pvalues", "f_pvalue"])
def test_tails_with(robust: Pair, name: str) -> None:
    assert_allclose(getattr(robust.ours, name), getattr(robust.theirs, name), rtol=TAILS)


@pytest.mark.parametrize("name", ["cov_type", "cov_kwds", "use_t"])
def test_word_of(robust: Pair, name: str) -> None:
    assert getattr(robust.ours, name) == getattr(robust.theirs, name)


def test_intervals_with(robust: Pair) -> None:
    assert_allclose(robust.ours.conf_int(), robust.theirs.conf_int(), rtol=SOLVED)


@pytest.mark.parametrize("kwargs", [{}, {"use_t": False}, {"use_t": True}], ids=str)
@pytest.mark.parametrize("kind", [*KINDS, "hc3", "fixed scale"])
@pytest.mark.parametrize("start", ["nonrobust", "HC0"])
def test_get_robustcov_results(start: str, kind: str, kwargs: dict[str, bool]) -> None:
    pair = shared_pair("y ~ a * b + C(g)", cov_type=start)
    ours = pair.ours.get_robustcov_results(kind, **kwargs)
    theirs = pair.theirs.get_robustcov_results(kind, **kwargs)
    assert ours.use_t == theirs.use_t
    assert_allclose(ours.conf_int(), theirs.conf_int(), rtol=SOLVED)
    assert_allclose(ours.fvalue, theirs.fvalue, rtol=SOLVED)


def test_the_caller_keeps_his_keywords() -> None:
    keywords = {"use_t": True}
    formula_pair("y ~ a").ours.model.fit(cov_type="HC1", cov_kwds=keywords)
    assert keywords == {"use_t": True}


def test_all_robust_covariances_take_one_pass() -> None:
    ours = formula_pair("y ~ a").ours
    before = len(ours.passes)
    for kind in KINDS:
        getattr(ours, f"cov_{kind}")
        ours.get_robustcov_results(kind)
    assert [record.name for record in ours.passes[before:]] == ["robust covariance"]


def test_hc_with_keywords_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no keyword 'maxlags'"):
        formula_pair("y ~ a").ours.get_robustcov_results("HC1", maxlags=3)


def test_a_kind_that_does_not_exist_is_no_missing_feature() -> None:
    with pytest.raises(ValueError, match="HC9"):
        formula_pair("y ~ a").ours.get_robustcov_results("HC9")


def test_the_robust_pass_takes_the_summary_s_along() -> None:
    res = smof.ols("y ~ a + b", smo.as_source(FRAME, chunk_rows=7)).fit(cov_type="HC1")
    res.summary()
    assert [record.name for record in res.passes] == ["fit", "robust covariance"]


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("kind", KINDS)
def test_adjusted_squared_residuals(kind: str, weights: str | None) -> None:
    pair = formula_pair("y ~ a * b + C(g)", weights)
    with pytest.raises(AttributeError, match="HC0 to HC3"):
        _ = pair.ours.het_scale
    for other in KINDS:  # the last that was asked for counts
        getattr(pair.ours, f"cov_{other}")
    assert_allclose(pair.ours.get_robustcov_results(kind).het_scale, squares(pair.theirs, kind))
    getattr(pair.ours, f"{kind}_se"), getattr(pair.theirs, f"{kind}_se")
    assert_allclose(pair.ours.het_scale, pair.theirs.het_scale, rtol=SOLVED)


def squares(fitted: Any, kind: str) -> Any:
    getattr(fitted, f"cov_{kind}")
    return fitted.het_scale


def test_whitening_takes_values_beside_the_rows() -> None:
    pair = formula_pair("y ~ a + b", "w")
    for x in (FRAME["a"].to_numpy(), FRAME[["a", "b"]].to_numpy()):
        assert_allclose(pair.ours.model.whiten(x), pair.theirs.model.whiten(x), rtol=1e-15)


@pytest.mark.filterwarnings("ignore:.*leverage one")
@pytest.mark.parametrize("kind", ["HC2", "HC3"])
def test_a_row_of_leverage_one_has_no_adjusted_residual(kind: str) -> None:
    """Rounding over rounding would stand there."""
    frame = FRAME.assign(only=(FRAME.index == 33) * 1.0)
    res = smof.ols("y ~ a + only", smo.as_source(frame, chunk_rows=7)).fit()
    found = np.asarray(res.get_robustcov_results(kind).het_scale)
    assert np.flatnonzero(np.isnan(found)).tolist() == [33]
