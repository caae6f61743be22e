"""Parquet files: partitions are runs of row groups."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.sources.base import Levels, Lookup
from statsmodels_ooc.sources.columns import Column, ColumnSource, is_text, select
from statsmodels_ooc.sources.files import StoredFile, find_files, shown
from statsmodels_ooc.sources.filesystems import storage_of
from statsmodels_ooc.sources.frames import foreign_bytes, release_unused, rows_within
from statsmodels_ooc.sources.hive import HiveKey, beside_keys, hive_keys
from statsmodels_ooc.sources.parquet_footer import (
    dictionaries,
    footer,
    holds_nulls,
    holds_only_nulls,
    holds_text,
    string_levels,
    text_bytes,
)
from statsmodels_ooc.sources.parquet_memory import BUFFER, Reading, planned, stored_ranges
from statsmodels_ooc.sources.schema import CommonSchema, StoredIndex, delivered, stored_index
from statsmodels_ooc.sources.stored import ArrowRows
from statsmodels_ooc.sources.told_options import options_told

SUFFIXES = (".parquet", ".pq", ".parq")
_ENOUGH_ROWS = 131_072
_MOST_ROWS = 1_048_576
_READERS = 16  # threads that wait for footers and dictionaries, of files that may be far
_QUICK = 0.001  # seconds for a file, below which handing it to a thread takes longer


@options_told
def read_parquet(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    storage_options: Mapping[str, Any] | None = None,
    filesystem: Any = None,
) -> ParquetSource:
    """Open Parquet files as a source; no row is read yet.

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
    ParquetSource
        Partitions are runs of row groups of one file.

    Raises
    ------
    SourceNotFoundError
        When no file matches.
    SchemaError
        When the files do not agree on a column; it names both files.
    ParseError
        When a file is not Parquet, or is truncated.

    Notes
    -----
    Columns have the same dtype in every frame: whole numbers and truth values are masked
    (Int64, boolean) where any row group holds nulls, and where the footer does not tell, in
    the frames that do. Decimals are doubles as long as these tell them apart, whole ones
    integers, longer ones stay Arrow's decimals; dates are timestamps. Dictionaries are
    Categoricals where they are ordered or of pandas' making, elsewhere their values. A stored
    index that has a name is a column.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from statsmodels_ooc.sources.parquet import read_parquet
    >>> folder = tempfile.TemporaryDirectory()
    >>> pd.DataFrame({"y": [1.0, 2.0], "g": ["a", "b"]}).to_parquet(folder.name + "/t.parquet")
    >>> source = read_parquet(folder.name + "/*.parquet")
    >>> source.rows, source.columns
    (2, ('y', 'g'))
    >>> folder.cleanup()
    """
    return ParquetSource(
        find_files(path, SUFFIXES, storage_of(storage_options, filesystem)), shown(path)
    )


@dataclass(frozen=True)
class ParquetPartition(ArrowRows):
    """Consecutive row groups of one file."""

    file: StoredFile
    columns: Mapping[str, Column | HiveKey]
    index: StoredIndex | None
    start: int
    stop: int
    before: int
    rows: int
    nbytes: int

    format = "Parquet"

    @property
    def label(self) -> str:
        if self.stop - self.start == 1:
            return f"{self.file}, row group {self.start}"
        return f"{self.file}, row groups {self.start}-{self.stop - 1}"

    def table(self, names: Sequence[str]) -> pa.Table:
        known = footer(self.file.as_read())
        with self.file.opened() as raw, pq.ParquetFile(raw, metadata=known) as file:
            return file.read_row_groups(self._groups, columns=list(names), use_threads=False)

    @property
    def _groups(self) -> list[int]:
        return list(range(self.start, self.stop))

    def reading_bytes(self, columns: Sequence[str], max_rows: int) -> int:
        chosen = select(self.columns, columns, str(self.file))
        stored = [column for column in chosen if not isinstance(column, HiveKey)]
        return self._reading(footer(self.file), stored, max_rows).nbytes

    def _reading(self, known: pq.FileMetaData, columns: Sequence[Column], max_rows: int) -> Reading:
        return planned(known, self._groups, columns, max_rows, far=not self.file.local)

    def batches(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pa.RecordBatch]:
        names = [column.name for column in columns]
        seen = 0

        def stored() -> Iterator[tuple[int, int]]:
            return stored_ranges(footer(self.file.as_read()), self._groups, columns)

        with (
            self.file.opened(expected=stored) as raw,
            pq.ParquetFile(
                raw,
                metadata=footer(self.file.as_read()),
                read_dictionary=[c.name for c in columns if c.name in encoded and is_text(c.type)],
                pre_buffer=False,
                page_checksum_verification=True,
                buffer_size=BUFFER,
            ) as file,
        ):
            text = [column.name for column in columns if holds_text(column.type)]
            rows = max_rows
            if text:
                rows = rows_within(max_rows, text_bytes(file, self._groups, text), 1)
            whole = self._whole(file, self._reading(file.metadata, columns, rows))
            is_long = rows < max_rows  # texts, whose builders Arrow's pool keeps in every size
            for batch in self._beside(whole, file, names, rows):
                seen += batch.num_rows
                yield batch
                del batch
                if is_long:
                    release_unused()
        if seen != self.rows:
            raise SourceChangedError(
                f"{self.label} gave {seen:,} rows, its footer says {self.rows:,}",
                hint="open the source again",
            )

    def _whole(self, file: pq.ParquetFile, reading: Reading) -> dict[str, pa.Array]:
        """The columns that are read to their end at once."""
        found: dict[str, pa.Array] = {}
        for names in reading.whole:
            table = file.read_row_groups(self._groups, columns=list(names), use_threads=False)
            found |= {name: _one_array(table.column(name)) for name in names}
        return found

    def _beside(
        self, whole: Mapping[str, pa.Array], file: pq.ParquetFile, names: list[str], rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Batches of all columns, the others read as they are handed on."""
        others = [name for name in names if name not in whole]
        if not others and whole:
            table = pa.Table.from_pydict({name: whole[name] for name in names})
            yield from table.to_batches(max_chunksize=rows)
            return
        start = 0
        for batch in file.iter_batches(
            batch_size=rows, row_groups=self._groups, columns=others, use_threads=False
        ):
            arrays = {name: array.slice(start, batch.num_rows) for name, array in whole.items()}
            arrays |= dict(zip(batch.schema.names, batch.columns, strict=True))
            start += batch.num_rows
            yield pa.record_batch([arrays[name] for name in names], names) if names else batch


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


