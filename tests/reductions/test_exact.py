"""Exact sums, and moments that are the same in whatever order and company rows come."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statsmodels_ooc.blocks.block import Block, Dense
from statsmodels_ooc.compiled.exact import ROWS, SLICE
from statsmodels_ooc.reductions.compiled_exact import compiled_sums
from statsmodels_ooc.reductions.exact import ExactMoments, ExactMomentsState
from statsmodels_ooc.reductions.exact_sums import exact_sums

TINY, HUGE = 5e-324, np.finfo(float).max
NORMAL = np.finfo(float).tiny
PIECE = 2**14  # values are summed in pieces of so many
KINDS = (exact_sums, compiled_sums)
quick = settings(deadline=None, max_examples=200)


def assert_exact(x: np.ndarray) -> None:
    exact = [Fraction(value) for value in x.tolist()]
    total, square = sum(exact) * 2**1074, sum(v * v for v in exact) * 2**2148
    for sums in KINDS:
        assert sums(x) == (total, 0)
        assert sums(x, squares=True) == (total, square)


def samples() -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    n = 300
    normal = rng.normal(size=n)
    yield "ordinary", normal
    yield "far from zero", normal * 1e-3 + 1e9
    yield "whole", rng.integers(-5, 6, n).astype(float)
    yield "of nearly one size", np.nextafter(1.0, 0) * rng.choice([-1, 1], n)
    yield "largest of a binade", np.full(n, np.nextafter(2.0, 0))
    yield "powers of two", 2.0 ** rng.integers(-60, 61, n)
    yield "mixed", normal * 10.0 ** rng.integers(-30, 31, n)
    yield "very mixed", normal * 10.0 ** rng.integers(-290, 290, n)
    yield "just in reach", normal * 2.0 ** rng.integers(-24, 1, n)
    yield "just out of reach", np.append(normal * 2.0**-24, [1.0, 2.0**-25 + 2.0**-77])
    yield "cancelling", np.concatenate((normal * 1e200, normal, -normal * 1e200))
    yield "huge", normal * 1e300
    yield "largest", np.full(n, HUGE)
    yield "tiny", normal * 1e-300
    yield "denormal", rng.integers(-(2**40), 2**40, n) * TINY
    yield "smallest", np.full(n, TINY)
    yield "huge and denormal", np.array([HUGE, TINY, -HUGE, NORMAL, 1.0, -TINY, -TINY])
    yield "around the ordinary", 2.0 ** np.array([400.0, -400, 399, -399, 401, -401, 0])
    yield "zeros", np.zeros(n)
    yield "zeros of both signs", np.array([0.0, -0.0])
    yield "mostly zeros", normal * (rng.random(n) < 0.1)
    yield "one", np.array([0.1])
    yield "none", np.empty(0)


SAMPLES = dict(samples())


@pytest.mark.parametrize("name", SAMPLES)
def test_sums_are_those_of_fractions(name: str) -> None:
    assert_exact(SAMPLES[name])


@quick
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30))
def test_sums_of_any_floats_are_those_of_fractions(values: list[float]) -> None:
    assert_exact(np.array(values))


@quick
@given(
    st.lists(
        st.builds(math.ldexp, st.integers(1 - 2**53, 2**53 - 1), st.integers(-130, 60)),
        max_size=30,
    )
)
def test_sums_of_long_fractions_are_those_of_fractions(values: list[float]) -> None:
    assert_exact(np.array(values))


@pytest.mark.parametrize("n", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 5])
def test_long_sums_are_those_of_fractions(n: int) -> None:
    rng = np.random.default_rng(n)
    assert_exact(rng.normal(size=n) * 10.0 ** rng.integers(-3, 4, n))


@pytest.mark.parametrize("n", [PIECE, 20 * PIECE + 3])
@pytest.mark.parametrize("least", [2**52, 2**53 - 2**20])
def test_sums_of_many_large_values_do_not_overflow_53_bits(n: int, least: int) -> None:
    whole = np.random.default_rng(n).integers(least, 2**53, n)
    values = whole.tolist()
    for sums in KINDS:
        total, square = sums(whole / 2.0**53, squares=True)
        assert total == sum(values) << (1074 - 53)
        assert square == sum(value * value for value in values) << (2148 - 106)


@pytest.mark.parametrize("n", [ROWS - 1, ROWS, ROWS + 3])
def test_sums_of_machine_code_do_not_overflow_63_bits(n: int) -> None:
    value = np.nextafter(1.0, 0)
    whole = int(value * 2**53)
    total, square = compiled_sums(np.full(n, value), squares=True)
    assert total == n * whole << (1074 - 53)
    assert square == n * whole**2 << (2148 - 106)


@pytest.mark.parametrize("n", [SLICE - 1, SLICE, SLICE + 1, 3 * SLICE + 5])
def test_small_values_between_large_ones_are_in_the_sums(n: int) -> None:
    """The last pieces do not reach their last digits."""
    rng = np.random.default_rng(n)
    for share in (0.0, 0.02, 0.5, 1.0):
        is_small = rng.random(n) < share
        is_small[0] = False
        x = rng.normal(size=n) * np.where(is_small, 2.0 ** rng.integers(-60, -10, n), 1.0)
        assert_exact(x)


@pytest.mark.parametrize("name", SAMPLES)
def test_order_and_pieces_do_not_matter(name: str) -> None:
    x = SAMPLES[name]
    whole = exact_sums(x, squares=True)
    rng = np.random.default_rng(1)
    for _ in range(3):
        y = rng.permutation(x)
        assert exact_sums(y, squares=True) == whole
        parts = np.split(y, np.sort(rng.integers(0, len(y) + 1, 4)))
        found = [exact_sums(part, squares=True) for part in parts]
        assert tuple(map(sum, zip(*found, strict=True))) == whole


def test_strides_do_not_matter() -> None:
    table = np.random.default_rng(2).normal(size=(500, 3))
    for x in (table[:, 1], table[::-2, 0], np.asfortranarray(table)[:, 2]):
        assert_exact(x)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_sum(bad: float) -> None:
    x = np.array([1.0, bad, 2.0])
    for sums in KINDS:
        assert sums(x) == sums(x, squares=True) == (0, 0)


# --- moments ----------------------------------------------------------------------------


def fold(x: np.ndarray, y: np.ndarray, ends: list[int], squares: bool = True) -> ExactMomentsState:
    moments = ExactMoments(x.shape[1], squares)
    state = moments.init()
    for a, b in zip([0, *ends], [*ends, len(y)], strict=True):
        state = moments.update(state, Block(y[a:b], Dense(np.asfortranarray(x[a:b]))))
    return state


def exact_moments(column: np.ndarray) -> tuple[Fraction, Decimal]:
    """The mean, and the standard deviation to 60 digits."""
    exact = [Fraction(value) for value in column.tolist()]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    with localcontext(prec=60):
        return mean, (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt()


def assert_moments(state: ExactMomentsState, table: np.ndarray) -> None:
    assert state.rows == len(table)
    for mean, scale, column in zip(state.mean(), state.scale(), table.T, strict=True):
        exact_mean, exact_scale = exact_moments(column)
        assert mean == float(exact_mean)
        # A rounded variance, and a rounded root.
        assert abs(Fraction(scale) - Fraction(exact_scale)) <= Fraction(np.spacing(scale))


def columns_far_from_zero() -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(3)
    normal = rng.normal(size=401)
    yield "ordinary", normal
    yield "1e9 +- 1e-3", 1e9 + 1e-3 * normal
    yield "1e15 +- 1", 1e15 + normal
    yield "the last bit of 1", 1 + np.finfo(float).eps * rng.integers(0, 2, 401)
    yield "one row differs", np.append(np.full(400, 0.1), 0.2)
    yield "constant", np.full(401, 0.1)
    yield "skewed", np.exp(10 * normal)
    yield "large", 1e140 * normal
    yield "small", 1e-140 * normal
    yield "cancelling", np.append(normal[:400], -normal[:400].sum())


COLUMNS = dict(columns_far_from_zero())


@pytest.mark.parametrize("name", COLUMNS)
def test_moments_are_those_of_fractions(name: str) -> None:
    column = COLUMNS[name]
    state = fold(column[:, None], -column / 3, [100, 250])
    assert_moments(state, np.column_stack((column, -column / 3)))


@quick
@given(
    st.lists(st.floats(-1e100, 1e100, allow_subnormal=False), min_size=1, max_size=12),
    st.sampled_from([0.0, 1.0, 1e9]),
)
def test_moments_of_any_floats_are_those_of_fractions(values: list[float], shift: float) -> None:
    # A variance below the smallest normal number is rounded to few bits.
    column = np.array([0.0 if abs(value) < 1e-100 else value for value in values]) + shift
    assert_moments(fold(np.empty((len(column), 0)), column, []), column[:, None])


def test_a_constant_column_has_its_value_for_a_mean_and_no_spread() -> None:
    state = fold(np.full((1000, 2), (0.1, 1e300)), np.full(1000, -7.3), [1, 333])
    assert state.mean().tolist() == [0.1, 1e300, -7.3]
    assert state.scale().tolist() == [0, 0, 0]


def test_a_mean_of_the_largest_values_is_finite() -> None:
    column = np.full(10, HUGE)
    assert fold(column[:, None], -column, [], squares=False).mean().tolist() == [HUGE, -HUGE]


def test_squares_are_folded_where_they_are_asked_for() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(50, 2)), rng.normal(size=50)
    plain, full = fold(x, y, [20], squares=False), fold(x, y, [20], squares=True)
    assert plain.squares == [0, 0, 0]
    assert plain.sums == full.sums
    assert all(full.squares)


def test_order_blocks_and_merges_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    n = 2000
    x, y = rng.normal(size=(n, 3)) * 10.0 ** rng.integers(-9, 9, (n, 3)), rng.normal(size=n)
    whole, moments = fold(x, y, []), ExactMoments(3, squares=True)
    for _ in range(5):
        order, ends = rng.permutation(n), np.sort(rng.integers(0, n, 3)).tolist()
        assert fold(x[order], y[order], ends) == whole
        parts = np.split(order, ends)
        states = [fold(x[part], y[part], []) for part in parts if len(part)]
        states = [states[i] for i in rng.permutation(len(states))]
        assert reduce(moments.merge, states, moments.init()) == whole
