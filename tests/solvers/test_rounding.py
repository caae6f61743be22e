"""Leverages of one are told from leverages near one by what rounding does to the factor."""

from __future__ import annotations

import numpy as np
import pytest
from solvers.rows import fold, moments, triangle

from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.leverage import LeverageOne
from statsmodels_ooc.reductions.sandwich import LinearScores, WhiteMeat, WhiteMeatState
from statsmodels_ooc.solvers.least_squares import correct_digits, factor_moments, solve

KINDS = ["treatment", "reference", "sum", "late"]


def drawn(rng: np.random.Generator, kind: str, n: int, k: int) -> tuple[np.ndarray, int]:
    """A design with covariates of all lengths, and the row that one of its columns needs."""
    m, row = int(rng.integers(2, 8)), int(rng.integers(n))
    g = rng.integers(0, m, n)
    g[row] = m
    if kind == "reference":
        g = (g + 1) % (m + 1)
    dummies = (g[:, None] == np.arange(1, m + 1)).astype(float)
    if kind == "sum":
        dummies -= (g == 0)[:, None]
    if kind == "late":
        dummies[:, -1] *= 10 ** rng.uniform(-3, 3)
    lengths = 10 ** rng.uniform(-3, 3, k)
    covariates = lengths * (rng.normal(size=(n, k)) + rng.choice([0, 0, 1e2], k))
    return np.column_stack((np.ones(n), dummies, covariates)), row


def meat_of(x: np.ndarray, w: np.ndarray | None, name: str, rows: int) -> WhiteMeatState:
    n = len(x)
    y = np.random.default_rng(5).normal(size=n)
    factor = triangle(x, y, w, rows)
    if name == "moments":
        state = moments(x, y, w, rows)
        factor = factor_moments(state)
        if factor is None or correct_digits(state) < 9:
            pytest.skip("moments are not used for this design")
    fit = solve(factor, n)
    axes = Axes(fit.root, fit.centre)
    ones = LeverageOne(fit.root, fit.column_rounding)
    meat = WhiteMeat(LinearScores(fit.params, axes), axes, ones)
    found: WhiteMeatState = fold(meat, x, y, w, rows)
    return found


each_factor = pytest.mark.parametrize("name", ["triangle", "moments"])


@each_factor
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_a_row_of_leverage_one_is_found(seed: int, kind: str, name: str) -> None:
    rng = np.random.default_rng(seed)
    n = 300 if seed < 8 else 8000
    x, row = drawn(rng, kind, n, int(rng.choice([1, 4, 20])))
    w = 10 ** rng.uniform(-3, 3, n) if seed % 2 else None
    rows = int(rng.choice([7, 64, 512]))
    found = meat_of(x, w, name, rows)
    assert found.count == 1
    assert found.first is not None
    assert found.first.row == row % rows  # in its block


@each_factor
@pytest.mark.parametrize("kind", ["treatment", "late"])
@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
def test_a_row_of_leverage_almost_one_is_kept(gap: float, kind: str, name: str) -> None:
    x, row = drawn(np.random.default_rng(11), kind, 300, 3)
    own = int(np.argmax(np.count_nonzero(x, axis=0) == 1))
    x[row - 1, own] = np.sqrt(gap) * x[row, own]  # 1 - h is the gap, or a little more
    assert meat_of(x, None, name, 64).count == 0
