"""Decimals of Arrow are the doubles that are written so."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.columns import common_type, nearest_doubles

KINDS = [
    pa.decimal32(9, 2), pa.decimal64(15, 3), pa.decimal128(10, 2), pa.decimal128(15, 15),
    pa.decimal128(15, 0), pa.decimal128(10, -3), pa.decimal128(16, 2), pa.decimal128(38, 30),
    pa.decimal256(76, 40),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_nearest_doubles(kind):
    digits = np.random.default_rng(0).integers(-(10**7), 10**7, 500)
    values = [Decimal(int(d)).scaleb(-kind.scale) for d in digits]
    values[3:9:5] = [None, None]
    array = pa.array(values, kind)
    right = [None if value is None else float(value) for value in values]
    assert nearest_doubles(array).to_pylist() == right
    assert nearest_doubles(array[3:40]).to_pylist() == right[3:40]
    assert nearest_doubles(array[:0]).type == pa.float64()


JOINED = [
    (pa.int64(), pa.decimal128(20, 0), pa.decimal128(20, 0)),
    (pa.int32(), pa.decimal128(4, 2), pa.decimal128(12, 2)),
    (pa.uint64(), pa.decimal128(38, 30), pa.decimal256(50, 30)),
    (pa.decimal128(20, 0), pa.decimal128(22, 0), pa.decimal128(22, 0)),
    (pa.decimal128(5, -3), pa.decimal128(5, 2), pa.decimal128(10, 2)),
    (pa.decimal256(76, 0), pa.decimal256(76, 76), pa.float64()),
    (pa.float32(), pa.decimal128(20, 0), pa.float64()),
    (pa.int8(), pa.uint16(), pa.int32()),
]


@pytest.mark.parametrize(("left", "right", "both"), JOINED, ids=str)
def test_numbers_of_two_files_are_joined_exactly(left, right, both):
    for pair in ((left, right), (right, left)):
        assert common_type(zip("ab", pair, strict=True), "v", "") == both


def test_numbers_and_text_are_not_joined():
    with pytest.raises(SchemaError, match=r"'v' is decimal128.* in a but string in b"):
        common_type([("a", pa.decimal128(5, 2)), ("b", pa.string())], "v", "")
