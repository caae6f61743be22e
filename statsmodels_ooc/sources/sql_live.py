"""Connections that are open already: whether others of their database see the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pandas as pd

from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.columns import ListedSource
from statsmodels_ooc.sources.ipc import IpcSource
from statsmodels_ooc.sources.spooling import spool
from statsmodels_ooc.sources.sql_connections import open_session, session_of
from statsmodels_ooc.sources.sql_dialects import Relation
from statsmodels_ooc.sources.sql_duckdb import is_in_transaction
from statsmodels_ooc.sources.sql_errors import Place
from statsmodels_ooc.sources.sql_openers import File, Opener, root_of
from statsmodels_ooc.sources.sql_sessions import Session
from statsmodels_ooc.sources.sql_source import statement
from statsmodels_ooc.sources.sql_sqlite import SqliteSession, files_of, sqlite_rows
from statsmodels_ooc.sources.sql_values import sql_chunks

_ROWS = 131_072  # of a frame


def sqlite_opener(connection: Any) -> Opener | None:
    """The file of a connection of sqlite3, where others see what this one sees.

    None for a database in memory, with others attached, with temporary tables, with rows
    that are not committed, or with text that is decoded in another way.
    """
    files = files_of(connection)
    temporary = sqlite_rows(connection, "SELECT count(*) FROM temp.sqlite_master")
    if len(files) != 1 or not files[0] or temporary != [(0,)] or connection.in_transaction:
        return None
    if connection.text_factory is not str:
        return None
    return File(files[0], "sqlite")


def live_session(connection: Any) -> Session:
    """What reads through a connection that somebody else opened, and closes."""
    if root_of(connection) == "sqlite3":
        return SqliteSession(connection, Place("a SQLite database"))
    return session_of(connection, Place(f"a database of {type(connection).__module__}"))


# What tells that a further connection would read other rows, or other values: schemas among which
# names are looked up, who looks, what is not committed or temporary, and settings of the session.
_HARMLESS = (  # settings that tell how, not what
    "_timeout$|_mem$|_cost$|_limit$|_buffers$|^(default_)?transaction_|"
    "^(client|commit|debug|enable|geqo|jit|log|maintenance|max_parallel|min_parallel|track|trace)_|"
    "^(application_name|geqo|jit|synchronous_commit)$|^(vacuum|wal)_"
)
_SEES: dict[str, tuple[str, ...]] = {
    "postgresql": (
        "SELECT current_schemas(true)::text, current_user::text, txid_current_if_assigned()::text",
        "SELECT name, setting FROM pg_catalog.pg_settings WHERE context IN ('user', 'superuser') "
        f"AND name !~ '{_HARMLESS}' ORDER BY name",
    ),
    "duckdb": (
        "SELECT current_database(), current_schema(), "
        "(SELECT count(*) FROM duckdb_tables() WHERE temporary), "
        "(SELECT count(*) FROM duckdb_views() WHERE temporary AND NOT internal), "
        "(SELECT count(*) FROM duckdb_sequences() WHERE temporary), "
        "(SELECT count(*) FROM duckdb_functions() WHERE database_name = 'temp' AND NOT internal), "
        "(SELECT count(*) FROM duckdb_types() WHERE database_name = 'temp' AND NOT internal)",
        "SELECT name, value FROM duckdb_settings() WHERE NOT regexp_matches(name, "
        "'profil|progress|log|explain|errors_as_json') ORDER BY name",
        "SELECT name, value, type FROM duckdb_variables() ORDER BY name",
    ),
    "sqlite": (  # a function that a user made is none of SQLite's own, also where it hides one
        "SELECT * FROM pragma_function_list ORDER BY 1, 2, 3, 4, 5, 6",
        "SELECT name FROM pragma_collation_list ORDER BY name",
        "SELECT 'a' LIKE 'A', 'a' = 'A' COLLATE NOCASE, 'a' = 'b' COLLATE NOCASE, "
        "'\u00e4' = '\u00c4' COLLATE NOCASE, 'a' = 'a ' COLLATE RTRIM",
    ),
}
_TELL_ROWS = ("duckdb", "postgresql")  # where questions tell of rows that are not committed


def sees_the_same(connection: Any, opener: Opener) -> bool:
    """Whether a further connection sees what a live one sees, as far as that can be asked."""
    live = live_session(connection)
    name, began = live.dialect.name, _has_begun(connection)
    if name == "duckdb" and live.place.ask("query", is_in_transaction, connection):
        return False
    if began and name not in _TELL_ROWS:
        return False
    queries = _SEES.get(name, ())
    try:
        here = [live.rows(query) for query in queries]
    finally:
        if began is False and queries and hasattr(connection, "rollback"):
            connection.rollback()  # of the transaction that asking has begun
    if not queries:
        return True
    with closing(open_session(opener)) as session:
        return here == [session.rows(query) for query in queries]


def _has_begun(connection: Any) -> bool | None:
    """Whether a transaction is open; None where the driver does not tell."""
    if hasattr(connection, "in_transaction"):  # SQLAlchemy, sqlite3
        found = connection.in_transaction
        return bool(found() if callable(found) else found)
    status = getattr(getattr(connection, "info", None), "transaction_status", None)
    return None if status is None else int(status) != 0


class CopiedSource(ListedSource):
    """The rows of a query that only one connection could read, in a temporary file."""

    def __init__(self, copy: IpcSource, name: str, unordered: str | None) -> None:
        super().__init__(name, copy.dtypes, copy.partitions)
        self._copy, self._unordered = copy, unordered

    is_recipe = False  # a temporary copy goes with this process

    @property
    def unordered(self) -> str | None:
        return self._unordered

    def levels(self, column: str) -> Levels | None:
        return self._copy.levels(column)


def copied(
    session: Session,
    name: str,
    relation: Relation,
    names: Sequence[str],
    order: Sequence[str],
    why: str | None,
) -> CopiedSource:
    """Read a query once, in this thread, into a temporary file; `why` it has no order."""
    return CopiedSource(spool(_frames(session, name, relation, names, order), name), name, why)


def _frames(
    session: Session, name: str, relation: Relation, names: Sequence[str], order: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """The rows, and first a frame without any, which has the columns."""
    columns = list(session.columns(relation, names).values())
    yield pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in columns})
    with closing(session.batches(statement(relation, columns, "", order), names)) as batches:
        for chunk in sql_chunks(batches, columns, _ROWS, (), name):
            yield chunk.frame
