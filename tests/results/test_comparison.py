"""When the columns of one design are among those of another."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from solvers.rows import triangle
from tolerances import EXACT

from statsmodels_ooc.results.nested import lm_statistic, same_columns
from statsmodels_ooc.solvers.least_squares import LinearFit, solve

N = 30
RNG = np.random.default_rng(0)
X = np.column_stack((np.ones(N), RNG.normal(size=(N, 3)) * [1, 1e4, 1e-4]))
Y = RNG.normal(size=N)
NAMES = ["one", "a", "b", "c"]


def fit(x: np.ndarray, y: np.ndarray) -> LinearFit:
    return solve(triangle(x, y), N)


FULL = (NAMES, fit(X, Y))


@pytest.mark.parametrize("columns", [[0], [0, 2], [3, 1, 0], [0, 1, 2, 3]])
def test_columns_are_found_in_any_order(columns: list[int]) -> None:
    restricted = ([NAMES[j] for j in columns], fit(X[:, columns], Y))
    assert same_columns(FULL, restricted) == columns


def test_a_column_of_another_name_is_not_found() -> None:
    assert same_columns(FULL, (["one", "d"], fit(X[:, :2], Y))) is None


@pytest.mark.parametrize("column", [1, 2, 3])
def test_a_column_of_the_same_name_with_other_values_is_not_found(column: int) -> None:
    x = X[:, [0, column]].copy()
    x[3, 1] *= 1.001
    assert same_columns(FULL, (["one", NAMES[column]], fit(x, Y))) is None


def test_another_response_is_noticed() -> None:
    assert same_columns(FULL, (["one"], fit(X[:, :1], Y + 1e-3))) is None


def test_lm_statistic() -> None:
    score, covariance = np.array([0.1, -0.2]), np.array([[2.0, 0.5], [0.5, 1.0]])
    expected = 50 * score @ np.linalg.solve(covariance, score)
    for turn in (np.eye(2), np.array([[3.0, 1.0], [0.0, 2.0]])):
        turned = turn.T @ score, turn.T @ covariance @ turn
        assert_allclose(lm_statistic(*turned, 50), expected, rtol=EXACT)
