"""Lines of text as pyarrow's parser wants them: no comments, one mark between fields."""

from __future__ import annotations

import re
from functools import cache

from statsmodels_ooc.sources.csv_format import CsvFormat

__all__ = ["cleaned"]


def cleaned(data: bytes, style: CsvFormat) -> bytes:
    r"""Whole lines without their comments, and with a tab for every run of blanks.

    Parameters
    ----------
    data : bytes
        UTF-8 text of whole lines.
    style : CsvFormat
        Whether lines may have comments, and whether blanks separate fields.

    Returns
    -------
    bytes
        As many lines; what stands in quotes is as it was.

    Examples
    --------
    >>> from statsmodels_ooc.sources.csv_format import CsvFormat
    >>> from statsmodels_ooc.sources.csv_lines import cleaned
    >>> cleaned(b'# mm\n1,"#2" # odd\n', CsvFormat(comment="#"))
    b'\n1,"#2" \n'
    >>> cleaned(b'  y   x\n 1.5  "a  b"\n', CsvFormat(delimiter="\t", blanks=True))
    b'y\tx\n1.5\t"a  b"\n'
    """
    if style.comment is not None and style.comment.encode() in data:
        data = _comments(style).sub(rb"\1", data)
    if style.blanks:
        parts = _quoted_fields(style).split(data)
        parts[::2] = [_tabbed(part) for part in parts[::2]]
        data = b"".join(parts).strip(b"\t")
    return data


_BLANKS = re.compile(rb"[ \t]+")


def _tabbed(part: bytes) -> bytes:
    """A tab for every run of blanks, none at either end of a line."""
    part = _BLANKS.sub(b"\t", part)
    return part.replace(b"\t\n", b"\n").replace(b"\t\r\n", b"\r\n").replace(b"\n\t", b"\n")


@cache
def _comments(style: CsvFormat) -> re.Pattern[bytes]:
    """What holds no comment, as group 1, or a comment, with blanks before it in its line."""
    assert style.comment is not None
    comment = re.escape(style.comment.encode()) + rb"[^\r\n]*"
    return re.compile(rb"(%s)|^[ \t]*%s|%s" % (_kept(style), comment, comment), re.MULTILINE)


@cache
def _quoted_fields(style: CsvFormat) -> re.Pattern[bytes]:
    """What blanks do not separate, as group 1."""
    return re.compile(rb"(%s)" % _kept(style))


def _kept(style: CsvFormat) -> bytes:
    """A pattern of quoted fields, and of what is escaped.

    A quote opens a field at its start only; elsewhere it is a character, as for pandas. In the
    field a double one is a character, and so are line ends.
    """
    escape = re.escape((style.escape_char or "").encode())
    quote = re.escape((style.quote_char or "").encode())
    escaped = [escape + rb"[\s\S]"] if escape else []
    if not quote:
        return b"|".join(escaped) or rb"(?!)"
    before = rb" \t" if style.blanks else re.escape(style.delimiter.encode())
    opening = rb"%s(?<![^\r\n%s]%s)" % (quote, before, quote)
    plain = rb"[^%s%s]*" % (quote, escape)
    special = b"|".join([quote + quote, *escaped])
    field = rb"%s%s(?:(?:%s)%s)*%s(?!%s)" % (opening, plain, special, plain, quote, quote)
    return b"|".join([field, *(pair + quote + b"*" for pair in escaped)])
