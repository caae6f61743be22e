"""Tables and queries of databases."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from statsmodels_ooc.errors import OptionError, OutOfCoreError, SourceError
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.columns import check_unique, select
from statsmodels_ooc.sources.sql_dialects import Relation
from statsmodels_ooc.sources.sql_errors import Place
from statsmodels_ooc.sources.sql_keys import KeyRange, check_partitions, key_ranges
from statsmodels_ooc.sources.sql_live import copied, live_session, sees_the_same, sqlite_opener
from statsmodels_ooc.sources.sql_openers import File, Function, Opener, opener_of, root_of
from statsmodels_ooc.sources.sql_queries import check_query, written
from statsmodels_ooc.sources.sql_secrets import scrubbed
from statsmodels_ooc.sources.sql_sessions import Session
from statsmodels_ooc.sources.sql_snapshots import NOW, exported
from statsmodels_ooc.sources.sql_source import SqlSource, Table
from statsmodels_ooc.sources.sql_versions import version_of, with_digests

_SHOWN = 60  # letters of a query in messages


def read_sql(
    query: Any,
    connection: Any,
    *,
    partition_on: str | None = None,
    order_by: str | Sequence[str] | None = None,
    partitions: int | None = None,
    snapshot: bool = True,
) -> Source:
    """Open a table or a query of a database.

    Parameters
    ----------
    query : str or sqlalchemy selectable
        A query, or the name of a table or a view, ``"schema.table"`` where it has a
        schema. Of what SQLAlchemy builds (``select(...)``, ``text(...).bindparams(...)``, a
        Table) values are written into the query.
    connection : str, path, function or connection
        A URL, such as ``"postgresql://user@host/database"``, or an Engine of SQLAlchemy; the
        path of a SQLite or DuckDB file; a function without arguments that returns a fresh
        connection at every call; or a connection of sqlite3, duckdb, psycopg, SQLAlchemy or
        ADBC, from which further ones are made.
    partition_on : str, optional
        A column, best one with an index. Rows are cut into ranges of its values, which are
        read in parallel; rows without a value are a partition of their own.
    order_by : str or sequence of str, optional
        Columns that order the rows, behind `partition_on` if there is one.
    partitions : int, optional
        How many ranges. By default one for every 500,000 rows, at most 16.
    snapshot : bool
        Whether all passes read the same moment of a PostgreSQL database, for which a
        connection stays open in a transaction as long as the source lives.

    Returns
    -------
    Source
        Only the columns that a model needs are asked for, a few thousand rows at a time.

    Raises
    ------
    QueryError
        The database does not understand the query.
    SourceNotFoundError
        There is no such table, schema, database or file.
    SourcePermissionError
        The password is wrong, or the user may not read the table.
    SourceInterruptedError
        The server cannot be reached, or went away.
    MissingExtraError
        The driver is not installed.
    TypeError
        `connection` is none.

    Notes
    -----
    PostgreSQL is read by ADBC where ``adbc-driver-postgresql`` is installed, DuckDB by its
    Arrow reader, SQLite by Python's sqlite3, whose values keep their types; everything
    else by SQLAlchemy, with a cursor on the server.

    Rows have the order of `partition_on` and `order_by`, and where these are the same, in a
    table of PostgreSQL, SQLite or DuckDB the order in which they are stored. Without both, a
    table of SQLite is read in the order of its row numbers and one of DuckDB in that in which
    it was filled; of other rows `unordered` says that their order means nothing.

    Numbers of any precision are numbers, missing is missing, and dates without an end
    ("infinity") are refused. SQLite has no types of truth values and dates: columns that
    are declared as BOOLEAN, DATE, DATETIME or TIMESTAMP have them.

    Passwords appear in no message, and no saved result holds one; PostgreSQL's drivers
    find them in ``PGPASSWORD`` and ``~/.pgpass``.

    Examples
    --------
    >>> import sqlite3, tempfile
    >>> import statsmodels_ooc.api as smo
    >>> import statsmodels_ooc.formula.api as smof
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = folder.name + "/visits.sqlite"
    >>> with sqlite3.connect(path) as connection:
    ...     _ = connection.execute("create table visits (day integer, cost real, ward text)")
    ...     rows = [(day, day % 7 + day / 8, "ab"[day % 2]) for day in range(100)]
    ...     _ = connection.executemany("insert into visits values (?, ?, ?)", rows)
    >>> connection.close()
    >>> source = smo.read_sql("visits", path, partition_on="day", partitions=2)
    >>> [partition.label for partition in source.partitions]
    ['visits in ...visits.sqlite, day to below 50',
     'visits in ...visits.sqlite, day from 50',
     'visits in ...visits.sqlite, day missing']
    >>> smof.ols("cost ~ day + ward", data=source).fit().params.round(2).to_dict()
    {'Intercept': 2.85, 'ward[T.b]': 0.02, 'day': 0.13}
    >>> folder.cleanup()
    """
    keys = _names(order_by)
    if partition_on is not None and not isinstance(partition_on, str):
        raise OptionError(
            f"partition_on is {partition_on!r}, the name of one column is needed",
            hint="further columns go into order_by",
        )
    check_partitions(partitions, partition_on)
    check_query(query)
    how = _How(partial(written, query, connection), partition_on, keys, partitions, snapshot)
    opener, live = _opened(connection)
    if opener is not None:
        try:
            if live is None or sees_the_same(live, opener):
                return how.source(opener)
        except (SourceError, ImportError) as error:
            if live is None or not how.works_on(live):
                raise error from None
    return how.copy(live_session(live))


def _names(order_by: str | Sequence[str] | None) -> list[str]:
    names = [order_by] if isinstance(order_by, str) else list(order_by or ())
    if not all(isinstance(name, str) for name in names):
        raise OptionError(f"order_by is {order_by!r}, names of columns are needed")
    return names


def _opened(connection: Any) -> tuple[Opener | None, Any]:
    """What opens further connections, and the live one, if it is one."""
    given = Place("the connection")
    if root_of(connection) == "sqlite3" and hasattr(connection, "cursor"):
        return given.ask("query", sqlite_opener, connection), connection
    opener = given.ask("query", opener_of, connection)
    root, kind = root_of(connection), type(connection).__name__
    if root == "sqlalchemy" and kind == "Engine":
        if connection.url.get_backend_name() != "sqlite" or _has_file(connection.url):
            return opener, None
        return None, connection.raw_connection()
    is_recipe = isinstance(connection, str) or isinstance(opener, File | Function) or kind == "URL"
    return opener, None if is_recipe or hasattr(connection, "__fspath__") else connection


def _has_file(url: Any) -> bool:
    """Whether a URL of SQLite is that of a file, rather than of a thread's memory."""
    return url.database not in (None, "", ":memory:") and "mode=memory" not in str(url)


