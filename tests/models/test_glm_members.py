"""What GLM results and models answer beyond their rows, beside statsmodels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.glm_cases import BASE, CASES, TIGHT, tight_pair
from models.pairs import CHUNK, Pair
from numpy.testing import assert_allclose
from tolerances import ITERATED, SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import RowArray

NAMES = (
    *("Poisson Log", "Binomial Logit, binary", "Binomial Probit, two columns", "Gamma Log"),
    *("Gamma InversePower", "Gaussian Identity", "Gaussian Log", "NegativeBinomial Log"),
    *("exposure", "offset and exposure", "gamma, variances", "inverse Gaussian, both weights"),
    *("scale X2", "use_t", "no constant"),
)
NEW = BASE[["x", "z", "g"]].iloc[:6]
EXTRA = np.random.default_rng(5).normal(size=(len(BASE), 2))


@pytest.fixture(params=NAMES)
def pair(request: pytest.FixtureRequest) -> Pair:
    return tight_pair(request.param)


def near(pair: Pair) -> np.ndarray:
    return np.asarray(pair.theirs.params) * 1.1


def assert_alike(ours: Any, theirs: Any, rtol: float = TAILS) -> None:
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert ours.shape == theirs.shape
    assert_allclose(ours, theirs, rtol=rtol, atol=rtol * np.max(np.abs(theirs)))


# --- the model at given parameters

MODEL: dict[str, Callable[[Any, Any], Any]] = {
    "loglike": lambda m, b: m.loglike(b),
    "loglike at a scale": lambda m, b: m.loglike(b, scale=1.7),
    "score": lambda m, b: m.score(b),
    "hessian": lambda m, b: m.hessian(b),
    "hessian expected": lambda m, b: m.hessian(b, observed=False),
    "information": lambda m, b: m.information(b),
    "information at a scale": lambda m, b: m.information(b, scale=1.7),
    "score_test": lambda m, b: m.score_test(b, k_constraints=2)[:2],
    "score_test expected": lambda m, b: m.score_test(b, k_constraints=2, observed=False)[:2],
    "score_test of variables": lambda m, b: m.score_test(b, exog_extra=EXTRA)[:2],
    "df_resid": lambda m, b: m.df_resid,
    "wnobs": lambda m, b: m.wnobs,
    "nobs": lambda m, b: m.nobs,
}


@pytest.mark.parametrize("name", MODEL)
def test_the_model_at_given_parameters(pair: Pair, name: str) -> None:
    ours, theirs = (MODEL[name](r.model, near(pair)) for r in (pair.ours, pair.theirs))
    assert_alike(ours, theirs, rtol=SOLVED)


@pytest.mark.parametrize(
    "name", ["Binomial Probit, two columns", "offset and exposure", "gamma, both weights"]
)
def test_names(name: str) -> None:
    pair = tight_pair(name)
    ours, theirs = pair.ours.model, pair.theirs.model
    roles = ("offset", "exposure", "freq_weights", "var_weights")
    for attribute in ("endog_names", "exog_names", *(f"{role}_name" for role in roles)):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert ours.scaletype == theirs.scaletype
    assert_allclose(ours.scale, theirs.scale, rtol=TAILS)


def test_score_test_of_the_model_needs_to_know_what_is_tested() -> None:
    res = tight_pair("Poisson Log").ours
    with pytest.raises(ValueError, match="k_constraints"):
        res.model.score_test(res.params)


# --- distributions

DISTRIBUTED = ("Poisson Log", "Binomial Logit, binary", "Gamma Log", "Gaussian Log", "exposure")


@pytest.mark.parametrize("name", [*DISTRIBUTED, "NegativeBinomial Log"])
@pytest.mark.parametrize("of", ["results", "model"])
def test_distributions(name: str, of: str) -> None:
    pair = tight_pair(name)
    design = np.asarray(pair.theirs.model.exog)[:4]
    for asked in ({}, {"exog": design}, {"exog": design, "n_trials": 3}):
        ours, theirs = (
            r.get_distribution(**asked)
            if of == "results"
            else r.model.get_distribution(near(pair), 1.3, **asked)
            for r in (pair.ours, pair.theirs)
        )
        assert_alike(ours.mean(), theirs.mean())
        assert_alike(ours.var(), theirs.var())


def test_a_distribution_at_an_offset() -> None:
    pair = tight_pair("offset and exposure")
    b, offset = near(pair), np.linspace(-1, 1, len(BASE))
    ours, theirs = (
        r.model.get_distribution(b, offset=offset, exposure=np.full(len(BASE), 2.0))
        for r in (pair.ours, pair.theirs)
    )
    assert_alike(ours.mean(), theirs.mean(), rtol=SOLVED)


def test_a_distribution_of_counts_has_no_scale() -> None:
    pair = tight_pair("scale X2")
    for res in (pair.ours, pair.theirs):
        with pytest.warns(UserWarning, match="using scale=1"):
            assert np.isfinite(res.get_distribution().mean()).all()


def test_a_distribution_of_many_rows_is_refused() -> None:
    res = CASES["Gamma Log"].ours()
    with smo.options.set(array_limit=10), pytest.raises(smo.errors.MemoryLimitError):
        res.get_distribution()


# --- predictions with intervals


# Statsmodels tries whether the link is the identity, at zero.
@pytest.mark.filterwarnings("ignore:divide by zero encountered in power:RuntimeWarning")
@pytest.mark.parametrize("which", [None, "mean", "linear"])
@pytest.mark.parametrize("new", [True, False])
def test_intervals(pair: Pair, which: str | None, new: bool) -> None:
    ours, theirs = (
        r.get_prediction(NEW if new else None, which=which).summary_frame()
        for r in (pair.ours, pair.theirs)
    )
    assert list(ours.columns) == list(theirs.columns)
    assert_alike(ours, theirs, rtol=1e-7)


# Statsmodels takes numerical derivatives here, ours at parameters that differ in the
# last digits.
@pytest.mark.parametrize("asked", [{"which": "var_unscaled"}, {"which": "mean", "average": True}])
@pytest.mark.parametrize("new", [True, False])
def test_intervals_by_the_delta_method(pair: Pair, asked: dict[str, Any], new: bool) -> None:
    ours, theirs = (
        r.get_prediction(NEW if new else None, **asked).summary_frame()
        for r in (pair.ours, pair.theirs)
    )
    assert_alike(ours, theirs, rtol=ITERATED)


def test_intervals_at_an_offset_and_an_exposure() -> None:
    pair = tight_pair("offset and exposure")
    asked = {"offset": np.linspace(0, 1, 6), "exposure": np.linspace(1, 2, 6)}
    ours, theirs = (
        r.get_prediction(NEW, **asked).summary_frame() for r in (pair.ours, pair.theirs)
    )
    assert_alike(ours, theirs)


def test_intervals_of_new_data_have_their_index() -> None:
    res = tight_pair("Poisson Log").ours
    frame = res.get_prediction(NEW.set_axis(list("abcdef"))).summary_frame()
    assert list(frame.index) == list("abcdef")


def test_intervals_of_many_rows_are_lazy() -> None:
    res = CASES["Gamma Log"].ours()
    small = res.get_prediction().summary_frame()
    with smo.options.set(array_limit=10):
        found = res.get_prediction()
        assert isinstance(found.se_mean, RowArray)
        frame = found.summary_frame().compute()
    pd.testing.assert_frame_equal(frame, small, rtol=SOLVED)


def test_new_data_are_predicted(pair: Pair) -> None:
    ours, theirs = pair.ours.predict(NEW), pair.theirs.predict(NEW)
    pd.testing.assert_series_equal(ours, theirs, rtol=TAILS)
    assert_alike(pair.ours.predict(NEW, which="linear"), pair.theirs.predict(NEW, which="linear"))


def test_new_data_in_chunks_are_predicted(pair: Pair) -> None:
    source = smo.as_source(NEW, chunk_rows=4)
    for asked in ({}, {"which": "linear"}, {"which": "var_unscaled"}):
        ours, theirs = pair.ours.predict(source, **asked), pair.theirs.predict(NEW, **asked)
        pd.testing.assert_series_equal(ours, theirs, rtol=TAILS)


# --- score tests


def quietly(call: Callable[[], Any], name: str) -> Any:
    """Statsmodels warns of weights, and so do we."""
    roles = [role for role in ("freq_weights", "var_weights") if role in CASES[name].extras]
    if not roles:
        return call()
    with pytest.warns(UserWarning, match="score test has not been verified") as caught:
        found = call()
    assert len(caught) == len(roles)
    assert all(warning.filename == __file__ for warning in caught)
    return found


@pytest.mark.parametrize("observed", [True, False])
@pytest.mark.parametrize("hypothesis", ["joint", "separate"])
@pytest.mark.parametrize("cov_type", [None, "HC0"])
@pytest.mark.parametrize("name", NAMES)
def test_score_test_of_variables(
    name: str, cov_type: str | None, hypothesis: str, observed: bool
) -> None:
    pair = tight_pair(name)
    asked = {"cov_type": cov_type, "hypothesis": hypothesis, "observed": observed}
    ours, theirs = (
        quietly(lambda r=r: r.score_test(EXTRA, **asked), name) for r in (pair.ours, pair.theirs)
    )
    assert type(ours) is type(theirs)
    assert (ours.distribution, ours.k_constraint) == (theirs.distribution, theirs.k_constraint)
    added = slice(-2, None) if hypothesis == "separate" and cov_type is None else slice(None)
    for found, expected in zip(ours, theirs, strict=True):  # other scores are rounding alone
        assert np.shape(found) == np.shape(expected)
        assert_allclose(np.atleast_1d(found)[added], np.atleast_1d(expected)[added], rtol=1e-7)


@pytest.mark.parametrize("hypothesis", ["joint", "separate"])
@pytest.mark.parametrize("name", NAMES)
def test_score_test_of_restrictions(name: str, hypothesis: str) -> None:
    pair = tight_pair(name)
    asked = {"params_constrained": near(pair), "k_constraints": 2, "hypothesis": hypothesis}
    ours, theirs = (
        quietly(lambda r=r: r.score_test(**asked), name) for r in (pair.ours, pair.theirs)
    )
    for found, expected in zip(ours, theirs, strict=True):
        assert_alike(found, expected, rtol=SOLVED)


@pytest.mark.parametrize("cov_type", [None, "HC0"])
@pytest.mark.parametrize("name", ["Poisson Log", "Binomial Probit, two columns"])
def test_score_test_of_a_constrained_fit(name: str, cov_type: str | None) -> None:
    case = CASES[name]
    ours = case.model(smo.as_source(case.data, chunk_rows=CHUNK)).fit_constrained("x = z")
    theirs = smf.glm(case.formula, case.data, family=case.family())
    theirs = theirs.fit_constrained("x = z", **TIGHT)
    for found, expected in zip(
        ours.score_test(cov_type=cov_type), theirs.score_test(cov_type=cov_type), strict=True
    ):
        assert_alike(found, expected, rtol=1e-7)


def kinds_of_extra() -> dict[str, Any]:
    frame = pd.DataFrame(EXTRA)
    return {
        "array": EXTRA,
        "frame": frame,
        "dask": da.from_array(EXTRA, (40, 1)),
        "dask frame": dd.from_pandas(frame, chunksize=33, sort=False),
        "unknown chunks": dd.from_pandas(frame, chunksize=33, sort=False).to_dask_array(),
    }


@pytest.mark.parametrize("kind", kinds_of_extra())
def test_variables_to_be_tested_come_in_any_kind(kind: str) -> None:
    res = tight_pair("Gamma InversePower").ours
    expected = res.score_test(EXTRA).statistic
    assert_allclose(res.score_test(kinds_of_extra()[kind]).statistic, expected, rtol=SOLVED)


def test_one_variable_may_be_tested() -> None:
    res = tight_pair("Gamma InversePower").ours
    one = res.score_test(EXTRA[:, 0])
    assert one.k_constraint == 1
    assert_allclose(one.statistic, res.score_test(EXTRA[:, :1]).statistic)


def test_score_tests_that_cannot_be() -> None:
    res = tight_pair("Gamma Log").ours
    with pytest.raises(smo.errors.DesignError, match="exog_extra has 10 rows"):
        res.score_test(EXTRA[:10])
    with pytest.raises(ValueError, match="k_constraints needs to be given"):
        res.score_test()
    with pytest.raises(ValueError, match="hypothesis"):
        res.score_test(EXTRA, hypothesis="either")
    with pytest.raises(NotImplementedError, match="nonrobust"):
        res.score_test(EXTRA, cov_type="HC1")


def test_a_score_test_leaves_the_model_as_it_was() -> None:
    res = tight_pair("Gamma Log").ours
    before = res.model.df_resid
    res.score_test(params_constrained=np.asarray(res.params), k_constraints=2)
    assert res.model.df_resid == before


# --- tables and tests that statsmodels makes of what it finds

SAME: dict[str, Callable[[Any], Any]] = {
    "info_criteria aic": lambda r: r.info_criteria("aic"),
    "info_criteria bic": lambda r: r.info_criteria("bic", dk_params=1),
    "pseudo_rsquared": lambda r: [r.pseudo_rsquared("cs"), r.pseudo_rsquared("mcf")],
    "t_test": lambda r: r.t_test("x = 0.3").summary_frame(),
    "wald_test": lambda r: [r.wald_test("x = z", scalar=True).statistic],
    "f_test": lambda r: [r.f_test("x = 0").statistic],
    "wald_test_terms": lambda r: r.wald_test_terms(scalar=True).table.astype(float),
    "conf_int": lambda r: r.conf_int(0.1),
    "cov_params": lambda r: r.cov_params(),
    "llf_scaled": lambda r: r.llf_scaled(1.3),
}


@pytest.mark.parametrize("name", SAME)
def test_what_statsmodels_makes_of_the_fit(pair: Pair, name: str) -> None:
    assert_alike(SAME[name](pair.ours), SAME[name](pair.theirs), rtol=1e-7)


def test_levels_are_compared_in_pairs() -> None:
    pair = tight_pair("Poisson Log")
    ours, theirs = (r.t_test_pairwise("g").result_frame for r in (pair.ours, pair.theirs))
    assert list(ours.index) == list(theirs.index)
    assert_alike(ours.drop(columns="reject-hs"), theirs.drop(columns="reject-hs"), rtol=1e-7)


def test_qaic() -> None:
    pair = tight_pair("Poisson Log")
    assert_allclose(*(r.info_criteria("qaic", scale=1.2) for r in (pair.ours, pair.theirs)))


def lines(text: str) -> Iterator[str]:
    moving = ("Date", "Time", "No. Iterations")
    for line in text.splitlines():
        kept = line
        for word in moving:
            kept = re.sub(rf"{word}:\s+(\S+,\s)?[\w:-]+( \w+ \w+)?", "", kept)
        yield re.sub(r"\s+", " ", kept)


@pytest.mark.parametrize("name", ["summary", "summary2"])
def test_summaries(pair: Pair, name: str) -> None:
    ours, theirs = (getattr(r, name)().as_text() for r in (pair.ours, pair.theirs))
    assert [*lines(ours)][4:] == [*lines(theirs)][4:]


# --- what is not there

REFUSED: dict[str, Callable[[Any], Any]] = {
    "plot_added_variable": lambda r: r.plot_added_variable("x"),
    "plot_partial_residuals": lambda r: r.plot_partial_residuals("x"),
    "plot_ceres_residuals": lambda r: r.plot_ceres_residuals("x"),
    "initialize": lambda r: r.model.initialize(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_there_says_so(name: str) -> None:
    res = tight_pair("Poisson Log").ours
    with (
        smo.options.set(array_limit=10),
        pytest.raises(NotImplementedError, match=r"every row|as long as the data"),
    ):
        REFUSED[name](res)


def test_columns_are_tested_by_name() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 3)), columns=["x", "z", "w"])
    frame["y"] = rng.poisson(np.exp(0.3 * frame["x"]))
    family = sm.families.Poisson()
    ours = smof.glm("y ~ x", smo.as_source(frame, chunk_rows=7), family=family).fit()
    theirs = smf.glm("y ~ x", frame, family=family).fit()
    for given, columns in (("z", ["z"]), (["z", "w"], ["z", "w"])):
        expected = theirs.score_test(exog_extra=frame[columns].to_numpy())
        assert_allclose(ours.score_test(given)[:2], expected[:2], rtol=ITERATED)
    squared = theirs.score_test(exog_extra=frame[["z"]].to_numpy() ** 2)
    assert_allclose(ours.score_test("z**2")[:2], squared[:2], rtol=ITERATED)
    with pytest.raises(smo.errors.ColumnNotFoundError, match="'v'"):
        ours.score_test("v")
    absent = np.where(np.arange(80) == 9, np.nan, 1.0)
    for given in (absent, "1 / (w * 0)"):
        with pytest.raises(smo.errors.MissingDataError, match="exog_extra is missing or infinite"):
            ours.score_test(given)
    for given in (5, np.ones((80, 1, 1))):
        with pytest.raises(
            smo.errors.OptionError, match=r"exog_extra has shape \(.*\); it is \(n,\)"
        ):
            ours.score_test(given)
