"""A factor from moments: as good as it says, and never better than it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from solvers.rows import extended, moments, triangle
from tolerances import SOLVED

from statsmodels_ooc.reductions.least_squares import triangularize
from statsmodels_ooc.solvers.least_squares import correct_digits, factor_moments, solve


def cross_products(r: np.ndarray) -> np.ndarray:
    return r.T @ r


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shift", [0.0, 1e3])
@pytest.mark.parametrize("constants", [[1.0], [1.0, 5.0, 0.0], [0.1], []])
def test_the_factor_is_that_of_the_rows(
    constants: list[float], shift: float, weighted: bool
) -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([*(np.full(50, c) for c in constants), rng.normal(size=(50, 4)) + shift])
    y, w = rng.normal(size=50), rng.uniform(0.1, 2, 50) if weighted else None
    found = factor_moments(moments(x, y, w))
    assert found is not None
    expected = cross_products(triangle(x, y, w))
    size = np.sqrt(np.diag(expected))
    assert (np.abs(cross_products(found) - expected) <= 1e-13 * np.outer(size, size)).all()


def test_the_factor_is_triangular() -> None:
    rng = np.random.default_rng(0)
    found = factor_moments(moments(rng.normal(size=(50, 4)), rng.normal(size=50)))
    assert found is not None
    assert_allclose(found, np.triu(found), rtol=0)
    assert_allclose(np.abs(np.diag(triangularize(found))), np.diag(found), rtol=SOLVED)


def test_singular_moments_have_no_factor() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    x[:, 2] = x[:, 0] + x[:, 1]
    state = moments(x, x[:, 0] ** 2)
    assert factor_moments(state) is None or correct_digits(state) < 1


KINDS = ["plain", "shifted", "near", "scaled", "shifted and near", "dummies", "constant"]


def problem(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray, Any]:
    rng = np.random.default_rng(seed)
    n = int(10 ** rng.uniform(2, 2.8))
    k = int(rng.integers(3, min(60, n // 3)))
    x = rng.normal(size=(n, k))
    match kind:
        case "shifted":
            x += 10 ** rng.uniform(0, 6, k)
        case "near":
            x[:, 1] = x[:, 2] + 10 ** rng.uniform(-6, 0) * x[:, 1]
        case "scaled":
            x *= 10 ** rng.uniform(-6, 6, k)
        case "shifted and near":
            x += 10 ** rng.uniform(0, 4, k)
            x[:, 1] = x[:, 2] + 10 ** rng.uniform(-4, 0) * rng.normal(size=n)
        case "dummies":
            x = (rng.integers(0, k, n)[:, None] == np.arange(k)) * 1.0
        case "constant":
            x[:, -1] = 0.1
    x[:, 0] = 1
    signal = x @ rng.normal(size=k)
    y = signal + 10 ** rng.uniform(-7, 1) * signal.std() * rng.normal(size=n)
    return x, y, rng.uniform(0.1, 3, n) if rng.random() < 0.5 else None


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=50, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_no_more_digits_are_promised_than_are_there(kind: str, seed: int) -> None:
    x, y, w = problem(kind, seed)
    state = moments(x, y, w, rows=100)
    promised, factor = correct_digits(state), factor_moments(state)
    if promised < 2:
        return
    assert factor is not None
    fit = solve(factor, len(y))
    if fit.rank < len(fit.params):  # no unique coefficients to be right about
        return
    params, cov, ssr = extended(x, y, w)
    se = np.sqrt(cov * ssr / (len(y) - len(params)))
    errors = [
        np.abs(fit.ssr / ssr - 1),
        np.abs(np.sqrt(np.diag(fit.normalized_cov_params) / cov) - 1).max(),
        (np.abs(fit.params - params) / np.maximum(np.abs(params), se)).max(),
    ]
    assert -np.log10(max(*errors, 1e-16)) > promised - 0.2  # a bound that was measured


def test_an_ordinary_design_is_promised_many_digits() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack((np.ones(500), rng.normal(size=(500, 60)) + 10))
    assert correct_digits(moments(x, x.sum(axis=1) + 5 * rng.normal(size=500))) > 11


HOPELESS = {
    "a sum": lambda x, y: (np.column_stack((x, x.sum(axis=1))), y),
    "a column that hardly varies": lambda x, y: (np.column_stack((x, 1e-13 * x[:, 0] + 0.1)), y),
    "a huge mean": lambda x, y: (x + np.array([1, 1e9]), y),
    "a huge mean of y": lambda x, y: (x, y + 1e9),
    "a mean of y that is huge beside its residuals": lambda x, y: (x, x[:, 0] + y / 100 + 1e7),
    "R² of one": lambda x, y: (x, x[:, 0] + 1e-8 * y),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_less_is_promised_for(name: str) -> None:
    rng = np.random.default_rng(0)
    x, y = HOPELESS[name](rng.normal(size=(200, 2)), rng.normal(size=200))
    assert correct_digits(moments(x, y)) < 7


def test_a_constant_design_loses_nothing() -> None:
    assert correct_digits(moments(np.ones((20, 1)), np.ones(20))) > 15
