"""Tests of linearity against statsmodels' functions."""

from __future__ import annotations

import pickle
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from covering import turns
from diagnostics.fits import CASES, arrays, assert_close, pair, passes
from models.pairs import FRAME
from scipy import stats
from statsmodels.stats import diagnostic as sd

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import diagnostics as dg
from statsmodels_ooc.errors import DesignError, OptionError, RowOrderError

chunked = pytest.mark.parametrize("chunk", [7, 1])
# Of a binary column powers are the column: both count ranks.
ranks = pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.SingularMatrixWarning")
ITERATED = 1e-3  # of a statistic: statsmodels stops its principal components at 5e-8
POWERS = [2, 3, [3], [2, 4]]


def assert_same_test(found: Any, wanted: Any, rtol: float = 1e-8) -> None:
    assert_close([found.statistic, found.pvalue], [wanted.statistic, wanted.pvalue], rtol)
    assert found.distribution == wanted.distribution
    assert found.df_denom == wanted.df_denom
    assert getattr(found, "df_num", None) == getattr(wanted, "df_num", None)


# Statsmodels' powers of values far from zero have no digits: they have a test of their own.
@pytest.mark.parametrize(
    ("case", "power", "kind", "chunk"),
    turns(
        (7, 7, 7, 1),
        [case for case in CASES if case != "far from zero"],
        POWERS,
        ("fitted", "exog"),
    ),
    ids=str,
)
def test_reset(case: str, chunk: int, power: Any, kind: str) -> None:
    both = pair(case, chunk)
    for use_f in (True, False):
        found = dg.linear_reset(both.ours, power, kind, use_f)
        assert_same_test(found, sd.linear_reset(both.theirs, power, kind, use_f))


@pytest.mark.parametrize("case", ["dropped rows", "weights", "no constant"])
@pytest.mark.parametrize("cov_type", ["HC0", "HC1", "HC2", "HC3"])
@pytest.mark.parametrize("kind", ["fitted", "exog"])
def test_robust_reset(case: str, cov_type: str, kind: str) -> None:
    both = pair(case)
    for use_f in (True, False):
        given = (3, kind, use_f, cov_type)
        assert_same_test(
            dg.linear_reset(both.ours, *given), sd.linear_reset(both.theirs, *given), 1e-7
        )


KEYWORDS: dict[str, dict[str, Any]] = {
    "HAC": {"maxlags": 3},
    "cluster": {"groups": np.arange(9_999) % 11},
    "cluster-crv3": {"groups": np.arange(9_999) % 11},
}


@pytest.mark.parametrize("case", ["dropped rows", "weights"])
@pytest.mark.parametrize("cov_type", KEYWORDS)
def test_reset_by_any_covariance(case: str, cov_type: str) -> None:
    both = pair(case)
    rows = int(both.ours.nobs)
    keywords = {
        name: value[:rows] if name == "groups" else value
        for name, value in KEYWORDS[cov_type].items()
    }
    for use_f in (True, False):
        given = (3, "fitted", use_f, cov_type, keywords)
        found, wanted = dg.linear_reset(both.ours, *given), sd.linear_reset(both.theirs, *given)
        assert_same_test(found, wanted, 1e-6)


@pytest.mark.parametrize("case", ["dropped rows", "weights", "no constant"])
@chunked
def test_reset_of_a_component(case: str, chunk: int) -> None:
    both = pair(case, chunk)
    for power in (2, [3]):
        found = dg.linear_reset(both.ours, power, "princomp")
        powers = [2] if power == 2 else [3]
        assert_same_test(found, reset_of_a_component(both.theirs, powers))
        wanted = sd.linear_reset(both.theirs, power, "princomp")
        assert_close(found.statistic, wanted.statistic, ITERATED)


def reset_of_a_component(theirs: Any, powers: list[int]) -> Any:
    """The test with a component to the last digit."""
    exog = np.asarray(theirs.model.exog)
    x = exog
    if theirs.k_constant:
        x = np.delete(exog, theirs.model.data.const_idx, axis=1)
        x = (x - x.mean(axis=0)) / x.std(axis=0)
    score = x @ np.linalg.svd(x)[2][0]
    k, more = exog.shape[1], [score**power for power in powers]
    fit = sm.OLS(theirs.model.endog, np.column_stack((exog, *more))).fit()
    return fit.wald_test(np.eye(k + len(powers))[k:], use_f=False, scalar=True)


