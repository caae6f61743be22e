"""PostgreSQL: servers that are not there, refuse, end connections or change their tables."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from faults.case import SAME, Act, Scene, case, raises
from sources.postgresql import URL, make_table, run

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import (
    QueryError,
    SourceChangedError,
    SourceInterruptedError,
    SourceNotFoundError,
    SourcePermissionError,
)

DRIVER = "adbc_driver_postgresql"
SERVER = "PostgreSQL"


def ended(condition: str = "true") -> None:
    """Have the server end all other connections."""
    run(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() "
        f"and datname = current_database() and {condition}"
    )


@contextmanager
def refusing(state: str, message: str) -> Iterator[str]:
    """A server that answers whoever connects with an error."""
    fields = b"".join(
        key + text.encode() + b"\0"
        for key, text in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", state), (b"M", message))
    )
    answer = b"E" + struct.pack(">i", 4 + len(fields) + 1) + fields + b"\0"

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while (size := connection.recv(4)) and struct.unpack(">i", size)[0] == 8:
                    connection.recv(4)
                    connection.sendall(b"N")  # neither SSL nor GSSAPI
                if size:
                    connection.recv(10_000)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"postgresql://me:pw-of-mine@127.0.0.1:{listener.getsockname()[1]}/shop"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@case(
    "PostgreSQL",
    "the password is wrong",
    raises(SourcePermissionError, r"(?s)^(?!.*pw-of-mine).*password authentication failed"),
    needs=DRIVER,
)
def password(scene: Scene) -> Iterator[Act]:
    with refusing("28P01", 'password authentication failed for user "me"') as url:
        yield lambda: scene.fit(smo.read_sql("t", url))


@case(
    "PostgreSQL",
    "the server is starting up",
    raises(SourceInterruptedError, r"starting up"),
    needs=DRIVER,
)
def starting(scene: Scene) -> Iterator[Act]:
    with refusing("57P03", "the database system is starting up") as url:
        yield lambda: scene.fit(smo.read_sql("t", url))


@case(
    "PostgreSQL",
    "too many connections",
    raises(SourceInterruptedError, r"too many clients"),
    needs=DRIVER,
)
def clients(scene: Scene) -> Iterator[Act]:
    with refusing("53300", "sorry, too many clients already") as url:
        yield lambda: scene.fit(smo.read_sql("t", url))


@case(
    "PostgreSQL",
    "no server at the address",
    raises(SourceInterruptedError, r"127\.0\.0\.1"),
    needs=DRIVER,
)
def no_server(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(smo.read_sql("t", "postgresql://me@127.0.0.1:1/shop"))


@case(
    "PostgreSQL",
    "a host that does not exist",
    raises(SourceNotFoundError, r"nowhere\.invalid"),
    needs=DRIVER,
)
def no_host(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(smo.read_sql("t", "postgresql://me@nowhere.invalid/shop"))


@case(
    "PostgreSQL",
    "no such database",
    raises(SourceNotFoundError, r"smo_nowhere"),
    needs=DRIVER,
    server=SERVER,
)
def no_database(scene: Scene) -> Iterator[Act]:
    url = URL.rpartition("/")[0] + "/smo_nowhere"
    yield lambda: scene.fit(smo.read_sql("t", url))


@case(
    "PostgreSQL",
    "no such table",
    raises(SourceNotFoundError, r"smo_nowhere"),
    needs=DRIVER,
    server=SERVER,
)
def no_table(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(smo.read_sql("smo_nowhere", URL))


@case(
    "PostgreSQL",
    "rows are deleted between passes, which read one snapshot",
    SAME,
    needs=DRIVER,
    server=SERVER,
)
def deleted(scene: Scene) -> Iterator[Act]:
    table = make_table(scene.rows)
    with smo.options.set(cache=False):
        res = scene.fit(smo.read_sql(table, URL))
        run(f"delete from {table} where n > 100")
        yield lambda: len(res.HC0_se) == 4 and res


@case(
    "PostgreSQL",
    "the server ends all connections between passes",
    raises(SourceChangedError, r"snapshot"),
    needs=DRIVER,
    server=SERVER,
)
def between_passes(scene: Scene) -> Iterator[Act]:
    table = make_table(scene.rows)
    with smo.options.set(cache=False):
        res = scene.fit(smo.read_sql(table, URL))
        ended()
        yield lambda: res.HC0_se


@case(
    "PostgreSQL",
    "the table is dropped between passes, in a source without a snapshot",
    raises(SourceNotFoundError, "does not exist"),
    needs=DRIVER,
    server=SERVER,
)
def dropped(scene: Scene) -> Iterator[Act]:
    table = make_table(scene.rows)
    with smo.options.set(cache=False):
        res = scene.fit(smo.read_sql(table, URL, snapshot=False))
        run(f"drop table {table}")
        yield lambda: res.HC0_se


@case(
    "PostgreSQL",
    "a row fewer at each pass, in a source without a snapshot",
    raises(SourceChangedError, r"rows then"),
    needs=DRIVER,
    server=SERVER,
)
def fewer(scene: Scene) -> Iterator[Act]:
    table = make_table(scene.rows)
    with smo.options.set(cache=False):
        res = scene.fit(smo.read_sql(table, URL, snapshot=False))
        run(f"delete from {table} where n = 100")
        yield lambda: res.HC0_se


@case(
    "PostgreSQL",
    "a division by zero in the middle of a query",
    raises(QueryError, "division by zero"),
    needs=DRIVER,
    server=SERVER,
)
def division(scene: Scene) -> Iterator[Act]:
    table = make_table(scene.rows)
    query = f"select y, g, x + 1 / (n - 200) as x from {table}"
    yield lambda: scene.fit(smo.read_sql(query, URL))


@case(
    "PostgreSQL",
    "a query that takes longer than the server allows",
    raises(QueryError, "statement timeout"),
    needs="psycopg",
    server=SERVER,
)
def timeout(scene: Scene) -> Iterator[Act]:
    import psycopg

    table = make_table(scene.rows)
    query = f"select y, g, x, pg_sleep(0.01)::text as slept from {table}"
    options = "-c statement_timeout=300"
    yield lambda: scene.fit(smo.read_sql(query, lambda: psycopg.connect(URL, options=options)))
