"""PostgreSQL: its types, one snapshot for all passes, rights, and connections that are lost."""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import closing
from urllib.parse import urlsplit

import cloudpickle
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from sources.postgresql import URL, connect, make_table, needs_server, new_name, run
from tolerances import SOLVED

import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    QueryError,
    SchemaError,
    SourceChangedError,
    SourceInterruptedError,
    SourceNotFoundError,
    SourcePermissionError,
)
from statsmodels_ooc.sources.sql import read_sql

pytestmark = needs_server


def by_adbc():
    return URL


def by_alchemy():
    return URL.replace("postgresql:", "postgresql+psycopg:")


def by_engine():
    alchemy = pytest.importorskip("sqlalchemy")
    return alchemy.create_engine(by_alchemy(), poolclass=alchemy.NullPool)


def by_function():
    psycopg = pytest.importorskip("psycopg")
    return lambda: psycopg.connect(URL)


def by_adbc_function():
    adbc = pytest.importorskip("adbc_driver_postgresql.dbapi")
    return lambda: adbc.connect(URL)


ROADS = [by_adbc, by_alchemy, by_engine, by_function, by_adbc_function]
# an engine of psycopg is read as a URL that names it is, and connections of functions in threads
roads = pytest.mark.parametrize("road", [by_adbc, by_alchemy, by_function, by_adbc_function])
two_roads = pytest.mark.parametrize("road", [by_adbc, by_function])


def whole(source, columns=None, max_rows=1000):
    return pd.concat(source.frames(columns, max_rows), ignore_index=True)


@pytest.fixture(scope="module")
def numbers():
    """10,000 rows of a key with an index, a column of random order, numbers and a text."""
    name = new_name()
    run(
        f"create table {name} as select g as id, (g * 7919) % 10007 as k, sin(g) as x, "
        "cos(g * 3) as y, chr(97 + g % 3) as s from generate_series(1, 10000) g",
        f"create unique index on {name} (id)",
        f"analyze {name}",
    )
    return name


# --- values ---

VALUES = {
    "smallint": ("2::int2", 2, "int16"),
    "whole": ("9007199254740993::int8", 2**53 + 1, "int64"),
    "double": ("0.1::float8", 0.1, "float64"),
    "numeric": ("1.25::numeric(10,2)", 1.25, "float64"),
    "any numeric": ("0.35::numeric", 0.35, "float64"),
    "money": ("12.5::money::numeric", 12.5, "float64"),
    "truth": ("true", True, "bool"),
    "text": ("'ä''b'::text", "ä'b", "str"),
    "varchar": ("'x'::varchar(3)", "x", "str"),
    "day": ("date '2020-01-02'", pd.Timestamp("2020-01-02"), "datetime64[s]"),
    "moment": (
        "timestamp '2020-01-02 03:04:05.678901'",
        pd.Timestamp("2020-01-02 03:04:05.678901"),
        "datetime64[us]",
    ),
    "moment of a zone": (
        "timestamptz '2020-01-02 03:04:05+02'",
        pd.Timestamp("2020-01-02 01:04:05", tz="UTC"),
        "datetime64[us, UTC]",
    ),
    "uuid": (
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "str",
    ),
}


@pytest.fixture(scope="module")
def values():
    name = new_name()
    columns = ", ".join(f'{text} as "{kind}"' for kind, (text, _, _) in VALUES.items())
    run(f"create table {name} as select {columns}")
    return name


@roads
def test_values_are_what_they_are_on_every_road(values, road):
    source = read_sql(values, road())
    found = whole(source)
    for kind, (_, value, dtype) in VALUES.items():
        assert found[kind].tolist() == [value], kind
        known = str(found[kind].dtype)
        assert known == dtype or (road not in (by_adbc, by_adbc_function)), kind
        assert known == str(source.dtypes[kind]), kind


