"""The header of a CSV file, and its columns' types from samples."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from statsmodels_ooc.errors import OptionError, ParseError
from statsmodels_ooc.sources.base import Lookup
from statsmodels_ooc.sources.columns import Column, check_unique, joined, select
from statsmodels_ooc.sources.csv_format import (
    SIGNED,
    CsvFormat,
    SignedColumn,
    cleaned,
    is_cut,
    number_type,
)
from statsmodels_ooc.sources.csv_text import check_text, opened_text, text_errors, where_no_text
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.schema import CommonSchema

_HEAD = 4 * 2**20
_LATER = 256 * 2**10
_LATER_SAMPLES = 8
_HEADER = 2**20
_DIGITS = 38  # of the longest integers that are told apart
_NO_INT64 = re.compile(rb"\+[0-9]|[0-9]{19}")  # integers of which Arrow may make doubles
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = range(-(2**63), 2**63)


def source_columns(
    files: Sequence[StoredFile], style: CsvFormat, dtypes: Mapping[str, Any]
) -> tuple[Lookup[Column], list[Header]]:
    """The columns of all files, and each file's header.

    Samples are read for the columns that are asked for; one whose types do not agree, or
    that a file lacks, is refused then.
    """
    headers = [_header_of(file, style) for file in files]
    names = dict.fromkeys(name for header in headers for name in header.names)
    select(names, list(dtypes), str(files[0]))
    declared = {name: _declared(name, dtype) for name, dtype in dtypes.items()}
    return Lookup(names, partial(_found, files, headers, style, declared)), headers


def _found(
    files: Sequence[StoredFile],
    headers: Sequence[Header],
    style: CsvFormat,
    declared: Mapping[str, Column],
    names: Sequence[str],
) -> dict[str, Column]:
    """Columns with the user's dtypes over those of samples."""
    sampled = [name for name in names if name not in declared]
    schemas = []
    for number, (file, header) in enumerate(zip(files, headers, strict=True)):
        has = set(header.names)
        types: dict[str, pa.DataType] = {name: pa.null() for name in names if name in has}
        wanted = [name for name in sampled if name in has]
        if wanted:
            pieces = _samples_of(file, header, style, first=number == 0)
            types |= infer(pieces, header.names, wanted, file, style)
        schemas.append((str(file), pa.schema(list(types.items()))))
    hint = "pass dtypes={column: str}, or another type that suits the column in all files"
    common = CommonSchema(schemas, hint)
    kinds = {name: common.field(name).type for name in names}
    return {name: declared.get(name) or _inferred(name, kind) for name, kind in kinds.items()}


def _header_of(file: StoredFile, style: CsvFormat) -> Header:
    with text_errors(file, style), file.opened() as raw:
        text = raw if is_cut(file, style) else opened_text(raw, file, style)
        head, found = b"", None
        while found is None:  # the line, and those before it, may be as long as they like
            wanted = max(len(head), _HEADER)
            piece = text.read(wanted)
            head += piece
            found = read_header(head, file, style, ended=len(piece) < wanted)
        return found


def _samples_of(file: StoredFile, header: Header, style: CsvFormat, first: bool) -> list[bytes]:
    with text_errors(file, style), file.opened() as raw:
        if is_cut(file, style):
            return samples(raw, file.size, header.end, style, first)
        limit = _HEAD if first else _LATER
        head = opened_text(raw, file, style).read(header.end + limit)
        return [_whole_lines(head[header.end :], len(head) < header.end + limit)]


@dataclass(frozen=True)
class Header:
    """Names, and where the data begins."""

    names: tuple[str, ...]
    lines: int  # physical ones before the data
    end: int  # bytes before the data, for files that are parsed as they are
    closed: bool = True  # whether a line end follows; without it the file has no rows
    line_bytes: int = 0  # of a line of data, on the average of the first; 0 where there is none


