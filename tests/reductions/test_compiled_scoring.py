"""A step of scoring in one sweep against the same step taken verb by verb."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from design.test_split import SPECS, make_frame
from families.test_compiled import BINARY, FAMILIES, OF_POWERS
from tolerances import SUMS

from statsmodels_ooc.blocks.block import CellSums, Extras
from statsmodels_ooc.compiled import columns
from statsmodels_ooc.families.kernels import Kernel, kernel_of
from statsmodels_ooc.reductions.compiled_scoring import sweep
from statsmodels_ooc.reductions.least_squares import Moments, Triangle
from statsmodels_ooc.reductions.scoring import Scoring

FORMULAS = ["y ~ x", "y ~ t:x + x", "y ~ x + g", "y ~ 0 + g", "y ~ t*g*h + x", "y ~ C(g, Sum) + h"]
LENGTHS = [1, 2, 255, 256, 257, 1_000]
FORMULA, POISSON = "y ~ x + g", FAMILIES["Poisson"]


def draw(formula, n, family, extras=()):
    """A block of a design in machine code, parameters, and the same block held as columns."""
    spec, frame, rng = SPECS[formula], make_frame(n), np.random.default_rng(n)
    offset = rng.uniform(0.0, 0.2, n) if "offset" in extras else None
    weights = rng.uniform(0.5, 2.0, n) * (rng.random(n) < 0.9) + 1e-9
    beta = rng.uniform(0.01, 0.1, spec.k) if family in OF_POWERS else 0.1 * rng.normal(size=spec.k)
    block = next(spec.blocks(frame, 0, "frame", 0, n))
    eta = block.matvec(beta) + (0 if offset is None else offset)
    mu = FAMILIES[family].link.inverse(eta)
    y = (rng.random(n) < mu).astype(float) if family in BINARY else mu * rng.gamma(2.0, size=n)
    given = Extras(offset=offset, var_weights=weights if "weights" in extras else None)
    blocks = [
        replace(next(one.blocks(frame, 0, "frame", 0, n)), endog=y, extras=given)
        for one in (spec.compiled(), spec)
    ]
    return blocks, beta


def steps(family, beta):
    """In machine code, and as NumPy has it."""
    kernel = kernel_of(family)
    plain = Scoring(kernel, beta, Moments(len(beta), response=False), len(beta))
    return plain.compiled(), plain


def folded(step, *blocks):
    state = step.init()
    for block in blocks:
        state = step.update(state, block)
    return state


def assert_same(found, expected):
    for name in ("deviance", "pearson", "gap", "lowest", "edge"):
        known = getattr(expected, name)
        np.testing.assert_allclose(getattr(found, name), known, rtol=SUMS, err_msg=name)
    assert found.faint == expected.faint
    assert (found.outside is None) == (expected.outside is None)
    moments, known = found.design, expected.design
    norms = np.sqrt(np.diag(known.comoment) + known.total * known.mean**2)
    np.testing.assert_allclose(moments.total, known.total, rtol=SUMS)
    largest = np.abs(expected.score).max() + expected.gap * known.total
    np.testing.assert_allclose(found.score, expected.score, rtol=SUMS, atol=SUMS * largest)
    means = norms / np.sqrt(known.total)
    assert (np.abs(moments.mean - known.mean) <= SUMS * means).all()
    assert (np.abs(moments.comoment - known.comoment) <= SUMS * np.outer(norms, norms)).all()
    assert moments.rows == known.rows


def in_one_sweep(step, *blocks):
    """The state of blocks none of which is taken verb by verb."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scoring, "_eta", lambda *_: pytest.fail("verb by verb"))
        return folded(step, *blocks)


@pytest.mark.parametrize("extras", [(), ("offset",), ("weights",), ("offset", "weights")])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family(family, extras):
    (block, plain), beta = draw(FORMULA, 700, family, extras)
    one, other = steps(FAMILIES[family], beta)
    assert_same(in_one_sweep(one, block), folded(other, plain))


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("n", LENGTHS)
def test_every_design(formula, n):
    (block, plain), beta = draw(formula, n, "logit")
    one, other = steps(FAMILIES["logit"], beta)
    assert_same(in_one_sweep(one, block), folded(other, plain))


