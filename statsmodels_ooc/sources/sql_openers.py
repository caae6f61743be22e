"""What a user gives as a connection, as a recipe that opens further ones."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from statsmodels_ooc.errors import (
    MissingExtraError,
    OptionError,
    SourceError,
    SourceNotFoundError,
)
from statsmodels_ooc.sources.sql_adbc import adbc_sqlite_file, vendor_of
from statsmodels_ooc.sources.sql_duckdb import duckdb_file, open_duckdb
from statsmodels_ooc.sources.sql_errors import Place
from statsmodels_ooc.sources.sql_secrets import Address, Kept, scrubbed
from statsmodels_ooc.sources.sql_sqlite import open_sqlite

_LOST = (
    "the password does not come along with what is saved: set PGPASSWORD or ~/.pgpass, or read "
    "the table again with smo.read_sql"
)


@dataclass(frozen=True)
class Opener:
    """What opens a connection, and how its pickles keep its secrets; a base class."""

    @property
    def name(self) -> str:
        """The database, for messages."""
        raise NotImplementedError

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may hold."""
        return ()

    @property
    def travels(self) -> bool:
        """Whether other processes can open it."""
        return True

    @property
    def is_far(self) -> bool:
        """Whether reading waits for a server."""
        return True

    @property
    def own_thread(self) -> bool:
        """Whether a connection may belong to the thread that opened it."""
        return False

    @property
    def hint(self) -> str | None:
        """What to do where the database does not let anybody in, if it is special."""
        return None

    def __call__(self) -> Any:
        """Open a connection."""
        raise NotImplementedError

    def sealed(self) -> Opener:
        """The same, whose pickles hold no password."""
        return self

    def travelling(self) -> Opener:
        """The same, whose pickles are complete."""
        return self


@dataclass(frozen=True)
class File(Opener):
    """A file of SQLite or DuckDB."""

    path: str
    kind: str

    is_far = False

    @property
    def name(self) -> str:
        return self.path

    def __call__(self) -> Any:
        return open_sqlite(self.path) if self.kind == "sqlite" else open_duckdb(self.path)


@dataclass(frozen=True)
class Addressed(Opener):
    """What opens connections of an address, of whose password its pickles may be free."""

    address: Address

    @property
    def name(self) -> str:
        return self.address.shown

    @property
    def secrets(self) -> tuple[str, ...]:
        return self.address.secrets

    @property
    def hint(self) -> str | None:
        return _LOST if self.address.is_lost else None

    def sealed(self) -> Self:
        return replace(self, address=self.address.sealed())

    def travelling(self) -> Self:
        return replace(self, address=self.address.travelling())


@dataclass(frozen=True)
class Url(Addressed):
    """A server, by its URL, read by an ADBC driver or by SQLAlchemy."""

    def __call__(self) -> Any:
        scheme, _, rest = self.address.url.partition("://")
        if scheme in ("postgres", "postgresql"):
            if _is_installed("adbc_driver_postgresql"):
                driver = import_module("adbc_driver_postgresql.dbapi")
                return driver.connect(f"postgresql://{rest}", autocommit=True)
            scheme = "postgresql+psycopg" if _is_installed("psycopg") else "postgresql"
        alchemy = _alchemy(self.name)
        engine = alchemy.create_engine(f"{scheme}://{rest}", poolclass=alchemy.NullPool)
        return alchemy_connection(engine)


@dataclass(frozen=True)
class Engine(Addressed):
    """An engine of SQLAlchemy: itself in its process, elsewhere one of its URL."""

    engine: Kept[Any]

    @property
    def hint(self) -> str | None:
        return _LOST if self.engine.value is None and self.address.is_lost else None

    @property
    def is_far(self) -> bool:
        return not self.address.shown.startswith(("sqlite", "duckdb"))

    def __call__(self) -> Any:
        engine = self.engine.value
        if engine is None:
            alchemy = _alchemy(self.name)
            engine = alchemy.create_engine(self.address.url, poolclass=alchemy.NullPool)
        return alchemy_connection(engine)


@dataclass(frozen=True)
class Parameters(Addressed):
    """A server to which psycopg was connected, by the parameters of that connection."""

    driver: str  # "psycopg" or "psycopg2"

    def __call__(self) -> Any:
        return import_module(self.driver).connect(self.address.url)


@dataclass(frozen=True)
class Sibling(Opener):
    """Further connections of the database of a live one, in its process alone."""

    live: Kept[Any]
    method: str
    shown: str
    path: str | None = None  # of its file, for other processes

    @property
    def name(self) -> str:
        return self.shown

    @property
    def travels(self) -> bool:
        return self.path is not None

    @property
    def is_far(self) -> bool:
        return self.method != "cursor"

    def __call__(self) -> Any:
        if self.live.value is None and self.path is not None:
            return open_duckdb(self.path)
        if self.live.value is None:
            raise SourceError(
                f"{self.shown} is in another process, or its connection is gone",
                hint="give smo.read_sql a path, a URL or a function that returns a connection, "
                "where results are saved or other processes read",
            )
        return getattr(self.live.value, self.method)()


@dataclass(frozen=True)
class Function(Opener):
    """A user's function that returns a connection at every call."""

    make: Callable[[], Any] = field(repr=False)
    shown: str = ""

    own_thread = True

    @property
    def name(self) -> str:
        return self.shown

    @property
    def travels(self) -> bool:
        try:
            pickle.dumps(self.make)
        except Exception:  # whatever its objects raise
            return False
        return True

    def __call__(self) -> Any:
        found = self.make()
        return alchemy_connection(found) if _is_engine(found) else found


_DRIVERS = {
    *("_duckdb", "adbc_driver_manager", "duckdb", "psycopg", "psycopg2", "sqlalchemy", "sqlite3"),
}


