"""Branch and bound on sums of squares, beside all subsets one by one."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tolerances import SOLVED, SUMS

from statsmodels_ooc.solvers.best_subset import best_subsets
from statsmodels_ooc.solvers.criteria import CRITERIA, Criterion
from statsmodels_ooc.solvers.stepwise import steps
from statsmodels_ooc.solvers.term_blocks import TermBlocks, term_blocks

N = 60


def factor(x: Any, y: Any) -> Any:
    rows = np.column_stack((np.ones(len(y)), x, y))
    return np.linalg.qr(np.vstack((rows, np.zeros((len(rows.T), len(rows.T))))), mode="r")


def problem(
    sizes: list[int], seed: int, *, rho: float = 0.5, needs: Any = None, short: bool = False
) -> tuple[Any, Any, TermBlocks]:
    """A response, a design with a column of ones first, and its terms as blocks."""
    rng = np.random.default_rng(seed)
    q = sum(sizes)
    z = np.sqrt(rho) * rng.normal(size=(N, 1)) + np.sqrt(1 - rho) * rng.normal(size=(N, q))
    z = z * 10.0 ** rng.integers(-3, 4, q) + 10.0 ** rng.integers(-3, 4, q)
    if short:
        z[:, -1] = z[:, 0] + z[:, 1]
    y = z / z.std(axis=0) @ (rng.normal(size=q) * (rng.uniform(size=q) < 0.4) / 3)
    y = y + rng.normal(size=N) + 5
    x = np.column_stack((np.ones(N), z))
    ends = 1 + np.cumsum(sizes)
    spans = [np.eye(q + 1)[:, end - size : end] for end, size in zip(ends, sizes, strict=True)]
    p = len(sizes)
    matrix = np.zeros((p, p), dtype=bool) if needs is None else needs
    return y, x, term_blocks(factor(x, y), N, np.eye(q + 1)[:, :1], spans, matrix)


def criterion(name: str, blocks: TermBlocks, y: Any) -> Criterion:
    whole = blocks.fit(np.ones(blocks.count, dtype=bool))
    return Criterion(name, N, whole.ssr, whole.rank, float(np.sum((y - y.mean()) ** 2)), 1)


def every_fit(blocks: TermBlocks) -> tuple[Any, Any, list[tuple[bool, ...]]]:
    """The sums of squares and ranks of all models that have what their terms need."""
    models = [
        bits
        for bits in itertools.product([False, True], repeat=blocks.count)
        if blocks.is_closed(np.array(bits))
    ]
    ssr, ranks = np.array([blocks.fit(np.array(bits)) for bits in models]).T
    return ssr, ranks, models


def brute(fits: Any, judge: Criterion, most: int | None = None) -> list[tuple[Any, ...]]:
    ssr, ranks, models = fits
    ordered = sorted(zip(judge.loss(ssr, ranks).tolist(), models, strict=True))
    return [(loss, bits) for loss, bits in ordered if most is None or sum(bits) <= most]


NESTED = np.zeros((9, 9), dtype=bool)
NESTED[6, [0, 1]] = NESTED[7, [1, 2]] = NESTED[8, [6, 2]] = True
CASES: dict[str, dict[str, Any]] = {
    "single columns": {"sizes": [1] * 10},
    "nearly alike": {"sizes": [1] * 9, "rho": 0.99},
    "alike to eight digits": {"sizes": [1] * 7, "rho": 1 - 1e-8},
    "orthogonal": {"sizes": [1] * 9, "rho": 0.0},
    "categories": {"sizes": [1, 3, 1, 2, 5, 1, 4, 1, 2]},
    "interactions": {"sizes": [1, 2, 1, 3, 1, 1, 2, 2, 4], "needs": NESTED},
    "short rank": {"sizes": [1, 1, 2, 1, 3, 1, 1], "short": True},
}


@functools.cache
def case_of(name: str, seed: int) -> tuple[Any, TermBlocks, Any]:
    """The response of a case, its terms, and the fits of all its models, whoever judges them."""
    y, _, blocks = problem(seed=seed, **CASES[name])
    return y, blocks, every_fit(blocks)


@pytest.mark.parametrize("name", CRITERIA)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_no_subset_is_better(case: str, name: str, seed: int) -> None:
    y, blocks, fits = case_of(case, seed)
    judge = criterion(name, blocks, y)
    for most in (None, 1, 2, 3, 5):
        found, looked_at = best_subsets(blocks, judge, count=4, most=most)
        wanted = brute(fits, judge, most)[:4]
        assert_allclose([each.loss for each in found], [loss for loss, _ in wanted], rtol=SOLVED)
        assert all(each.chosen.sum() <= (most or N) for each in found)
        assert all(blocks.is_closed(each.chosen) for each in found)
        assert looked_at <= len(fits[2])


def test_few_subsets_are_looked_at() -> None:
    y, _, blocks = problem([1] * 13, 5)
    judge = criterion("bic", blocks, y)
    found, looked_at = best_subsets(blocks, judge)
    assert looked_at < 2**13 / 50
    assert tuple(found[0].chosen) == brute(every_fit(blocks), judge)[0][1]


@pytest.mark.parametrize("short", [False, True])
def test_fits_of_blocks_are_those_of_the_rows(short: bool) -> None:
    y, x, blocks = problem([1, 2, 3, 1], 1, short=short)
    columns = [[0], [1], [2, 3], [4, 5, 6], [7]]
    for bits in itertools.product([False, True], repeat=4):
        chosen = [0, *(j for term in np.flatnonzero(bits) for j in columns[term + 1])]
        scaled = x[:, chosen] / np.linalg.norm(x[:, chosen], axis=0)
        beta, _, rank, _ = np.linalg.lstsq(scaled, y, rcond=1e-13)
        fit = blocks.fit(np.array(bits))
        assert fit.rank == rank
        assert_allclose(fit.ssr, np.sum((y - scaled @ beta) ** 2), rtol=1e-9)  # means of 1e4


@pytest.mark.parametrize("direction", ["both", "forward", "backward"])
def test_no_step_is_better_than_the_one_that_is_taken(direction: Any) -> None:
    y, _, blocks = problem(seed=2, **CASES["interactions"])
    judge = criterion("aic", blocks, y)
    start = np.full(9, direction != "forward")
    path = list(steps(blocks, judge, start, direction))
    for before, after in itertools.pairwise([*path, None]):
        ahead = []
        for j in range(9):
            other = before.chosen.copy()
            other[j] = not other[j]
            may = other[j] if direction == "forward" else direction == "both" or not other[j]
            if may and blocks.is_closed(other):
                ahead.append(float(judge.loss(*blocks.fit(other))))
        best, now = min(ahead, default=np.inf), float(judge.loss(*before.fit))
        if after is None:
            assert best >= now - SUMS * abs(now)
        else:
            assert_allclose(float(judge.loss(*after.fit)), best, rtol=SUMS)
            assert best < now


@pytest.mark.parametrize("gap", [1e-6, 1e-7, 1e-8, 1e-9, 1e-10])
@pytest.mark.parametrize("seed", range(6))
def test_columns_that_are_nearly_one(gap: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(N, 6))
    z[:, 3] = z[:, 1] + gap * rng.normal(size=N)
    y = 0.3 * z[:, 0] + rng.normal(size=N)
    x, eye = np.column_stack((np.ones(N), z)), np.eye(7)
    spans = [eye[:, j : j + 1] for j in range(1, 7)]
    blocks = term_blocks(factor(x, y), N, eye[:, :1], spans, np.zeros((6, 6), dtype=bool))
    judge = criterion("bic", blocks, y)
    found, _ = best_subsets(blocks, judge, count=5)
    expected = []
    for bits in itertools.product([False, True], repeat=6):
        if not bits[1] or not bits[3]:
            columns = x[:, [True, *bits]]
            ssr = float(np.linalg.lstsq(columns, y)[1][0])
            expected.append(float(judge.loss(ssr, columns.shape[1])))
    losses = [each.loss for each in found]
    assert losses == sorted(losses)
    assert all(ours <= best + 1e-5 for ours, best in zip(losses, sorted(expected), strict=False))


@pytest.mark.parametrize("most", [1, 2, 3, None])
@pytest.mark.parametrize("seed", range(8))
def test_interactions_of_single_columns(most: int | None, seed: int) -> None:
    needs = np.zeros((7, 7), dtype=bool)
    needs[4, [0, 1]] = needs[5, [1, 2]] = needs[6, [0, 3]] = True
    y, _, blocks = problem([1] * 7, seed, needs=needs)
    judge = criterion("aic", blocks, y)
    found, _ = best_subsets(blocks, judge, count=5, most=most)
    wanted = brute(every_fit(blocks), judge, most)[:5]
    assert_allclose([each.loss for each in found], [loss for loss, _ in wanted], rtol=SOLVED)


def test_few_of_many_terms_are_found_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """No way down from the model of all, which would be 800 fits."""
    y, _, blocks = problem([1] * 40, 3, rho=0.2)
    judge, fits = criterion("bic", blocks, y), [0]

    def fit(self: TermBlocks, chosen: Any) -> Any:
        fits[0] += 1
        return whole(self, chosen)

    whole = TermBlocks.fit
    monkeypatch.setattr(TermBlocks, "fit", fit)
    found, _ = best_subsets(blocks, judge, most=2)
    assert fits[0] < 200
    chosen = np.zeros((780, 40), dtype=bool)
    for row, pair in zip(chosen, itertools.combinations(range(40), 2), strict=True):
        row[list(pair)] = True
    assert found[0].loss <= min(float(judge.loss(*blocks.fit(row))) for row in chosen) + 1e-9