def read_header(head: bytes, file: StoredFile, style: CsvFormat, ended: bool) -> Header | None:
    """The header of the decoded beginning of a file; None where it may go on after that.

    ``ended`` says that there is no more of the file.
    """
    check_text(head, file, style)
    bom = 3 if head.startswith(codecs.BOM_UTF8) else 0
    used: list[str] = []
    text = head[bom:].decode("utf8", errors="surrogateescape")
    lines = _recorded(io.StringIO(text, newline=""), used)
    for _ in range(style.skiprows):
        next(lines, None)
    row = None if style.column_names is not None else _first_row(lines, file, style)
    end = bom + _bytes_of(used)
    if end == len(head) and not ended:
        return None
    if style.column_names is not None:
        check_unique(list(style.column_names), "column_names")
        return Header(style.column_names, len(used), end, line_bytes=_line_bytes(head[end:]))
    if row is None:
        raise ParseError(
            f"{file} is empty: it has no header row",
            hint="leave the file out, or name its columns with column_names=[…]",
        )
    names = tuple(name or f"Unnamed: {at}" for at, name in enumerate(row))
    strange = next((name for name in names if not name.isascii() and _is_escaped(name)), None)
    if strange is not None:
        raise ParseError(
            f"the header of {file} is not UTF-8 text: "
            f"{strange.encode('utf8', 'surrogateescape').decode('utf8', 'backslashreplace')}, "
            f"line {len(used)}",
            hint="pass encoding=, such as encoding='latin-1'",
        )
    check_unique(list(names), f"the header of {file}")
    closed = used[-1].endswith(("\r", "\n"))
    return Header(names, len(used), end, closed, _line_bytes(head[end:]))


def _line_bytes(data: bytes) -> int:
    """How long a line is, on the average."""
    return len(data) // max(data.count(b"\n"), 1)


def _first_row(lines: Iterator[str], file: StoredFile, style: CsvFormat) -> list[str] | None:
    reader = csv.reader(
        (_cleaned(line, style) for line in lines),
        delimiter=style.delimiter,
        quotechar=style.quote_char,
        escapechar=style.escape_char,
        quoting=csv.QUOTE_MINIMAL if style.quote_char else csv.QUOTE_NONE,
    )
    try:
        return next((row for row in reader if row), None)
    except csv.Error as error:
        raise ParseError(
            f"the header of {file} cannot be read: {error}",
            hint="a quote may be open: pass quote_char=None if quotes mean nothing in this file",
        ) from error


def _bytes_of(lines: Sequence[str]) -> int:
    return sum(len(line.encode("utf8", errors="surrogateescape")) for line in lines)


def _cleaned(line: str, style: CsvFormat) -> str:
    if not style.cleans:
        return line
    data = cleaned(line.encode("utf8", errors="surrogateescape"), style)
    return data.decode("utf8", errors="surrogateescape")


def _is_escaped(name: str) -> bool:
    """Whether it holds bytes that are no UTF-8."""
    return any("\udc80" <= letter <= "\udcff" for letter in name)


def _recorded(lines: Iterator[str], used: list[str]) -> Iterator[str]:
    for line in lines:
        used.append(line)
        yield line


def samples(
    raw: pa.NativeFile, size: int, start: int, style: CsvFormat, first: bool
) -> list[bytes]:
    """Whole lines from the beginning, and from a few places further on.

    ``raw`` is at any place, and can seek.
    """
    limit = _HEAD if first else _LATER
    raw.seek(start)
    head = _whole_lines(raw.read(limit), start + limit >= size)
    if size <= start + limit:
        return [head]
    found = [head]
    for at in np.linspace(start + limit, max(size - _LATER, start + limit), _LATER_SAMPLES):
        raw.seek(max(int(at), start))
        piece = raw.read(_LATER)
        cut = piece.find(b"\n") + 1
        found.append(_whole_lines(piece[cut:], False) if cut else b"")
    return found


def _whole_lines(data: bytes, complete: bool) -> bytes:
    return data if complete else data[: data.rfind(b"\n") + 1]


def infer(
    pieces: Sequence[bytes],
    names: Sequence[str],
    wanted: Sequence[str],
    file: StoredFile,
    style: CsvFormat,
) -> dict[str, pa.DataType]:
    """A type for every column wanted that suits all samples of one file."""
    types: dict[str, pa.DataType] = dict.fromkeys(wanted, pa.null())
    for piece in pieces:
        lines = cleaned(piece, style)
        if not lines.strip():
            continue
        for name, kind in _infer_piece(lines, names, wanted, file, style).items():
            types[name] = joined(types[name], kind) or pa.string()
    return types


