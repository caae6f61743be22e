"""What databases and their drivers raise, as errors of this package without secrets."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from ctypes import py_object, pythonapi
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import pyarrow as pa

from statsmodels_ooc.errors import (
    MissingExtraError,
    OutOfCoreError,
    ParseError,
    QueryError,
    SourceAccessError,
    SourceError,
    SourceInterruptedError,
    SourceNotFoundError,
    SourcePermissionError,
)
from statsmodels_ooc.sources.seam import Operation, touch
from statsmodels_ooc.sources.sql_secrets import scrubbed
from statsmodels_ooc.sources.sql_threads import OwnThread

Answer = TypeVar("Answer")

_AGAIN = "the server, or the way to it, failed: reading again may help"
_RIGHTS = "ask for the right to read it (SELECT), or connect as a user who has it"
_SQL = "try the query in the database's own client"
_NAMED = "check the names of the table, the schema and the database"


@dataclass(frozen=True)
class Place:
    """A database that is asked: its name for messages, and how what it raises is told.

    Attributes
    ----------
    name : str
        Without secrets.
    secrets : tuple of str
        What no message may hold.
    hint : str
        What to do where the database does not let anybody in.
    thread : OwnThread or None
        The thread in which all calls are made, where a connection belongs to one.
    owner : int
        The process that asks; one that is forked from it must leave the connection alone.
    """

    name: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    hint: str = _RIGHTS
    thread: OwnThread | None = field(default=None, repr=False)
    owner: int = field(default_factory=os.getpid, repr=False, compare=False)

    @property
    def is_own(self) -> bool:
        """Whether this process opened what is asked, rather than one it was forked from."""
        return self.owner == os.getpid()

    def ask(self, operation: Operation, function: Callable[..., Answer], *arguments: Any) -> Answer:
        """Make a call that leaves the process.

        Raises
        ------
        OutOfCoreError
            Instead of what the driver raises, whose messages may hold passwords.
        """
        if not self.is_own:
            raise SourceError(
                f"{self.name}: a connection that another process opened cannot be read in one that "
                "is forked from it",
                hint="begin to read in the process that reads",
            )
        try:
            touch(operation, self.name)
            if self.thread is not None:
                return cast("Answer", self.thread.call(function, *arguments))
            return function(*arguments)
        except (OutOfCoreError, MemoryError):
            raise
        except Exception as error:
            named = self.named(error)
            if named is None:
                raise
        raise named  # without the driver's error as its context

    def close(self, function: Callable[[], Any]) -> None:
        """Close something, in the thread to which it belongs; what fails then was told.

        In a process that was forked from its owner it stays as it is: a driver would take
        leave of the server in the name of the owner, which still reads.
        """
        if not self.is_own:
            _left_alone(function)
            return
        if self.thread is not None:
            self.thread.attempt(function)
            return
        with suppress(Exception):
            function()

    def within(self, thread: OwnThread) -> Place:
        """The same place, asked in a thread of its own."""
        return replace(self, thread=thread)

    def named(self, error: Exception) -> OutOfCoreError | None:
        """What an error of a driver is called here; None for one that is not of a database."""
        found = getattr(error, "orig", None) or error  # SQLAlchemy wraps those of drivers
        told = _told(found)
        if told is None:
            return None
        kind, hint = told
        what = scrubbed(f"{type(found).__name__}: {found}".strip(), self.secrets)
        return kind(f"{self.name}: {what}", hint=self.hint if hint == _RIGHTS else hint)


def _left_alone(closes: Callable[[], Any]) -> None:
    """Keep what a connection is made of until the process ends, also while Python does."""
    pythonapi.Py_IncRef(py_object(closes))


Told = tuple[type[SourceError] | type[MissingExtraError], str]


def _told(error: Any) -> Told | None:
    """The class of ours, and what to do."""
    if isinstance(error, ImportError):
        return MissingExtraError, "pip install 'statsmodels_ooc[sql]', or the driver that is named"
    names = {kind.__name__ for kind in type(error).__mro__}
    is_of_driver = not names.isdisjoint(("DatabaseError", "InterfaceError", "SQLAlchemyError"))
    if type(error).__module__ == "sqlite3" or is_of_driver or "Error" in names:
        state = _state(error)
        return _of_state(state) if state else _of_text(error, names)
    if isinstance(error, OSError):
        return _of_system(error)
    return (QueryError, _SQL) if isinstance(error, pa.ArrowException) else None


def _state(error: Any) -> str:
    """The SQLSTATE of five letters; empty where the driver tells none."""
    found = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
    return str(found) if len(str(found)) == 5 else ""


_STATES: Sequence[tuple[tuple[str, ...], Told]] = (
    # administrators, crashes, starting servers, lost connections, no room for another one
    (("08", "57P", "53", "40", "25P03"), (SourceInterruptedError, _AGAIN)),
    (("28", "42501"), (SourcePermissionError, _RIGHTS)),
    (("42P01", "3F000", "3D000"), (SourceNotFoundError, _NAMED)),
)


def _of_state(state: str) -> Told:
    return next((told for begin, told in _STATES if state.startswith(begin)), (QueryError, _SQL))


_WORDS: Sequence[tuple[str, Told]] = (
    (
        "password|authentication|permission denied|access denied|pg_hba|role .* does not exist"
        "|not permitted|not authorized|readonly database",
        (SourcePermissionError, _RIGHTS),
    ),
    (
        "no such table|table .* does not exist|database .* does not exist|unable to open database"
        "|database does not exist|catalog .* does not exist",
        (SourceNotFoundError, _NAMED),
    ),
    (
        "could not translate host name .*(not known|no address)|unknown host|getaddrinfo failed",
        (SourceNotFoundError, "there is no such host: check the address"),
    ),
    (
        "not a database|malformed|could not read enough bytes|not a valid duckdb|could not decode"
        "|corrupt",
        (ParseError, "the file may be damaged, still being written, or of another kind"),
    ),
    (
        "could not set lock|conflicting lock|different configuration",
        (SourceAccessError, "another program has the file: end it, or read a copy"),
    ),
    (
        "is locked|terminat|connection .*(refused|reset|timed out|closed|lost|aborted|broken)"
        "|server closed|could not (connect|translate|receive|send)|failed to connect|gone away"
        "|ssl|eof detected|broken pipe|timeout|queuepool|interrupted",
        (SourceInterruptedError, _AGAIN),
    ),
    ("disk i/o error|io error", (SourceAccessError, "is the disk, or the server, there?")),
)


def _of_text(error: Any, names: set[str]) -> Told:
    """What a message says, where there is no SQLSTATE."""
    text = str(error).lower()
    if "can't load plugin" in text or "nosuchmodule" in type(error).__name__.lower():
        return MissingExtraError, "install SQLAlchemy's dialect, and the driver, of this database"
    for words, told in _WORDS:
        if re.search(words, text):
            return told
    lost = "InterfaceError" in names and "ProgrammingError" not in names
    return (SourceInterruptedError, _AGAIN) if lost else (QueryError, _SQL)


def _of_system(error: OSError) -> Told:
    """What the system says, or Arrow of a driver whose rows ended too early."""
    if isinstance(error, ConnectionError | TimeoutError):
        return SourceInterruptedError, _AGAIN
    if error.errno in (errno.EACCES, errno.EPERM):
        return SourcePermissionError, _RIGHTS
    if error.errno == errno.ENOENT:
        return SourceNotFoundError, _NAMED
    if error.errno is not None:
        return SourceAccessError, "is the disk, or the server, there?"
    text = str(error)
    if re.search(r"\bERROR:", text) and "FATAL:" not in text:
        return QueryError, _SQL
    return SourceInterruptedError, _AGAIN
