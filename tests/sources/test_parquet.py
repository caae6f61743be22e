from __future__ import annotations

import os
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from statsmodels_ooc.errors import (
    ParseError,
    SchemaError,
    SourceChangedError,
    SourceNotFoundError,
)
from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.parquet import read_parquet


def write(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_tiny_row_groups_go_together(tmp_path):
    path = write(tmp_path / "t.parquet", {"y": np.arange(300_000.0)}, row_group_size=50_000)
    partitions = read_parquet(path).partitions
    assert [partition.rows for partition in partitions] == [150_000, 150_000]


def test_large_row_groups_stay_apart(tmp_path):
    path = write(tmp_path / "t.parquet", {"y": np.arange(400_000.0)}, row_group_size=200_000)
    assert [partition.rows for partition in read_parquet(path).partitions] == [200_000] * 2


def test_frames_of_joined_row_groups_keep_max_rows(tmp_path):
    path = write(tmp_path / "t.parquet", {"y": np.arange(20.0)}, row_group_size=6)
    (partition,) = read_parquet(path).partitions
    frames = list(partition.frames(["y"], 4))
    assert max(map(len, frames)) <= 4
    np.testing.assert_array_equal(pd.concat(frames)["y"], np.arange(20.0))


def test_floats_are_not_copied(tmp_path):
    path = write(tmp_path / "t.parquet", {"y": np.arange(9.0), "x": np.arange(9.0)})
    (frame,) = read_parquet(path).frames(["x", "y"])
    assert not frame["y"].to_numpy().flags.owndata


def test_integers_with_nulls_are_masked_in_every_frame(tmp_path):
    path = write(tmp_path / "t.parquet", {"i": [1, 2, None, 4]}, row_group_size=2)
    found = [frame["i"].dtype for frame in read_parquet(path).frames(max_rows=2)]
    assert found == [pd.Int64Dtype()] * 2


def test_integers_without_statistics_are_as_found(tmp_path):
    path = write(tmp_path / "t.parquet", {"i": [1, 2]}, write_statistics=False)
    assert read_parquet(path).dtypes["i"] == np.dtype(int)


def test_integers_without_nulls_stay(tmp_path):
    path = write(tmp_path / "t.parquet", {"i": pa.array([1, 2], pa.int8())})
    assert read_parquet(path).dtypes["i"] == np.dtype("int8")


def test_bool_with_nulls_is_masked_in_every_frame(tmp_path):
    path = write(tmp_path / "t.parquet", {"t": [True, False, None]}, row_group_size=2)
    frames = list(read_parquet(path).frames(max_rows=2))
    assert [frame["t"].dtype for frame in frames] == [pd.BooleanDtype()] * 2
    assert frames[1]["t"].tolist() == [pd.NA]


def test_decimals_and_dates(tmp_path):
    day = pd.Timestamp("2024-02-29")
    columns = {
        "d": pa.array([1, None], pa.decimal128(9, 2)),
        "t": pa.array([day.date(), None]),
    }
    frame = read_parquet(write(tmp_path / "t.parquet", columns)).head()
    assert frame["d"].dtype == np.dtype(float)
    assert frame["t"][0] == day
    assert frame["t"].isna().tolist() == [False, True]


def test_declared_categories_keep_order(tmp_path):
    data = pd.Series(["x", None, "y"]).astype(pd.CategoricalDtype(["z", "y", "x"], ordered=True))
    data.to_frame("k").to_parquet(tmp_path / "t.parquet")
    source = read_parquet(tmp_path / "t.parquet")
    assert source.levels("k") == Levels(("z", "y", "x"), is_categorical=True)
    pd.testing.assert_series_equal(source.head()["k"], data.rename("k"))


def test_categories_are_united_over_row_groups(tmp_path):
    schema = pa.schema([("k", pa.dictionary(pa.int32(), pa.string(), ordered=True))])
    with pq.ParquetWriter(tmp_path / "t.parquet", schema) as writer:
        for words in (["b", "a"], ["c", "a"]):
            writer.write_table(pa.table({"k": pa.array(words, schema.types[0])}))
    source = read_parquet(tmp_path / "t.parquet")
    assert source.levels("k").values == ("b", "a", "c")
    found = pd.concat(source.frames(max_rows=1), ignore_index=True)
    assert found["k"].tolist() == ["b", "a", "c", "a"]
    assert found["k"].dtype == source.dtypes["k"]


def test_categories_are_complete_after_dictionary_fallback(tmp_path):
    words = [f"v{at:05d}" for at in range(3000)]
    data = pa.table({"k": pa.array(words, pa.dictionary(pa.int32(), pa.string(), ordered=True))})
    pq.write_table(
        data, tmp_path / "t.parquet", dictionary_pagesize_limit=1000, data_page_size=2000
    )
    assert set(read_parquet(tmp_path / "t.parquet").levels("k").values) == set(words)


@pytest.mark.parametrize("writer", ["pyarrow", "pandas", "polars", "duckdb"])
@pytest.mark.parametrize("rows_per_group", [2048, 10_000])
def test_string_levels_are_complete(tmp_path, writer, rows_per_group):
    words = np.array(["b", "a", "c", "late"])[np.r_[np.arange(9000) % 3, np.full(10, 3)]]
    table, path = pd.DataFrame({"s": words}), tmp_path / "t.parquet"
    if writer == "pyarrow":
        pq.write_table(pa.Table.from_pandas(table), path, row_group_size=rows_per_group)
    elif writer == "pandas":
        table.to_parquet(path, row_group_size=rows_per_group)
    elif writer == "polars":
        polars = pytest.importorskip("polars")
        polars.from_pandas(table).write_parquet(path, row_group_size=rows_per_group)
    else:
        duckdb = pytest.importorskip("duckdb")
        with duckdb.connect() as connection:
            connection.register("t", table)
            connection.execute(
                f"copy t to '{path}' (format parquet, row_group_size {rows_per_group})"
            )
    levels = read_parquet(path).levels("s")
    if writer != "duckdb":  # it may choose plain pages
        assert levels is not None
    if levels is not None:
        assert not levels.is_categorical
        assert sorted(levels.values) == ["a", "b", "c", "late"]


@pytest.mark.parametrize("writer", ["pandas", "polars", "duckdb"])
def test_string_levels_never_hold_a_value_that_does_not_occur(tmp_path, writer):
    table = pd.DataFrame({"s": (["b", None, "a"] * 1000)})
    path = tmp_path / "t.parquet"
    if writer == "pandas":
        table.to_parquet(path)
    elif writer == "polars":
        pytest.importorskip("polars").from_pandas(table).write_parquet(path)
    else:
        with pytest.importorskip("duckdb").connect() as connection:
            connection.register("t", table)
            connection.execute(f"copy t to '{path}' (format parquet)")
    levels = read_parquet(path).levels("s")
    assert levels is None or sorted(levels.values) == ["a", "b"]


@pytest.mark.parametrize(
    "options",
    [
        {"use_dictionary": False},
        {"dictionary_pagesize_limit": 1000, "data_page_size": 2000},
        {"store_schema": False},
    ],
)
def test_string_levels_are_none_when_not_certain(tmp_path, options):
    words = [f"v{at:05d}" for at in range(3000)]
    path = write(tmp_path / "t.parquet", {"s": words}, **options)
    assert read_parquet(path).levels("s") is None


def test_many_string_levels_are_not_declared(tmp_path):
    words = [f"value {at:06d}" for at in range(30_000)]
    assert read_parquet(write(tmp_path / "t.parquet", {"s": words})).levels("s") is None


def test_string_views_are_text_as_other_strings_are(tmp_path):
    words = pa.array(["b", "a", None, "b"])
    found = {}
    for kind in (pa.string(), pa.string_view()):
        source = read_parquet(write(tmp_path / f"{kind}.parquet", {"g": words.cast(kind)}))
        (frame,) = source.partitions[0].frames(["g"], 9, encoded=["g"])
        found[kind] = source.levels("g"), frame["g"].dtype, frame["g"].astype("str").tolist()
    assert found[pa.string()] == found[pa.string_view()]
    assert found[pa.string()][0].values == ("b", "a")


def test_encoded_strings_come_as_categoricals(tmp_path):
    path = write(tmp_path / "t.parquet", {"s": ["a", "b", None, "a"]})
    (partition,) = read_parquet(path).partitions
    (frame,) = partition.frames(["s"], 10, encoded={"s"})
    assert isinstance(frame["s"].dtype, pd.CategoricalDtype)
    assert frame["s"].cat.codes.tolist() == [0, 1, -1, 0]


def test_hive_keys_are_columns(tmp_path):
    for year in (9, 10, 2024):
        for name in ("b%20c", "a"):
            folder = tmp_path / f"year={year}" / f"name={name}"
            folder.mkdir(parents=True)
            write(folder / "part.parquet", {"y": [float(year), 0.0]})
    source = read_parquet(tmp_path)
    found = pd.concat(source.frames(["name", "y", "year"], 1), ignore_index=True)
    assert source.columns == ("y", "year", "name")
    assert found["year"].tolist() == [9] * 4 + [10] * 4 + [2024] * 4
    assert found["year"][found["y"] > 0].tolist() == found["y"][found["y"] > 0].tolist()
    assert found["name"].tolist() == ["a", "a", "b c", "b c"] * 3
    assert dict(found.dtypes) == {name: source.dtypes[name] for name in found}
    reference = pads.dataset(tmp_path, partitioning="hive").to_table().to_pandas()
    columns = ["year", "name", "y"]
    pd.testing.assert_frame_equal(
        found[columns].sort_values(columns, ignore_index=True),
        reference[columns].sort_values(columns, ignore_index=True),
    )
    assert source.levels("year") == Levels((9, 10, 2024), is_categorical=False)


def test_hive_default_partition_is_missing(tmp_path):
    for value in ("1", "__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / f"g={value}").mkdir()
        write(tmp_path / f"g={value}" / "t.parquet", {"y": [1.0]})
    found = pd.concat(read_parquet(tmp_path).frames(), ignore_index=True)["g"]
    assert found.dtype == np.dtype(float)
    assert found.isna().sum() == 1


def test_files_come_in_natural_order(tmp_path):
    for number in (1, 10, 9):
        write(tmp_path / f"part-{number}.parquet", {"y": [number]})
    assert pd.concat(read_parquet(tmp_path).frames())["y"].tolist() == [1, 9, 10]


def test_a_list_keeps_its_order(tmp_path):
    paths = [write(tmp_path / f"{name}.parquet", {"y": [name]}) for name in ("b", "a")]
    assert pd.concat(read_parquet(paths).frames())["y"].tolist() == ["b", "a"]


def test_integers_widen_to_float_between_files(tmp_path):
    write(tmp_path / "1.parquet", {"y": [1]})
    write(tmp_path / "2.parquet", {"y": [1.5]})
    source = read_parquet(tmp_path)
    assert [frame["y"].dtype for frame in source.frames()] == [np.dtype(float)] * 2


def test_kinds_that_differ_are_refused_with_both_files(tmp_path):
    write(tmp_path / "1.parquet", {"y": [1]})
    write(tmp_path / "2.parquet", {"y": ["a"]})
    with pytest.raises(SchemaError, match=r"'y' is int64 in .*1\.parquet but string in .*2\.par"):
        _ = read_parquet(tmp_path).dtypes["y"]


@pytest.mark.parametrize(("first", "second"), [("1", "2"), ("2", "1")])
def test_a_missing_column_names_the_file(tmp_path, first, second):
    write(tmp_path / f"{first}.parquet", {"y": [1], "x": [1]})
    write(tmp_path / f"{second}.parquet", {"y": [1]})
    with pytest.raises(SchemaError, match=rf"{second}\.parquet has no column 'x', which"):
        _ = read_parquet(tmp_path).dtypes["x"]


def test_columns_may_be_in_another_order(tmp_path):
    write(tmp_path / "1.parquet", {"y": [1], "x": ["a"]})
    write(tmp_path / "2.parquet", {"x": ["b"], "y": [2]})
    found = pd.concat(read_parquet(tmp_path).frames())
    assert found["x"].tolist() == ["a", "b"]
    assert found["y"].tolist() == [1, 2]


def test_double_names_are_refused(tmp_path):
    data = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["y", "y"])
    pq.write_table(data, tmp_path / "t.parquet")
    with pytest.raises(SchemaError, match="more than one column 'y'"):
        _ = read_parquet(tmp_path / "t.parquet").dtypes["y"]


@pytest.mark.parametrize("name", [None, "when"])
def test_a_stored_index_is_a_column_if_it_has_a_name(tmp_path, name):
    index = pd.Index([5, 7], name=name)
    pd.DataFrame({"y": [1.0, 2.0]}, index=index).to_parquet(tmp_path / "t.parquet")
    source = read_parquet(tmp_path / "t.parquet")
    assert source.columns == (("y",) if name is None else ("y", "when"))
    assert source.head().index.tolist() == [0, 1]


def test_empty_files_and_row_groups(tmp_path):
    schema = pa.schema([("y", pa.float64()), ("i", pa.int64())])
    write(tmp_path / "1.parquet", schema.empty_table())
    with pq.ParquetWriter(tmp_path / "2.parquet", schema) as writer:
        for size in (0, 2, 0):
            writer.write_table(pa.table({"y": np.ones(size), "i": np.ones(size, int)}, schema))
    source = read_parquet(tmp_path)
    assert source.rows == 2
    assert pd.concat(source.frames())["i"].dtype == np.dtype(int)


def test_only_empty_files(tmp_path):
    write(tmp_path / "1.parquet", {"y": pa.array([], pa.float64())})
    assert read_parquet(tmp_path).rows == 0
    assert list(read_parquet(tmp_path).frames()) == []


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("nothing.parquet", "there is no file"),
        ("*.parquet", "no file matches the pattern"),
        ("", "no data file in directory"),
    ],
)
def test_nothing_found_says_what_was_looked_for(tmp_path, where, message):
    with pytest.raises(SourceNotFoundError, match=message):
        read_parquet(tmp_path / where)


