"""Sums of squares and products of rows in machine code against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import EXACT, SUMS

from statsmodels_ooc.compiled.meats import SLICE
from statsmodels_ooc.reductions.compiled import CompiledRowSums
from statsmodels_ooc.reductions.row_sums import NUMPY

COMPILED = CompiledRowSums()


def draw(n, r, order):
    rng = np.random.default_rng(n + r)
    weights = [rng.uniform(0, 2, n) * (rng.random(n) < 0.8) for _ in range(3)]
    return np.asarray(rng.normal(size=(n, r)), order=order), weights


@pytest.mark.parametrize("n", [0, 1, 2, SLICE - 1, SLICE, SLICE + 1, 1_000])
@pytest.mark.parametrize("r", [0, 1, 2, 5, 13])
@pytest.mark.parametrize("order", "CF")
def test_sums_are_those_of_numpy(n, r, order):
    g, weights = draw(n, r, order)
    np.testing.assert_allclose(COMPILED.squares(g), NUMPY.squares(g), rtol=EXACT)
    sizes = np.sqrt((g**2).sum(axis=0))
    for found, expected in zip(
        COMPILED.products(g, weights), NUMPY.products(g, weights), strict=True
    ):
        np.testing.assert_array_equal(found, found.T)
        assert (np.abs(found - expected) <= 2 * SUMS * np.outer(sizes, sizes)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", [0, SLICE, 599])
def test_values_that_are_not_finite_show(value, where):
    g, weights = draw(600, 3, "F")
    g[where, 1] = value
    weights[0][where] = weights[1][where] = weights[2][where] = 1.0
    assert not np.isfinite(COMPILED.squares(g)[where])
    for found in COMPILED.products(g, weights):
        assert not np.isfinite(found[1, 1])


@pytest.mark.parametrize("which", [0, 1, 2])
def test_weights_that_are_not_finite_show(which):
    g, weights = draw(600, 3, "F")
    weights[which][300] = np.nan
    for i, found in enumerate(COMPILED.products(g, weights)):
        assert np.isfinite(found).all() == (i != which)
