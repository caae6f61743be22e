"""Covariances that are robust to correlation within clusters, against statsmodels."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from tolerances import SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    CovarianceWarning,
    DesignError,
    MissingDataError,
    MissingGroupError,
    MissingGroupWarning,
    OptionError,
)

N = 120
FAR = 1e-6  # of standard errors, of a column that is a million times its spread from zero


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    firm = rng.integers(0, 9, N)
    x = rng.normal(size=N) + firm / 5
    shock = rng.normal(size=9)[firm]
    return pd.DataFrame(
        {
            "x": x,
            "z": 10 + rng.normal(size=N),
            "y": 1 + x + shock + rng.normal(size=N),
            "count": rng.poisson(np.exp(0.2 + 0.3 * x)),
            "hit": (x + shock + rng.normal(size=N) > 0).astype(int),
            "w": rng.uniform(0.5, 2, N),
            "f": rng.integers(1, 4, N),
            "firm": firm,
            "name": np.array(list("abcdefghi"))[firm],
            "sorted": np.arange(N) // 11,
            "year": rng.integers(2000, 2006, N),
        }
    )


FRAME = make_frame()
FAMILIES = {
    "Poisson": ("count", sm.families.Poisson()),
    "Binomial": ("hit", sm.families.Binomial()),
    "probit": ("hit", sm.families.Binomial(sm.families.links.Probit())),
    "Gaussian": ("y", sm.families.Gaussian()),
}
MODELS: dict[str, tuple[Any, Any]] = {
    "OLS": (
        lambda data: smof.ols("y ~ x + z", data),
        lambda: smf.ols("y ~ x + z", FRAME),
    ),
    "WLS": (
        lambda data: smof.wls("y ~ x + C(year)", data, weights="w"),
        lambda: smf.wls("y ~ x + C(year)", FRAME, weights=FRAME["w"]),
    ),
    **{
        name: (
            lambda data, y=y, f=family: smof.glm(f"{y} ~ x", data, family=f),
            lambda y=y, f=family: smf.glm(f"{y} ~ x", FRAME, family=f),
        )
        for name, (y, family) in FAMILIES.items()
    },
    "few levels": (  # rows that repeat are folded, and clusters are not
        lambda data: smof.glm("hit ~ C(f)", data, family=sm.families.Binomial()),
        lambda: smf.glm("hit ~ C(f)", FRAME, family=sm.families.Binomial()),
    ),
    "variance weights": (
        lambda data: smof.glm("count ~ x", data, family=sm.families.Poisson(), var_weights="w"),
        lambda: smf.glm(
            "count ~ x", FRAME, family=sm.families.Poisson(), var_weights=FRAME["w"].to_numpy()
        ),
    ),
}
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


def in_memory(model: Any, groups: Any, **more: Any) -> Any:
    factor = more.pop("scaling_factor", 1.0)
    use_t = more.pop("use_t", None)
    kwds = {"groups": np.asarray(groups), **more}
    still = {"tol": 1e-14} if isinstance(model, sm.GLM) else {}
    found = model.fit(cov_type="cluster", cov_kwds=kwds, use_t=use_t, **still)
    found._results.cov_params_default = np.asarray(found.cov_params_default) * factor
    return found


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


GROUPS = {
    "array": FRAME["firm"].to_numpy(),
    "column of an array": FRAME[["firm"]].to_numpy(),
    "text": FRAME["name"].to_numpy(),
    "Series": FRAME["name"],
    "Categorical": FRAME["name"].astype("category"),
    "list": FRAME["firm"].tolist(),
    "floats": FRAME["firm"].to_numpy() / 3,
    "large integers": 2**60 + FRAME["firm"].to_numpy(),
    "dask": da.from_array(FRAME["firm"].to_numpy(), chunks=50),
    "dask, one column": da.from_array(FRAME[["firm"]].to_numpy(), chunks=50),
    "dask frame": dd.from_pandas(FRAME[["name"]], npartitions=3),
    "times": pd.Timestamp("2020-01-01") + pd.to_timedelta(FRAME["firm"], unit="D"),
}


@pytest.mark.parametrize("groups", GROUPS)
def test_labels_may_be_given(groups: str) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    found = model.fit(cov_type="cluster", cov_kwds={"groups": GROUPS[groups]})
    theirs = in_memory(smf.ols("y ~ x", FRAME), FRAME["firm"])
    assert_allclose(found.bse, theirs.bse, rtol=SOLVED)


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


@pytest.mark.parametrize(
    ("keywords", "error", "words"),
    [
        ("firm", OptionError, "is a dict of keywords"),
        ({}, OptionError, "needs groups"),
        ({"group": "firm"}, OptionError, "no keyword 'group'; it has groups, use_correction"),
        ({"groups": "frim"}, ColumnNotFoundError, "did you mean 'firm'"),
        ({"groups": FRAME["firm"][:-1]}, DesignError, "119 rows, the model has 120"),
        ({"groups": np.zeros(N)}, DesignError, "one cluster"),
        ({"groups": np.where(FRAME["firm"] == 3, np.nan, 1.0)}, MissingDataError, "missing value"),
        ({"groups": FRAME["name"].replace("b", None)}, MissingDataError, "missing value"),
        ({"groups": ["firm", "firm"]}, OptionError, "has the way 'firm' twice"),
        ({"groups": "firm, name"}, OptionError, r"groups=\['firm', 'name'\] are 2 ways"),
        ({"groups": "firm", "use_correction": "no"}, OptionError, "it is True or False"),
        ({"groups": "firm", "df_correction": 2}, OptionError, "it is True or False"),
        ({"groups": "~firm"}, OptionError, "is a formula; the column is groups='firm'"),
    ],
)
@pytest.mark.parametrize("name", ["OLS", "Poisson"])
def test_wrong_groups_are_named(
    name: str, keywords: dict[str, Any], error: type[Exception], words: str
) -> None:
    model = MODELS[name][0](smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(error, match=words):
        model.fit(cov_type="cluster", cov_kwds=keywords)


def test_keywords_are_refused_before_the_first_read() -> None:
    for name in ("OLS", "Poisson"):
        model = MODELS[name][0](smo.as_source(FRAME, chunk_rows=7))
        with pytest.raises(OptionError):
            model.fit(cov_type="cluster", cov_kwds={"group": "firm"})
        assert model.passes == []


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


def test_integers_that_doubles_do_not_tell_apart_are_clusters_of_their_own() -> None:
    labels = np.array([2**53, 2**53 + 1, 2**53 - 1])[FRAME["firm"] % 3]
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    for groups in (labels, da.from_array(labels, chunks=50), labels.tolist()):
        assert model.fit(cov_type="cluster", cov_kwds={"groups": groups}).n_groups == 3


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


@pytest.mark.parametrize("name", ["OLS", "Poisson"])
def test_any_covariance_beside_that_of_the_results(name: str) -> None:
    model = MODELS[name][0](smo.as_source(FRAME, chunk_rows=7))
    plain = model.fit()
    robust = model.fit(cov_type="cluster", cov_kwds={"groups": "firm"})
    assert_allclose(robust.covariance("nonrobust"), plain.cov_params(), rtol=1e-14)
    assert_allclose(robust.covariance("HC0"), robust.cov_HC0, rtol=0)
    for kind, keywords in (("HC0", {}), ("cluster", {"groups": "firm"})):
        once, scaled = (
            robust.covariance(kind, **keywords, **more) for more in ({}, {"scaling_factor": 4.0})
        )
        assert_allclose(scaled, 4 * once, rtol=1e-15)


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


@pytest.mark.parametrize(
    ("groups", "error"),
    [
        ([*FRAME["name"][:-1], np.nan], MissingDataError),
        ([*FRAME["name"][:-1], None], MissingDataError),
        (FRAME["name"].astype("string").where(FRAME["firm"] != 3), MissingDataError),
        (np.ma.masked_equal(FRAME["firm"].to_numpy(), 3), MissingDataError),
        ([[firm, 1] for firm in FRAME["firm"]], OptionError),
        ([], OptionError),
        (None, OptionError),
        (3, OptionError),
        ({"firm"}, OptionError),
    ],
)
def test_labels_that_are_none_are_named(groups: Any, error: type[Exception]) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(error):
        model.fit(cov_type="cluster", cov_kwds={"groups": groups})


def test_results_do_not_keep_labels_of_all_rows() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    res = model.fit(cov_type="cluster", cov_kwds={"groups": FRAME["name"]})
    assert "groups" not in res.cov_kwds


@pytest.mark.parametrize("kind", [None, 5])
def test_a_covariance_without_a_name_is_refused(kind: Any) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(ValueError, match="not recognized"):
        model.fit(cov_type=kind)


@pytest.mark.filterwarnings("ignore:.*variances are negative")
@pytest.mark.parametrize("name", ["OLS", "WLS", "Poisson", "few levels"])
@pytest.mark.parametrize("groups", ["name", ["name", "year"]])
def test_rows_without_a_label_are_left_out_as_other_missing_values(name: str, groups: Any) -> None:
    frame = FRAME.assign(name=FRAME["name"].where(FRAME.index % 5 != 2))
    model = MODELS[name][0](smo.as_source(frame, chunk_rows=7))
    with pytest.warns(MissingGroupWarning, match="24 of 120 rows have no 'name'"):
        found = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
    kept = frame[frame["name"].notna()]
    expected = MODELS[name][0](smo.as_source(kept, chunk_rows=7)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    assert found.nobs == found.model.nobs == 96
    assert model.nobs == 120
    assert_allclose(found.params, expected.params, rtol=1e-9)
    assert_allclose(found.cov_params(), expected.cov_params(), rtol=1e-8, atol=1e-12)
    assert [record.name for record in found.passes][-1] == "cluster covariance"
    assert list(found.model.row_labels) == list(kept.index)


def test_rows_without_a_label_are_refused_where_missing_values_are() -> None:
    frame = FRAME.assign(name=FRAME["name"].where(FRAME.index % 5 != 2))
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7), missing="raise")
    with pytest.raises(MissingGroupError, match=r"'name' at row [0-6] of DataFrame, rows"):
        model.fit(cov_type="cluster", cov_kwds={"groups": "name"})
    res = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7)).fit()
    with pytest.raises(MissingGroupError, match="'name'"):  # the parameters stay what they are
        res.get_robustcov_results("cluster", groups="name")


@pytest.mark.parametrize("column", ["firm id", "firm.id", "class", "a`b"])
def test_a_column_of_any_name_may_lack_labels(column: str) -> None:
    frame = FRAME.assign(**{column: FRAME["name"].where(FRAME.index % 5 != 2)})
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7))
    with pytest.warns(MissingGroupWarning, match="24 of 120 rows"):
        found = model.fit(cov_type="cluster", cov_kwds={"groups": column})
    assert found.nobs == 96


@pytest.mark.filterwarnings("ignore:Perfect separation")
def test_as_many_rows_as_parameters_have_no_correction() -> None:
    few = FRAME.drop_duplicates(["firm"])[:3].assign(u=[0.0, 1.0, 3.0])
    data = smo.as_source(few, chunk_rows=2)
    model = smof.glm("count ~ x + u", data, family=sm.families.Poisson())
    with pytest.raises(DesignError, match=r"nothing of 3 parameters|no more rows|as many"):
        model.fit(cov_type="cluster", cov_kwds={"groups": "firm"})


@pytest.mark.parametrize("factor", ["a", [2.0], np.nan])
def test_what_is_no_factor_is_named(factor: Any) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(OptionError, match="is a number"):
        model.fit(cov_type="HC1", cov_kwds={"scaling_factor": factor})
    with pytest.raises(OptionError, match="is a number"):
        model.fit(cov_type="fixed scale", cov_kwds={"scale": "a"})
    res = model.fit()
    scaled, plain = (
        res.covariances([("nonrobust", {"scaling_factor": value})])[0] for value in (4.0, 1.0)
    )
    assert_allclose(scaled, 4 * plain, rtol=1e-15)


def long_ids(kind: str) -> Any:
    """Decimals of 32 digits, of which Python's own arithmetic keeps 28."""
    ids = [Decimal(10**31 + 700 * int(firm)) for firm in FRAME["firm"]]
    decimals = pd.Series(ids, dtype=pd.ArrowDtype(pa.decimal128(38, 0)))
    return {"objects": np.array(ids), "list": ids, "Arrow": decimals}[kind]


