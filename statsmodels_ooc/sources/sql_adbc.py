"""ADBC: drivers that give their rows as Arrow batches, PostgreSQL's first of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa

from statsmodels_ooc.errors import SourceError
from statsmodels_ooc.sources.sql_dialects import Dialect, Relation
from statsmodels_ooc.sources.sql_errors import Place
from statsmodels_ooc.sources.sql_sessions import Batches, Session
from statsmodels_ooc.sources.sql_values import SqlColumn, sql_column

_BATCH = str(2**20)  # bytes that PostgreSQL's driver puts into a batch
_HINT = "adbc.postgresql.batch_size_hint_bytes"

# Types of PostgreSQL that its driver gives as what they are; others it gives as bytes of its
# own, money in cents, and identifiers of objects beyond 2**31 as negative numbers.
_FAITHFUL = {
    *("bool", "bpchar", "bytea", "char", "date", "float4", "float8", "int2", "int4", "int8"),
    *("interval", "json", "jsonb", "name", "text", "time", "timestamp", "timestamptz", "varchar"),
}
_AS_NUMBERS = {"money": "numeric", "oid": "int8"}


def vendor_of(connection: Any) -> str:
    """The database behind a connection of ADBC, as SQLAlchemy calls it."""
    return str(connection.adbc_get_info().get("vendor_name", "")).lower()


def adbc_sqlite_file(connection: Any) -> str:
    """The file of a connection of ADBC to SQLite, which is read by Python's sqlite3.

    Raises
    ------
    SourceError
        It has none, or others as well.
    """
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA database_list")
        files = [row[2] for row in cursor.fetchall() if row[1] != "temp"]
    if len(files) == 1 and files[0]:
        return str(files[0])
    raise SourceError(
        "the database of a connection of ADBC to SQLite is not one file: its driver takes the type "
        "of a column from its first rows, and rows in memory cannot be read otherwise",
        hint="give the connection of Python's sqlite3",
    )


class AdbcSession(Session):
    """A connection of an ADBC driver."""

    def __init__(self, connection: Any, place: Place, vendor: str) -> None:
        super().__init__(connection, place, Dialect(vendor))

    @property
    def clone(self) -> Callable[[], Any]:
        """What shares the types of the database, which take long to look up."""
        found: Callable[[], Any] = self.connection.adbc_clone
        return found

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """A cursor, closed at the end, whatever happens."""
        known = self.dialect.name == "postgresql"
        options = {_HINT: _BATCH} if known else {}
        cursor = self.place.ask("query", partial(self.connection.cursor, adbc_stmt_kwargs=options))
        try:
            yield cursor
        finally:
            self.place.close(cursor.close)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self._cursor() as cursor:
            self.place.ask("query", cursor.execute, statement)
            found: list[tuple[Any, ...]] = self.place.ask("fetch", cursor.fetchall)
        return found

    def command(self, statement: str) -> None:
        with self._cursor() as cursor:
            self.place.ask("query", cursor.execute, statement)

    def batches(self, statement: str, names: Sequence[str]) -> Batches:
        with self._cursor() as cursor:
            self.place.ask("query", cursor.execute, statement)
            reader = self.place.ask("fetch", cursor.fetch_record_batch)
            try:
                while (batch := self.place.ask("fetch", next, reader, None)) is not None:
                    yield batch
            finally:
                self.place.close(reader.close)

    def transact(self) -> None:
        self.place.ask("query", self.connection.adbc_connection.set_autocommit, True)
        self.command("BEGIN")

    def names(self, relation: Relation) -> list[str]:
        return [field.name for field in self._schema(relation.nothing)]

    def _schema(self, statement: str) -> pa.Schema:
        with self._cursor() as cursor:
            found: pa.Schema = self.place.ask("query", self._told, cursor, statement)
        return found

    def _told(self, cursor: Any, statement: str) -> pa.Schema:
        if self.dialect.name == "postgresql":
            return cursor.adbc_execute_schema(statement)
        cursor.execute(statement)
        return cursor.fetch_arrow_table().schema

    def columns(self, relation: Relation, names: Sequence[str]) -> dict[str, SqlColumn]:
        wanted = relation.select([relation.column(name) for name in names], "1 = 0")
        fields = self._schema(wanted) if names else []
        told = _of_postgresql if self.dialect.name == "postgresql" else _as_it_comes
        return {name: told(name, field) for name, field in zip(names, fields, strict=True)}


def _of_postgresql(name: str, field: pa.Field) -> SqlColumn:
    known = (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()
    if known == "numeric":
        return sql_column(name, pa.string(), "number")
    if known in _AS_NUMBERS:
        cast = _AS_NUMBERS[known]
        return sql_column(name, pa.int64(), "number" if cast == "numeric" else "value", cast)
    if known in _FAITHFUL or known.startswith("_"):
        return sql_column(name, field.type)
    return sql_column(name, pa.string(), cast="text")


def _as_it_comes(name: str, field: pa.Field) -> SqlColumn:
    kind = field.type
    is_number = isinstance(kind, pa.OpaqueType) and kind.type_name in ("numeric", "decimal")
    if is_number:
        return sql_column(name, pa.string(), "number")
    return sql_column(name, kind)
