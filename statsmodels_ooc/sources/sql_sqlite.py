"""SQLite: types that each value has for itself, and what the columns were declared as."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from statsmodels_ooc.errors import (
    ParseError,
    QueryError,
    SourceNotFoundError,
    SourcePermissionError,
)
from statsmodels_ooc.sources.columns import is_text
from statsmodels_ooc.sources.sql_dialects import Dialect, Relation
from statsmodels_ooc.sources.sql_errors import Place
from statsmodels_ooc.sources.sql_sessions import DbapiSession
from statsmodels_ooc.sources.sql_values import SqlColumn, sql_column

_VIEW = "smo_described"


def open_sqlite(path: str) -> sqlite3.Connection:
    """A connection that reads a file, in whichever thread.

    Raises
    ------
    SourceNotFoundError
        There is none.
    ParseError
        It is shorter than it says of itself.
    """
    if not os.path.exists(path):
        raise SourceNotFoundError(
            f"there is no database {path}", hint=f"relative paths start from {os.getcwd()}"
        )
    address = f"{Path(path).absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, check_same_thread=False)
    try:
        _require_whole(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _require_whole(connection: sqlite3.Connection, path: str) -> None:
    """Refuse a file that was cut off: SQLite reads zeros for what is missing of its last page.

    With a log of writes (WAL) the file itself may be behind, and nothing tells.
    """
    if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        return
    connection.execute("BEGIN")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # nobody writes now
        pages, of = (
            connection.execute(f"PRAGMA page_{w}").fetchone()[0] for w in ("count", "size")
        )
        size = os.stat(path).st_size
    finally:
        connection.rollback()
    if size < pages * of:
        raise ParseError(
            f"{path} is cut off: it has {size:,} bytes of {pages * of:,}",
            hint="copy the database again, when nobody writes into it",
        )


def files_of(connection: Any) -> list[str]:
    """The files of the databases of a connection, empty names for those in memory."""
    listed = sqlite_rows(connection, "PRAGMA database_list")
    return [row[2] or "" for row in listed if row[1] != "temp"]


def sqlite_rows(connection: Any, query: str) -> list[tuple[Any, ...]]:
    """A small answer as tuples, whatever rows the user wants of a connection."""
    with closing(_cursor(connection)) as cursor:
        found: list[tuple[Any, ...]] = cursor.execute(query).fetchall()
    return found


def _cursor(connection: Any) -> Any:
    cursor = connection.cursor()
    cursor.row_factory = None
    return cursor


class SqliteSession(DbapiSession):
    """A connection of Python's own sqlite3.

    Notes
    -----
    Other drivers take the type of a column from its first rows, and refuse what comes
    later, or make text of it. Here every value is what it is; where a column was declared
    as BOOLEAN, DATE, DATETIME or TIMESTAMP, numbers 0 and 1 are truth values and text is
    read as ISO 8601.
    """

    def __init__(self, connection: Any, place: Place) -> None:
        super().__init__(connection, place, Dialect("sqlite"))
        self._declared: dict[str, str] = {}

    def cursor(self) -> Any:
        return _cursor(self.connection)

    def columns(self, relation: Relation, names: Sequence[str]) -> dict[str, SqlColumn]:
        self._declared = self._declarations(relation)
        return super().columns(relation, names)

    def told(self, name: str, first: pa.Array) -> SqlColumn:
        declared, kind = self._declared.get(name, "").upper(), first.type
        values = first.drop_null()
        if "BOOL" in declared and (not len(values) or pa.types.is_integer(kind)):
            return sql_column(name, pa.bool_(), "truth")
        if declared.startswith(("DATE", "TIMESTAMP")) and _are_dates(values):
            return sql_column(name, pa.timestamp("us"), "moment")
        return sql_column(name, kind if len(values) else _affinity(declared))

    def _declarations(self, relation: Relation) -> dict[str, str]:
        """What the columns were declared as, as far as they are columns of a table."""
        try:
            self.command(f"DROP VIEW IF EXISTS temp.{_VIEW}")
            self.command(f"CREATE TEMP VIEW {_VIEW} AS {relation.select(['q.*'])}")
            found = {row[1]: row[2] for row in self.rows(f"PRAGMA table_xinfo({_VIEW})")}
            self.command(f"DROP VIEW temp.{_VIEW}")
        except (QueryError, SourcePermissionError):
            return {}  # views are not allowed here: values alone tell
        return found

    def places(self, relation: Relation, names: Sequence[str]) -> list[str]:
        """The numbers of the rows of a table, or its key where it has none."""
        if not relation.table:
            return []
        name = self.dialect.literal(relation.table[-1])
        found = self.rows(f"SELECT DISTINCT wr FROM pragma_table_list({name}) WHERE type = 'table'")
        if found == [(1,)]:
            key = f"SELECT name FROM pragma_table_xinfo({name}) WHERE pk > 0 ORDER BY pk"
            return [relation.column(row[0]) for row in self.rows(key)]
        used = {known.lower() for known in names}  # a column of that name hides the number
        free = [alias for alias in ("rowid", "_rowid_", "oid") if alias not in used]
        return [f"q.{free[0]}"] if found == [(0,)] and free else []


def _are_dates(values: pa.Array) -> bool:
    """Whether all of the values, if there are any, are text that is a date or a time."""
    if len(values) and not is_text(values.type):
        return False
    try:
        values.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return False
    return True


def _affinity(declared: str) -> pa.DataType:
    """The type of a column without a value, by SQLite's rules for its declaration."""
    if "INT" in declared:
        return pa.int64()
    if any(word in declared for word in ("CHAR", "CLOB", "TEXT")):
        return pa.string()
    return pa.float64()
