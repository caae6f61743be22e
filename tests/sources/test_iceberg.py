"""Iceberg tables: one snapshot, whatever is written to them later."""

from __future__ import annotations

import os
from itertools import count

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import statsmodels.formula.api as smf
from faults.harness import every_call_may_fail
from lake_tables import iceberg_catalog, iceberg_with_deletes
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    ParseError,
    SourceChangedError,
    SourceError,
    SourceNotFoundError,
    TableFormatError,
)
from statsmodels_ooc.sources.ipc import IpcSource
from statsmodels_ooc.sources.lake import LakeSource

pytest.importorskip("pyiceberg")


def all_rows(source):
    return pd.concat(source.frames(), ignore_index=True)


def paths(source):
    return [part.file.path for part in source.partitions]


@pytest.fixture
def sales(tmp_path, table):
    rows = pa.Table.from_pandas(table, preserve_index=False)
    sales = iceberg_catalog(tmp_path / "lake").create_table("shop.sales", rows.schema)
    sales.append(rows)
    return sales


def test_the_fit_is_that_of_the_rows(sales, table):
    found = smof.ols("y ~ m + s", sales).fit()
    expected = smf.ols("y ~ m + s", table).fit()
    assert found.model.streams
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)


def test_updates_deletes_and_older_snapshots(sales, table):
    sales.append(pa.Table.from_pandas(table[:5], preserve_index=False))
    sales.delete("i = 3")
    expected = sales.scan().to_arrow().to_pandas()
    pd.testing.assert_frame_equal(all_rows(smo.as_source(sales)), expected)
    assert 0 < len(expected) < len(table) + 5
    first = sales.history()[0].snapshot_id
    pd.testing.assert_frame_equal(all_rows(smo.read_iceberg(sales, first)), table)
    scan = sales.scan(selected_fields=("s", "y"))
    assert smo.read_iceberg(scan, first).columns == ("y", "s")


def test_what_is_written_between_passes_changes_nothing(sales, table):
    model = smof.ols("y ~ m + s", sales)
    sales.append(pa.Table.from_pandas(table.assign(y=99.0), preserve_index=False))
    sales.delete("i < 5")
    found = model.fit()
    expected = smf.ols("y ~ m + s", table).fit()
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)
    assert found.resid.shape == expected.resid.shape


@pytest.mark.parametrize("kind", ["positions", "vector"])
def test_rows_that_are_marked_as_deleted_do_not_count(sales, table, tmp_path, kind):
    deleted = [0, 9, 10, 52]
    marked = iceberg_with_deletes(sales, tmp_path / "lake", deleted, kind)
    source = smo.as_source(marked)
    assert isinstance(source, LakeSource)
    assert source.rows == len(table) - 4
    expected = table.drop(index=deleted).reset_index(drop=True)
    pd.testing.assert_frame_equal(all_rows(source), expected)
    for max_rows in (1, 7):
        found = pd.concat(source.frames(["s", "y"], max_rows), ignore_index=True)
        pd.testing.assert_frame_equal(found, expected[["s", "y"]])
    assert sum(map(len, source.frames([], 3))) == source.rows
    assert source.levels("s") is None  # a dictionary page may hold what was deleted


def test_columns_are_found_by_their_numbers(sales):
    from pyiceberg.types import LongType, StringType

    with sales.update_schema(allow_incompatible_changes=True) as change:
        change.rename_column("y", "was_y")
        change.delete_column("m")
    with sales.update_schema() as change:
        change.add_column("m", StringType())
        change.add_column("y", LongType())
    later = pa.table({"was_y": [0.5], "i": [1], "s": ["z"], "t": [True], "m": ["new"], "y": [7]})
    sales.append(later.select(sales.schema().column_names).cast(sales.schema().as_arrow()))
    expected = sales.scan().to_arrow().to_pandas()
    found = all_rows(smo.as_source(sales))
    assert found["y"].dtype == "Int64"
    assert found["y"].tolist()[0] == 7
    assert found["y"].isna().sum() == 53
    pd.testing.assert_frame_equal(found.drop(columns="y"), expected.drop(columns="y"))


def test_a_key_that_is_not_in_the_files_is_taken_from_the_manifest(tmp_path):
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import IdentityTransform
    from pyiceberg.typedef import Record
    from pyiceberg.types import DoubleType, NestedField, StringType

    schema = Schema(
        NestedField(1, "y", DoubleType(), required=False),
        NestedField(2, "g", StringType(), required=False),
    )
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "g"))
    table = iceberg_catalog(tmp_path / "lake").create_table("shop.t", schema, partition_spec=spec)
    table.append(pa.table({"y": [1.0], "g": ["a"]}))
    path = tmp_path / "lake" / "from-hive.parquet"
    stored = pa.schema([pa.field("y", pa.float64(), metadata={b"PARQUET:field_id": b"1"})])
    pq.write_table(pa.table({"y": [2.0, 3.0]}, schema=stored), path)
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=f"file://{path}",
        file_format=FileFormat.PARQUET,
        partition=Record("b"),
        record_count=2,
        file_size_in_bytes=path.stat().st_size,
    )
    file.spec_id = 0
    with table.transaction() as change, change.update_snapshot().fast_append() as append:
        append.append_data_file(file)
    source = smo.as_source(table)
    found = all_rows(source)
    pd.testing.assert_frame_equal(found, table.scan().to_arrow().to_pandas())
    assert found["g"].tolist() == ["b", "b", "a"]
    assert set(source.levels("g").values) == {"a", "b"}


