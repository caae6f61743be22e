"""Designs held as codes against the same designs held as columns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from design.chunked import learn
from hypothesis import given, settings
from hypothesis import strategies as st

from statsmodels_ooc.blocks.block import Dense, Where
from statsmodels_ooc.blocks.columns import Filled, Scratch
from statsmodels_ooc.blocks.split import Split
from statsmodels_ooc.sources.memory import FrameSource

RTOL = 1e-13  # of the columns' norms: sums over at most a block, in another order
G, H = "abcdefghi", "opqrstuv"  # enough to be coded

CODED = {  # formula: the columns that are not coded
    "y ~ g": 1,
    "y ~ 0 + g": 0,
    "y ~ x + g": 2,
    "y ~ g + h": 1,
    "y ~ g:h": 1,
    "y ~ g*h": 1,
    "y ~ 0 + g + h + x": 1,
    "y ~ h:t + x + g": 3,
    "y ~ t*g*h + x": 3,
    "y ~ x + g + g:x": 2 + len(G),
    "y ~ C(g, Sum) + h": len(G) + 1,
    "y ~ C(g, np.eye(10)[:, [0, 3, 4, 6, 7, 8, 8]]) + x": 3,
    "y ~ g + C(g) + h": 1,
    "y ~ C(t, Sum)*h": 2 + len(H) - 1,
}
NOT_CODED = ["y ~ x", "y ~ t + x", "y ~ C(g, Sum)", "y ~ C(g, Poly)", "y ~ 0 + x:g", "y ~ t:x + x"]


def make_frame(n=200, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 2)), columns=["y", "x"])
    frame["x"] += 3
    frame["g"] = pd.Categorical.from_codes(rng.integers(0, len(G), n), [*G, "never"])
    frame["h"] = pd.Categorical.from_codes(rng.integers(0, len(H), n), [*H])
    frame["t"] = rng.random(n) < 0.5
    return frame


SPECS = {formula: learn(formula, FrameSource([make_frame()])) for formula in [*CODED, *NOT_CODED]}


def designs(spec, frame, block_rows=10_000):
    """The first block's design, and the same as columns."""
    block = next(spec.blocks(frame, 0, "frame", 0, block_rows))
    rows = spec.rows(frame, Where(0, "frame", 0))
    scratch = Scratch(len(block.endog), spec.k)
    columns = Filled(spec, rows, slice(0, len(block.endog)), scratch)
    return block.design, Dense(columns.dense()), block.endog


def signed_weights(b, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=b) * (rng.random(b) < 0.8)


def assert_close(found, expected, scale):
    """To rounding of the norms; where the scale is nothing, so is the answer."""
    assert found.shape == expected.shape
    assert (np.abs(found - expected) <= RTOL * scale).all()


def assert_symmetric(matrix):
    np.testing.assert_array_equal(matrix, matrix.T)


def assert_same_verbs(split, dense, y, seed=0):
    rng = np.random.default_rng(seed)
    x = dense.dense()
    b, k = x.shape
    beta, v, w = rng.normal(size=k), rng.normal(size=b), signed_weights(b, seed)
    norms = np.sqrt(np.square(x).sum(axis=0))
    assert_close(split.matvec(beta), dense.matvec(beta), np.abs(x) @ np.abs(beta))
    assert_close(split.rmatvec(v), dense.rmatvec(v), norms * np.linalg.norm(v))
    found = split.sandwich(w)
    assert_symmetric(found)
    size = np.sqrt(np.abs(w))
    assert_close(found, dense.sandwich(w), np.outer(*[np.sqrt(size**2 @ x**2)] * 2))
    for weights in (None, np.abs(w)):
        for endog in (None, y):
            assert_same_comoment(split, dense, weights, endog)


def assert_same_comoment(split, dense, weights, endog):
    x, w = dense.dense(), np.ones(len(dense.dense())) if weights is None else weights
    z = x if endog is None else np.column_stack([x, endog])
    mean = w @ z / w.sum() if w.sum() else np.zeros(z.shape[1])
    found, expected = (way.comoment(weights, mean, endog) for way in (split, dense))
    assert_symmetric(found)
    norms = np.sqrt(w @ z**2)
    assert_close(found, expected, np.outer(norms, norms))


@pytest.mark.parametrize("formula", CODED)
def test_every_verb_agrees_with_columns(formula):
    split, dense, y = designs(SPECS[formula], make_frame(seed=1))
    assert isinstance(split, Split)
    assert split.written().shape[1] == CODED[formula]
    assert_same_verbs(split, dense, y)


@pytest.mark.parametrize("formula", NOT_CODED)
def test_what_is_no_indicator_stays_a_column(formula):
    design = designs(SPECS[formula], make_frame())[0]
    assert type(design) is Filled


@settings(deadline=None, max_examples=50)
@given(
    formula=st.sampled_from(list(CODED)),
    n=st.integers(0, 30),
    levels=st.integers(1, len(H)),
    seed=st.integers(0, 1_000),
)
def test_short_blocks_and_levels_that_do_not_occur(formula, n, levels, seed):
    frame = make_frame(n, seed)
    frame["h"] = pd.Categorical.from_codes(frame.h.cat.codes % levels, [*H])
    assert_same_verbs(*designs(SPECS[formula], frame), seed)


