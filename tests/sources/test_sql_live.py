"""Connections that are open, functions that open them, threads, and calls that fail."""

from __future__ import annotations

import gc
import pickle
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pandas as pd
import pytest
from sources.postgresql import URL, new_name, run

import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    OptionError,
    OutOfCoreError,
    SourceAccessError,
    SourceError,
    SourceInterruptedError,
    SourcePermissionError,
    SpoolError,
)
from statsmodels_ooc.sources.seam import watched
from statsmodels_ooc.sources.sql import read_sql
from statsmodels_ooc.sources.sql_live import CopiedSource
from statsmodels_ooc.sources.sql_source import SqlSource

duckdb = pytest.importorskip("duckdb")


@pytest.fixture
def path(tmp_path):
    with closing(sqlite3.connect(tmp_path / "t.sqlite")) as connection:
        connection.execute("create table t (y real, x real, g text)")
        rows = [(float(i % 7), float(i), "ab"[i % 2]) for i in range(300)]
        connection.executemany("insert into t values (?, ?, ?)", rows)
        connection.commit()
    return tmp_path / "t.sqlite"


def whole(source, columns=None, max_rows=1000):
    return pd.concat(source.frames(columns, max_rows), ignore_index=True)


def in_threads(source):
    """All rows, each partition and each frame of it read in another thread."""
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two, ThreadPoolExecutor(1) as third:
        found = []
        for partition in source.partitions:
            frames = one.submit(partition.frames, ["x"], 50).result()
            while (frame := two.submit(next, frames, None).result()) is not None:
                found.append(third.submit(frame.copy).result())
            two.submit(frames.close).result()
    return pd.concat(found)["x"].sort_values().tolist()


def sqlite_live(path):
    return sqlite3.connect(path)


def sqlite_function(path):
    return lambda: sqlite3.connect(path)


def sqlite_url(path):
    return f"sqlite:///{path}"


def sqlite_engine(path):
    alchemy = pytest.importorskip("sqlalchemy")
    return alchemy.create_engine(f"sqlite:///{path}", poolclass=alchemy.NullPool)


def sqlite_adbc(path):
    return pytest.importorskip("adbc_driver_sqlite.dbapi").connect(f"file:{path}?mode=ro")


def sqlite_adbc_function(path):
    adbc = pytest.importorskip("adbc_driver_sqlite.dbapi")
    return lambda: adbc.connect(f"file:{path}?mode=ro")


WAYS = [
    sqlite_live,
    sqlite_function,
    sqlite_url,
    sqlite_engine,
    sqlite_adbc,
    sqlite_adbc_function,
]


@pytest.mark.parametrize("way", WAYS)
def test_a_file_of_sqlite_is_read_in_any_thread_by_connections_of_its_own(path, way):
    connection = way(path)
    for cut in ({}, {"partition_on": "x", "partitions": 3}):
        source = read_sql("t", connection, **cut)
        assert isinstance(source, SqlSource)
        assert in_threads(source) == [float(i) for i in range(300)]
    if hasattr(connection, "close"):
        connection.close()


def attached(connection):
    connection.execute("attach ':memory:' as other")
    connection.execute("create table other.u as select * from t")
    return "select * from other.u"


def temporary(connection):
    connection.execute("create temp table t as select * from main.t where x < 10")
    return "t"


def uncommitted(connection):
    connection.execute("delete from t where x >= 10")
    return "t"


def own_function(connection):
    connection.create_function("twice", 1, lambda x: 2 * x)
    return "select twice(x) as x, y, g from t"


@pytest.mark.parametrize("change", [attached, temporary, uncommitted, own_function])
def test_what_only_a_live_connection_sees_is_read_by_it(path, change):
    with closing(sqlite3.connect(path)) as connection:
        query = change(connection)
        source = read_sql(query, connection)
        assert isinstance(source, CopiedSource)
        expected = pd.read_sql(query if " " in query else f"select * from {query}", connection)
    assert whole(source)["x"].tolist() == expected["x"].tolist()  # also when it is closed


