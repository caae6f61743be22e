"""Parquet files: partitions are runs of row groups."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.sources.base import Levels, Source
from statsmodels_ooc.sources.columns import Column, delivered_type, select
from statsmodels_ooc.sources.files import StoredFile, find_files, shown
from statsmodels_ooc.sources.frames import arrow_errors, categories_of, frames_of, union
from statsmodels_ooc.sources.hive import HiveKey, hive_keys, with_keys, without_keys
from statsmodels_ooc.sources.parquet_levels import chunk_dictionary, string_levels
from statsmodels_ooc.sources.schema import common_schema, declared_categories

__all__ = ["SUFFIXES", "ParquetSource", "footer", "holds_nulls", "read_parquet"]

SUFFIXES = (".parquet", ".pq", ".parq")

_ENOUGH_ROWS = 131_072
_MOST_ROWS = 1_048_576
_BUFFER = 2**18  # bytes of a column that are read ahead; otherwise all of a row group are


def read_parquet(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> ParquetSource:
    """Open Parquet files as a source; no row is read yet.

    Parameters
    ----------
    path : str, os.PathLike, or a list of them
        File, glob, directory (also hive-partitioned: ``year=2024/``) or fsspec URL.
    storage_options : mapping, optional
        Handed to fsspec for URLs.

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
    Columns have the dtypes of `pandas.read_parquet`, the same in every frame:
    integers are float64 where any row group may hold nulls, decimals are float64,
    dates are timestamps. A stored index that has a name is a column.

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
    return ParquetSource(find_files(path, SUFFIXES, storage_options), shown(path))


@dataclass(frozen=True)
class ParquetPartition:
    """Consecutive row groups of one file."""

    file: StoredFile
    start: int
    stop: int
    rows: int | None
    nbytes: int | None
    columns: Mapping[str, Column | HiveKey]

    @property
    def label(self) -> str:
        """File and row groups."""
        if self.stop - self.start == 1:
            return f"{self.file}, row group {self.start}"
        return f"{self.file}, row groups {self.start}-{self.stop - 1}"

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows as frames of at most ``max_rows`` rows."""
        chosen = select(self.columns, columns, str(self.file))
        stored = without_keys(chosen)
        frames = frames_of(self._batches(stored, max_rows, encoded), stored, max_rows, encoded)
        seen = 0
        for frame in with_keys(frames, chosen, self.file):
            seen += len(frame)
            yield frame
        if seen != self.rows:
            raise SourceChangedError(
                f"{self.label} gave {seen:,} rows, its footer says {self.rows:,}",
                hint="open the source again",
            )

    def _batches(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pa.RecordBatch]:
        names = [column.name for column in columns]
        known = footer(self.file.now())
        with (
            arrow_errors(self.label, "Parquet"),
            self.file.opened() as raw,
            pq.ParquetFile(
                raw,
                metadata=known,
                read_dictionary=[c.name for c in columns if c.name in encoded and _is_text(c.type)],
                pre_buffer=not self.file.local,
                page_checksum_verification=True,
                buffer_size=_BUFFER,
            ) as file,
        ):
            groups = list(range(self.start, self.stop))
            batches = file.iter_batches(
                batch_size=max_rows, row_groups=groups, columns=names, use_threads=False
            )
            for batch in batches:
                yield batch if batch.schema.names == names else batch.select(names)


class ParquetSource(Source):
    """Parquet files as one table; see `read_parquet`."""

    def __init__(self, files: Sequence[StoredFile], name: str) -> None:
        self.files = tuple(files)
        self._name = name
        workers = min(16, len(self.files))
        with ThreadPoolExecutor(workers) as pool:
            footers = list(pool.map(footer, self.files))
        self._plan = _plan(self.files, footers)

    @property
    def name(self) -> str:
        """The path as it was given."""
        return self._name

    @cached_property
    def dtypes(self) -> Mapping[str, Any]:
        """Column name to pandas dtype."""
        return {name: column.dtype for name, column in self._columns.items()}

    @cached_property
    def _columns(self) -> dict[str, Column | HiveKey]:
        return {name: self._delivered(name, kind) for name, kind in self._plan.items()}

    def _delivered(self, name: str, kind: pa.DataType | HiveKey) -> Column | HiveKey:
        if isinstance(kind, HiveKey):
            return kind
        nullable = holds_nulls(map(footer, self.files), name, kind)
        category = None
        if name in self._declared:
            category = categories_of(kind, union(self._dictionaries(name)))
        return Column(name, delivered_type(kind), nullable, category)

    @cached_property
    def _declared(self) -> frozenset[str]:
        """Columns whose dictionaries declare levels."""
        schemas = (footer(file).schema.to_arrow_schema() for file in self.files)
        return frozenset().union(*map(declared_categories, schemas))

    def _dictionaries(self, name: str) -> list[pa.Array]:
        places = [
            (file, group) for file in self.files for group in range(footer(file).num_row_groups)
        ]
        with ThreadPoolExecutor(8) as pool:
            return [
                words
                for found in pool.map(
                    lambda place: chunk_dictionary(place[0], place[1], name), places
                )
                for words in found
            ]

    @cached_property
    def partitions(self) -> Sequence[ParquetPartition]:
        """Runs of row groups, in file order."""
        return [
            ParquetPartition(file, start, stop, rows, size, self._columns)
            for file in self.files
            for start, stop, rows, size in _runs(footer(file))
        ]

    def levels(self, column: str) -> Levels | None:
        """Declared categories, hive keys, or complete small dictionary pages."""
        known: Column | HiveKey = select(self._columns, [column], self.name)[0]
        if known.levels is not None or isinstance(known, HiveKey):
            return known.levels
        if not _is_text(known.type):
            return None
        return string_levels(self.files, footer, column)


@lru_cache(maxsize=512)
def footer(file: StoredFile) -> pq.FileMetaData:
    """The file's footer, read once per process."""
    with arrow_errors(str(file), "Parquet"), file.opened() as raw:
        return pq.read_metadata(raw)


