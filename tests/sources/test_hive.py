"""Folders ``key=value`` give columns, whatever kind of file is in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf
from tolerances import SOLVED

import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.coerce import as_source


def arrow_stream(part, path):
    table = pa.Table.from_pandas(part, preserve_index=False)
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table)


WRITERS = {
    "csv": lambda part, path: part.to_csv(path, index=False),
    "csv.gz": lambda part, path: part.to_csv(path, index=False),
    "feather": lambda part, path: part.to_feather(path),
    "arrows": arrow_stream,
    "parquet": lambda part, path: part.to_parquet(path),
}


@pytest.fixture(params=WRITERS)
def kind(request):
    return request.param


def write(table, keys, kind, folder):
    for values, part in table.groupby(keys):
        place = folder.joinpath(*(f"{k}={v}" for k, v in zip(keys, values, strict=True)))
        place.mkdir(parents=True)
        WRITERS[kind](part.drop(columns=keys).reset_index(drop=True), place / f"0.{kind}")
    return folder


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"year": rng.choice([2019, 2020, 2021], 90), "x": rng.normal(size=90)})
    table["region"] = rng.choice(["n", "s"], 90)
    table["y"] = table["x"] + table["year"] - 2019 + rng.normal(size=90)
    return table


def test_the_fit_knows_the_keys(table, kind, tmp_path):
    folder = write(table, ["year", "region"], kind, tmp_path)
    for formula in ("y ~ x + C(year) + region", "y ~ region", "year ~ region", "y ~ year"):
        expected = smf.ols(formula, table).fit()
        found = smof.ols(formula, folder).fit()
        pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)


def test_keys_are_typed_and_declared(table, kind, tmp_path):
    source = as_source(write(table, ["year", "region"], kind, tmp_path))
    assert source.columns == ("x", "y", "year", "region")
    assert source.dtypes["year"] == np.int32
    assert source.levels("year") == Levels((2019, 2020, 2021), is_categorical=False)
    assert source.levels("region") == Levels(("n", "s"), is_categorical=False)
    frame = pd.concat(source.frames(["region", "year"], max_rows=7))
    wanted = table[["region", "year"]].astype({"year": "int32"})
    key = ["year", "region"]
    pd.testing.assert_frame_equal(
        frame.sort_values(key).reset_index(drop=True),
        wanted.sort_values(key).reset_index(drop=True),
    )


def test_a_column_of_the_file_comes_before_a_key(table, kind, tmp_path):
    (tmp_path / "year=1").mkdir()
    WRITERS[kind](table, tmp_path / "year=1" / f"0.{kind}")
    assert as_source(tmp_path).head(90)["year"].tolist() == table["year"].tolist()


def test_a_file_without_the_key_is_named(table, kind, tmp_path):
    write(table, ["year"], kind, tmp_path)
    WRITERS[kind](table.drop(columns="year"), tmp_path / f"0.{kind}")
    with pytest.raises(SchemaError, match="needs the same keys"):
        as_source(tmp_path)


def test_the_key_of_a_missing_value(table, kind, tmp_path):
    named = table.assign(region=table["region"].replace("n", "__HIVE_DEFAULT_PARTITION__"))
    folder = write(named, ["region"], kind, tmp_path)
    assert int(smof.ols("y ~ region", folder).fit().nobs) == (table["region"] == "s").sum()


def test_a_file_without_rows_gives_no_level(table, kind, tmp_path):
    if kind in ("csv.gz", "arrows"):
        pytest.skip("only reading can tell")
    write(table, ["year"], kind, tmp_path)
    (tmp_path / "year=1999").mkdir()
    WRITERS[kind](table.drop(columns="year").iloc[:0], tmp_path / "year=1999" / f"0.{kind}")
    assert as_source(tmp_path).levels("year").values == (2019, 2020, 2021)