def root_of(x: Any) -> str:
    """The library of whose class an object is, of drivers that are known the driver."""
    roots = [kind.__module__.partition(".")[0] for kind in type(x).__mro__]
    return next((root for root in roots if root in _DRIVERS), roots[0])


def _is_engine(x: Any) -> bool:
    return root_of(x) == "sqlalchemy" and type(x).__name__ == "Engine"


def alchemy_connection(engine: Any) -> Any:
    """A connection of an engine, from its pool: the driver's own, where it is read faster so."""
    known = engine.dialect.name == "sqlite" or engine.dialect.driver in ("psycopg", "psycopg2")
    return engine.raw_connection() if known else engine.connect()


def _is_installed(name: str) -> bool:
    return name in sys.modules or find_spec(name) is not None


def _alchemy(name: str) -> Any:
    try:
        import sqlalchemy
    except ImportError:
        raise MissingExtraError(
            f"{name} is read by SQLAlchemy, which is not installed",
            hint="pip install 'statsmodels_ooc[sql]'",
        ) from None
    return sqlalchemy


def opener_of(x: Any) -> Opener:
    """What opens connections like the one that a user gave, or to where a path or URL leads.

    Raises
    ------
    TypeError
        It is nothing of that kind.
    """
    if isinstance(x, os.PathLike):
        return file_opener(os.fspath(x))
    if isinstance(x, str):
        return _url_opener(x) if "://" in x else file_opener(x)
    root, kind = root_of(x), type(x).__name__
    if root == "sqlalchemy" and kind == "URL":
        return _url_opener(x.render_as_string(hide_password=False))
    if root == "sqlalchemy" and kind in ("Engine", "Connection"):
        engine = x.engine
        address = Address.of(engine.url.render_as_string(hide_password=False))
        return Engine(address, Kept(engine))
    if root in ("psycopg", "psycopg2") and hasattr(x, "cursor"):
        return Parameters(Address.of(_psycopg_url(x)), root)
    if root == "adbc_driver_manager" and hasattr(x, "adbc_clone"):
        if vendor_of(x) == "sqlite":
            return File(adbc_sqlite_file(x), "sqlite")
        return Sibling(Kept(x), "adbc_clone", "a database of ADBC")
    if root in ("duckdb", "_duckdb") and kind == "DuckDBPyConnection":
        path = duckdb_file(x)
        return Sibling(Kept(x), "cursor", path or "a DuckDB database in memory", path)
    if callable(x) and not isinstance(x, type) and not hasattr(x, "cursor"):
        name = getattr(x, "__name__", kind)
        return Function(x, f"the database of {name}()")
    raise TypeError(
        f"{type(x).__module__}.{kind} is not a connection to a database\nHint: "
        "smo.read_sql(query, connection) takes a URL, a path of a SQLite or DuckDB file, an engine "
        "of SQLAlchemy, a connection of sqlite3, duckdb, psycopg or ADBC, or a function that "
        "returns a connection"
    )


def _url_opener(url: str) -> Opener:
    scheme, _, rest = url.partition("://")
    family, _, driver = scheme.lower().partition("+")
    if family in ("sqlite", "duckdb") and driver in ("", "pysqlite"):
        path = rest.partition("?")[0].removeprefix("/")
        if not path or ":memory:" in rest or path.startswith("file:"):
            raise OptionError(
                f"{scrubbed(url)} is no file: every connection would have a database of its own",
                hint="give a path, or the connection that has the rows",
            )
        return file_opener(path, family)
    if not family:
        raise OptionError(f"{scrubbed(url)} is no URL of a database")
    return Url(Address.of(url))


_HEADERS = ((b"SQLite format 3\0", 0, "sqlite"), (b"DUCK", 8, "duckdb"))


def file_opener(path: str, kind: str | None = None) -> File:
    """A file of SQLite or DuckDB, by what it begins with.

    Raises
    ------
    SourceNotFoundError
        There is none.
    SourceError
        It is of neither kind.
    """
    whole = str(Path(path).absolute())
    if kind is None:
        try:
            with open(whole, "rb") as file:
                begin: bytes | None = file.read(32)
        except FileNotFoundError:
            begin = None  # the error itself names what may have a password
        except OSError as error:
            named = Place(scrubbed(path)).named(error)
            raise named or error from None
        if begin is None:
            raise SourceNotFoundError(
                f"there is no database {scrubbed(path)}",
                hint="give a URL such as postgresql://user@host/database, or the path of a file",
            )
        found = (kind for magic, at, kind in _HEADERS if begin[at:].startswith(magic))
        kind = next(found, "sqlite" if not begin else None)  # new ones of SQLite are empty
    if kind is None:
        raise SourceError(
            f"{scrubbed(path)} is a file of neither SQLite nor DuckDB",
            hint="smo.as_source(path) opens Parquet, CSV and Arrow files",
        )
    return File(whole, kind)


def _psycopg_url(connection: Any) -> str:
    """The URL of a connection of psycopg, its password in it."""
    from urllib.parse import quote, urlencode

    info = connection.info
    known: dict[str, str] = dict(
        info.get_parameters() if hasattr(info, "get_parameters") else info.dsn_parameters
    )
    user, host, name = (quote(known.pop(key, ""), safe="") for key in ("user", "host", "dbname"))
    port = known.pop("port", "")
    password = f":{quote(info.password, safe='')}" if info.password else ""
    known.pop("password", None)
    who = f"{user}{password}@" if user else ""
    rest = f"?{urlencode(known)}" if known else ""
    return f"postgresql://{who}{host}{f':{port}' if port else ''}/{name}{rest}"