@roads
def test_missing_values_of_every_type(values, road):
    name = new_name()
    run(
        f"create table {name} (like {values})",
        f"insert into {name} default values",
        f"insert into {name} select * from {values}",
        f"insert into {name} default values",
    )
    found = whole(read_sql(name, road()))
    for kind, (_, value, _) in VALUES.items():
        assert found[kind].isna().tolist() == [True, False, True], kind
        assert found[kind].tolist()[1] == value, kind


@roads
def test_numbers_of_any_precision(road):
    name = new_name()
    run(
        f"create table {name} (v numeric)",
        f"insert into {name} values (0.1), (null), (123456789012345678901234567890.5)",
        f"insert into {name} values ('nan'), (-3), (1e-20)",
    )
    found = whole(read_sql(name, road()))["v"]
    assert float(found[0]) == 0.1
    assert str(found[2]) == "123456789012345678901234567890.5" + 19 * "0"
    assert found.isna().tolist() == [False, True, False, True, False, False]
    assert float(found[5]) == 1e-20


@roads
def test_infinite_numbers(road):
    name = new_name()
    run(f"create table {name} as select v::numeric as v from (values ('infinity'), ('1.5')) t (v)")
    assert whole(read_sql(name, road()))["v"].astype(float).tolist() == [np.inf, 1.5]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234.56::money", 1234.56),
        ("4294967295::oid", 4294967295),
        ("'10.0.0.1'::inet", "10.0.0.1/32"),
        ("B'101'", "101"),
    ],
)
def test_types_that_the_driver_gives_otherwise(text, value):
    found = whole(read_sql(f"select {text} as v", by_adbc()))["v"].tolist()
    assert [str(found[0]).removesuffix("/32"), found[0]][isinstance(value, (int, float))] in (
        value,
        str(value).removesuffix("/32"),
    )


def test_values_of_an_enumeration():
    name = new_name()
    run(
        f"create type {name}_kind as enum ('low', 'high')",
        f"create table {name} (v {name}_kind)",
        f"insert into {name} values ('high'), (null), ('low')",
    )
    try:
        for road in ROADS:
            assert whole(read_sql(name, road(), order_by="v"))["v"].tolist()[:2] == ["low", "high"]
    finally:
        run(f"drop table {name}", f"drop type {name}_kind")


@two_roads
@pytest.mark.parametrize(
    "value", ["'infinity'::date", "'-infinity'::timestamp", "'infinity'::timestamptz"]
)
def test_dates_without_an_end_are_refused(road, value):
    source = read_sql(f"select {value} as d", road())
    with pytest.raises((SchemaError, QueryError), match=r"infinity|timestamp too small"):
        whole(source)


@pytest.mark.parametrize("name", ['a "b" c', "Select", "ü;drop", "a.b", "%s", ":x", "$1", "q"])
@two_roads
def test_any_name(name, road):
    table, marked = new_name(), '"' + name.replace('"', '""') + '"'
    run(
        f"create table {table} ({marked} int, other float8)",
        f"insert into {table} values (3, 0.5), (null, 1.5), (2, 2.5)",
    )
    source = read_sql(table, road(), partition_on=name, partitions=2)
    assert source.columns == (name, "other")
    assert whole(source, [name])[name].tolist()[:2] == [2, 3]
    assert whole(source, ["other"])["other"].tolist() == [2.5, 0.5, 1.5]


@two_roads
def test_two_columns_of_one_name_are_refused(road):
    with pytest.raises(SchemaError, match="more than one column 'a'"):
        read_sql("select 1 as a, 2 as a", road())


# --- keys and order ---


@roads
def test_partitions_are_ranges_of_the_key_in_order(numbers, road):
    source = read_sql(numbers, road(), partition_on="k", partitions=4)
    counts = [sum(map(len, p.frames(["k"], 1000))) for p in source.partitions]
    assert counts == [2500, 2500, 2500, 2500, 0]
    keys = whole(source, ["k"])["k"]
    assert keys.is_monotonic_increasing
    assert keys.nunique() == 10_000
    assert source.unordered is None


