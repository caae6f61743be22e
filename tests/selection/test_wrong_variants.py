"""IBOSS as a hurried author would write it selects other rows than these."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from selection import oracle

from statsmodels_ooc.selection.indices import iboss_indices

pytestmark = pytest.mark.filterwarnings("ignore:.*more than half")  # small problems


def assert_told(variant: str, rows: list[int], x: Any, k: int, **others: Any) -> None:
    """These rows are right, and a variant selects others."""
    x = np.array(x, dtype=float)
    assert oracle.select(x, k, **others) == rows
    assert oracle.select(x, k, **others, variant=variant) != rows
    assert iboss_indices(x, k, **others).tolist() == rows


def test_the_mean_is_taken_off() -> None:
    x = [[100], [101], [102], [103], [104]]  # about zero row 2, of much information, is far out
    assert_told(oracle.UNCENTRED, [0, 4], x, 2, psi=[1.0, 1, 4, 1, 1])


def test_the_mean_is_taken_off_for_t() -> None:
    x = [[100], [101], [102], [103], [104]]
    assert_told(oracle.UNCENTRED, [0, 4], x, 2, criterion="T")


def test_no_row_is_taken_twice() -> None:
    x = [[i, i] for i in range(8)]  # the second column has the same extremes
    assert_told(oracle.TAKEN_TWICE, [0, 7, 1, 6], x, 4)


def test_an_upper_side_leaves_what_the_lower_one_took() -> None:
    x = [[0], [0], [0], [0], [1]]  # one row is larger than the others, three are wanted
    assert_told(oracle.TAKEN_TWICE, [0, 1, 2, 4], x, 4)
    assert_told(oracle.TAKEN_TWICE, [0, 1, 2, 3], [[0], [0], [0], [1], [0]], 4)


def test_psi_weighs_the_rows() -> None:
    x = [[-3], [-2], [0], [2], [3]]
    assert_told(oracle.FLAT, [1, 3], x, 2, psi=[0.1, 1, 1, 1, 0.1])


def test_psi_weighs_the_rows_for_t() -> None:
    x = [[-3], [-2], [0], [2], [3]]
    assert_told(oracle.FLAT, [1, 3], x, 2, criterion="T", psi=[0.1, 1, 1, 1, 0.1])


def test_the_constant_has_no_steps() -> None:
    x = [[1, 5], [1, 4], [1, 0], [1, 9], [1, 1], [1, 8]]
    assert_told(oracle.CONSTANT_IS_A_COLUMN, [2, 4, 3, 5], x, 4)


def test_the_exponent_does_not_count_the_constant() -> None:
    x = [[1, -10], [1, -1], [1, 0], [1, 1], [1, 10]]
    psi = [1.0, 16, 1, 16, 1]  # 1 * 16 > 10 > 1 * 16**(3/4)
    assert_told(oracle.CONSTANT_IN_THE_EXPONENT, [1, 3], x, 2, psi=psi)


def test_the_exponent_is_not_one_half() -> None:
    x = [[-6, 0], [-1, 0], [0, -1], [0, 1], [1, 0], [6, 0]]
    psi = [1.0, 16, 1, 1, 16, 1]  # p = 2: 1 * 16**(3/4) > 6 > 1 * 16**(1/2)
    assert_told(oracle.ROOT, [1, 4, 2, 3], x, 4, psi=psi)


def test_t_is_of_standardised_columns() -> None:
    x = [[-1000, 0], [1000, 0], [-800, 0], [800, 0], [0, -1], [0, 1], [0, 0], [0, 0]]
    assert_told(oracle.UNSTANDARDISED, [4, 5], x, 2, criterion="T")


def test_an_upper_side_is_no_lower_side_read_backwards() -> None:
    x = [[0], [0], [0], [1], [1], [1]]
    assert_told(oracle.TIES_TURNED, [0, 3], x, 2)
