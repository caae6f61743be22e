"""Predictions of new data that are read in chunks, beside statsmodels' own of a frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from patsy import PatsyError
from tolerances import ITERATED, SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import RowArray
from statsmodels_ooc.errors import ColumnNotFoundError, DesignError, OptionError, UnseenLevelError

ROWS = 60
FORMULA = "y ~ x * g + bs(z, df=4)"
POISSON = sm.families.Poisson()
CHUNKS = [1, 7, None]


def make_frame(seed: int, n: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.uniform(0, 1, n)})
    frame["z"] = np.clip(frame["z"], 0.1, 0.9)
    frame.loc[:1, "z"] = 0.05, 0.95
    frame["g"] = rng.choice(list("abc"), n)
    frame["w"] = rng.uniform(1, 2, n)
    frame["t"] = rng.uniform(0.5, 3, n)
    frame["y"] = frame["x"] + (frame["g"] == "b") + rng.normal(size=n)
    frame["hits"] = rng.poisson(np.exp(0.3 * frame["x"]) * frame["t"])
    frame["w0"] = rng.integers(1, 3, n) * 1.0
    return frame


FRAME = make_frame(0)


def make_new() -> pd.DataFrame:
    frame = make_frame(1, 23).drop(columns=["y", "hits"])
    frame["z"] = np.clip(frame["z"], 0.05, 0.95)
    frame.loc[[3, 22], "x"] = np.nan
    frame.loc[7, "g"] = None
    return frame.set_axis([f"r{i}" for i in range(23)])


NEW = make_new()
COMPLETE = NEW.dropna()


@cache
def fits(kind: str) -> tuple[Any, Any]:
    source = smo.as_source(FRAME, chunk_rows=7)
    if kind == "ols":
        return smof.ols(FORMULA, source).fit(), smf.ols(FORMULA, FRAME).fit()
    if kind == "wls":
        ours = smof.wls(FORMULA, source, weights="w").fit(cov_type="HC1")
        return ours, smf.wls(FORMULA, FRAME, weights=FRAME["w"]).fit(cov_type="HC1")
    formula, how = "hits ~ x + g", {"tol": 1e-13}
    ours = smof.glm(formula, source, family=POISSON, exposure="t").fit(**how)
    return ours, smf.glm(formula, FRAME, family=POISSON, exposure=FRAME["t"]).fit(**how)


def same(found: Any, expected: Any, rtol: float) -> None:
    """The same values and labels: a name that comes of `offset + X beta` is nobody's."""
    labels = {"check_index_type": False}  # dask has a type of its own for text
    if isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(found, expected, rtol=rtol, check_names=False, **labels)
    else:
        pd.testing.assert_frame_equal(found, expected, rtol=rtol, **labels)


def parquet(folder: Path) -> str:
    for i, start in enumerate(range(0, len(NEW), 9)):
        NEW.iloc[start : start + 9].to_parquet(folder / f"{i}.parquet", row_group_size=4)
    return str(folder)


def csv(folder: Path) -> str:
    NEW.to_csv(folder / "new.csv", index=False)
    return str(folder / "new.csv")


ROADS: dict[str, Callable[[Path], Any]] = {
    "one row": lambda _: smo.as_source(NEW, chunk_rows=1),
    "seven rows": lambda _: smo.as_source(NEW, chunk_rows=7),
    "Parquet": parquet,
    "CSV": csv,
    "dask frame": lambda _: dd.from_pandas(NEW, npartitions=4, sort=False),
    "frames": lambda _: [NEW[:10], NEW[10:]],
    "function": lambda _: lambda: iter([NEW[:10], NEW[10:]]),
}
UNLABELLED = ("CSV", "function")


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("kind", ["ols", "wls", "glm"])
def test_roads(kind: str, road: str, tmp_path: Path) -> None:
    ours, theirs = fits(kind)
    data, expected = ROADS[road](tmp_path), theirs.predict(NEW)
    table = theirs.get_prediction(NEW).summary_frame()
    if road in UNLABELLED:
        table = table.set_axis(np.flatnonzero(expected.notna()))
        expected = expected.reset_index(drop=True)
    tolerance = ITERATED if kind == "glm" else TAILS
    before = len(ours.passes)
    found = ours.predict(data)
    assert [record.name for record in ours.passes[before:]] == ["predict"]
    assert found.isna().sum() == 3
    same(found, expected, tolerance)
    frame = ours.get_prediction(data).summary_frame()
    assert [record.name for record in ours.passes[before:]] == ["predict", "predictions"]
    same(frame, table, tolerance)


