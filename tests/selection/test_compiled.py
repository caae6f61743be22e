"""Candidates that machine code finds: the same rows and the same bits as NumPy's."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.genmod import families

from statsmodels_ooc.blocks.block import Dense, Extras
from statsmodels_ooc.compiled.beyond import SLICE, beyond
from statsmodels_ooc.families.kernels import kernel_of
from statsmodels_ooc.selection.candidates import Candidates, CandidatesState
from statsmodels_ooc.selection.carried import Numbering, RawBlock
from statsmodels_ooc.selection.compiled import compiled_offers
from statsmodels_ooc.selection.criteria import deal, offers
from statsmodels_ooc.selection.ordering import TIES, Order
from statsmodels_ooc.selection.scorers import Informative, Psi

NAN, INF = np.nan, np.inf
VALUES = np.array([-INF, -3.0, -1.0, -0.0, 0.0, 1.0, 2.0, INF, NAN])
quick = settings(deadline=None, max_examples=100)


# --- rows beyond bounds


def rows_beyond(x: Any, low: float, high: float, weight: Any = (), mean: float = 0.0) -> Any:
    x, weight = np.asarray(x, dtype=float), np.asarray(weight, dtype=float)
    rows = np.empty((2, len(x)), np.int64)
    counts = beyond(x, mean, weight, low, high, rows)
    return tuple(part[:count].tolist() for part, count in zip(rows, counts, strict=True))


@pytest.mark.parametrize("n", [0, 1, 2, SLICE - 1, SLICE, SLICE + 1, 5 * SLICE + 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("low", "high"), [(-1, 1), (-INF, INF), (INF, -INF), (0.0, -0.0), (-9, 9), (2, 1), (NAN, NAN)]
)
def test_rows_at_a_bound_or_beyond_it(n: int, weighted: bool, low: float, high: float) -> None:
    rng = np.random.default_rng(n)
    for share in (0.01, 1.0):
        x = np.where(rng.random(n) < share, rng.choice(VALUES, n), 0.5)
        weight = rng.choice([0.0, 0.5, 1.0, NAN], n) if weighted else np.empty(0)
        with np.errstate(invalid="ignore"):
            z = (x - 0.25) * weight if weighted else x
        expected = (np.flatnonzero(z <= low).tolist(), np.flatnonzero(z >= high).tolist())
        assert rows_beyond(x, low, high, weight, 0.25 if weighted else 0.0) == expected


def test_a_row_may_be_beyond_both_bounds() -> None:
    assert rows_beyond([1.0, 1.0, 2.0], 1.0, 1.0) == ([0, 1], [0, 1, 2])


# --- offers


def order_of(scores: np.ndarray, m: int) -> Order:
    order = Order(m)
    order.offer(scores, np.arange(len(scores)) + 10_000, lambda codes: codes)
    return order.settle(lambda codes: codes)


@quick
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.booleans(), st.booleans())
def test_offers_lack_no_row_that_an_order_lets_in(
    seed: int, b: int, weighted: bool, known: bool
) -> None:
    """Of the rows that NumPy offers, those that are let in are offered, with the same bits."""
    rng = np.random.default_rng(seed)
    columns = [rng.choice(VALUES[1:-2], b) + rng.choice([0, 1e-3, 1e3]) for _ in range(2)]
    columns[1] = columns[1] * rng.normal(size=b)
    psi = rng.choice([0.0, 0.1, 0.25, NAN], b) if weighted else None
    mean = np.array([0.3, -0.1]) if weighted else None
    sizes = rng.integers(1, 12, 4).tolist()
    before = rng.normal(size=(4, 15))
    made = [
        [order_of(s, m) if known else Order(m) for s, m in zip(before, sizes, strict=True)]
        for _ in range(2)
    ]
    codes = np.arange(b)
    found = [
        make("D", columns, psi, mean, None, orders)
        for make, orders in zip((offers, compiled_offers), made, strict=True)
    ]
    for theirs, ours, one, other in zip(*found, *made, strict=True):
        for order, (rows, scores) in ((one, theirs), (other, ours)):
            order.offer(scores, codes if rows is None else codes[rows], lambda codes: codes)
            order.settle(lambda codes: codes)
        assert one.codes.tolist() == other.codes.tolist()
        assert one.scores.tobytes() == other.scores.tobytes()


def test_few_rows_of_a_block_are_offered() -> None:
    b, m = 100_000, 50
    x = np.random.default_rng(0).normal(size=b)
    for orders in ([Order(m), Order(m)], [order_of(s[:5_000], m) for s in (x, -x)]):
        for rows, scores in compiled_offers("D", [x], None, None, None, orders):
            assert rows is not None
            assert m <= len(rows) == len(scores) < b / 10


# --- states


LOGIT = kernel_of(families.Binomial())
IDENTITY = kernel_of(families.Poisson(families.links.Identity()))  # some means are impossible


def folded(reduction: Candidates, x: np.ndarray, sizes: list[int]) -> CandidatesState:
    ends = np.cumsum([0, *sizes])
    blocks = [
        RawBlock(np.zeros(b - a), Dense(np.asfortranarray(x[a:b])), Extras(), 0, int(a))
        for a, b in pairwise(ends.tolist())
    ]
    state = reduce(reduction.update, blocks, reduction.init())
    return reduction.merge(state, reduction.init())


@quick
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(0, 60), min_size=1, max_size=6),
    kernel=st.sampled_from([None, LOGIT, IDENTITY]),
    purpose=st.sampled_from([None, TIES]),
    ties=st.booleans(),
)
def test_states_are_the_same(
    seed: int, sizes: list[int], kernel: Any, purpose: Any, ties: bool
) -> None:
    """In blocks of no, one or more rows, and as one block."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    x = rng.integers(-2, 3, (n, 3)).astype(float) if ties else rng.normal(size=(n, 3))
    psi = Psi() if kernel is None else Psi(kernel, np.array([0.6, -1.0, 0.3]))
    mean = None if kernel is None else np.array([0.1, -0.2, 0.0])
    needs = deal("D", int(rng.integers(6, 25)), 3).needs
    plain = Candidates(
        needs,
        Informative("D", (0, 1, 2), psi, mean),
        Numbering(5, purpose, np.zeros(1, np.int64)),
        room=0,
    )
    expected = folded(plain, x, sizes)
    for cut in (sizes, [n], [1] * n):
        found = folded(plain.compiled(), x, cut)
        assert (found.outside, found.outside_at) == (expected.outside, expected.outside_at)
        for one, other in zip(found.orders, expected.orders, strict=True):
            assert one.codes.tolist() == other.codes.tolist()
            assert one.scores.tobytes() == other.scores.tobytes()


def test_other_criteria_have_no_loops() -> None:
    scores = Informative("T", (0,), Psi(), np.zeros(1), np.ones(1))
    x = np.random.default_rng(0).normal(size=(40, 1))
    reduction = Candidates((7,), scores, Numbering(), room=0)
    assert folded(reduction.compiled(), x, [40]).orders == folded(reduction, x, [40]).orders
