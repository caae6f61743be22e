"""Members of results and models crossed with kinds of input: statsmodels' types, labels, values.

Some rows are dropped for missing values, and `subset` does not choose all, so that a label that
merely counts the rows of an answer is a wrong one.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
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
from pyarrow import feather
from tolerances import ITERATED, SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import RowArray
from statsmodels_ooc.errors import MemoryLimitError, RowArrayError, SourceError

CHUNK = 17
ROWS = 70
POISSON = sm.families.Poisson()


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=ROWS), "z": rng.uniform(1, 2, ROWS)})
    frame["y"] = 1 + frame["x"] + rng.normal(size=ROWS)
    frame["hits"] = rng.poisson(np.exp(0.3 * frame["x"] + 0.5)) * 1.0
    frame["w"] = rng.integers(1, 4, ROWS) * 1.0
    frame.loc[[3, 18, 19, 60], "x"] = np.nan
    frame.loc[40, "y"] = np.nan
    return frame


FRAME = make_frame()
NAMED = FRAME.set_axis(pd.Index([f"r{i}" for i in range(ROWS)], name="key"))
DATED = FRAME.set_axis(pd.date_range("2024-01-01", periods=ROWS, freq="D"))
SHUFFLED = FRAME.set_axis(np.random.default_rng(0).permutation(ROWS))
COMPLETE = NAMED.dropna()
DESIGN = sm.add_constant(COMPLETE[["x", "z"]])


@dataclass(frozen=True)
class Input:
    """The same rows for this package, and in memory."""

    ours: Callable[[Path], Any]
    theirs: pd.DataFrame


def parquet(folder: Path) -> str:
    for i, start in enumerate(range(0, ROWS, 25)):
        FRAME.iloc[start : start + 25].to_parquet(folder / f"{i}.parquet", row_group_size=9)
    return str(folder)


def csv(folder: Path) -> str:
    FRAME.to_csv(folder / "rows.csv.gz", index=False)  # copied before it is read again
    return str(folder / "rows.csv.gz")


FORMULAS: dict[str, Input] = {
    "Parquet": Input(parquet, FRAME),
    "compressed CSV": Input(csv, FRAME),
    "function": Input(lambda _: lambda: iter([FRAME[:30], FRAME[30:]]), FRAME),
    "text index": Input(lambda _: smo.as_source(NAMED, chunk_rows=CHUNK), NAMED),
    "dates": Input(lambda _: smo.as_source(DATED), DATED),
    "shuffled": Input(lambda _: smo.as_source(SHUFFLED, chunk_rows=CHUNK), SHUFFLED),
    "dask frame": Input(lambda _: dd.from_pandas(SHUFFLED, chunksize=CHUNK, sort=False), SHUFFLED),
}
KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "OLS": ("ols", {"formula": "y ~ x + z"}, {}),
    "WLS": ("wls", {"formula": "y ~ x + z"}, {"weights": "w"}),
    "GLM": ("glm", {"formula": "hits ~ x + z", "family": POISSON}, {"freq_weights": "w"}),
}


def formula_pair(kind: str, road: str, folder: Path, subset: str | None) -> tuple[Any, Any]:
    name, arguments, extras = KINDS[kind]
    data = FORMULAS[road]
    chosen = None if subset is None else data.theirs.eval(subset)
    ours = getattr(smof, name)(data=data.ours(folder), subset=subset, **arguments, **extras)
    rows = data.theirs if chosen is None else data.theirs.loc[chosen]
    given = {role: rows[column] for role, column in extras.items()}
    theirs = getattr(smf, name)(data=data.theirs, subset=chosen, **arguments, **given)
    return ours.fit(), theirs.fit()


def array_pair(kind: str, is_frame: bool) -> tuple[Any, Any]:
    y, w = COMPLETE["hits" if kind == "GLM" else "y"], COMPLETE["w"]
    if is_frame:
        lazy = [dd.from_pandas(v, npartitions=3, sort=False) for v in (y, DESIGN, w)]
        held: list[Any] = [y, DESIGN, w]
    else:
        held = [y.to_numpy(), DESIGN.to_numpy(), w.to_numpy()]
        lazy = [da.from_array(v, (CHUNK, -1)[: v.ndim]) for v in held]
    make: dict[str, Callable[[Any, list[Any]], Any]] = {
        "OLS": lambda api, v: api.OLS(*v[:2]),
        "WLS": lambda api, v: api.WLS(*v),
        "GLM": lambda api, v: api.GLM(*v[:2], family=POISSON, freq_weights=v[2]),
    }
    return make[kind](smo, lazy).fit(), make[kind](sm, held).fit()


Ask = Callable[[Any], Any]


def members(*names: str) -> dict[str, Ask]:
    return {name: eval(f"lambda r: r.{name}") for name in names}


SHARED = members(
    *("resid_pearson", "fittedvalues", "predict()", "model.exog", "model.endog"),
    *("model.data.exog", "model.data.endog", "model.data.orig_exog", "model.data.orig_endog"),
    *("model.data.row_labels", "model.predict(r.params)", "get_prediction().summary_frame()"),
    *("nobs", "scale", "llf", "df_resid", "df_model", "aic", "bic", "model.nobs"),
)
LINEAR = members(
    *("resid", "wresid", "model.weights", "model.wexog", "model.wendog", "model.pinv_wexog"),
    *("ssr", "ess", "centered_tss", "uncentered_tss", "rsquared", "rsquared_adj", "fvalue"),
    *("f_pvalue", "mse_model", "mse_resid", "mse_total", "condition_number", "model.rank"),
    "model.hessian_factor(r.params)",
)
MEMBERS: dict[str, dict[str, Ask]] = {
    "OLS": {
        **SHARED,
        **LINEAR,
        **members(
            *("get_influence().hat_matrix_diag", "get_influence().resid_studentized"),
            *("get_influence().summary_frame()", "outlier_test()"),
        ),
    },
    "WLS": {**SHARED, **LINEAR},
    "GLM": {
        **SHARED,
        **members(
            *("mu", "null", "resid_response", "resid_working", "resid_deviance"),
            *("resid_anscombe", "resid_anscombe_scaled", "resid_anscombe_unscaled"),
            *("get_hat_matrix_diag()", "get_influence().resid_studentized"),
            *("get_influence().hat_matrix_diag", "model.freq_weights", "model.var_weights"),
            *("model.iweights", "model.n_trials", "model.mu", "_freq_weights", "_var_weights"),
            *("_iweights", "_n_trials", "_endog", "model._offset_exposure", "model.wnobs"),
            *("deviance", "null_deviance", "pearson_chi2", "llnull"),
        ),
    },
}


def check(ours: Any, theirs: Any, name: str) -> None:
    assert type(ours) is type(theirs), name
    if isinstance(theirs, pd.Index):
        pd.testing.assert_index_equal(ours, theirs, check_exact=True, obj=name)
    elif isinstance(theirs, pd.Series):
        pd.testing.assert_series_equal(ours, theirs, rtol=ITERATED, atol=1e-9, obj=name)
    elif isinstance(theirs, pd.DataFrame):
        pd.testing.assert_frame_equal(ours, theirs, rtol=ITERATED, atol=1e-9, obj=name)
    else:
        assert_allclose(ours, theirs, rtol=ITERATED, atol=1e-9, err_msg=name)


def compare(kind: str, ours: Any, theirs: Any) -> None:
    with np.errstate(all="ignore"):
        for name, ask in MEMBERS[kind].items():
            check(ask(ours), ask(theirs), name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("road", FORMULAS)
def test_formulas(kind: str, road: str, tmp_path: Path) -> None:
    ours, theirs = formula_pair(kind, road, tmp_path, None)
    compare(kind, ours, theirs)
    assert ours.model.data.missing_row_idx == theirs.model.data.missing_row_idx


@pytest.mark.parametrize("road", FORMULAS)
def test_subsets(road: str, tmp_path: Path) -> None:
    ours, theirs = formula_pair("OLS", road, tmp_path, "z > 1.3")
    check(ours.resid, theirs.resid, "resid")
    check(ours.model.data.row_labels, theirs.model.data.row_labels, "row_labels")
    assert ours.model.data.missing_row_idx == theirs.model.data.missing_row_idx


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_frame", [True, False], ids=["dask frame", "dask array"])
def test_arrays(kind: str, is_frame: bool) -> None:
    ours, theirs = array_pair(kind, is_frame)
    skipped = {"model.data.row_labels"}  # dask gives a text index another dtype; None of arrays
    with np.errstate(all="ignore"):
        for name, ask in MEMBERS[kind].items():
            if name not in skipped:
                found, expected = ask(ours), ask(theirs)
                if isinstance(expected, (pd.Series, pd.DataFrame)) and is_frame:
                    assert list(found.index) == list(expected.index)
                    found.index = expected.index
                check(found, expected, name)


def test_residuals_go_back_into_the_frame(tmp_path: Path) -> None:
    res = smof.ols("y ~ x", parquet(tmp_path), subset="z > 1.3").fit()
    frame = FRAME.copy()
    frame["e"] = res.resid
    used = (frame["z"] > 1.3) & frame[["x", "y"]].notna().all(axis=1)
    assert (frame["e"].notna() == used).all()
    expected = frame["y"] - res.predict(frame)
    assert_allclose(frame["e"][used], expected[used], rtol=SOLVED, atol=1e-12)


# --- passes, sizes, what is lost


@cache
def small() -> Any:
    return smof.ols("y ~ x", smo.as_source(NAMED, chunk_rows=CHUNK)).fit()


def test_an_answer_is_one_pass_with_its_labels() -> None:
    res = smof.ols("y ~ x", smo.as_source(NAMED, chunk_rows=CHUNK)).fit()
    before = len(res.passes)
    for _ in range(2):
        assert res.resid.index[3] == "r4"
    assert [record.name for record in res.passes[before:]] == ["resid"]
    assert res.passes[-1].rows == ROWS


def test_what_is_lazy_is_lazy_at_any_size() -> None:
    res = small()
    assert isinstance(res.lazy.resid, RowArray)
    assert isinstance(res.lazy.predict(), RowArray)
    assert isinstance(res.model.lazy.exog, RowArray)
    assert_allclose(res.lazy.resid, res.resid, rtol=SOLVED)
    assert set(dir(res.lazy)) >= {"resid", "wresid", "fittedvalues", "resid_pearson", "predict"}
    with pytest.raises(AttributeError, match=r"'bse' has no value for every row.*fittedvalues"):
        _ = res.lazy.bse


def test_a_raised_limit_gives_the_series() -> None:
    res = smof.ols("y ~ x", smo.as_source(NAMED)).fit()
    with smo.options.set(array_limit=8):
        assert isinstance(res.resid, RowArray)
    assert isinstance(res.resid, pd.Series)


@pytest.mark.parametrize("name", ["plot", "values", "hist", "iloc", "index", "to_numpy"])
def test_lazy_rows_say_what_they_are(name: str) -> None:
    rows = small().lazy.resid
    assert not hasattr(rows, name)
    with pytest.raises(RowArrayError, match=rf"RowArray.*no attribute '{name}'\n.*array_limit"):
        getattr(rows, name)


@pytest.mark.parametrize("walk", [list, sum, iter, lambda rows: [*rows]])
def test_lazy_rows_are_not_walked_through(walk: Callable[[Any], Any]) -> None:
    with pytest.raises(RowArrayError, match="row by row"):
        walk(small().lazy.resid)


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda rows: rows.copy(), lambda r: pickle.loads(pickle.dumps(r))],
)
def test_copies_of_lazy_rows_do_not_become_numpy_by_accident(copied: Callable[[Any], Any]) -> None:
    rows = smof.ols("y ~ x", dd.from_pandas(FRAME, npartitions=2)).fit().lazy.resid
    again, expected = copied(rows), rows.compute()
    assert isinstance(again, RowArray)
    with smo.options.set(array_limit=8), pytest.raises(MemoryLimitError, match="array_limit is 8"):
        np.asarray(again)
    again[0] = 5.0
    assert_allclose(again, [5.0, *expected[1:]])
    assert_allclose(rows, expected)


def test_rows_that_were_written_to_are_not_what_they_were_made_of() -> None:
    res = smof.glm("hits ~ x", smo.as_source(FRAME), family=POISSON).fit()
    mu = res.lazy.mu
    mu[:] = 2.0
    assert_allclose(res.model.loglike_mu(mu), res.model.loglike_mu(np.full(int(res.nobs), 2.0)))


def test_too_many_labels_are_refused() -> None:
    res = smof.ols("y ~ x", smo.as_source(NAMED)).fit()
    with smo.options.set(array_limit=8):
        for name in ("row_labels", "missing_row_idx"):
            with pytest.raises(MemoryLimitError, match=f"{name} has [0-9]+ entries.*array_limit"):
                getattr(res.model.data, name)


def test_rows_that_are_gone_say_so() -> None:
    res = smof.ols("y ~ x", smo.as_source(NAMED)).fit()
    _ = res.resid
    res.remove_data()
    for ask in (lambda: res.resid, lambda: res.model.data.row_labels, lambda: res.lazy.resid):
        with pytest.raises(SourceError, match="gone"):
            ask()


# --- labels that pandas stored with a table --------------------------------------------------


def stored(kind: str) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=60)})
    frame["y"] = frame["x"] + rng.normal(size=60)
    frame.loc[[7, 30], "x"] = np.nan
    labels: dict[str, Any] = {
        "filtered": frame.index[::2],
        "range": pd.RangeIndex(5, 180, 3, name="row"),
        "from one": pd.RangeIndex(1, 61),
        "dates": pd.date_range("2024-01-01", periods=60, tz="Europe/Vienna", name="day"),
        "text": pd.Index([f"r{i}" for i in range(60)], name="key"),
        "two levels": pd.MultiIndex.from_product([range(20), list("abc")], names=["i", None]),
        "default": frame.index,
    }
    chosen = labels[kind]
    frame = frame.iloc[: len(chosen)]
    frame.index = chosen
    return frame


STORED: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "parquet": lambda f, p: f.to_parquet(p / "t.parquet", row_group_size=13) or p / "t.parquet",
    "feather": lambda f, p: feather.write_feather(
        pa.Table.from_pandas(f), p / "t.feather", chunksize=13) or p / "t.feather",
    "stream": lambda f, p: write_stream(pa.Table.from_pandas(f), p / "t.arrows"),
    "table": lambda f, p: smo.as_source(pa.Table.from_pandas(f), chunk_rows=13),
}  # fmt: skip


def write_stream(table: pa.Table, path: Path) -> Path:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=13)
    return path


@pytest.mark.parametrize("road", STORED)
@pytest.mark.parametrize(
    "kind", ["filtered", "range", "from one", "dates", "text", "two levels", "default"]
)
def test_rows_have_the_labels_that_pandas_stored(kind: str, road: str, tmp_path: Path) -> None:
    frame = stored(kind)
    source = STORED[road](frame, tmp_path)
    for subset in (None, "x > -0.5"):
        chosen = frame if subset is None else frame[frame["x"] > -0.5]
        ours, theirs = smof.ols("y ~ x", source, subset=subset), smf.ols("y ~ x", chosen)
        found, expected = ours.fit().resid, theirs.fit().resid
        pd.testing.assert_series_equal(found, expected, check_freq=False, check_names=False)
        pd.testing.assert_index_equal(ours.row_labels, expected.index, exact="equiv")


def test_files_in_a_folder_have_the_labels_that_pandas_reads(tmp_path: Path) -> None:
    for kind in ("filtered", "from one", "the same"):
        folder = tmp_path / kind
        folder.mkdir()
        frame = stored("from one" if kind == "the same" else kind)
        second = frame[20:40].set_axis(frame.index[:20]) if kind == "the same" else frame[20:]
        frame[:20].to_parquet(folder / "a.parquet")
        second.to_parquet(folder / "b.parquet")
        whole = pd.read_parquet(folder)
        found, expected = smof.ols("y ~ x", folder).fit(), smf.ols("y ~ x", whole).fit()
        pd.testing.assert_series_equal(found.resid, expected.resid, check_names=False)


def test_ranges_go_on_in_further_record_batches(tmp_path: Path) -> None:
    n = 140_000  # more than one partition holds
    frame = pd.DataFrame({"y": np.arange(n) % 7.0, "x": np.arange(n) % 5.0})
    frame.index = pd.RangeIndex(5, 2 * n + 5, 2)
    feather.write_feather(pa.Table.from_pandas(frame), tmp_path / "t.feather")
    source = smo.as_source(tmp_path / "t.feather")
    assert len(source.partitions) > 1
    labels = smof.ols("y ~ x", source).row_labels
    pd.testing.assert_index_equal(labels, frame.index, exact="equiv")