GIVEN: dict[str, tuple[dict[str, Any], Callable[[pd.DataFrame], dict[str, Any]]]] = {
    "nothing": ({}, lambda f: {}),
    "a column": ({"exposure": "t"}, lambda f: {"exposure": f["t"]}),
    "two": ({"exposure": "t", "offset": "w"}, lambda f: {"exposure": f["t"], "offset": f["w"]}),
    "numbers": ({"exposure": 2.0, "offset": 0.5}, lambda f: {"exposure": 2.0, "offset": 0.5}),
    "an expression": ({"offset": "np.log(t) + 1"}, lambda f: {"offset": np.log(f["t"]) + 1}),
}


@pytest.mark.parametrize("rows", CHUNKS)
@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("which", ["mean", "linear", "var_unscaled"])
def test_offsets_and_exposures_by_name(which: str, name: str, rows: int | None) -> None:
    ours, theirs = fits("glm")
    source, (given, values) = smo.as_source(NEW, chunk_rows=rows), GIVEN[name]
    expected = theirs.predict(NEW, which=which, **values(NEW))
    found = ours.predict(source, which=which, **given)
    same(found, expected, ITERATED)
    found = ours.predict(NEW, which=which, **given)  # a frame in memory knows names, too
    same(found, expected, ITERATED)
    arrays = {role: np.asarray(value) for role, value in values(COMPLETE).items()}
    found = ours.get_prediction(source, which=which, **given).summary_frame()
    expected = theirs.get_prediction(COMPLETE, which=which, **arrays).summary_frame()
    pd.testing.assert_frame_equal(found, expected, rtol=ITERATED)


WEIGHTS = [(None, None), ("w", COMPLETE["w"].to_numpy()), (2.0, 2.0)]


@pytest.mark.parametrize("rows", CHUNKS)
@pytest.mark.parametrize(("weights", "values"), WEIGHTS)
def test_averages(weights: Any, values: Any, rows: int | None) -> None:
    ours, theirs = fits("glm")
    source = smo.as_source(NEW, chunk_rows=rows)
    for which in ("mean", "var_unscaled"):
        asked = {"which": which, "average": True}
        before = len(ours.passes)
        found = ours.get_prediction(source, exposure="t", agg_weights=weights, **asked)
        assert [record.name for record in ours.passes[before:]] == ["average prediction"]
        given = None if values is None else np.asarray(values)
        expected = theirs.get_prediction(
            COMPLETE, exposure=COMPLETE["t"], agg_weights=given, **asked
        )
        pd.testing.assert_frame_equal(
            found.summary_frame(), expected.summary_frame(), rtol=ITERATED
        )
    own = ours.get_prediction(agg_weights=weights, which="mean", average=True)
    full = FRAME["w"].to_numpy() if weights == "w" else np.array(1.0 if values is None else values)
    expected = theirs.get_prediction(agg_weights=full, which="mean", average=True)
    pd.testing.assert_frame_equal(own.summary_frame(), expected.summary_frame(), rtol=ITERATED)


def test_negative_weights_of_an_average_are_a_contrast() -> None:
    ours, theirs = fits("glm")
    source = smo.as_source(NEW, chunk_rows=7)
    signs = np.where(COMPLETE["g"] == "a", 1.0, -1.0)
    asked = {"which": "mean", "average": True}
    found = ours.get_prediction(source, agg_weights="np.where(g == 'a', 1.0, -1.0)", **asked)
    expected = theirs.get_prediction(COMPLETE, agg_weights=signs, **asked)
    pd.testing.assert_frame_equal(found.summary_frame(), expected.summary_frame(), rtol=ITERATED)


