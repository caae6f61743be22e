"""Ranges of a key, each of which is a partition: boundaries that the database finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.sources.sql_dialects import Relation
from statsmodels_ooc.sources.sql_sessions import Session

_TEXT = {"postgresql": "text", "duckdb": "VARCHAR"}
_ROWS = 500_000  # of a partition, where nobody says how many there are
_MOST = 16  # partitions then: without an index each of them reads the whole table


@dataclass(frozen=True)
class Digest:
    """A query that tells rows from others by their number and their hashes, and its answer."""

    query: str = field(repr=False)  # may hold a password
    answer: tuple[Any, ...]


@dataclass(frozen=True)
class KeyRange:
    """Some of the rows: those whose key lies in a range, or that have none.

    Attributes
    ----------
    where : str
        The condition; empty for all rows.
    label : str
        The same for messages; empty for all rows.
    digest : Digest or None
        What its rows were, where nothing else tells that somebody has written to them.
    """

    where: str = ""
    label: str = ""
    digest: Digest | None = None


def key_ranges(
    session: Session, relation: Relation, key: str, partitions: int | None
) -> list[KeyRange]:
    """Ranges of a key that have about as many rows each, and one for rows without a key.

    Parameters
    ----------
    session : Session
        An open connection.
    relation : Relation
        The table or the query.
    key : str
        The column.
    partitions : int or None
        How many ranges; a key of which many rows have the same value gives fewer.

    Returns
    -------
    list of KeyRange
        In the order of the key. The first and the last are open, so that no row is lost
        where the table grows.
    """
    column = relation.column(key)
    (counts,) = session.rows(relation.select(["count(*)", f"count({column})"]))
    found = int(counts[1])
    wanted = min(_MOST, -(-found // _ROWS)) if partitions is None else partitions
    begins = _begins(session, relation, key, found, min(wanted, found))
    literals = [session.dialect.literal(value) for value in begins]
    ends = zip(["", *literals], [*literals, ""], strict=True)
    ranges = [_between(key, column, low, high) for low, high in ends]
    return [*ranges, KeyRange(f"{column} IS NULL", f"{key} missing")]


def _between(key: str, column: str, low: str, high: str) -> KeyRange:
    """The rows from one value of the key to below another; empty where there is no bound."""
    limits = [f"{column} {sign} {bound}" for sign, bound in ((">=", low), ("<", high)) if bound]
    label = key + f" from {low}" * bool(low) + f" to below {high}" * bool(high)
    return KeyRange(" AND ".join(limits or [f"{column} IS NOT NULL"]), label)


def _begins(session: Session, relation: Relation, key: str, rows: int, wanted: int) -> list[Any]:
    """Where ranges begin but the first: values of the key, each once, in their order."""
    places = sorted({rows * i // wanted + 1 for i in range(wanted)})
    if len(places) < 2:
        return []
    column = relation.column(key)
    ranked = relation.select(
        [f"{column} AS k", f"row_number() OVER (ORDER BY {column}) AS r"], f"{column} IS NOT NULL"
    )
    numbers = ", ".join(map(str, places))
    text = _TEXT.get(session.dialect.name)  # which the database reads as a key again
    shown = "k" if text is None else f"CAST(k AS {text})"
    statement = f"SELECT {shown} FROM ({ranked}) s WHERE r IN ({numbers}) ORDER BY r"
    found = list(dict.fromkeys(row[0] for row in session.rows(statement)))
    return found[1:]  # the first range has no beginning


def check_partitions(partitions: int | None, partition_on: Sequence[str] | str | None) -> None:
    """Refuse a number of partitions that is none, or that has no key.

    Raises
    ------
    OptionError
        It is.
    """
    if partitions is None:
        return
    if partition_on is None:
        raise OptionError(
            "partitions= cuts the rows by a key", hint="name its column with partition_on="
        )
    is_whole = type(partitions) is int  # True is one, too
    if not is_whole or partitions < 1:
        raise OptionError(f"partitions is {partitions!r}, it must be a whole number from 1 on")
