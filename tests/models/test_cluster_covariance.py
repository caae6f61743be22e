"""Cluster covariances beside statsmodels', of OLS, WLS and GLM."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.cluster_cases import FAMILIES, FRAME, MODELS, N, in_memory
from numpy.testing import assert_allclose
from tolerances import SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    CovarianceWarning,
    DesignError,
)

FAR = 1e-6  # of standard errors, of a column that is a million times its spread from zero


EXPRESSIONS = {
    "firm": lambda f: f["firm"],
    "name": lambda f: f["name"],
    "sorted": lambda f: f["sorted"],
    "year // 2": lambda f: f["year"] // 2,
    "name + year.astype(str)": lambda f: f["name"] + f["year"].astype(str),
}


KEYWORDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "not corrected": {"use_correction": False},
    "degrees of freedom of the rows": {"df_correction": False},
    "scaled": {"scaling_factor": 1.5},
}


@pytest.fixture(scope="module", params=MODELS)
def models(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    ours, theirs = MODELS[request.param]
    return ours(smo.as_source(FRAME, chunk_rows=7)), theirs()


@pytest.mark.filterwarnings("ignore:cov_type not fully supported with var_weights")
@pytest.mark.parametrize("keywords", KEYWORDS)
@pytest.mark.parametrize(
    "groups", ["firm", "name", "sorted", "year // 2", "name + year.astype(str)"]
)
def test_as_in_memory(models: tuple[Any, Any], groups: str, keywords: str) -> None:
    ours = models[0].fit(cov_type="cluster", cov_kwds={"groups": groups, **KEYWORDS[keywords]})
    labels = pd.factorize(EXPRESSIONS[groups](FRAME))[0]
    theirs = in_memory(models[1], labels, **KEYWORDS[keywords])
    assert_allclose(ours.bse, theirs.bse, rtol=SOLVED)
    assert_allclose(ours.pvalues, theirs.pvalues, rtol=TAILS, atol=1e-300)
    assert_allclose(ours.conf_int(), theirs.conf_int(), rtol=SOLVED, atol=1e-12)
    assert ours.cov_kwds["description"] == theirs.cov_kwds["description"]
    assert ours.cov_kwds["adjust_df"] == theirs.cov_kwds["adjust_df"]
    assert getattr(ours, "df_resid_inference", None) == getattr(theirs, "df_resid_inference", None)
    assert ours.cov_type == "cluster"


@pytest.mark.parametrize("chunk", [1, 7, 50, N])
@pytest.mark.parametrize("name", ["OLS", "probit"])
def test_how_rows_are_cut_does_not_matter(name: str, chunk: int) -> None:
    ours, theirs = MODELS[name]
    data = smo.as_source(FRAME, chunk_rows=chunk)
    found = ours(data).fit(cov_type="cluster", cov_kwds={"groups": "name"})
    expected = in_memory(theirs(), FRAME["firm"])
    assert_allclose(found.bse, expected.bse, rtol=SOLVED)


def test_a_frequency_counts_as_so_many_rows() -> None:
    """Where statsmodels warns that it does not know."""
    model = smof.glm(
        "count ~ x",
        smo.as_source(FRAME, chunk_rows=7),
        family=sm.families.Poisson(),
        freq_weights="f",
    )
    repeated = FRAME.loc[FRAME.index.repeat(FRAME["f"])]
    theirs = smf.glm("count ~ x", repeated, family=sm.families.Poisson())
    found = model.fit(cov_type="cluster", cov_kwds={"groups": "name"})
    assert_allclose(found.bse, in_memory(theirs, repeated["firm"]).bse, rtol=SOLVED)


@pytest.mark.parametrize("use_t", [None, True, False])
@pytest.mark.parametrize("name", ["OLS", "Poisson"])
def test_tests_after_the_fit(name: str, use_t: bool | None) -> None:
    ours = MODELS[name][0](smo.as_source(FRAME, chunk_rows=7))
    found = ours.fit(cov_type="cluster", cov_kwds={"groups": "firm"}, use_t=use_t)
    theirs = in_memory(MODELS[name][1](), FRAME["firm"], use_t=use_t)
    assert found.use_t == theirs.use_t
    one, other = (r.t_test("x = 0.5").pvalue for r in (found, theirs))
    assert_allclose(one, other, rtol=TAILS)
    one, other = (r.wald_test("x = 0.5", scalar=True).pvalue for r in (found, theirs))
    assert_allclose(one, other, rtol=TAILS)
    lines = [text.as_text().splitlines()[-4:] for text in (found.summary(), theirs.summary())]
    assert lines[0] == lines[1]


def test_results_may_be_given_another_covariance() -> None:
    res = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7)).fit()
    theirs = smf.ols("y ~ x", FRAME).fit()
    again = res.get_robustcov_results("cluster", groups="firm")
    expected = theirs.get_robustcov_results("cluster", groups=FRAME["firm"])
    assert_allclose(again.bse, expected.bse, rtol=SOLVED)
    assert_allclose(res.covariance("cluster", groups="firm"), expected.cov_params(), rtol=SOLVED)
    assert res.cov_type == "nonrobust"
    assert_allclose(res.bse, theirs.bse, rtol=SOLVED)


def test_the_pass_is_counted() -> None:
    res = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7)).fit(
        cov_type="cluster", cov_kwds={"groups": "firm"}
    )
    assert [record.name for record in res.passes] == ["fit", "cluster covariance"]
    model = smof.glm("count ~ x", smo.as_source(FRAME, chunk_rows=7), family=sm.families.Poisson())
    passes = len(model.fit().passes)
    res = model.fit(cov_type="cluster", cov_kwds={"groups": "firm"})
    assert [record.name for record in res.passes[passes:]] == ["cluster covariance"]
    assert_allclose(res.cov_HC0, model.fit(cov_type="HC0").cov_params(), rtol=0)
    assert len(res.passes) == passes + 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_of_a_file_the_column_need_not_be_in_the_formula(kind: str, tmp_path: Any) -> None:
    path = tmp_path / f"t.{kind}"
    FRAME.to_csv(path, index=False) if kind == "csv" else FRAME.to_parquet(path)
    frame = FRAME[FRAME["x"] > 0]
    found = smof.ols("y ~ x", path, subset="x > 0").fit(
        cov_type="cluster", cov_kwds={"groups": "name"}
    )
    theirs = in_memory(smf.ols("y ~ x", frame), frame["firm"])
    assert_allclose(found.bse, theirs.bse, rtol=SOLVED)


@pytest.mark.parametrize("name", ["OLS", "Gaussian", "Poisson"])
def test_columns_far_from_zero_keep_their_digits(name: str) -> None:
    y, family = ("y", None) if name == "OLS" else FAMILIES[name]

    def errors(frame: pd.DataFrame) -> Any:
        data = smo.as_source(frame, chunk_rows=7)
        formula = f"{y} ~ x + z"
        model = (
            smof.ols(formula, data) if family is None else smof.glm(formula, data, family=family)
        )
        return model.fit(cov_type="cluster", cov_kwds={"groups": "firm"}).bse[["x", "z"]]

    near = FRAME.assign(z=(FRAME["z"] * 2**10).round() / 2**10)  # exact, also far away
    far = near.assign(z=near["z"] + 2**22)
    assert_allclose(errors(far), errors(near), rtol=FAR)


def test_rows_of_frequency_zero_are_no_clusters() -> None:
    frame = FRAME.assign(f=FRAME["f"].where(FRAME["firm"] > 2, 0))
    model = smof.glm(
        "count ~ x",
        smo.as_source(frame, chunk_rows=7),
        family=sm.families.Poisson(),
        freq_weights="f",
    )
    repeated = frame.loc[frame.index.repeat(frame["f"])]
    theirs = smf.glm("count ~ x", repeated, family=sm.families.Poisson())
    found = model.fit(cov_type="cluster", cov_kwds={"groups": "firm"})
    assert found.n_groups == 6
    assert_allclose(found.bse, in_memory(theirs, repeated["firm"]).bse, rtol=SOLVED)


def test_a_column_is_read_once() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    for _ in range(2):
        res = model.fit(cov_type="cluster", cov_kwds={"groups": "firm"})
    _ = res.covariance("cluster", groups="firm")
    assert [record.name for record in res.passes] == ["fit", "cluster covariance"]


@pytest.mark.parametrize("name", ["Poisson", "probit", "Gaussian"])
def test_constraints_leave_fewer_parameters(name: str) -> None:
    y, family = FAMILIES[name]
    groups = {"cov_type": "cluster", "cov_kwds": {"groups": "firm"}}
    ours = smof.glm(f"{y} ~ x + z", smo.as_source(FRAME, chunk_rows=7), family=family)
    found = ours.fit_constrained("x = 0.2", **groups)
    shifted = smf.glm(f"{y} ~ z", FRAME, family=family, offset=0.2 * FRAME["x"])
    theirs = shifted.fit(tol=1e-14, cov_type="cluster", cov_kwds={"groups": FRAME["firm"]})
    assert_allclose(found.bse[["Intercept", "z"]], theirs.bse, rtol=1e-8)


def test_a_penalty_that_leaves_columns_out_leaves_the_others() -> None:
    model = smof.ols("y ~ x + z", smo.as_source(FRAME, chunk_rows=7))
    chosen = model.fit_regularized(alpha=[0, 0, 50.0], refit=True)
    assert np.asarray(chosen.params)[2] == 0
    reduced = in_memory(smf.ols("y ~ x", FRAME), FRAME["firm"])
    found = chosen.get_robustcov_results("cluster", groups="firm")
    assert_allclose(np.asarray(found.bse), [*reduced.bse, 0], rtol=1e-8, atol=1e-14)
    for kind in ("HC0", "HC3"):
        white = chosen.covariance(kind)[:2, :2]
        assert_allclose(white, getattr(smf.ols("y ~ x", FRAME).fit(), f"cov_{kind}"), rtol=1e-8)


@pytest.mark.filterwarnings("ignore:Perfect separation")
def test_as_many_rows_as_parameters_have_no_correction() -> None:
    few = FRAME.drop_duplicates(["firm"])[:3].assign(u=[0.0, 1.0, 3.0])
    data = smo.as_source(few, chunk_rows=2)
    model = smof.glm("count ~ x + u", data, family=sm.families.Poisson())
    with pytest.raises(DesignError, match=r"nothing of 3 parameters|no more rows|as many"):
        model.fit(cov_type="cluster", cov_kwds={"groups": "firm"})


def test_negative_variances_are_told() -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60)})
    frame["a"], frame["b"] = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7))
    with pytest.warns(CovarianceWarning, match="1 of 2 variances are negative"):
        found = model.fit(cov_type="cluster", cov_kwds={"groups": ["a", "b"]})
    theirs = in_memory(smf.ols("y ~ x", frame), frame[["a", "b"]].to_numpy())
    assert_allclose(found.cov_params(), theirs.cov_params(), rtol=SOLVED)
