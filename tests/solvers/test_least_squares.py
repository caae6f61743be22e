"""The solver against numpy, statsmodels and extended precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from solvers.rows import extended, triangle
from tolerances import INVARIANT, SOLVED, SUMS

from statsmodels_ooc.solvers.least_squares import LinearFit, solve

N = 60


def design(name: str) -> np.ndarray:
    rng = np.random.default_rng(7)
    x = np.column_stack((np.ones(N), rng.normal(size=(N, 3))))
    match name:
        case "far from zero":
            x[:, 1] += 1e5
        case "scales":
            x[:, 1:] *= [1e-2, 1.0, 1e2]
        case "near":
            x[:, 1] = x[:, 2] + 1e-4 * x[:, 1]
        case "no constant":
            x = x[:, 1:]
        case "twice":
            x[:, 1] = 3 * x[:, 2]
        case "dummies":
            x[:, 1:] = rng.integers(0, 3, N)[:, None] == np.arange(3)
        case "zero":
            x[:, 2] = 0
        case "two short":
            x[:, 1], x[:, 2] = x[:, 3] + 1, 2.0
        case "short and scaled":
            x[:, 1] = 1e2 * x[:, 2]
    return x


FULL = ["plain", "far from zero", "scales", "near", "no constant"]
SHORT = ["twice", "dummies", "zero", "two short", "short and scaled"]


def response(x: np.ndarray, noise: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(8)
    return x @ np.linspace(1, 2, x.shape[1]) / np.abs(x).max() + noise * rng.normal(size=len(x))


@pytest.fixture(params=[None, "weights"], ids=["ols", "wls"])
def weights(request: pytest.FixtureRequest) -> Any:
    return None if request.param is None else np.random.default_rng(9).uniform(0.1, 3, N)


def both(name: str, weights: Any) -> tuple[LinearFit, Any]:
    x = design(name)
    y = response(x)
    theirs = sm.OLS(y, x) if weights is None else sm.WLS(y, x, weights)
    with pytest.warns() if name in SHORT else np.errstate():
        return solve(triangle(x, y, weights), N), theirs.fit()


@pytest.mark.parametrize("name", FULL + SHORT)
def test_rank(name: str, weights: Any) -> None:
    ours, theirs = both(name, weights)
    assert ours.rank == theirs.model.rank


@pytest.mark.parametrize("name", FULL + SHORT)
def test_params(name: str, weights: Any) -> None:
    ours, theirs = both(name, weights)
    assert_allclose(ours.params, theirs.params, rtol=INVARIANT, atol=INVARIANT)


@pytest.mark.parametrize("name", FULL + SHORT)
def test_covariance(name: str, weights: Any) -> None:
    ours, theirs = both(name, weights)
    size = np.sqrt(np.diag(theirs.normalized_cov_params))
    gap = ours.normalized_cov_params - theirs.normalized_cov_params
    scale = np.outer(size, size) + 1e-300
    # "near" has a condition number of 3e4, which theirs squares.
    assert (np.abs(gap) / np.where(size[:, None] * size > 1e-25, scale, 1)).max() < INVARIANT


@pytest.mark.parametrize("name", FULL + SHORT)
@pytest.mark.parametrize("what", ["ssr", "centered_tss", "uncentered_tss"])
def test_sums_of_squares(name: str, what: str, weights: Any) -> None:
    ours, theirs = both(name, weights)
    assert_allclose(getattr(ours, what), getattr(theirs, what), rtol=SOLVED)


@pytest.mark.parametrize("name", FULL)
def test_singular_values(name: str, weights: Any) -> None:
    ours, theirs = both(name, weights)
    # The smallest is as exact as the largest.
    largest = theirs.model.wexog_singular_values.max()
    assert_allclose(
        ours.singular_values, theirs.model.wexog_singular_values, rtol=SUMS, atol=1e-14 * largest
    )


@pytest.mark.parametrize("name", FULL + SHORT)
def test_the_solution_has_no_gradient_and_the_least_ssr(name: str) -> None:
    x = design(name)
    fit = solve(triangle(x, response(x)), N)
    assert fit.ssr_at(fit.params) == fit.ssr
    assert (fit.gradient_at(fit.params) == 0).all()


@pytest.mark.parametrize("name", FULL + SHORT)
def test_ssr_at_other_parameters(name: str) -> None:
    x = design(name)
    y = response(x)
    away = np.linspace(-1, 1, x.shape[1])
    found = solve(triangle(x, y), N).ssr_at(away)
    assert_allclose(found, ((y - x @ away) ** 2).sum(), rtol=SUMS)


@pytest.mark.parametrize("name", FULL + SHORT)
def test_gradient_at_other_parameters(name: str) -> None:
    x = design(name)
    y = response(x)
    away = np.linspace(-1, 1, x.shape[1])
    found = solve(triangle(x, y), N).gradient_at(away)
    gradient = x.T @ (y - x @ away)
    assert_allclose(found, gradient, rtol=SOLVED, atol=SUMS * np.abs(gradient).max())


@pytest.mark.parametrize("noise", [1e-3, 1e-5, 1e-7])
def test_ssr_where_r2_is_one(noise: float) -> None:
    x = design("plain")
    y = response(x, noise)
    _, _, ssr = extended(x, y)
    # Not a difference of large sums, so digits go with the noise and not with its square.
    assert_allclose(solve(triangle(x, y), N).ssr, ssr, rtol=20 * 2.2e-16 / noise)


@pytest.mark.parametrize("scale", [1e-8, 1e8, [1e-5, 1, 1e5]], ids=str)
def test_the_scale_of_a_column_costs_no_digits(scale: Any) -> None:
    x = design("plain")
    y = response(x)
    x[:, 1:] *= scale
    params, cov, _ = extended(x, y)
    fit = solve(triangle(x, y), N)
    assert fit.rank == 4
    assert_allclose(fit.params, params, rtol=SUMS)
    assert_allclose(np.diag(fit.normalized_cov_params), cov, rtol=SUMS)


def test_opposite_scales_are_of_full_rank() -> None:
    x = design("plain")
    y = response(x)
    x[:, 1], x[:, 2] = x[:, 1] * 1e-9, x[:, 2] * 1e12
    with pytest.warns(match="rank-deficient"):
        assert sm.OLS(y, x).fit().model.rank == 3  # which depends on the units
    params, cov, ssr = extended(x, y)
    fit = solve(triangle(x, y), N)
    assert fit.rank == 4
    assert_allclose(fit.params, params, rtol=SUMS)
    assert_allclose(np.diag(fit.normalized_cov_params), cov, rtol=SUMS)
    assert_allclose(fit.ssr, ssr, rtol=SUMS)


def test_a_column_with_a_large_mean_is_of_full_rank() -> None:
    x = design("plain")
    y = response(x)
    x[:, 1] += 1e8
    params, cov, ssr = extended(x - [0, 1e8, 0, 0], y)
    fit = solve(triangle(x, y), N)
    assert fit.rank == 4
    # x itself is rounded in its eighth digit.
    assert_allclose(fit.params[1:], params[1:], rtol=1e-7)
    assert_allclose(np.diag(fit.normalized_cov_params)[1:], cov[1:], rtol=1e-7)
    assert_allclose(fit.ssr, ssr, rtol=1e-7)


SHORT_AND_SCALED: dict[str, tuple[list[list[float]], list[list[float]]]] = {
    # Columns from (1, u, v, w), and what is left of the shortest solution to compare.
    "a multiple beside a small column": (
        [[1, 0, 0, 0], [0, 1e12, 0, 0], [0, 2e12, 0, 0], [0, 0, 1e-9, 0]],
        [[0, -2, 1, 0]],
    ),
    "a multiple in a small unit": (
        [[0, 1e-9, 0, 0], [0, 1e12, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]],
        [[1, -1e-21, 0, 0]],
    ),
    "two multiples of other sizes": (
        [[0, 1e12, 0, 0], [0, 0, 1e-9, 0], [0, 3e12, 0, 0], [0, 0, -2e-9, 0], [1, 0, 0, 0]],
        [[3, 0, -1, 0, 0], [0, 2, 0, 1, 0]],
    ),
    "a sum in a large unit": (
        [[0, 1e-9, 0, 0], [0, 0, 1e-9, 0], [0, 1e12, 1e12, 0], [1, 0, 0, 0]],
        [[1, 1, -1e-21, 0]],
    ),
    "a sum of other sizes": (
        [[1, 0, 0, 0], [0, 1e6, 0, 0], [0, 0, 1e-6, 0], [0, 1, 1, 0]],
        [[0, 1e-6, 1e6, -1]],
    ),
}


@pytest.mark.parametrize("rows", [3, 60])
@pytest.mark.parametrize("name", SHORT_AND_SCALED)
def test_the_shortest_solution_does_not_suffer_from_units(name: str, rows: int) -> None:
    columns, zeros = (np.array(part, dtype=float) for part in SHORT_AND_SCALED[name])
    parts = design("plain")
    y = response(parts)
    x = parts @ columns.T
    fit = solve(triangle(x, y, rows=rows), N)
    assert fit.rank == len(columns) - len(zeros)
    # The fitted values are those of the columns that they are made of ...
    used = parts[:, columns.any(axis=0)]
    residuals = y - used @ np.linalg.lstsq(used, y, rcond=None)[0]
    assert_allclose(y - x @ fit.params, residuals, atol=SUMS * np.abs(y).max())
    assert_allclose(fit.ssr, residuals @ residuals, rtol=SUMS)
    # ... and no part of the parameters is in the null space, nor of their errors.
    for null in zeros:
        terms = null * fit.params
        assert abs(terms.sum()) <= SUMS * np.abs(terms).max()
        assert (np.abs(null @ fit.root) <= SUMS * np.abs(null[:, None] * fit.root).max(0)).all()
    pinv = np.linalg.pinv(x / np.linalg.norm(x, axis=0)) / np.linalg.norm(x, axis=0)[:, None]
    assert fit.root.shape == (len(columns), fit.rank)
    assert_allclose(x @ fit.root @ fit.root.T @ x.T, x @ pinv, atol=SUMS)


@pytest.mark.parametrize("n", [700, 30_000])
@pytest.mark.parametrize("rows", [7, 900])
def test_many_blocks_do_not_fill_an_empty_direction(n: int, rows: int) -> None:
    rng = np.random.default_rng(0)
    level = rng.integers(0, 4, n)
    x = np.column_stack((np.ones(n), level[:, None] == np.arange(4), rng.normal(size=n)))
    y = rng.normal(size=n) + level
    fit = solve(triangle(x, y, rows=rows), n)
    assert fit.rank == 5
    # Of all solutions that of minimum norm: the null space is (1, -1, -1, -1, -1, 0).
    assert_allclose(fit.params @ [1, -1, -1, -1, -1, 0], 0, atol=SOLVED)
    full = np.linalg.lstsq(x[:, 1:], y, rcond=None)[0]
    assert_allclose(fit.params[0] + fit.params[1:5], full[:4], rtol=INVARIANT)


def test_a_design_of_zeros() -> None:
    fit = solve(triangle(np.zeros((N, 2)), np.arange(float(N))), N)
    assert fit.rank == 0
    assert_allclose(fit.params, 0)
    assert_allclose(fit.ssr, (np.arange(N) ** 2).sum(), rtol=SUMS)
