"""Tables of other libraries, as sources or as a line that says what to write."""

from __future__ import annotations

import io
import sqlite3

import dask.bag
import dask.dataframe as dd
import duckdb
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
import statsmodels.formula.api as smf
from dask.delayed import delayed
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.sources.coerce import as_source, is_chunked, is_in_memory


def make_table(rows=60):
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"x": rng.normal(size=rows), "g": rng.choice(["a", "b"], rows)})
    table["y"] = 2 * table["x"] + (table["g"] == "b") + rng.normal(size=rows)
    return table


TABLE = make_table()
ARROW = pa.Table.from_pandas(TABLE)
POLARS = polars.from_pandas(TABLE)


def named(module, name, **members):
    """An object of a class that a library which is not installed would have."""
    members = {key: staticmethod(value) for key, value in members.items()}
    return type(name, (), {"__module__": module, **members})()


class Speaks:
    """Arrow's stream protocol and nothing else."""

    def __arrow_c_stream__(self, requested_schema=None):
        return ARROW.__arrow_c_stream__(requested_schema)


def parquet_file(folder):
    TABLE.to_parquet(folder / "t.parquet", row_group_size=25)
    return pq.ParquetFile(folder / "t.parquet")


def scanner(folder):
    return pads.dataset(ARROW).scanner(columns=["x", "g", "y"])


def table_iterator(folder):
    it = named("pandas.io.pytables", "TableIterator")
    type(it).__iter__ = lambda self: iter([TABLE[:25], TABLE[25:]])
    return it


def hugging_face(folder):
    arrow = named(
        "datasets.formatting", "Formatted", iter=lambda rows: iter([ARROW[:9], ARROW[9:]])
    )
    return named("datasets.arrow_dataset", "Dataset", with_format=lambda kind: arrow)


TAKEN = {
    "duckdb relation": lambda folder: duckdb.from_arrow(ARROW),
    "ParquetFile": parquet_file,
    "Scanner": scanner,
    "RecordBatch": lambda folder: ARROW.to_batches()[0],
    "stream protocol": lambda folder: Speaks(),
    "list of polars": lambda folder: [POLARS[:25], POLARS[25:]],
    "list of tables": lambda folder: [ARROW[:25], ARROW[25:]],
    "polars and pandas": lambda folder: [POLARS[:25], TABLE[25:]],
    "iterator of polars": lambda folder: iter([POLARS[:25], POLARS[25:]]),
    "function of polars": lambda folder: lambda: iter([POLARS[:25], POLARS[25:]]),
    "TableIterator": table_iterator,
    "Hugging Face": hugging_face,
}


@pytest.mark.parametrize("make", TAKEN.values(), ids=TAKEN)
def test_the_fit_is_that_of_the_table_in_memory(make, tmp_path):
    expected = smf.ols("y ~ x + g", TABLE).fit()
    found = smof.ols("y ~ x + g", make(tmp_path)).fit()
    assert found.model.streams
    assert int(found.nobs) == len(TABLE)
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)
    pd.testing.assert_series_equal(found.bse, expected.bse, rtol=SOLVED)


def interchange():
    return named("somewhere", "Frame", __dataframe__=lambda: None)


