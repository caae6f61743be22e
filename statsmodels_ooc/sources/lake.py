"""Tables whose log says which files are theirs: partitions are row groups of one version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

import pyarrow as pa

from statsmodels_ooc.errors import SchemaError, SourceChangedError
from statsmodels_ooc.sources.base import Levels, Lookup
from statsmodels_ooc.sources.columns import Column, ColumnSource, is_text, picked, select
from statsmodels_ooc.sources.deleted import Deleted
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.frames import foreign_bytes
from statsmodels_ooc.sources.parquet import ParquetPartition, of_each, runs_of_groups
from statsmodels_ooc.sources.parquet_footer import footer, holds_nulls, string_levels
from statsmodels_ooc.sources.schema import delivered, hold_nulls
from statsmodels_ooc.sources.stored import ArrowRows

Place: TypeAlias = "str | pa.Scalar"
"""Where a file has a column: under a name, or nowhere, because all of its rows have one value."""

FIELD_ID = b"PARQUET:field_id"  # what Arrow calls the number of a column, in a field's metadata

_GONE = (
    "vacuum and expire_snapshots remove the files of older versions: open the table again, or keep "
    "its files until the last result has been asked for"
)


@dataclass(frozen=True, eq=False)
class DataFile:
    """A file of a table's version, as the log tells of it.

    Attributes
    ----------
    file : StoredFile
        The Parquet file.
    rows : int or None
        How many are in it, deleted ones as well, where the log tells.
    values : mapping
        By what the log calls columns, what it says of all of the file's rows.
    deleted : Deleted or None
        The rows that do not count.
    """

    file: StoredFile
    rows: int | None
    values: Mapping[Any, Any]
    deleted: Deleted | None = None

    @property
    def local(self) -> bool:
        """Whether it is on a mounted file system."""
        return self.file.local


@dataclass(frozen=True, eq=False)
class _Opened:
    """A data file whose footer was read."""

    data: DataFile
    places: Mapping[str, Place]
    runs: Sequence[tuple[int, ...]]

    @property
    def file(self) -> StoredFile:
        return self.data.file


@contextmanager
def pinned(version: str) -> Iterator[None]:
    """Say of which version of a table a file is that changed or is gone."""
    try:
        yield
    except SourceChangedError as error:
        what = error.message.partition("\nHint:")[0]
        raise SourceChangedError(f"{what}; it belongs to {version}", hint=_GONE) from error


@dataclass(frozen=True)
class LakePartition(ArrowRows):
    """Consecutive row groups of a data file, without the rows that are deleted."""

    file: StoredFile
    columns: Mapping[str, Column]
    places: Mapping[str, Place]
    belongs_to: str  # and which version of it
    deleted: Deleted | None
    run: tuple[int, ...]  # of row groups, see `runs_of_groups`
    rows: int

    format = "a data file in Parquet"
    index = None
    before = 0

    @property
    def label(self) -> str:
        return self._stored(()).label

    @property
    def version(self) -> str:
        """That of the file, which of its rows are deleted, and what it calls the columns."""
        stored = super().version
        _, _, start, rows, _ = self.run
        deleted = "" if self.deleted is None else self.deleted.mark(start, start + rows)
        moved = [
            (name, str(place))
            for name, place in self.places.items()
            if not isinstance(place, str) or place != name
        ]
        return f"{stored} {deleted} {moved}" if stored else ""

    @property
    def nbytes(self) -> int:
        return self.run[-1]

    def narrowed(self, columns: Sequence[str]) -> Self:
        return replace(
            self,
            columns=picked(self.columns, columns, self.label),
            places=picked(self.places, columns, self.label),
        )

    def reading_bytes(self, columns: Sequence[str], max_rows: int) -> int:
        chosen = select(self.columns, columns, self.label)
        with pinned(self.belongs_to):
            stored = self._stored(chosen)
            return stored.reading_bytes(list(stored.columns), max_rows)

    def table(self, names: Sequence[str]) -> pa.Table:
        columns = select(self.columns, names, self.label)
        return pa.Table.from_batches(self.batches(columns, self.run[3], ()))

    def _stored(self, columns: Sequence[Column]) -> ParquetPartition:
        """The row groups as they are in the file."""
        places = {column.name: self.places[column.name] for column in columns}
        stored = {
            place: replace(column, name=place)
            for column in columns
            if isinstance(place := places[column.name], str)
        }
        return ParquetPartition(self.file, stored, None, *self.run)

    def batches(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pa.RecordBatch]:
        stored = self._stored(columns)
        chosen: list[Column] = select(stored.columns, list(stored.columns), self.label)
        names = {self.places[column.name] for column in columns if column.name in encoded}
        start = stored.before
        with pinned(self.belongs_to):
            for batch in stored.batches(chosen, max_rows, names):
                kept = batch if self.deleted is None else self.deleted.without(batch, start)
                start += batch.num_rows
                if kept.num_rows:
                    yield self._beside(kept, columns)

    def _beside(self, batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.RecordBatch:
        """The columns of the table, of those of a file."""
        arrays = [
            batch.column(place)
            if isinstance(place := self.places[column.name], str)
            else pa.repeat(place, batch.num_rows)
            for column in columns
        ]
        if not columns:
            return batch if batch.num_columns else _counted(batch.num_rows)
        return pa.record_batch(arrays, [column.name for column in columns])


def _counted(rows: int) -> pa.RecordBatch:
    """A batch that is there for its length."""
    return pa.record_batch([pa.nulls(rows)], [""])


class LakeSource(ColumnSource):
    """One version of a Delta or Iceberg table.

    Parameters
    ----------
    name : str
        The table, for messages.
    version : str
        Which version it is, for messages: "version 3 of sales".
    schema : pyarrow.Schema
        The columns of the table.
    files : sequence of DataFile
        In the order of their rows.
    placed : callable
        Where a file has the columns of the table, of its schema and what the log says.
    """

    def __init__(
        self,
        name: str,
        version: str,
        schema: pa.Schema,
        files: Sequence[DataFile],
        placed: Callable[[pa.Schema, DataFile], Mapping[str, Place]],
    ) -> None:
        self.version = version
        self._schema = schema

        def opened(data: DataFile) -> _Opened:
            with pinned(version):
                return _opened(data, placed)

        self._files = [one for one in of_each(opened, files) if one.runs]
        columns = Lookup(schema.names, self._found)
        partitions = [
            LakePartition(
                one.file, columns, one.places, version, one.data.deleted, run, _rows_left(one, run)
            )
            for one in self._files
            for run in one.runs
        ]
        super().__init__(name, columns, [part for part in partitions if part.rows])

    @property
    def no_rows(self) -> str:
        return f"{self.version} has no rows"

    def _found(self, names: Sequence[str]) -> dict[str, Column]:
        fields = {name: self._schema.field(name) for name in names}
        return {name: delivered(field, self._nullable(field)) for name, field in fields.items()}

    def _nullable(self, field: pa.Field) -> bool | None:
        if pa.types.is_nested(field.type):
            raise SchemaError(
                f"column {field.name!r} of {self.version} is of type {field.type}",
                hint="a model takes numbers, truth values, text and times",
            )
        flags = []
        for one in self._files:
            place = one.places[field.name]
            if isinstance(place, str):
                kinds, near = {place: field.type}, {place: 0}
                flags.append(holds_nulls([footer(one.file)], kinds, near)[place])
            else:
                flags.append(not place.is_valid)
        return hold_nulls(flags)

    def levels(self, column: str) -> Levels | None:
        """What the log says of all files, or complete small dictionary pages."""
        known: Column = select(self.known, [column], self.name)[0]
        if not is_text(known.type) or any(one.data.deleted for one in self._files):
            return None
        values: dict[Any, None] = {}
        for one in self._files:
            place = one.places[column]
            if not isinstance(place, str):
                values[place.as_py()] = None
                continue
            found = string_levels([one.file], place)
            if found is None:
                return None
            values |= dict.fromkeys(found.values)
        values.pop(None, None)
        return Levels(tuple(values), is_categorical=False)


def _opened(
    data: DataFile, placed: Callable[[pa.Schema, DataFile], Mapping[str, Place]]
) -> _Opened:
    known = footer(data.file)
    if data.rows is not None and data.rows != known.num_rows:
        raise SourceChangedError(
            f"{data.file} has {known.num_rows:,} rows, the table's log says {data.rows:,}"
        )
    with foreign_bytes(str(data.file), "Parquet"):
        schema = known.schema.to_arrow_schema()
        runs = list(runs_of_groups(known, data.file.size))
    return _Opened(data, placed(schema, data), runs)


def _rows_left(one: _Opened, run: tuple[int, ...]) -> int:
    _, _, before, rows, _ = run
    deleted = one.data.deleted
    return rows if deleted is None else rows - deleted.between(before, before + rows)
