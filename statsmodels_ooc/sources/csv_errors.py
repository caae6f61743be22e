"""Where in a CSV file pyarrow stopped, in words that lead to the place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from statsmodels_ooc.errors import ParseError
from statsmodels_ooc.sources.csv_format import CsvFormat, unfit
from statsmodels_ooc.sources.csv_quotes import ends_open
from statsmodels_ooc.sources.files import StoredFile

_CONVERSION = re.compile(
    r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to (.+?): (.*)", re.DOTALL
)


class Ragged:
    """pyarrow's handler of rows with the wrong number of fields: keeps the first."""

    def __init__(self) -> None:
        self.row: Any = None

    def __call__(self, row: Any) -> str:
        self.row = self.row or row
        return "error"


def described(
    error: pa.ArrowInvalid,
    ragged: Ragged,
    file: StoredFile,
    names: Sequence[str],
    place: Place,
) -> ParseError:
    """The error that the user sees."""
    if ragged.row is not None:
        row = ragged.row
        return ParseError(
            f"{file}, {place.of(row.number)}: expected {row.expected_columns} fields, "
            f"found {row.actual_columns}: {_short(row.text)}",
            hint="mend the row; if a quoted field spans lines pass newlines_in_values=True, "
            "if the fields are separated otherwise pass delimiter= (r'\\s+' for runs of blanks), "
            "if the file begins with other lines pass skiprows= or comment=",
        )
    match = _CONVERSION.search(str(error))
    if match and "UTF8" in match[4]:
        return ParseError(
            f"{file}, {place.of_bytes()}, column {names[int(match[1])]!r}: is not UTF-8 text",
            hint="pass encoding=, such as encoding='latin-1'",
        )
    if match:
        where = place.of(int(match[2]) if match[2] else None)
        return unfit(f"{file}, {where}", names[int(match[1])], match[3], _short(match[4]))
    return ParseError(f"{file} cannot be read as CSV: {error}")


def wrong_text(data: bytes) -> tuple[int, int] | None:
    r"""Where bytes are first that are not UTF-8: the line of some data, and the byte; or None.

    Examples
    --------
    >>> from statsmodels_ooc.sources.csv_errors import wrong_text
    >>> wrong_text(b"y,s\n1,a\n2,\xe4")
    (3, 10)
    """
    try:
        data.decode("utf8")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1, error.start
    return None


class Place:
    """From pyarrow's row numbers to lines of the file."""

    def __init__(self, lines: int = 0, data: bytes | None = None) -> None:
        self._lines, self._data = lines, data

    def of(self, number: int | None) -> str:
        """Words for the ``number``-th row that is not blank, counted from 1."""
        if number is None:
            return "somewhere"
        if self._data is None:
            return f"row {number} (blank lines not counted)"
        for at, line in enumerate(self._data.splitlines(), start=1):
            number -= bool(line)
            if number == 0:
                return f"line {self._lines + at}"
        return f"after line {self._lines}"

    def of_bytes(self) -> str:
        """Words for where bytes are that are not UTF-8."""
        found = None if self._data is None else wrong_text(self._data)
        if found is None or self._data is None:
            return "somewhere"
        line, at = found
        return f"line {self._lines + line}, byte 0x{self._data[at]:02x}"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def lines_before(raw: pa.NativeFile, stop: int) -> int:
    """The number of line ends in the first ``stop`` bytes."""
    raw.seek(0)
    count = at = 0
    while at < stop:
        piece = raw.read(min(2**20, stop - at))
        if not piece:
            break
        count += piece.count(b"\n")
        at += len(piece)
    return count


def check_closed(lines: bytes, style: CsvFormat, label: str, ended: bool) -> None:
    """Refuse lines that end inside a record: it spans blocks, or is never closed.

    See `ends_open`.

    Raises
    ------
    ParseError
        They do.
    """
    if ends_open(lines, style, ended):
        goes_on = "pass newlines_in_values=True if fields have line ends in them"
        raise ParseError(
            f"{label}: a quoted field is still open at the end of the "
            + ("file" if ended else "block"),
            hint=("close it" if ended else goes_on)
            + ", or quote_char=None if quotes mean nothing in this file",
        )
