"""Tables and queries of SQLite and DuckDB: types, names, keys, order, and what goes wrong."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    OptionError,
    ParseError,
    QueryError,
    RowOrderError,
    SchemaError,
    SourceChangedError,
    SourceError,
    SourceNotFoundError,
)
from statsmodels_ooc.sources.sql import read_sql
from statsmodels_ooc.sources.sql_dialects import Dialect

duckdb = pytest.importorskip("duckdb")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.sqlite"


def execute(path, *statements, rows=()):
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"insert into t values ({marks})", rows)
        connection.commit()


def whole(source, columns=None, max_rows=1000):
    return pd.concat(source.frames(columns, max_rows), ignore_index=True)


# --- values ---


def test_a_column_of_sqlite_may_change_its_type(path):
    values = [1] * 4095 + [2**60 + 1] + [None, 2.5]
    execute(path, "create table t (v)", rows=[(value,) for value in values])
    frames = list(read_sql("t", path).frames(max_rows=2048))
    assert [str(frame["v"].dtype) for frame in frames] == ["int64", "int64", "float64"]
    found = [value for frame in frames for value in frame["v"]]
    assert found[:4096] == values[:4096]
    assert pd.isna(found[4096])
    assert found[4097] == 2.5


@pytest.mark.parametrize("where", [0, 3, -1])
@pytest.mark.parametrize("fraction", [0.5, 2.0**60])
def test_whole_numbers_beside_fractions_are_refused_where_doubles_do_not_tell_them_apart(
    path, where, fraction
):
    values = [2**53 + 1 + at for at in range(8)]
    values[where] = fraction
    execute(path, "create table t (v)", rows=[(value,) for value in values])
    with pytest.raises(SchemaError, match=r"'v' of .* the whole number 90071.* \(row [02]\)"):
        whole(read_sql("t", path), ["v"])
    found = whole(read_sql("select cast(v as text) as v from t", path), ["v"])["v"]
    assert found.nunique() == 8


def test_text_among_numbers_is_refused_where_it_stands(path):
    execute(path, "create table t (v)", rows=[(1,)] * 5000 + [("x",)] * 3000)
    with pytest.raises(SchemaError, match=r"column 'v' (is int64 in its first rows|of .* several)"):
        whole(read_sql("t", path))


def test_numbers_among_text_are_refused(path):
    execute(path, "create table t (v)", rows=[("x",)] * 3000 + [(3,)] * 3000)
    with pytest.raises(SchemaError, match="CAST"):
        whole(read_sql("t", path))


def test_a_cast_in_the_query_makes_one_type_of_them(path):
    execute(path, "create table t (v)", rows=[("x",), (3,), (None,)])
    found = whole(read_sql("select cast(v as text) as v from t", path))
    assert found["v"].tolist()[:2] == ["x", "3"]
    assert found["v"].isna().tolist() == [False, False, True]


def test_whole_numbers_are_exact_and_masked_where_some_are_missing(path):
    execute(path, "create table t (v integer)", rows=[(2**62 + 1,), (None,), (-3,)])
    found = whole(read_sql("t", path))["v"]
    assert str(found.dtype) == "Int64"
    assert found.tolist()[0] == 2**62 + 1


def test_a_first_value_that_comes_late_tells_the_type(path):
    rows = [(None, None)] * 6000 + [("x", 1.5)]
    execute(path, "create table t (s, v)", rows=rows)
    source = read_sql("t", path)
    assert [str(source.dtypes[name]) for name in ("s", "v")] == ["str", "float64"]
    assert whole(source)["s"].tolist()[-1] == "x"


@pytest.mark.parametrize(
    ("declared", "dtype"),
    [("INTEGER", "int64"), ("VARCHAR(9)", "str"), ("BOOLEAN", "bool"), ("", "float64")],
)
def test_without_any_value_the_declaration_tells(path, declared, dtype):
    execute(path, f"create table t (v {declared})", rows=[(None,), (None,)])
    source = read_sql("t", path)
    assert str(source.dtypes["v"]) == dtype
    assert whole(source)["v"].isna().all()


def test_declared_dates_and_truth_values_are_read_as_such(path):
    rows = [("2020-01-02", "2021-02-03 04:05:06.5", 1), (None, None, None), ("1999-12-31", None, 0)]
    execute(path, "create table t (d DATE, m TIMESTAMP, b BOOLEAN)", rows=rows)
    found = whole(read_sql("t", path))
    assert found["d"].tolist()[0] == pd.Timestamp("2020-01-02")
    assert found["m"].tolist()[0] == pd.Timestamp("2021-02-03 04:05:06.5")
    assert found["b"].tolist() == [True, pd.NA, False]
    assert found["d"].isna().tolist() == [False, True, False]


def test_a_truth_value_of_two_is_refused(path):
    execute(path, "create table t (b BOOLEAN)", rows=[(1,), (2,)])
    with pytest.raises(SchemaError, match=r"'b'.*BOOLEAN.*value 2[\s\S]*CAST\(b AS INTEGER\)"):
        whole(read_sql("t", path))


def test_declared_dates_that_are_none_stay_text_or_are_refused(path):
    execute(path, "create table t (d DATE)", rows=[("spring",)])
    assert whole(read_sql("t", path))["d"].tolist() == ["spring"]
    execute(path, rows=[("2020-01-01",)])
    execute(path, "delete from t", rows=[("2020-01-01",)] * 3000 + [("spring",)])
    with pytest.raises(SchemaError, match=r"'d'.*date[\s\S]*CAST\(d AS TEXT\)"):
        whole(read_sql("t", path))


def test_types_of_duckdb():
    connection = duckdb.connect()
    connection.execute(
        "create table t as select 170141183460469231731687303715884105727::hugeint as h, "
        "340282366920938463463374607431768211455::uhugeint as u, 1.25::decimal(10,2) as d, "
        "date '2020-01-02' as day, 'ok'::enum('bad','ok') as e, true as b, 'nan'::double as f, "
        "timestamptz '2020-01-02 03:04:05+02' as z"
    )
    found = whole(read_sql("t", connection)).iloc[0]
    assert int(found["h"]) == 2**127 - 1
    assert int(found["u"]) == 2**128 - 1
    assert found["d"] == 1.25
    assert found["day"] == pd.Timestamp("2020-01-02")
    assert (found["e"], bool(found["b"])) == ("ok", True)
    assert np.isnan(found["f"])
    assert found["z"] == pd.Timestamp("2020-01-02 01:04:05", tz="UTC")
    connection.close()


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
@pytest.mark.parametrize("value", ["infinity", "-infinity"])
def test_dates_without_an_end_are_refused(value, kind):
    with duckdb.connect() as connection:
        rows = f"select '{value}'::{kind} as d union all select '2020-01-01'::{kind}"
        source = read_sql(rows, connection)
        with pytest.raises(SchemaError, match=r"'d'.*infinity[\s\S]*NULLIF"):
            whole(source)


# --- names ---

NAMES = [
    "a b",
    'qu"ote',
    "select",
    "naïve",
    "半角",
    "x;drop table t",
    "a.b",
    "[b]",
    "`c`",
    "%s",
    ":x",
]


@pytest.mark.parametrize(
    ("kind", "name"), [*(("sqlite", n) for n in NAMES), *(("duckdb", n) for n in NAMES[:3])]
)
def test_any_name_of_a_column_or_a_table(tmp_path, name, kind):
    marked = Dialect(kind).identifier(name)
    path = tmp_path / f"t.{kind}"
    statements = (
        f"create table {marked} ({marked} integer, other real)",
        f"insert into {marked} values (3, 0.5), (1, 1.5), (2, 2.5)",
    )
    if kind == "sqlite":
        execute(path, *statements)
    else:
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
    source = read_sql(marked, path, partition_on=name, partitions=2)
    assert source.columns == (name, "other")
    assert whole(source, [name])[name].tolist() == [1, 2, 3]
    again = read_sql(f"select * from {marked}", path, order_by=[name])
    assert whole(again)["other"].tolist() == [1.5, 2.5, 0.5]


def test_a_column_that_is_gone_is_no_text(path):
    execute(path, "create table t (v text, w integer)", rows=[("a", 1)])
    source = read_sql("t", path)
    assert source.dtypes["v"] == "str"
    execute(path, "alter table t drop column v")
    with pytest.raises(QueryError, match="no such column"):
        whole(source, ["v"])


@pytest.mark.parametrize(
    "query",
    [
        "select * from t;",
        "SELECT * FROM t -- all of it",
        "(select * from t)",
        "\n  with q as (select * from t)\nselect * from q ; \n",
        "/* from */ select * from t",
    ],
)
def test_queries_as_people_write_them(path, query):
    execute(path, "create table t (v integer)", rows=[(1,), (2,)])
    assert whole(read_sql(query, path))["v"].tolist() == [1, 2]


# --- keys and order ---


def test_ranges_of_a_skewed_key_lose_nothing(path):
    rng = np.random.default_rng(0)
    keys = [7] * 600 + rng.integers(0, 40, 300).tolist() + [None] * 50 + [-1e9]
    rng.shuffle(keys)
    execute(path, "create table t (k, n integer)", rows=list(zip(keys, range(951), strict=True)))
    source = read_sql("t", path, partition_on="k", partitions=8)
    assert 3 <= len(source.partitions) <= 9
    pieces = [
        pd.concat([*p.frames(["k", "n"], 100)]) if [*p.frames(["n"], 9)] else pd.DataFrame()
        for p in source.partitions
    ]
    assert len(pieces[-1]) == 50
    assert pieces[-1]["k"].isna().all()
    found = pd.concat(pieces, ignore_index=True)
    expected = pd.DataFrame({"k": pd.Series(keys, dtype=float), "n": range(951)})
    expected = expected.sort_values("k", kind="stable", ignore_index=True)
    assert found["n"].tolist() == expected["n"].tolist()
    assert all(
        before["k"].max() < after["k"].min()
        for before, after in pairwise(pieces[:-1])
        if len(before) and len(after)
    )


@pytest.mark.parametrize(
    "values",
    [
        ["b", "a", None, "ä", "o'clock", "B", ""],
        [0.1, -0.0, None, 1e300, float("inf"), 1e-300],
        [None, None],
        [1, 1, 1],
        [2**53 + 1, 2**53, 2**53 + 2],
    ],
    ids=["text", "doubles", "none", "one value", "beyond doubles"],
)
@pytest.mark.parametrize(
    ("kind", "partitions"), [("sqlite", 1), ("sqlite", 3), ("sqlite", 50), ("duckdb", 3)]
)
def test_keys_of_any_kind(tmp_path, values, partitions, kind):
    path = tmp_path / f"t.{kind}"
    numbered = list(zip(values, range(len(values)), strict=True))
    if kind == "sqlite":
        execute(path, "create table t (k, n integer)", rows=numbered)
    else:
        sql_type = {str: "varchar", float: "double", int: "bigint"}.get(type(values[0]), "bigint")
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"create table t (k {sql_type}, n integer)")
            connection.executemany("insert into t values (?, ?)", numbered)
    source = read_sql("t", path, partition_on="k", partitions=partitions)
    found = whole(source, ["n"])["n"].tolist()
    present = sorted((value, n) for value, n in numbered if value is not None)
    missing = [n for value, n in numbered if value is None]
    assert found == [n for _, n in present] + missing


def test_no_row_at_all(path):
    execute(path, "create table t (k integer, y real)")
    source = read_sql("t", path, partition_on="k", partitions=3)
    assert sum(map(len, source.frames())) == 0
    assert source.columns == ("k", "y")


def test_rows_of_a_sqlite_table_come_in_their_order(path):
    rows = [(i, (i * 37) % 101) for i in range(101)]
    execute(path, "create table t (n integer, k integer)", "create index i on t (k)", rows=rows)
    source = read_sql("t", path)
    assert source.unordered is None
    assert whole(source, ["k"])["k"].tolist() == [k for _, k in rows]  # not that of the index


def test_a_table_without_row_numbers_has_the_order_of_its_key(path):
    execute(
        path,
        "create table t (a text, b integer, primary key (b, a)) without rowid",
        rows=[("x", 2), ("y", 1), ("a", 2)],
    )
    source = read_sql("t", path)
    assert source.unordered is None
    assert whole(source)["a"].tolist() == ["y", "a", "x"]


def test_a_column_called_rowid_is_no_row_number(path):
    execute(path, "create table t (rowid text, v integer)", rows=[("b", 1), ("a", 2)])
    assert whole(read_sql("t", path))["v"].tolist() == [1, 2]


def test_rows_of_a_query_have_no_order_until_it_is_named(path):
    rows = [(float(i % 7), float(i), i) for i in range(60)]
    execute(path, "create table t (y real, x real, n integer)", rows=rows)
    source = read_sql("select * from t", path)
    assert "order_by=" in source.unordered
    with pytest.raises(RowOrderError, match="order_by="):
        smo.diagnostics.acorr_ljungbox(smof.ols("y ~ x", source).fit())
    assert read_sql("select * from t", path, order_by="n").unordered is None
    assert "same 'x'" in read_sql("select * from t", path, partition_on="x").unordered


def test_a_table_of_duckdb_has_the_order_in_which_it_was_filled():
    with duckdb.connect() as connection:
        connection.execute("create table t as select (range * 7919) % 50021 as v from range(50021)")
        source = read_sql("t", connection)
        assert source.unordered is None
        assert whole(source, max_rows=4096)["v"].tolist() == [
            i * 7919 % 50021 for i in range(50021)
        ]
        connection.execute("create view w as select * from t")
        assert read_sql("w", connection).unordered is not None


# --- fits ---


@pytest.mark.parametrize("cut", [{}, {"partition_on": "x", "partitions": 4}])
@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_fit_is_that_of_the_table_in_memory(tmp_path, kind, cut):
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"x": rng.normal(size=3000), "g": rng.choice(["a", "b", "c"], 3000)})
    table["y"] = table["x"] + rng.normal(size=3000)
    table.loc[::50, "x"] = np.nan
    path = tmp_path / f"t.{kind}"
    if kind == "sqlite":
        rows = table.astype(object).where(table.notna(), None).to_numpy().tolist()
        execute(path, "create table t (x real, g text, y real)", rows=list(map(tuple, rows)))
    else:
        with duckdb.connect(str(path)) as connection:
            connection.register("frame", table)
            connection.execute("create table t as select * from frame")
    found = smof.ols("y ~ x + C(g)", read_sql("t", path, **cut)).fit()
    expected = smf.ols("y ~ x + C(g)", table).fit()
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)
    pd.testing.assert_series_equal(found.bse, expected.bse, rtol=SOLVED)
    assert int(found.nobs) == int(expected.nobs)


# --- what changes ---


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("sqlite", "update t set y = 9 where x = 7"),
        ("sqlite", "delete from t where x = 7"),
        ("duckdb", "update t set y = 9 where x = 7"),
    ],
)
def test_a_change_between_passes_is_an_error(tmp_path, kind, change):
    path = tmp_path / f"t.{kind}"
    rows = [(float(i % 7), float(i), i % 10) for i in range(500)]
    create = "create table t (y real, x real, firm integer)"
    if kind == "sqlite":
        execute(path, create, rows=rows)
    else:
        with duckdb.connect(str(path)) as connection:
            connection.execute(create)
            connection.executemany("insert into t values (?, ?, ?)", rows)
    result = smof.ols("y ~ x", read_sql("t", path)).fit()
    result.get_robustcov_results("cluster", groups="firm")  # reads the table again
    if kind == "sqlite":
        execute(path, change)
    else:
        with duckdb.connect(str(path)) as connection:
            connection.execute(change)
    with pytest.raises(SourceChangedError, match="the data changed before"):
        result.get_robustcov_results("cluster", groups="firm + 1")


def test_several_partitions_are_of_one_moment(path):
    execute(path, "create table t (k integer)", rows=[(i,) for i in range(10)])
    source = read_sql("t", path, partition_on="k", partitions=2)
    first, second, _ = source.partitions
    assert sum(map(len, first.frames(["k"], 10))) == 5
    execute(path, "update t set k = 9 where k = 0")
    with pytest.raises(SourceChangedError, match="was written to"):
        list(second.frames(["k"], 10))


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("query", "error", "match"),
    [
        ("nowhere", SourceNotFoundError, "no such table"),
        ("select nope from t", QueryError, "no such column"),
        ("select from", QueryError, "syntax error"),
        ("select 1; drop table t", QueryError, 'near ";"'),
        ("select v from t where v = abs(-9223372036854775807 - 1)", QueryError, "overflow"),
    ],
)
def test_wrong_queries_have_the_message_of_the_database(path, query, error, match):
    execute(path, "create table t (v integer)", rows=[(1,)])
    with pytest.raises(error, match=match):
        whole(read_sql(query, path))
    execute(path, "select 1 from t")


@pytest.mark.parametrize(
    ("query", "error", "match"),
    [
        ("nowhere", SourceNotFoundError, "does not exist"),
        ("select nope from t", QueryError, "nope"),
        ("select from from", QueryError, "syntax error"),
        ("select 1; drop table t", QueryError, "syntax error"),
        ("select error('late') as v from t", QueryError, "late"),
    ],
)
def test_wrong_queries_of_duckdb(tmp_path, query, error, match):
    with duckdb.connect(str(tmp_path / "t.duckdb")) as connection:
        connection.execute("create table t as select 1 as v")
    with pytest.raises(error, match=match):
        whole(read_sql(query, tmp_path / "t.duckdb"))


def test_what_is_no_database(tmp_path):
    with pytest.raises(SourceNotFoundError, match="no database"):
        read_sql("t", tmp_path / "none.sqlite")
    with pytest.raises(SourceNotFoundError, match="no database"):
        read_sql("t", f"sqlite:///{tmp_path}/none.sqlite")
    (tmp_path / "t.csv").write_text("y,x\n1,2\n" * 10)
    with pytest.raises(SourceError, match="neither SQLite nor DuckDB"):
        read_sql("t", tmp_path / "t.csv")
    (tmp_path / "bad.sqlite").write_bytes(b"SQLite format 3\0" + b"\1" * 5000)
    with pytest.raises((ParseError, QueryError)):
        read_sql("t", tmp_path / "bad.sqlite")
    with pytest.raises(OptionError, match="no file"):
        read_sql("t", "sqlite://")
    with pytest.raises(SourceError):
        read_sql("t", tmp_path)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"partitions": 3}, "partition_on="),
        ({"partition_on": "v", "partitions": 0}, "whole number"),
        ({"partition_on": "v", "partitions": True}, "whole number"),
        ({"partition_on": ["v"]}, "one column"),
        ({"order_by": [3]}, "names of columns"),
    ],
)
def test_options_that_are_none(path, options, match):
    execute(path, "create table t (v integer)", rows=[(1,)])
    with pytest.raises(OptionError, match=match):
        read_sql("t", path, **options)


@pytest.mark.parametrize("options", [{"partition_on": "w"}, {"order_by": ["v", "w"]}])
def test_columns_that_are_not_there(path, options):
    execute(path, "create table t (v integer)", rows=[(1,)])
    with pytest.raises(SchemaError, match="no column 'w'"):
        read_sql("t", path, **options)


@pytest.mark.parametrize("thing", [3, None, object(), sqlite3.Connection])
def test_what_is_no_connection(thing):
    with pytest.raises(TypeError, match="takes a URL"):
        read_sql("t", thing)


def test_arguments_in_the_other_order(path):
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(TypeError, match="comes first"),
    ):
        read_sql(connection, "select 1")


def test_a_function_that_returns_no_connection():
    with pytest.raises(TypeError, match="not a connection"):
        read_sql("t", lambda: 3)


def test_an_error_of_a_function_is_its_own():
    def connect():
        raise ZeroDivisionError("of the function")

    with pytest.raises(ZeroDivisionError, match="of the function"):
        read_sql("t", connect)