@pytest.mark.parametrize("kind", ["fitted", "exog", "princomp"])
def test_powers_of_values_far_from_zero_keep_their_digits(kind: str) -> None:
    source = smo.as_source(FRAME, chunk_rows=7)
    near, far = smof.ols("y ~ a + b", source), smof.ols("I(y + 1e6) ~ I(a + 1e5) + b", source)
    assert_same_test(
        dg.linear_reset(far.fit(), 3, kind), dg.linear_reset(near.fit(), 3, kind), 1e-7
    )


def test_reset_counts_its_passes() -> None:
    fit = smof.ols("y ~ a + b", smo.as_source(FRAME, chunk_rows=7)).fit()
    for kind in ("fitted", "exog", "princomp"):
        with passes(fit) as made:
            for use_f in (True, False):
                dg.linear_reset(fit, test_type=kind, use_f=use_f)
        assert made == ["linear_reset"]
        with passes(fit) as made:
            for cov_type in ("HC0", "HC3"):
                dg.linear_reset(fit, test_type=kind, cov_type=cov_type)
        assert made == ["linear_reset"]


def test_reset_says_what_it_cannot_do() -> None:
    fit = pair("weights").ours
    for power in (1, [2, 2], [1, 2], [], "3.5", [[2]]):
        with pytest.raises(ValueError, match=r"power must|power=.*; it is a whole number"):
            dg.linear_reset(fit, power)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="test_type is one of fitted, exog, princomp"):
        dg.linear_reset(fit, test_type="all")
    with pytest.raises(OptionError, match="needs groups"):
        dg.linear_reset(fit, cov_type="cluster")
    source = smo.as_source(FRAME, chunk_rows=7)
    with pytest.raises(ValueError, match="only a constant column"):
        dg.linear_reset(smof.ols("y ~ 1", source).fit())
    with pytest.raises(ValueError, match="only constant or binary data"):
        dg.linear_reset(smof.ols("y ~ h", source).fit(), test_type="exog")


def test_what_follows_from_the_design_cannot_be_tested() -> None:
    fit = smof.ols("y ~ h", smo.as_source(FRAME, chunk_rows=7)).fit()
    for test in (
        dg.linear_lm,
        dg.linear_reset,
        lambda res: dg.linear_reset(res, cov_type="HC3"),
        lambda res: dg.linear_reset(res, test_type="princomp"),
    ):
        with pytest.raises(DesignError, match="leaves nothing to test"):
            test(fit)


def test_degrees_of_freedom_are_ranks() -> None:
    source = smo.as_source(FRAME, chunk_rows=7)
    with_factor, without = smof.ols("y ~ a + C(g)", source).fit(), smof.ols("y ~ a", source).fit()
    found = dg.linear_lm(with_factor)
    assert found[2].df_num == dg.linear_lm(without)[2].df_num == 1
    assert_close(found[1], stats.chi2.sf(found[0], 1))
    frame = FRAME.assign(square=FRAME["a"] ** 2)
    wanted = smf.ols("y ~ a + square + C(g)", frame).fit().f_test("square = 0")
    assert_close(found[2].fvalue, wanted.fvalue)


@ranks
@pytest.mark.parametrize("case", ["dropped rows", "weights"])
@chunked
@pytest.mark.parametrize(
    "func", [None, np.exp, lambda x: np.abs(x) ** 1.5], ids=["none", "exp", "power"]
)
def test_lagrange_multiplier(case: str, chunk: int, func: Any) -> None:
    both = pair(case, chunk)
    found, wanted = dg.linear_lm(both.ours, func), sd.linear_lm(*arrays(both.theirs), func)
    assert_close(found[:2], wanted[:2])
    assert_same_test(found[2], wanted[2])


def test_a_function_stays_out_of_saved_results() -> None:
    fit = smof.ols("y ~ a", smo.as_source(FRAME, chunk_rows=7)).fit()
    with passes(fit) as made:
        for _ in range(2):
            dg.linear_lm(fit, lambda x: x**3)
            dg.linear_lm(fit)
    assert made == ["linear_lm"] * 3
    assert pickle.loads(pickle.dumps(fit)).nobs == fit.nobs


def test_functions_give_numbers() -> None:
    fit = pair("weights").ours
    with pytest.raises(DesignError, match=r"func gives .*nan"), np.errstate(invalid="ignore"):
        dg.linear_lm(fit, np.sqrt)
    with pytest.raises(DesignError, match="of shape"):
        dg.linear_lm(fit, lambda x: x[:, :1])


