"""What a reader of row groups holds, as the footer tells, and which columns it reads whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow.parquet as pq

from statsmodels_ooc.sources.columns import Column
from statsmodels_ooc.sources.frames import reader_bytes
from statsmodels_ooc.sources.parquet_footer import leaf_of

BUFFER = 2**18  # bytes of a column that are read ahead; otherwise all of a row group are
_PAGE = 2**20  # of a data page, at most so much unless writers are told otherwise
_COPIES = 3  # of a batch: its decoder's, the one that is handed on, one that a pool keeps
_KEPT = 1.25  # of what is asked of an allocator, what the process has
_KEPT_WHOLE = 1.65  # of whole columns, between which lies what was needed to read them
_FRAMES = 2  # one that is in use, and the next
_TOGETHER = 2**22  # that decoders may hold while columns are read whole
_FAR_TOGETHER = 2**26  # and of files that are far, which are not asked for each column
_SHORT_TEXT = 16  # bytes of a text at least, of which a dictionary page does not tell how many
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 8}


@dataclass(frozen=True)
class Reading:
    """How the columns of some row groups are read.

    Attributes
    ----------
    whole : tuple of tuple of str
        Columns that are read to their end before rows are handed on, a few at a time.
    nbytes : int
        What Arrow and frames hold at their peak.
    """

    whole: tuple[tuple[str, ...], ...]
    nbytes: int


@dataclass(frozen=True)
class _Stored:
    """A column of some row groups, in bytes.

    Attributes
    ----------
    name : str
        Its name.
    values, batch : int
        All of its values, and those of a frame.
    decoder : int
        What its decoder holds beside these.
    frames : int
        What is made of it that shares nothing with Arrow: doubles of other numbers; of the rest
        frames, of which one is in use while the next is made.
    is_fixed : bool
        Whether all of its values have the same width.
    """

    name: str
    values: int
    batch: int
    decoder: int
    frames: int
    is_fixed: bool

    @property
    def streaming(self) -> int:
        return self.decoder + _COPIES * self.batch

    @property
    def reading(self) -> int:
        return self.decoder + self.values

    @property
    def is_read_whole(self) -> bool:
        return self.is_fixed and self.values <= self.streaming


def planned(
    known: pq.FileMetaData,
    groups: Sequence[int],
    columns: Sequence[Column],
    max_rows: int,
    *,
    far: bool,
) -> Reading:
    """How some columns of row groups are read.

    Parameters
    ----------
    known : FileMetaData
        The footer.
    groups : sequence of int
        The row groups.
    columns : sequence of Column
        The columns.
    max_rows : int
        Rows of a frame.
    far : bool
        Whether all that is stored of the columns is fetched and kept.

    Notes
    -----
    Arrow's decoder of a column holds a page and the dictionary, its values as well as the page
    that it came from, and what is read ahead, from the first row to the last. A column of fixed
    width whose values take no more than that is read whole, so that few decoders are there at a
    time.
    """
    sizes = [(known.row_group(group).total_byte_size, group) for group in groups]
    span = _Span(
        known.row_group(max(sizes)[1]),
        sum(known.row_group(group).num_rows for group in groups),
        max_rows,
    )
    leaves = [(column, leaf_of(known, column.name, column.place)) for column in columns]
    stored = [_stored(span, column, leaf) for column, leaf in leaves if leaf is not None]
    whole = [one for one in stored if one.is_read_whole]
    together = list(_together(whole, _FAR_TOGETHER if far else _TOGETHER))
    reading = max((sum(one.reading for one in some) for some in together), default=0)
    streaming = sum(one.streaming for one in stored if not one.is_read_whole)
    handed_on = sum(one.frames for one in stored)
    held = max(reading, streaming + handed_on)
    if far:
        held += sum(stop - start for start, stop in stored_ranges(known, groups, columns))
    nbytes = _KEPT_WHOLE * sum(one.values for one in whole) + _KEPT * held
    return Reading(tuple(tuple(one.name for one in some) for some in together), int(nbytes))


def stored_ranges(
    known: pq.FileMetaData, groups: Sequence[int], columns: Sequence[Column]
) -> Iterator[tuple[int, int]]:
    """Where in a file some columns of row groups begin and end."""
    leaves = [leaf_of(known, column.name, column.place) for column in columns]
    for group in groups:
        described = known.row_group(group)
        for leaf in leaves:
            if leaf is not None:
                chunk = described.column(leaf)
                start = chunk.data_page_offset
                if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                    start = min(start, chunk.dictionary_page_offset)
                yield start, start + chunk.total_compressed_size


@dataclass(frozen=True)
class _Span:
    """Row groups of a file: the largest stands for all, of which there may be many."""

    largest: pq.RowGroupMetaData
    rows: int
    max_rows: int


def _stored(span: _Span, column: Column, leaf: int) -> _Stored:
    """What the footer tells of a column."""
    chunk = span.largest.column(leaf)
    size, rows = chunk.total_uncompressed_size, span.rows
    dictionary = _dictionary_bytes(chunk)
    page = min(_PAGE, size)
    ahead = min(BUFFER, chunk.total_compressed_size)
    width = _WIDTHS.get(chunk.physical_type)
    framed = min(span.max_rows, rows)
    if width is None:
        values = max(size * rows // max(chunk.num_values, 1), _SHORT_TEXT * rows)
        batch = min(values * framed // max(rows, 1), reader_bytes())
    else:
        values, batch = width * rows, width * framed
    if column.is_number and not _may_hold_nulls(chunk):
        frames = 0 if chunk.physical_type == "DOUBLE" else 8 * framed
    else:
        frames = _FRAMES * max(batch, 8 * framed) + 8 * framed
    return _Stored(
        column.name,
        values,
        batch,
        decoder=ahead + 2 * dictionary + max(dictionary, page),
        frames=frames,
        is_fixed=width is not None,
    )


def _may_hold_nulls(chunk: pq.ColumnChunkMetaData) -> bool:
    told = chunk.statistics if chunk.is_stats_set else None
    return told is None or not told.has_null_count or told.null_count > 0


def _dictionary_bytes(chunk: pq.ColumnChunkMetaData) -> int:
    """About the bytes of a dictionary page, compressed as well as the rest of its column."""
    if not (chunk.has_dictionary_page and chunk.total_compressed_size):
        return 0
    share = (chunk.data_page_offset - chunk.dictionary_page_offset) / chunk.total_compressed_size
    return int(chunk.total_uncompressed_size * min(max(share, 0), 1))


def _together(columns: Sequence[_Stored], most: int) -> Iterator[list[_Stored]]:
    """Neighbours that are read at a time: one at least."""
    held: list[_Stored] = []
    size = 0
    for column in columns:
        if held and size + column.reading > most:
            yield held
            held, size = [], 0
        held.append(column)
        size += column.reading
    if held:
        yield held
