from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc as ipc
import pytest

from statsmodels_ooc.errors import ParseError, SchemaError
from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.ipc import read_ipc
from statsmodels_ooc.sources.ipc_footer import read_batch_infos
from statsmodels_ooc.sources.spooling import spool


def write(path, table, rows=4, compression=None):
    options = ipc.IpcWriteOptions(compression=compression)
    with ipc.new_file(str(path), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path


TABLE = pa.table(
    {
        "l": pa.array([[1], [2, 3], None] * 4),
        "i": pa.array([1, None, 3] * 4),
        "q": pa.array([{"a": 1, "b": "x"}] * 12),
        "j": pa.array(range(12)),
        "k": pa.array(["x", "y", None] * 4).dictionary_encode(),
        "n": pa.nulls(12),
        "t": pa.array([True, False, None] * 4),
    }
)


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_footer_counts_what_arrow_counts(tmp_path, compression):
    path = write(tmp_path / "t.arrow", TABLE, 5, compression)
    with pa.memory_map(str(path)) as raw, ipc.open_file(raw) as file:
        infos = read_batch_infos(raw, file.schema)
        batches = [file.get_batch(at) for at in range(file.num_record_batches)]
    assert [info.rows for info in infos] == [5, 5, 2]
    for info, batch in zip(infos, batches, strict=True):
        assert info.nulls == tuple(column.null_count for column in batch.columns)


@pytest.mark.parametrize("compression", [None, "lz4"])
def test_integers_with_nulls_anywhere_are_masked(tmp_path, compression):
    data = pa.table({"i": [1, 2, None], "j": [1, 2, 3]})
    source = read_ipc(write(tmp_path / "t.arrow", data, 2, compression))
    assert dict(source.dtypes) == {"i": pd.Int64Dtype(), "j": np.dtype(int)}
    assert {frame["i"].dtype for frame in source.frames(max_rows=2)} == {pd.Int64Dtype()}


def test_columns_come_in_any_order(tmp_path):
    source = read_ipc(write(tmp_path / "t.arrow", TABLE))
    frame = source.head(12)[["j", "i"]]
    (partition,) = source.partitions
    (*found,) = partition.frames(["j", "i"], 12)
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), frame)


def test_dictionaries_are_values(tmp_path):
    source = read_ipc(write(tmp_path / "t.arrow", TABLE))
    assert source.levels("k") is None
    assert source.head(3)["k"].tolist() == ["x", "y", np.nan]
    assert source.levels("j") is None


def test_ordered_dictionaries_of_files_are_united(tmp_path):
    kind = pa.dictionary(pa.int8(), pa.string(), ordered=True)
    for number, words in enumerate((["b", "a"], ["a", "c"])):
        write(tmp_path / f"{number}.arrow", pa.table({"k": pa.array(words, kind)}))
    source = read_ipc(tmp_path)
    assert source.levels("k") == Levels(("b", "a", "c"), is_categorical=True)
    assert pd.concat(source.frames())["k"].tolist() == ["b", "a", "a", "c"]


def test_partitions_are_runs_of_batches(tmp_path):
    data = pa.table({"y": np.arange(300_000.0)})
    source = read_ipc(write(tmp_path / "t.arrow", data, 50_000))
    assert [partition.rows for partition in source.partitions] == [150_000, 150_000]


def test_only_copies_that_nobody_else_can_cut_short_are_mapped(tmp_path):
    data = pa.table({"y": np.ones(10**6)})
    theirs = read_ipc(write(tmp_path / "t.arrow", data, 10**6))
    ours = spool(data.to_batches(), "a copy")
    for source, is_mapped in [(theirs, False), (ours, True)]:
        before = pa.total_allocated_bytes()
        frame = next(source.frames(max_rows=10**6))
        assert (pa.total_allocated_bytes() - before < 10**6) == is_mapped
        assert frame["y"].sum() in (10**6, 131_072)
        del frame


def test_an_empty_file(tmp_path):
    source = read_ipc(write(tmp_path / "t.arrow", TABLE.slice(0, 0)))
    assert source.rows == 0
    assert list(source.frames()) == []


def test_unnamed_index_is_left_out(tmp_path):
    data = pa.Table.from_pandas(pd.DataFrame({"y": [1.0, 2.0]}, index=[5, 6]))
    source = read_ipc(write(tmp_path / "t.arrow", data))
    assert source.columns == ("y",)
    assert source.head()["y"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("keep", [0, 5, 200])
def test_truncated_files_are_named(tmp_path, keep):
    path = write(tmp_path / "t.arrow", pa.table({"y": np.arange(50.0)}))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ParseError, match=r"t\.arrow cannot be read"):
        read_ipc(path)


def test_old_feather_is_named(tmp_path):
    (tmp_path / "t.feather").write_bytes(b"FEA1" + bytes(40))
    with pytest.raises(ParseError, match="version 1"):
        read_ipc(tmp_path / "t.feather")


def test_kinds_that_differ_name_both_files(tmp_path):
    write(tmp_path / "1.arrow", pa.table({"y": [1]}))
    write(tmp_path / "2.arrow", pa.table({"y": ["a"]}))
    with pytest.raises(SchemaError, match=r"1\.arrow but string in .*2\.arrow"):
        list(read_ipc(tmp_path).frames(["y"]))
