"""The search for a separating direction, against a linear programme over all rows."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from statsmodels_ooc.blocks.block import Block, Dense, Extras
from statsmodels_ooc.families.kernels import kernel_of
from statsmodels_ooc.reductions.recession import ROUNDING, Recession
from statsmodels_ooc.solvers import separation
from statsmodels_ooc.solvers.separation import Separation, SeparationSearch, told

LOGIT, POISSON = kernel_of(sm.families.Binomial()), kernel_of(sm.families.Poisson())


def search(
    kernel: Any,
    x: np.ndarray,
    y: np.ndarray,
    span: np.ndarray | None = None,
    **extras: np.ndarray,
) -> SeparationSearch:
    """The whole search, in blocks of seven rows, from a direction that knows nothing."""
    lengths = np.linalg.norm(x, axis=0)
    begin = 1 / lengths if span is None else span.sum(axis=1)
    found = SeparationSearch(begin, lengths, span)
    while found.open:
        reduction = Recession(kernel, found.direction, found.units, found.losers)
        states = []
        for first in range(0, len(y), 7):
            piece = slice(first, first + 7)
            more = {role: values[piece] for role, values in extras.items()}
            block = Block(y[piece], Dense(np.asfortranarray(x[piece])), Extras(**more))
            states.append(reduction.update(reduction.init(), block))
        found.learn(reduce(reduction.merge, states))
    return found


def margins(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The widest margin, and the farthest pull, over all rows at once."""
    q, _ = np.linalg.qr(x)
    rows = q * (2 * y - 1)[:, None]
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    m, k = rows.shape
    wide = linprog(
        np.append(np.zeros(k), -1.0),
        A_ub=np.column_stack((-rows, np.ones(m))),
        b_ub=np.zeros(m),
        bounds=[(-1, 1)] * k + [(0, 1)],
    )
    far = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(m), bounds=(-1, 1))
    return -wide.fun, -far.fun


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["clear", "noisy", "levels", "scales"]))
def test_agrees_with_the_programme_over_all_rows(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(12, 60)), int(rng.integers(2, 6))
    x = np.column_stack([np.ones(n), rng.normal(size=(n, k - 1))])
    if kind == "levels":
        x[:, 1:] = rng.integers(0, 2, (n, k - 1))
        x = x[:, np.linalg.qr(x)[1].diagonal().__abs__() > 1e-9]
    elif kind == "scales":
        x *= 10.0 ** rng.uniform(-6, 6, k)
    size = np.linalg.norm(x, axis=0)
    eta = (x / size) @ rng.normal(size=x.shape[1]) * np.sqrt(n)
    noise = 0.0 if kind == "clear" else rng.uniform(0, 0.5)
    y = (eta + noise * rng.logistic(size=n) > 0).astype(float)
    wide, far = margins(x, y)
    found = search(LOGIT, x, y)
    if far < 1e-6:
        assert found.refuted
        return
    assert found.found is not None
    direction = found.found.direction
    gains = (2 * y - 1) * (x @ direction)
    assert (gains >= -ROUNDING * (np.abs(x) @ np.abs(direction))).all()
    assert gains.max() > 0
    if wide > 1e-6:
        assert found.found.kind == "complete"
        assert (gains > 0).all()
    elif wide == 0:
        assert found.found.kind == "quasi-complete"


def test_one_class_is_completely_separated() -> None:
    x = np.column_stack([np.ones(20), np.arange(20.0)])
    found = search(LOGIT, x, np.ones(20)).found
    assert found is not None
    assert found.complete


def test_a_level_of_ones() -> None:
    rng = np.random.default_rng(0)
    level = (np.arange(90) % 3 == 1).astype(float)
    x = np.column_stack([np.ones(90), level, rng.normal(size=90)])
    y = np.where(level == 1, 1.0, rng.integers(0, 2, 90))
    found = search(LOGIT, x, y).found
    assert found is not None
    assert found.kind == "quasi-complete"
    np.testing.assert_array_equal(found.direction, [0, 1, 0])
    assert told(found, ["Intercept", "level", "z"]) == "+1 level"