def _infer_piece(
    piece: bytes,
    names: Sequence[str],
    wanted: Sequence[str],
    file: StoredFile,
    style: CsvFormat,
) -> dict[str, pa.DataType]:
    try:
        table = style.table(piece, names, wanted, {}, _skip)
    except pa.ArrowInvalid as error:
        raise ParseError(f"{file} cannot be read as CSV: {error}") from error
    types = {}
    for name, column in zip(wanted, table.columns, strict=True):
        if pa.types.is_binary(column.type):
            raise ParseError(
                f"column {name!r} of {file} is not UTF-8 text: {where_no_text(file, style)}",
                hint="pass encoding=, such as encoding='latin-1'",
            )
        types[name] = _plain(column.type)
        if style.thousands is not None and types[name] == pa.string():
            types[name] = number_type(column, style) or types[name]
    if b"0x" in piece or b"0X" in piece:
        types |= _hexadecimal(piece, types, names, style)
    if _NO_INT64.search(piece):
        types |= _long_integers(piece, types, names, style)
    return types


def _hexadecimal(
    piece: bytes, types: Mapping[str, pa.DataType], names: Sequence[str], style: CsvFormat
) -> dict[str, pa.DataType]:
    """Integer columns written as 0x1f, which are text to pandas and to us."""
    integers = [name for name, kind in types.items() if pa.types.is_integer(kind)]
    return {
        name: pa.string()
        for name, texts in _texts(piece, integers, names, style)
        if any("x" in text.lower() for text in texts)
    }


def _long_integers(
    piece: bytes, types: Mapping[str, pa.DataType], names: Sequence[str], style: CsvFormat
) -> dict[str, pa.DataType]:
    """Columns of integers of which Arrow makes doubles, which would not tell them apart.

    Some are too long for 64 bits, or have a plus sign.
    """
    floats = [name for name, kind in types.items() if pa.types.is_floating(kind)]
    found = {}
    for name, texts in _texts(piece, floats, names, style):
        numbers = [text.strip() for text in texts]
        if numbers and all(_INTEGER.fullmatch(text) and len(text) <= _DIGITS for text in numbers):
            is_long = any(int(text) not in _INT64 for text in numbers)
            found[name] = pa.decimal128(_DIGITS, 0) if is_long else SIGNED
    return found


def _texts(
    piece: bytes, wanted: Sequence[str], names: Sequence[str], style: CsvFormat
) -> Iterator[tuple[str, list[str]]]:
    """Some columns as they are written, missing values left out."""
    if not wanted:
        return
    table = style.table(piece, names, wanted, dict.fromkeys(wanted, pa.string()), _skip)
    for name in wanted:
        yield name, table.column(name).drop_null().to_pylist()


def _skip(row: Any) -> str:
    return "skip"


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type without what pandas would have to be asked for: dates and times are text."""
    return pa.string() if pa.types.is_temporal(kind) else kind


def _inferred(name: str, kind: pa.DataType) -> Column:
    if kind == SIGNED:
        return SignedColumn(name, pa.int64(), nullable=None)
    return Column(name, pa.float64() if pa.types.is_null(kind) else kind, nullable=None)


def _declared(name: str, dtype: Any) -> Column:
    if isinstance(dtype, pa.DataType):
        return Column(name, dtype, nullable=None)
    known = pd.api.types.pandas_dtype(dtype)
    if isinstance(known, pd.CategoricalDtype):
        declared = getattr(known, "categories", None) is not None
        return Column(name, pa.string(), None, known if declared else None)
    if isinstance(known, pd.StringDtype) or known.kind in "OU":
        return Column(name, pa.string(), nullable=None)
    try:
        plain = getattr(known, "numpy_dtype", known)
        return Column(name, pa.from_numpy_dtype(plain), nullable=None)
    except (pa.ArrowException, TypeError):
        raise OptionError(
            f"dtypes[{name!r}]={dtype!r} is not a dtype that a CSV column can have",
            hint="numbers, bool, str, 'category', datetime64[ns] or a pyarrow type",
        ) from None
