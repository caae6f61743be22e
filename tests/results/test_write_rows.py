"""Rows and what results say of them in files: complete, and in order."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from distributed import Client, LocalCluster
from numpy.testing import assert_allclose, assert_array_equal
from results.written_rows import (
    FORMULA,
    FRAME,
    NEW,
    ROWS,
    csv_files,
    fits,
    only,
    parquet_files,
    read,
)
from tolerances import ITERATED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    DesignError,
    SchemaError,
    SourceError,
)

KEPT = ["id", "g", "day"]


COLUMNS = {
    "ols": ["resid", "fittedvalues", "resid_pearson"],
    "wls": ["wresid", "fittedvalues", "weights"],
    "glm": ["resid_deviance", "mu", "resid_anscombe", "get_hat_matrix_diag", "null"],
}


TABLE = ["mean", "mean_se", "mean_ci_lower", "mean_ci_upper", "obs_ci_lower", "obs_ci_upper"]


def expected_of(kind: str, theirs: Any) -> pd.DataFrame:
    """What statsmodels has for each row, NaN where it has dropped it."""
    found = {}
    for name in COLUMNS[kind]:
        member = getattr(theirs, name, None)
        member = theirs.model.weights if name == "weights" else member
        found[name] = np.asarray(member() if callable(member) else member)
    labels = theirs.resid_response.index if kind == "glm" else theirs.resid.index
    return pd.DataFrame(found, index=labels).reindex(range(ROWS))


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows"])
@pytest.mark.parametrize("rows", [1, 7, None])
@pytest.mark.parametrize("kind", COLUMNS)
def test_answers_of_the_data(kind: str, rows: int | None, name: str, tmp_path: Path) -> None:
    ours, theirs = fits(kind, rows)
    before = len(ours.passes)
    told = ours.write_rows(tmp_path / name, COLUMNS[kind], keep=KEPT)
    names = [record.name for record in ours.passes[before:]]
    assert [n for n in names if n == "write_rows"] == ["write_rows"]
    found, expected = read(tmp_path / name), expected_of(kind, theirs)
    assert list(found.columns) == ["row", *KEPT, *COLUMNS[kind], "in_sample", "dropped_because"]
    assert_array_equal(found["row"], np.arange(ROWS))
    for kept in KEPT:
        assert_array_equal(found[kept].isna(), FRAME[kept].isna())
        there = FRAME[kept].notna()
        assert found.loc[there, kept].tolist() == FRAME.loc[there, kept].tolist()
    tolerance = ITERATED if kind == "glm" else TAILS
    assert_allclose(found[COLUMNS[kind]], expected, rtol=tolerance, atol=1e-12)
    used = expected[COLUMNS[kind][0]].notna()
    assert_array_equal(found["in_sample"], used)
    assert_array_equal(found["dropped_because"].isna(), used)
    assert found.loc[3, "dropped_because"] == "missing value of x"
    lost = {"ols": ["y", "x"], "wls": ["y", "x", "w"], "glm": ["x"]}[kind]
    assert found.loc[17, "dropped_because"] == "; ".join(f"missing value of {v}" for v in lost)
    assert (told.rows, told.in_sample) == (ROWS, used.sum())
    assert told.dropped["missing value of x"] == 3
    assert f"{ROWS} rows, {used.sum()} in the sample" in str(told)
    only(tmp_path, name)


@pytest.mark.parametrize("kind", ["ols", "wls"])
def test_predictions_of_the_data(kind: str, tmp_path: Path) -> None:
    ours, theirs = fits(kind)
    ours.write_rows(tmp_path / "p.parquet", TABLE, alpha=0.2)
    expected = theirs.get_prediction().summary_frame(alpha=0.2).reindex(range(ROWS))
    assert_allclose(read(tmp_path / "p.parquet")[TABLE], expected, rtol=TAILS)


def test_an_exposure_of_the_model_counts_in_its_rows(tmp_path: Path) -> None:
    ours, theirs = fits("glm")
    ours.write_rows(tmp_path / "p.csv", ["mean", "mu", "mean_ci_lower"])
    found = read(tmp_path / "p.csv")
    assert_allclose(found["mean"], found["mu"], rtol=1e-14)
    used = found["in_sample"]
    expected = theirs.get_prediction(exposure=FRAME["t"][used].to_numpy()).summary_frame()
    assert_allclose(found["mean_ci_lower"][used], expected["mean_ci_lower"], rtol=ITERATED)


@pytest.mark.parametrize("rows", [1, 7, None])
@pytest.mark.parametrize("kind", COLUMNS)
def test_new_data(kind: str, rows: int | None, tmp_path: Path) -> None:
    ours, theirs = fits(kind)
    new = NEW.drop(columns=["y", "hits"])
    given = {"weights": "w"} if kind == "wls" else {}
    table = TABLE[:4] if kind == "glm" else TABLE
    told = ours.write_rows(
        tmp_path / "p.parquet", table, ["id"], smo.as_source(new, chunk_rows=rows), **given
    )
    seen = new["x"].notna() & new["g"].isin(list("abc"))
    seen &= new["w"].notna() if kind == "wls" else True
    found, known = read(tmp_path / "p.parquet"), new[seen]
    values = {"weights": known["w"].to_numpy()} if kind == "wls" else {}
    values |= {"exposure": known["t"].to_numpy()} if kind == "glm" else {}
    expected = theirs.get_prediction(known, **values).summary_frame()[table]
    assert_allclose(found.loc[seen, table], expected, rtol=ITERATED if kind == "glm" else TAILS)
    assert_array_equal(found["in_sample"], seen)
    assert found.loc[~seen, table].isna().all(axis=None)
    assert found.loc[5, "dropped_because"] == "unseen level 'q' of g"
    assert "missing value of x" in found.loc[17, "dropped_because"]
    assert "unseen level 'q' of g" in found.loc[17, "dropped_because"]
    assert found.loc[30, "dropped_because"] == "missing value of g"
    assert told.dropped["unseen level of g"] == 3
    assert told.dropped["missing value of g"] == 1
    assert told.in_sample == seen.sum()


def test_residuals_of_new_data(tmp_path: Path) -> None:
    ours, theirs = fits("ols")
    data = smo.as_source(NEW, chunk_rows=7)
    ours.write_rows(tmp_path / "p.csv", ["resid", "mean"], data=data)
    seen = NEW[["x", "y"]].notna().all(axis=1) & NEW["g"].isin(list("abc"))
    found = read(tmp_path / "p.csv")
    assert_array_equal(found["in_sample"], seen)
    assert_allclose(found["resid"][seen], NEW["y"][seen] - theirs.predict(NEW[seen]), rtol=TAILS)
    with pytest.raises(ColumnNotFoundError, match=r"no column 'y', which the response \('y'\)"):
        ours.write_rows(tmp_path / "q.csv", "resid", data=smo.as_source(NEW.drop(columns="y")))


def test_offsets_of_new_data(tmp_path: Path) -> None:
    ours, theirs = fits("glm")
    data, known = smo.as_source(NEW, chunk_rows=7), NEW[NEW["g"].isin(list("abc"))]
    for given, values in (
        ({"exposure": "t * 2"}, {"exposure": known["t"] * 2}),
        ({"exposure": 1.0, "offset": "id / 100"}, {"offset": known["id"] / 100}),
    ):
        ours.write_rows(tmp_path / "p.csv", "mean", data=data, overwrite=True, **given)
        found = read(tmp_path / "p.csv").loc[known.index, "mean"]
        assert_allclose(found, theirs.predict(known, **values), rtol=ITERATED)
    with pytest.raises(ColumnNotFoundError, match="no column 't', which the exposure 't' needs"):
        ours.write_rows(tmp_path / "q.csv", "mean", data=smo.as_source(NEW.drop(columns="t")))


@pytest.mark.parametrize("given", [2.0, "t2"])
def test_what_is_given_stands_in_place_of_the_models_own(given: Any, tmp_path: Path) -> None:
    glm, _ = fits("glm")
    wls, _ = fits("wls")
    new = NEW.assign(t2=2.0, t=np.nan, w=np.nan)
    for res, how, names in (
        (glm, {"exposure": given}, ["mean"]),
        (wls, {"weights": given}, ["mean", "obs_ci_upper"]),
    ):
        lacking = new.drop(columns=["t", "w"])
        for i, data in enumerate((new, lacking)):
            res.write_rows(tmp_path / f"{i}.csv", names, data=data, overwrite=True, **how)
        found, again = read(tmp_path / "0.csv"), read(tmp_path / "1.csv")
        pd.testing.assert_frame_equal(found, again)
        complete = new[["x", "g"]].notna().all(axis=1) & (new["g"] != "q")
        assert_array_equal(found["in_sample"], complete)
        expected = res.get_prediction(smo.as_source(lacking[complete]), **how).summary_frame()
        for name in names:
            shown = "mean" if name == "mean" else "obs_ci_upper"
            assert_allclose(found.loc[complete, name], expected[shown], rtol=TAILS)


def compressed(folder: Path) -> str:
    folder.mkdir()
    FRAME.to_csv(folder / "rows.csv.gz", index=False)
    return str(folder)


ROADS: dict[str, Any] = {
    "Parquet": parquet_files,
    "CSV": csv_files,
    "compressed CSV": compressed,
    "dask frame": lambda _: dd.from_pandas(FRAME, npartitions=4),
    "function": lambda _: lambda: iter([FRAME[:20], FRAME[20:20], FRAME[20:]]),
}


@pytest.mark.parametrize("subset", [None, "id > 150"])
@pytest.mark.parametrize("name", ["p.parquet", "p.csv", "p"])
@pytest.mark.parametrize("road", ROADS)
def test_roads(road: str, name: str, subset: str | None, tmp_path: Path) -> None:
    data = ROADS[road](tmp_path / "data")
    res = smof.ols(FORMULA, data, subset=subset).fit()
    res.write_rows(tmp_path / name, "resid", keep=["id", "hits"])
    found = read(tmp_path / name)
    chosen = FRAME if subset is None else FRAME[FRAME["id"] > 150]
    assert_array_equal(found["row"], chosen.index)  # those that are not chosen are counted
    assert_array_equal(found["id"], chosen["id"])
    assert_array_equal(found["hits"], chosen["hits"])
    expected = smf.ols(FORMULA, chosen).fit().resid.reindex(chosen.index)
    assert_allclose(found["resid"], expected, rtol=TAILS, atol=1e-12)


def test_folders_have_a_file_for_each_partition(tmp_path: Path) -> None:
    ours, _ = fits("ols")
    ours.write_rows(tmp_path / "p", "resid")
    assert len(list((tmp_path / "p").iterdir())) == 9
    found = smo.read_parquet(tmp_path / "p")
    assert [partition.rows for partition in found.partitions] == [7] * 8 + [5]


def test_small_pieces_make_large_row_groups(tmp_path: Path) -> None:
    ours, _ = fits("ols", 1)
    ours.write_rows(tmp_path / "p.parquet", "resid")
    assert pq.ParquetFile(tmp_path / "p.parquet").num_row_groups == 1


def test_files_are_sources_again(tmp_path: Path) -> None:
    ours, _ = fits("ols")
    ours.write_rows(tmp_path / "p.parquet", "resid", keep=["y", "x", "g"])
    again = smof.ols("resid ~ 1", tmp_path / "p.parquet").fit()
    assert again.model.nobs == ours.nobs
    assert_allclose(again.ssr, ours.ssr, rtol=TAILS)


@pytest.mark.parametrize("kind", ["ols", "glm"])
def test_influence(kind: str, tmp_path: Path) -> None:
    ours, theirs = fits(kind)
    expected = theirs.get_influence().summary_frame()
    names = [name for name in expected.columns if name != "dffits_internal"]
    ours.write_rows(tmp_path / "p.parquet", [*names, "fittedvalues"])
    found = read(tmp_path / "p.parquet").set_index("row").loc[expected.index, names]
    assert_allclose(found, ours.get_influence().summary_frame()[names], rtol=TAILS, atol=1e-12)
    if kind == "ols":
        assert_allclose(found, expected[names], rtol=ITERATED, atol=1e-12)
    with pytest.raises(DesignError, match="'cooks_d' is no number for every row"):
        ours.write_rows(tmp_path / "q.csv", "cooks_d", data=smo.as_source(NEW))


def test_kept_columns_keep_their_values(tmp_path: Path) -> None:
    frame = FRAME.assign(
        big=2**60 + np.arange(ROWS),
        some=pd.array([None if i % 7 == 0 else 2**60 + i for i in range(ROWS)], "Int64"),
        flag=np.arange(ROWS) % 2 == 0,
        kind=pd.Categorical(np.where(np.arange(ROWS) < 30, "low", "high")),
        at=pd.date_range("2024-01-01", periods=ROWS, tz="Europe/Berlin"),
        late=[None if i < 20 else f"text {i}" for i in range(ROWS)],
        none=[None] * ROWS,
    )
    keep = ["big", "some", "flag", "kind", "at", "late", "none"]
    res = smof.ols(FORMULA, smo.as_source(frame, chunk_rows=7)).fit()
    res.write_rows(tmp_path / "p.parquet", "resid", keep=keep)
    found = pq.read_table(tmp_path / "p.parquet").to_pylist()
    for name in keep:
        values = [None if pd.isna(v) else v for v in frame[name].tolist()]
        assert [row[name] for row in found] == values, name


def test_integers_that_doubles_do_not_hold_are_not_rounded(tmp_path: Path) -> None:
    pieces = [FRAME.assign(n=2**60 + 1)[:30], FRAME.assign(n=0.5)[30:]]
    res = smof.ols(FORMULA, lambda: iter(pieces)).fit()
    with pytest.raises((SchemaError, SourceError), match=r"'n'|loses digits"):
        res.write_rows(tmp_path / "p.parquet", "resid", keep=["n"])
    only(tmp_path)


def test_intervals_of_new_observations_are_of_linear_models(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="linear models"):
        fits("glm")[0].write_rows(tmp_path / "p.csv", "obs_ci_lower")
    with pytest.raises(DesignError, match="weights are of linear models"):
        fits("glm")[0].write_rows(tmp_path / "p.csv", "mean", data=NEW, weights="w")


def test_designs_without_a_formula(tmp_path: Path) -> None:
    x = sm.add_constant(FRAME[["x", "w"]]).to_numpy()
    y = FRAME["hits"].to_numpy() * 1.0
    model = smo.OLS(da.from_array(y, 7), da.from_array(x, (7, -1)), missing="drop")
    ours, theirs = model.fit(), sm.OLS(y, x, missing="drop").fit()
    ours.write_rows(tmp_path / "p.csv", ["resid", "mean_se"])
    found, seen = read(tmp_path / "p.csv"), ~np.isnan(x).any(axis=1)
    assert_array_equal(found["in_sample"], seen)
    assert_allclose(found["resid"][seen], theirs.resid, rtol=TAILS)
    new = pd.DataFrame(x, columns=["const", "a", "b"])
    ours.write_rows(tmp_path / "q.csv", "mean", data=smo.as_source(new, chunk_rows=7))
    assert_allclose(read(tmp_path / "q.csv")["mean"][seen], theirs.fittedvalues, rtol=TAILS)
    with pytest.raises(DesignError, match="the response as an array"):
        ours.write_rows(tmp_path / "r.csv", "resid", data=smo.as_source(new))


PEAK = """
import resource, sys
import statsmodels_ooc.formula.api as smof
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def write(name):
    res = smof.ols("y ~ x", f"{name}.parquet").fit()
    res.write_rows(f"{name}-rows{sys.argv[1]}", ["resid", "mean_se", "mean_ci_lower"], keep=["id"])
