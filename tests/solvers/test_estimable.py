"""What a short rank determines of a hypothesis, against algebra on the design itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from solvers.rows import triangle
from tolerances import INVARIANT, SOLVED, SUMS

from statsmodels_ooc.solvers.estimable import (
    estimable_part,
    estimable_rows,
    uncorrelated_part,
)
from statsmodels_ooc.solvers.least_squares import LinearFit, solve
from statsmodels_ooc.solvers.submodels import gain

N = 80
LENGTHS = [1.0, 1e-4, 1e4]


def dummies(length: float = 1.0) -> np.ndarray:
    """A constant, three dummies that add up to it, a covariate and its double."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=N)
    levels = (rng.integers(0, 3, N)[:, None] == np.arange(3)).astype(float)
    return np.column_stack((np.ones(N), levels, length * x, 2 * length * x))


def fitted(x: np.ndarray) -> LinearFit:
    y = np.random.default_rng(4).normal(size=len(x)) + x.sum(axis=1)
    return solve(triangle(x, y), len(x))


def row(*entries: float) -> np.ndarray:
    return np.array([entries], dtype=float)


KNOWN = [row(0, 1, -1, 0, 0, 0), row(1, 1, 0, 0, 0, 0), row(0, 0, 0, 0, 1, 2)]
LOST = [row(1, 0, 0, 0, 0, 0), row(0, 1, 0, 0, 0, 0), row(0, 0, 0, 0, 1, 0), row(0, 1, 1, 0, 0, 0)]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("asked", KNOWN)
def test_estimable(asked: np.ndarray, length: float) -> None:
    fit = fitted(dummies(length))
    assert estimable_part(fit, asked).df == 1
    assert estimable_rows(fit, asked).all()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("asked", LOST)
def test_not_estimable(asked: np.ndarray, length: float) -> None:
    fit = fitted(dummies(length))
    assert estimable_part(fit, asked).df == 0
    assert not estimable_rows(fit, asked).any()


@pytest.mark.parametrize("length", LENGTHS)
def test_a_mixture_keeps_what_is_known(length: float) -> None:
    fit = fitted(dummies(length))
    hypothesis = np.eye(6)[1:5]  # all levels, and one of two covariates
    part = estimable_part(fit, hypothesis)
    assert (part.asked, part.df) == (4, 2)
    expected = np.array([[1.0, -1, 0], [0, 1, -1]])
    assert_allclose(part.matrix[:, [0, 4, 5]], 0, atol=SOLVED)
    span = np.linalg.lstsq(expected.T, part.matrix[:, 1:4].T, rcond=None)[0]
    assert_allclose(expected.T @ span, part.matrix[:, 1:4].T, atol=SOLVED * np.abs(span).max())


def test_values_follow_their_combinations() -> None:
    fit = fitted(dummies())
    truth = np.array([3.0, 1.0, 2.0, -1.0, 0.5, 4.0])
    hypothesis = np.random.default_rng(1).normal(size=(5, 6))
    part = estimable_part(fit, hypothesis, hypothesis @ truth)
    assert part.df == 3
    assert_allclose(part.values, part.matrix @ truth, rtol=INVARIANT)


@pytest.mark.parametrize(("value", "consistent"), [(2.0, True), (2.001, False)])
def test_rows_that_say_the_same(value: float, consistent: bool) -> None:
    hypothesis = np.vstack((KNOWN[0], 2 * KNOWN[0], KNOWN[1]))
    part = estimable_part(fitted(dummies()), hypothesis, np.array([1.0, value, 7.0]))
    assert part.asked == part.df == 2
    assert part.consistent is consistent


def test_large_values_elsewhere_hide_no_contradiction() -> None:
    hypothesis = np.vstack((KNOWN[0], KNOWN[0], KNOWN[1]))
    part = estimable_part(fitted(dummies()), hypothesis, np.array([0.0, 1e-3, 1e7]))
    assert not part.consistent


