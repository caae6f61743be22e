"""Rows that stand for several: right sums, or a refusal."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from reductions.test_laws import REDUCTIONS
from tolerances import SUMS

from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.design.columns import ColumnSpec
from statsmodels_ooc.engine import MemoryRows
from statsmodels_ooc.families.kernels import kernel_of
from statsmodels_ooc.likelihoods.repeats import cell_blocks
from statsmodels_ooc.reductions.base import Reduction, Together
from statsmodels_ooc.reductions.distinct import DistinctRows
from statsmodels_ooc.reductions.facts import Extremes, RowFacts
from statsmodels_ooc.reductions.glm_meat import ObservedInformation, ScoreMeat
from statsmodels_ooc.reductions.least_squares import Moments, Triangle
from statsmodels_ooc.reductions.loglike import LogLike
from statsmodels_ooc.reductions.recession import Recession
from statsmodels_ooc.reductions.responses import DevianceAbout, NullScoring
from statsmodels_ooc.reductions.scoring import Remainder, Scoring

N, K = 400, 3
BETA, STEP = np.array([0.3, -0.2, 0.1]), np.array([0.1, 0.2, -0.3])
EXTRAS = {"freq_weights": "f", "var_weights": "v", "offset": "o"}
KERNELS = {
    "poisson": kernel_of(sm.families.Poisson()),
    "gamma, inverse": kernel_of(sm.families.Gamma()),
    "gaussian": kernel_of(sm.families.Gaussian()),
}


def rows_and_cells() -> tuple[MemoryRows, MemoryRows]:
    """Rows of 24 distinct designs, and their cells."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "one": 1.0,
            "a": rng.integers(0, 4, N),
            "b": rng.integers(0, 3, N) / 2,
            "o": rng.integers(1, 3, N) / 2.0,
            "y": rng.integers(0, 6, N) + 0.5,
            "f": rng.integers(0, 4, N),
            "v": rng.uniform(0.5, 2, N),
        }
    )
    spec = ColumnSpec(["y"], ["one", "a", "b"], EXTRAS)
    (block,) = spec.blocks(frame, 0, "", 0, N)
    distinct = DistinctRows((None,) * K, None, None, max_cells=1_000, shift=3.0)
    cells = distinct.update(distinct.init(), block).cells
    assert cells is not None
    assert len(cells.a) == 24
    return MemoryRows(lambda: [block], N), MemoryRows(
        lambda: cell_blocks(spec, cells, 7), len(cells.a), are_cells=True
    )


ROWS, CELLS = rows_and_cells()
each_kernel = pytest.mark.parametrize("name", KERNELS)


def both(reduction: Reduction[Any]) -> tuple[Any, Any]:
    return ROWS.fold("", reduction)[0], CELLS.fold("", reduction)[0]


def assert_close(left: Any, right: Any) -> None:
    assert_allclose(left, right, rtol=SUMS, atol=SUMS * np.max(np.abs(left)))


@each_kernel
def test_sums_at_parameters(name: str) -> None:
    kernel = KERNELS[name]
    far, near = Scoring(kernel, BETA, Triangle(K), K), Scoring(kernel, BETA / 2, Triangle(K), K)
    (rows, cells), (rows_near, cells_near) = both(far), both(near)
    assert_close(rows.score, cells.score)
    assert_close(rows.pearson, cells.pearson)
    assert_close(rows.design.r.T @ rows.design.r, cells.design.r.T @ cells.design.r)
    assert_close(rows.deviance - rows_near.deviance, cells.deviance - cells_near.deviance)
    assert rows.lowest == pytest.approx(cells.lowest, rel=SUMS)
    assert_close(*both(ObservedInformation(kernel, BETA)))
    rest = both(Remainder(kernel, BETA, STEP))  # zero up to rounding where scores are linear
    assert_allclose(*rest, rtol=SUMS, atol=SUMS * np.abs(rows.score).max())
    rows, cells = both(ScoreMeat(kernel, BETA))
    assert_close(rows.meat, cells.meat)
    assert_close(rows.observed, cells.observed)


@each_kernel
def test_sums_about_constants(name: str) -> None:
    kernel = KERNELS[name]
    (rows, cells), (rows2, cells2) = both(NullScoring(kernel, 0.5)), both(NullScoring(kernel, 0.7))
    assert_close(rows.score, cells.score)
    assert_close(rows.information, cells.information)
    assert_close(rows.deviance - rows2.deviance, cells.deviance - cells2.deviance)
    (rows, cells), (rows2, cells2) = (both(DevianceAbout(kernel, eta)) for eta in (0.5, 0.7))
    assert_close(rows - rows2, cells - cells2)


def test_extremes() -> None:
    rows, cells = both(Extremes(K))
    np.testing.assert_array_equal(rows.low, cells.low)
    np.testing.assert_array_equal(rows.high, cells.high)


def test_directions_are_judged_alike() -> None:
    rows, cells = both(Recession(KERNELS["poisson"], STEP, np.ones(K), most=50))
    assert (rows.least, rows.most, rows.apart) == (cells.least, cells.most, cells.apart)


PROVEN = {
    *(Scoring, ScoreMeat, ObservedInformation, NullScoring, Remainder, DevianceAbout),
    *(Extremes, Recession, Together),
}


def test_all_that_take_cells_are_proven() -> None:
    assert {type(r) for r in REDUCTIONS.values() if r.takes_cells} == PROVEN


@pytest.mark.parametrize("name", [name for name, r in REDUCTIONS.items() if not r.takes_cells])
def test_all_others_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match="is not right on cells of rows"):
        CELLS.fold("", REDUCTIONS[name])
    with pytest.raises(TypeError, match="is not right on cells of rows"):
        DistinctRows((None,), REDUCTIONS[name], None, max_cells=1)
    with pytest.raises(TypeError, match="is not right on cells of rows"):
        Together((Extremes(K), REDUCTIONS[name]))


def test_a_log_likelihood_would_have_been_wrong() -> None:
    reduction = LogLike(KERNELS["gamma, inverse"], BETA, 2.0)
    blocks: list[Block] = list(CELLS.blocks())
    wrong = reduce(reduction.update, blocks, reduction.init())
    assert abs(wrong / ROWS.fold("", reduction)[0] - 1) > 0.01


def test_an_inner_sum_sees_weighted_rows_only() -> None:
    assert not Moments(K).takes_cells
    assert not RowFacts(K).takes_cells