def test_counts_of_zero_for_a_level() -> None:
    rng = np.random.default_rng(0)
    level = (np.arange(90) % 3 == 1).astype(float)
    x = np.column_stack([np.ones(90), level, rng.normal(size=90)])
    y = np.where(level == 1, 0.0, rng.poisson(2, 90))
    found = search(POISSON, x, y).found
    assert found is not None
    assert found.kind == "quasi-complete"
    np.testing.assert_array_equal(found.direction, [0, -1, 0])
    y[np.argmax(level)] = 1.0
    assert search(POISSON, x, y).refuted


def test_rows_of_weight_zero_do_not_count() -> None:
    x = np.column_stack([np.ones(20), np.arange(20.0)])
    y = (x[:, 1] > 7).astype(float)
    y[0], weights = 1.0, np.ones(20)
    assert search(LOGIT, x, y, freq_weights=weights).refuted
    weights[0] = 0.0
    assert search(LOGIT, x, y, freq_weights=weights).found is not None


def test_proportions_hold_the_direction() -> None:
    x = np.column_stack([np.ones(20), np.arange(20.0)])
    y = (x[:, 1] > 9).astype(float)
    y[10] = 0.5  # the threshold must be there
    found = search(LOGIT, x, y).found
    assert found is not None
    assert found.kind == "quasi-complete"
    np.testing.assert_allclose(found.direction, [-1, 0.1], rtol=1e-12)
    y[3] = 0.5  # two thresholds cannot be
    assert search(LOGIT, x, y).refuted


@pytest.mark.parametrize("start", [0.0, 1.7e9, 1.7e18], ids=["zero", "seconds", "nanoseconds"])
def test_a_threshold_far_from_zero(start: float) -> None:
    step = max(1.0, start * 1e-9)
    x = np.column_stack([np.ones(40), start + step * np.arange(40)])
    y = (np.arange(40) > 17).astype(float)
    found = search(LOGIT, x, y).found
    assert found is not None
    assert found.complete
    y[30] = 0.0
    assert search(LOGIT, x, y).refuted


def proves(found: Separation | None, x: np.ndarray, y: np.ndarray) -> None:
    """No row loses, and some gain."""
    assert found is not None
    terms = np.abs(x) @ np.abs(found.direction)
    gains = np.where(y == 0, -1, y == 1) * (x @ found.direction)
    assert (gains >= -ROUNDING * terms).all()
    assert gains.max() > 0
    assert (np.abs(x @ found.direction)[(y > 0) & (y < 1)] <= ROUNDING * terms.max()).all()


@pytest.mark.parametrize("far", [1e6, 1e9, 1e12, 1e15, 1e25])
def test_one_value_far_out(far: float) -> None:
    x = np.column_stack([np.ones(11), [1, 2, 3, 4, 5, 5, 6, 7, 8, 9, far]])
    y = np.repeat([0.0, 1.0], [5, 6])
    found = search(LOGIT, x, y).found
    assert found is not None
    assert found.kind == "quasi-complete"
    np.testing.assert_allclose(found.direction, [-1, 0.2], rtol=1e-14)
    x[5, 1] = 5.5
    found = search(LOGIT, x, y).found
    assert found is not None
    assert found.complete
    x[5, 1] = 4.5
    assert search(LOGIT, x, y).refuted


