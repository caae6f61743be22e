"""Laws that hold for every kind of source."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import cloudpickle
import pandas as pd
import pytest

from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.base import Partition
from statsmodels_ooc.sources.coerce import as_source, is_chunked


@pytest.mark.parametrize("max_rows", [1, 7, 1000])
@pytest.mark.parametrize("columns", [None, ["y"], ["s", "m", "i"], ["t", "y"]])
def test_gives_what_pandas_has(anything, table, columns, max_rows):
    source = as_source(anything)
    found = list(source.frames(columns, max_rows))
    assert max(map(len, found)) <= max_rows
    wanted = table if columns is None else table[columns]
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), wanted, check_exact=True)


def test_dtypes_are_those_of_every_frame(anything):
    source = as_source(anything)
    for frame in source.frames(max_rows=3):
        assert dict(frame.dtypes) == dict(source.dtypes)


def test_reading_twice_gives_the_same(anything):
    source = as_source(anything)
    first, second = (pd.concat(source.frames(), ignore_index=True) for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_rows_of_partitions_are_true(anything, table):
    source = as_source(anything)
    assert source.rows in (None, len(table))
    for partition in source.partitions:
        assert isinstance(partition, Partition)
        found = sum(map(len, partition.frames(["y"], 4)))
        assert partition.rows in (None, found)
        assert partition.label


def test_four_threads_read_the_same(anything, table):
    source = as_source(anything)
    with ThreadPoolExecutor(4) as pool:
        pieces = pool.map(lambda part: list(part.frames(["y", "s"], 5)), source.partitions)
        found = pd.concat([frame for piece in pieces for frame in piece], ignore_index=True)
    pd.testing.assert_frame_equal(found, table[["y", "s"]], check_exact=True)


def test_a_pickled_source_gives_the_same(anything, table):
    source = as_source(anything)
    copy = pickle.loads(cloudpickle.dumps(source))
    found = pd.concat(copy.frames(["s", "y"]), ignore_index=True)
    pd.testing.assert_frame_equal(found, table[["s", "y"]], check_exact=True)


def test_a_pickled_partition_is_small_and_gives_the_same(anything):
    for partition in as_source(anything).partitions:
        dumped = cloudpickle.dumps(partition)
        assert len(dumped) < 10_000
        copy = pickle.loads(dumped)
        one, two = (list(part.frames(["y"], 1000)) for part in (partition, copy))
        assert [len(frame) for frame in one] == [len(frame) for frame in two]


@pytest.fixture(scope="module")
def another_process():
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


def _rows_of(dumped, columns):
    """The rows of pickled partitions; in another process."""
    parts = pickle.loads(dumped)
    return [frame for part in parts for frame in part.frames(columns, 9)]


def test_another_process_reads_the_same(anything, table, another_process, request):
    if request.node.callspec.params["anything"] == "memory_url":
        pytest.skip("fsspec's memory:// is one of each process")
    partitions = list(as_source(anything).partitions)
    dumped = cloudpickle.dumps(partitions)
    frames = another_process.submit(_rows_of, dumped, ["m", "s"]).result()
    found = pd.concat(frames, ignore_index=True)
    pd.testing.assert_frame_equal(found, table[["m", "s"]], check_exact=True)


def test_no_columns_still_counts_rows(anything, table):
    assert sum(map(len, as_source(anything).frames([], 7))) == len(table)


@pytest.mark.parametrize("max_rows", [1, 7, 1000])
@pytest.mark.parametrize("encoded", [(), ("s",)])
def test_chunks_are_frames_in_the_making(anything, max_rows, encoded):
    source = as_source(anything)
    for partition in source.partitions:
        frames = list(partition.frames(source.columns, max_rows, encoded))
        chunks = list(partition.chunks(source.columns, max_rows, encoded))
        assert [chunk.rows for chunk in chunks] == [len(frame) for frame in frames]
        for chunk, frame in zip(chunks, frames, strict=True):
            assert chunk.names == source.columns
            for name in chunk.names:
                values = pd.Series(chunk.array(name), name=name)
                pd.testing.assert_series_equal(values, frame[name])
                pd.testing.assert_series_equal(chunk[name], frame[name])
            pd.testing.assert_frame_equal(chunk.frame, frame, check_column_type=False)


def test_encoded_columns_hold_the_same_values(anything, table):
    found = [
        frame["s"].astype(table["s"].dtype)
        for partition in as_source(anything).partitions
        for frame in partition.frames(["s"], 7, encoded={"s"})
    ]
    pd.testing.assert_series_equal(pd.concat(found, ignore_index=True), table["s"])


def test_unknown_column_is_named_with_near_matches(anything):
    source = as_source(anything)
    with pytest.raises(SchemaError, match=r"no column 'yy'[\s\S]*did you mean 'y'"):
        list(source.frames(["yy"]))
    if source.levels("y") is not None:
        pytest.fail("a float column has no levels")


def test_head(anything, table):
    pd.testing.assert_frame_equal(as_source(anything).head(12), table.head(12))


def test_repr_tells_the_columns(anything):
    assert "5 columns" in repr(as_source(anything))


def test_only_pandas_is_not_chunked(anything, request):
    kind = request.node.callspec.params["anything"]
    assert is_chunked(anything) == (kind != "frame")


def test_repr_counts_partitions():
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0]})
    assert repr(as_source(frame)).endswith(", 1 partition>")
    assert repr(as_source(frame, chunk_rows=2)).endswith("2 partitions>")