@pytest.mark.parametrize("kind", ["objects", "list", "Arrow"])
def test_decimals_of_many_digits_are_told_apart(kind: str) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    found = model.fit(cov_type="cluster", cov_kwds={"groups": long_ids(kind)})
    theirs = in_memory(smf.ols("y ~ x", FRAME), FRAME["firm"])
    assert_allclose(found.bse, theirs.bse, rtol=SOLVED)


def test_equal_decimals_are_one_label() -> None:
    equal = [Decimal("0"), Decimal("-0"), Decimal("0.0"), Decimal("1"), Decimal("1.0")]
    labels = [equal[i % 5] for i in range(N)]
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    assert model.fit(cov_type="cluster", cov_kwds={"groups": labels}).n_groups == 2


def test_pairs_of_an_index_are_labels_of_one_way() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    pairs = pd.MultiIndex.from_frame(FRAME[["firm", "name"]])
    found = model.fit(cov_type="cluster", cov_kwds={"groups": pairs})
    joined = FRAME["firm"].astype(str) + " " + FRAME["name"]
    expected = model.fit(cov_type="cluster", cov_kwds={"groups": joined})
    assert_allclose(found.bse, expected.bse, rtol=SOLVED)


@pytest.mark.parametrize("kinds", [3, None])
def test_covariances_are_a_list(kinds: Any) -> None:
    res = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7)).fit()
    (alone,), (listed,) = res.covariances(("HC1", {})), res.covariances(["HC1"])
    assert_allclose(alone, listed, rtol=0)
    with pytest.raises(OptionError, match="no list of covariances"):
        res.covariances(kinds)


