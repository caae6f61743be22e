"""Designs that machine code multiplies against the same designs held as columns."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from design.chunked import learn
from design.test_split import CODED, NOT_CODED, SPECS, exact_comoment, make_frame
from tolerances import SUMS

from statsmodels_ooc.blocks.block import Dense
from statsmodels_ooc.blocks.compiled import Compiled
from statsmodels_ooc.compiled.columns import SLICE
from statsmodels_ooc.design.columns import ColumnSpec
from statsmodels_ooc.sources.memory import FrameSource

LENGTHS = [1, 2, SLICE - 1, SLICE, SLICE + 1, 1_000]


def designs(spec, frame, block_rows=10_000):
    """The first block's design, the same as columns, and the response."""
    block = next(spec.compiled().blocks(frame, 0, "frame", 0, block_rows))
    plain = next(spec.blocks(frame, 0, "frame", 0, block_rows))
    return block.design, Dense(plain.dense().copy(order="F")), block.endog


def assert_close(found, expected, scale):
    assert np.shape(found) == np.shape(expected)
    assert (np.abs(found - expected) <= SUMS * scale).all()


def assert_same_extremes(design, dense):
    for found, expected in zip(design.extremes(), dense.extremes(), strict=True):
        np.testing.assert_array_equal(found, expected)


