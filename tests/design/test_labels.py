"""Labels as keys: equal labels have equal keys, whatever their type."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from statsmodels_ooc.design.labels import keys_of

NUMBERS = [0, 1, -1, 2**53 + 1, -(2**63), 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, 10**40 + 1]
FRACTIONS = [0.5, 0.1, -2.25, 1e-7, 123456789012.345]


def objects(*values):
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


@pytest.mark.parametrize("number", NUMBERS)
def test_decimals_have_the_keys_of_whole_numbers(number):
    one, other, third = keys_of(objects(number, Decimal(number), Decimal(f"{number}.00")))
    assert one == other == third
    assert keys_of(objects(Decimal(number), "a"))[0] == one


@pytest.mark.parametrize("number", FRACTIONS)
def test_decimals_have_the_keys_of_doubles_that_are_written_alike(number):
    as_double = keys_of(np.array([number]))[0]
    assert keys_of(objects(Decimal(repr(number)), "a"))[0] == as_double
    assert keys_of(objects(Decimal(repr(number)).quantize(Decimal("1e-9"))))[0] == as_double


def test_decimals_of_more_digits_are_told_apart():
    digits = "0.1234567890123456789"
    keys = keys_of(objects(*(Decimal(digits + end) for end in "123"), Decimal(digits + "10")))
    assert len({tuple(key) for key in keys.tolist()}) == 3
    assert keys[0] == keys[3]


def test_columns_of_decimals_and_of_integers_agree():
    kind = pd.ArrowDtype(pa.decimal128(20, 2))
    decimals = pd.Series(pd.array([Decimal(2**53 + 1), Decimal(7)], kind))
    np.testing.assert_array_equal(keys_of(decimals), keys_of(np.array([2**53 + 1, 7])))
