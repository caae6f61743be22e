from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pytest

from statsmodels_ooc.errors import OptionError, SourceError, SourceNotFoundError
from statsmodels_ooc.sources.coerce import as_source, is_chunked
from statsmodels_ooc.sources.parquet import read_parquet


def test_a_source_is_returned_as_it_is():
    source = as_source(pd.DataFrame({"y": [1]}))
    assert as_source(source) is source
    assert is_chunked(source)


@pytest.mark.parametrize(
    "thing", [{"y": [1]}, [1, 2], np.ones(3), 5, None, pd.Series([1]), [], {1, 2}, range(3)]
)
def test_anything_else_is_a_type_error_that_lists_what_is_accepted(thing):
    with pytest.raises(TypeError, match=r"accepted are a path.*dask DataFrame.*iterator"):
        as_source(thing)


@pytest.mark.parametrize(
    "thing",
    [
        {"y": [1]},
        [1, 2],
        [[1.0, 2.0]],
        np.ones(3),
        5,
        None,
        pd.Series([1]),
        pd.DataFrame({"y": [1]}),
        (1.0,),
        [],
        range(3),
        pd.DataFrame,
    ],
)
def test_what_is_in_memory_is_not_chunked(thing):
    assert not is_chunked(thing)


@pytest.mark.parametrize(
    "thing",
    [
        "data/*.parquet",
        ["a.csv", "b.csv"],
        [pd.DataFrame({"y": [1]})],
        pa.table({"y": [1]}),
        lambda: iter(()),
        iter(()),
    ],
)
def test_what_streams_is_chunked(thing):
    assert is_chunked(thing)


def test_files_of_two_formats_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("y\n1\n")
    pd.DataFrame({"y": [1]}).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(SourceError, match=r"more than one format: CSV .*Parquet"):
        as_source(tmp_path)


def test_an_unknown_suffix_lists_the_known(tmp_path):
    (tmp_path / "a.xlsx").write_text("y\n1\n")
    with pytest.raises(SourceError, match=r"'\.xlsx'[\s\S]*\.parquet"):
        as_source(tmp_path / "a.xlsx")


def test_hidden_and_other_files_of_a_directory_are_left_out(tmp_path):
    for name in ("_SUCCESS", ".t.csv.crc", "_old.csv", "readme.md"):
        (tmp_path / name).write_text("nonsense")
    (tmp_path / "t.csv").write_text("y\n1\n")
    assert as_source(tmp_path).head()["y"].tolist() == [1]


def test_options_go_to_the_opener(tmp_path):
    (tmp_path / "t.csv").write_text("y;x\n1;2\n")
    assert as_source(tmp_path / "t.csv", delimiter=";").columns == ("y", "x")


def test_an_option_of_another_kind_is_named():
    with pytest.raises(OptionError, match="delimiter"):
        as_source(pd.DataFrame({"y": [1]}), delimiter=";")


def test_a_url_that_does_not_exist():
    pytest.importorskip("fsspec")
    with pytest.raises(SourceNotFoundError, match=r"memory://nowhere/t\.parquet"):
        as_source("memory://nowhere/t.parquet")


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "t.csv").write_text("y\n1\n")
    assert as_source("~/t.csv").columns == ("y",)


def test_a_filtered_dataset_keeps_its_filter(tmp_path):
    data = pads.dataset(pa.table({"y": [1, 2, 3]}))
    found = as_source(data.filter(pads.field("y") > 1)).head()
    assert found["y"].tolist() == [2, 3]


def test_dataset_partitions_are_row_groups_with_keys(tmp_path):
    table = pa.table({"y": [1.0, 2.0, 3.0], "g": [1, 1, 2], "k": ["a", "b", "a"]})
    pads.write_dataset(table, tmp_path, format="parquet", partitioning=["g"])
    source = as_source(pads.dataset(tmp_path, partitioning=["g"]))
    assert [partition.rows for partition in source.partitions] == [2, 1]
    found = pd.concat(source.frames(["g", "y"]), ignore_index=True)
    pd.testing.assert_frame_equal(
        found, pd.DataFrame({"g": np.array([1, 1, 2], "int32"), "y": [1.0, 2.0, 3.0]})
    )


def test_ordered_dictionaries_of_a_dataset_are_categories(tmp_path):
    words = pa.array(["b", "a", "b"], pa.dictionary(pa.int8(), pa.string(), ordered=True))
    pads.write_dataset(pa.table({"k": words}), tmp_path, format="parquet")
    source = as_source(pads.dataset(tmp_path))
    assert source.levels("k").values == ("b", "a")
    assert source.head()["k"].tolist() == ["b", "a", "b"]


def test_a_lazyframe_gives_the_values_of_its_categories():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"c": ["b", "a", None, "b"]}, schema={"c": polars.Categorical})
    assert as_source(frame.lazy()).head()["c"].tolist()[:2] == ["b", "a"]


def test_lazyframe_is_spooled():
    polars = pytest.importorskip("polars")
    lazy = polars.LazyFrame({"y": [1, 2, None], "s": ["a", "b", "c"]}).filter(
        polars.col("s") != "b"
    )
    source = as_source(lazy)
    assert source.rows == 2
    assert source.head()["s"].tolist() == ["a", "c"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ordered", "its options are storage_options, filesystem"),
        ("columns", "only the columns of the formula are read"),
        ("filters", "subset= of the model chooses rows"),
        ("storage_option", "did you mean storage_options="),
    ],
)
def test_an_option_that_a_reader_does_not_have(tmp_path, name, hint):
    pd.DataFrame({"y": [1.0]}).to_parquet(tmp_path / "t.parquet")
    told = rf"^read_parquet has no option '{name}'\nHint: {hint}"
    for open_ in (as_source, read_parquet):
        with pytest.raises(OptionError, match=told):
            open_(tmp_path / "t.parquet", **{name: 1})


def test_an_option_that_a_frame_does_not_have():
    with pytest.raises(OptionError, match=r"has no option 'ordered'\nHint: its .* are chunk_rows"):
        as_source(pd.DataFrame({"y": [1.0]}), ordered=True)
