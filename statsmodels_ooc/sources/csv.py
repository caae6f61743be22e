"""CSV files: partitions are byte ranges, or whole files where these cannot be cut."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa

from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.options import options
from statsmodels_ooc.sources.columns import Column, ColumnSource, is_number, select
from statsmodels_ooc.sources.csv_errors import Place, Ragged, check_closed, described, lines_before
from statsmodels_ooc.sources.csv_format import (
    COMPRESSED,
    CsvFormat,
    cleaned,
    is_cut,
    stored_types,
    without_thousands,
)
from statsmodels_ooc.sources.csv_options import checked_dtypes, csv_format, under_own_names
from statsmodels_ooc.sources.csv_schema import source_columns
from statsmodels_ooc.sources.csv_text import opened_text, text_errors, whole_records
from statsmodels_ooc.sources.files import StoredFile, find_files, shown
from statsmodels_ooc.sources.filesystems import storage_of
from statsmodels_ooc.sources.frames import frames_of, reader_bytes
from statsmodels_ooc.sources.hive import HiveKey, beside_keys, hive_keys
from statsmodels_ooc.sources.stored import FileRows

SUFFIXES = tuple(kind + packed for kind in (".csv", ".tsv", ".txt") for packed in ("", *COMPRESSED))

_SEARCH = 64 * 1024
_EXPANSION = 4  # bytes in memory for a byte of text: "1," is a number of eight bytes
_NUMBER = 8  # bytes of a value
_TEXTS = 2  # as it was read, and as its fields point to it
_FIELD = 4  # bytes of where a field ends
_KEPT = 1.1  # of what is asked of an allocator, what the process has
_FRAMES = 1  # that share nothing with what was parsed
_LEAST_BLOCK = 2**20  # bytes that are parsed at a time of what is read from start to end
_AHEAD = 3  # blocks: that is read, that is parsed, and that is joined from the ends of two
_LEAST_LINE = 2**25  # bytes that no limit forbids
_LINE_COPIES = 3  # of a line: as it was read, as it is parsed, and its values


def read_csv(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    delimiter: str | None = None,
    dtypes: Mapping[str, Any] | None = None,
    null_values: Collection[str] | None = None,
    block_size: int | str | None = None,
    newlines_in_values: bool = False,
    column_names: Sequence[str] | None = None,
    encoding: str = "utf8",
    quote_char: str | None = '"',
    escape_char: str | None = None,
    decimal_point: str = ".",
    skiprows: int = 0,
    comment: str | None = None,
    thousands: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    filesystem: Any = None,
    **pandas_names: Any,
) -> CsvSource:
    r"""Open CSV files as a source; only samples are read yet.

    Parameters
    ----------
    path : str, os.PathLike, or a list of them
        File, glob, directory (also hive-partitioned: ``year=2024/``) or fsspec URL;
        ``.gz``, ``.bz2``, ``.zst``, ``.xz`` and ``.zip`` too.
    delimiter : str, optional
        One character, or ``r"\s+"`` for runs of blanks and tabs; a tab for ``.tsv``
        files, otherwise a comma.
    dtypes : mapping, optional
        Column to dtype, for columns whose type is not to be taken from the samples.
    null_values : collection of str, optional
        What marks a missing value; by default what `pandas.read_csv` takes.
    block_size : int or str, optional
        Bytes of a partition; by default 16 MiB, less where ``memory_limit`` is below 2 GiB.
    newlines_in_values : bool
        Whether quoted fields may span lines. The files are then read from start to
        end by one thread each.
    column_names : sequence of str, optional
        Names for files without a header row.
    encoding : str
        Anything but UTF-8 is read from start to end by one thread per file.
    quote_char : str or None
        None where quotes mean nothing.
    escape_char : str, optional
        The character that takes the meaning from the next one.
    decimal_point : str
        The decimal mark of numbers.
    skiprows : int
        Lines before the header, or before the data of files without one.
    comment : str, optional
        The character from which on the rest of a line is no data.
    thousands : str, optional
        The character between thousands: 1,234,567.
    storage_options : mapping, optional
        Handed to fsspec for URLs.
    filesystem : pyarrow.fs.FileSystem or fsspec.AbstractFileSystem, optional
        What to reach the files through, in place of ``storage_options``.
    **pandas_names
        The same by the names that `pandas.read_csv` has for them: ``sep``, ``dtype``,
        ``names``, ``quotechar``, ``escapechar``, ``decimal``, ``parse_dates`` (a list of
        columns), ``header=None`` beside names, and ``na_values``, which are added to the
        ``null_values`` that are there by default. What chooses pandas' parser (``engine``,
        ``low_memory``) changes nothing.

    Returns
    -------
    CsvSource
        Its partitions are read in parallel, and it is `slow` to read again.

    Raises
    ------
    SourceNotFoundError
        When no file matches.
    OptionError
        For an option that does not exist, with the one that does the same, or a value
        that is not allowed.
    SchemaError
        When the files' headers or types do not agree; it names both files.
    ParseError
        When a row has the wrong number of fields or a value does not suit its
        column: it names file, line and column. Mostly raised while reading.

    Notes
    -----
    A column has one type in all blocks, with one exception: whole numbers and truth
    values are masked in the frames that have missing ones. Dates are text, as for
    `pandas.read_csv`, until ``dtypes`` says otherwise.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from statsmodels_ooc.sources.csv import read_csv
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "t.csv")
    >>> _ = file.write_text("y,g\n1.5,a\n2.5,b\n")
    >>> read_csv(file, dtypes={"y": "float64"}).head()["y"].sum().item()
    4.0
    >>> folder.cleanup()
    """
    options: dict[str, Any] = {
        "delimiter": delimiter,
        "dtypes": dtypes,
        "null_values": null_values,
        "column_names": column_names,
        "quote_char": quote_char,
        "escape_char": escape_char,
        "decimal_point": decimal_point,
    }
    options = under_own_names(options, pandas_names)
    chosen = checked_dtypes(options.pop("dtypes"))
    files = find_files(path, SUFFIXES, storage_of(storage_options, filesystem))
    options["delimiter"] = options["delimiter"] or _usual_delimiter(files[0].name)
    style = csv_format(
        block_size=reader_bytes() // _EXPANSION if block_size is None else block_size,
        newlines_in_values=newlines_in_values,
        encoding=encoding,
        skiprows=skiprows,
        comment=comment,
        thousands=thousands,
        **options,
    )
    return CsvSource(files, shown(path), style, chosen)


def _usual_delimiter(path: str) -> str:
    return "\t" if ".tsv" in os.path.basename(path).lower() else ","


@dataclass(frozen=True)
class _Lines(FileRows):
    """Lines of a file, whose header has the columns in the order of ``names``."""

    file: StoredFile
    style: CsvFormat
    columns: Mapping[str, Column | HiveKey]
    names: tuple[str, ...]
    line_bytes: int

    rows = None  # only reading can tell

    @property
    def version(self) -> str:
        """That of the file, and how it is read."""
        return f"{super().version} {self.style}"

    def _frames(
        self,
        lines: bytes,
        number: Callable[[], int],
        columns: Sequence[Column],
        max_rows: int,
        encoded: Collection[str],
    ) -> Iterator[pd.DataFrame]:
        """Frames of whole lines, before which there are a ``number`` of lines in the file."""
        wanted = [column.name for column in columns] or self.names[:1]
        ragged = Ragged()
        try:
            table = self.style.table(
                lines, self.names, wanted, stored_types(columns, self.style), ragged
            )
        except pa.ArrowInvalid as error:
            place = Place(number(), lines)
            raise described(error, ragged, self.file, self.names, place) from error
        batches = iter(table.to_batches(max_chunksize=max_rows))
        numbers = without_thousands(batches, columns, self.style, self.label)
        return frames_of(numbers, columns, max_rows, encoded)

    def _parsed(self, columns: Sequence[str], text: int) -> int:
        """About the bytes of the values of some columns in so many bytes of text."""
        lines = text / max(self.line_bytes, 1)
        return int(lines * sum(map(self._width, select(self.columns, columns, str(self.file)))))

    def _width(self, column: Column | HiveKey) -> int:
        if isinstance(column, HiveKey):
            return 0
        if is_number(column.type) and self.style.thousands is None:
            return _NUMBER
        return _NUMBER + self.line_bytes // max(len(self.names), 1)


@dataclass(frozen=True)
class CsvRange(_Lines):
    """The lines of a file that begin inside a range of bytes."""

    first: int  # where the file's data begins
    start: int
    stop: int

    @property
    def label(self) -> str:
        return f"{self.file}, bytes {self.start}-{self.stop}"

    @property
    def nbytes(self) -> int:
        return self.stop - self.start

    def reading_bytes(self, columns: Sequence[str], max_rows: int) -> int:
        """The text, the fields of all columns in it, the values of those wanted, and frames."""
        values = self._parsed(columns, self.nbytes)
        frame = self._parsed(columns, max_rows * self.line_bytes)
        fields = _FIELD * len(self.names) * self.nbytes // max(self.line_bytes, 1)
        held = _TEXTS * self.nbytes + fields + values + _FRAMES * min(values, frame)
        return int(_KEPT * held)

    def stored(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pd.DataFrame]:
        with self.file.opened() as raw:
            start = self._line_start(raw, self.start)
            stop = self._line_start(raw, self.stop)
            raw.seek(start)
            data = cleaned(raw.read(stop - start), self.style)
            if not data.strip(b"\r\n"):
                return
            check_closed(data, self.style, self.label, ended=stop == self.file.size)
            before = partial(lines_before, raw, start)
            frames = self._frames(data, before, columns, max_rows, encoded)
        yield from frames

    def _line_start(self, raw: pa.NativeFile, at: int) -> int:
        """The first line that begins at or after ``at``.

        Raises
        ------
        MemoryLimitError
            The line before it is so long that memory has no room for it.
        """
        if at <= self.first:
            return self.first
        position = at - 1
        raw.seek(position)
        while position < self.file.size:
            piece = raw.read(_SEARCH)
            found = piece.find(b"\n")
            if found >= 0:
                return int(position + found + 1)
            position += len(piece)
            if not piece:
                break  # the file is shorter than it was, as is found when it is closed
            if _LINE_COPIES * (position - at) > max(options.memory_limit, _LEAST_LINE):
                raise self._too_long(position - at)
        return self.file.size

    def _too_long(self, length: int) -> MemoryLimitError:
        need = _LINE_COPIES * length
        return MemoryLimitError(
            f"{self.label}: a line goes on for more than {length:,} bytes, and reading it takes "
            f"more than {need:,}, which is more than memory_limit = {options.memory_limit:,}",
            hint="a line end is missing, a quote spans lines (newlines_in_values=True), or a field "
            "is as long as that: smo.options.memory_limit = '8 GiB' raises the limit",
            needed=need,
        )


@dataclass(frozen=True)
class CsvWhole(_Lines):
    """A file that can only be read from start to end."""

    header_lines: int
    header_bytes: int  # of the text

    @property
    def label(self) -> str:
        return str(self.file)

    @property
    def nbytes(self) -> int:
        return self.file.size

    def reading_bytes(self, columns: Sequence[str], max_rows: int) -> int:
        """What is parsed at a time, and frames."""
        text = max(self.style.block_size, _LEAST_BLOCK)
        values = self._parsed(columns, text)
        return int(_KEPT * (_AHEAD * text + (1 + _FRAMES) * values))

    def stored(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pd.DataFrame]:
        size = max(self.style.block_size, _LEAST_BLOCK)
        number = self.header_lines
        with text_errors(self.file, self.style), self.file.opened() as raw:
            text = opened_text(raw, self.file, self.style)
            text.read(self.header_bytes)
            with closing(whole_records(text, self.style, self.label, size)) as pieces:
                for lines in pieces:
                    before = partial(int, number)
                    yield from self._frames(lines, before, columns, max_rows, encoded)
                    number += lines.count(b"\n")
                    del lines  # before the next are cut


class CsvSource(ColumnSource):
    """CSV files as one table; see `read_csv`."""

    def __init__(
        self,
        files: Sequence[StoredFile],
        name: str,
        style: CsvFormat,
        dtypes: Mapping[str, Any],
    ) -> None:
        stored, headers = source_columns(files, style, dtypes)
        filled = [
            header.closed and (not is_cut(file, style) or header.end < file.size)
            for file, header in zip(files, headers, strict=True)
        ]
        columns = beside_keys(stored, hive_keys(files, filled))
        partitions: list[CsvRange | CsvWhole] = []
        for file, header in zip(files, headers, strict=True):
            lines = (file, style, columns, header.names, header.line_bytes)
            if is_cut(file, style):
                for start in range(header.end, max(file.size, header.end + 1), style.block_size):
                    stop = min(start + style.block_size, file.size)
                    partitions.append(CsvRange(*lines, header.end, start, stop))
            elif header.closed:
                partitions.append(CsvWhole(*lines, header.lines, header.end))
        super().__init__(name, columns, partitions)

    slow = True  # parsing text again costs more than a local copy
