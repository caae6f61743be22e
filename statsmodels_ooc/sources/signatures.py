"""What the first bytes of a file say of its format, where it cannot be read as another one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from statsmodels_ooc.errors import ParseError
from statsmodels_ooc.sources.files import StoredFile

_HEAD = 512  # bytes that are looked at
_UNPACK = "unpack it first"
_BEGINNINGS = (  # the format, how its files begin, and what reads them
    ("Parquet", rb"PAR1", "smo.read_parquet(path) reads it"),
    ("Arrow IPC", rb"ARROW1|\xff\xff\xff\xff", "smo.read_ipc(path) reads it"),
    ("HDF5", rb"\x89HDF\r\n\x1a\n", "smo.read_hdf(path, key) reads it"),
    ("SQLite", rb"SQLite format 3\x00", "smo.read_sql(table, path) reads it"),
    ("DuckDB", rb".{8}DUCK", "smo.read_sql(table, path) reads it"),
    ("gzip", rb"\x1f\x8b", _UNPACK),
    ("zip", rb"PK\x03\x04", f"{_UNPACK}; pd.read_excel(path) reads a workbook of Excel"),
)
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


def other_format(head: bytes, expected: str) -> tuple[str, str] | None:
    r"""What a file is by its first bytes, and what to do with it; None where nobody can tell.

    Examples
    --------
    >>> from statsmodels_ooc.sources.signatures import other_format
    >>> other_format(b"y,x\n1,2\n", "Parquet")
    ('text', 'smo.read_csv(path) reads text with separators')
    >>> other_format(b"PAR1\x15\x04", "Parquet") is None
    True
    """
    for kind, begins, hint in _BEGINNINGS:
        if re.match(begins, head, re.DOTALL):
            return None if kind == expected else (kind, hint)
    text = head.decode("utf8", errors="ignore").encode()
    if not head.strip() or _NO_TEXT.search(head) or len(text) < len(head) - 3:  # a cut character
        return None
    return "text", "smo.read_csv(path) reads text with separators"


@contextmanager
def other_formats_named(file: StoredFile, expected: str) -> Iterator[None]:
    """Say what a file is instead, where it cannot be read as what it should be.

    Raises
    ------
    ParseError
        In place of another one.
    """
    try:
        yield
    except ParseError as error:
        head = b""
        with suppress(Exception), file.opened() as raw:
            head = raw.read(_HEAD)
        found = other_format(head, expected)
        if found is None:
            raise
        kind, hint = found
        raise ParseError(
            f"{file} cannot be read as {expected}: its first bytes are those of {kind}", hint=hint
        ) from error
