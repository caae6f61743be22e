"""How a CSV file is written, and its text as pyarrow's parser wants it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from statsmodels_ooc.errors import ParseError
from statsmodels_ooc.sources.columns import Column, is_number
from statsmodels_ooc.sources.files import StoredFile

COMPRESSED = (".gz", ".bz2", ".zst", ".xz", ".zip")


# pandas._libs.parsers.STR_NA_VALUES
NULL_VALUES = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip


@dataclass(frozen=True)
class CsvFormat:
    """The options of `read_csv`, checked and picklable."""

    delimiter: str = ","
    null_values: tuple[str, ...] = NULL_VALUES
    block_size: int = 16 * 2**20
    newlines_in_values: bool = False
    column_names: tuple[str, ...] | None = None
    encoding: str = "utf8"
    quote_char: str | None = '"'
    escape_char: str | None = None
    decimal_point: str = "."
    skiprows: int = 0
    comment: str | None = None
    thousands: str | None = None
    blanks: bool = False  # runs of them separate fields, which become tabs

    @property
    def cleans(self) -> bool:
        """Whether lines are changed before they are parsed."""
        return self.blanks or self.comment is not None

    @property
    def plain_bytes(self) -> bool:
        """Whether the file's bytes can be parsed as they are."""
        plain = self.encoding.lower().replace("-", "").replace("_", "")
        return plain in ("utf8", "utf8sig", "ascii", "usascii")

    def options(
        self,
        names: Sequence[str],
        wanted: Sequence[str],
        types: Mapping[str, pa.DataType],
        on_ragged: Callable[[Any], str],
        **how_to_read: int,
    ) -> dict[str, Any]:
        """What pyarrow's readers are told.

        Parameters
        ----------
        names : sequence of str
            All columns, in the order of the file.
        wanted, types : sequence of str, mapping
            Those to read, and the types of some, which then do not depend on the block.
        on_ragged : callable
            What to do with a row of the wrong length.
        **how_to_read
            More for `pyarrow.csv.ReadOptions`.
        """
        return {
            "read_options": pacsv.ReadOptions(
                use_threads=False, column_names=list(names), **how_to_read
            ),
            "parse_options": pacsv.ParseOptions(
                delimiter=self.delimiter,
                quote_char=self.quote_char or False,
                escape_char=self.escape_char or False,
                invalid_row_handler=on_ragged,
            ),
            "convert_options": pacsv.ConvertOptions(
                include_columns=list(wanted),
                column_types=dict(types),
                null_values=list(self.null_values),
                true_values=["true", "True", "TRUE"],
                false_values=["false", "False", "FALSE"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                decimal_point=self.decimal_point,
            ),
        }

    def table(self, lines: bytes, *options: Any) -> pa.Table:
        """Whole lines as one table; see `options`."""
        told = self.options(*options, block_size=len(lines) + 1)
        return pacsv.read_csv(pa.BufferReader(lines), **told)


def is_cut(file: StoredFile, style: CsvFormat) -> bool:
    """Whether a file can be cut at line ends and parsed in pieces."""
    packed = file.name.lower().endswith(COMPRESSED)
    return style.plain_bytes and not style.newlines_in_values and not packed


SIGNED = pa.decimal128(19, 0)  # what Arrow reads of integers of 64 bits with plus signs


class SignedColumn(Column):
    """Integers of 64 bits, some of them with a plus sign, which Arrow refuses to read as such."""


def stored_types(columns: Sequence[Column], style: CsvFormat) -> dict[str, pa.DataType]:
    """What pyarrow is to convert each column to."""
    as_text = style.thousands is not None
    return {
        column.name: pa.string()
        if column.category is not None or (as_text and is_number(column.type))
        else SIGNED
        if isinstance(column, SignedColumn)
        else column.type
        for column in columns
    }


def number_type(texts: pa.ChunkedArray, style: CsvFormat) -> pa.DataType | None:
    """int64 or float64 where every text is a number written with thousands, else None.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from statsmodels_ooc.sources.csv_format import CsvFormat
    >>> from statsmodels_ooc.sources.csv_format import number_type
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
        raise unfit(place, column.name, column.type, array[at].as_py())
    try:
        return _plain(array, style).cast(column.type)
    except pa.ArrowInvalid as error:
        raise unfit(place, column.name, column.type, str(error)) from error


def unfit(place: str, name: str, kind: object, what: str) -> ParseError:
    """The error for a value that does not suit the type of its column."""
    return ParseError(
        f"{place}, column {name!r}: cannot be read as {kind}: {what}",
        hint=f"the type is that of dtypes=, or of a sample; pass dtypes={{{name!r}: str}} or "
        "another type that fits every row, or null_values= if this marks a missing value",
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


def cleaned(data: bytes, style: CsvFormat) -> bytes:
    r"""Whole lines of UTF-8 without their comments, and with a tab for every run of blanks.

    There are as many lines as before, and what stands in quotes is as it was.

    Examples
    --------
    >>> from statsmodels_ooc.sources.csv_format import CsvFormat
    >>> from statsmodels_ooc.sources.csv_format import cleaned
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
