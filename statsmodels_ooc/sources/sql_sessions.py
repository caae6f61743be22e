"""An open connection to a database: what every driver's can do for a source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from functools import partial
from importlib import import_module
from typing import Any

import pyarrow as pa

from statsmodels_ooc.errors import OptionError, OutOfCoreError, QueryError, SourceChangedError
from statsmodels_ooc.sources.sql_dialects import Dialect, Relation
from statsmodels_ooc.sources.sql_errors import Place
from statsmodels_ooc.sources.sql_values import SqlColumn, batch_of, sql_column

Batches = Generator[pa.RecordBatch, None, None]
FETCHED = 2_048  # rows that Python's drivers give at a time: more only leave the cache


_PLACES = """
SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass({}) AND relkind IN ('r', 'm', 'p')
"""


class Session(ABC):
    """An open connection; whoever opens one closes it.

    Attributes
    ----------
    connection : object
        The driver's.
    place : Place
        What is asked.
    dialect : Dialect
        How the database writes names and values.
    pooled : object or None
        What gives the connection back to the pool of SQLAlchemy from which it is.
    """

    def __init__(self, connection: Any, place: Place, dialect: Dialect) -> None:
        self.connection, self.place, self.dialect = connection, place, dialect
        self.pooled: Any = None

    @property
    def clone(self) -> Callable[[], Any] | None:
        """What makes a further connection faster than the first; None for most drivers."""
        return None

    @abstractmethod
    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """A small answer."""

    @abstractmethod
    def batches(self, statement: str, names: Sequence[str]) -> Batches:
        """The rows of a statement, a few thousand at a time."""

    @abstractmethod
    def names(self, relation: Relation) -> list[str]:
        """The columns of a relation."""

    @abstractmethod
    def columns(self, relation: Relation, names: Sequence[str]) -> dict[str, SqlColumn]:
        """What is known of some columns."""

    def begin(self, snapshot: str | None, ordered: bool) -> None:
        """Begin to read, in PostgreSQL in a snapshot where there is one.

        Raises
        ------
        SourceChangedError
            The snapshot is gone.
        """
        if self.dialect.name != "postgresql":
            return
        self.transact()
        self.command("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if snapshot is not None:
            try:
                self.command(f"SET TRANSACTION SNAPSHOT {self.dialect.literal(snapshot)}")
            except QueryError as error:
                raise SourceChangedError(
                    f"{self.place.name}: the snapshot in which all passes read is gone, and rows "
                    f"may have changed since: {error}",
                    hint="open the source again; the server ends idle transactions after "
                    "idle_in_transaction_session_timeout, when it restarts, and on pooled "
                    "connections",
                ) from None
        if not ordered:  # the same plan gives the same order: one process, from the beginning
            self.command("SET LOCAL synchronize_seqscans = off")
            self.command("SET LOCAL max_parallel_workers_per_gather = 0")

    def transact(self) -> None:
        """Begin a transaction, where the driver does not do so by itself."""
        return

    def places(self, relation: Relation, names: Sequence[str]) -> list[str]:
        """Expressions that give each row of a table a place of its own; none of a query.

        Where the rows of a table of PostgreSQL are stored, a snapshot holds.
        """
        if self.dialect.name != "postgresql" or not relation.table:
            return []
        is_stored = self.rows(_PLACES.format(self.dialect.literal(relation.text)))
        return ["q.tableoid", "q.ctid"] if is_stored else []

    def is_ordered(self, relation: Relation) -> bool:
        """Whether rows come in an order that the database promises without being asked."""
        return False

    @abstractmethod
    def command(self, statement: str) -> None:
        """Run a statement that has no rows."""

    def close(self) -> None:
        """Close the connection, also where it is lost."""
        self.place.close(self.connection.close if self.pooled is None else self._give_back)
        if self.place.thread is not None:
            self.place.thread.end()

    def _give_back(self) -> None:
        """Give the connection back to its pool, which logs an error if it is lost by then."""
        try:
            self.connection.rollback()
        except Exception:  # the driver's: the server has ended it
            self.pooled.invalidate()
        self.pooled.close()


class RowSession(Session):
    """A connection whose driver gives Python's values, row by row."""

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        cursor = self.execute(statement, streamed=False)
        try:
            found = self.place.ask("fetch", cursor.fetchall)
            _check_rows(found, self.place)
            return [tuple(row) for row in found]
        finally:
            self._done(cursor)

    def batches(self, statement: str, names: Sequence[str]) -> Batches:
        cursor = self.execute(statement, streamed=True)
        try:
            while rows := self.place.ask("fetch", cursor.fetchmany, FETCHED):
                _check_rows(rows, self.place)
                yield batch_of(rows, names, self.place.name)
        finally:
            self._done(cursor)

    def _done(self, cursor: Any) -> None:
        self.place.close(cursor.close)

    def names(self, relation: Relation) -> list[str]:
        cursor = self.execute(relation.nothing, streamed=False)
        try:
            return self.described(cursor)
        finally:
            self._done(cursor)

    def described(self, cursor: Any) -> list[str]:
        """The columns of an answer."""
        return [str(told[0]) for told in cursor.description or ()]

    def columns(self, relation: Relation, names: Sequence[str]) -> dict[str, SqlColumn]:
        """What the first values tell; of columns without a value there, the first that has one."""
        first = self._first(relation, names, "")
        for name in names:
            if first[name].null_count == len(first[name]):
                first |= self._first(relation, [name], f"{relation.column(name)} IS NOT NULL")
        return {name: self.told(name, first[name]) for name in names}

    def _first(self, relation: Relation, names: Sequence[str], where: str) -> dict[str, pa.Array]:
        statement = relation.select([relation.column(name) for name in names], where)
        with closing(self.batches(statement, names)) as batches:
            batch = next(batches, None)
        arrays = [pa.nulls(0) for _ in names] if batch is None else batch.columns
        return dict(zip(names, arrays, strict=bool(names)))

    def told(self, name: str, first: pa.Array) -> SqlColumn:
        """A column whose first values are these; none where it has no value at all."""
        return sql_column(name, first.type)

    def command(self, statement: str) -> None:
        self._done(self.execute(statement, streamed=False))

    @abstractmethod
    def execute(self, statement: str, streamed: bool) -> Any:
        """A cursor over the rows of a statement, which stay with the server if `streamed`."""