@pytest.mark.parametrize("rows", CHUNKS)
@pytest.mark.parametrize("kind", ["ols", "wls"])
def test_weights_of_new_observations_by_name(kind: str, rows: int | None) -> None:
    ours, theirs = fits(kind)
    source = smo.as_source(NEW, chunk_rows=rows)
    found = ours.get_prediction(source, weights="w").summary_frame(alpha=0.2)
    expected = theirs.get_prediction(COMPLETE, weights=COMPLETE["w"].to_numpy())
    pd.testing.assert_frame_equal(found, expected.summary_frame(alpha=0.2), rtol=TAILS)


def test_weights_and_exposures_that_are_none() -> None:
    linear, _ = fits("ols")
    source = smo.as_source(NEW, chunk_rows=7)
    for weights in (-1, np.nan, {}, "w + nobody"):
        with pytest.raises((OptionError, ColumnNotFoundError)):
            linear.get_prediction(source, weights=weights)
    frame = linear.get_prediction(source, weights=0).summary_frame()
    assert np.isposinf(frame["obs_ci_upper"]).all()
    with pytest.raises(OptionError, match=r"row_labels has 2 values, and there are \d+ rows"):
        linear.get_prediction(source, row_labels=[1, 2])
    glm, _ = fits("glm")
    with pytest.raises(OptionError, match=r"offset=.*; it is a column"):
        glm.predict(source, offset={})
    exposure = np.ones(len(COMPLETE))
    exposure[3] = -1.0
    with pytest.raises(DesignError, match=r"the exposure is -1.0 at row \d"):
        glm.predict(smo.as_source(COMPLETE, chunk_rows=7), exposure=exposure)


@pytest.mark.parametrize("kind", ["ols", "wls", "glm"])
def test_the_data_themselves(kind: str) -> None:
    ours, theirs = fits(kind)
    before = len(ours.passes)
    found = ours.get_prediction().summary_frame()
    assert len(ours.passes) == before + 1
    tolerance = ITERATED if kind == "glm" else TAILS
    pd.testing.assert_frame_equal(found, theirs.get_prediction().summary_frame(), rtol=tolerance)
    if kind == "glm":
        found = ours.get_prediction(exposure="t").predicted_mean
        assert_allclose(found, theirs.fittedvalues, rtol=ITERATED)


MEMBERS = ["predicted_mean", "var_pred_mean", "se_mean", "se_obs", "predicted", "var_pred", "se"]


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("kind", ["ols", "glm"])
def test_many_rows_are_lazy(kind: str, new: bool) -> None:
    ours, _ = fits(kind)
    data = smo.as_source(NEW, chunk_rows=7) if new else None
    small = ours.get_prediction(data)
    with smo.options.set(array_limit=8):
        large, predicted = ours.get_prediction(data), ours.predict(data)
        assert isinstance(predicted, RowArray)
        for name in [n for n in MEMBERS if hasattr(small, n)]:
            assert isinstance(getattr(large, name), RowArray)
            assert_allclose(getattr(large, name).compute(), getattr(small, name), rtol=SOLVED)
        assert_allclose(large.conf_int(alpha=0.1).compute(), small.conf_int(alpha=0.1), rtol=SOLVED)
        frame = large.summary_frame(alpha=0.1).compute()
        predicted = predicted.compute()
    expected = small.summary_frame(alpha=0.1)
    assert_allclose(frame, expected, rtol=SOLVED)
    assert list(frame.columns) == list(expected.columns)
    if new:
        assert list(frame.index) == list(np.flatnonzero(NEW.notna().all(axis=1)))
    assert_allclose(predicted, ours.predict(data), rtol=SOLVED)


def test_rows_that_nobody_counted_are_counted_by_the_same_pass() -> None:
    ours, _ = fits("ols")
    data = smo.as_source(lambda: iter([NEW[:10], NEW[10:]]))
    expected, before = ours.predict(data), len(ours.passes)
    with smo.options.set(array_limit=8 * 5):
        found = ours.predict(data)
    assert isinstance(found, RowArray)
    assert [record.name for record in ours.passes[before:]] == ["predict"]
    assert_allclose(found.compute(), expected, rtol=SOLVED)


