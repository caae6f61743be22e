"""Numbers that are written with a mark between thousands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from statsmodels_ooc.errors import ParseError
from statsmodels_ooc.sources.columns import Column, is_number
from statsmodels_ooc.sources.csv_format import CsvFormat

__all__ = ["number_type", "without_thousands"]


def number_type(texts: pa.ChunkedArray, style: CsvFormat) -> pa.DataType | None:
    """int64 or float64 where every text is a number written with thousands, else None.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from statsmodels_ooc.sources.csv_format import CsvFormat
    >>> from statsmodels_ooc.sources.csv_numbers import number_type
    >>> number_type(pa.chunked_array([["1,234", None, "12"]]), CsvFormat(thousands=","))
    DataType(int64)
    >>> number_type(pa.chunked_array([["1,2"]]), CsvFormat(thousands=",")) is None
    True
    """
    known = pc.drop_null(texts)
    if not len(known) or not pc.all(_are_numbers(known, style)).as_py():
        return None
    plain = _plain(known, style)
    for kind in (pa.int64(), pa.float64()):
        try:
            plain.cast(kind)
            return kind
        except pa.ArrowInvalid:
            continue
    return None


def without_thousands(
    batches: Iterator[pa.RecordBatch], columns: Sequence[Column], style: CsvFormat, place: str
) -> Iterator[pa.RecordBatch]:
    """Batches whose columns of numbers, read as text, have become numbers.

    Raises
    ------
    ParseError
        For a text that is no number of the column's type.
    """
    if style.thousands is None:
        yield from batches
        return
    for batch in batches:
        arrays = [
            _numbers(array, column, style, place) if is_number(column.type) else array
            for array, column in zip(batch.columns, columns, strict=False)
        ]
        yield pa.RecordBatch.from_arrays(arrays, batch.schema.names) if columns else batch


def _numbers(array: pa.Array, column: Column, style: CsvFormat, place: str) -> pa.Array:
    are_numbers = _are_numbers(array, style)
    if not pc.all(are_numbers, min_count=0).as_py():
        at = pc.index(are_numbers, False).as_py()
        raise _no_number(array[at].as_py(), column, place)
    try:
        return _plain(array, style).cast(column.type)
    except pa.ArrowInvalid as error:
        raise _no_number(str(error), column, place) from error


def _no_number(what: str, column: Column, place: str) -> ParseError:
    return ParseError(
        f"{place}, column {column.name!r}: cannot be read as {column.type}: {what}",
        hint=f"the column's type was found from a sample; pass dtypes={{{column.name!r}: str}} "
        "or another type that fits every row, or null_values= if this marks a missing value",
    )


def _are_numbers(texts: pa.Array, style: CsvFormat) -> pa.Array:
    """Groups of three digits between the marks, of two in front of the last (1,00,000)."""
    assert style.thousands is not None
    mark, point = re.escape(style.thousands), re.escape(style.decimal_point)
    whole = rf"(\d+|\d{{1,3}}({mark}\d{{2,3}})*{mark}\d{{3}})"
    number = rf"({whole}({point}\d*)?|{point}\d+)([eE][+-]?\d+)?"
    return pc.match_substring_regex(texts, rf"^\s*[+-]?({number}|inf|Inf|INF)\s*$")


def _plain(texts: pa.Array, style: CsvFormat) -> pa.Array:
    """The texts as Arrow reads numbers."""
    texts = pc.replace_substring(pc.utf8_trim_whitespace(texts), style.thousands, "")
    texts = pc.replace_substring(texts, style.decimal_point, ".")
    return pc.utf8_ltrim(texts, "+")
