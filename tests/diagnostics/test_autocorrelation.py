"""Tests of lags against statsmodels' functions of the arrays."""

from __future__ import annotations

from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from covering import turns
from diagnostics.fits import CASES, WITHOUT_CONSTANT, arrays, assert_close, pair, passes
from models.pairs import FRAME
from statsmodels.stats import diagnostic as sd

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import diagnostics as dg
from statsmodels_ooc.errors import DesignError, RowOrderError

ALL = (*CASES, *WITHOUT_CONSTANT)
CHUNKS = (7, 1, 1000)  # rows
LAGS = (None, 1, 20)  # more than a chunk has rows


@pytest.mark.parametrize(("case", "lags", "chunk"), turns(CHUNKS, ALL, LAGS))
def test_breusch_godfrey(case: str, chunk: int, lags: int | None) -> None:
    both = pair(case, chunk)
    found = dg.acorr_breusch_godfrey(both.ours, lags, store=True)
    wanted = sd.acorr_breusch_godfrey(both.theirs, lags, store=True)
    assert_close(found[:4], wanted[:4])
    assert found.res_store.usedlag == wanted.res_store.usedlag
    assert_close(found.res_store.resols.rsquared, wanted.res_store.resols.rsquared)


@pytest.mark.parametrize(("case", "lags", "chunk"), turns(CHUNKS, ALL, LAGS))
def test_arch(case: str, chunk: int, lags: int | None) -> None:
    both = pair(case, chunk)
    wanted = sd.het_arch(both.theirs.resid, lags, ddof=2, result_object=True)
    assert_close(dg.het_arch(both.ours, lags, ddof=2, result_object=True)[:4], wanted[:4])


@pytest.mark.parametrize(
    ("case", "cov_type", "how"),
    turns(((7, None), (1, 4)), ALL, ("nonrobust", "HC0", "HC1", "HC2", "HC3")),
)
def test_lags(case: str, cov_type: str, how: tuple[int, int | None]) -> None:
    chunk, period = how
    both = pair(case, chunk)
    e, _ = arrays(both.theirs)
    options = {"cov_type": cov_type, "period": period, "result_object": True}
    assert_close(dg.acorr_lm(both.ours, **options)[:4], sd.acorr_lm(e, **options)[:4])


OPTIONS: list[dict[str, Any]] = [
    {},
    {"lags": 15, "model_df": 2},
    {"lags": [3, 30, 80]},
    {"period": 6},
    {"auto_lag": True},
]


@pytest.mark.parametrize(("case", "options", "chunk"), turns(CHUNKS, ALL, OPTIONS), ids=str)
def test_ljung_box(case: str, chunk: int, options: dict[str, Any]) -> None:
    both = pair(case, chunk)
    found = dg.acorr_ljungbox(both.ours, boxpierce=True, **options)
    wanted = sd.acorr_ljungbox(np.asarray(both.theirs.resid), boxpierce=True, **options)
    assert_close(found, wanted)
    assert list(found) == list(wanted)
    assert list(found.index) == list(wanted.index)
    assert list(dg.acorr_ljungbox(both.ours, **options)) == ["lb_stat", "lb_pvalue"]


def test_a_mean_far_from_zero_takes_no_digits() -> None:
    near = smof.ols("y ~ a", smo.as_source(FRAME, chunk_rows=7)).fit()
    far = smof.ols("I(y + 1e7) ~ a", smo.as_source(FRAME, chunk_rows=7)).fit()
    assert_close(dg.acorr_ljungbox(far), dg.acorr_ljungbox(near))
    without = smof.ols("I(y + 1e5) ~ 0 + I(a - a.mean())", FRAME.assign(a=FRAME["a"])).fit()
    chunks = smof.ols("I(y + 1e5) ~ 0 + center(a)", smo.as_source(FRAME, chunk_rows=7)).fit()
    assert_close(dg.acorr_ljungbox(chunks), dg.acorr_ljungbox(without))