def test_offsets_of_the_data_by_name() -> None:
    ours, theirs = fits("glm")
    for which in ("mean", "linear"):
        expected = theirs.predict(which=which, offset=FRAME["w"])
        found = ours.predict(which=which, offset="w")  # the exposure is the model's own
        assert_allclose(found, expected, rtol=ITERATED)
        assert_allclose(ours.lazy.predict(which=which, offset="w"), expected, rtol=ITERATED)
        expected = theirs.predict(which=which, exposure=FRAME["t"] * 2)
        found = ours.predict(which=which, exposure="t * 2", offset=0.0)
        assert_allclose(found, expected, rtol=ITERATED)


def test_lazily_at_any_size() -> None:
    ours, _ = fits("ols")
    found = ours.lazy.predict(smo.as_source(NEW, chunk_rows=7))
    assert isinstance(found, RowArray)
    assert found.chunks == ((7, 7, 7, 2),)
    assert_allclose(found.compute(), ours.predict(smo.as_source(NEW)), rtol=SOLVED)


UNSEEN = NEW.assign(g=["q" if i in (5, 9) else g for i, g in enumerate(NEW["g"])])
ASKS: dict[str, Callable[[Any, Any], Any]] = {
    "predict": lambda r, d: r.predict(d),
    "get_prediction": lambda r, d: r.get_prediction(d),
    "average": lambda r, d: r.get_prediction(d, which="mean", average=True),
}


@pytest.mark.parametrize("limit", [8, "256 MiB"])
@pytest.mark.parametrize("ask", ASKS)
def test_unseen_levels_are_counted_and_the_first_is_named(ask: str, limit: Any) -> None:
    ours, _ = fits("glm")
    source = smo.as_source(UNSEEN, chunk_rows=7)
    count = 1 if (ask, limit) == ("predict", 8) else 2  # lazily of a partition
    told = rf"{count} in 'g'; the first is 'q' of 'g' at row . of DataFrame, rows"
    with smo.options.set(array_limit=limit):
        if ask == "predict" and limit == 8:
            lazy = ours.predict(source)
            with pytest.raises(UnseenLevelError, match=told):
                lazy.compute()
            return
        with pytest.raises(UnseenLevelError, match=told):
            ASKS[ask](ours, source)


def test_the_first_unseen_level_of_a_partition_is_named() -> None:
    ours, _ = fits("ols")
    told = "2 in 'g'; the first is 'q' of 'g' at row 5 of DataFrame, rows 0-22"
    with smo.options.set(frame_rows=2), pytest.raises(UnseenLevelError, match=told):
        ours.predict(smo.as_source(UNSEEN))


@pytest.mark.parametrize("ask", ["predict", "get_prediction"])
@pytest.mark.parametrize("kind", ["ols", "glm"])
def test_unseen_levels_of_a_frame_are_counted_too(kind: str, ask: str) -> None:
    ours, theirs = fits(kind)
    before = len(ours.passes)
    with pytest.raises(UnseenLevelError, match="2 in 'g'; the first is 'q' of 'g' at row 5 of"):
        getattr(ours, ask)(UNSEEN)
    with pytest.raises(PatsyError):
        getattr(theirs, ask)(UNSEEN)
    assert len(ours.passes) == before


def test_a_column_that_is_not_there() -> None:
    ours, _ = fits("glm")
    with pytest.raises(ColumnNotFoundError, match=r"no column 'x', which the design \('x'\) needs"):
        ours.predict(smo.as_source(NEW.drop(columns="x")))
    with pytest.raises(ColumnNotFoundError, match="'years'"):
        ours.predict(smo.as_source(NEW), exposure="years")
    with pytest.raises(DesignError, match="exposures are > 0"):
        ours.predict(smo.as_source(NEW), exposure="t - 9")
    with pytest.raises(TypeError, match="unexpected keyword argument 'offset'"):
        fits("ols")[0].predict(smo.as_source(NEW), offset="t")