class _How:
    """A query, and the order and the partitions that are wanted of it."""

    def __init__(
        self,
        written: Callable[[Session], str],
        key: str | None,
        keys: list[str],
        partitions: int | None,
        snapshot: bool,
    ) -> None:
        self.written, self.key, self.keys = written, key, keys
        self.partitions, self.snapshot = partitions, snapshot

    def source(self, opener: Opener) -> SqlSource:
        """A source that opens connections of its own."""
        moment = exported(opener) if self.snapshot else NOW
        with moment.session(opener) as session:
            text = self.written(session)
            name, relation = _name(text, opener.name), Relation.of(text, session.dialect)
            names = self._checked(session, name, relation)
            order, why = self._ordered(session, name, relation, names)
            ranges = [KeyRange()]
            if self.key is not None:
                ranges = key_ranges(session, relation, self.key, self.partitions)
            version = None
            if len(ranges) > 1:
                ranges = with_digests(session, relation, ranges, names)
                version = version_of(opener, session)
            is_fast = session.dialect.name == "duckdb" and why is None and not order
        table = Table(name, opener, relation, moment, tuple(order), version)
        return SqlSource(table, names, ranges, why, slow=not is_fast)

    def copy(self, session: Session) -> Source:
        """The rows, read once by a connection that is open."""
        text = self.written(session)
        name, relation = _name(text, session.place.name), Relation.of(text, session.dialect)
        names = self._checked(session, name, relation)
        order, why = self._ordered(session, name, relation, names)
        return copied(session, name, relation, names, order, why)

    def works_on(self, live: Any) -> bool:
        """Whether a connection that is open can read what others of its kind cannot."""
        try:
            session = live_session(live)
            session.names(Relation.of(self.written(session), session.dialect))
        except (OutOfCoreError, TypeError):
            return False
        return True

    def _checked(self, session: Session, name: str, relation: Relation) -> list[str]:
        """The columns, among which are those that order the rows."""
        names = session.names(relation)
        check_unique(names, name)
        select(dict.fromkeys(names), self._wanted, name)
        return names

    @property
    def _wanted(self) -> list[str]:
        """The columns that order the rows."""
        return list(dict.fromkeys([*([] if self.key is None else [self.key]), *self.keys]))

    def _ordered(
        self, session: Session, name: str, relation: Relation, names: list[str]
    ) -> tuple[list[str], str | None]:
        """What rows are ordered by, and why that means nothing, if it does."""
        wanted = [relation.column(column) for column in self._wanted]
        if not wanted and session.is_ordered(relation):
            return [], None
        places = session.places(relation, names)
        if not wanted and session.dialect.name != "sqlite":
            places = []  # where a server happens to have put its rows
        if not wanted and not places:
            return [], f"rows of {name} have no order; name columns with order_by="
        if not places and not self.keys:
            why = f"rows of {name} that have the same {self.key!r} have no order"
            return wanted, f"{why}; name more columns with order_by="
        return [*wanted, *places], None


def _name(text: str, database: str) -> str:
    """A query in a database, for messages."""
    shown = re.sub(r"\s+", " ", scrubbed(text)).strip()
    shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"
    return f"{shown} in {database}"
