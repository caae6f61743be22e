"""The index that pandas stored with a table: labels of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from statsmodels_ooc.sources.damage import foreign_bytes

__all__ = ["StoredIndex", "stored_index"]

_WHAT = "a table of pandas with an index"


@dataclass(frozen=True)
class StoredIndex:
    """Where the labels of some rows of a table are.

    Attributes
    ----------
    place : str
        The table, for messages.
    metadata : dict
        That of the table's schema, which says how pandas had them.
    columns : tuple of str
        The columns that hold them; none where they are a range.
    span : range
        The range of the whole table.
    name : object
        The name of the range.
    """

    place: str
    metadata: dict[bytes, bytes]
    columns: tuple[str, ...]
    span: range
    name: Any

    def labels(
        self, before: int, rows: int | None, read: Callable[[Sequence[str]], pa.Table]
    ) -> pd.Index[Any]:
        """The labels of consecutive rows.

        Parameters
        ----------
        before, rows : int
            How many rows of the table come before them, and how many they are; None for
            all that follow.
        read : callable
            Names of columns to a table of these rows of them.
        """
        if self.columns:
            table = read(self.columns).replace_schema_metadata(self.metadata)
            with foreign_bytes(self.place, _WHAT):
                labels: pd.Index[Any] = table.to_pandas().index
            return labels
        return pd.RangeIndex(self.span[before:][:rows], name=self.name)


def stored_index(schemas: Sequence[tuple[str, pa.Schema]]) -> StoredIndex | None:
    """The index of a table in one or several pieces, as pandas reads it.

    None where pandas would number the rows: it stored none, or the one that numbers them,
    or several pieces have ranges of their own.

    Parameters
    ----------
    schemas : sequence of (str, pyarrow.Schema)
        The names and schemas of the pieces.

    Raises
    ------
    ParseError
        What pandas says of the index cannot be read.
    """
    found = set()
    for place, schema in schemas:
        with foreign_bytes(place, _WHAT):
            found.add(_described(schema))
    if len(found) != 1:
        return None
    columns, span, name = found.pop()
    is_plain = (span.start, span.step) == (0, 1)
    if not columns and (is_plain or len(schemas) > 1):
        return None
    return StoredIndex(schemas[0][0], dict(schemas[0][1].metadata), columns, span, name)


def _described(schema: pa.Schema) -> tuple[tuple[str, ...], range, Any]:
    """What a schema says of the index: its columns, or a range and its name."""
    described = (schema.pandas_metadata or {}).get("index_columns") or []
    columns = tuple(one for one in described if isinstance(one, str) and one in schema.names)
    if columns or len(described) != 1 or not isinstance(described[0], dict):
        return columns, range(0), None
    one = described[0]
    return (), range(one["start"], one["stop"], one["step"]), one.get("name")