def _check_rows(rows: Sequence[Any], place: Place) -> None:
    """Refuse rows that are no sequences: what they give one by one are names, not values."""
    if rows and isinstance(rows[0], Mapping):
        raise OptionError(
            f"rows of {place.name} come as {type(rows[0]).__name__}, names with their values, of "
            "which columns of the same name would be lost",
            hint="return a connection whose cursors give tuples, without a DictCursor",
        )


class DbapiSession(RowSession):
    """A connection of any driver that keeps to Python's DB-API (PEP 249)."""

    def execute(self, statement: str, streamed: bool) -> Any:
        return self._executed(self.place.ask("query", self.cursor), statement)

    def cursor(self) -> Any:
        """A cursor whose rows are tuples, as far as its driver can be asked for them."""
        return self.connection.cursor()

    def _executed(self, cursor: Any, statement: str) -> Any:
        """The cursor over the rows of a statement; closed, where that fails."""
        try:
            self.place.ask("query", cursor.execute, statement)
        except (OutOfCoreError, MemoryError):
            self._done(cursor)
            raise
        return cursor


class PsycopgSession(DbapiSession):
    """A connection of psycopg, version 2 or 3: rows stay with the server."""

    _autocommits = False

    def transact(self) -> None:
        if self.connection.autocommit:
            self.place.ask("query", setattr, self.connection, "autocommit", False)
            self._autocommits = True

    def close(self) -> None:
        if self._autocommits and self.pooled is not None:  # the pool gives it to others
            self.place.close(self.connection.rollback)
            self.place.close(partial(setattr, self.connection, "autocommit", True))
        super().close()

    def execute(self, statement: str, streamed: bool) -> Any:
        if not streamed:
            return super().execute(statement, streamed)
        return self._executed(self.place.ask("query", self._server_cursor), statement)

    def cursor(self) -> Any:
        return self.connection.cursor(**self._as_tuples)

    def _server_cursor(self) -> Any:
        held = bool(self.connection.autocommit)  # beyond its transaction, which is its statement
        return self.connection.cursor("smo_rows", withhold=held, **self._as_tuples)

    @property
    def _as_tuples(self) -> dict[str, Any]:
        """What makes rows tuples, whatever the user wants of a connection."""
        if hasattr(self.connection, "row_factory"):  # version 3
            return {"row_factory": import_module("psycopg.rows").tuple_row}
        return {"cursor_factory": import_module("psycopg2.extensions").cursor}


class AlchemySession(RowSession):
    """A connection of SQLAlchemy: rows stay with the server where its driver can."""

    def execute(self, statement: str, streamed: bool) -> Any:
        options: dict[str, Any] = {"no_parameters": True}
        if streamed:
            options |= {"stream_results": True, "max_row_buffer": FETCHED}
        return self.place.ask("query", self._result, statement, options)

    def close(self) -> None:
        self.place.close(self.connection.rollback)  # of one that is lost, before its pool logs it
        super().close()

    def _result(self, statement: str, options: dict[str, Any]) -> Any:
        return self.connection.exec_driver_sql(statement, execution_options=options)

    def described(self, cursor: Any) -> list[str]:
        return [str(name) for name in cursor.keys()]  # noqa: SIM118
