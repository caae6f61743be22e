"""The penalised quadratic and the penalised likelihood, by their optimality conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tolerances import SUMS

from statsmodels_ooc.solvers.elastic_net import (
    Penalized,
    Penalty,
    penalized_likelihood,
    penalized_quadratic,
)
from statsmodels_ooc.solvers.least_squares import solve
from statsmodels_ooc.solvers.point import Point


def violation(h: Any, c: Any, l1: Any, x: Any) -> float:
    """How far the subgradient is from zero, beside the size of `c`."""
    slope = c - h @ x
    at_zero = np.maximum(np.abs(slope) - l1, 0)
    return float(np.max(np.where(x == 0, at_zero, np.abs(slope - l1 * np.sign(x)))))


def problem(name: str, seed: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    n, k = 60, 12
    x = rng.normal(size=(n, k))
    beta = np.where(rng.uniform(size=k) < 0.4, rng.normal(size=k), 0.0)
    l1 = np.full(k, 0.2)
    match name:
        case "correlated":
            x = rng.normal(size=(n, 1)) + 0.05 * x
        case "powers":
            x = rng.uniform(1, 2, n)[:, None] ** np.arange(k)
        case "duplicates":
            x[:, 1], x[:, 4] = x[:, 0], -x[:, 3]
        case "fewer rows than columns":
            x = x[:5]
        case "other units":
            x *= 10.0 ** rng.integers(-4, 5, k)
            l1 = l1 * np.sqrt((x**2).mean(axis=0))
        case "some free":
            l1[:4] = 0.0
        case "none":
            l1[:] = 0.0
        case "an empty column":
            x[:, 2] = 0.0
        case "different weights":
            l1 = rng.uniform(0, 0.5, k)
    y = x @ beta + rng.normal(size=len(x))
    return x.T @ x / len(x), x.T @ y / len(x), l1


NAMES = (
    *("plain", "correlated", "powers", "duplicates", "fewer rows than columns", "other units"),
    *("some free", "none", "an empty column", "different weights"),
)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("warm", [False, True])
def test_the_subgradient_is_zero(name: str, seed: int, warm: bool) -> None:
    h, c, l1 = problem(name, seed)
    start = np.random.default_rng(seed + 100).normal(size=len(c)) if warm else np.zeros(len(c))
    x = penalized_quadratic(h, c, l1, start)
    units = np.where(np.diag(h) > 0, np.sqrt(np.diag(h)), 1.0)
    assert violation(h / np.outer(units, units), c / units, l1 / units, x * units) < 1e-11


def test_a_penalty_that_is_large_enough_leaves_nothing() -> None:
    h, c, _ = problem("plain", 0)
    enough = np.full(len(c), np.abs(c).max() * (1 + SUMS))
    x = penalized_quadratic(h, c, enough, np.ones(len(c)))
    assert (x == 0).all()


@pytest.mark.parametrize(("c", "expected"), [(3.0, 1.0), (-3.0, -1.0), (1.5, 0.25), (0.5, 0.0)])
def test_one_coefficient_is_thresholded(c: float, expected: float) -> None:
    x = penalized_quadratic(np.full((1, 1), 2.0), np.array([c]), np.ones(1), np.zeros(1))
    assert_allclose(x, [expected])


def test_the_start_makes_no_difference() -> None:
    h, c, l1 = problem("correlated", 3)
    starts = [np.zeros(12), np.ones(12), np.linspace(-5, 5, 12)]
    found = [penalized_quadratic(h, c, l1, start) for start in starts]
    assert_allclose(found[1], found[0], atol=1e-10)
    assert_allclose(found[2], found[0], atol=1e-10)


# --- the likelihood: a logit on rows in memory


class Logit:
    """Points of a logistic regression, counted."""

    def __init__(self, n: int = 80, k: int = 4, slope: float = 1.0) -> None:
        rng = np.random.default_rng(2)
        self.x = np.column_stack((np.ones(n), rng.normal(size=(n, k - 1))))
        eta = slope * (self.x @ rng.normal(size=k))
        self.y = (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float)
        self.passes = 0

    def at(self, beta: Any) -> Point:
        self.passes += 1
        n = len(self.y)
        eta = self.x @ beta
        mu = 1 / (1 + np.exp(-eta))
        deviance = 2 * float(np.logaddexp(0, -eta * (2 * self.y - 1)).sum())
        root = np.sqrt(mu * (1 - mu))[:, None]
        rows = root * np.column_stack((np.ones(n), self.x, np.zeros(n)))
        factor = np.linalg.qr(rows, mode="r")
        score, gap = self.x.T @ (self.y - mu), float(np.abs(self.y - mu).max())
        return Point(beta, deviance, deviance, score, gap, None, solve(factor, n), factor)

    def fit(self, penalty: Penalty, start: Any = None, **options: Any) -> Penalized:
        settings: dict[str, Any] = {"scale_of": lambda p: 1.0, "tolerance": 1e-9, "maxiter": 50}
        beta = np.zeros(self.x.shape[1]) if start is None else start
        self.passes = 0
        return penalized_likelihood(
            self.at, self.at(beta), penalty, len(self.y), **{**settings, **options}
        )

    def violation(self, penalty: Penalty, beta: Any, factor: float = 1.0) -> float:
        slope = self.at(beta).score / len(self.y) - factor * penalty.l2 * beta
        l1 = factor * penalty.l1
        at_zero = np.maximum(np.abs(slope) - l1, 0)
        return float(np.max(np.where(beta == 0, at_zero, np.abs(slope - l1 * np.sign(beta)))))


def penalty_of(l1: float, l2: float, **options: Any) -> Penalty:
    return Penalty(np.full(4, l1), np.full(4, l2), **options)


@pytest.mark.parametrize(("l1", "l2"), [(0.05, 0.0), (0.02, 0.1), (0.0, 0.2), (0.0, 0.0)])
def test_likelihood_conditions(l1: float, l2: float) -> None:
    logit = Logit()
    found = logit.fit(penalty_of(l1, l2))
    assert found.converged
    assert logit.violation(penalty_of(l1, l2), found.params) < 1e-11


def test_the_last_step_takes_no_pass() -> None:
    logit = Logit()
    found = logit.fit(penalty_of(0.05, 0.0))
    assert logit.passes == found.iterations + 1
    assert found.iterations <= 5
    assert not np.array_equal(found.params, found.point.beta)


def test_steps_that_lead_astray_are_halved() -> None:
    logit = Logit(slope=2.0)
    start = np.array([30.0, -30.0, 30.0, 30.0])
    penalty = penalty_of(0.01, 0.01)
    values = []

    def watched(beta: Any) -> Point:
        values.append(Logit.at(logit, beta))
        return values[-1]

    found = penalized_likelihood(
        watched,
        logit.at(start / 6),
        penalty,
        len(logit.y),
        scale_of=lambda p: 1.0,
        tolerance=1e-9,
        maxiter=100,
    )
    assert found.converged
    assert len(values) > found.iterations
    assert logit.violation(penalty, found.params) < 1e-11


def test_a_scaled_penalty_solves_its_own_equation() -> None:
    logit = Logit()

    def scale_of(point: Point) -> float:
        return point.pearson / 30

    penalty = penalty_of(0.0, 0.3, scaled=True)
    found = logit.fit(penalty, scale_of=scale_of)
    factor = scale_of(logit.at(found.params))
    assert found.converged
    assert factor > 2
    assert logit.violation(penalty, found.params, factor) < 1e-10


def test_a_looser_tolerance_takes_fewer_steps() -> None:
    logit = Logit()
    loose, tight = (logit.fit(penalty_of(0.05, 0.0), tolerance=t) for t in (1e-2, 1e-9))
    assert loose.iterations < tight.iterations
    assert_allclose(loose.params, tight.params, atol=1e-2)


def test_too_few_steps_are_told() -> None:
    found = Logit().fit(penalty_of(0.05, 0.0), maxiter=1)
    assert not found.converged
    assert found.reason == "more than maxiter=1 iterations are needed"


def test_a_quadratic_takes_one_step() -> None:
    logit = Logit()
    found = logit.fit(penalty_of(0.05, 0.0), quadratic=True)
    assert found.converged
    assert logit.passes == 1