def test_a_connection_of_another_thread_is_an_error_that_says_so(path):
    made = []
    thread = threading.Thread(target=lambda: made.append(sqlite3.connect(path)))
    thread.start()
    thread.join()
    with pytest.raises(OutOfCoreError, match="same thread"):
        read_sql("t", made[0])
    del made[:]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_closed_connection_is_an_error(path):
    connection = sqlite3.connect(path)
    connection.close()
    with pytest.raises(OutOfCoreError, match="closed"):
        read_sql("t", connection)
    other = duckdb.connect()
    other.close()
    with pytest.raises(OutOfCoreError, match=r"[Cc]losed"):
        read_sql("select 1 as a", other)


def registered(connection):
    connection.register("frame", pd.DataFrame({"x": [1.0, 2.0]}))
    return "frame"


def begun(connection):
    connection.execute("begin")
    connection.execute("insert into t values (3.0)")
    return "t"


def temporary_in_duckdb(connection):
    connection.execute("create temp table u as select 5.0 as x")
    return "u"


def another_schema(connection):
    connection.execute("create schema s")
    connection.execute("create table s.t as select 7.0 as x")
    connection.execute("use s")
    return "t"


@pytest.mark.parametrize("change", [registered, begun, temporary_in_duckdb, another_schema])
def test_what_only_a_live_connection_of_duckdb_sees_is_read_by_it(change):
    with duckdb.connect() as connection:
        connection.execute("create table t as select 1.0 as x")
        query = change(connection)
        source = read_sql(query, connection)
        assert isinstance(source, CopiedSource)
        expected = connection.execute(f"select x from {query}").df()
    assert whole(source)["x"].astype(float).tolist() == expected["x"].astype(float).tolist()


def test_a_database_in_memory_is_not_saved():
    with duckdb.connect() as connection:
        connection.execute(
            "create table t as select range::double as x, sin(range) as y, "
            "range % 5 as firm from range(100)"
        )
        source = read_sql("t", connection)
        assert not source.is_recipe
        assert in_threads(source) == [float(i) for i in range(100)]
        loaded = pickle.loads(pickle.dumps(smof.ols("y ~ x", source).fit()))
        with pytest.raises(SourceError, match="gone"):
            loaded.get_robustcov_results("cluster", groups="firm")


def test_a_file_of_duckdb_that_is_open_for_writing(tmp_path):
    name = str(tmp_path / "t.duckdb")
    with duckdb.connect(name) as connection:
        connection.execute("create table t as select range::double as x from range(300)")
        for given in (connection, name, f"duckdb:///{name}"):
            source = read_sql("t", given, partition_on="x", partitions=3)
            assert source.is_recipe
            assert in_threads(source) == [float(i) for i in range(300)]
        pickled = pickle.dumps(read_sql("t", connection))
    assert len(whole(pickle.loads(pickled))) == 300


# --- calls that fail ---


class Failing:
    """Lets the n-th call that leaves the process fail."""

    def __init__(self, at: int, error: Callable[[], BaseException]) -> None:
        self.at, self.error, self.seen = at, error, 0

    def touch(self, operation: str, place: str) -> None:
        self.seen += 1
        if self.seen == self.at and operation in ("connect", "query", "fetch"):
            raise self.error()

    def granted(self, place: str, size: int) -> int:
        return size


ERRORS = [
    lambda: OSError(5, "input/output error"),
    lambda: ConnectionError("reset"),
    lambda: PermissionError(13, "denied"),
    MemoryError,
]


ALLOWED = {
    ERRORS[0]: (SourceAccessError, SpoolError),
    ERRORS[1]: (SourceInterruptedError,),
    ERRORS[2]: (SourcePermissionError, SpoolError),
    ERRORS[3]: (MemoryError,),
}


def server_table():
    if not URL:
        return None
    name = new_name()
    run(f"create table {name} as select g::float8 as x, sin(g) as y from generate_series(1, 90) g")
    return name


@pytest.fixture(scope="module")
def table():
    return server_table()