def assert_same(design, dense, y):
    rng = np.random.default_rng(0)
    x = dense.dense()
    b, k = x.shape
    beta, v = rng.normal(size=k), rng.normal(size=b)
    norms = np.sqrt(np.square(x).sum(axis=0))
    for found, expected in zip(design.columns(), x.T, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert_close(design.sums(), x.sum(axis=0), np.abs(x).sum(axis=0))
    assert_close(design.matvec(beta), x @ beta, np.abs(x) @ np.abs(beta))
    assert_close(design.rmatvec(v), x.T @ v, norms * np.linalg.norm(v))
    assert_same_extremes(design, dense)
    signed = rng.normal(size=b) * (rng.random(b) < 0.8)
    for w in (signed, np.abs(signed)):
        sizes = np.sqrt(np.abs(w) @ x**2)
        found = design.sandwich(w)
        np.testing.assert_array_equal(found, found.T)
        assert_close(found, x.T @ (x * w[:, None]), np.outer(sizes, sizes))
    for w in (None, rng.uniform(0.1, 2, b) * (rng.random(b) < 0.8) + 1e-9):
        for endog in (None, y):
            z = x if endog is None else np.column_stack((x, endog))
            weights = np.ones(b) if w is None else w
            design._extremes = None
            mean, comoment = design.moments(w, endog)
            assert_same_extremes(design, dense)  # that came with the moments
            sizes = np.sqrt(weights @ z**2)
            assert_close(mean, weights @ z / weights.sum(), sizes / np.sqrt(weights.sum()))
            np.testing.assert_array_equal(comoment, comoment.T)
            assert_close(comoment, exact_comoment(z, weights), np.outer(sizes, sizes))
    np.testing.assert_array_equal(design.dense(), x)


@pytest.mark.parametrize("formula", [*CODED, *NOT_CODED])
@pytest.mark.parametrize("n", LENGTHS)
def test_every_verb_agrees_with_columns(formula, n):
    design, dense, y = designs(SPECS[formula], make_frame(n, seed=1))
    assert isinstance(design, Compiled)
    assert_same(design, dense, y)


@pytest.mark.parametrize("first", [0, 3])
def test_a_block_in_the_middle_of_a_frame(first):
    spec, frame = SPECS["y ~ t*g*h + x"], make_frame(900)
    blocks = spec.compiled().blocks(frame[first:].reset_index(drop=True), 0, "frame", 0, 400)
    x = next(spec.blocks(frame, 0, "frame", 0, 900)).dense()
    beta = np.random.default_rng(0).normal(size=spec.k)
    found = np.concatenate([block.matvec(beta) for block in blocks])
    np.testing.assert_allclose(found, x[first:] @ beta, rtol=SUMS, atol=SUMS)


def test_rows_without_a_value_are_left_out():
    frame = make_frame(700)
    frame.loc[[0, 5, 699], "x"] = np.nan
    frame["g"] = frame["g"].where(np.arange(700) % 7 > 0)
    spec = learn("y ~ x*g + h", FrameSource([frame]))
    design, dense, y = designs(spec, frame)
    assert len(y) < 600
    assert_same(design, dense, y)


def many_levels(n):
    rng = np.random.default_rng(0)
    frame = make_frame(n)
    frame["many"] = pd.Categorical.from_codes(rng.integers(0, 300, n), np.arange(300))
    frame["most"] = pd.Categorical.from_codes(rng.permutation(n) % 40_000, np.arange(40_000))
    return frame


@pytest.mark.parametrize("name", ["many", "most"])
def test_codes_of_more_bytes(name):
    frame = many_levels(1_000)
    spec = learn(
        "y ~ C(many, Sum)[:, :3] + x" if name == "few" else "y ~ many + x", FrameSource([frame])
    )
    assert_same(*designs(spec, frame))


def test_plain_columns():
    frame = make_frame(600)[["y", "x"]].assign(z=lambda f: f.x**2, one=1.0)
    spec = ColumnSpec(["y"], ["x", "z", "one"])
    assert_same(*designs(spec, frame))
    part = spec.compiled()
    assert next(part.blocks(frame, 0, "f", 0, 600)).matvec(np.ones(3)) is not None
    assert_same(*designs(part.part([2, 0]), frame))


def test_columns_that_do_not_lie_next_to_each_other():
    values = np.random.default_rng(0).normal(size=(600, 3))
    frame = pd.DataFrame(values, columns=["y", "x", "z"], copy=False)
    assert frame["x"].to_numpy().strides != (8,)
    assert_same(*designs(ColumnSpec(["y"], ["x", "z"]), frame))
    assert_same(*designs(learn("y ~ x*z", FrameSource([frame])), frame))


@pytest.mark.parametrize("where", [0, 300, 599])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_shows_in_the_extremes(where, value):
    frame = make_frame(600)
    frame.loc[where, "x"] = value
    design, dense, _ = designs(SPECS["y ~ x + g"], frame)
    for found, expected in zip(design.extremes(), dense.extremes(), strict=True):
        np.testing.assert_array_equal(found, expected)
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(design.moments(None)[1]).all()


@pytest.mark.parametrize("n", [1, 7, 300])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("names", [["x"], ["z", "x"], ["x", "z", "one"]])
@pytest.mark.parametrize("after", [False, True], ids=["alone", "after products"])
def test_values_that_are_not_finite_show_in_the_extremes(n, value, names, after):
    rng = np.random.default_rng(0)
    for where in {0, n // 2, n - 1}:
        frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["y", "x", "z"]).assign(one=1.0)
        frame.loc[where, "x"] = value
        design, dense, _ = designs(ColumnSpec(["y"], names), frame)
        with np.errstate(invalid="ignore"):
            if after:
                design.moments(None)
            for found, expected in zip(design.extremes(), dense.extremes(), strict=True):
                np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("far", [1e7, 1e12])
def test_numbers_far_from_zero_lose_no_digits(far):
    frame = make_frame(2_000)
    frame["x"] += far
    design, dense, y = designs(SPECS["y ~ 0 + g + h + x"], frame)
    z = np.column_stack((dense.dense(), y))
    expected = exact_comoment(z, np.ones(len(y)))
    norms = np.sqrt(np.diag(expected))
    assert_close(design.moments(None, y)[1], expected, np.outer(norms, norms))


def test_first_rows_that_are_far_from_all_others_lose_no_digits():
    frame = make_frame(20_000)
    frame.loc[: SLICE - 1, "x"] = 1e9
    design, dense, y = designs(SPECS["y ~ x + g"], frame, 20_000)
    z = np.column_stack((dense.dense(), y))
    expected = exact_comoment(z, np.ones(len(y)))
    norms = np.sqrt(np.diag(expected))
    assert_close(design.moments(None, y)[1], expected, np.outer(norms, norms))
    late = frame.assign(x=frame.x.where(frame.index < SLICE, frame.x * 1e-9))
    design, dense, y = designs(SPECS["y ~ x + g"], late, 20_000)
    found = design.moments(None, y)[1]
    assert np.isfinite(found).all()


def test_first_rows_without_weight_lose_no_digits():
    frame = make_frame(2_000)
    frame.loc[: SLICE - 1, "x"] = 1e12
    w = np.where(np.arange(2_000) < SLICE, 0.0, 1.0)
    design, dense, y = designs(SPECS["y ~ x + g"], frame)
    z = np.column_stack((dense.dense(), y))
    expected = exact_comoment(z[SLICE:], w[SLICE:])
    norms = np.sqrt(np.diag(expected))
    assert_close(design.moments(w, y)[1], expected, np.outer(norms, norms))


def test_a_column_that_hardly_moves():
    frame = make_frame(5_000)
    frame["x"] = np.where(np.arange(5_000) % 2, 1.0, np.nextafter(1.0, 2.0))
    design, dense, _ = designs(SPECS["y ~ x"], frame)
    mean, comoment = design.moments(None)
    expected = exact_comoment(dense.dense(), np.ones(5_000))
    np.testing.assert_allclose(comoment[1, 1], expected[1, 1], rtol=0.6)
    np.testing.assert_allclose(mean, [1.0, 1.0])


def test_a_compiled_design_travels():
    spec = pickle.loads(pickle.dumps(SPECS["y ~ x + g"].compiled()))
    assert_same(*designs(spec, make_frame(300)))
    assert isinstance(next(spec.blocks(make_frame(5), 0, "f", 0, 5)).design, Compiled)


def test_columns_stay_what_they_were_once_all_are_written():
    """Those that are no variables are written where the whole design is."""
    design, dense, _ = designs(learn("y ~ x*t", FrameSource([make_frame(300)])), make_frame(300))
    before = design.columns()
    after = [*map(np.copy, before)]
    design.dense()
    for columns in (before, after, design.columns()):
        np.testing.assert_array_equal(np.column_stack(columns), dense.dense())


def test_a_variable_is_not_copied_to_be_a_column():
    frame = make_frame(300)
    design, _, _ = designs(ColumnSpec(["y"], ["x"]), frame)
    assert np.shares_memory(design.columns()[0], frame["x"].to_numpy())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_sums_of_what_is_not_finite(bad):
    frame = make_frame(600)[["y", "x"]].assign(z=1.0)
    frame.loc[300, "x"] = bad
    design, _, _ = designs(ColumnSpec(["y"], ["x", "z"]), frame)
    sums = design.sums()
    assert not np.isfinite(sums[0])
    assert sums[1] == 600


def test_products_take_no_memory_for_the_columns():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {name: rng.normal(size=20_000) for name in ["y", *map("x{}".format, range(40))]}
    )
    spec = learn("y ~ " + " + ".join(frame.columns[1:]), FrameSource([frame])).compiled()

    def multiplied():
        (block,) = spec.blocks(frame, 0, "frame", 0, len(frame))
        block.design.moments(None, block.endog)
        block.design.extremes()
        block.design.rmatvec(block.design.matvec(np.ones(spec.k)))
        return block

    multiplied()  # loads the loops
    tracemalloc.start()
    try:
        block = multiplied()
        _, peak = tracemalloc.get_traced_memory()
        block.dense()
        _, written = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    design = 8 * len(frame) * spec.k
    assert peak < design / 4
    assert written > design