class ParquetSource(ColumnSource):
    """Parquet files as one table; see `read_parquet`."""

    def __init__(self, files: Sequence[StoredFile], name: str) -> None:
        self.files = tuple(files)
        opened = of_each(_opened, self.files)
        schemas = [(str(file), one[0]) for file, one in zip(self.files, opened, strict=True)]
        index = stored_index(schemas)
        self._common = CommonSchema(schemas, without_value=self._without_value)
        keys = hive_keys(self.files, [rows for _, _, rows in opened])
        columns = beside_keys(Lookup(self._common.names, self._found), keys)
        partitions = [
            ParquetPartition(file, columns, index, *run)
            for file, (_, runs, _) in zip(self.files, opened, strict=True)
            for run in runs
        ]
        super().__init__(name, columns, partitions)

    def _without_value(self, name: str, kind: pa.DataType) -> bool:
        near = self._common.position(name)
        files = [file for file in self.files if _type_in(file, name) == kind]
        return all(holds_only_nulls(footer(file), name, near) for file in files)

    def _typed(self, name: str) -> list[StoredFile]:
        """The files but those whose type of a column counts as none."""
        untyped = self._common.untyped(name)
        return [file for file in self.files if not untyped or _type_in(file, name) not in untyped]

    def _found(self, names: Sequence[str]) -> dict[str, Column]:
        fields = {name: self._common.field(name) for name in names}
        kinds = {name: field.type for name, field in fields.items()}
        near = {name: self._common.position(name) for name in names}
        nullable = holds_nulls(map(footer, self.files), kinds, near)
        return {
            name: replace(self._column(fields[name], nullable[name]), place=near[name])
            for name in names
        }

    def _column(self, field: pa.Field, nullable: bool | None) -> Column:
        if field.name not in self._common.declared or not pa.types.is_dictionary(field.type):
            return delivered(field, nullable)
        found = of_each(partial(dictionaries, column=field.name), self._typed(field.name))
        return delivered(field, nullable, chain.from_iterable(found))

    def levels(self, column: str) -> Levels | None:
        """Declared categories, hive keys, or complete small dictionary pages."""
        known: Column | HiveKey = select(self.known, [column], self.name)[0]
        if known.levels is not None or isinstance(known, HiveKey):
            return known.levels
        return string_levels(self._typed(column), column) if is_text(known.type) else None


def _type_in(file: StoredFile, name: str) -> pa.DataType:
    return footer(file).schema.to_arrow_schema().field(name).type


def _opened(file: StoredFile) -> tuple[pa.Schema, list[tuple[int, ...]], int]:
    """What a source keeps of a footer: the schema, runs of row groups, and all rows."""
    known = footer(file)
    with foreign_bytes(str(file), "Parquet"):
        return (
            known.schema.to_arrow_schema(),
            list(runs_of_groups(known, file.size)),
            known.num_rows,
        )


def of_each(function: Callable[[Any], Any], files: Sequence[Any]) -> list[Any]:
    """What a function gives for some files: for all that are not quick, in threads."""
    found: list[Any] = []
    began = time.perf_counter()
    for file in files:
        if not file.local or time.perf_counter() - began > _QUICK * (len(found) + 1):
            break
        found.append(function(file))
    if len(found) < len(files):
        with ThreadPoolExecutor(min(_READERS, len(files) - len(found))) as pool:
            found += pool.map(function, files[len(found) :])
    return found


def runs_of_groups(known: pq.FileMetaData, stored: int) -> Iterator[tuple[int, ...]]:
    """Row groups as (start, stop, rows before, rows, bytes): tiny neighbours go together.

    The stored bytes of a file are shared out as the groups' bytes in memory are: what is
    stored of a group is written at each of its columns, of which there may be thousands.
    """
    groups = [known.row_group(at) for at in range(known.num_row_groups)]
    total = max(sum(group.total_byte_size for group in groups), 1)
    start = before = rows = size = 0
    for at, group in enumerate(groups):
        if rows and (rows >= _ENOUGH_ROWS or rows + group.num_rows > _MOST_ROWS):
            yield start, at, before, rows, stored * size // total
            start, before, rows, size = at, before + rows, 0, 0
        rows += group.num_rows
        size += group.total_byte_size
    if rows:
        yield start, known.num_row_groups, before, rows, stored * size // total