KEYS = {
    "text": ["'b'", "'a'", "null", "'o''c'", "'ä'", "''"],
    "numeric": ["0.1", "null", "1e30", "-5", "'nan'", "0.1"],
    "float8": ["0.1", "null", "'nan'", "'-infinity'", "1e-300", "0.3"],
    "date": ["'2020-01-01'", "'infinity'", "null", "'1999-12-31'", "'2020-01-01'"],
    "timestamptz": ["'2020-01-01 00:00:00.000001+02'", "null", "'1999-12-31'", "now()"],
    "uuid": ["gen_random_uuid()", "gen_random_uuid()", "null", "gen_random_uuid()"],
    "boolean": ["true", "false", "null", "true"],
}


@pytest.mark.parametrize("kind", KEYS)
@two_roads
def test_keys_of_any_type_lose_no_row(kind, road):
    table = new_name()
    run(
        f"create table {table} (k {kind}, n int)",
        *(f"insert into {table} values ({value}, {n})" for n, value in enumerate(KEYS[kind])),
    )
    expected = [row[0] for row in run(f"select n from {table} order by k nulls last, ctid")]
    for partitions in (1, 4):
        source = read_sql(table, road(), partition_on="k", partitions=partitions)
        assert whole(source, ["n"])["n"].tolist() == expected


