"""Open connections, each read in the way of its driver."""

from __future__ import annotations

from typing import Any

from statsmodels_ooc.sources.sql_adbc import AdbcSession, adbc_sqlite_file, vendor_of
from statsmodels_ooc.sources.sql_dialects import Dialect
from statsmodels_ooc.sources.sql_duckdb import DuckdbSession
from statsmodels_ooc.sources.sql_errors import Place
from statsmodels_ooc.sources.sql_openers import Opener, root_of
from statsmodels_ooc.sources.sql_sessions import (
    AlchemySession,
    DbapiSession,
    PsycopgSession,
    Session,
)
from statsmodels_ooc.sources.sql_sqlite import SqliteSession, open_sqlite
from statsmodels_ooc.sources.sql_threads import OwnThread


def open_session(opener: Opener, like: Session | None = None) -> Session:
    """Open a connection; whoever asks for it closes it.

    Parameters
    ----------
    opener : Opener
        What opens it.
    like : Session, optional
        An open one, of which a further one may be made faster.

    Raises
    ------
    OutOfCoreError
        There is none: no driver, no server, no right, no such file.
    TypeError
        A function gives something else than a connection.
    """
    place = Place(opener.name, opener.secrets, opener.hint or Place.hint)
    thread = OwnThread() if opener.own_thread else None
    try:
        asked = place if thread is None else place.within(thread)
        clone = None if like is None or opener.own_thread else like.clone
        connection = asked.ask("connect", opener if clone is None else clone)
        try:
            session = session_of(connection, asked)
        except BaseException:
            asked.close(lambda: connection.close())
            raise
    except BaseException:
        if thread is not None:
            thread.end()
        raise
    return session


def session_of(connection: Any, place: Place) -> Session:
    """What reads through an open connection.

    Raises
    ------
    TypeError
        It is none.
    """
    match root_of(connection):
        case "sqlite3":
            return SqliteSession(connection, place)
        case "duckdb" | "_duckdb":
            return DuckdbSession(connection, place)
        case "adbc_driver_manager":
            return _adbc_session(connection, place)
        case "psycopg" | "psycopg2":
            return PsycopgSession(connection, place, Dialect("postgresql"))
        case "sqlalchemy" if hasattr(connection, "driver_connection"):
            session = session_of(connection.driver_connection, place)
            session.pooled = connection
            return session
        case "sqlalchemy":
            return AlchemySession(connection, place, Dialect(connection.dialect.name))
    if not (callable(getattr(connection, "cursor", None)) and hasattr(connection, "close")):
        raise TypeError(f"{place.name} is a {type(connection).__name__}, not a connection")
    return DbapiSession(connection, place, Dialect(_DIALECTS.get(root_of(connection), "ansi")))


_DIALECTS = {"MySQLdb": "mysql", "mysql": "mysql", "pymysql": "mysql", "pymssql": "mssql"}


def _adbc_session(connection: Any, place: Place) -> Session:
    vendor = place.ask("query", vendor_of, connection)
    if vendor != "sqlite":
        return AdbcSession(connection, place, vendor)
    path = place.ask("query", adbc_sqlite_file, connection)
    place.close(connection.close)
    own = place.ask("connect", open_sqlite, path)
    return SqliteSession(own, place)
