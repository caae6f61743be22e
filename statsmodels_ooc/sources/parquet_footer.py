"""What the footers and dictionary pages of Parquet files tell without a row."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from statsmodels_ooc.forks import Lock
from statsmodels_ooc.options import options
from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.columns import is_text
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.frames import foreign_bytes, union
from statsmodels_ooc.sources.signatures import other_formats_named

_EXPANSION = 10  # bytes in memory for a byte of a stored footer, about
_SHARE = 8  # of memory_limit, that footers kept from reading them again may take


# A dictionary page holds every value of its column chunk only if no data page fell back to
# another encoding. The footer records that per chunk (encoding_stats, field 13 of
# ColumnMetaData), and pyarrow does not hand it on: it is read from the Thrift compact
# protocol. The numbers are those of Apache Parquet's parquet.thrift: FileMetaData, RowGroup,
# ColumnMetaData, PageEncodingStats.
_DATA_PAGES = {0, 3}
_DICTIONARY_ENCODINGS = {2, 8}
_ENCODINGS, _PATH, _DICTIONARY_OFFSET, _STATS = 2, 3, 11, 13


class _Footers:
    """Footers that were read lately, as many as a share of the memory holds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[StoredFile, pq.FileMetaData] = OrderedDict()
        self._stored = 0
        self._lock = Lock()

    def __call__(self, file: StoredFile) -> pq.FileMetaData:
        """The footer of a file, read again only where many others were read since."""
        with self._lock:
            if file in self._kept:
                self._kept.move_to_end(file)
                return self._kept[file]
        with (
            other_formats_named(file, "Parquet"),
            foreign_bytes(str(file), "Parquet"),
            file.opened() as raw,
        ):
            known = pq.read_metadata(raw)
        with self._lock:
            if file not in self._kept:
                self._kept[file] = known
                self._stored += known.serialized_size
            while _EXPANSION * self._stored > options.memory_limit // _SHARE and self._kept:
                _, oldest = self._kept.popitem(last=False)
                self._stored -= oldest.serialized_size
        return known


footer = _Footers()


def leaf_of(known: pq.FileMetaData, name: str, near: int = 0) -> int | None:
    """The position among a file's leaves of a column, looked for first near a place.

    None where the column has other columns in it.
    """
    schema, count = known.schema, known.num_columns
    places = chain(range(near, count), range(min(near, count)))
    return next((at for at in places if schema.column(at).path == name), None)


def holds_nulls(
    footers: Iterable[pq.FileMetaData],
    kinds: Mapping[str, pa.DataType],
    near: Mapping[str, int],
) -> dict[str, bool | None]:
    """Whether nulls occur in columns, from row-group statistics; None where they are silent.

    Only integers and booleans are looked up, the footers once for all of them: other types
    hold nulls as they are. ``near`` says where to look first for each among the leaves.
    """
    doubtful = {
        name
        for name, kind in kinds.items()
        if pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    }
    found: dict[str, bool | None] = {name: name not in doubtful for name in kinds}
    for known in footers if doubtful else ():
        flags = {name: _file_holds_nulls(known, name, near.get(name, 0)) for name in doubtful}
        found |= {name: flag for name, flag in flags.items() if flag is not False}
        doubtful -= {name for name, flag in flags.items() if flag}
    return found


def _file_holds_nulls(known: pq.FileMetaData, name: str, near: int) -> bool | None:
    at = leaf_of(known, name, near)
    if at is None:
        return None
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


def holds_only_nulls(known: pq.FileMetaData, name: str, near: int = 0) -> bool:
    """Whether the statistics of a file say that a column has no value; see `leaf_of`."""
    at = leaf_of(known, name, near)
    if at is None:
        return False
    for group in range(known.num_row_groups):
        chunk = known.row_group(group).column(at)
        stats = chunk.statistics if chunk.is_stats_set else None
        nulls = stats.null_count if stats is not None and stats.has_null_count else 0
        if nulls < chunk.num_values:
            return False
    return True


def wholly_dictionary_encoded(metadata: pq.FileMetaData, column: str) -> list[bool]:
    """For each row group, whether its dictionary page is known to hold all values of a column.

    The column is one of the top level.
    """
    sink = pa.BufferOutputStream()
    metadata.write_metadata_file(sink)
    raw = memoryview(sink.getvalue()).cast("B")
    length = int.from_bytes(raw[-8:-4], "little")
    footer, _ = _struct(raw, len(raw) - 8 - length)
    polars = str(metadata.created_by).startswith("Polars")
    return [_is_whole(group[1], column, polars) for group in footer[4]]