write("small")
before = peak()
write("large")
print(peak() - before)
"""


@pytest.fixture(scope="module")
def small_and_large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("rows"), np.random.default_rng(0)
    for name, rows in (("small", 300_000), ("large", 3_000_000)):
        frame = pd.DataFrame({"id": np.arange(rows), "x": rng.normal(size=rows)})
        frame.assign(y=rng.normal(size=rows)).to_parquet(
            folder / f"{name}.parquet", row_group_size=65_536
        )
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="what ru_maxrss counts differs elsewhere")
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ""])
def test_memory_does_not_grow_with_the_rows(suffix: str, small_and_large: Path) -> None:
    threads = {"OPENBLAS_NUM_THREADS": "1", "DASK_NUM_WORKERS": "2"}
    command = [sys.executable, "-c", PEAK, suffix]
    done = subprocess.run(
        command,
        cwd=small_and_large,
        env=os.environ | threads,
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) < 48  # MiB; four columns of all rows are 92


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def test_a_cluster_of_two_processes_writes_the_same(client: Any, tmp_path: Path) -> None:
    res = smof.ols(FORMULA, parquet_files(tmp_path / "data")).fit()
    new = smo.read_csv(csv_files(tmp_path / "new"))
    with client.as_current():
        res.write_rows(tmp_path / "there.parquet", ["resid", "mean_se"], keep=KEPT)
        res.write_rows(tmp_path / "there.csv", "mean", keep=["id"], data=new)
        predicted = res.predict(new)
    res.write_rows(tmp_path / "here.parquet", ["resid", "mean_se"], keep=KEPT)
    res.write_rows(tmp_path / "here.csv", "mean", keep=["id"], data=new)
    pd.testing.assert_series_equal(predicted, res.predict(new), check_exact=True)
    for name in ("parquet", "csv"):
        there, here = (read(tmp_path / f"{where}.{name}") for where in ("there", "here"))
        pd.testing.assert_frame_equal(there, here, check_exact=True)
    only(tmp_path, "data", "new", "there.parquet", "there.csv", "here.parquet", "here.csv")


def test_spans_of_time_are_text_as_pandas_writes_them(tmp_path: Path) -> None:
    span = pd.to_timedelta(np.arange(ROWS), unit="h").to_series(index=FRAME.index)
    frame = FRAME.assign(span=span.where(np.arange(ROWS) % 7 > 0))
    res = smof.ols(FORMULA, smo.as_source(frame, chunk_rows=7)).fit()
    res.write_rows(tmp_path / "rows.csv", "resid", keep=["span"])
    found = pd.to_timedelta(pd.read_csv(tmp_path / "rows.csv")["span"])
    pd.testing.assert_series_equal(found, frame["span"], check_dtype=False)
