"""Rows that repeat, folded once into distinct ones, against the same model row by row."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.genmod.families import links
from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning
from tolerances import INVARIANT, SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.likelihoods import points
from statsmodels_ooc.likelihoods.repeats import expected_cells

N = 6_000
F = sm.families


@cache
def coarse() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "g": rng.choice(list("abc"), N),
            "h": rng.choice(list("opqrstuv"), N),
            "age": rng.integers(18, 25, N),
            "years": rng.choice([0.5, 1.0, 2.0], N),
            "fw": rng.integers(0, 4, N).astype(float),
            "vw": rng.choice([0.5, 1.0, 2.0], N),
            "x": rng.normal(size=N),
        }
    )
    eta = 0.3 * (frame["h"] == "q") + 0.2 * (frame["g"] == "b") + 0.02 * frame["age"] - 1
    frame["count"] = rng.poisson(np.exp(eta) * frame["years"])
    frame["yes"] = (rng.uniform(size=N) < 1 / (1 + np.exp(-eta))).astype(float)
    frame["size"] = rng.gamma(2, np.exp(eta) / 2)
    frame["level"] = 50 + eta + rng.normal(size=N)
    frame["won"] = rng.binomial(10, 1 / (1 + np.exp(-eta)))
    frame["lost"] = 10 - frame["won"]
    return frame


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "poisson": ("count", {"family": F.Poisson()}),
    "poisson, all weights": (
        "count",
        {"family": F.Poisson(), "exposure": "years", "freq_weights": "fw", "var_weights": "vw"},
    ),
    "logit": ("yes", {"family": F.Binomial()}),
    "probit, weighted": ("yes", {"family": F.Binomial(links.Probit()), "var_weights": "vw"}),
    "two columns": ("won + lost", {"family": F.Binomial(), "freq_weights": "fw"}),
    "gaussian": ("level", {"family": F.Gaussian(), "var_weights": "vw"}),
    "gamma": ("size", {"family": F.Gamma(links.Log()), "offset": "years"}),
    "negative binomial": ("count", {"family": F.NegativeBinomial(alpha=0.5)}),
    "tweedie": ("size", {"family": F.Tweedie(var_power=1.5)}),
}
DESIGNS = ["g + h", "g*h + age", "0 + g + np.log(age)", "1"]
ANSWERS = ("params", "bse", "deviance", "pearson_chi2", "llf", "llnull", "null_deviance", "scale")


def source(frame: pd.DataFrame, rows: int = 1_297) -> Any:
    return smo.as_source(frame, chunk_rows=rows)


def names(res: Any) -> list[str]:
    return [record.name for record in res.passes]


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("case", CASES)
def test_the_answers_are_those_of_the_rows(case: str, design: str) -> None:
    endog, options = CASES[case]
    cov_type = "nonrobust" if "fw" in options.values() else "HC0"
    fits = [
        smof.glm(f"{endog} ~ {design}", source(coarse()), **options).fit(
            compress=compress, cov_type=cov_type
        )
        for compress in (True, False)
    ]
    assert "fit" not in names(fits[0])
    assert "distinct rows" in names(fits[0])
    assert "distinct rows" not in names(fits[1])
    for name in ANSWERS:
        ours, theirs = (np.asarray(getattr(res, name)) for res in fits)
        # A coefficient near zero is as exact as its standard error.
        atol = INVARIANT * np.asarray(fits[1].bse).max() if name == "params" else 0
        np.testing.assert_allclose(ours, theirs, rtol=INVARIANT, atol=atol, err_msg=name)


@pytest.mark.parametrize("case", ["poisson", "poisson, all weights", "probit, weighted"])
def test_robust_covariances_count_rows_not_cells(case: str) -> None:
    endog, options = CASES[case]
    frame = coarse()[coarse()["fw"] > 0]  # statsmodels divides by frequency weights
    res = [
        smof.glm(f"{endog} ~ g + age", source(frame), **options).fit(
            compress=compress, cov_type="HC0"
        )
        for compress in (True, False)
    ]
    np.testing.assert_allclose(res[0].bse, res[1].bse, rtol=INVARIANT)


def test_row_level_answers_come_from_the_data() -> None:
    res = smof.glm("count ~ g", source(coarse()), family=F.Poisson()).fit()
    expected = sm.GLM.from_formula("count ~ g", coarse(), family=F.Poisson()).fit()
    np.testing.assert_allclose(res.resid_deviance, expected.resid_deviance, rtol=1e-7)


def test_one_pass_gives_everything() -> None:
    frame = coarse().assign(
        **{name: pd.Categorical(coarse()[name]) for name in "gh"}
    )  # declared levels need no scan
    res = smof.glm("yes ~ g + h", source(frame), family=F.Binomial()).fit()
    res.summary()
    assert res.cov_HC0.shape == (10, 10)
    assert names(res) == ["distinct rows"]


def test_statsmodels_start_goes_through_the_rows() -> None:
    res = smof.glm("count ~ g", source(coarse()), family=F.Poisson()).fit(start="statsmodels")
    assert "distinct rows" not in names(res)


def turning(n: int) -> pd.DataFrame:
    """Rows that repeat where a sample looks, and never again."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.integers(0, 5, n).astype(float), "e": rng.choice([1.0, 2.0], n)})
    rest = np.arange(n) % 1_000 >= 200  # of every chunk the first rows are sampled
    frame.loc[rest, "x"] = rng.uniform(0, 5, rest.sum())
    frame["y"] = rng.poisson(np.exp(0.2 * frame["x"] - 0.5) * frame["e"])
    return frame


