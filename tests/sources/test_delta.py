"""Delta tables: one version, whatever is written to them later."""

from __future__ import annotations

import os
import pickle
import shutil
from itertools import count
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf
from faults.harness import every_call_may_fail
from lake_tables import write_mapped_delta
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    MissingExtraError,
    OptionError,
    ParseError,
    SchemaError,
    SourceChangedError,
    SourceNotFoundError,
    TableFormatError,
)
from statsmodels_ooc.sources import delta
from statsmodels_ooc.sources.identity import parts_of
from statsmodels_ooc.sources.lake import LakeSource

deltalake = pytest.importorskip("deltalake")


def all_rows(source):
    return pd.concat(source.frames(), ignore_index=True)


@pytest.fixture
def sales(tmp_path, table):
    """Two files, one after the other."""
    folder = tmp_path / "sales"
    deltalake.write_deltalake(folder, arrow(table[:30]))
    deltalake.write_deltalake(folder, arrow(table[30:]), mode="append")
    return folder


def arrow(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


@pytest.mark.parametrize("make", [str, Path, deltalake.DeltaTable])
def test_the_fit_is_that_of_the_rows(sales, table, make):
    found = smof.ols("y ~ m + s", make(sales)).fit()
    expected = smf.ols("y ~ m + s", table).fit()
    assert found.model.streams
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)


def test_updates_deletes_and_older_versions(sales, table):
    opened = deltalake.DeltaTable(sales)
    opened.update(updates={"y": "y + 100"}, predicate="i = 3")
    opened.delete("i = 4")
    source = smo.read_delta(sales)
    expected = opened.to_pandas()
    order = ["y", "i", "s"]
    pd.testing.assert_frame_equal(
        all_rows(source).sort_values(order, ignore_index=True),
        expected.sort_values(order, ignore_index=True),
    )
    assert 0 < len(expected) < len(table)
    pd.testing.assert_frame_equal(all_rows(smo.read_delta(sales, version=0)), table[:30])
    pd.testing.assert_frame_equal(all_rows(smo.read_delta(opened, version=1)), table)
    at_first = deltalake.DeltaTable(sales, version=0)
    pd.testing.assert_frame_equal(all_rows(smo.as_source(at_first)), table[:30])


def test_what_is_written_between_passes_changes_nothing(sales, table):
    model = smof.ols("y ~ m + s", str(sales))
    deltalake.write_deltalake(sales, arrow(table.assign(y=99.0)), mode="append")
    deltalake.DeltaTable(sales).delete("i < 5")
    deltalake.DeltaTable(sales).optimize.compact()
    found = model.fit()
    expected = smf.ols("y ~ m + s", table).fit()
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)
    assert found.resid.shape == expected.resid.shape


def test_a_checkpoint_changes_nothing(sales, table):
    deltalake.DeltaTable(sales).create_checkpoint()
    pd.testing.assert_frame_equal(all_rows(smo.read_delta(sales)), table)


def test_keys_are_what_the_log_says(tmp_path):
    keys = ["a b/c%é", None, "a=b", "1", "__x"]
    day = [pd.Timestamp(2024, 1, at).date() for at in range(1, 6)]
    rows = pa.table(
        {"y": [1.0, 2.0, 3.0, 4.0, 5.0], "k": keys, "day": day, "n": [1, 2, 3, None, 5]}
    )
    folder = tmp_path / "with blank"
    deltalake.write_deltalake(folder, rows, partition_by=["k", "day", "n"])
    source = smo.read_delta(folder)
    found = all_rows(source).sort_values("y", ignore_index=True)
    assert [None if pd.isna(one) else one for one in found["k"]] == keys
    assert found["day"].tolist() == [pd.Timestamp(one) for one in day]
    assert found["n"].dtype == "Int64"
    assert set(source.levels("k").values) == {"a b/c%é", "a=b", "1", "__x"}
    assert dict(found.dtypes) == dict(source.dtypes)


