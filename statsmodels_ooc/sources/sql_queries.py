"""Queries that SQLAlchemy builds, as text with their values in it."""

from __future__ import annotations

from typing import Any

from statsmodels_ooc.errors import OptionError, OutOfCoreError
from statsmodels_ooc.sources.sql_secrets import scrubbed
from statsmodels_ooc.sources.sql_sessions import Session

_ESCAPING = ("mariadb", "mysql", "postgresql")  # where a setting tells what a backslash means


def check_query(query: Any) -> None:
    """Refuse what is neither text nor built by SQLAlchemy.

    Raises
    ------
    TypeError
        It is.
    """
    if (isinstance(query, str) and query.strip()) or hasattr(query, "compile"):
        return
    raise TypeError(
        f"the query is a {type(query).__name__}\nHint: smo.read_sql(query, connection): a "
        "query, or the name of a table, comes first"
    )


def written(query: Any, connection: Any, session: Session) -> str:
    """A query as the text that a driver takes without parameters.

    Parameters
    ----------
    query : str or sqlalchemy selectable
        Text stays as it is.
    connection : object
        What the user gave, whose dialect is taken where it is SQLAlchemy's.
    session : Session
        An open connection of the database.

    Raises
    ------
    OptionError
        A value cannot be written.

    Notes
    -----
    Where the parameters of a driver begin with a percent sign, its dialect writes two of them
    for one in the query, and the driver makes one of them again. Here nothing would: there are
    no parameters. A dialect of the same class writes names of parameters with a colon.
    """
    if isinstance(query, str):
        return query
    if type(query).__name__ == "Table":
        query = query.select()
    try:
        dialect = _dialect(connection, session)
        text = _text(query, dialect)
        escaped = _text(_literal("\\"), dialect) if "\\" in text else ""
    except (OutOfCoreError, MemoryError):
        raise
    except Exception as error:  # SQLAlchemy's, whatever it is
        raise OptionError(
            f"the query cannot be written with its values in it: {scrubbed(str(error))}"
        ) from None
    if escaped and session.dialect.name in _ESCAPING:
        _check_backslash(escaped, session)
    return text


def _text(query: Any, dialect: Any) -> str:
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _literal(value: str) -> Any:
    import sqlalchemy

    return sqlalchemy.literal(value)


def _dialect(connection: Any, session: Session) -> Any:
    """A dialect of the database whose parameters have no percent sign."""
    for known in (connection, session.connection):
        if hasattr(known, "dialect"):
            kind = type(known.dialect)
            break
    else:
        kind = _named(session.dialect.name)
    dialect = kind(paramstyle="named")
    if hasattr(session.connection, "exec_driver_sql"):  # how its server wants backslashes
        session.place.ask("query", dialect.initialize, session.connection)
    return dialect


def _named(name: str) -> Any:
    """SQLAlchemy's dialect of a database; one of standard SQL where it has none."""
    import sqlalchemy

    try:
        return sqlalchemy.make_url(f"{name}://").get_dialect()
    except sqlalchemy.exc.NoSuchModuleError:
        from sqlalchemy.engine.default import DefaultDialect

        return DefaultDialect


def _check_backslash(escaped: str, session: Session) -> None:
    """Refuse a query with a backslash where the server would read it as something else."""
    if session.rows(f"SELECT {escaped}") != [("\\",)]:
        raise OptionError(
            "the query has a backslash, of which the server's settings make something else",
            hint="give the query as text",
        )