TESTS: dict[str, Any] = {
    "acorr_breusch_godfrey": lambda res: dg.acorr_breusch_godfrey(res, result_object=True),
    "acorr_lm": lambda res: dg.acorr_lm(res, result_object=True),
    "het_arch": lambda res: dg.het_arch(res, result_object=True),
    "acorr_ljungbox": dg.acorr_ljungbox,
}


@pytest.mark.parametrize("name", TESTS)
def test_order_is_needed(name: str) -> None:
    fit = smof.ols("y ~ a", dd.from_pandas(FRAME, npartitions=3).clear_divisions()).fit()
    with passes(fit) as made, pytest.raises(RowOrderError, match=f"{name} needs rows in order"):
        TESTS[name](fit)
    assert made == []


@pytest.mark.parametrize("name", TESTS)
def test_one_pass_each(name: str) -> None:
    fit = smof.ols("y ~ a", smo.as_source(FRAME, chunk_rows=7)).fit()
    with passes(fit) as made:
        for _ in range(2):
            TESTS[name](fit)
    assert made == [name]


def test_a_robust_covariance_is_a_second_pass() -> None:
    fit = smof.ols("y ~ a", smo.as_source(FRAME, chunk_rows=7)).fit()
    with passes(fit) as made:
        for cov_type in ("HC0", "HC3", "nonrobust"):
            dg.acorr_lm(fit, cov_type=cov_type, result_object=True)
    assert made == ["acorr_lm"] * 2
    with pytest.raises(NotImplementedError, match="cov_type='HAC' needs the rows"):
        dg.acorr_lm(fit, cov_type="HAC", cov_kwds={"maxlags": 2})
    with pytest.raises(ValueError, match="takes no keywords"):
        dg.acorr_lm(fit, cov_type="HC0", cov_kwds={"maxlags": 2})


@pytest.mark.parametrize("name", [name for name in TESTS if name != "acorr_ljungbox"])
def test_the_plain_tuple_warns_as_in_statsmodels(name: str) -> None:
    with pytest.warns(FutureWarning, match=f"{name} currently returns a plain tuple"):
        assert len(getattr(dg, name)(pair("weights").ours)) == 4


@pytest.mark.parametrize("lags", [0, 60])
def test_lags_that_there_are_not(lags: int) -> None:
    fit = pair("weights").ours
    for test in (dg.acorr_breusch_godfrey, dg.acorr_lm, dg.het_arch):
        with pytest.raises(DesignError, match="lags of 101 rows"):
            test(fit, lags)
    with pytest.raises(DesignError, match="of 101 rows"):
        dg.acorr_ljungbox(fit, lags * 2)


def test_lags_of_all_rows_need_them_in_memory() -> None:
    fit = pair("weights").ours
    with smo.options.set(array_limit=100), pytest.raises(NotImplementedError, match="array_limit"):
        dg.acorr_ljungbox(fit, auto_lag=True)


@pytest.mark.parametrize(("rho", "n"), [(0.0, 60), (0.2, 80), (0.3, 80), (0.35, 120), (0.9, 200)])
@pytest.mark.parametrize("boxpierce", [False, True])
def test_lags_are_chosen_as_in_statsmodels(rho: float, n: int, boxpierce: bool) -> None:
    """On both sides of the threshold that tells white noise."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        e = rng.normal(size=n)
        for t in range(1, n):
            e[t] += rho * e[t - 1]
        frame = pd.DataFrame({"y": e, "x": rng.normal(size=n)})
        ours = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7)).fit()
        theirs = smf.ols("y ~ x", frame).fit()
        found = dg.acorr_ljungbox(ours, auto_lag=True, boxpierce=boxpierce)
        expected = sd.acorr_ljungbox(theirs.resid, auto_lag=True, boxpierce=boxpierce)
        pd.testing.assert_frame_equal(found, expected, rtol=1e-8, check_index_type=False)