def test_a_column_that_was_added_later_is_missing_before(sales, table):
    later = arrow(table[:3].assign(extra=[1, 2, 3], word=["a", "b", "a"]))
    deltalake.write_deltalake(sales, later, mode="append", schema_mode="merge")
    found = all_rows(smo.read_delta(sales))
    assert found["extra"].dtype == "Int64"
    assert found["extra"].isna().sum() == len(table)
    assert found["word"].dropna().tolist() == ["a", "b", "a"]
    assert smof.ols("y ~ extra", smo.read_delta(sales)).fit().nobs == 3


@pytest.mark.parametrize("mode", ["name", "id"])
def test_deletion_vectors_and_columns_of_other_names(tmp_path, table, mode):
    rows = arrow(table)
    deleted = {0: [0, 9, 10, 52], 1: [4]}
    write_mapped_delta(tmp_path / "t", [rows, rows[5:20]], deleted, {"y": "col-1", "s": "y"}, mode)
    source = smo.as_source(tmp_path / "t")
    assert isinstance(source, LakeSource)
    expected = pd.concat(
        [table.drop(index=deleted[0]), table[5:20].drop(index=9)], ignore_index=True
    )
    pd.testing.assert_frame_equal(all_rows(source), expected)
    theirs = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(tmp_path / "t"))
    counted = pa.table(theirs.execute("select count(*) as n, sum(y) as y from t").read_all())
    assert counted.to_pylist()[0] == {"n": len(expected), "y": pytest.approx(expected["y"].sum())}
    assert source.rows == len(expected)
    for max_rows in (1, 7):
        found = pd.concat(source.frames(["s", "y"], max_rows), ignore_index=True)
        pd.testing.assert_frame_equal(found, expected[["s", "y"]])
    assert sum(map(len, source.frames([], 3))) == source.rows
    assert source.levels("s") is None  # a dictionary page may hold what was deleted
    found = smof.ols("y ~ m + s", pickle.loads(pickle.dumps(source))).fit()
    pd.testing.assert_series_equal(
        found.params, smf.ols("y ~ m + s", expected).fit().params, rtol=SOLVED
    )


def test_versions_that_differ_in_deleted_rows_or_names_alone_are_told_apart(tmp_path, table):
    rows = arrow(table)
    rows = rows.select(["y", "i"]).rename_columns(["y", "x"])
    versions = [([1], {}), ([2], {}), ([2], {"y": "z"}), ([2], {"y": "x", "x": "y"})]
    found = set()
    for number, (deleted, names) in enumerate(versions):
        folder = tmp_path / str(number)
        write_mapped_delta(folder, [rows], {0: deleted}, names)
        for file in folder.glob("*.parquet"):
            os.utime(file, ns=(0, 0))
        found.add(tuple(part[1:] for part in parts_of(smo.read_delta(folder)) if part[3]))
    assert len(found) == 4


def test_vectors_of_a_table_that_was_replaced_are_not_taken(tmp_path, table):
    rows = arrow(table)
    write_mapped_delta(tmp_path / "t", [rows], {0: [1]}, {})
    first = smo.read_delta(tmp_path / "t")
    shutil.rmtree(tmp_path / "t")
    write_mapped_delta(tmp_path / "t", [rows], {0: [1, 2, 3]}, {}, identity="2")
    assert smo.read_delta(tmp_path / "t").rows == len(table) - 3
    with pytest.raises(SourceChangedError):
        all_rows(first)
    delta._deleted.cache_clear()  # as in another process
    with pytest.raises(SourceChangedError, match="was replaced by another table"):
        first.partitions[0].deleted.rows()


def test_a_file_that_was_vacuumed_is_named_with_its_version(sales, table):
    source = smo.read_delta(sales)
    opened = deltalake.DeltaTable(sales)
    opened.delete("i < 9")
    opened.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    match = r"parquet was removed[\s\S]*version 1 of the Delta table .*sales[\s\S]*vacuum"
    with pytest.raises(SourceChangedError, match=match):
        all_rows(source)
    with pytest.raises(SourceChangedError, match="is not there; it belongs to version 1"):
        smo.read_delta(sales, version=1)


