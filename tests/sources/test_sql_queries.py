"""Queries that SQLAlchemy builds mean as text what they mean to SQLAlchemy."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pandas as pd
import pytest
from sources.postgresql import URL, needs_server, new_name, run

from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.sources.sql import read_sql
from statsmodels_ooc.sources.sql_dialects import Dialect
from statsmodels_ooc.sources.sql_queries import written

sa = pytest.importorskip("sqlalchemy")

ROWS = [(1, "50%"), (2, "50%%"), (3, "a\\b"), (4, "a\\\\b"), (5, "o'c"), (6, "a")]


def table_called(name):
    return sa.Table(name, sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("g", sa.Text))


def queries(t):
    return {
        "equal": sa.select(t).where(t.c.g == "50%"),
        "unequal": sa.select(t).where(t.c.g != "50%"),
        "like": sa.select(t).where(t.c.g.like("50%")),
        "remainder": sa.select(t).where(t.c.id % 2 == 1),
        "text": sa.text(f"select id, g from {t.name} where id % 2 = :k and g <> '50%'").bindparams(
            k=1
        ),
        "backslash": sa.select(t).where(t.c.g == "a\\b"),
        "quote": sa.select(t).where(t.c.g == "o'c"),
        "name": sa.select(t.c.id, t.c.g.label("in %")).where(t.c.id < 3),
    }


NAMES = list(queries(table_called("t")))


def found(query, connection):
    source = read_sql(query, connection)
    names = list(source.columns)
    return names, pd.concat(source.frames(names, 100))["id"].tolist()


def expected(query, engine):
    with engine.connect() as connection:
        answer = connection.execute(query)
        return list(answer.keys()), sorted(row[0] for row in answer)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("paramstyle", ["qmark", "format", "pyformat"])
def test_a_query_is_what_its_dialect_would_run(tmp_path, name, paramstyle):
    path = tmp_path / "t.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (id integer, g text)")
        connection.executemany("insert into t values (?, ?)", ROWS)
        connection.commit()
    query, url = queries(table_called("t"))[name], f"sqlite:///{path}"
    engine = sa.create_engine(url, paramstyle=paramstyle, poolclass=sa.pool.NullPool)
    wanted = expected(query, sa.create_engine(url, poolclass=sa.pool.NullPool))
    for given in (engine, path, url, lambda: sqlite3.connect(path)):
        assert found(query, given) == wanted


@pytest.fixture(scope="module")
def table():
    name = new_name()
    rows = ", ".join(f"({at}, '{g.replace(chr(39), 2 * chr(39))}')" for at, g in ROWS)
    run(f"create table {name} (id int, g text)", f"insert into {name} values {rows}")
    return name


@needs_server
@pytest.mark.parametrize("name", NAMES)
def test_a_query_of_postgresql_is_what_its_dialect_would_run(table, name):
    psycopg = pytest.importorskip("psycopg")
    url = URL.replace("postgresql:", "postgresql+psycopg:")
    query, engine = queries(table_called(table))[name], sa.create_engine(url)
    wanted = expected(query, engine)
    with engine.connect() as live:
        for given in (engine, URL, url, live, lambda: psycopg.connect(URL)):
            assert found(query, given) == wanted
    engine.dispose()


class Server:
    """An open connection of a server of which only settings are asked."""

    place = None
    connection = SimpleNamespace()

    def __init__(self, kind, backslash):
        self.dialect, self.backslash = Dialect(kind), backslash

    def rows(self, statement):
        assert statement.endswith(r"'\\'") or statement.endswith(r"'\'")
        return [(self.backslash,)]


def test_names_and_values_are_written_for_the_database_of_a_function():
    t = sa.Table("order", sa.MetaData(), sa.Column("group", sa.Text))
    query = sa.select(t).where(t.c.group == "a\\%b")
    text = written(query, object(), Server("mysql", "\\"))
    assert "`order`.`group`" in text
    assert r"= 'a\\%b'" in text


@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
def test_a_backslash_that_a_server_reads_otherwise_is_refused(kind):
    query = sa.select(sa.literal("a\\b"))
    assert written(query, object(), Server(kind, "\\"))
    with pytest.raises(OptionError, match="backslash"):
        written(query, object(), Server(kind, "\\\\"))