def test_values_over_many_scales() -> None:
    z = [5e12, 5e9, 7e7, 1e5, 7e7, 7e9, 3e11, 2.3e6]
    x = np.column_stack([np.ones(8), [0.3, 0.6, 0.7, 1.5, -1.9, 0.7, 0.5, 1.3], z])
    hits, trials = np.array([0, 0, 0, 1, 1, 0, 0, 2]), np.array([1, 2, 2, 3, 1, 1, 1, 2])
    proves(search(LOGIT, x, hits / trials).found, x, hits / trials)
    left = [1.637646, 0.483044, 1.489918, 0.683457, 0.444268, 0.223801]
    right = [1.569471, 3.296358, 7.352138, 3.917608, 1.693978]
    z = [6.95e8, 5.8e19, 3.47e8, 2.8e5, 8.27e10, 1.5e6, 6.6e5, 2.3e5, 1.17e7, 4e6, 3e5]
    x, y = np.column_stack([np.ones(11), left + right, z]), np.repeat([0.0, 1.0], [6, 5])
    proves(search(LOGIT, x, y).found, x, y)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shift", [0.0, 2000.0, 1e4, 1e6])
def test_ties_along_a_direction_far_from_zero(shift: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    abc = rng.integers(-6, 7, (400, 3))
    score = abc @ [2, -1, 1]
    y = np.where(score == 0, rng.integers(0, 2, 400), score > 0).astype(float)
    x = np.column_stack([np.ones(400), abc + shift])
    found = search(LOGIT, x, y).found
    proves(found, x, y)
    assert found is not None
    assert found.kind == "quasi-complete"
    np.testing.assert_allclose(found.direction[1:] / found.direction[3], [2, -1, 1], rtol=1e-6)


def test_a_direction_is_confined_to_a_span() -> None:
    rng = np.random.default_rng(0)
    level = (np.arange(90) % 3 == 1).astype(float)
    x = np.column_stack([np.ones(90), level, rng.normal(size=90)])
    y = np.where(level == 1, 1.0, rng.integers(0, 2, 90))
    found = search(LOGIT, x, y, np.eye(3)[:, :2]).found
    assert found is not None
    np.testing.assert_array_equal(found.direction, [0, 1, 0])
    assert search(LOGIT, x, y, np.eye(3)[:, [0, 2]]).refuted
    assert search(LOGIT, x, y, np.array([[1.0, 0], [1, 0], [0, 1]])).refuted


@pytest.mark.parametrize("gap", [1e-6, 1e-9, 1e-11, 1e-13])
def test_an_overlap_is_no_tie(gap: float) -> None:
    steps = np.linspace(0.01, 1, 50)
    x = np.concatenate([1 - steps, 1 + steps, [1.0, 1 + gap]])
    y = np.repeat([0.0, 1.0, 1.0, 0.0], [50, 50, 1, 1])
    assert search(LOGIT, np.column_stack([np.ones(102), x]), y).found is None


def test_noise_in_a_guess_is_no_part_of_the_direction() -> None:
    x = np.column_stack([np.ones(9), np.arange(9.0)])
    found = SeparationSearch(np.array([1.0, 1e-12]), np.array([3.0, 15.0]))
    found.learn(
        Recession(LOGIT, found.direction, found.units, 9).update(
            Recession(LOGIT, found.direction, found.units, 9).init(),
            Block(np.ones(9), Dense(np.asfortranarray(x))),
        )
    )
    assert found.found is not None
    assert told(found.found, ["Intercept", "x"]) == "+1 Intercept"


def test_a_programme_that_is_not_solved_decides_nothing(monkeypatch: Any) -> None:
    class Unsolved:
        status, message = 4, "numerical difficulties"

    monkeypatch.setattr(separation, "linprog", lambda *args, **kwargs: Unsolved())
    x = np.column_stack([np.ones(20), np.arange(20.0)])
    found = search(LOGIT, x, (x[:, 1] > 7).astype(float))
    assert found.found is None
    assert not found.refuted


def test_a_long_direction_is_cut_short_in_words() -> None:
    names = [f"c{j}" for j in range(9)]
    words = told(Separation("complete", np.linspace(-1, 0.9, 9)), names)
    assert words.startswith("-1 c0")
    assert words.endswith("and 3 more")
