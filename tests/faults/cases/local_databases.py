"""SQLite and DuckDB: files that are damaged, gone, or changed between passes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from faults.case import THIRTY_LATER, Act, Scene, case, raises
from faults.files import duckdb as write_duckdb
from faults.files import sqlite

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    ParseError,
    QueryError,
    SchemaError,
    SourceChangedError,
    SourceError,
    SourceNotFoundError,
)

DAMAGED = raises(
    ParseError, r"t\.\w+ is cut off: it has .* bytes|t\.\w+: \w+: .*\nHint: the file may be damaged"
)


def run(path: Path, *statements: str) -> None:
    """Change a database behind the back of who reads it."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@case("SQLite", "cut off, at thirty places", DAMAGED, THIRTY_LATER)
def cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(sqlite(scene.folder, scene.rows))
    yield lambda: scene.fit(smo.read_sql("t", path))


@case("SQLite", "a page is overwritten with other bytes", DAMAGED)
def page(scene: Scene) -> Iterator[Act]:
    path = sqlite(scene.folder, scene.rows)
    content = bytearray(path.read_bytes())
    content[4_096 : 4_096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    yield lambda: scene.fit(smo.read_sql("t", path))


@case(
    "SQLite",
    "a text file in place of the database",
    raises(SourceError, r"t\.sqlite is a file of neither SQLite nor DuckDB"),
)
def text(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.sqlite"
    scene.rows.to_csv(path, index=False)
    yield lambda: scene.fit(smo.read_sql("t", path))


@case("SQLite", "no such file", raises(SourceNotFoundError, r"t\.sqlite"))
def no_file(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(smo.read_sql("t", scene.folder / "t.sqlite"))


@case("SQLite", "no such table", raises(SourceNotFoundError, r"t\.sqlite.*no such table: other"))
def no_table(scene: Scene) -> Iterator[Act]:
    path = sqlite(scene.folder, scene.rows)
    yield lambda: scene.fit(smo.read_sql("other", path))


@case("SQLite", "a query that is wrong", raises(QueryError, r"t\.sqlite.*syntax error"))
def wrong_query(scene: Scene) -> Iterator[Act]:
    path = sqlite(scene.folder, scene.rows)
    yield lambda: scene.fit(smo.read_sql("select y, x g from from t", path))


@case(
    "SQLite",
    "a column of the formula is not in the table",
    raises(ColumnNotFoundError, r"'x' .*t\.sqlite"),
)
def no_column(scene: Scene) -> Iterator[Act]:
    path = sqlite(scene.folder, scene.rows.drop(columns="x"))
    yield lambda: scene.fit(smo.read_sql("t", path))


@case("SQLite", "text among the numbers", raises(SchemaError, r"t\.sqlite.*'x'|'x'.*t\.sqlite"))
def text_among_numbers(scene: Scene) -> Iterator[Act]:
    path = sqlite(scene.folder, scene.rows)
    run(path, "update t set x = 'many' where n = 100")
    yield lambda: scene.fit(smo.read_sql("t", path))


@case(
    "SQLite",
    "the table is dropped between passes",
    raises(SourceNotFoundError, r"t\.sqlite.*no such table: t"),
)
def dropped(scene: Scene) -> Iterator[Act]:
    path = sqlite(scene.folder, scene.rows)
    with smo.options.set(cache=False):
        res = scene.fit(smo.read_sql("t", path))
        run(path, "drop table t")
        yield lambda: res.HC0_se


@case("SQLite", "a row is deleted between passes", raises(SourceChangedError, r"t\.sqlite"))
def deleted(scene: Scene) -> Iterator[Act]:
    path = sqlite(scene.folder, scene.rows)
    with smo.options.set(cache=False):
        res = scene.fit(smo.read_sql("t", path))
        run(path, "delete from t where n = 100")
        yield lambda: res.HC0_se


@case("SQLite", "a value is changed between passes", raises(SourceChangedError, r"t\.sqlite"))
def updated(scene: Scene) -> Iterator[Act]:
    path = sqlite(scene.folder, scene.rows)
    with smo.options.set(cache=False):
        res = scene.fit(smo.read_sql("t", path))
        run(path, "update t set x = x + 1e-9 where n = 100")
        yield lambda: res.HC0_se


@case(
    "DuckDB", "cut off, at thirty places", raises(ParseError, r"t\.duckdb"), THIRTY_LATER, "duckdb"
)
def duckdb_cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(write_duckdb(scene.folder, scene.rows))
    yield lambda: scene.fit(smo.read_sql("t", path))


@case(
    "DuckDB",
    "a text file in place of the database",
    raises(SourceError, r"t\.duckdb is a file of neither SQLite nor DuckDB"),
    needs="duckdb",
)
def duckdb_text(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.duckdb"
    scene.rows.to_csv(path, index=False)
    yield lambda: scene.fit(smo.read_sql("t", path))


@case("DuckDB", "no such file", raises(SourceNotFoundError, r"t\.duckdb"), needs="duckdb")
def duckdb_no_file(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(smo.read_sql("t", scene.folder / "t.duckdb"))


@case("DuckDB", "no such table", raises(SourceNotFoundError, r"t\.duckdb.*other"), needs="duckdb")
def duckdb_no_table(scene: Scene) -> Iterator[Act]:
    path = write_duckdb(scene.folder, scene.rows)
    yield lambda: scene.fit(smo.read_sql("other", path))


@case(
    "DuckDB",
    "a row is deleted between passes",
    raises(SourceChangedError, r"t\.duckdb"),
    needs="duckdb",
)
def duckdb_deleted(scene: Scene) -> Iterator[Act]:
    import duckdb

    path = write_duckdb(scene.folder, scene.rows)
    with smo.options.set(cache=False):
        res = scene.fit(smo.read_sql("t", path))
        with duckdb.connect(path) as connection:
            connection.execute("delete from t where n = 100")
        yield lambda: res.HC0_se


@case(
    "DuckDB",
    "a value that cannot be converted, in the middle of a query",
    raises(QueryError, r"t\.duckdb.*many"),
    needs="duckdb",
)
def duckdb_conversion(scene: Scene) -> Iterator[Act]:
    path = write_duckdb(scene.folder, scene.rows)
    query = "select y, g, cast(case when n = 200 then 'many' else x end as double) as x from t"
    yield lambda: scene.fit(smo.read_sql(query, path))
