"""Tables that are already in memory: partitions are slices."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa

from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.errors import SourceError
from statsmodels_ooc.sources.base import Lookup
from statsmodels_ooc.sources.columns import (
    Column,
    ColumnSource,
    ListedSource,
    Narrow,
    check_unique,
    picked,
    select,
)
from statsmodels_ooc.sources.frames import frames_of
from statsmodels_ooc.sources.schema import (
    CommonSchema,
    StoredIndex,
    check_same_columns,
    delivered,
    stored_index,
)
from statsmodels_ooc.sources.values import dtype_of_pieces, settled

_CHUNK_ROWS = 262_144


@dataclass(frozen=True, eq=False)
class FramePartition(Narrow):
    """Consecutive rows of a pandas DataFrame."""

    frame: pd.DataFrame
    label: str
    columns: Mapping[Any, Any] | None = None  # dtypes of the whole, where known; see `settled`

    is_far = False

    @property
    def rows(self) -> int:
        return len(self.frame)

    @cached_property
    def nbytes(self) -> int:
        """Bytes in memory, what Python objects point to not counted."""
        return int(self.frame.memory_usage(index=False).sum())

    @property
    def labels(self) -> pd.Index[Any]:
        return self.frame.index

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        chosen = self.frame.take(select(self._places, columns, self.label), axis=1)
        dtypes = None if self.columns is None else picked(self.columns, columns, self.label)
        for start in range(0, len(chosen), max_rows):
            piece = chosen.iloc[start : start + max_rows]
            piece.index = pd.RangeIndex(len(piece))
            yield settled(piece, dtypes)

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {name: place for place, name in enumerate(self.frame.columns)}


class FrameSource(ListedSource):
    """pandas DataFrames, one after the other, with the values that they have.

    Parameters
    ----------
    frames : sequence of pandas.DataFrame
        The rows in order; each frame is cut into slices of ``chunk_rows`` rows.
    chunk_rows : int, optional
        Rows of a partition. By default 262,144 for one frame; several frames are
        a partition each.
    """

    def __init__(self, frames: Sequence[pd.DataFrame], chunk_rows: int | None = None) -> None:
        if not frames:
            raise SourceError("an empty list has no columns", hint="give at least one DataFrame")
        self._several = len(frames) != 1
        self._frames = list(frames)
        dtypes = Lookup(_common_columns(frames), self._told)
        partitions = [
            FramePartition(piece, label, dtypes)
            for number, frame in enumerate(frames)
            for piece, label in self._pieces(frame, number, chunk_rows)
        ]
        super().__init__("DataFrames" if self._several else "DataFrame", dtypes, partitions)

    def _told(self, names: Sequence[Any]) -> dict[Any, Any]:
        return {
            name: dtype_of_pieces(
                name, [(f"DataFrame {n}", frame[name]) for n, frame in enumerate(self._frames)]
            )
            for name in names
        }

    def _pieces(
        self, frame: pd.DataFrame, number: int, chunk_rows: int | None
    ) -> Iterator[tuple[pd.DataFrame, str]]:
        what = f"DataFrame {number}" if self._several else "DataFrame"
        step = max(len(frame), 1) if self._several else _CHUNK_ROWS
        step = step if chunk_rows is None else _positive(chunk_rows)
        for start in range(0, max(len(frame), 1), step):
            piece = frame.iloc[start : start + step]
            yield piece, f"{what}, rows {start}-{start + max(len(piece), 1) - 1}"

    is_recipe = False  # a pickle would hold the rows


def _positive(rows: int) -> int:
    if rows < 1:
        raise SourceError(f"chunk_rows is {rows}, it must be at least 1")
    return rows


def _common_columns(frames: Sequence[pd.DataFrame]) -> list[Any]:
    names = list(frames[0].columns)
    for number, frame in enumerate(frames):
        check_unique(list(frame.columns), f"DataFrame {number}")
        check_same_columns("DataFrame 0", names, f"DataFrame {number}", list(frame.columns))
    return names


@dataclass(frozen=True, eq=False)
class TablePartition(Narrow):
    """Consecutive rows of an Arrow table."""

    table: pa.Table
    label: str
    columns: Mapping[str, Column]
    before: int = 0
    index: StoredIndex | None = None

    is_far = False

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)

    @property
    def nbytes(self) -> int:
        return int(self.table.nbytes)

    @property
    def labels(self) -> pd.Index[Any] | None:
        if self.index is None:
            return None
        return self.index.labels(self.before, self.rows, self.table.select)

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        chosen: list[Column] = select(self.columns, columns, self.label)
        batches = self.table.select(list(columns)).to_batches(max_chunksize=max_rows)
        yield from frames_of(batches, chosen, max_rows, encoded)


class ArrowTableSource(ColumnSource):
    """A pyarrow Table; slices, by default of 262,144 rows, share its memory."""

    def __init__(self, table: pa.Table, chunk_rows: int | None = None) -> None:
        table = table.unify_dictionaries()
        common = CommonSchema([("the Table", table.schema)])
        columns = Lookup(common.names, partial(_table_columns, common, table))
        step = _positive(_CHUNK_ROWS if chunk_rows is None else chunk_rows)
        index = stored_index([("the Table", table.schema)])
        partitions = [
            TablePartition(
                table.slice(start, step), f"Table, rows from {start}", columns, start, index
            )
            for start in range(0, table.num_rows, step)
        ]
        super().__init__("Table", columns, partitions)

    is_recipe = False  # a pickle would hold the rows


def _table_columns(
    common: CommonSchema, table: pa.Table, names: Sequence[str]
) -> dict[str, Column]:
    return {
        name: _table_column(common.field(name), table.column(name), name in common.declared)
        for name in names
    }


def _table_column(field: pa.Field, data: pa.ChunkedArray, declared: bool) -> Column:
    nullable = data.null_count > 0
    if not declared:
        return delivered(field, nullable)
    return delivered(field, nullable, (chunk.dictionary for chunk in data.chunks[:1]))
