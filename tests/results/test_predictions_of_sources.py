"""Predictions of whatever is read in chunks, beside statsmodels' of the same rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from patsy import PatsyError
from results.predicted import CHUNKS, COMPLETE, FORMULA, FRAME, NEW, POISSON, ROWS, fits, same
from tolerances import ITERATED, SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import RowArray
from statsmodels_ooc.errors import ColumnNotFoundError, DesignError, UnseenLevelError


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
    loaded = smo.load(tmp_path / "fit.pkl", allow_pickle=True)
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


@pytest.mark.parametrize("exposure", [None, 2.0, "t", COMPLETE["t"]], ids=str)
def test_an_average_of_a_frame_is_one_number(exposure: Any) -> None:
    glm, _ = fits("glm")
    for which in ("mean", "linear"):
        how = {"exposure": exposure, "which": which}
        found = glm.get_prediction(COMPLETE, average=True, **how)
        each = glm.get_prediction(COMPLETE, **how).predicted
        assert np.size(found.predicted) == 1
        assert_allclose(found.predicted, each.mean(), rtol=SOLVED)