@pytest.mark.parametrize("weights", [{}, {"freq_weights": "e"}, {"exposure": "e"}])
def test_too_many_distinct_rows_lose_no_pass(
    monkeypatch: pytest.MonkeyPatch, weights: dict[str, str]
) -> None:
    monkeypatch.setattr(points, "_ROWS", 800)
    frame = turning(20_000)
    model = smof.glm("y ~ x", source(frame, 1_000), family=F.Poisson(), **weights)
    res = model.fit()
    assert res.converged
    assert names(res)[:2] == ["pilot", "distinct rows"]
    assert names(res).count("fit") == res.fit_history["iteration"]  # k + 1 with the first
    plain = smof.glm("y ~ x", source(frame, 1_000), family=F.Poisson(), **weights)
    expected = plain.fit(compress=False)
    for name in ANSWERS:
        ours, theirs = (np.asarray(getattr(r, name)) for r in (res, expected))
        np.testing.assert_allclose(ours, theirs, rtol=SOLVED * 10, err_msg=name)


def test_a_saturated_model_is_no_perfect_prediction() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        res = smof.glm("yes ~ g*h", source(coarse()), family=F.Binomial()).fit()
    assert res.converged


def test_separated_cells_are_told() -> None:
    frame = coarse().assign(yes=(coarse()["g"] == "a").astype(float))
    model = smof.glm("yes ~ g", source(frame), family=F.Binomial())
    with pytest.warns(PerfectSeparationWarning), pytest.warns(ConvergenceWarning):
        assert not model.fit().converged


def test_the_distinct_rows_are_not_saved(tmp_path: Any) -> None:
    frame = coarse()
    frame.to_parquet(tmp_path / "rows.parquet")
    options = {"family": F.Poisson(), "exposure": "years"}
    res = smof.glm("count ~ g + age", str(tmp_path), **options).fit()
    expected = res.null_deviance, res.llnull
    res.save(str(tmp_path / "saved"))
    again = smo.load(str(tmp_path / "saved"), allow_pickle=True)
    assert again.model.likelihood.evaluation.distinct is None
    assert (again.null_deviance, again.llnull) == expected
    np.testing.assert_allclose(again.cov_HC0, res.cov_HC0, rtol=INVARIANT)  # from the rows
    res.remove_data()
    assert res.model.likelihood.evaluation.distinct is None


def test_infinite_values_are_named_where_they_stand() -> None:
    frame = coarse().assign(age=coarse()["age"].astype(float))
    frame.loc[250, "age"] = np.inf
    with pytest.raises(smo.errors.MissingDataError, match="'age' is inf at row 250"):
        smof.glm("count ~ g + age", source(frame), family=F.Poisson()).fit()


def test_no_row_is_left() -> None:
    frame = coarse().assign(count=np.nan)
    with pytest.raises(smo.errors.EmptyDataError):
        smof.glm("count ~ g", source(frame), family=F.Poisson()).fit()


def test_a_sample_foretells_the_number_of_cells() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"y": 0.0, "g": rng.integers(0, 1_000, 2_000)})
    spec = smof.glm("y ~ g", source(frame)).spec
    (block,) = spec.blocks(frame, 0, "", 0, 2_000)
    assert 900 < expected_cells([block]) < 1_100


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.DomainWarning")
@pytest.mark.parametrize("link", [links.Log(), links.LogC(), links.Identity()])
def test_links_whose_means_at_zero_are_on_the_edge(link: Any) -> None:
    family = F.Binomial(link)
    model = smof.glm("yes ~ g", source(coarse()), family=family)
    res = model.fit()
    expected = sm.GLM.from_formula("yes ~ g", coarse(), family=family).fit(tol=1e-13)
    assert "distinct rows" in names(res)
    np.testing.assert_allclose(res.params, expected.params, rtol=1e-7)
    np.testing.assert_allclose(res.null_deviance, expected.null_deviance, rtol=INVARIANT)


@pytest.mark.parametrize("apart", [1e4, 1e6])
def test_cells_far_apart_are_left_to_the_rows(apart: float) -> None:
    frame = coarse().assign(
        level=coarse()["level"] + apart * coarse()["g"].map({"a": 0, "b": 1, "c": 2})
    )
    res = smof.glm("level ~ g", source(frame), family=F.Gaussian()).fit()
    expected = sm.GLM.from_formula("level ~ g", frame, family=F.Gaussian()).fit()
    np.testing.assert_allclose(res.scale, expected.scale, rtol=1e-8)
    np.testing.assert_allclose(res.llf, expected.llf, rtol=1e-8)


def test_compress_off_after_a_compressed_fit_goes_through_the_rows() -> None:
    model = smof.glm("count ~ g", source(coarse()), family=F.Poisson())
    model.fit()
    before = len(model.passes)
    res = model.fit(compress=False)
    assert [record.name for record in model.passes[before:]].count("fit") >= 2
    assert res.converged