@pytest.mark.parametrize("keep", [0, 3, 100])
def test_truncated_files_are_named(tmp_path, keep):
    path = write(tmp_path / "t.parquet", {"y": [1.0] * 100})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ParseError, match=r"t\.parquet cannot be read as Parquet"):
        read_parquet(path)


def test_damaged_pages_are_named(tmp_path):
    path = write(tmp_path / "t.parquet", {"y": np.random.default_rng(0).normal(size=5000)})
    raw = bytearray(path.read_bytes())
    raw[4:200] = b"\xff" * 196
    path.write_bytes(raw)
    with pytest.raises(ParseError, match=r"t\.parquet, row group 0 cannot be read"):
        list(read_parquet(path).frames())


def test_a_changed_file_is_refused(tmp_path):
    path = write(tmp_path / "t.parquet", {"y": [1.0]})
    source = read_parquet(path)
    write(path, {"y": [1.0, 2.0]})
    with pytest.raises(SourceChangedError, match="changed after the source was opened"):
        list(source.frames())


def test_a_removed_file_is_refused(tmp_path):
    path = write(tmp_path / "t.parquet", {"y": [1.0]})
    source = read_parquet(path)
    os.remove(path)
    with pytest.raises(SourceChangedError, match="was removed"):
        list(source.frames())


def test_partitions_are_picklable_and_small(tmp_path):
    columns = {f"x{at}": np.ones(10) for at in range(50)}
    (partition,) = read_parquet(write(tmp_path / "t.parquet", columns)).partitions
    dumped = pickle.dumps(partition)
    assert len(dumped) < 10_000
    (frame,) = pickle.loads(dumped).frames(["x7"], 100)
    assert len(frame) == 10


def test_opening_reads_no_rows(tmp_path, monkeypatch):
    path = write(tmp_path / "t.parquet", {"y": [1.0], "s": ["a"]})
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda *_, **__: pytest.fail("read"))
    source = read_parquet(path)
    assert source.rows == 1
    assert len(source.dtypes) == 2
