"""Robust covariances where rows determine coefficients alone."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from statsmodels.stats.anova import anova_lm
from statsmodels.tools.sm_exceptions import ValueWarning
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import LeverageWarning

N = 45
SEEDS = range(2)
CODED = {
    "treatment": "y ~ x + C(g, levels=['a', 'b', 'solo'])",
    "reference": "y ~ x + C(g, levels=['solo', 'a', 'b'])",
    "sum": "y ~ x + C(g, Sum, levels=['a', 'solo', 'b'])",
    "no constant": "y ~ 0 + x + C(g, levels=['a', 'b', 'solo'])",
}
OF_THE_ROW = {
    "treatment": ["C(g, levels=['a', 'b', 'solo'])[T.solo]"],
    "no constant": ["C(g, levels=['a', 'b', 'solo'])[solo]"],
}


def frame(seed: int = 0, *, rows: tuple[int, ...] = (41,)) -> pd.DataFrame:
    """Rows of which a few have a level of their own."""
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"x": 5 + rng.normal(size=N), "w": rng.uniform(0.1, 9, N)})
    d["g"] = np.where(rng.uniform(size=N) < 0.5, "a", "b")
    names = ["solo", "solo2", "solo3"][: len(rows)]
    d.loc[list(rows), "g"] = names
    d["y"] = 1 + 2 * d.x + (d.g == "b") + rng.normal(size=N) * d.x
    return d


def streamed(d: pd.DataFrame, formula: str, chunk: int = 7, *, weighted: bool = False) -> Any:
    source = smo.as_source(d, chunk_rows=chunk)
    return smof.wls(formula, source, weights="w") if weighted else smof.ols(formula, source)


def in_memory(d: pd.DataFrame, formula: str, *, weighted: bool = False) -> Any:
    return smf.wls(formula, d, weights=d["w"]) if weighted else smf.ols(formula, d)


def told(model: Any, kind: str) -> Any:
    with pytest.warns(LeverageWarning):
        return model.fit(cov_type=kind)


both_kinds = pytest.mark.parametrize("kind", ["HC2", "HC3"])
both_models = pytest.mark.parametrize("weighted", [False, True], ids=["ols", "wls"])


@both_kinds
@both_models
@pytest.mark.parametrize("chunk", [1, 9])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("coding", ["treatment", "no constant"])
def test_the_others_are_those_of_the_fit_without_the_row(
    coding: str, seed: int, chunk: int, weighted: bool, kind: str
) -> None:
    d, formula = frame(seed), CODED[coding]
    ours = told(streamed(d, formula, chunk, weighted=weighted), kind).cov_params()
    rest = in_memory(d[d.g != "solo"], formula.replace(", 'solo'", ""), weighted=weighted)
    theirs = rest.fit(cov_type=kind).cov_params()
    others = ours.drop(OF_THE_ROW[coding]).drop(columns=OF_THE_ROW[coding])
    assert_allclose(others, theirs, rtol=SOLVED, atol=SOLVED * np.abs(theirs.values).max())


@both_kinds
@both_models
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("coding", CODED)
def test_every_mean_of_other_levels_is_that_of_the_fit_without_the_row(
    coding: str, seed: int, weighted: bool, kind: str
) -> None:
    """Whatever the coding: the variances of the means of rows with other levels."""
    d, formula = frame(seed), CODED[coding]
    rest = in_memory(d[d.g != "solo"], "y ~ x + g", weighted=weighted).fit(cov_type=kind)
    new = d[d.g != "solo"].head(9)
    ours = told(streamed(d, formula, weighted=weighted), kind).get_prediction(new)
    assert_allclose(ours.se_mean, rest.get_prediction(new).se_mean, rtol=SOLVED)


@both_kinds
@pytest.mark.parametrize("seed", SEEDS)
def test_its_own_coefficient_keeps_the_error_of_the_others_prediction(seed: int, kind: str) -> None:
    d = frame(seed)
    ours = told(streamed(d, CODED["treatment"]), kind).bse[OF_THE_ROW["treatment"]]
    rest = smf.ols("y ~ x + g", d[d.g != "solo"]).fit(cov_type=kind)
    row = np.array([[1.0, 0.0, d.x[41]]])  # that of the reference level
    assert_allclose(ours, rest.get_prediction(row, transform=False).se_mean, rtol=SOLVED)


@both_kinds
@both_models
def test_several_rows(weighted: bool, kind: str) -> None:
    d = frame(rows=(40, 3, 17))
    model = streamed(d, "y ~ x + g", weighted=weighted)
    with pytest.warns(LeverageWarning, match=r"row \d+ of .*\(3 rows do"):
        ours = model.fit(cov_type=kind).bse
    rest = in_memory(d[~d.g.str.startswith("solo")], "y ~ x + g", weighted=weighted)
    theirs = rest.fit(cov_type=kind).bse
    assert_allclose(ours[theirs.index], theirs, rtol=SOLVED)


@both_kinds
@pytest.mark.parametrize("chunk", [1, 7])
def test_a_covariate_that_one_row_has(chunk: int, kind: str) -> None:
    d = frame(rows=()).assign(z=0.0)
    d.loc[20, "z"] = 1e-3
    ours = told(streamed(d, "y ~ x + z + g", chunk), kind).bse
    theirs = smf.ols("y ~ x + g", d.drop(20)).fit(cov_type=kind).bse
    assert_allclose(ours[theirs.index], theirs, rtol=SOLVED)


@both_kinds
def test_rows_of_no_weight_are_not_alone(kind: str) -> None:
    d = frame(rows=()).assign(z=0.0)
    d.loc[[2, 40], "w"] = 0.0
    ours = streamed(d, "y ~ x + g", weighted=True).fit(cov_type=kind)
    theirs = in_memory(d, "y ~ x + g", weighted=True).fit(cov_type=kind)
    assert_allclose(ours.bse, theirs.bse, rtol=SOLVED)


@both_kinds
def test_a_row_is_alone_beside_rows_of_no_weight(kind: str) -> None:
    d = frame()
    d.loc[[2, 40], ["g", "w"]] = ["solo", 0.0]
    ours = told(streamed(d, "y ~ x + g", weighted=True), kind).bse
    left = d[d.g != "solo"]
    theirs = in_memory(left, "y ~ x + g", weighted=True).fit(cov_type=kind).bse
    assert_allclose(ours[theirs.index], theirs, rtol=SOLVED)


@pytest.mark.parametrize("distance", [10.0, 1e2, 1e3, 1e4])
@both_kinds
def test_a_row_that_is_almost_alone_stays(distance: float, kind: str) -> None:
    """1 - h is 4e-1 to 6e-7 here: rounding takes digits of it, not all."""
    d = frame(rows=())
    d.loc[7, "x"] = distance
    ours = streamed(d, "y ~ x + g").fit(cov_type=kind)
    theirs = smf.ols("y ~ x + g", d).fit(cov_type=kind)
    lost = 1e-14 * distance**2  # of 1 - h, on both sides
    assert_allclose(ours.bse, theirs.bse, rtol=max(SOLVED, lost))


@both_kinds
def test_a_short_rank(kind: str) -> None:
    d = frame().assign(x2=lambda d: 3 * d.x)
    with pytest.warns(UserWarning, match="rank-deficient"), pytest.warns(LeverageWarning):
        ours = streamed(d, "y ~ x + x2 + g").fit(cov_type=kind)
    rest = smf.ols("y ~ x + g", d[d.g != "solo"]).fit(cov_type=kind)
    new = d[d.g != "solo"].head(9)
    assert_allclose(ours.get_prediction(new).se_mean, rest.get_prediction(new).se_mean, rtol=SOLVED)


# --- what is said, where, and how often


def test_the_warning_names_row_partition_and_coefficient() -> None:
    with pytest.warns(LeverageWarning) as caught:
        streamed(frame(), "y ~ x + g", chunk=7).fit(cov_type="HC3")
    text = str(caught[0].message)
    assert "row 6 of" in text  # 41 = 5 * 7 + 6
    assert "rows 35" in text
    assert "determines 'g[T.solo]', and" in text


def test_the_warning_names_all_coefficients_of_a_reference_level() -> None:
    with pytest.warns(LeverageWarning, match=r"determines 'Intercept', .*\[T.a\].*\[T.b\]"):
        streamed(frame(), CODED["reference"]).fit(cov_type="HC3")


@pytest.fixture
def silent() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


ASKED = {
    "fit": lambda model: model.fit(cov_type="HC3"),
    "cov_HC2": lambda model: model.fit().cov_HC2,
    "HC3_se": lambda model: model.fit().HC3_se,
    "get_robustcov_results": lambda model: model.fit().get_robustcov_results("hc2"),
    "anova": lambda model: anova_lm(model.fit(), typ=2, robust="hc3"),
}


@both_models
@pytest.mark.parametrize("name", ASKED)
def test_the_warning_belongs_to_the_line_that_asked(name: str, weighted: bool) -> None:
    with pytest.warns(LeverageWarning) as caught:
        ASKED[name](streamed(frame(), "y ~ x + g", weighted=weighted))
    assert [record.filename for record in caught] == [__file__]


def test_one_object_warns_once(silent: None) -> None:
    with pytest.warns(LeverageWarning):
        res = streamed(frame(), "y ~ x + g").fit(cov_type="HC3")
    res.cov_HC2, res.HC3_se, res.get_robustcov_results("HC2").cov_HC3
    res.summary()


def test_another_object_warns_again(silent: None) -> None:
    model = streamed(frame(), "y ~ x + g")
    for _ in range(2):
        with pytest.warns(LeverageWarning):
            model.fit(cov_type="HC3")


def test_who_does_not_need_leverages_is_not_warned(silent: None) -> None:
    d = frame()
    res, small = (streamed(d, formula).fit(cov_type="HC1") for formula in ("y ~ x + g", "y ~ x"))
    res.summary()
    res.cov_HC0  # noqa: B018
    res.compare_lm_test(small)


def test_results_warn_after_a_pickle() -> None:
    res = streamed(frame(), "y ~ x + g").fit(cov_type="HC0")
    loaded = pickle.loads(pickle.dumps(res))
    with pytest.warns(LeverageWarning, match="row 6 of"):
        loaded.cov_HC3  # noqa: B018


@both_kinds
def test_coefficients_that_nothing_else_bears_on_leave_the_f_test(kind: str) -> None:
    """Two such rows of one intercept: a combination of the slopes has no robust variance."""
    res = told(streamed(frame(rows=(4, 9)), "y ~ x + g"), kind)
    with pytest.warns(ValueWarning, match="rank is 3"):
        assert 0 < res.fvalue < 1e6