@pytest.mark.parametrize("formula", CODED)
@pytest.mark.parametrize("n", [0, 1])
def test_blocks_of_no_row_and_of_one(formula, n):
    split, dense, y = designs(SPECS[formula], make_frame(n))
    assert split.dense().shape == (n, SPECS[formula].k)
    assert_same_verbs(split, dense, y)


def test_weights_of_nothing():
    split, dense, y = designs(SPECS["y ~ g*h"], make_frame(50))
    assert_same_comoment(split, dense, np.zeros(50), y)


@pytest.mark.parametrize(
    ("formula", "names", "written"),
    [
        ("y ~ x + g + h", ["g[T.b]", "g[T.e]", "h[T.q]"], 2),
        ("y ~ g*h", ["g[T.c]", "g[T.b]:h[T.q]", "g[T.e]:h[T.q]", "Intercept"], 0),
        ("y ~ x + g + h", [f"h[T.{level}]" for level in H[2:]], 3),
    ],
)
def test_dropped_columns(formula, names, written):
    spec = learn(formula, FrameSource([make_frame()]), drop_cols=names)
    split, dense, y = designs(spec, make_frame(seed=2))
    assert split.written().shape[1] == written
    assert dense.dense().shape[1] == learn(formula, FrameSource([make_frame()])).k - len(names)
    assert_same_verbs(split, dense, y)


def test_columns_and_codes_share_their_memory_in_any_order():
    split, dense, y = designs(SPECS["y ~ x + g"], make_frame())
    w, mean = np.abs(signed_weights(len(y))), np.zeros(SPECS["y ~ x + g"].k + 1)
    before = split.sandwich(w), split.comoment(w, mean, y), split.matvec(mean[1:] + 1)
    np.testing.assert_array_equal(split.dense(), dense.dense())
    after = split.sandwich(w), split.comoment(w, mean, y), split.matvec(mean[1:] + 1)
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(split.dense(), dense.dense())


@pytest.mark.parametrize("n", [1, 3, 200])
@pytest.mark.parametrize("formula", CODED)
def test_extremes_are_those_of_the_columns(formula, n):
    split, dense, _ = designs(SPECS[formula], make_frame()[:n])
    for ours, theirs in zip(split.extremes(), dense.extremes(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_keys_are_the_variables():
    split, _, _ = designs(SPECS["y ~ x + g"], make_frame())
    g, x = sorted(split.keys(), key=lambda key: key.dtype.kind == "f")
    np.testing.assert_array_equal(x, make_frame().x)
    np.testing.assert_array_equal(g, make_frame().g.cat.codes)


def test_the_same_bits_in_every_thread():
    spec, frame = SPECS["y ~ g*h"], make_frame()
    w = np.abs(signed_weights(len(frame)))

    def work(_):
        split, _, y = designs(spec, frame)
        return split.comoment(w, np.zeros(spec.k + 1), y), split.rmatvec(w)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(16)))
    for comoment, sums in found[1:]:
        np.testing.assert_array_equal(comoment, found[0][0])
        np.testing.assert_array_equal(sums, found[0][1])


def heavy_frame(others, n=4_000):
    """All rows but some are in one level, of either factor."""
    frame, rng = make_frame(n, seed=3), np.random.default_rng(0)
    for name in "gh":
        column = np.full(n, 5)
        column[rng.choice(n, others, replace=False)] = rng.integers(0, 5, others)
        frame[name] = pd.Categorical.from_codes(column, frame[name].cat.categories)
    return frame


def exact_comoment(z, w):
    """Weighted products of deviations from the mean, in more digits."""
    z, w = z.astype(np.longdouble), w.astype(np.longdouble)
    deviations = z - w @ z / w.sum()
    return (deviations.T @ (deviations * w[:, None])).astype(float)


def assert_exact_comoment(frame, w):
    split, dense, y = designs(SPECS["y ~ 0 + g + h + x"], frame)
    z = np.column_stack([dense.dense(), y])
    expected = exact_comoment(z, w)
    found = split.comoment(w, w @ z / w.sum(), y)
    norms = np.sqrt(np.diag(expected))  # about the means
    assert_symmetric(found)
    assert_close(found, expected, np.outer(norms, norms))


@pytest.mark.parametrize("others", [1, 3, 1_000])
def test_a_level_with_nearly_all_rows_loses_no_digits(others):
    frame = heavy_frame(others)
    w = np.random.default_rng(0).uniform(0.5, 2, len(frame))
    w[(frame.g != G[5]) | (frame.h != H[5])] *= 1e-6
    assert_exact_comoment(frame, w)


def test_numbers_far_from_zero_lose_no_digits():
    frame = make_frame(4_000)
    frame["x"] += 1e7
    assert_exact_comoment(frame, np.random.default_rng(0).uniform(0.5, 2, len(frame)))
