"""Clusters that machine code tells apart and adds up against NumPy's: the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from statsmodels_ooc.blocks.keys import KEY, mixed
from statsmodels_ooc.reductions.compiled import CompiledTally
from statsmodels_ooc.reductions.tally import NUMPY

COMPILED = CompiledTally()


def keys_of(labels):
    words = np.asarray(labels, dtype=np.uint64)
    keys = np.empty(len(words), KEY)
    keys["high"], keys["low"] = mixed(words), mixed(mixed(words))
    return keys


def assert_same_distinct(keys):
    for found, expected in zip(COMPILED.distinct(keys), NUMPY.distinct(keys), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 255, 256, 257, 5_000])
@pytest.mark.parametrize("clusters", [1, 2, 7, 5_000])
def test_distinct_keys_are_those_of_numpy(n, clusters):
    assert_same_distinct(keys_of(np.random.default_rng(n).integers(0, clusters, n)))


def test_each_key_once():
    assert_same_distinct(keys_of(np.arange(1_000)))


def test_keys_that_do_not_lie_next_to_each_other():
    assert_same_distinct(keys_of(np.arange(1_000) % 13)[::3])


def test_high_words_that_share_their_last_digits():
    keys = keys_of(np.arange(500) % 50)
    keys["high"] <<= np.uint64(32)
    assert_same_distinct(keys)


@pytest.mark.parametrize("where", [0, 1, 299])
def test_different_keys_with_one_high_word(where):
    keys = keys_of(np.arange(300) % 20)
    keys["low"][where] += np.uint64(1)
    assert_same_distinct(keys)
    assert len(COMPILED.distinct(keys)[0]) == 21


@pytest.mark.parametrize("n", [0, 1, 2, 1_000])
@pytest.mark.parametrize("q", [1, 4, 13])
@pytest.mark.parametrize("some", [False, True])
@pytest.mark.parametrize("first", [0, 1])
def test_sums_are_those_of_scipy(n, q, some, first):
    rng = np.random.default_rng(n + q)
    rows, weights = rng.normal(size=(n, q + first))[:, first:], rng.normal(size=n)
    there = np.flatnonzero(rng.random(n) < 0.7) if some else np.arange(n)
    codes = rng.integers(0, 5, len(there)), 6  # one cluster without rows
    found = COMPILED.sums(codes, there, weights, rows)
    np.testing.assert_array_equal(found, NUMPY.sums(codes, there, weights, rows))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_show(value):
    rows, weights = np.ones((9, 2)), np.ones(9)
    rows[4, 1] = value
    sums = COMPILED.sums((np.arange(9) % 3, 3), np.arange(9), weights, rows)
    np.testing.assert_array_equal(np.isfinite(sums), [[True, True], [True, False], [True, True]])
