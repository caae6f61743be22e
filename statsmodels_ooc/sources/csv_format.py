"""How a CSV file is written, and what of it pyarrow is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from statsmodels_ooc.sources.columns import Column, is_number
from statsmodels_ooc.sources.files import StoredFile

__all__ = ["COMPRESSED", "NULL_VALUES", "CsvFormat", "is_cut", "stored_types"]

COMPRESSED = (".gz", ".bz2", ".zst", ".xz", ".zip")

# pandas._libs.parsers.STR_NA_VALUES
NULL_VALUES = (
    "",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "<NA>",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "None",
    "n/a",
    "nan",
    "null",
)


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
        return self.encoding.lower().replace("-", "").replace("_", "") in (
            "utf8",
            "utf8sig",
            "ascii",
            "usascii",
        )

    def parse_options(self, on_ragged: Callable[[Any], str]) -> pacsv.ParseOptions:
        """Delimiter and quotes, and what to do with a row of the wrong length."""
        return pacsv.ParseOptions(
            delimiter=self.delimiter,
            quote_char=self.quote_char or False,
            escape_char=self.escape_char or False,
            newlines_in_values=self.newlines_in_values,
            invalid_row_handler=on_ragged,
        )

    def convert_options(
        self, wanted: Sequence[str], types: Mapping[str, pa.DataType]
    ) -> pacsv.ConvertOptions:
        """Only the columns wanted, with types that do not depend on the block."""
        return pacsv.ConvertOptions(
            include_columns=list(wanted),
            column_types=dict(types),
            null_values=list(self.null_values),
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            decimal_point=self.decimal_point,
        )


def is_cut(file: StoredFile, style: CsvFormat) -> bool:
    """Whether a file can be cut at line ends and parsed in pieces."""
    packed = file.path.lower().endswith(COMPRESSED)
    return style.plain_bytes and not style.newlines_in_values and not packed


def stored_types(columns: Sequence[Column], style: CsvFormat) -> dict[str, pa.DataType]:
    """What pyarrow is to convert each column to."""
    as_text = style.thousands is not None
    return {
        column.name: pa.string()
        if column.category is not None or (as_text and is_number(column.type))
        else column.type
        for column in columns
    }
