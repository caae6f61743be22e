"""OLS and WLS against rational arithmetic, far beyond what designs usually are.

The size of a parameter is what its column contributes: ``|b_j|`` times the length of
the whitened column j. An error of the parameters is the largest of their errors beside
the largest of the parameters, both so measured; of the standard errors it is the
largest relative error. The condition number is that of the whitened design with columns
of one length.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from solvers.rational import Exact, solve_exactly

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

EPS = np.finfo(np.float64).eps
BOUND = 100  # times eps and the condition number
WORSE = 30  # times the error of statsmodels in memory
LUCK = 4  # times eps and the condition number: what chance gives to either side
N = 48


@dataclass(frozen=True)
class Problem:
    """A response, a design and its weights, with the exact answer."""

    y: np.ndarray
    x: np.ndarray
    weights: np.ndarray | None
    exact: Exact
    kept: Any = ...  # the columns of the results that these are

    @property
    def lengths(self) -> np.ndarray:
        return np.linalg.norm(self._white, axis=0)

    @property
    def condition(self) -> float:
        return float(np.linalg.cond(self._white / self.lengths))

    @property
    def deviations(self) -> Problem:
        """The problem of the columns that vary, measured from their means."""
        w = np.ones(len(self.y)) if self.weights is None else self.weights
        varies = np.ptp(self.x, axis=0) > 0
        x = self.x[:, varies] - np.average(self.x[:, varies], axis=0, weights=w)
        exact = Exact(self.exact.params[varies], self.exact.bse[varies], self.exact.ssr)
        return Problem(self.y, x, w, exact, varies)

    @property
    def _white(self) -> np.ndarray:
        return self.x if self.weights is None else self.x * np.sqrt(self.weights)[:, None]

    def errors(self, results: Any) -> dict[str, float]:
        size = self.lengths * np.abs(self.exact.params)
        gap = self.lengths * np.abs(np.asarray(results.params)[self.kept] - self.exact.params)
        bse = np.abs(np.asarray(results.bse)[self.kept] / self.exact.bse - 1)
        return {"params": float(gap.max() / size.max()), "bse": float(bse.max())}


def plain(rng: np.random.Generator, k: int = 3) -> np.ndarray:
    return np.column_stack((np.ones(N), rng.normal(size=(N, k))))


def far(rng: np.random.Generator) -> np.ndarray:
    return plain(rng) + np.array([0, 1e8, -1e4, 1e6])


def ruled(rng: np.random.Generator) -> np.ndarray:
    return plain(rng) * [1, 1e-12, 1e12, 1]


def far_and_ruled(rng: np.random.Generator) -> np.ndarray:
    return far(rng) * [1, 1e-12, 1e12, 1]


def late_constant(rng: np.random.Generator) -> np.ndarray:
    return far(rng)[:, [1, 2, 0, 3]] * [1, 1, 7, 1]


def last_constant(rng: np.random.Generator) -> np.ndarray:
    return plain(rng)[:, [1, 2, 3, 0]]


def dummies(rng: np.random.Generator) -> np.ndarray:
    return np.column_stack(((rng.integers(0, 3, N)[:, None] == np.arange(3)), plain(rng)[:, 1:]))


def no_constant(rng: np.random.Generator) -> np.ndarray:
    return far_and_ruled(rng)[:, 1:]


def near(rng: np.random.Generator) -> np.ndarray:
    x = plain(rng)
    x[:, 2] = x[:, 1] + 1e-6 * x[:, 2]
    return x


def sorted_time(rng: np.random.Generator) -> np.ndarray:
    return np.column_stack((np.ones(N), 1.7e18 + np.sort(rng.uniform(0, 3e16, N))))


DESIGNS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "plain": plain,
    "means": far,
    "scales": ruled,
    "means and scales": far_and_ruled,
    "late constant": late_constant,
    "last constant": last_constant,
    "dummies": dummies,
    "no constant": no_constant,
    "near": near,
    "nanoseconds": sorted_time,
}
CENTRED = ["plain", "means", "means and scales", "late constant", "last constant", "nanoseconds"]
LEVELS = {"y": 0.0, "y about 1e10": 1e10}
WEIGHTS = {"ols": 0.0, "wls": 1.0, "wild": 8.0}  # powers of ten to either side


@cache
def problem(design: str, level: str, weights: str) -> Problem:
    rng = np.random.default_rng([*map(ord, design)])
    x = DESIGNS[design](rng) * 1.0
    spread = np.where(np.ptp(x, axis=0) > 0, x.std(axis=0), 1.0)
    y = (x - x.mean(axis=0)) @ (rng.normal(size=x.shape[1]) / spread)
    y += LEVELS[level] + rng.normal(size=N)
    power = WEIGHTS[weights]
    w = 10 ** rng.uniform(-power, power, N) if power else None
    return Problem(y, x, w, solve_exactly(y, x, w))


def ours(case: Problem, rows: int, method: str = "pinv") -> Any:
    names = [f"x{j}" for j in range(case.x.shape[1])]
    frame = pd.DataFrame(case.x, columns=names).assign(y=case.y)
    terms = ["1", *names[1:]] if (case.x[:, 0] == 1).all() else ["0", *names]
    formula, source = "y ~ " + " + ".join(terms), {"chunk_rows": rows}
    if case.weights is None:
        return smo.OLS.from_formula(formula, smo.as_source(frame, **source)).fit(method=method)
    frame["w"] = case.weights
    model = smo.WLS.from_formula(formula, smo.as_source(frame, **source), weights="w")
    return model.fit(method=method)


def theirs(case: Problem) -> Any:
    weights = 1.0 if case.weights is None else case.weights
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of directions that their rule drops
        return sm.WLS(case.y, case.x, weights).fit()


@pytest.mark.parametrize("rows", [1, 7, N])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("design", DESIGNS)
def test_digits(design: str, level: str, weights: str, rows: int) -> None:
    case = problem(design, level, weights)
    found, memory = case.errors(ours(case, rows)), case.errors(theirs(case))
    for what, error in found.items():
        assert error <= BOUND * EPS * case.condition, what
        assert error <= max(WORSE * memory[what], LUCK * EPS * case.condition), what


@pytest.mark.parametrize("rows", [1, 7, N])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("design", CENTRED)
def test_means_cost_no_digits(design: str, level: str, weights: str, rows: int) -> None:
    case = problem(design, level, weights)
    found = case.deviations.errors(ours(case, rows))
    assert max(found.values()) <= BOUND * EPS * case.deviations.condition


WIDE = 41  # columns, of which the first is constant: enough for a Gram matrix


@cache
def wide(kind: str) -> Problem:
    rng = np.random.default_rng(11)
    # Few digits, which the rational numbers take along.
    x = np.round(64 * rng.normal(size=(2 * WIDE, WIDE))) / 64
    x[:, 0] = 1
    if kind == "means":
        x[:, 1:] += 2.0 ** rng.integers(0, 10, WIDE - 1)
    if kind == "scales":
        x[:, 1:] *= 2.0 ** rng.integers(-40, 40, WIDE - 1)
    y = np.round(64 * rng.normal(size=len(x))) / 64 + (1e10 if kind == "y about 1e10" else 0)
    w = 2.0 ** rng.integers(-4, 4, len(x)) if kind == "weights" else None
    return Problem(y, x, w, solve_exactly(y, x, w))


@pytest.mark.parametrize("method", ["auto", "gram", "qr"])
@pytest.mark.parametrize("kind", ["plain", "means", "scales", "weights", "y about 1e10"])
def test_many_columns(kind: str, method: str) -> None:
    case = wide(kind)
    if (kind, method) == ("y about 1e10", "gram"):
        with pytest.raises(smo.errors.PrecisionError):
            ours(case, 17, method)
        return
    found = ours(case, 17, method)
    trusted = method == "gram" or (method == "auto" and kind != "y about 1e10")
    assert ("r" not in found.model.likelihood.asked.answers) == trusted
    assert max(case.errors(found).values()) <= BOUND * EPS * case.condition


@pytest.mark.parametrize("chunk", [50, 2000])
@pytest.mark.parametrize(("far", "weight"), [(1e6, 1e-20), (1e10, 1e-30), (1e12, 1e-40)])
def test_rows_of_no_weight_do_not_choose_where_values_are_measured_from(
    far: float, weight: float, chunk: int
) -> None:
    """The first chunk did, whatever it weighed: six digits were left, by the chunking."""
    rng = np.random.default_rng(0)
    x = np.concatenate((far + rng.normal(size=50), rng.normal(size=1000)))
    w = np.repeat([weight, 1.0], [50, 1000])
    frame = pd.DataFrame({"x": x, "w": w, "y": 1 + 2 * x * (w == 1) + rng.normal(size=1050)})
    ours = smof.wls("y ~ x", smo.as_source(frame, chunk_rows=chunk), weights="w").fit()
    theirs = sm.WLS(frame.y, sm.add_constant(x), weights=w).fit(method="qr")
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-11)
