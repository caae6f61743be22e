"""Levels from Parquet dictionary pages, where these are known to be complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.damage import foreign_bytes
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.frames import union
from statsmodels_ooc.sources.parquet_footer import footer, leaf_of, wholly_dictionary_encoded

__all__ = ["dictionaries", "string_levels"]

_LARGEST_DICTIONARY = 256 * 1024

# Writers whose dictionary pages are known to hold the values that occur and no others.
# DuckDB's holds "" in the place of null.
_EXACT_WRITERS = ("parquet-cpp-arrow", "Polars", "DuckDB")


def dictionaries(file: StoredFile, column: str) -> list[pa.Array]:
    """The dictionaries of a dictionary-typed column in all row groups of a file."""
    known = footer(file)
    found = []
    with foreign_bytes(str(file), "Parquet"), _opened(file, known, column) as opened:
        whole = wholly_dictionary_encoded(known, column)
        for group in range(known.num_row_groups):
            with foreign_bytes(f"{file}, row group {group}", "Parquet"):
                found += _chunk_dictionaries(opened, group, column, whole[group])
    return found


def _chunk_dictionaries(
    opened: pq.ParquetFile, group: int, column: str, whole: bool
) -> list[pa.Array]:
    """One, from the first row, where the dictionary page holds everything.

    Otherwise the chunk is read to its end.
    """
    if not opened.metadata.row_group(group).num_rows:
        return []
    if whole:
        return [next(_batches(opened, group, column, 1)).column(0).dictionary]
    return [batch.column(0).dictionary for batch in _batches(opened, group, column, 65_536)]


@contextmanager
def _opened(file: StoredFile, known: pq.FileMetaData, column: str) -> Iterator[pq.ParquetFile]:
    with (
        file.opened() as raw,
        pq.ParquetFile(raw, metadata=known, read_dictionary=[column]) as opened,
    ):
        yield opened


def _batches(
    opened: pq.ParquetFile, group: int, column: str, size: int
) -> Iterator[pa.RecordBatch]:
    yield from opened.iter_batches(
        batch_size=size, row_groups=[group], columns=[column], use_threads=False
    )


def string_levels(files: Sequence[StoredFile], column: str) -> Levels | None:
    """The values of a string column from its dictionary pages, None if not certain."""
    words: list[pa.Array] = []
    for file in files:
        with foreign_bytes(str(file), "Parquet"):
            found = _exact_dictionaries(file, column)
        if found is None:
            return None
        words += found
    values = union(words)
    if sum(len(str(value).encode()) + 4 for value in values) > _LARGEST_DICTIONARY:
        return None
    return Levels(tuple(values), is_categorical=False)


def _exact_dictionaries(file: StoredFile, column: str) -> list[pa.Array] | None:
    known = footer(file)
    schema = known.schema.to_arrow_schema()
    writer = str(known.created_by)
    from_arrow = writer.startswith("parquet-cpp-arrow")
    stored_type = b"ARROW:schema" in (known.metadata or {})
    if not writer.startswith(_EXACT_WRITERS) or (from_arrow and not stored_type):
        return None
    kind = schema.field(column).type
    if pa.types.is_null(kind):
        return []
    if pa.types.is_dictionary(kind):
        return None
    whole = wholly_dictionary_encoded(known, column)
    at = leaf_of(known, column, schema.get_field_index(column))
    found = []
    with _opened(file, known, column) as opened:
        for group in range(known.num_row_groups):
            if known.row_group(group).column(at).num_values == 0:
                continue
            if not whole[group]:
                return None
            words = next(_batches(opened, group, column, 1)).column(0).dictionary
            if words.nbytes > _LARGEST_DICTIONARY:
                return None
            if writer.startswith("DuckDB") and "" in words.to_pylist():
                return None
            found.append(words)
    return found