@pytest.mark.parametrize("size", [1e3, 1e6, 1e9])
def test_what_is_estimable_does_not_depend_on_other_sizes(size: float) -> None:
    """The total of a small column and a large one."""
    rng = np.random.default_rng(0)
    small, large = rng.integers(0, 10, N) * 1.0, np.round(rng.uniform(0.5, 1.5, N) * size)
    fit = fitted(np.column_stack((np.ones(N), small, large, small + large)))
    assert fit.rank == 3
    for lost in (row(0, 1, 0, 0), row(0, 0, 1, 0), row(0, 0, 0, 1), row(0, 1, 1, 1)):
        assert estimable_part(fit, lost).df == 0
        assert not estimable_rows(fit, lost).any()
    for known in (row(1, 0, 0, 0), row(0, 1, 0, 1), row(0, 0, 1, 1), row(0, 1, -1, 0)):
        assert estimable_part(fit, known).df == 1
        assert estimable_rows(fit, known).all()


def test_no_row_wants_something_of_nothing() -> None:
    fit = fitted(dummies())
    assert estimable_part(fit, np.zeros((1, 6)), np.zeros(1)).consistent
    assert not estimable_part(fit, np.zeros((1, 6)), np.ones(1)).consistent


def test_a_row_in_a_million_counts() -> None:
    n = 1_000_000
    level = np.zeros(n)
    level[n // 2] = 1.0
    x = np.column_stack((np.ones(n), level, 1 - level))
    y = np.random.default_rng(0).normal(size=n)
    fit = solve(triangle(x, y, rows=100_000), n)
    assert fit.rank == 2
    assert estimable_rows(fit, np.eye(3)).tolist() == [False] * 3
    assert estimable_rows(fit, np.array([[1.0, 0, 1], [1, 1, 0], [0, 1, -1]])).all()
    assert estimable_part(fit, np.eye(3)[1:]).df == 1


def test_the_uncorrelated_part() -> None:
    rng = np.random.default_rng(6)
    root, larger = rng.normal(size=(6, 6)), rng.normal(size=(4, 6))
    cov, smaller = root @ root.T, rng.normal(size=(1, 4)) @ larger
    rest = uncorrelated_part(larger, smaller, cov)
    assert rest.shape == (3, 6)
    assert_allclose(rest @ cov @ smaller.T, 0, atol=SOLVED * np.abs(cov).max())
    assert np.linalg.matrix_rank(np.vstack((rest, larger))) == 4


# --- sub-models


@pytest.mark.parametrize("length", [*LENGTHS, 1e-15])
@pytest.mark.parametrize("base", [[], [0], [1, 2], [0, 1, 2, 3], [5]], ids=str)
@pytest.mark.parametrize("added", [[0], [1, 2, 3], [4], [4, 5], [2, 3, 4, 5]], ids=str)
def test_gain(base: list[int], added: list[int], length: float) -> None:
    x = dummies(length)
    y = np.random.default_rng(4).normal(size=N) + x.sum(axis=1)
    found = gain(solve(triangle(x, y), N), base, added)

    def direct(columns: list[int]) -> tuple[float, int]:
        z = x[:, columns] / np.linalg.norm(x[:, columns], axis=0)
        beta, _, rank, _ = np.linalg.lstsq(z, y, rcond=1e-10)
        return float(np.square(y - z @ beta).sum()), int(rank)

    (ssr0, rank0), (ssr1, rank1) = direct(base), direct([*base, *added])
    assert found.df == rank1 - rank0
    assert_allclose(found.sum_sq, ssr0 - ssr1, rtol=SOLVED, atol=SUMS * (y @ y))


def test_a_small_gain_of_a_good_fit_keeps_its_digits() -> None:
    """Sums of squares of 1e12 differ by one: their difference has four digits left."""
    rng = np.random.default_rng(0)
    x = np.column_stack((np.ones(N), np.linalg.qr(rng.normal(size=(N, 4)))[0][:, :3]))
    x[:, 1:] -= x[:, 1:].mean(axis=0)
    z = x[:, 3] - x[:, :3] @ np.linalg.lstsq(x[:, :3], x[:, 3], rcond=None)[0]
    z /= np.linalg.norm(z)
    noise = rng.normal(size=N)
    noise -= x @ np.linalg.lstsq(x, noise, rcond=None)[0]
    y = z + 1e6 * noise / np.linalg.norm(noise)
    found = gain(solve(triangle(x, y), N), [0, 1, 2], [3])
    assert_allclose(found.sum_sq, 1.0, rtol=INVARIANT)  # 6 of the digits of y are those of noise