@pytest.mark.parametrize("scale", [-1.0, np.nan, np.inf, "1"])
def test_a_fixed_scale_is_a_number(scale: Any) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(OptionError, match="it is a number, 0 or more, and finite"):
        model.fit(cov_type="fixed scale", cov_kwds={"scale": scale})


def test_negative_variances_are_told() -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60)})
    frame["a"], frame["b"] = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7))
    with pytest.warns(CovarianceWarning, match="1 of 2 variances are negative"):
        found = model.fit(cov_type="cluster", cov_kwds={"groups": ["a", "b"]})
    theirs = in_memory(smf.ols("y ~ x", frame), frame[["a", "b"]].to_numpy())
    assert_allclose(found.cov_params(), theirs.cov_params(), rtol=SOLVED)


@pytest.mark.parametrize("groups", ["firm + year", "firm*year", "firm:year", "firm^year", "~firm"])
def test_what_elsewhere_means_ways_is_refused(groups: str) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(OptionError, match=r"are 2 ways|is a formula; the column is groups='firm'"):
        model.fit(cov_type="cluster", cov_kwds={"groups": groups})


def test_standard_errors_side_by_side() -> None:
    res = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7)).fit()
    before = len(res.passes)
    kinds = ["nonrobust", "HC1", ("cluster", {"groups": "firm"}), ("HAC", {"maxlags": 2})]
    table = res.standard_errors(kinds)
    assert len(res.passes) == before + 1
    assert list(table) == ["nonrobust", "HC1", "cluster groups='firm'", "HAC maxlags=2"]
    assert_allclose(table["nonrobust"], res.bse, rtol=1e-12)
    for name, kind in zip(list(table)[1:], kinds[1:], strict=True):
        cov_type, keywords = (kind, {}) if isinstance(kind, str) else kind
        expected = res.get_robustcov_results(cov_type, **keywords).bse
        assert_allclose(table[name], expected, rtol=1e-12)
    assert list(table.index) == list(res.params.index)
    labels = res.standard_errors(("cluster", {"groups": FRAME["firm"]}))
    assert list(labels) == ["cluster groups=..."]
    assert isinstance(res.covariance("HC1"), pd.DataFrame)
    assert list(res.covariances(["HC1"])[0].columns) == list(res.params.index)