def test_a_file_of_another_size_than_the_log_says(sales):
    path = smo.read_delta(sales).partitions[0].file.path
    with open(path, "ab") as file:
        file.write(b" ")
    with pytest.raises(SourceChangedError, match="the table's log says"):
        smo.read_delta(sales)


def test_what_is_not_there(sales, tmp_path):
    with pytest.raises(SourceNotFoundError, match="is not a Delta table"):
        smo.read_delta(tmp_path / "nowhere")
    with pytest.raises(SourceNotFoundError, match="is not a Delta table"):
        smo.read_delta(tmp_path)
    with pytest.raises(SourceNotFoundError, match="no version 77"):
        smo.read_delta(sales, version=77)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceNotFoundError, match=r"t\.parquet is a file, not the folder"):
        smo.read_delta(tmp_path / "t.parquet")
    (sales / "_delta_log" / f"{0:020}.json").write_text("{")
    with pytest.raises(ParseError, match="cannot be read as a Delta table"):
        smo.read_delta(sales)


@pytest.mark.parametrize("version", ["latest", "2024-01-31", 1.5, True, -1])
def test_a_version_is_a_number(sales, version):
    with pytest.raises(OptionError, match=r"not the number of a version(.|\n)*load_as_version"):
        smo.read_delta(sales, version=version)


def test_a_feature_that_nobody_knows_here_is_refused(sales):
    log = sales / "_delta_log" / f"{0:020}.json"
    before = log.read_text()
    features = '"readerFeatures":["variantType"],"writerFeatures":["variantType"]'
    assert '"minReaderVersion":1' in before
    after = before.replace('"minReaderVersion":1', f'"minReaderVersion":3,{features}')
    log.write_text(after.replace('"minWriterVersion":2', '"minWriterVersion":7'))
    with pytest.raises(TableFormatError, match="needs 'variantType' of its readers"):
        smo.read_delta(sales)


def test_nested_columns_do_no_harm_until_they_are_asked_for(tmp_path):
    rows = pa.table({"y": [1.0, 2.0], "s": [{"a": 1}, {"a": 2}]})
    deltalake.write_deltalake(tmp_path / "t", rows)
    source = smo.read_delta(tmp_path / "t")

    assert pd.concat(source.frames(["y"]))["y"].tolist() == [1.0, 2.0]
    with pytest.raises(SchemaError, match="is of type struct"):
        list(source.frames(["s"]))


def test_a_folder_is_a_delta_table_where_deltalake_is_installed(sales, monkeypatch):
    assert smo.as_source(f"file://{sales}").rows == 53
    assert smo.as_source(sales, version=0).rows == 30
    with pytest.raises(OptionError, match="delimiter"):
        smo.as_source(sales, delimiter=";")
    for path in (f"{sales}/*.parquet", f"{sales.parent}/*", [str(sales)]):
        with pytest.raises(TableFormatError, match="read_delta"):
            smo.as_source(path)
    monkeypatch.setattr("statsmodels_ooc.sources.paths.find_spec", lambda name: None)
    with pytest.raises(TableFormatError, match="pip install deltalake"):
        smo.as_source(sales)


def test_without_deltalake(sales, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "deltalake", None)
    with pytest.raises(MissingExtraError, match="lakes"):
        smo.read_delta(os.fspath(sales))


@pytest.mark.parametrize("failure", ["EIO", "a dropped connection", "no memory"])
def test_every_call_may_fail(tmp_path, table, failure):
    numbers = count()

    def work():
        folder = tmp_path / str(next(numbers))  # of which nothing is remembered
        identity = folder.name
        write_mapped_delta(folder, [arrow(table)] * 2, {0: [1]}, {}, identity=identity)
        return all_rows(smo.read_delta(folder))

    assert every_call_may_fail(work, failure) > 10
