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
        data = _comments(style.comment, style.quote_char).sub(rb"\1", data)
    if style.blanks:
        quote = (style.quote_char or "").encode()
        parts = data.split(quote) if quote else [data]
        parts[::2] = [_BLANKS.sub(b"\t", part) for part in parts[::2]]
        data = _ENDS.sub(b"", quote.join(parts))
    return data


_BLANKS = re.compile(rb"[ \t]+")
_ENDS = re.compile(rb"^\t|\t(?=\r?$)", re.MULTILINE)


@cache
def _comments(mark: str, quote_char: str | None) -> re.Pattern[bytes]:
    """A quoted field, kept as group 1, or a comment, with blanks before it in its line."""
    rest = re.escape(mark.encode()) + rb"[^\r\n]*"
    comment = rb"^[ \t]*" + rest + rb"|" + rest
    if quote_char is None:
        return re.compile(rb"()(?:" + comment + rb")", re.MULTILINE)
    quote = re.escape(quote_char.encode())
    field = rb"(" + quote + rb"[^" + quote + rb"\r\n]*" + quote + rb")"
    return re.compile(field + rb"|" + comment, re.MULTILINE)