def test_what_only_pyiceberg_reads_is_copied(sales, table):
    scan = sales.scan(row_filter="i > 4", selected_fields=("y", "i"), limit=9)
    source = smo.as_source(scan)
    assert isinstance(source, IpcSource)
    expected = table.loc[table["i"] > 4, ["y", "i"]].reset_index(drop=True)[:9]
    pd.testing.assert_frame_equal(all_rows(source), expected)


def test_a_file_that_was_expired_is_named_with_its_snapshot(sales):
    source = smo.as_source(sales)
    os.remove(paths(source)[0])
    with pytest.raises(SourceChangedError, match=r"was removed[\s\S]*snapshot [0-9]+ of the Ice"):
        all_rows(source)
    with pytest.raises(SourceChangedError, match=r"is not there; it belongs to snapshot"):
        smo.as_source(sales)


def test_a_file_of_another_size_than_the_manifest_says(sales):
    (path,) = paths(smo.as_source(sales))
    with open(path, "ab") as file:
        file.write(b" ")
    with pytest.raises(SourceChangedError, match="its manifest says"):
        smo.as_source(sales)


def test_what_is_not_there(sales, tmp_path):
    newest = sales.current_snapshot().snapshot_id
    with pytest.raises(SourceNotFoundError, match=f"no snapshot 7\nHint: it has {newest}"):
        smo.read_iceberg(sales, 7)
    with pytest.raises(SourceNotFoundError, match=r"not\.metadata\.json is not there"):
        smo.read_iceberg(tmp_path / "not.metadata.json")
    (tmp_path / "bad.metadata.json").write_text("{}")
    with pytest.raises(ParseError, match="cannot be read as an Iceberg table"):
        smo.read_iceberg(tmp_path / "bad.metadata.json")


def test_what_is_no_table(sales, tmp_path):
    folder = sales.location().removeprefix("file://")
    with pytest.raises(TableFormatError, match=r"Hint: .*read_iceberg\('.*\.metadata\.json'\)"):
        smo.read_iceberg(folder)
    for other in ("shop.sales", tmp_path):
        with pytest.raises(SourceNotFoundError, match=r"Hint: give catalog\.load_table"):
            smo.read_iceberg(other)
    with pytest.raises(SourceError, match=r"is a catalog, not a table\nHint: .*load_table"):
        smo.read_iceberg(sales.catalog)
    with pytest.raises(SourceError, match=r"a int is no Iceberg table"):
        smo.read_iceberg(3)
    with pytest.raises(SourceError, match=r"metadata\.json: (.|\n)*Hint: smo\.read_iceberg"):
        smo.as_source(sales.metadata_location.removeprefix("file://"))


def test_equality_deletes_are_refused(sales, monkeypatch):
    def plan_files(self):
        raise ValueError("PyIceberg does not yet support equality deletes: …")

    monkeypatch.setattr("pyiceberg.table.DataScan.plan_files", plan_files)
    with pytest.raises(TableFormatError, match="equality deletes"):
        smo.as_source(sales)


def test_a_table_without_a_snapshot_has_no_rows(tmp_path):
    schema = pa.schema([("y", pa.float64()), ("s", pa.string())])
    empty = iceberg_catalog(tmp_path / "lake").create_table("shop.t", schema)
    source = smo.as_source(empty)
    assert (source.rows, source.columns) == (0, ("y", "s"))
    assert source.head().empty


def test_a_file_of_metadata_opens_its_table(sales, table):
    found = all_rows(smo.read_iceberg(sales.metadata_location.removeprefix("file://")))
    pd.testing.assert_frame_equal(found, table)


@pytest.mark.parametrize("failure", ["EIO", "a dropped connection", "no memory"])
def test_every_call_may_fail(sales, tmp_path, failure):
    marked = iceberg_with_deletes(sales, tmp_path / "lake", [0, 9], "positions")
    (path,) = paths(smo.as_source(marked))
    now = count(1)

    def work():
        for one in (path, tmp_path / "lake" / "deletes-positions.parquet"):
            os.utime(one, ns=(0, next(now)))  # nothing is remembered of such a file
        return all_rows(smo.read_iceberg(marked))

    assert every_call_may_fail(work, failure) > 8
