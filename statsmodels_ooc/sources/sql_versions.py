"""What tells that somebody wrote between two partitions, where they share no snapshot."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.sources.sql_connections import open_session
from statsmodels_ooc.sources.sql_dialects import Relation
from statsmodels_ooc.sources.sql_keys import Digest, KeyRange
from statsmodels_ooc.sources.sql_openers import Opener
from statsmodels_ooc.sources.sql_secrets import Kept
from statsmodels_ooc.sources.sql_sessions import Session
from statsmodels_ooc.sources.sql_snapshots import Keeper, kept_session

_ATTACHED = "SELECT path FROM duckdb_databases() WHERE NOT internal"


@dataclass(frozen=True)
class Version(ABC):
    """What the files of a database were at a moment; in other processes nothing is known of it.

    Attributes
    ----------
    then : Kept of tuple
        What told the moment.
    files : tuple of str
        Their paths.
    """

    then: Kept[tuple[Any, ...]]
    files: tuple[str, ...]

    @abstractmethod
    def now(self) -> tuple[Any, ...] | None:
        """What tells the present moment; None where it cannot be asked."""

    def check(self, place: str) -> None:
        """Refuse files to which somebody has written since, or that somebody has replaced.

        Raises
        ------
        SourceChangedError
            Somebody has.
        """
        then, now = self.then.value, self.now()
        if then is not None and now is not None and now != then:
            raise _changed(place)


@dataclass(frozen=True)
class SqliteVersion(Version):
    """Files of SQLite: its own numbers of their versions, and whether they are the same files.

    A connection reads on in a file that was replaced, so that its numbers do not tell.
    """

    keeper: Kept[Keeper]

    def now(self) -> tuple[Any, ...] | None:
        keeper, session = self.keeper.value, kept_session(self.keeper)
        if keeper is None or session is None:
            return None
        with keeper.lock:
            return _sqlite_moment(session, self.files)


def _sqlite_moment(session: Session, files: Sequence[str]) -> tuple[Any, ...]:
    names = [row[1] for row in session.rows("PRAGMA database_list") if row[1] != "temp"]
    marked = map(session.dialect.identifier, names)
    numbers = [session.rows(f"PRAGMA {name}.data_version")[0][0] for name in marked]
    return (*numbers, *(_stamp(path)[:2] for path in files))


@dataclass(frozen=True)
class DuckdbVersion(Version):
    """Files of DuckDB, each with the log into which it writes first."""

    def now(self) -> tuple[Any, ...]:
        return tuple(_stamp(path + end) for path in self.files for end in ("", ".wal"))


def _stamp(path: str) -> tuple[int, ...]:
    """Which file has a name, how long it is, and when it was written; zeros where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0, 0)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def version_of(opener: Opener, session: Session) -> Version | None:
    """The version of the files of SQLite or DuckDB that a connection reads; None of others."""
    if session.dialect.name == "sqlite":
        return _sqlite_version(opener)
    if session.dialect.name != "duckdb":
        return None
    files = tuple(row[0] for row in session.rows(_ATTACHED) if row[0])
    now = DuckdbVersion(Kept(None), files).now()
    return DuckdbVersion(Kept(now), files)


def _sqlite_version(opener: Opener) -> Version:
    session = open_session(opener)
    try:
        listed = session.rows("PRAGMA database_list")
        files = tuple(row[2] for row in listed if row[1] != "temp" and row[2])
        then = Kept(_sqlite_moment(session, files))
        return SqliteVersion(then, files, Kept(Keeper(session)))
    except BaseException:
        session.close()
        raise


# --- rows in memory ---


def with_digests(
    session: Session, relation: Relation, ranges: Sequence[KeyRange], names: Sequence[str]
) -> list[KeyRange]:
    """Ranges that know their rows, where nothing else tells that somebody changed them.

    That is so in memory: DuckDB has no number for what was written there, and its connections
    cannot share a transaction, each of which reads one result at a time.
    """
    if session.dialect.name != "duckdb" or all(row[0] for row in session.rows(_ATTACHED)):
        return list(ranges)
    columns = ", ".join(relation.column(name) for name in names)
    what = ["count(*)", f"sum(hash({columns}))"]
    found = []
    for one in ranges:
        query = relation.select(what, one.where)
        found.append(replace(one, digest=Digest(query, session.rows(query)[0])))
    return found


def check_digest(session: Session, digest: Digest, place: str) -> None:
    """Refuse rows of a range that are not those which it had when its source was opened.

    Raises
    ------
    SourceChangedError
        Somebody has written to them.
    """
    if session.rows(digest.query)[0] != digest.answer:
        raise _changed(place)


def _changed(place: str) -> SourceChangedError:
    return SourceChangedError(
        f"{place} was written to since it was opened, so that its partitions may be of "
        "different moments",
        hint="open the source again, or copy the database first; without partition_on rows "
        "are read in one go",
    )