READ_SQL = r"smo\.read_sql\(query, connection\)"
REFUSED = {
    "duckdb result": (lambda: duckdb.connect().execute("select 1"), READ_SQL),
    "sqlite cursor": (lambda: sqlite3.connect(":memory:").execute("select 1"), READ_SQL),
    "sqlite": (lambda: sqlite3.connect(":memory:"), READ_SQL),
    "groupby": (lambda: TABLE.groupby("g"), "before it was grouped"),
    "pandas Series": (lambda: TABLE["y"], r"series\.to_frame\(\)"),
    "polars Series": (lambda: POLARS["y"], r"series\.to_frame\(\)"),
    "dask Series": (lambda: dd.from_pandas(TABLE, 2)["y"], r"series\.to_frame\(\)"),
    "dask Bag": (lambda: dask.bag.from_sequence([1]), r"bag\.to_dataframe\(\)"),
    "dask Delayed": (lambda: delayed(TABLE), r"dd\.from_delayed"),
    "dask Array": (lambda: dd.from_pandas(TABLE[["x"]], 2).to_dask_array(), "from_dask_array"),
    "dict of dask": (lambda: {"y": dd.from_pandas(TABLE, 2)["y"]}, "a dask DataFrame"),
    "array": (lambda: np.ones((3, 2)), r"pd\.DataFrame\(array, columns="),
    "open file": (lambda: io.BytesIO(b"y,x\n"), "the path of the file"),
    "ChunkedArray": (lambda: ARROW["y"], "accepted are a path"),
    "spark": (lambda: named("pyspark.sql.dataframe", "DataFrame"), r"write\.parquet\('folder'\)"),
    "modin": (lambda: named("modin.pandas.dataframe", "DataFrame"), r"modin\.to_pandas\(\)"),
    "cudf": (
        lambda: named("cudf.core", "DataFrame", columns=list, to_arrow=list),
        r"x\.to_arrow\(\)",
    ),
    "interchange": (interchange, r"interchange\.from_dataframe\(x\)"),
}


@pytest.mark.parametrize(("make", "line"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_source_is_told_what_to_write(make, line):
    thing = make()
    assert not is_chunked(thing)
    assert not is_in_memory(thing)
    with pytest.raises(TypeError, match=line):
        as_source(thing)
    with pytest.raises(TypeError, match=line):
        smof.ols("y ~ x", thing)


def test_an_open_file_is_told_its_path(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y,x\n1,2\n")
    with open(path) as file, pytest.raises(TypeError, match=r"t\.csv', its path"):
        smof.ols("y ~ x", file)


@pytest.mark.filterwarnings("ignore:Using .* data structures with formula:DeprecationWarning")
@pytest.mark.parametrize("make", [dict, lambda t: t.to_records(), lambda t: t.to_dict("list")])
def test_what_statsmodels_takes_in_memory_stays_there(make):
    found = smof.ols("y ~ x", make(TABLE)).fit()
    assert not found.model.streams
    np.testing.assert_allclose(found.params, smf.ols("y ~ x", TABLE).fit().params, rtol=SOLVED)


NEW = {
    "dask": lambda: dd.from_pandas(TABLE, 2),
    "LazyFrame": POLARS.lazy,
    "iterator": lambda: iter([TABLE]),
    "list": lambda: [TABLE],
    "Dataset": lambda: pads.dataset(ARROW),
    "relation": lambda: duckdb.from_arrow(ARROW),
    "path": lambda: "t.parquet",
}


@pytest.mark.parametrize("make", NEW.values(), ids=NEW)
def test_new_data_in_chunks_are_predicted(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TABLE.to_parquet("t.parquet")
    res = smof.ols("y ~ x", as_source(TABLE)).fit()
    expected = res.get_prediction(TABLE).summary_frame()
    np.testing.assert_allclose(res.predict(make()), expected["mean"], rtol=SOLVED)
    found = res.get_prediction(make()).summary_frame()
    np.testing.assert_allclose(found, expected, rtol=SOLVED)


@pytest.mark.parametrize("new", [POLARS, ARROW], ids=["polars", "Arrow"])
def test_new_data_in_memory_are_predicted(new):
    res = smof.ols("y ~ x + g", as_source(TABLE)).fit()
    np.testing.assert_allclose(res.predict(new), res.predict(TABLE), rtol=SOLVED)


NO_ARRAYS = {
    "path": "t.parquet",
    "source": as_source(TABLE),
    "relation": duckdb.from_arrow(ARROW),
    "LazyFrame": POLARS.lazy(),
    "function": lambda: iter([TABLE]),
}


@pytest.mark.parametrize("thing", NO_ARRAYS.values(), ids=NO_ARRAYS)
@pytest.mark.parametrize("model", [smo.OLS, smo.WLS, smo.GLM])
def test_tables_are_no_arrays(model, thing):
    with pytest.raises(TypeError, match=r"from_formula\('y ~ x', data="):
        model(TABLE["y"].to_numpy(), thing)
    with pytest.raises(TypeError, match=r"from_formula\('y ~ x', data="):
        model(thing, TABLE["x"].to_numpy())