@pytest.mark.parametrize(
    ("told", "meant"),
    [("DK", "hac-groupsum"), ("clustered", "cluster"), ("newey-west", "HAC"), ("robust", "HC1")],
)
def test_what_other_programs_call_it_is_guessed(told: str, meant: str) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(ValueError, match=f"not recognized; did you mean '{meant}'"):
        model.fit(cov_type=told)


@pytest.mark.parametrize("column", ["p+q", "u:v", "~t", "a, b"])
def test_columns_may_have_any_name(column: str) -> None:
    frame = FRAME.assign(**{column: FRAME["firm"]})
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7))
    expected = model.fit(cov_type="cluster", cov_kwds={"groups": "firm"}).bse
    found = model.fit(cov_type="cluster", cov_kwds={"groups": column}).bse
    assert_allclose(found, expected, rtol=0)


@pytest.mark.parametrize("no", [False, np.False_, 0])
def test_flags_of_any_kind(no: Any) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    kinds = {"groups": "firm", "df_correction": no, "use_correction": no}
    found = model.fit(cov_type="cluster", cov_kwds=kinds, use_t=True)
    expected = model.fit(
        cov_type="cluster",
        cov_kwds={"groups": "firm", "df_correction": False, "use_correction": False},
        use_t=True,
    )
    assert_allclose(found.pvalues, expected.pvalues, rtol=0)


def test_columns_of_arrays_have_no_names() -> None:
    x = np.column_stack((np.ones(N), FRAME["x"], FRAME["firm"]))
    exog, endog = (da.from_array(v, chunks=7) for v in (x, FRAME["y"].to_numpy()))
    model = smo.OLS(endog, exog.rechunk((7, 3)))
    res = model.fit()
    assert list(res.model.exog_names) == ["const", "x1", "x2"]
    for name in ("x2", "x3", "x2 + 1"):
        with pytest.raises(ColumnNotFoundError, match="arrays have no names"):
            model.fit(cov_type="cluster", cov_kwds={"groups": name})
    found = model.fit(cov_type="cluster", cov_kwds={"groups": exog[:, 2]})
    assert_allclose(found.bse, in_memory(sm.OLS(FRAME["y"].to_numpy(), x), FRAME["firm"]).bse)
