"""Tests of the variance against statsmodels' functions of the arrays."""

from __future__ import annotations

from typing import Any

import dask.dataframe as dd
import numpy as np
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from diagnostics.fits import CASES, LINEAR, arrays, assert_close, pair, passes
from models.pairs import FRAME
from scipy import stats
from statsmodels.stats import diagnostic as sd

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import diagnostics as dg
from statsmodels_ooc.errors import DesignError, MemoryLimitError, OptionError, RowOrderError

each = pytest.mark.parametrize("case", CASES)
chunked = pytest.mark.parametrize("chunk", [7, 1])
# Products repeat: statsmodels warns of the rank, which both count.
ranks = pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.SingularMatrixWarning")


@each
@chunked
@pytest.mark.parametrize("robust", [True, False])
def test_breusch_pagan(case: str, chunk: int, robust: bool) -> None:
    both = pair(case, chunk)
    found = dg.het_breuschpagan(both.ours, robust=robust)
    assert_close(found, sd.het_breuschpagan(*arrays(both.theirs), robust))


def test_breusch_pagan_of_something_else() -> None:
    both = pair("dropped rows")
    e, _ = arrays(both.theirs)
    rows = FRAME[FRAME["m"].notna()]
    z = np.column_stack((np.ones(len(rows)), rows["w"], rows["a"] ** 2))
    wanted = sd.het_breuschpagan(e, z)
    assert_close(dg.het_breuschpagan(both.ours, z), wanted)
    with passes(both.ours) as made:
        for _ in range(2):
            assert_close(dg.het_breuschpagan(both.ours, ["w", "a ** 2"]), wanted)
    assert made == ["het_breuschpagan"]
    assert_close(dg.het_breuschpagan(both.ours, "w"), sd.het_breuschpagan(e, z[:, :2]))


@pytest.mark.parametrize("z", [np.ones(101), FRAME[["a", "w"]].to_numpy()])
def test_what_is_tested_holds_a_constant_and_more(z: Any) -> None:
    fit = pair("factor and interaction").ours
    with pytest.raises(ValueError, match="at least two columns where one is a constant"):
        dg.het_breuschpagan(fit, z)


def test_what_is_tested_is_numbers() -> None:
    with pytest.raises(DesignError, match="its columns are numbers"):
        dg.het_breuschpagan(pair("factor and interaction").ours, ["g"])


@ranks
@each
@chunked
@pytest.mark.parametrize("interactions", [True, False])
def test_white(case: str, chunk: int, interactions: bool) -> None:
    both = pair(case, chunk)
    wanted = sd.het_white(*arrays(both.theirs), interactions)
    assert_close(dg.het_white(both.ours, interactions), wanted)


@each
@chunked
def test_white_of_two_moments(case: str, chunk: int) -> None:
    both = pair(case, chunk)
    assert_close(dg.spec_white(both.ours), sd.spec_white(*arrays(both.theirs)))


def test_two_moments_where_the_constant_is_not_first() -> None:
    y, x = FRAME["y"].to_numpy(), FRAME[["a", "b"]].to_numpy()
    last = smof.ols("y ~ 0 + a + b + I(a * 0 + 1.0)", smo.as_source(FRAME, chunk_rows=7)).fit()
    wanted = sd.spec_white(sm.OLS(y, sm.add_constant(x)).fit().resid, sm.add_constant(x))
    assert_close(dg.spec_white(last), wanted)


def test_two_moments_where_products_add_up_to_the_constant() -> None:
    # Statsmodels solves a singular system there.
    both = smof.ols("y ~ a + C(g, Sum)", smo.as_source(FRAME, chunk_rows=7)).fit()
    same = smof.ols("y ~ a + C(g)", smo.as_source(FRAME, chunk_rows=7)).fit()
    assert_close(dg.spec_white(both), dg.spec_white(same))


def test_products_of_columns_far_from_zero_keep_their_digits() -> None:
    near = smof.ols("y ~ a + b", smo.as_source(FRAME, chunk_rows=7)).fit()
    far = smof.ols("y ~ I(a + 1e6) + I(b - 1e6)", smo.as_source(FRAME, chunk_rows=7)).fit()
    for test in (dg.het_white, dg.spec_white):
        assert_close(test(far), test(near))


def test_products_that_do_not_fit_are_refused_before_a_read() -> None:
    fit = smof.ols("y ~ bs(a, df=40)", smo.as_source(FRAME.assign(a=FRAME["a"]))).fit()
    with passes(fit) as made, smo.options.set(memory_limit="32 MiB"):
        for test in (dg.het_white, dg.spec_white):
            with pytest.raises(MemoryLimitError):
                test(fit)
    assert made == []


