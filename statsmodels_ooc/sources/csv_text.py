"""The bytes of a CSV file as UTF-8 text, or an error that says what they are instead."""

from __future__ import annotations

import codecs
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from statsmodels_ooc.errors import OutOfCoreError, ParseError
from statsmodels_ooc.sources.csv_errors import check_closed, wrong_text
from statsmodels_ooc.sources.csv_format import CsvFormat, cleaned
from statsmodels_ooc.sources.csv_quotes import last_record_end
from statsmodels_ooc.sources.files import StoredFile

_PIECE = 2**18  # bytes that are cleaned at a time

_MAGIC = (
    (rb"\x1f\x8b", "gzip", ".gz"),
    (rb"BZh[1-9]1AY&SY", "bzip2", ".bz2"),
    (rb"\xfd7zXZ\x00", "xz", ".xz"),
    (rb"\x28\xb5\x2f\xfd", "zstd", ".zst"),
    (rb"PK\x03\x04", "zip (or an Excel workbook, for pandas.read_excel)", ".zip"),
    (rb"PAR1[\x00-\x08\x0e-\x1f]", "Parquet", ".parquet"),
    (rb"ARROW1\x00\x00", "Arrow", ".arrow"),
)


@contextmanager
def text_errors(file: StoredFile, style: CsvFormat) -> Iterator[None]:
    """Name the file whose bytes are not what they should be."""
    damaged = (UnicodeError, EOFError, zipfile.BadZipFile, lzma.LZMAError, zlib.error)
    try:
        yield
    except OutOfCoreError:
        raise
    except (*damaged, pa.ArrowException, OSError) as error:
        raise ParseError(
            f"{file} cannot be read as {style.encoding} text: {error}",
            hint="the file may be truncated, or in another encoding: pass encoding=",
        ) from error


def check_text(head: bytes, file: StoredFile, style: CsvFormat) -> None:
    """Refuse a file whose first bytes, decompressed and transcoded, are no UTF-8 text.

    Raises
    ------
    ParseError
        It says what the file is instead, and what to pass.
    """
    for magic, kind, suffix in _MAGIC:
        if re.match(magic, head):
            raise ParseError(
                f"{file} is no text: its first bytes are those of {kind}",
                hint=f"decompress it, or give it a name that ends in {suffix}"
                if suffix not in (".parquet", ".arrow")
                else f"open it with read_{'parquet' if suffix == '.parquet' else 'ipc'}",
            )
    if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR or ".tar" in file.name.lower():
        raise ParseError(f"{file} is an archive of tar", hint="unpack it, and give the folder")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ParseError(
            f"{file} is not UTF-8 text: it begins as UTF-16 does", hint="pass encoding='utf-16'"
        )


_TAR, _TAR_AT = b"ustar", 257  # a mark, and where it stands


def where_no_text(file: StoredFile, style: CsvFormat) -> str:
    """Words for the first place of a file where its bytes are not UTF-8."""
    lines, rest = 0, b""
    with file.opened() as raw:
        text = opened_text(raw, file, style)
        while piece := text.read(_PIECE):
            whole, mark, rest = (rest + piece).rpartition(b"\n")
            found = wrong_text(whole)
            if found is not None:
                return f"line {lines + found[0]}, byte 0x{whole[found[1]]:02x}"
            lines += whole.count(b"\n") + len(mark)
    found = wrong_text(rest)
    return "somewhere" if found is None else f"line {lines + 1}, byte 0x{rest[found[1]]:02x}"


def opened_text(raw: pa.NativeFile, file: StoredFile, style: CsvFormat) -> pa.NativeFile:
    """A stream of UTF-8 bytes, decompressed, transcoded and without comments.

    It gives as many bytes as it is asked for, fewer only at its end.
    """
    raw = _decompressed(raw, file)
    if not style.plain_bytes:
        raw = _buffered(_Transcoded(raw, style.encoding))
    if style.cleans:
        raw = _buffered(_Cleaned(raw, style, str(file)))
    return raw


def whole_records(text: pa.NativeFile, style: CsvFormat, label: str, size: int) -> Generator[bytes]:
    """The text of a stream in pieces of about ``size`` bytes, each of whole records.

    To be closed before the stream is, which a thread reads ahead.

    Raises
    ------
    ParseError
        A record is longer than two pieces, or open when the stream ends.
    """
    rest, ended = b"", False
    with ThreadPoolExecutor(1) as ahead:  # decompresses while the piece before it is parsed
        coming = ahead.submit(text.read, size)
        while not ended:
            piece = coming.result()
            ended = not piece
            if not ended:
                coming = ahead.submit(text.read, size)
            rest += piece
            del piece
            cut = len(rest) if ended else last_record_end(rest, style)
            if ended:
                check_closed(rest, style, label, ended)
            elif not cut and len(rest) >= 2 * size:
                raise ParseError(
                    f"{label} cannot be read as CSV: a row is longer than a block",
                    hint="pass a larger block_size=, or quote_char=None if quotes mean nothing in "
                    "this file: one may not be closed",
                )
            lines, rest = rest[:cut], rest[cut:]
            if lines.strip(b"\r\n"):
                yield lines
            del lines


def _buffered(raw: io.RawIOBase) -> pa.NativeFile:
    return pa.PythonFile(io.BufferedReader(raw, _PIECE), mode="r")


def _decompressed(raw: pa.NativeFile, file: StoredFile) -> pa.NativeFile:
    name = file.name.lower()
    for suffix, codec in ((".gz", "gzip"), (".bz2", "bz2"), (".zst", "zstd")):
        if name.endswith(suffix):
            return pa.CompressedInputStream(raw, codec)
    if name.endswith(".xz"):
        return pa.PythonFile(lzma.LZMAFile(raw), mode="r")
    if name.endswith(".zip"):
        return pa.PythonFile(_only_member(zipfile.ZipFile(raw), file), mode="r")
    return raw


def _only_member(archive: zipfile.ZipFile, file: StoredFile) -> Any:
    members = [
        item
        for item in archive.infolist()
        if not item.is_dir() and not item.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise ParseError(
            f"{file} holds {len(members)} files: "
            + ", ".join(item.filename for item in members[:5]),
            hint="unpack it, and give the folder",
        )
    if members[0].flag_bits & 1:
        raise ParseError(f"{file} has a password", hint="unpack it first")
    return archive.open(members[0])


class _Transcoded(io.RawIOBase):
    """UTF-8 bytes of a stream in another encoding."""

    def __init__(self, raw: pa.NativeFile, encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        text = ""
        while not text and not self._ended:
            # no encoding's byte becomes more than four bytes of UTF-8
            piece = self._raw.read(max(len(buffer) // 4, 1))
            self._ended = not piece
            text = self._decoder.decode(piece, final=self._ended)
        data = text.encode("utf8")
        buffer[: len(data)] = data
        return len(data)


class _Cleaned(io.RawIOBase):
    """The lines of a stream without comments and with one mark between fields."""

    def __init__(self, raw: pa.NativeFile, style: CsvFormat, label: str) -> None:
        self._raw, self._style, self._label = raw, style, label
        self._rest = b""
        self._ready = io.BytesIO()
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._ready.readinto(buffer)
        while not count and not self._ended:
            piece = self._raw.read(_PIECE)
            self._ended = not piece
            data = self._rest + piece
            cut = len(data) if self._ended else data.rfind(b"\n") + 1
            self._rest = data[cut:]
            lines = cleaned(data[:cut], self._style)
            check_closed(lines, self._style, self._label, self._ended)
            self._ready = io.BytesIO(lines)
            count = self._ready.readinto(buffer)
        return count
