"""Tests of hypotheses, predictions and tables: statsmodels' own code on our results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from models.pairs import CHUNK, FRAME, Pair, formula_pair, shared_pair
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal
from statsmodels.stats.anova import anova_lm
from tolerances import SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError

TESTS: dict[str, Callable[[Any], Any]] = {
    "t_test": lambda r: r.t_test("a = 1"),
    "t_test, two rows": lambda r: r.t_test("a = 1, C(g)[T.v] = C(g)[T.w]"),
    "t_test, array": lambda r: r.t_test(np.eye(len(r.params))),
    "f_test": lambda r: r.f_test("C(g)[T.v] = C(g)[T.w] = 0"),
    "wald_test chi2": lambda r: r.wald_test("a = 0", use_f=False, scalar=True),
    "wald_test F": lambda r: r.wald_test("a = 0", use_f=True, scalar=True),
}


@pytest.mark.parametrize("name", TESTS)
def test_statistic_of_a_test(formulas: Pair, name: str) -> None:
    ours, theirs = TESTS[name](formulas.ours), TESTS[name](formulas.theirs)
    assert_allclose(ours.statistic, theirs.statistic, rtol=SOLVED)


@pytest.mark.parametrize("name", TESTS)
def test_pvalue_of_a_test(formulas: Pair, name: str) -> None:
    ours, theirs = TESTS[name](formulas.ours), TESTS[name](formulas.theirs)
    assert_allclose(ours.pvalue, theirs.pvalue, rtol=TAILS)


@pytest.mark.parametrize("scalar", [True, False])
def test_wald_test_terms(formulas: Pair, scalar: bool) -> None:
    ours, theirs = (
        r.wald_test_terms(scalar=scalar).table for r in (formulas.ours, formulas.theirs)
    )
    assert list(ours.index) == list(theirs.index)
    for name in theirs:
        assert_allclose(
            ours[name].map(np.squeeze).astype(float),
            theirs[name].map(np.squeeze).astype(float),
            rtol=TAILS,
        )


def test_t_test_pairwise(formulas: Pair) -> None:
    ours, theirs = (
        r.t_test_pairwise("C(g)").result_frame for r in (formulas.ours, formulas.theirs)
    )
    assert_frame_equal(ours, theirs, rtol=TAILS)


# --- nested models


@pytest.fixture(params=[None, "w"], ids=["ols", "wls"])
def nested(request: pytest.FixtureRequest) -> tuple[Pair, Pair]:
    full = shared_pair("y ~ a * b + C(g)", request.param)
    return full, shared_pair("y ~ b + a", request.param)


@pytest.mark.parametrize("name", ["compare_f_test", "compare_lr_test"])
def test_compare(nested: tuple[Pair, Pair], name: str) -> None:
    full, small = nested
    ours = getattr(full.ours, name)(small.ours)
    theirs = getattr(full.theirs, name)(small.theirs)
    assert_allclose(ours, theirs, rtol=TAILS)


# The wrapper of statsmodels hands its own test a Series, which pandas 3 does not index
# with None, so theirs are taken without it.
LM = [{}, {"demean": False}, {"use_lr": True}]


@pytest.mark.parametrize("kwargs", LM, ids=str)
@pytest.mark.parametrize("cov_type", ["nonrobust", "HC0", "HC3"])
@pytest.mark.parametrize("weights", [None, "w"], ids=["ols", "wls"])
def test_compare_lm_test(weights: str | None, cov_type: str, kwargs: dict[str, bool]) -> None:
    full = shared_pair("y ~ a * b + C(g)", weights, cov_type=cov_type)
    small = shared_pair("y ~ b + a", weights, cov_type=cov_type)
    ours = full.ours.compare_lm_test(small.ours, **kwargs)
    theirs = full.theirs._results.compare_lm_test(small.theirs._results, **kwargs)
    assert_allclose(ours, theirs, rtol=TAILS)


def test_compare_lr_test_of_a_large_sample(nested: tuple[Pair, Pair]) -> None:
    full, small = nested
    ours = full.ours.compare_lr_test(small.ours, large_sample=True)
    theirs = full.theirs._results.compare_lr_test(small.theirs._results, large_sample=True)
    assert type(ours) is type(theirs)
    assert_allclose(ours, theirs, rtol=TAILS)


def test_compare_lm_test_of_one_more_pass_when_robust() -> None:
    full = formula_pair("y ~ a * b + C(g)", cov_type="HC0").ours
    small = formula_pair("y ~ b + a").ours
    before = len(full.passes)
    full.compare_lm_test(small)
    assert [record.name for record in full.passes[before:]] == ["robust covariance"]


@pytest.mark.parametrize("formula", ["y ~ h", "np.log(y + 99) ~ a", "y ~ a * b + C(g) + h"])
def test_a_model_that_is_not_nested_is_refused(formula: str) -> None:
    full = shared_pair("y ~ a * b + C(g)").ours
    with pytest.raises(ValueError, match="not nested"):
        full.compare_lm_test(shared_pair(formula).ours)


def test_columns_of_one_name_and_other_values_are_not_nested() -> None:
    full = shared_pair("y ~ a * b + C(g)").ours
    other = FRAME.assign(a=FRAME["a"] ** 2)
    small = smof.ols("y ~ a", smo.as_source(other, chunk_rows=CHUNK)).fit()
    with pytest.raises(ValueError, match="not nested"):
        full.compare_lm_test(small)


def test_a_restricted_model_in_memory_is_refused() -> None:
    full = shared_pair("y ~ a * b + C(g)").ours
    with pytest.raises(NotImplementedError, match="in memory"):
        full.compare_lm_test(smf.ols("y ~ a", FRAME).fit())


# --- analysis of variance


@pytest.mark.parametrize("robust", [None, "hc0", "hc3"])
@pytest.mark.parametrize("typ", [1, 2, 3])
def test_anova(typ: int, robust: str | None) -> None:
    pair = shared_pair("y ~ a * b + C(g)")
    if typ == 1 and robust:
        pytest.skip("type 1 has no robust table in statsmodels")
    ours = anova_lm(pair.ours, typ=typ, robust=robust)
    theirs = anova_lm(pair.theirs, typ=typ, robust=robust)
    assert_frame_equal(ours, theirs, rtol=TAILS)


def test_anova_of_two_models(nested: tuple[Pair, Pair]) -> None:
    full, small = nested
    ours, theirs = anova_lm(small.ours, full.ours), anova_lm(small.theirs, full.theirs)
    assert_frame_equal(ours, theirs, rtol=TAILS)


# --- new data

NEW = pd.DataFrame(
    {"a": [0.1, -1.0, 2.0], "b": [1.0, 4.0, 2.0], "g": ["w", "u", "u"], "h": ["p", "q", "q"]},
    index=[7, 3, 5],
)


def test_predict(formulas: Pair) -> None:
    ours, theirs = formulas.ours.predict(NEW), formulas.theirs.predict(NEW)
    pd.testing.assert_series_equal(ours, theirs, rtol=SOLVED)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_prediction_frame(formulas: Pair, alpha: float) -> None:
    ours, theirs = (
        r.get_prediction(NEW).summary_frame(alpha=alpha) for r in (formulas.ours, formulas.theirs)
    )
    assert_frame_equal(ours, theirs, rtol=SOLVED)


def test_prediction_with_weights(formulas: Pair) -> None:
    ours, theirs = (
        r.get_prediction(NEW, weights=np.array([1.0, 2.0, 3.0])).summary_frame()
        for r in (formulas.ours, formulas.theirs)
    )
    assert_frame_equal(ours, theirs, rtol=SOLVED)


def test_prediction_of_the_data(pair: Pair) -> None:
    ours, theirs = (r.get_prediction().summary_frame() for r in (pair.ours, pair.theirs))
    assert_allclose(ours, theirs, rtol=SOLVED)


def test_predict_from_columns_of_the_design(formulas: Pair) -> None:
    exog = np.asarray(formulas.theirs.model.exog)[:4]
    ours, theirs = (r.predict(exog, transform=False) for r in (formulas.ours, formulas.theirs))
    assert_allclose(ours, theirs, rtol=SOLVED)


def test_distribution_of_new_data(formulas: Pair) -> None:
    exog = np.asarray(formulas.theirs.model.exog)[:4]
    ours, theirs = (
        r.model.get_distribution(np.asarray(r.params), r.scale, exog).mean()
        for r in (formulas.ours, formulas.theirs)
    )
    assert_allclose(ours, theirs, rtol=SOLVED)


def test_models_of_different_rows_are_not_compared() -> None:
    """A variable of the larger model is missing in some rows."""
    data = smo.as_source(FRAME, chunk_rows=7)
    full, small = smof.ols("y ~ b + m", data).fit(), smof.ols("y ~ b", data).fit()
    assert full.nobs < small.nobs
    for compare in (full.compare_f_test, full.compare_lr_test):
        with pytest.raises(DesignError, match="only models of the same rows"):
            compare(small)
    with pytest.raises(DesignError, match="only models of the same rows"):
        smo.anova_lm(small, full)
    same = smof.ols("y ~ b", data, subset="m.notna()").fit()
    assert full.compare_f_test(same)[2] == 1


def test_models_that_are_not_nested_are_not_compared() -> None:
    data = smo.as_source(FRAME, chunk_rows=7)
    other = smo.as_source(FRAME.assign(y=FRAME["y"] + 1), chunk_rows=7)
    full, small = smof.ols("y ~ b", data).fit(), smof.ols("y ~ 1", data).fit()
    turned = smof.ols("y ~ 1", smo.as_source(FRAME.assign(y=FRAME["y"].abs()), chunk_rows=7)).fit()
    elsewhere, weighted = smof.ols("y ~ 1", other).fit(), smof.wls("y ~ 1", data, weights="w").fit()
    for compare in ("compare_f_test", "compare_lr_test"):
        for restricted in (elsewhere, weighted, turned):  # of which only the mean differs
            with pytest.raises(DesignError, match="of different responses or weights"):
                getattr(full, compare)(restricted)
        with pytest.raises(DesignError, match="no fewer parameters"):
            getattr(small, compare)(full)
    with pytest.raises(DesignError, match="of different responses or weights"):
        smo.anova_lm(elsewhere, full)


def test_a_smaller_model_that_fits_better_is_not_nested() -> None:
    frame = pd.DataFrame({"a": [0.0, 1, 2, 3, 4, 5], "b": [1.0, 0, 0, 1, 0, 1]})
    frame["y"] = frame["a"] + 0.1 * frame["b"]
    data = smo.as_source(frame.assign(c=[0.0, 1, 0, 1, 1, 0]), chunk_rows=2)
    full, small = smof.ols("y ~ b + c", data).fit(), smof.ols("y ~ a", data).fit()
    with pytest.raises(DesignError, match="not nested: its sum of squared residuals is smaller"):
        full.compare_f_test(small)
