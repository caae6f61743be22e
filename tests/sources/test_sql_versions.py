"""Partitions of a database are of one moment, or refused."""

from __future__ import annotations

import os
import pickle
import sqlite3
from contextlib import closing

import pytest

import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.sources.sql import read_sql

duckdb = pytest.importorskip("duckdb")

CUT = {"partition_on": "k", "partitions": 2}
CREATE = "create table t as select range as k, range * 2.0 as y, sin(range) as x from range(100)"
CHANGES = [
    "update t set k = k + 1000 where k < 50",  # rows that the next partition has again
    "update t set k = k - 1000 where k >= 50",  # rows that no partition has
    "update t set y = y + 1 where k >= 50",
    "insert into t values (70, 1, 1)",
    "delete from t where k = 99",
    "insert into t values (null, 1, 1)",
]


def rows(partition):
    return sum(map(len, partition.frames(["y"], 30)))


def read_around(source, change):
    """Read one partition, then the others after a change."""
    first, *others = source.partitions
    assert rows(first) == 50
    change()
    for other in others:
        rows(other)


@pytest.fixture(params=["memory", "file", "attached"])
def live(request, tmp_path):
    path = str(tmp_path / "t.duckdb")
    with duckdb.connect(path if request.param == "file" else ":memory:") as connection:
        if request.param == "attached":
            connection.execute(f"attach '{path}' as other")
            connection.execute("create table mine as select 1 as a")
        connection.execute(CREATE.replace("t as", "other.t as", request.param == "attached"))
        yield connection, "other.t" if request.param == "attached" else "t"


@pytest.mark.parametrize("change", CHANGES)
def test_partitions_of_duckdb_between_which_somebody_writes_are_refused(live, change):
    connection, name = live
    source = read_sql(f"select * from {name}" if "insert" in change else name, connection, **CUT)

    def write():
        connection.execute(change.replace(" t ", f" {name} "))

    with pytest.raises(SourceChangedError, match="was written to"):
        read_around(source, write)


def test_a_fit_between_whose_partitions_somebody_writes_is_refused(live):
    connection, name = live
    source = read_sql(name, connection, **CUT)
    assert smof.ols("y ~ x", source).fit().nobs == 100
    connection.execute(f"update {name} set k = k + 1000 where k < 50")
    with pytest.raises(SourceChangedError, match="was written to"):
        smof.ols("y ~ x", source).fit()
    assert smof.ols("y ~ x", read_sql(name, connection, **CUT)).fit().nobs == 100


def test_writing_elsewhere_and_reading_disturb_nobody(live):
    connection, name = live
    source = read_sql(name, connection, **CUT)
    connection.execute("create temp table elsewhere as select 1 as a")
    connection.execute(f"select count(*) from {name}").fetchall()
    connection.execute("begin")
    connection.execute(f"update {name} set k = 7")
    connection.execute("rollback")
    assert [rows(partition) for partition in source.partitions] == [50, 50, 0]
    assert [rows(partition) for partition in source.partitions] == [50, 50, 0]


def test_a_file_of_duckdb_into_which_another_program_wrote_is_refused(tmp_path):
    path = str(tmp_path / "t.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute(CREATE)
    for given in (path, f"duckdb:///{path}"):
        source = read_sql("t", given, **CUT)
        assert [rows(partition) for partition in source.partitions] == [50, 50, 0]

        def write():
            with duckdb.connect(path) as connection:
                connection.execute("update t set y = y + 1")

        with pytest.raises(SourceChangedError, match="was written to"):
            read_around(source, write)


def make(path, factor=1.0):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (k integer, y real, x real)")
        made = [(i, factor * i, i % 7) for i in range(100)]
        connection.executemany("insert into t values (?, ?, ?)", made)
        connection.commit()


def by_path(path):
    return path


def by_function(path):
    return lambda: sqlite3.connect(path)


def by_engine(path):
    return pytest.importorskip("sqlalchemy").create_engine(f"sqlite:///{path}")


def attached(path):
    def connect():
        connection = sqlite3.connect(":memory:")
        connection.execute("attach ? as other", (str(path),))
        return connection

    return connect


@pytest.mark.parametrize("given", [by_path, by_function, by_engine, attached])
@pytest.mark.parametrize("how", ["replaced", "written", "removed"])
def test_a_file_of_sqlite_that_changes_between_partitions_is_refused(tmp_path, given, how):
    path, other = tmp_path / "t.sqlite", tmp_path / "other.sqlite"
    make(path)
    make(other, 100.0)
    source = read_sql("t", given(path), **CUT)

    def change():
        if how == "written":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("update t set y = 0")
                connection.commit()
            return
        if how == "removed":
            path.unlink()
        os.replace(other, path)

    with pytest.raises(SourceChangedError, match="was written to"):
        read_around(source, change)


def test_other_processes_know_nothing_of_a_version(tmp_path):
    path = tmp_path / "t.sqlite"
    make(path)
    partition = read_sql("t", path, **CUT).partitions[0]
    assert rows(pickle.loads(pickle.dumps(partition))) == 50
