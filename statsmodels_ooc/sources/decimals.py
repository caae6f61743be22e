"""Decimals of Arrow as doubles."""

from __future__ import annotations

import sys

import numpy as np
import pyarrow as pa

__all__ = ["DOUBLE_DIGITS", "nearest_doubles"]

DOUBLE_DIGITS = 15  # decimal digits that every double tells apart
_EXACT_POWER = 22  # up to which powers of ten are doubles


def nearest_doubles(array: pa.Array) -> pa.Array:
    """The doubles that are written as the decimals are, which Arrow's own cast often misses.

    Notes
    -----
    Digits and power of ten are exact doubles where there are few digits, and one division
    rounds correctly. Text is read correctly rounded whatever its length.

    Examples
    --------
    >>> import decimal
    >>> import pyarrow as pa
    >>> from statsmodels_ooc.sources.decimals import nearest_doubles
    >>> cents = pa.array([decimal.Decimal("0.35")])
    >>> cents.cast(pa.float64())[0].as_py(), nearest_doubles(cents)[0].as_py()
    (0.35000000000000003, 0.35)
    """
    kind = array.type
    few = kind.precision <= DOUBLE_DIGITS and 0 <= kind.scale <= _EXACT_POWER
    if not (few and pa.types.is_decimal128(kind) and sys.byteorder == "little"):
        return array.cast(pa.string()).cast(pa.float64())
    words = np.frombuffer(array.buffers()[1], np.int64)  # two for each value, low one first
    digits = words[2 * array.offset : 2 * (array.offset + len(array)) : 2]
    absent = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    return pa.array(digits / 10.0**kind.scale, mask=absent)