GIVEN = ["sqlite", "sqlite function", "sqlite memory", "duckdb", "postgresql", "psycopg"]


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("error", ERRORS, ids=["EIO", "reset", "EACCES", "memory"])
def test_a_call_that_fails_is_a_named_error_and_leaves_nothing_open(given, error, path, table):
    if given in ("postgresql", "psycopg") and table is None:
        pytest.skip("SMO_TEST_POSTGRESQL does not name a server")
    made: list[sqlite3.Connection] = []

    def read():
        match given:
            case "sqlite":
                source = read_sql("t", path, partition_on="x", partitions=2)
            case "sqlite function":
                source = read_sql("t", lambda: sqlite3.connect(path))
            case "sqlite memory":
                source = read_sql("select 1 as x", made[0])
            case "duckdb":
                source = read_sql("select range::double as x from range(9)", duckdb.connect)
            case "postgresql":
                source = read_sql(table, URL, partition_on="x", partitions=2)
            case _:
                psycopg = pytest.importorskip("psycopg")
                source = read_sql(table, lambda: psycopg.connect(URL))
        return len(whole(source, ["x"]))

    with closing(sqlite3.connect(":memory:")) as connection:
        made.append(connection)
        expected = read()
        counter = Failing(0, error)
        with watched(counter):
            read()
        assert counter.seen > 4
        step = {"postgresql": 7, "psycopg": 3, "duckdb": 5}.get(given, 1)  # connections take long
        for at in range(1 + ERRORS.index(error), counter.seen + 1, step):
            with watched(Failing(at, error)):
                assert outcome(read) in (expected, *ALLOWED[error])
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("smo-connection"):
            thread.join(10)
            assert not thread.is_alive()
    if given in ("postgresql", "psycopg"):
        held = "select count(*) from pg_stat_activity where state like 'idle in%' and query like "
        deadline = time.monotonic() + 10  # the server ends a session after its client has left
        while run(f"{held} '%{table}%'")[0][0] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert run(f"{held} '%{table}%'")[0][0] == 0


def outcome(read):
    """What is read, where the call that failed was none of a database; or what is raised."""
    try:
        return read()
    except (OutOfCoreError, MemoryError) as error:
        return type(error)


# --- rows of other kinds than tuples ---


def names_and_values(cursor, row):
    return {told[0]: value for told, value in zip(cursor.description, row, strict=True)}


ROW_FACTORIES = [names_and_values, sqlite3.Row, lambda cursor, row: "text"]


@pytest.mark.parametrize("factory", ROW_FACTORIES)
def test_connections_of_sqlite_whose_rows_are_no_tuples(path, factory):
    def connect():
        connection = sqlite3.connect(path)
        connection.row_factory = factory
        return connection

    with closing(connect()) as live, closing(connect()) as begun:
        begun.execute("delete from t where x >= 5")
        for given, rows in ((connect, 300), (live, 300), (begun, 5)):
            source = read_sql("t", given, partition_on="x", partitions=2)
            frame = whole(source)
            assert frame["x"].tolist() == [float(i) for i in range(rows)]
            assert frame["g"].tolist() == ["ab"[i % 2] for i in range(rows)]
        assert live.row_factory is factory


class DictCursor(sqlite3.Cursor):
    """What drivers have that give names with values, and cannot be asked for tuples."""

    def fetchmany(self, size=1):
        return [names_and_values(self, row) for row in super().fetchmany(size)]

    def fetchall(self):
        return [names_and_values(self, row) for row in super().fetchall()]


class DictConnection(sqlite3.Connection):
    """A connection of such a driver."""

    def cursor(self, factory=DictCursor):
        return super().cursor(factory)


@pytest.mark.parametrize("cut", [{}, {"partition_on": "x"}])
def test_rows_with_names_of_a_driver_that_has_no_others_are_refused(path, cut):
    with pytest.raises(OptionError, match=r"dict, names with their values[\s\S]*DictCursor"):
        whole(read_sql("select x, y from t", lambda: DictConnection(path), **cut))


@pytest.mark.parametrize("rows", ["dict_row", "namedtuple_row", "scalar_row"])
def test_connections_of_psycopg_whose_rows_are_no_tuples(table, rows):
    if table is None:
        pytest.skip("SMO_TEST_POSTGRESQL does not name a server")
    psycopg = pytest.importorskip("psycopg")
    kind = getattr(pytest.importorskip("psycopg.rows"), rows)

    def connect():
        return psycopg.connect(URL, row_factory=kind)

    with connect() as live, connect() as begun:
        begun.execute(
            "create temp table mine as select g::float8 as x from generate_series(1, 9) g"
        )
        for name, given, count in ((table, connect, 90), (table, live, 90), ("mine", begun, 9)):
            found = whole(read_sql(name, given, partition_on="x", partitions=2))
            assert sorted(found["x"]) == [float(i) for i in range(1, count + 1)]
        assert live.row_factory is kind


