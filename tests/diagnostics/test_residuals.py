"""Breaks, normality and collinearity against statsmodels' functions."""

from __future__ import annotations

from typing import Any

import dask.dataframe as dd
import numpy as np
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from diagnostics.fits import CASES, WITHOUT_CONSTANT, arrays, assert_close, pair, passes
from models.pairs import FRAME
from statsmodels.stats import diagnostic as sd
from statsmodels.stats import stattools
from statsmodels.stats.outliers_influence import variance_inflation_factor
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import diagnostics as dg
from statsmodels_ooc.errors import RowOrderError

ALL = CASES | WITHOUT_CONSTANT
each = pytest.mark.parametrize("case", ALL)
chunked = pytest.mark.parametrize("chunk", [7, 1, 1000])


@each
@chunked
@pytest.mark.parametrize("ddof", [0, 3])
def test_cumulated_residuals(case: str, chunk: int, ddof: int) -> None:
    both = pair(case, chunk)
    found = dg.breaks_cusumolsresid(both.ours, ddof)
    wanted = sd.breaks_cusumolsresid(np.asarray(both.theirs.resid), ddof)
    assert_close(found[:2], wanted[:2])
    assert found[2] == wanted[2]


@each
@chunked
def test_hansen(case: str, chunk: int) -> None:
    both = pair(case, chunk)
    found, crit = dg.breaks_hansen(both.ours)
    if case == "leverage one":  # the scores of its coefficient are zero
        wanted = weighted_hansen(both.theirs, 2)
    elif ALL[case][1] is None:
        wanted, table = sd.breaks_hansen(both.theirs)
        np.testing.assert_array_equal(crit, table)
    else:
        wanted = weighted_hansen(both.theirs)
    assert_close(found, wanted, 1e-6 if case == "far from zero" else 1e-8)


def weighted_hansen(theirs: Any, columns: int | None = None) -> float:
    e, exog = arrays(theirs)
    exog = exog[:, :columns]
    scores = e * theirs.model.weights
    squares = scores * e
    rows = np.column_stack((exog * scores[:, None], squares - squares.mean()))
    paths = rows.cumsum(axis=0)
    return float(np.trace(np.linalg.solve(len(e) * rows.T @ rows, paths.T @ paths)))


def test_hansen_of_a_short_rank_is_that_of_what_it_determines() -> None:
    source = smo.as_source(FRAME, chunk_rows=7)
    with pytest.warns(SingularMatrixWarning, match="rank-deficient"):
        short = smof.ols("y ~ a + I(2 * a) + b", source).fit()
    assert_close(
        dg.breaks_hansen(short)[0], dg.breaks_hansen(smof.ols("y ~ a + b", source).fit())[0]
    )


@each
@chunked
def test_summary_tests(case: str, chunk: int) -> None:
    both = pair(case, chunk)
    e = np.asarray(both.theirs.wresid)
    rtol = 1e-7 if case == "far from zero" else 1e-8
    assert_close(dg.durbin_watson(both.ours), stattools.durbin_watson(e), rtol)
    assert_close(dg.jarque_bera(both.ours), stattools.jarque_bera(e), rtol)
    assert_close(dg.omni_normtest(both.ours), tuple(stattools.omni_normtest(e)), rtol)


def test_summary_tests_share_the_pass_of_the_summary() -> None:
    fit = smof.ols("y ~ a", smo.as_source(FRAME, chunk_rows=7)).fit()
    with passes(fit) as made:
        dg.durbin_watson(fit)
        dg.jarque_bera(fit)
        dg.omni_normtest(fit)
        fit.summary()
    assert made == ["residual tests"]


MORE: dict[str, str] = {"constant last": "y ~ 0 + a + b + I(a * 0 + 1.0)", "one": "y ~ 0 + b"}


@pytest.mark.parametrize("case", [*ALL, "constant last"])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.filterwarnings("ignore:The design matrix is poorly conditioned")
@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.SingularMatrixWarning")
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_variance_inflation(case: str, standardize: bool) -> None:
    if case in ALL:
        both = pair(case)
        ours, exog = both.ours, np.asarray(both.theirs.model.exog)
    else:
        ours = smof.ols(MORE[case], smo.as_source(FRAME, chunk_rows=7)).fit()
        exog = smf.ols(MORE[case], FRAME).fit().model.exog
    found = dg.variance_inflation_factor(ours, standardize=standardize)
    wanted = [
        variance_inflation_factor(exog, j, standardize=standardize) for j in range(exog.shape[1])
    ]
    assert list(found.index) == ours.model.exog_names
    assert_close(found, wanted, 1e-6 if case == "far from zero" else 1e-8)
    assert dg.variance_inflation_factor(ours, 1, standardize=standardize) == found.iloc[1]


def test_variance_inflation_of_one_column_is_one() -> None:
    fit = smof.ols(MORE["one"], smo.as_source(FRAME, chunk_rows=7)).fit()
    assert dg.variance_inflation_factor(fit).tolist() == [1.0]


def test_variance_inflation_of_columns_that_follow_from_others() -> None:
    with pytest.warns(SingularMatrixWarning, match="rank-deficient"):
        fit = smof.ols("y ~ a + b + I(a - b)", smo.as_source(FRAME, chunk_rows=7)).fit()
    found = dg.variance_inflation_factor(fit)
    assert found.iloc[0] == 1.0
    assert (found.iloc[1:] > 1e14).all()


def test_variance_inflation_takes_a_pass_where_the_fit_does_not_tell() -> None:
    source = smo.as_source(FRAME, chunk_rows=7)
    glm = smof.glm("y ~ a + b", source, family=sm.families.Gaussian()).fit()
    fits = {
        smof.ols("y ~ a + b", source).fit(): 0,
        smof.wls("y ~ a + b", source, weights="w").fit(): 1,
        smof.ols("y ~ 0 + a + b", source).fit(): 1,
        glm: 1,
    }
    for fit, count in fits.items():
        with passes(fit) as made:
            for standardize in (True, False):
                dg.variance_inflation_factor(fit, standardize=standardize)
        assert made == ["variance_inflation_factor"] * count
    exog = smf.ols("y ~ a + b", FRAME).exog
    wanted = [variance_inflation_factor(exog, j) for j in range(3)]
    assert_close(dg.variance_inflation_factor(glm), wanted)


@pytest.mark.parametrize(
    "test", [dg.breaks_hansen, dg.breaks_cusumolsresid, dg.durbin_watson], ids=lambda f: f.__name__
)
def test_order_is_needed(test: Any) -> None:
    fit = smof.ols("y ~ a", dd.from_pandas(FRAME, npartitions=3).clear_divisions()).fit()
    with pytest.raises(RowOrderError, match=f"{test.__name__} needs rows in order"):
        test(fit)
    assert dg.jarque_bera(fit)[0] > 0


@pytest.mark.parametrize(
    "test", [dg.breaks_hansen, dg.breaks_cusumolsresid], ids=lambda f: f.__name__
)
def test_one_pass_each(test: Any) -> None:
    fit = smof.ols("y ~ a", smo.as_source(FRAME, chunk_rows=7)).fit()
    with passes(fit) as made:
        for _ in range(2):
            test(fit)
    assert made == [test.__name__]