# --- designs without a formula

X = sm.add_constant(FRAME[["x", "z"]])
X_NEW = sm.add_constant(NEW[["x", "z"]])


@cache
def arrays() -> tuple[Any, Any]:
    y, x = FRAME["hits"].to_numpy() * 1.0, X.to_numpy()
    ours = smo.GLM(da.from_array(y, 7), da.from_array(x, (7, -1)), family=POISSON)
    return ours.fit(tol=1e-13), sm.GLM(y, x, family=POISSON).fit(tol=1e-13)


def test_dask_arrays_of_designs() -> None:
    ours, theirs = arrays()
    lazy, offset = da.from_array(X_NEW.to_numpy(), (5, -1)), NEW["w"].to_numpy()
    for asked in ({}, {"offset": offset}, {"offset": 1.0}):
        expected = theirs.predict(X_NEW.to_numpy(), **asked)
        assert_allclose(ours.predict(lazy, **asked), expected, rtol=ITERATED)
    found, expected = ours.get_prediction(lazy), theirs.get_prediction(X_NEW.to_numpy())
    assert_allclose(found.summary_frame(), expected.summary_frame(), rtol=ITERATED)
    assert found.row_labels is None


def test_dask_frames_of_designs() -> None:
    collection = dd.from_pandas(FRAME.assign(const=1.0), npartitions=3)
    ours = smo.OLS(collection["y"], collection[["const", "x", "z"]]).fit()
    theirs = sm.OLS(FRAME["y"], X).fit()
    for names in (["const", "x", "z"], ["z", "const", "x"]):  # columns go by their names
        new = dd.from_pandas(X_NEW[names], npartitions=2, sort=False)
        same(ours.predict(new), theirs.predict(X_NEW), TAILS)
    new = dd.from_pandas(X_NEW.set_axis(list("pqr"), axis=1), npartitions=2, sort=False)
    same(ours.predict(new), theirs.predict(X_NEW), TAILS)
    with pytest.raises(DesignError, match="2 columns where the design has 3"):
        ours.predict(dd.from_pandas(X_NEW[["x", "z"]], npartitions=2, sort=False))


def test_a_design_in_place_of_the_variables_of_a_formula() -> None:
    ours, theirs = smof.ols("y ~ x", smo.as_source(FRAME)).fit(), smf.ols("y ~ x", FRAME).fit()
    x = X_NEW[["const", "x"]].to_numpy()
    expected = theirs.predict(x, transform=False)
    assert_allclose(ours.predict(da.from_array(x, (4, 2)), transform=False), expected, rtol=TAILS)


def test_results_without_data_predict() -> None:
    ours = smof.ols(FORMULA, smo.as_source(FRAME, chunk_rows=7)).fit()
    expected = ours.predict(NEW)
    ours.remove_data()
    pd.testing.assert_series_equal(
        ours.predict(smo.as_source(NEW, chunk_rows=7)), expected, rtol=SOLVED
    )


@pytest.mark.parametrize("kind", ["ols", "wls", "glm"])
def test_penalised_fits(kind: str, tmp_path: Path) -> None:
    formula, given = ("hits ~ x + g", {"family": POISSON}) if kind == "glm" else ("y ~ x + g", {})
    given |= {"weights": "w"} if kind == "wls" else {}
    model = getattr(smof, kind)(formula, smo.as_source(FRAME, chunk_rows=7), **given)
    res = model.fit_regularized(alpha=0.05)
    expected = res.predict(NEW)
    same(res.predict(smo.as_source(NEW, chunk_rows=7)), expected, SOLVED)
    res.write_rows(tmp_path / "p.csv", ["fittedvalues", "mean"], keep=["y"])
    found = pd.read_csv(tmp_path / "p.csv")
    assert_allclose(found["fittedvalues"], res.fittedvalues, rtol=SOLVED)
    assert_allclose(found["mean"], res.predict(FRAME), rtol=SOLVED)
    with pytest.raises(DesignError, match="no standard errors"):
        res.write_rows(tmp_path / "q.csv", "mean_se")