@pytest.mark.parametrize("test", [dg.het_breuschpagan, dg.het_white, dg.spec_white])
def test_a_design_has_a_constant(test: Any) -> None:
    for case in ("no constant", "implicit constant"):
        with pytest.raises(ValueError, match="constant"):
            test(pair(case).ours)


GROUPS = [
    {},
    {"split": 40},
    {"split": 0.4, "drop": 0.2},
    {"split": 30, "drop": 21, "alternative": "two-sided"},
    {"idx": 1},
    {"idx": 1, "split": 0.5, "drop": 10, "alternative": "decreasing"},
]


# Of others a group lacks a level, and statsmodels' order is arbitrary where values repeat.
@pytest.mark.parametrize("case", ["dropped rows", "far from zero", "weights"])
@chunked
@pytest.mark.parametrize("options", GROUPS, ids=str)
def test_goldfeld_quandt(case: str, chunk: int, options: dict[str, Any]) -> None:
    both = pair(case, chunk)
    model = both.theirs.model
    found = dg.het_goldfeldquandt(both.ours, result_object=True, store=True, **options)
    wanted = sd.het_goldfeldquandt(model.endog, model.exog, store=True, **options)
    assert_close(found.fval, wanted.fval)
    assert found.ordering == wanted.ordering
    high, low = found.res_store.df_fval
    assert (high, low) == wanted.res_store.df_fval
    f = wanted.fval
    sides = stats.f.sf(f, high, low), stats.f.cdf(f, high, low)
    pvalues = {"increasing": sides[0], "decreasing": sides[1], "two-sided": 2 * min(sides)}
    assert_close(found.pval, pvalues[found.ordering])
    if high == low:  # statsmodels exchanges the two, unless the test is two-sided
        assert_close(found.pval, wanted.pval)


def test_goldfeld_quandt_by_a_name() -> None:
    both = pair("dropped rows")
    with passes(both.ours) as made:
        named = dg.het_goldfeldquandt(both.ours, "b", result_object=False)
        numbered = dg.het_goldfeldquandt(both.ours, 2, result_object=False)
    assert named == numbered
    assert made == ["het_goldfeldquandt"] * 2  # of the same column, known by then
    with pytest.raises(DesignError, match="'c' is no column"):
        dg.het_goldfeldquandt(both.ours, "c")


def test_groups_have_more_rows_than_columns() -> None:
    with pytest.raises(DesignError, match="more rows than columns"):
        dg.het_goldfeldquandt(pair("weights").ours, split=3)


def test_only_groups_by_order_need_an_order() -> None:
    frame = dd.from_pandas(FRAME, npartitions=3).clear_divisions()
    fit, same = smof.ols("y ~ a + b", frame).fit(), smf.ols("y ~ a + b", FRAME).fit()
    with pytest.raises(RowOrderError, match="het_goldfeldquandt needs rows in order"):
        dg.het_goldfeldquandt(fit)
    wanted = sd.het_goldfeldquandt(same.model.endog, same.model.exog, 1, result_object=True)
    assert_close(dg.het_goldfeldquandt(fit, 1, result_object=True)[0], wanted[0])
    assert_close(dg.het_white(fit), sd.het_white(*arrays(same)))


def test_the_plain_tuple_warns_as_in_statsmodels() -> None:
    with pytest.warns(FutureWarning, match="het_goldfeldquandt currently returns a plain tuple"):
        assert len(dg.het_goldfeldquandt(pair("weights").ours)) == 3


def test_one_pass_each() -> None:
    fit = smof.ols("y ~ a + b", smo.as_source(FRAME, chunk_rows=7)).fit()
    with passes(fit) as made:
        for _ in range(2):
            dg.het_white(fit)
            dg.spec_white(fit)
            dg.het_breuschpagan(fit)
            dg.het_breuschpagan(fit, robust=False)
            dg.het_goldfeldquandt(fit, result_object=True)
    wanted = ["het_white", "spec_white", "het_breuschpagan", "het_goldfeldquandt"]
    assert made == wanted


def test_where_chunks_end_does_not_matter() -> None:
    for test in (dg.het_white, dg.spec_white, dg.het_breuschpagan):
        assert_close(test(pair("weights", 1).ours), test(pair("weights", 1000).ours), LINEAR / 100)


def test_a_formula_is_no_column() -> None:
    fit = smof.ols("y ~ a + b", smo.as_source(FRAME, chunk_rows=7)).fit()
    with pytest.raises(OptionError, match=r"is a formula[\s\S]*\['a', 'b'\]"):
        dg.het_breuschpagan(fit, "~ a + b")
