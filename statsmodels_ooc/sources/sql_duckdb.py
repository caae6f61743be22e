"""DuckDB: rows come as Arrow batches, in the order in which a table was filled."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

import pyarrow as pa

from statsmodels_ooc.errors import MissingExtraError, SourceNotFoundError
from statsmodels_ooc.sources.sql_dialects import Dialect, Relation
from statsmodels_ooc.sources.sql_errors import Place
from statsmodels_ooc.sources.sql_sessions import Batches, Session
from statsmodels_ooc.sources.sql_values import SqlColumn, sql_column

_CACHE = "256MB"  # of the pages of a file; of its own accord DuckDB keeps all it has read
_BATCH = 8_192  # rows, four of DuckDB's vectors
_BEYOND = ("UHUGEINT", "BIGNUM", "VARINT")  # integers that Arrow's decimals have no room for


def open_duckdb(path: str) -> Any:
    """A connection to a file, which other programs may read as well.

    Raises
    ------
    SourceNotFoundError
        There is none.
    """
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError(
            f"{path} is read by duckdb, which is not installed", hint="pip install duckdb"
        ) from None
    if not os.path.exists(path):
        raise SourceNotFoundError(f"there is no database {path}")
    own = {"memory_limit": _CACHE, "temp_directory": tempfile.gettempdir()}
    ways: list[dict[str, Any]] = [{"read_only": True, "config": own}, {"read_only": True}, {}]
    for way in ways[:-1]:
        with suppress(duckdb.ConnectionException):  # this process has it open in another way
            return duckdb.connect(path, **way)
    return duckdb.connect(path, **ways[-1])


def duckdb_file(connection: Any) -> str | None:
    """The file of a connection's database; None for one in memory."""
    cursor = connection.cursor()
    try:
        query = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
        found = cursor.execute(query).fetchone()
    finally:
        cursor.close()
    return found[0] if found and found[0] else None


def is_in_transaction(connection: Any) -> bool:
    """Whether a connection may see rows that it has not committed."""
    query = "SELECT txid_current()"
    return bool(connection.execute(query).fetchall() == connection.execute(query).fetchall())


class DuckdbSession(Session):
    """A connection of duckdb."""

    def __init__(self, connection: Any, place: Place) -> None:
        super().__init__(connection, place, Dialect("duckdb"))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        answer = self.place.ask("query", self.connection.execute, statement)
        found: list[tuple[Any, ...]] = self.place.ask("fetch", answer.fetchall)
        return found

    def command(self, statement: str) -> None:
        self.place.ask("query", self.connection.execute, statement)

    def transact(self) -> None:
        self.command("BEGIN")

    def batches(self, statement: str, names: Sequence[str]) -> Batches:
        reader = self.place.ask("query", self._reader, statement)
        try:
            while (batch := self.place.ask("fetch", next, reader, None)) is not None:
                yield batch
        finally:
            self.place.close(reader.close)

    def _reader(self, statement: str) -> Any:
        return self.connection.sql(statement).to_arrow_reader(_BATCH)

    def names(self, relation: Relation) -> list[str]:
        return self.place.ask("query", self._described, relation.nothing)[0]

    def _described(self, statement: str) -> tuple[list[str], list[str]]:
        relation = self.connection.sql(statement)
        return list(relation.columns), [str(kind) for kind in relation.types]

    def columns(self, relation: Relation, names: Sequence[str]) -> dict[str, SqlColumn]:
        wanted = relation.select([relation.column(name) for name in names], "1 = 0")
        _, kinds = self.place.ask("query", self._described, wanted)
        with closing(self.place.ask("query", self._reader, wanted)) as reader:
            types = reader.schema.types
        return {
            name: sql_column(name, pa.string(), "number", "VARCHAR")
            if kind in _BEYOND
            else sql_column(name, told)
            for name, kind, told in zip(names, kinds, types, strict=True)
        }

    def places(self, relation: Relation, names: Sequence[str]) -> list[str]:
        if not self._is_stored(relation) or "rowid" in map(str.lower, names):
            return []
        return ["q.rowid"]

    def _is_stored(self, relation: Relation) -> bool:
        """Whether it is a table, rather than a view or a query."""
        if not relation.table:
            return False
        name = self.dialect.literal(relation.table[-1])
        views = f"SELECT 1 FROM duckdb_views() WHERE lower(view_name) = lower({name})"
        tables = f"SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = lower({name})"
        return bool(self.rows(tables)) and not self.rows(views)

    def is_ordered(self, relation: Relation) -> bool:
        kept = "SELECT current_setting('preserve_insertion_order')"
        return self._is_stored(relation) and bool(self.rows(kept)[0][0])
