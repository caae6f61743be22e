from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from statsmodels_ooc.errors import SchemaError, SourceError
from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.coerce import as_source


def rows_of(source):
    return [partition.rows for partition in source.partitions]


@pytest.mark.parametrize("make", [pd.DataFrame, lambda data: pa.table(data)])
def test_chunk_rows_cuts_exactly(make):
    source = as_source(make({"y": np.arange(10.0)}), chunk_rows=4)
    assert rows_of(source) == [4, 4, 2]
    assert [len(frame) for frame in source.frames()] == [4, 4, 2]


@pytest.mark.parametrize("make", [pd.DataFrame, lambda data: pa.table(data)])
def test_partitions_have_a_quarter_million_rows(make):
    assert rows_of(as_source(make({"y": np.zeros(600_000)}))) == [262_144, 262_144, 75_712]


def test_dtypes_are_kept():
    table = pd.DataFrame(
        {
            "n": pd.array([1, None], dtype="Int64"),
            "b": pd.array([True, None], dtype="boolean"),
            "c": pd.Categorical(["x", "y"], ["y", "x", "z"], ordered=True),
            "t": pd.to_datetime(["2024-01-01", None]),
            "o": [1, "a"],
        },
        index=[7, 7],
    )
    (frame,) = as_source(table).frames()
    pd.testing.assert_frame_equal(frame, table.reset_index(drop=True))


def test_all_categories_are_declared():
    table = pd.DataFrame({"c": pd.Categorical(["x"], ["y", "x"]), "s": ["x"]})
    source = as_source(table)
    assert source.levels("c") == Levels(("y", "x"), is_categorical=True)
    assert source.levels("s") is None


def test_a_list_is_a_partition_each():
    frames = [pd.DataFrame({"y": np.arange(n, dtype=float)}) for n in (2, 0, 3)]
    source = as_source(frames)
    assert rows_of(source) == [2, 0, 3]
    assert [len(frame) for frame in source.frames()] == [2, 3]


def test_an_empty_frame_does_not_change_dtypes():
    source = as_source([pd.DataFrame(columns=["y"]), pd.DataFrame({"y": [1, 2]})])
    assert source.dtypes["y"] == np.dtype(int)
    assert [frame["y"].dtype for frame in source.frames()] == [np.dtype(int)]


def test_a_list_of_integers_and_doubles_is_of_doubles_and_keeps_its_values():
    source = as_source([pd.DataFrame({"y": [2**53 + 1]}), pd.DataFrame({"y": [1.5]})])
    assert source.dtypes["y"] == np.dtype(float)
    assert [frame["y"][0] for frame in source.frames()] == [2**53 + 1, 1.5]


def test_a_list_of_other_categories_is_plain():
    frames = [pd.DataFrame({"c": pd.Categorical([word])}) for word in ("b", "a")]
    source = as_source(frames)
    assert source.levels("c") is None
    assert isinstance(source.dtypes["c"], pd.StringDtype)
    assert pd.concat(source.frames())["c"].tolist() == ["b", "a"]


def test_a_list_of_other_kinds_is_refused():
    with pytest.raises(SchemaError, match="'y' is int64 in DataFrame 0 but str in DataFrame 1"):
        as_source([pd.DataFrame({"y": [1]}), pd.DataFrame({"y": ["a"]})]).dtypes["y"]


def test_a_list_needs_the_same_columns():
    with pytest.raises(SchemaError, match="DataFrame 1 has no column 'x'"):
        as_source([pd.DataFrame({"y": [1], "x": [1]}), pd.DataFrame({"y": [1]})])
    with pytest.raises(SchemaError, match="DataFrame 0 has no column 'x'"):
        as_source([pd.DataFrame({"y": [1]}), pd.DataFrame({"y": [1], "x": [1]})])


def test_an_empty_frame_has_columns_and_no_rows():
    source = as_source(pd.DataFrame({"y": np.array([], float)}))
    assert source.rows == 0
    assert source.columns == ("y",)
    assert list(source.frames()) == []


def test_arrow_slices_share_memory():
    data = pa.table({"y": np.arange(100.0)})
    frames = list(as_source(data, chunk_rows=10).frames())
    assert np.shares_memory(frames[3]["y"].to_numpy(), data["y"].chunk(0).to_numpy())


def test_arrow_integers_are_masked_only_with_nulls():
    source = as_source(pa.table({"i": [1, None], "j": [1, 2]}), chunk_rows=1)
    assert dict(source.dtypes) == {"i": pd.Int64Dtype(), "j": np.dtype(int)}
    for frame in source.frames():
        assert dict(frame.dtypes) == dict(source.dtypes)


def test_arrow_dictionaries_with_nulls_and_doubles():
    words = pa.DictionaryArray.from_arrays([0, 1, 2, 3, None], ["a", None, "a", "b"])
    ordered = pa.DictionaryArray.from_arrays(words.indices, words.dictionary, ordered=True)
    assert as_source(pa.table({"k": words})).levels("k") is None
    found = as_source(pa.table({"k": ordered}))
    assert found.levels("k").values == ("a", "b")
    assert found.head()["k"].astype(object).where(lambda s: s.notna(), None).tolist() == [
        "a",
        None,
        "a",
        "b",
        None,
    ]


@pytest.mark.parametrize("rows", [0, -1])
def test_chunk_rows_must_be_positive(rows):
    with pytest.raises(SourceError, match=r"chunk_rows is .* at least 1"):
        as_source(pd.DataFrame({"y": [1]}), chunk_rows=rows)