def _plan(
    files: Sequence[StoredFile], footers: Sequence[pq.FileMetaData]
) -> dict[str, pa.DataType | HiveKey]:
    schemas = []
    for file, known in zip(files, footers, strict=True):
        with arrow_errors(str(file), "Parquet"):
            schemas.append((str(file), known.schema.to_arrow_schema()))
    common = common_schema(schemas)
    plan: dict[str, pa.DataType | HiveKey] = dict(zip(common.names, common.types, strict=True))
    keys = hive_keys(files, [known.num_rows for known in footers])
    return plan | {key.name: key for key in keys if key.name not in plan}


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def holds_nulls(footers: Any, name: str, kind: pa.DataType) -> bool | None:
    """Whether nulls occur, from row-group statistics; None where they are silent.

    Only integers and booleans are looked up: other types hold nulls as they are.
    """
    if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        return True
    flags = [_file_holds_nulls(known, name) for known in footers]
    return True if True in flags else None if None in flags else False


def _file_holds_nulls(known: pq.FileMetaData, name: str) -> bool | None:
    leaves = [known.schema.column(i).path for i in range(known.num_columns)]
    if name not in leaves:
        return None
    at = leaves.index(name)
    if known.schema.column(at).max_definition_level == 0:
        return False
    silent = False
    for group in range(known.num_row_groups):
        chunk = known.row_group(group).column(at)
        stats = chunk.statistics if chunk.is_stats_set else None
        if stats is not None and stats.has_null_count:
            if stats.null_count:
                return True
        else:
            silent = silent or chunk.num_values > 0
    return None if silent else False


def _runs(known: pq.FileMetaData) -> Iterator[tuple[int, int, int, int]]:
    """Row groups as (start, stop, rows, bytes): tiny neighbours go together."""
    start = rows = size = 0
    for at in range(known.num_row_groups):
        group = known.row_group(at)
        if rows and (rows >= _ENOUGH_ROWS or rows + group.num_rows > _MOST_ROWS):
            yield start, at, rows, size
            start, rows, size = at, 0, 0
        rows += group.num_rows
        size += sum(group.column(i).total_compressed_size for i in range(group.num_columns))
    if rows:
        yield start, known.num_row_groups, rows, size