ORDERS: list[dict[str, Any]] = [
    {},
    {"frac": 0.3},
    {"order_by": "b"},
    {"order_by": ["b", "Intercept"], "frac": 0.7},
    {"use_distance": True},
]


@pytest.mark.parametrize(
    ("case", "options", "chunk"),
    turns((7, 1), ("dropped rows", "far from zero", "factor and interaction"), ORDERS),
    ids=str,
)
def test_rainbow(case: str, chunk: int, options: dict[str, Any]) -> None:
    both = pair(case, chunk)
    if "order_by" in options and case == "far from zero":
        names = {"b": "I(b + 1e3)", "Intercept": "I(a * 1e3)"}
        given = options["order_by"]
        order = names[given] if isinstance(given, str) else [names[name] for name in given]
        options = {**options, "order_by": order}
    assert_close(dg.linear_rainbow(both.ours, **options), sd.linear_rainbow(both.theirs, **options))


def test_rainbow_in_a_given_order() -> None:
    both = pair("dropped rows")
    n = int(both.theirs.nobs)
    order = np.random.default_rng(0).permutation(n)
    assert_close(
        dg.linear_rainbow(both.ours, order_by=order),
        sd.linear_rainbow(both.theirs, order_by=order),
    )


def test_rainbow_where_distances_tie() -> None:
    frame = FRAME.assign(a=FRAME["a"].round(), b=FRAME["b"].round())
    ours = smof.ols("y ~ a + b", smo.as_source(frame, chunk_rows=7)).fit()
    theirs = smf.ols("y ~ a + b", frame).fit()
    mixed = smof.ols("y ~ a + b", smo.as_source(frame[::-1], chunk_rows=7)).fit()
    found = dg.linear_rainbow(ours, 0.4, use_distance=True)
    assert_close(found, sd.linear_rainbow(theirs, 0.4, use_distance=True))
    other = sd.linear_rainbow(smf.ols("y ~ a + b", frame[::-1]).fit(), 0.4, use_distance=True)
    assert_close(dg.linear_rainbow(mixed, 0.4, use_distance=True), other)


@pytest.mark.parametrize("options", ORDERS, ids=str)
def test_rainbow_of_weighted_rows_is_that_of_whitened_ones(options: dict[str, Any]) -> None:
    both = pair("weights")
    model = both.theirs.model
    rows = np.arange(len(model.endog))
    if "order_by" in options:
        rows = np.argsort(model.exog[:, 2], kind="stable")
    if options.get("use_distance"):
        gaps = model.exog - model.exog.mean(axis=0)
        precision = np.linalg.pinv(gaps.T @ gaps)
        rows = np.argsort(np.einsum("ij,jk,ik->i", gaps, precision, gaps), kind="stable")
    n, frac = len(rows), options.get("frac", 0.5)
    low = int(np.ceil(0.5 * (1 - frac) * n))
    middle = rows[low : int(np.floor(low + frac * n))]
    part = sm.WLS(model.endog[middle], model.exog[middle], model.weights[middle]).fit()
    f = (both.theirs.ssr - part.ssr) / (n - len(middle)) / part.mse_resid
    wanted = f, stats.f.sf(f, n - len(middle), part.df_resid)
    assert_close(dg.linear_rainbow(both.ours, **options), wanted)


def test_rainbow_counts_its_passes() -> None:
    fit = smof.ols("y ~ a + b", smo.as_source(FRAME, chunk_rows=7)).fit()
    for options in ORDERS:
        with passes(fit) as made:
            for _ in range(2):
                dg.linear_rainbow(fit, **options)
        assert made == ["linear_rainbow"] * (
            1 + ("order_by" in options or "use_distance" in options)
        )


def test_rainbow_says_what_it_cannot_do() -> None:
    fit = pair("weights").ours
    with pytest.raises(ValueError, match="frac is too small"):
        dg.linear_rainbow(fit, 0.01)
    for frac in (0, 1, 2.5):
        with pytest.raises(ValueError, match="above 0 and below 1"):
            dg.linear_rainbow(fit, frac)
    with pytest.raises(ValueError, match="cannot be simultaneously"):
        dg.linear_rainbow(fit, order_by="b", use_distance=True)
    with pytest.raises(DesignError, match="'c' is no column"):
        dg.linear_rainbow(fit, order_by="c")
    for order in (np.ones((2, 2)), [], [5], np.arange(30), np.arange(101) + 1, np.zeros(101)):
        with pytest.raises(DesignError, match="order_by has"):
            dg.linear_rainbow(fit, order_by=order)
    with pytest.warns(FutureWarning, match="center has no effect"):
        dg.linear_rainbow(fit, center=0.5)