@pytest.mark.parametrize("formula", FORMULAS)
def test_extremes_come_along(formula, monkeypatch):
    (block, plain), beta = draw(formula, 600, "logit")
    folded(steps(FAMILIES["logit"], beta)[0], block)
    monkeypatch.setattr(columns, "extremes", lambda *_: pytest.fail("a sweep of their own"))
    for found, expected in zip(block.design.extremes(), plain.design.extremes(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_first_rows_far_from_the_others():
    """Shifted to the mean of the first rows, squares of the others lose their digits."""
    spec, n = SPECS["y ~ x"], 2_000
    frame, weights = make_frame(n), np.ones(n)
    frame.loc[256:, "x"] += 1e7
    weights[:256] = 1e-30
    beta, y = np.array([0.5, -1e-8]), (np.arange(n) % 2).astype(float)
    step = steps(FAMILIES["logit"], beta)[0]
    block = next(spec.compiled().blocks(frame, 0, "frame", 0, n))
    found = in_one_sweep(step, replace(block, endog=y, extras=Extras(var_weights=weights)))
    x = frame["x"].to_numpy().astype(np.longdouble)
    mu = 1 / (1 + np.exp(-(0.5 - 1e-8 * x)))
    w, score = weights * mu * (1 - mu), weights * (y - mu)
    mean = w @ x / w.sum()
    np.testing.assert_allclose(found.design.comoment[1, 1], float(w @ (x - mean) ** 2), rtol=SUMS)
    np.testing.assert_allclose(found.score, [float(score.sum()), float(score @ x)], rtol=SUMS)


UNSURE = {
    "a proportion": ("logit", {3: 0.5}, None),
    "no number": ("logit", {3: np.nan}, None),
    "a response that no count has": ("Poisson", {699: -1.0}, None),
    "a predictor far out": ("logit", {}, 710.0),
    "a huge predictor": ("logit", {}, 1e4),
    "a huge mean": ("Poisson", {}, 900.0),
}
FINITE = {"a proportion", "a predictor far out"}


@pytest.mark.parametrize("case", UNSURE)
def test_rows_out_of_range_go_the_other_way(case):
    family, values, offset = UNSURE[case]
    (block, plain), beta = draw(FORMULA, 700, family)
    extras = Extras() if offset is None else Extras(offset=np.full(700, offset))
    y = block.endog.copy()
    for row, value in values.items():
        y[row] = value
    one, other = steps(FAMILIES[family], beta)
    block, plain = (replace(which, endog=y, extras=extras) for which in (block, plain))
    assert sweep(one.kernel, beta, block) is None
    with np.errstate(all="ignore"):
        found, expected = folded(one, block), folded(other, plain)
    assert found.outside == expected.outside
    np.testing.assert_allclose(found.deviance, expected.deviance, rtol=SUMS)
    if case in FINITE:
        assert_same(found, expected)


@pytest.mark.parametrize("value", [1e156, -1e200])
def test_products_that_overflow_go_the_other_way_without_a_warning(value):
    frame = make_frame(700)
    frame.loc[5, "x"] = value
    spec, y = SPECS["y ~ x"], np.arange(700) % 2.0
    block, plain = (
        replace(next(which.blocks(frame, 0, "frame", 0, 700)), endog=y)
        for which in (spec.compiled(), spec)
    )
    one, other = steps(FAMILIES["logit"], np.array([0.1, 1 / value]))
    assert sweep(one.kernel, one.beta, block) is None
    found, expected = folded(one, block).design, folded(other, plain).design
    assert not np.isfinite(expected.comoment).all()
    np.testing.assert_array_equal(np.isfinite(found.comoment), np.isfinite(expected.comoment))


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.float32, ">f8"])
def test_numbers_of_other_types(kind):
    (block, _), beta = draw(FORMULA, 700, "logit")
    counts = np.arange(700) % 3 + 1.0
    step = steps(FAMILIES["logit"], beta)[0]
    whole, other = (
        replace(
            block,
            endog=block.endog.astype(one),
            extras=Extras(freq_weights=counts.astype(one)),
        )
        for one in (np.float64, kind)
    )
    assert_same(in_one_sweep(step, other), in_one_sweep(step, whole))


def test_weights_that_are_all_zero_go_the_other_way():
    (block, plain), beta = draw(FORMULA, 300, "Poisson")
    extras = Extras(freq_weights=np.zeros(300))
    block, plain = (replace(which, extras=extras) for which in (block, plain))
    one, other = steps(POISSON, beta)
    assert sweep(one.kernel, beta, block) is None
    found, expected = folded(one, block), folded(other, plain)
    assert found.design.total == expected.design.total == 0
    assert found.deviance == expected.deviance == 0


def test_rows_that_stand_for_several_go_the_other_way():
    (block, _), beta = draw(FORMULA, 300, "Poisson")
    cells = CellSums(np.ones(300), np.ones(300))
    assert sweep(steps(POISSON, beta)[0].kernel, beta, replace(block, cells=cells)) is None


def test_only_where_there_are_loops_and_moments():
    (block, plain), beta = draw(FORMULA, 300, "Poisson")
    one, other = steps(POISSON, beta)
    assert sweep(one.kernel, beta, block) is not None
    assert sweep(one.kernel, beta, plain) is None
    assert sweep(Kernel(POISSON), beta, block) is None
    exact = replace(one, inner=Triangle(len(beta)))
    np.testing.assert_allclose(
        folded(exact, block).deviance, folded(other, plain).deviance, rtol=SUMS
    )


def test_blocks_add_up_to_the_whole():
    (block, _), beta = draw("y ~ t*g*h + x", 1_000, "logit")
    spec, frame, y = SPECS["y ~ t*g*h + x"].compiled(), make_frame(1_000), block.endog
    parts = [
        replace(part, endog=y[part.start : part.start + len(part.endog)])
        for part in spec.blocks(frame, 0, "frame", 0, 300)
    ]
    step = steps(FAMILIES["logit"], beta)[0]
    assert len(parts) == 4
    assert_same(folded(step, *parts), folded(step, block))