def _is_whole(chunks: list[dict[int, Any]], column: str, polars: bool) -> bool:
    for chunk in chunks:
        described = chunk.get(3, {})
        if described.get(_PATH) != [column.encode()]:
            continue
        stats = described.get(_STATS)
        if stats is None:
            encodings = set(described.get(_ENCODINGS, []))
            if polars:  # encodes a chunk either wholly with a dictionary or without
                return _DICTIONARY_OFFSET in described and 8 in encodings
            return bool(encodings) and encodings <= _DICTIONARY_ENCODINGS
        return all(page[2] in _DICTIONARY_ENCODINGS for page in stats if page[1] in _DATA_PAGES)
    return False


def _varint(raw: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _zigzag(raw: memoryview, at: int) -> tuple[int, int]:
    value, at = _varint(raw, at)
    return (value >> 1) ^ -(value & 1), at


def _struct(raw: memoryview, at: int) -> tuple[dict[int, Any], int]:
    fields: dict[int, Any] = {}
    number = 0
    while (head := raw[at]) != 0:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(raw, at)
        kind = head & 0x0F
        if kind in (1, 2):
            fields[number] = kind == 1
        else:
            fields[number], at = _value(raw, at, kind)
    return fields, at + 1


def _value(raw: memoryview, at: int, kind: int) -> tuple[Any, int]:
    if kind in (1, 2, 3):
        return raw[at], at + 1
    if kind in (4, 5, 6):
        return _zigzag(raw, at)
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = _varint(raw, at)
        return bytes(raw[at : at + length]), at + length
    if kind in (9, 10):
        return _list(raw, at)
    if kind == 12:
        return _struct(raw, at)
    raise ValueError(f"Thrift type {kind} does not occur in a Parquet footer")


def _list(raw: memoryview, at: int) -> tuple[list[Any], int]:
    head = raw[at]
    at += 1
    length, kind = head >> 4, head & 0x0F
    if length == 15:
        length, at = _varint(raw, at)
    items = []
    for _ in range(length):
        item, at = _value(raw, at, kind)
        items.append(item)
    return items, at


_LOOKED_AT = 256  # rows


def holds_text(kind: pa.DataType) -> bool:
    """Whether values of a type have no fixed size."""
    if pa.types.is_dictionary(kind):
        return holds_text(kind.value_type)
    return is_text(kind) or bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def text_bytes(file: pq.ParquetFile, groups: Sequence[int], columns: Sequence[str]) -> float:
    """About how many bytes some columns of text take in a row, before it is read.

    The footer tells the stored bytes, which are those in memory unless texts are words of a
    dictionary: of these the first rows tell the length.
    """
    first = next(
        file.iter_batches(
            batch_size=_LOOKED_AT, row_groups=groups[:1], columns=columns, use_threads=False
        ),
        None,
    )
    seen = 0.0 if first is None else sum(_mean_bytes(column) for column in first.columns)
    return max(seen, *(_stored_bytes(file.metadata, group, columns) for group in groups))


def _mean_bytes(column: pa.Array) -> float:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary
    return float(column.nbytes / max(len(column), 1))


def _stored_bytes(known: pq.FileMetaData, group: int, columns: Sequence[str]) -> float:
    at = [leaf_of(known, name, known.num_columns) for name in columns]
    chunks = [known.row_group(group).column(leaf) for leaf in at if leaf is not None]
    stored = sum(chunk.total_uncompressed_size for chunk in chunks)
    return float(stored / max(known.row_group(group).num_rows, 1))


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
        if pa.types.is_dictionary(kind) and not _are_seen(opened, column, union(found)):
            return None
    return found


_FIRST_ROWS = 2**20  # rows: levels that are in none of them are rare, or do not occur


def _are_seen(opened: pq.ParquetFile, column: str, words: Sequence[Any]) -> bool:
    """Whether the first rows have all words of dictionaries, which may have more than rows do."""
    unseen, read = set(words), 0
    for group in range(opened.metadata.num_row_groups):
        for batch in _batches(opened, group, column, 65_536):
            if not unseen or read >= _FIRST_ROWS:
                return not unseen
            array = batch.column(0)
            used = np.unique(array.indices.drop_null().to_numpy())
            unseen -= set(array.dictionary.take(pa.array(used)).to_pylist())
            read += batch.num_rows
    return not unseen
