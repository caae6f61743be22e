"""Where records end: line ends in quotes are characters, and so are escaped ones."""

from __future__ import annotations

from statsmodels_ooc.sources.csv_format import CsvFormat


def ends_open(lines: bytes, style: CsvFormat, ended: bool) -> bool:
    r"""Whether whole lines, the first one outside of quotes, end inside a record.

    Parameters
    ----------
    lines : bytes
        What is parsed at a time.
    style : CsvFormat
        What quotes and escapes, and what separates fields.
    ended : bool
        Whether there is no more of the file; its last line end may be escaped.

    Examples
    --------
    >>> from statsmodels_ooc.sources.csv_format import CsvFormat
    >>> from statsmodels_ooc.sources.csv_quotes import ends_open
    >>> ends_open(b'1,5" pipe\n2,"one\n', CsvFormat(), ended=True)
    True
    >>> ends_open(b'1,5" pipe\n2,"one, ""two"" "\n', CsvFormat(), ended=True)
    False
    >>> ends_open(b"1,a\\\n", CsvFormat(escape_char="\\"), ended=False)
    True
    """
    end = len(lines) - (lines.endswith(b"\n") and not ended)
    return _is_escaped(lines, end, style) or _opened_at(lines, len(lines), style) >= 0


def last_record_end(lines: bytes, style: CsvFormat) -> int:
    r"""Behind the last line end that ends a record, 0 where there is none.

    Examples
    --------
    >>> from statsmodels_ooc.sources.csv_format import CsvFormat
    >>> from statsmodels_ooc.sources.csv_quotes import last_record_end
    >>> last_record_end(b'1,a\n2,"b\nc","d\n', CsvFormat())
    4
    """
    stop = len(lines)
    while (at := max(lines.rfind(b"\n", 0, stop), lines.rfind(b"\r", 0, stop))) >= 0:
        opened = at if _is_escaped(lines, at, style) else _opened_at(lines, at, style)
        if opened < 0:
            return at + 1
        stop = opened
    return 0


def _opened_at(text: bytes, stop: int, style: CsvFormat) -> int:
    """Where the quoted field begins that is open at a place, -1 where none is.

    Notes
    -----
    A quote opens a field at its start only. In the field two quotes are a character, and one
    closes it; what follows up to the next separator is characters, quotes too. So of the runs
    of quotes those of even length change nothing, one of odd length that does not stand where a
    field starts leaves no field open, and one that does opens a field or closes that before
    it. A field is open if, after the last run of odd length that does not stand at a start,
    there is an odd number of those that do. Mostly that run is close to the end.
    """
    quote = (style.quote_char or "").encode()
    starts = b"\r\n" + style.delimiter.encode()
    found: list[int] = []
    while quote and (last := text.rfind(quote, 0, stop)) >= 0:
        stop = _run_start(text, last + 1, quote)
        is_character = _is_escaped(text, stop, style)
        if (last + 1 - stop - is_character) % 2:
            before = text[max(stop - 1, 0) : stop]
            if is_character or before not in starts or _is_escaped(text, stop - 1, style):
                break
            found.append(stop)
    return found[0] if len(found) % 2 else -1


def _run_start(text: bytes, stop: int, character: bytes) -> int:
    """Where the run of a character begins that ends before ``stop``."""
    while text.endswith(character, max(stop - 1, 0), stop):
        stop -= 1
    return stop


def _is_escaped(text: bytes, at: int, style: CsvFormat) -> bool:
    """Whether the character at a place is one that is escaped."""
    if style.escape_char is None or at <= 0:
        return False
    return (at - _run_start(text, at, style.escape_char.encode())) % 2 == 1
