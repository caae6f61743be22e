"""The PostgreSQL server of the tests, where there is one: a database that goes with the process."""

from __future__ import annotations

import atexit
import os
import uuid
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pandas as pd
import pyarrow as pa
import pytest

SERVER = os.environ.get("SMO_TEST_POSTGRESQL", "")


def _own_database() -> str:
    """The URL of a database of this process alone, whose connections tests may count and end."""
    if not SERVER:
        return ""
    psycopg = pytest.importorskip("psycopg")
    name = f"smo_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    atexit.register(_drop_database, name)
    return urlunsplit(urlsplit(SERVER)._replace(path=f"/{name}"))


def _drop_database(name: str) -> None:
    with pytest.importorskip("psycopg").connect(SERVER, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


URL = _own_database()
WHY = "SMO_TEST_POSTGRESQL does not name a server; .ci/postgresql starts one"
needs_server = pytest.mark.skipif(not URL, reason=WHY)

_made: list[str] = []
_known: dict[bytes, str] = {}


def connect() -> Any:
    """A connection of the owner of the tables, each statement by itself."""
    options = "-c lock_timeout=20s"  # a test that fails may hold a table
    return pytest.importorskip("psycopg").connect(URL, autocommit=True, options=options)


def run(*statements: str) -> list[tuple[Any, ...]]:
    """What the last of some statements gives."""
    with connect() as connection:
        cursor = None
        for statement in statements:
            cursor = connection.execute(statement)
        return [] if cursor is None or cursor.description is None else cursor.fetchall()


_SESSIONS = "select count(*) from pg_stat_activity where datname = current_database()"


def sessions() -> int:
    """How many there are of the database, that which asks among them; none without a server."""
    return int(run(_SESSIONS)[0][0]) if URL else 0


def new_name() -> str:
    """A name for a table, which is dropped at the end."""
    name = f"smo_{uuid.uuid4().hex[:12]}"
    if not _made:
        atexit.register(_drop)
    _made.append(name)
    return name


def _drop() -> None:
    run(*(f'DROP TABLE IF EXISTS "{name}" CASCADE' for name in _made))


def table_of(frame: pd.DataFrame) -> str:
    """The same, made once for frames of the same rows."""
    rows = bytes(pd.util.hash_pandas_object(frame).to_numpy())
    if rows not in _known:
        _known[rows] = make_table(frame)
    return _known[rows]


def make_table(frame: pd.DataFrame) -> str:
    """A table of the server with the rows of a frame, in their order; its name."""
    adbc = pytest.importorskip("adbc_driver_postgresql.dbapi")
    if not URL:
        pytest.skip(WHY)
    name = new_name()
    with adbc.connect(URL) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(name, pa.Table.from_pandas(frame, preserve_index=False), mode="create")
        connection.commit()
    return name
