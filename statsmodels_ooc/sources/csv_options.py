"""Checks of what `read_csv` was given."""

from __future__ import annotations

import codecs
from collections.abc import Collection, Sequence
from typing import Any

from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.sources.csv_format import NULL_VALUES, CsvFormat
from statsmodels_ooc.sources.dask_frame import parse_bytes

__all__ = ["csv_format"]


def csv_format(
    *,
    null_values: Collection[str] | None,
    block_size: int | str,
    column_names: Sequence[str] | None,
    encoding: str,
    **characters: Any,
) -> CsvFormat:
    """The options as one checked object.

    Raises
    ------
    OptionError
        For a value that is not allowed; the message says what is.
    """
    for name in ("delimiter", "quote_char", "escape_char", "decimal_point"):
        value = characters[name]
        optional = name in ("quote_char", "escape_char") and value is None
        if not optional and (not isinstance(value, str) or len(value) != 1):
            raise OptionError(f"{name}={value!r} must be one character")
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise OptionError(
            f"encoding={encoding!r} is unknown", hint="such as 'utf8', 'latin-1', 'cp1252'"
        ) from None
    return CsvFormat(
        null_values=NULL_VALUES if null_values is None else tuple(null_values),
        block_size=_bytes(block_size),
        column_names=None if column_names is None else tuple(column_names),
        encoding=encoding,
        **characters,
    )


def _bytes(value: int | str) -> int:
    try:
        size = parse_bytes(value)
    except (TypeError, ValueError) as error:
        raise OptionError(f"block_size={value!r}: {error}", hint="such as '16 MiB'") from None
    if size < 1:
        raise OptionError(f"block_size={value!r} must be positive", hint="such as '16 MiB'")
    return size