FAMILIES = [
    sm.families.Gamma(sm.families.links.Log()),
    sm.families.Binomial(),
    sm.families.NegativeBinomial(alpha=0.5),
    sm.families.Tweedie(sm.families.links.Log(), var_power=1.5),
    sm.families.Gaussian(),
]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: type(f).__name__)
@pytest.mark.parametrize("which", [None, "mean", "linear", "var_unscaled"])
def test_families(family: Any, which: str | None) -> None:
    formula = "s + fails ~ x + w" if isinstance(family, sm.families.Binomial) else "pos ~ x + w"
    counts = {"s": FRAME["hits"], "fails": 3 + FRAME["w0"], "pos": np.exp(FRAME["y"]) + 0.1}
    frame, how = FRAME.assign(**counts), {"tol": 1e-13, "use_t": True}
    source = smo.as_source(frame, chunk_rows=7)
    ours = smof.glm(formula, source, family=family).fit(**how)
    theirs = smf.glm(formula, frame, family=family).fit(**how)
    found = ours.get_prediction(smo.as_source(NEW, chunk_rows=7), which=which).summary_frame()
    known = NEW[NEW["x"].notna()]
    expected = theirs.get_prediction(known, which=which).summary_frame()
    # Statsmodels takes differences, where the variance knows no complex numbers.
    tolerance = 10 * ITERATED if which == "var_unscaled" else ITERATED
    same(found, expected, tolerance)
    if which in ("mean", "var_unscaled"):
        asked = {"which": which, "average": True}
        found = ours.get_prediction(smo.as_source(NEW, chunk_rows=1), **asked).summary_frame()
        same(found, theirs.get_prediction(known, **asked).summary_frame(), tolerance)


def test_labels_that_repeat() -> None:
    ours, theirs = fits("ols")
    found = ours.predict(smo.as_source(NEW.set_axis(["r"] * len(NEW)), chunk_rows=7))
    assert (found.index == "r").all()
    assert_allclose(found, theirs.predict(NEW), rtol=TAILS)


def test_saved_results_predict_files(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "data.parquet")
    ours = smof.ols(FORMULA, tmp_path / "data.parquet").fit()
    ours.save(tmp_path / "fit.pkl")
    NEW.to_parquet(tmp_path / "new.parquet")
    loaded = smo.load(tmp_path / "fit.pkl")
    same(loaded.predict(tmp_path / "new.parquet"), ours.predict(NEW), SOLVED)
    loaded.write_rows(tmp_path / "rows.csv", "resid")
    assert_allclose(pd.read_csv(tmp_path / "rows.csv")["resid"], ours.resid, rtol=SOLVED)


def test_a_constant_alone() -> None:
    ours, theirs = smof.ols("y ~ 1", smo.as_source(FRAME)).fit(), smf.ols("y ~ 1", FRAME).fit()
    assert_allclose(
        ours.predict(smo.as_source(NEW, chunk_rows=7)),
        np.full(23, theirs.params.iloc[0]),
        rtol=TAILS,
    )


def test_a_row_of_leverage_one() -> None:
    frame = FRAME.assign(lone=(np.arange(ROWS) == 5) * 1.0)
    new = frame[["x", "lone"]].iloc[:9]
    ours = smof.ols("y ~ x + lone", smo.as_source(frame, chunk_rows=7)).fit()
    theirs = smf.ols("y ~ x + lone", frame).fit()
    found = ours.get_prediction(smo.as_source(new, chunk_rows=1)).summary_frame()
    expected = theirs.get_prediction(new).summary_frame()
    pd.testing.assert_frame_equal(found, expected, rtol=TAILS)


@pytest.mark.parametrize("which", [None, "mean"])
def test_values_for_the_rows_of_a_frame_go_with_them(which: str | None) -> None:
    glm, in_memory = fits("glm")
    assert NEW["x"].isna().any()
    known = NEW[NEW["g"].isin(FRAME["g"].dropna())]
    complete = known.dropna(subset=["x"])
    expected = in_memory.get_prediction(complete, exposure=complete["t"], which=which)
    other = known["t"].set_axis(np.arange(len(known)) + 1_000)  # values go by place
    for exposure in (known["t"], known["t"].to_numpy(), other):
        found = glm.get_prediction(known, exposure=exposure, which=which).summary_frame()
        pd.testing.assert_frame_equal(found, expected.summary_frame(), rtol=TAILS)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