def test_rows_without_an_order_say_so_and_come_in_the_same_one(numbers):
    source = read_sql(numbers, URL)
    assert "order_by=" in source.unordered
    first, second = (whole(source, ["k"]) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert "same 's'" in read_sql(f"select * from {numbers}", URL, partition_on="s").unordered
    assert read_sql(numbers, URL, partition_on="s").unordered is None


def test_views_and_partitioned_tables_and_schemas():
    name = new_name()
    run(
        f"create table {name} (k int, n int) partition by range (k)",
        f"create table {name}_1 partition of {name} for values from (0) to (10)",
        f"create table {name}_2 partition of {name} for values from (10) to (20)",
        f"insert into {name} select 19 - g % 20, g from generate_series(0, 99) g",
        f"create view {name}_v as select * from {name}",
    )
    table = read_sql(f"public.{name}", URL, partition_on="k", partitions=3)
    assert table.unordered is None
    assert whole(table)["k"].is_monotonic_increasing
    view = read_sql(f'"{name}_v"', URL, order_by=["k", "n"])
    assert view.unordered is None
    assert len(whole(view)) == 100


# --- snapshots ---


@roads
def test_all_passes_see_the_rows_of_one_moment(road):
    name = new_name()
    run(
        f"create table {name} as select g as id, g::float8 as x, (g % 7)::float8 as y, "
        "g % 5 as firm from generate_series(1, 500) g"
    )
    source = read_sql(name, road(), partition_on="id", partitions=3)
    before = whole(source)
    run(
        f"update {name} set y = y + 1",
        f"delete from {name} where id > 400",
        f"insert into {name} values (null, 1, 1, 1), (100000, 2, 2, 2)",
    )
    pd.testing.assert_frame_equal(whole(source), before)
    result = smof.ols("y ~ x", source).fit()
    run(f"truncate {name}") if road is None else None
    clustered = result.get_robustcov_results("cluster", groups="firm")
    expected = smf.ols("y ~ x", before).fit(cov_type="cluster", cov_kwds={"groups": before["firm"]})
    np.testing.assert_allclose(clustered.bse, expected.bse, rtol=SOLVED)


def test_without_a_snapshot_a_change_is_an_error():
    name = new_name()
    run(
        f"create table {name} as select g::float8 as x, sin(g) as y, g % 5 as firm "
        "from generate_series(1, 500) g"
    )
    result = smof.ols("y ~ x", read_sql(name, URL, order_by="x", snapshot=False)).fit()
    run(f"update {name} set y = y + 1 where x = 3")
    with pytest.raises(SourceChangedError, match="with other values of 'y'"):
        result.get_robustcov_results("cluster", groups="firm")


def test_the_snapshot_ends_with_the_source(numbers):
    query = (
        "select count(*) from pg_stat_activity where backend_xmin is not null and state = "
        "'idle in transaction' and datname = current_database()"
    )
    (before,) = run(query)
    source = read_sql(numbers, URL)
    assert run(query)[0][0] == before[0] + 1
    partitions = source.partitions
    del source
    assert run(query)[0][0] == before[0] + 1  # partitions need it
    del partitions
    assert run(query)[0][0] == before[0]


@two_roads
def test_a_snapshot_that_is_gone_is_an_error(numbers, road):
    source = read_sql(numbers, road())
    _end_keepers()
    with pytest.raises(SourceChangedError, match="snapshot in which all passes read is gone"):
        whole(source, ["x"])


def _end_keepers():
    run(
        "select pg_terminate_backend(pid) from pg_stat_activity where state = "
        "'idle in transaction' and datname = current_database() and pid <> pg_backend_pid()"
    )


def test_another_process_reads_the_same_snapshot(numbers, tmp_path):
    source = read_sql(numbers, URL, partition_on="id", partitions=2)
    rows = len(whole(source, ["id"]))
    run(f"insert into {numbers} values (100001, 1, 1, 1, 'z')")
    try:
        pickled = cloudpickle.dumps(source.partitions[1])
        code = (
            "import pickle, sys\n"
            "part = pickle.loads(sys.stdin.buffer.read())\n"
            "print(sum(map(len, part.frames(['id'], 1000))))"
        )
        assert int(other_process(code, pickled)) == rows / 2
        del source
    finally:
        run(f"delete from {numbers} where id = 100001")


def test_a_saved_result_reads_again_and_compares(tmp_path):
    name = new_name()
    run(
        f"create table {name} as select g::float8 as x, sin(g) as y, g % 5 as firm "
        "from generate_series(1, 300) g"
    )
    source = read_sql(name, URL, order_by="x")
    expected = smf.ols("y ~ x", whole(source)).fit()
    smof.ols("y ~ x", source).fit().save(tmp_path / "r.pickle")
    del source
    code = (
        "import numpy as np, statsmodels_ooc.api as smo\n"
        f"result = smo.load({str(tmp_path / 'r.pickle')!r}, allow_pickle=True)\n"
        "try:\n    print(repr(float(np.asarray(result.resid)[7])))\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    assert float(other_process(code)) == pytest.approx(expected.resid[7], rel=SOLVED)
    run(f"update {name} set y = y + 1 where x = 5")
    _end_keepers()  # so that the other process has to read another moment
    assert "SourceChangedError the data changed" in other_process(code)


def other_process(code, given=b""):
    """What a fresh process prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=given, capture_output=True, timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


# --- what goes wrong ---


@roads
def test_a_connection_that_is_lost_while_rows_are_read(road):
    source = read_sql(
        "select g, repeat('x', 400) as t, pg_backend_pid() as pid "
        "from generate_series(1, 400000) g",
        road(),
    )
    with closing(source.frames(["g", "pid", "t"], 1000)) as frames:
        first = next(frames)
        run(f"select pg_terminate_backend({first['pid'][0]})")
        with pytest.raises(SourceInterruptedError):
            for _ in frames:
                pass
    assert len(next(source.frames(["g"], 10))) == 10  # reading again helps


@roads
def test_reading_may_stop_early(numbers, road):
    source = read_sql(numbers, road())
    for _ in range(3):
        with closing(source.frames(["id"], 7)) as frames:
            assert len(next(frames)) == 7
    idle = (
        "select count(*) from pg_stat_activity where query like '%q.\"id\"%' and state = 'active'"
    )
    assert run(idle)[0][0] <= 1


@two_roads
@pytest.mark.parametrize(
    ("query", "error", "match"),
    [
        ("no_such_table_at_all", SourceNotFoundError, "does not exist"),
        ("select * from no_such_table_at_all", SourceNotFoundError, "does not exist"),
        ("select nope from (select 1 as a) t", QueryError, "nope"),
        ("select from from", QueryError, "syntax error"),
        ("with t as (delete from pg_class returning *) select * from t", QueryError, "top level"),
        ("select 1; select 2", QueryError, 'near ";"'),
        ("select 1 / (3 - g) as v from generate_series(1, 9) g", QueryError, "division by zero"),
    ],
)
def test_wrong_queries_have_the_message_of_the_database(road, query, error, match):
    with pytest.raises(error, match=match):
        whole(read_sql(query, road()))


@pytest.fixture
def stranger(numbers):
    """The URL of a user who may read nothing."""
    name = new_name()
    run(f"create role {name} login password 'pa55-word'")
    parts = urlsplit(URL)
    host = parts.netloc.rpartition("@")[2]
    yield f"postgresql://{name}:pa55-word@{host}{parts.path}"
    run(f"drop role {name}")


@pytest.mark.parametrize("prefix", ["postgresql:", "postgresql+psycopg:"])
def test_no_right_to_read(numbers, stranger, prefix):
    with pytest.raises(SourcePermissionError, match="permission denied") as caught:
        whole(read_sql(numbers, stranger.replace("postgresql:", prefix)))
    assert "pa55" not in str(caught.value)
    run(f"grant select on {numbers} to {urlsplit(stranger).username}")
    try:
        source = read_sql(numbers, stranger.replace("postgresql:", prefix))
        run(f"revoke select on {numbers} from {urlsplit(stranger).username}")
        with pytest.raises(SourcePermissionError, match="permission denied"):
            whole(source)
    finally:
        run(f"revoke all on {numbers} from {urlsplit(stranger).username}")


@pytest.mark.parametrize("prefix", ["postgresql:", "postgresql+psycopg:"])
def test_no_server_and_no_database(prefix):
    nobody = f"{prefix}//me:s3cret-pass@127.0.0.1:1/db"
    with pytest.raises(SourceInterruptedError) as caught:
        read_sql("t", nobody)
    assert "s3cret" not in repr(caught.value) + str(caught.value.__cause__)
    assert caught.value.__context__ is None
    parts = urlsplit(URL)
    with pytest.raises(SourceNotFoundError, match="does not exist"):
        read_sql("t", f"{prefix}//{parts.netloc}/no_such_database")


# --- live connections ---


@pytest.mark.parametrize("driver", ["psycopg", "adbc_driver_postgresql.dbapi"])
def test_a_live_connection_is_left_as_it_was(numbers, driver):
    live = pytest.importorskip(driver).connect(URL)
    source = read_sql(numbers, live, partition_on="id", partitions=2)
    assert len(whole(source, ["id"])) == 10_000
    assert len(source.partitions) == 3
    with live.cursor() as cursor:
        cursor.execute("select 1")
        assert cursor.fetchall() == [(1,)]
    live.close()


@pytest.mark.parametrize("driver", ["psycopg", "adbc_driver_postgresql.dbapi"])
def test_rows_that_are_not_committed_are_read_by_their_connection(driver):
    name = new_name()
    run(f"create table {name} as select 1 as v")
    live = pytest.importorskip(driver).connect(URL)
    with live.cursor() as cursor:
        cursor.execute(f"insert into {name} values (2)")
    source = read_sql(name, live)
    assert sorted(whole(source)["v"]) == [1, 2]
    live.rollback()
    assert sorted(whole(source)["v"]) == [1, 2]  # read once
    live.close()


def test_a_temporary_table_hides_another():
    name = new_name()
    run(f"create table {name} as select 1 as v")
    with connect() as live:
        live.execute(f"create temp table {name} as select 2 as v")
        assert whole(read_sql(name, live))["v"].tolist() == [2]


def test_a_connection_of_alchemy_in_a_transaction(numbers):
    alchemy = pytest.importorskip("sqlalchemy")
    engine = by_engine()
    name = new_name()
    with engine.connect() as live:
        live.exec_driver_sql(f"create table {name} as select 5 as v")
        assert whole(read_sql(name, live))["v"].tolist() == [5]
        live.rollback()
    with engine.connect() as live:
        assert (
            len(
                whole(
                    read_sql(
                        alchemy.text(f"select * from {numbers} where id <= :n").bindparams(n=7),
                        live,
                    )
                )
            )
            == 7
        )
    table = alchemy.Table(numbers, alchemy.MetaData(), autoload_with=engine)
    query = alchemy.select(table.c.id, table.c.s).where(table.c.s == "it's", table.c.id > 5)
    assert list(read_sql(query, engine).columns) == ["id", "s"]
    assert len(whole(read_sql(table, engine), ["s"])) == 10_000
    engine.dispose()


def test_a_fit_is_that_of_the_table_in_memory():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"x": rng.normal(size=3000), "g": rng.choice(["a", "b", "c"], 3000)})
    table["y"] = table["x"] + rng.normal(size=3000)
    table.loc[::50, "x"] = np.nan
    name = make_table(table)
    expected = smf.ols("y ~ x + C(g)", table).fit()
    for source in (read_sql(name, URL), read_sql(name, URL, partition_on="x", partitions=4)):
        found = smof.ols("y ~ x + C(g)", source).fit()
        pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)
        pd.testing.assert_series_equal(found.bse, expected.bse, rtol=SOLVED)


@pytest.mark.parametrize("road", [by_alchemy, by_engine])
def test_a_connection_of_a_pool_that_the_server_ended_is_closed_in_silence(numbers, road, caplog):
    source = read_sql(numbers, road())
    _end_keepers()
    del source
    gc.collect()
    assert caplog.records == []


@roads
@pytest.mark.parametrize("first", [2**53, 10**17 + 1])
def test_whole_numerics_that_doubles_do_not_tell_apart_are_levels(road, first):
    name = new_name()
    values = ", ".join(f"({at % 4 + at / 100}, {first + at % 3})" for at in range(30))
    run(f"create table {name} (y float8, n numeric)", f"insert into {name} values {values}")
    res = smof.ols("y ~ C(n)", data=read_sql(name, road())).fit()
    assert [str(first + at) in name for at, name in enumerate(res.params.index[1:], 1)] == [
        True
    ] * 2


@roads
@pytest.mark.parametrize("first", [2**53, 10**17 + 1, 10**20])
def test_clusters_of_numerics_whose_partitions_come_in_several_types(road, first):
    name = new_name()
    table = pd.DataFrame(
        {"id": np.arange(300), "y": np.sin(np.arange(300)), "n": np.arange(300) % 4}
    )
    table.loc[299, "n"] = 9
    values = ", ".join(
        f"({at}, {y}, {first + n})" for at, y, n in table[:-1].itertuples(index=False)
    )
    last = f"(299, {table['y'].iloc[-1]}, 0.5)"
    run(
        f"create table {name} (id int, y float8, n numeric)",
        f"insert into {name} values {values}, {last}",
    )
    expected = smf.ols("y ~ 1", table).fit(cov_type="cluster", cov_kwds={"groups": table["n"]})
    source = read_sql(name, road(), partition_on="id", partitions=3)
    res = smof.ols("y ~ 1", source).fit(cov_type="cluster", cov_kwds={"groups": "n"})
    np.testing.assert_allclose(res.bse, expected.bse, rtol=SOLVED)


@roads
@pytest.mark.parametrize("cov_type", ["nonrobust", "HC0"])
def test_a_table_is_free_when_its_fit_is_gone(road, cov_type):
    name = new_name()
    values = "select g as id, g::float8 as x, sin(g) as y from generate_series(1, 90) g"
    run(f"create table {name} as {values}")
    gc.collect()
    gc.disable()  # nobody waits for it
    try:
        res = smof.ols("y ~ x", read_sql(name, road(), partition_on="id")).fit(cov_type=cov_type)
        res.summary()
        del res
        run("set lock_timeout = '5s'", f"drop table {name}")
    finally:
        gc.enable()
