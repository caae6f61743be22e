"""The bytes of a CSV file as UTF-8 text, or an error that says what they are instead."""

from __future__ import annotations

import codecs
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from statsmodels_ooc.errors import OutOfCoreError, ParseError
from statsmodels_ooc.sources.csv_errors import check_quotes
from statsmodels_ooc.sources.csv_format import CsvFormat, cleaned
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
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ParseError(
            f"{file} is not UTF-8 text: it begins as UTF-16 does", hint="pass encoding='utf-16'"
        )


def opened_text(raw: pa.NativeFile, file: StoredFile, style: CsvFormat) -> pa.NativeFile:
    """A stream of UTF-8 bytes, decompressed, transcoded and without comments.

    It gives as many bytes as it is asked for, fewer only at its end.
    """
    raw = _decompressed(raw, file)
    if not style.plain_bytes:
        raw = _streamed(_transcoded(raw, style.encoding))
    if style.cleans:
        raw = _streamed(_without_comments(raw, style, str(file)))
    return raw


def _decompressed(raw: pa.NativeFile, file: StoredFile) -> pa.NativeFile:
    name = file.path.lower()
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


def _transcoded(raw: pa.NativeFile, encoding: str) -> Iterator[bytes]:
    """UTF-8 bytes of a stream in another encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    while piece := raw.read(_PIECE):
        yield decoder.decode(piece).encode("utf8")
    yield decoder.decode(b"", final=True).encode("utf8")


def _without_comments(raw: pa.NativeFile, style: CsvFormat, label: str) -> Iterator[bytes]:
    """The lines of a stream without comments and with one mark between fields."""
    rest, ended = b"", False
    while not ended:
        piece = raw.read(_PIECE)
        ended = not piece
        data = rest + piece
        cut = len(data) if ended else data.rfind(b"\n") + 1
        rest = data[cut:]
        lines = cleaned(data[:cut], style)
        check_quotes(lines, style, label)
        yield lines


def _streamed(pieces: Iterator[bytes]) -> pa.NativeFile:
    return pa.PythonFile(io.BufferedReader(_Stream(pieces), _PIECE), mode="r")


class _Stream(io.RawIOBase):
    """A file of the bytes that an iterator gives piece by piece."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = (io.BytesIO(piece) for piece in pieces if piece)
        self._now = io.BytesIO()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._now.readinto(buffer)
        if not count:
            self._now = next(self._pieces, self._now)
            count = self._now.readinto(buffer)
        return count
