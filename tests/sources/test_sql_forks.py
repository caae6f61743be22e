"""Processes that are forked while a source is open: they read, and disturb nobody."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import closing, suppress

import pytest
from sources.postgresql import URL, new_name, run

from statsmodels_ooc.errors import SourceError
from statsmodels_ooc.sources.sql import read_sql
from statsmodels_ooc.sources.sql_errors import Place

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

ROWS = 6_000
_PATIENCE = 20  # seconds, of a child that takes a tenth of one
GIVEN = ["sqlite", "sqlite function", "duckdb", "postgresql", "psycopg"]


@pytest.fixture(scope="module")
def table():
    if not URL:
        return None
    name = new_name()
    run(f"create table {name} as select g::float8 as x from generate_series(0, {ROWS - 1}) g")
    return name


@pytest.fixture(params=GIVEN)
def opened(request, tmp_path, table):
    """A function that opens a source, which nobody else keeps."""
    path = tmp_path / "t.db"
    name, cut = "t", {"partition_on": "x", "partitions": 2}
    if "sqlite" in request.param:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("create table t (x real)")
            connection.executemany("insert into t values (?)", [(float(i),) for i in range(ROWS)])
            connection.commit()
        given = {"sqlite": path, "sqlite function": lambda: sqlite3.connect(path)}[request.param]
    elif request.param == "duckdb":
        with pytest.importorskip("duckdb").connect(str(path)) as connection:
            connection.execute(f"create table t as select range::double as x from range({ROWS})")
        given = path
    else:
        if table is None:
            pytest.skip("SMO_TEST_POSTGRESQL does not name a server")
        psycopg = pytest.importorskip("psycopg")
        given = {"postgresql": URL, "psycopg": lambda: psycopg.connect(URL)}[request.param]
        name = table
    return lambda: read_sql(name, given, **cut)


def rows(source):
    return sum(map(len, source.frames(["x"], 1000)))


def in_child(check: Callable[[], object]) -> int:
    """The status with which a forked process ends that makes a check; -9 of one that hangs."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            check()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_forked_process_reads_and_its_end_leaves_the_source_to_its_parent(opened):
    kept = [opened()]
    assert rows(kept[0]) == ROWS

    def read_and_forget():
        assert rows(kept[0]) == ROWS
        kept.clear()
        gc.collect()

    assert in_child(read_and_forget) == 0
    assert rows(kept[0]) == ROWS


def test_rows_that_a_parent_is_reading_are_its_own(opened):
    with closing(opened().partitions[0].frames(["x"], 1000)) as frames:
        found = len(next(frames))

        def read_on_and_close():
            with suppress(SourceError):  # beyond the rows that the parent had fetched
                list(frames)
            frames.close()
            gc.collect()

        assert in_child(read_on_and_close) == 0
        assert found + sum(map(len, frames)) == ROWS / 2


def test_a_connection_of_another_process_is_not_asked():
    asked: list[int] = []
    place = Place("the database", owner=os.getpid() + 1)
    with pytest.raises(SourceError, match="another process opened"):
        place.ask("query", asked.append, 1)
    place.close(lambda: asked.append(2))
    assert asked == []


def test_a_lock_that_another_thread_holds_does_not_hang_a_forked_process(tmp_path):
    path = tmp_path / "t.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t as select 1.0 as x union all select 2.0")
        connection.commit()
    source = read_sql("t", path, partition_on="x", partitions=2)
    keeper = source.partitions[0].table.version.keeper.value
    held, done = threading.Event(), threading.Event()

    def hold():
        with keeper.lock:
            held.set()
            done.wait(2 * _PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert in_child(lambda: rows(source)) == 0
    finally:
        done.set()
        thread.join()