def recursive_t(theirs: Any, skip: int | None = None) -> Any:
    """Harvey and Collier's t of the residuals that there are."""
    first = int(theirs.model.exog.shape[1]) if skip is None else skip
    residuals = sd.recursive_olsresiduals(theirs, skip)[4]
    return stats.ttest_1samp(residuals[max(first, 3) :], 0)


# The first rows of the others lack a level.
@pytest.mark.parametrize("case", [case for case in CASES if case != "leverage one"])
@pytest.mark.parametrize("chunk", [7, 1, 1000])
def test_harvey_collier(case: str, chunk: int) -> None:
    both = pair(case, chunk)
    rtol = 1e-4 if case == "far from zero" else 1e-8  # statsmodels updates an inverse
    for start in (12, 30):
        found = dg.linear_harvey_collier(both.ours, skip=start)
        assert_close(found, tuple(recursive_t(both.theirs, start)), rtol)


@pytest.mark.parametrize("chunk", [7, 1, 1000])
def test_harvey_collier_is_statsmodels_where_that_counts_what_is_there(chunk: int) -> None:
    for case in ("dropped rows", "weights"):  # three columns
        both = pair(case, chunk)
        wanted = sd.linear_harvey_collier(both.theirs)
        assert_close(dg.linear_harvey_collier(both.ours), tuple(wanted))


@pytest.mark.parametrize("case", ["dropped rows", "weights"])
def test_recursive_residuals(case: str) -> None:
    both = pair(case)
    order = np.random.default_rng(2).permutation(int(both.theirs.nobs))
    for options in ({}, {"skip": 9, "lamda": 0.1, "alpha": 0.9, "order_by": order}):
        with passes(both.ours) as made:
            found = dg.recursive_olsresiduals(both.ours, **options)
        assert made == ["recursive_olsresiduals"]
        wanted = sd.recursive_olsresiduals(both.theirs, **options)
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-8)
    with smo.options.set(array_limit=100), pytest.raises(NotImplementedError, match="one after"):
        dg.recursive_olsresiduals(both.ours)


def test_harvey_collier_in_a_given_order() -> None:
    both = pair("dropped rows")
    order = np.random.default_rng(1).permutation(int(both.theirs.nobs))
    wanted = sd.linear_harvey_collier(both.theirs, order_by=order)
    assert_close(dg.linear_harvey_collier(both.ours, order_by=order), tuple(wanted))


def test_harvey_collier_of_long_partitions() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=700).cumsum(), "y": rng.normal(size=700)})
    ours = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=300)).fit()
    wanted = sd.linear_harvey_collier(smf.ols("y ~ x", frame).fit())
    with passes(ours) as made:
        for _ in range(2):
            assert_close(dg.linear_harvey_collier(ours), tuple(wanted))
    assert made == ["linear_harvey_collier"] * 2


def test_harvey_collier_says_what_it_cannot_do() -> None:
    frame = FRAME.assign(late=np.arange(len(FRAME)) > 50)
    fit = smof.ols("y ~ a + late", smo.as_source(frame, chunk_rows=7)).fit()
    with pytest.raises(ValueError, match="the first 3 rows do not determine the 3 parameters"):
        dg.linear_harvey_collier(fit)
    assert dg.linear_harvey_collier(fit, skip=60).pvalue > 0
    for skip in (2, 99):
        with pytest.raises(DesignError, match="the first parameters of 3 columns"):
            dg.linear_harvey_collier(fit, skip=skip)


@pytest.mark.parametrize(
    "test", [dg.linear_rainbow, dg.linear_harvey_collier, dg.recursive_olsresiduals]
)
def test_order_is_needed(test: Any) -> None:
    fit = smof.ols("y ~ a", dd.from_pandas(FRAME, npartitions=3).clear_divisions()).fit()
    with pytest.raises(RowOrderError, match="needs rows in order"):
        test(fit)
    assert dg.linear_rainbow(fit, use_distance=True)[1] > 0
