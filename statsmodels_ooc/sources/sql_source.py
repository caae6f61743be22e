"""The rows of a table or a query, key range by key range."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.sources.base import Lookup
from statsmodels_ooc.sources.chunk import Chunk
from statsmodels_ooc.sources.columns import ColumnSource, Narrow, select
from statsmodels_ooc.sources.sql_dialects import Relation
from statsmodels_ooc.sources.sql_keys import KeyRange
from statsmodels_ooc.sources.sql_openers import Opener
from statsmodels_ooc.sources.sql_secrets import Kept
from statsmodels_ooc.sources.sql_sessions import Session
from statsmodels_ooc.sources.sql_snapshots import Moment
from statsmodels_ooc.sources.sql_values import SqlColumn, sql_chunks
from statsmodels_ooc.sources.sql_versions import Version, check_digest


@dataclass(frozen=True)
class Table:
    """What is read, and how it is opened.

    Attributes
    ----------
    name : str
        For messages.
    opener : Opener
        What opens connections.
    relation : Relation
        The table or the query.
    moment : Moment
        What each connection begins with.
    order : tuple of str
        Expressions by which rows are ordered.
    version : Version or None
        What files of SQLite or DuckDB were, where rows are read in several partitions.
    """

    name: str
    opener: Opener
    relation: Relation
    moment: Moment
    order: tuple[str, ...] = ()
    version: Version | None = None

    def __repr__(self) -> str:
        return f"<{self.name}>"  # a query may hold a password

    def open(self) -> Session:
        """A connection at the moment of the source; whoever asks for it closes it."""
        return self.moment.open(self.opener, bool(self.order))

    def told(self, names: Sequence[str]) -> dict[str, SqlColumn]:
        """What is known of some columns."""
        with closing(self.open()) as session:
            return session.columns(self.relation, list(names))


def statement(
    relation: Relation, columns: Sequence[SqlColumn], where: str, order: Sequence[str]
) -> str:
    """The query that reads some columns of some rows, in their order."""
    wanted = []
    for column in columns:
        name = relation.column(column.name)
        as_ = relation.dialect.identifier(column.name)
        wanted.append(f"CAST({name} AS {column.cast}) AS {as_}" if column.cast else name)
    return relation.select(wanted, where, order)


@dataclass(frozen=True)
class SqlPartition(Narrow):
    """The rows of a key range, or all rows of a query."""

    table: Table
    range: KeyRange
    columns: Mapping[str, SqlColumn]

    rows = nbytes = None  # only reading can tell

    def __repr__(self) -> str:
        return f"<{self.label}>"

    @property
    def label(self) -> str:
        """The table, and the range of the key."""
        return f"{self.table.name}, {self.range.label}" if self.range.label else self.table.name

    @property
    def is_far(self) -> bool:
        """Whether reading waits for a server."""
        return self.table.opener.is_far

    def chunks(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[Chunk]:
        chosen: list[SqlColumn] = select(self.columns, columns, self.table.name)
        query = statement(self.table.relation, chosen, self.range.where, self.table.order)
        self._check_version()
        with closing(self.table.open()) as session:
            digest = self.range.digest
            if digest is not None:
                session.transact()
            names = [column.name for column in chosen]
            with closing(session.batches(query, names)) as batches:
                yield from sql_chunks(batches, chosen, max_rows, encoded, self.label)
            if digest is not None:
                check_digest(session, digest, self.table.name)
        self._check_version()

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        with closing(self.chunks(columns, max_rows, encoded)) as chunks:  # type: ignore[type-var]
            for chunk in chunks:
                yield chunk.frame

    def _check_version(self) -> None:
        if self.table.version is not None:
            self.table.version.check(self.table.name)


class SqlSource(ColumnSource):
    """A table or a query; see `read_sql`.

    Parameters
    ----------
    table : Table
        What is read.
    names : sequence of str
        Its columns.
    ranges : sequence of KeyRange
        The partitions.
    unordered : str or None
        Why the order of rows means nothing.
    slow : bool
        Whether reading again costs more than a local copy.

    Notes
    -----
    Partitions travel to workers with the password of their database. A pickle of the source,
    which a saved result holds, is without: in other processes the driver finds it where it
    looks for passwords (``PGPASSWORD``, ``~/.pgpass``), or an error says what to do.
    """

    def __init__(
        self,
        table: Table,
        names: Sequence[str],
        ranges: Sequence[KeyRange],
        unordered: str | None,
        slow: bool,
    ) -> None:
        sealed = replace(table, opener=table.opener.sealed())
        super().__init__(table.name, Lookup(names, sealed.told))
        self._table, self._ranges = sealed, tuple(ranges)
        self._unordered, self._slow = unordered, slow

    @cached_property
    def partitions(self) -> Sequence[SqlPartition]:
        """The key ranges in their order."""
        table = replace(self._table, opener=self._table.opener.travelling())
        known = Lookup(self.columns, partial(_known_or_told, Kept(self.known), table))
        return [SqlPartition(table, one, known) for one in self._ranges]

    @property
    def unordered(self) -> str | None:
        return self._unordered

    @property
    def slow(self) -> bool:
        return self._slow

    @property
    def is_recipe(self) -> bool:
        return self._table.opener.travels

    def __reduce__(self) -> tuple[Any, ...]:
        known = (self._table, self.columns, self._ranges, self._unordered, self._slow)
        return _restored, known


def _known_or_told(
    known: Kept[Lookup[SqlColumn]], table: Table, names: Sequence[str]
) -> dict[str, SqlColumn]:
    """What the source knows of some columns; in other processes the database is asked."""
    if known.value is None:
        return table.told(names)
    return dict(zip(names, known.value.several(names), strict=True))


def _restored(
    table: Table,
    names: Sequence[str],
    ranges: Sequence[KeyRange],
    unordered: str | None,
    slow: bool,
) -> SqlSource:
    """A source of a pickle; where its moment is gone, passes compare what they read."""
    then = replace(table, moment=table.moment.renewable())
    return SqlSource(then, names, ranges, unordered, slow)