@pytest.mark.parametrize("more", [[], ["x3", "x4"]])
def test_new_data_of_arrays_go_by_the_names_that_are_shown(
    order: list[int], more: list[str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack((np.ones(40), rng.normal(size=(40, 2))))
    y = x @ [1.0, 2.0, -3.0] + rng.normal(size=40)
    res = smo.OLS(da.from_array(y, chunks=7), da.from_array(x, chunks=(7, 3))).fit()
    new = pd.DataFrame(x[:5], columns=["const", "x1", "x2"]).iloc[:, order]
    for name in more:
        new[name] = 100.0
    expected = sm.OLS(y, x).fit().predict(x[:5])
    new.to_parquet(tmp_path / "new.parquet")
    for data in (tmp_path / "new.parquet", dd.from_pandas(new, npartitions=2)):
        assert_allclose(res.predict(data), expected, rtol=SOLVED)
        res.write_rows(tmp_path / "rows.csv", "mean", data=data, overwrite=True)
        assert_allclose(pd.read_csv(tmp_path / "rows.csv")["mean"], expected, rtol=SOLVED)
    with pytest.raises(ColumnNotFoundError, match="arrays have no names"):
        res.write_rows(tmp_path / "kept.csv", "resid", keep=["x1"])


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_tables_in_memory_are_sources(kind: str) -> None:
    make = {"polars": polars.from_pandas, "pyarrow": pa.Table.from_pandas}[kind]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 2)), columns=["x", "z"])
    y = pd.Series(frame["x"] - 3 * frame["z"] + rng.normal(size=40), name="y")
    res = smo.OLS(dd.from_pandas(y, npartitions=3), dd.from_pandas(frame, npartitions=3)).fit()
    expected = res.predict(dd.from_pandas(frame[:5], npartitions=1))
    assert_allclose(res.predict(make(frame[["z", "x"]][:5])), expected, rtol=SOLVED)
    glm, in_memory = fits("glm")
    found = glm.get_prediction(make(COMPLETE), exposure="t").summary_frame()
    values = in_memory.get_prediction(COMPLETE, exposure=COMPLETE["t"]).summary_frame()
    assert_allclose(found, values, rtol=TAILS)


@pytest.mark.parametrize("exposure", [None, 2.0, "t", COMPLETE["t"]], ids=str)
def test_an_average_of_a_frame_is_one_number(exposure: Any) -> None:
    glm, _ = fits("glm")
    for which in ("mean", "linear"):
        how = {"exposure": exposure, "which": which}
        found = glm.get_prediction(COMPLETE, average=True, **how)
        each = glm.get_prediction(COMPLETE, **how).predicted
        assert np.size(found.predicted) == 1
        assert_allclose(found.predicted, each.mean(), rtol=SOLVED)


@pytest.mark.parametrize("kind", ["ols", "wls"])
def test_weights_for_the_rows_of_a_frame_go_with_them(kind: str) -> None:
    ours, theirs = fits(kind)
    known = NEW[NEW["g"].isin(FRAME["g"].dropna())]
    complete = known.dropna(subset=["x"])
    found = ours.get_prediction(known, weights=known["t"].to_numpy()).summary_frame()
    expected = theirs.get_prediction(complete, weights=complete["t"].to_numpy()).summary_frame()
    pd.testing.assert_frame_equal(found, expected, rtol=TAILS)


def test_an_exposure_of_the_data_is_above_zero() -> None:
    glm, _ = fits("glm")
    two = glm.get_prediction(exposure=2.0).predicted_mean
    assert_allclose(glm.get_prediction(exposure=np.array(2.0)).predicted_mean, two, rtol=0)
    for exposure in (-1.0, 0.0):
        with pytest.raises(OptionError, match="it is a number, above 0"):
            glm.get_prediction(exposure=exposure)