# --- what a connection was told ---


def case_matters(connection):
    connection.execute("pragma case_sensitive_like = on")
    return "select x, g like 'A' as found from t"


def own_absolute(connection):
    connection.create_function("abs", 1, lambda x: -1.0)
    return "select abs(x) as x from t"


def own_order(connection):
    connection.create_collation("nocase", lambda a, b: (a > b) - (a < b))
    return "select x, g = 'A' collate nocase as found from t"


def own_text(connection):
    connection.text_factory = lambda raw: {"a": "first"}.get(raw.decode(), raw.decode())
    return "select x, g from t"


@pytest.mark.parametrize("tell", [case_matters, own_absolute, own_order, own_text])
def test_what_a_connection_of_sqlite_was_told_holds(path, tell):
    with closing(sqlite3.connect(path)) as connection:
        query = tell(connection)
        expected = pd.read_sql(query, connection)
        found = whole(read_sql(query, connection))
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)


TOLD = {
    "zone": "set TimeZone = 'Asia/Tokyo'",
    "variable": "set variable k = 5",
    "order of what is missing": "set default_null_order = 'nulls_first'",
    "macro": "create temp macro twice(v) as v * 3",
}
ASKS = (
    "select id, extract(hour from m) as h, m::date as d, coalesce(getvariable('k'), 0) as k, "
    "twice(id) as t, first(id) over (order by id) as f from t"
)


@pytest.mark.parametrize("told", [*TOLD, None])
def test_what_a_connection_of_duckdb_was_told_holds(tmp_path, told):
    with duckdb.connect(str(tmp_path / "t.duckdb")) as connection:
        connection.execute("create macro twice(v) as v * 2")
        connection.execute(
            "create table t as select timestamptz '2020-01-01 20:00:00+00' as m, id "
            "from (values (1), (null)) v (id)"
        )
        if told is not None:
            connection.execute(TOLD[told])
        expected = connection.sql(ASKS).df().astype({"d": "datetime64[s]"})
        source = read_sql(ASKS, connection)
        assert isinstance(source, CopiedSource) == (told in ("zone", "variable", "macro"))
        pd.testing.assert_frame_equal(whole(source), expected, check_dtype=False)


SET = ["time zone 'Asia/Tokyo'", "datestyle = 'German'", "role pg_monitor", "bytea_output = escape"]


@pytest.mark.parametrize("told", SET)
@pytest.mark.parametrize("driver", ["psycopg", "adbc_driver_postgresql.dbapi"])
def test_what_a_connection_of_postgresql_was_told_holds(table, driver, told):
    if table is None:
        pytest.skip("SMO_TEST_POSTGRESQL does not name a server")
    query = (
        "select extract(hour from m)::int as h, m::date::text as d, current_user::text as u, "
        "'\\x41'::bytea::text as b from (select timestamptz '2020-01-02 20:00:00+00' as m) t"
    )
    with (
        closing(pytest.importorskip(driver).connect(URL)) as live,
        closing(live.cursor()) as cursor,
    ):
        for _ in range(2):
            cursor.execute(query)
            expected = [tuple(row) for row in cursor.fetchall()]
            live.commit()
            found = whole(read_sql(query, live))
            assert list(found.itertuples(index=False, name=None)) == expected
            cursor.execute(f"set {told}")
            live.commit()


def test_settings_that_change_no_value_leave_a_connection_alone(table):
    if table is None:
        pytest.skip("SMO_TEST_POSTGRESQL does not name a server")
    with pytest.importorskip("psycopg").connect(URL, autocommit=True) as live:
        for told in ("work_mem = '64MB'", "statement_timeout = 9000", "enable_seqscan = off"):
            live.execute(f"set {told}")
        live.execute("set application_name = 'mine'")
        assert isinstance(read_sql(table, live), SqlSource)
