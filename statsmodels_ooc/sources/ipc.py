"""Arrow IPC and Feather files: partitions are runs of record batches."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc

from statsmodels_ooc.errors import MemoryLimitError, ParseError, SchemaError
from statsmodels_ooc.options import options
from statsmodels_ooc.sources.base import Lookup
from statsmodels_ooc.sources.columns import Column, ColumnSource
from statsmodels_ooc.sources.files import StoredFile, find_files, shown
from statsmodels_ooc.sources.filesystems import storage_of
from statsmodels_ooc.sources.frames import foreign_bytes
from statsmodels_ooc.sources.hive import HiveKey, beside_keys, hive_keys
from statsmodels_ooc.sources.ipc_footer import MAGIC, BatchInfo, read_batch_infos
from statsmodels_ooc.sources.schema import (
    CommonSchema,
    StoredIndex,
    delivered,
    hold_nulls,
    stored_index,
)
from statsmodels_ooc.sources.signatures import other_formats_named
from statsmodels_ooc.sources.stored import ArrowRows
from statsmodels_ooc.sources.told_options import options_told

SUFFIXES = (".feather", ".arrow", ".ipc", ".arrows")

_ENOUGH_ROWS = 131_072


@options_told
def read_ipc(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    storage_options: Mapping[str, Any] | None = None,
    filesystem: Any = None,
) -> IpcSource:
    """Open Arrow IPC (Feather version 2) files as a source; no row is read yet.

    Parameters
    ----------
    path : str, os.PathLike, or a list of them
        File, glob, directory (also hive-partitioned: ``year=2024/``) or fsspec URL.
    storage_options : mapping, optional
        Handed to fsspec for URLs.
    filesystem : pyarrow.fs.FileSystem or fsspec.AbstractFileSystem, optional
        What to reach the files through, in place of ``storage_options``.

    Returns
    -------
    IpcSource
        Partitions are runs of record batches.

    Raises
    ------
    SourceNotFoundError
        When no file matches.
    SchemaError
        When the files do not agree on a column; it names both files.
    ParseError
        When a file is not an Arrow IPC file, is truncated or damaged.

    Notes
    -----
    Files are read, not mapped into memory: a mapped file that somebody cuts short ends the
    process. Every batch is validated before it is used, since offsets that lead outside
    of it would do the same.

    Whole numbers and truth values are masked where any record batch holds nulls.
    Dictionary columns are Categoricals over the union of the files' dictionaries where the
    dictionary is ordered (as polars' Enums are) or of pandas' making; elsewhere they are
    their values.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from statsmodels_ooc.sources.ipc import read_ipc
    >>> folder = tempfile.TemporaryDirectory()
    >>> pd.DataFrame({"y": [1.0, 2.0]}).to_feather(folder.name + "/t.feather")
    >>> read_ipc(folder.name + "/t.feather").rows
    2
    >>> folder.cleanup()
    """
    return IpcSource(
        find_files(path, SUFFIXES, storage_of(storage_options, filesystem)), shown(path)
    )


@dataclass(frozen=True)
class Largest:
    """What the largest record batch of a file holds, which is read as a whole unless mapped.

    The bytes of a column of text are an equal share of what is stored beside the columns of
    fixed size, which is less than in memory where it is compressed.
    """

    rows: int
    text: int


@dataclass(frozen=True)
class IpcPartition(ArrowRows):
    """Consecutive record batches of one file."""

    file: StoredFile
    columns: Mapping[str, Column | HiveKey]
    index: StoredIndex | None
    fields: tuple[str, ...]
    compressed: bool
    largest: Largest
    start: int
    stop: int
    before: int
    rows: int
    nbytes: int

    format = "Arrow IPC"

    @property
    def label(self) -> str:
        return f"{self.file}, record batches {self.start}-{self.stop - 1}"

    def table(self, names: Sequence[str]) -> pa.Table:
        fields = sorted(map(self.fields.index, names))
        options = ipc.IpcReadOptions(included_fields=fields, use_threads=False)
        with self.file.opened() as raw, ipc.open_file(raw, options=options) as opened:
            batches = [_valid(opened.get_batch(at)) for at in range(self.start, self.stop)]
            return pa.Table.from_batches(batches).select(list(names))

    def batches(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pa.RecordBatch]:
        names = [column.name for column in columns]
        own = self.file.owner is not None  # nobody else cuts or overwrites it
        with self.file.opened(mapped=own) as raw:
            # included_fields copies, also what is memory-mapped and would be free
            fields = sorted(map(self.fields.index, names))
            picked = None if own and not self.compressed else fields
            if picked is not None:
                _check_batch([column.type for column in columns], self.largest, self.label)
            options = ipc.IpcReadOptions(included_fields=picked, use_threads=False)
            with ipc.open_file(raw, options=options) as opened:
                for at in range(self.start, self.stop):
                    batch = opened.get_batch(at).select(names)
                    yield batch if own else _valid(batch)


def _check_batch(kinds: Sequence[pa.DataType], largest: Largest, label: str) -> None:
    """Refuse record batches that are read as a whole and leave no room for anything else."""
    need = sum(largest.rows * (_width(kind) or 8) for kind in kinds)
    need += sum(largest.text for kind in kinds if not _width(kind))
    if 2 * need > options.memory_limit:
        raise MemoryLimitError(
            f"{label}: a record batch of {largest.rows:,} rows can only be read as a whole, and "
            f"its {len(kinds):,} columns need {need:,} bytes, more than half of memory_limit = "
            f"{options.memory_limit:,}",
            hint="write the file again in smaller batches, pyarrow.feather.write_feather(table, "
            "path, chunksize=65_536), or raise smo.options.memory_limit",
        )


def _largest(schema: pa.Schema, batches: Sequence[BatchInfo]) -> Largest:
    widths = [_width(field.type) for field in schema]
    texts = max(widths.count(0), 1)
    beside = max((info.nbytes - info.rows * sum(widths) for info in batches), default=0)
    return Largest(max((info.rows for info in batches), default=0), max(beside, 0) // texts)


def _width(kind: pa.DataType) -> int:
    """Bytes of a value, 0 where values have no fixed size or share bytes."""
    return int(kind.bit_width) // 8 if pa.types.is_primitive(kind) else 0


@dataclass(frozen=True)
class IpcStreamPartition(ArrowRows):
    """A file in the streaming format, which can only be read from its start."""

    file: StoredFile
    columns: Mapping[str, Column | HiveKey]
    index: StoredIndex | None
    before: int = 0
    rows: int | None = None  # only reading can tell

    format = "an Arrow IPC stream"

    @property
    def nbytes(self) -> int:
        return self.file.size

    @property
    def label(self) -> str:
        return str(self.file)

    def table(self, names: Sequence[str]) -> pa.Table:
        return pa.Table.from_batches(self._named(names))

    def batches(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pa.RecordBatch]:
        return self._named([column.name for column in columns])

    def _named(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with self.file.opened() as raw, ipc.open_stream(raw) as opened:
            for batch in opened:
                yield _valid(batch.select(names))


def _valid(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch whose offsets, codes and text do not lead outside its memory."""
    batch.validate(full=True)
    return batch


@dataclass(frozen=True)
class _Opened:
    file: StoredFile
    schema: pa.Schema
    batches: tuple[BatchInfo, ...] | None
    dictionaries: Mapping[str, pa.Array]

    @property
    def has_rows(self) -> bool:
        return self.batches is None or any(info.rows for info in self.batches)


class IpcSource(ColumnSource):
    """Arrow IPC files as one table; see `read_ipc`."""

    def __init__(
        self,
        files: Sequence[StoredFile],
        name: str,
        refused: Mapping[str, SchemaError] | None = None,
    ) -> None:
        self.files = tuple(files)
        opened = [_open(file) for file in files]
        schemas = [(str(item.file), item.schema) for item in opened]
        common = CommonSchema(schemas, without_value=partial(_without_value, opened))
        index = stored_index(schemas)
        keys = hive_keys(self.files, [item.has_rows for item in opened])
        self.refused = dict(refused or {})
        find = partial(_found, common, opened, self.refused)
        columns = beside_keys(Lookup((*common.names, *self.refused), find), keys)
        partitions = [part for item in opened for part in _partitions(item, columns, index)]
        super().__init__(name, columns, partitions)

    @property
    def is_recipe(self) -> bool:
        """Whether the files stay: a temporary folder goes with this process."""
        return all(file.owner is None for file in self.files)


def _open(file: StoredFile) -> _Opened:
    with (
        other_formats_named(file, "Arrow IPC"),
        foreign_bytes(str(file), "Arrow IPC"),
        file.opened() as raw,
    ):
        magic = raw.read(len(MAGIC))
        raw.seek(0)
        if magic[:4] == b"FEA1":
            raise ParseError(
                f"{file} is in the old Feather format, version 1",
                hint="read it with pandas.read_feather and write it again",
            )
        if magic != MAGIC:
            with ipc.open_stream(raw) as stream:
                _ = stream.schema.names  # which may not be text
                return _Opened(file, stream.schema, None, {})
        with ipc.open_file(raw) as opened:
            schema, count = opened.schema, opened.num_record_batches
        infos = read_batch_infos(raw, schema)
        words = [at for at, field in enumerate(schema) if pa.types.is_dictionary(field.type)]
        dictionaries = {}
        if words and count:
            options = ipc.IpcReadOptions(included_fields=words)
            with ipc.open_file(raw, options=options) as opened:
                batch = _valid(opened.get_batch(0))
            dictionaries = {name: batch.column(name).dictionary for name in batch.schema.names}
        return _Opened(file, schema, tuple(infos), dictionaries)


def _found(
    common: CommonSchema,
    opened: Sequence[_Opened],
    refused: Mapping[str, SchemaError],
    names: Sequence[str],
) -> dict[str, Column]:
    for name in names:
        if name in refused:
            raise refused[name]
    return {
        name: _column(common.field(name), opened, common.untyped(name), name in common.declared)
        for name in names
    }


def _without_value(opened: Sequence[_Opened], name: str, kind: pa.DataType) -> bool:
    """Whether a column has no value in the files in which it is of a type."""
    return all(
        _holds_only_nulls(item, name) for item in opened if item.schema.field(name).type == kind
    )


def _holds_only_nulls(item: _Opened, name: str) -> bool:
    at = item.schema.get_field_index(name)
    return item.batches is not None and all(info.nulls[at] == info.rows for info in item.batches)


def _column(
    field: pa.Field, opened: Sequence[_Opened], untyped: Collection[pa.DataType], declared: bool
) -> Column:
    name, kind = field.name, field.type
    nullable = hold_nulls(_holds_nulls(item, name) for item in opened)
    typed = [item for item in opened if item.schema.field(name).type not in untyped]
    filled = [item for item in typed if item.batches is None or item.batches]
    if not declared or not pa.types.is_dictionary(kind):
        return delivered(field, nullable)
    if not all(name in item.dictionaries for item in filled):
        return delivered(field, nullable)
    return delivered(field, nullable, (item.dictionaries[name] for item in filled))


def _holds_nulls(item: _Opened, name: str) -> bool | None:
    if item.batches is None:
        return None if item.schema.field(name).nullable else False
    at = item.schema.get_field_index(name)
    return any(info.rows and info.nulls[at] for info in item.batches)


def _partitions(
    item: _Opened, columns: Mapping[str, Column | HiveKey], index: StoredIndex | None
) -> Iterator[IpcPartition | IpcStreamPartition]:
    if item.batches is None:
        yield IpcStreamPartition(item.file, columns, index)
        return
    names = tuple(item.schema.names)
    compressed = any(info.compressed for info in item.batches)
    whole = (item.file, columns, index, names, compressed, _largest(item.schema, item.batches))
    start = before = rows = size = 0
    for at, info in enumerate(item.batches):
        rows += info.rows
        size += info.nbytes
        if rows >= _ENOUGH_ROWS or (rows and at + 1 == len(item.batches)):
            yield IpcPartition(*whole, start, at + 1, before, rows, size)
            start, before, rows, size = at + 1, before + rows, 0, 0
