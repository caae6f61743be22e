"""Tests of the residuals from their moments, against statsmodels on the residuals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from solvers.rows import fold
from statsmodels.stats import stattools
from statsmodels.tools.sm_exceptions import ValueWarning
from tolerances import SOLVED, TAILS

from statsmodels_ooc.reductions.residuals import ResidualMoments
from statsmodels_ooc.solvers.residual_tests import ResidualTests, residual_tests

SIZES = [8, 9, 20, 21, 100, 5_000, 100_000]
SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "skewed": lambda rng, n: rng.exponential(size=n),
    "heavy": lambda rng, n: rng.standard_t(3, size=n),
    "flat": lambda rng, n: rng.uniform(-1, 1, size=n),
    "off zero": lambda rng, n: 3 + rng.normal(size=n),
    "serial": lambda rng, n: np.cumsum(rng.normal(size=n)) / np.sqrt(n),
    "small": lambda rng, n: 1e-9 * rng.normal(size=n),
}


def found_in(e: np.ndarray, rows: int = 97) -> ResidualTests:
    moments = fold(ResidualMoments(np.zeros(1)), np.ones((len(e), 1)), e, rows=rows)
    return residual_tests(moments)


@pytest.fixture(params=SIZES)
def n(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=SHAPES)
def e(request: pytest.FixtureRequest, n: int) -> np.ndarray:
    return SHAPES[request.param](np.random.default_rng(n), n)


def test_jarque_bera(e: np.ndarray) -> None:
    statistic, pvalue, skew, kurtosis = found_in(e).jarque_bera
    expected = stattools.jarque_bera(e)
    assert_allclose((skew, kurtosis), expected[2:], rtol=SOLVED)
    assert_allclose(statistic, expected[0], rtol=TAILS)
    assert_allclose(pvalue, expected[1], rtol=TAILS * max(1, expected[0]))


def test_omnibus(e: np.ndarray) -> None:
    statistic, pvalue = found_in(e).omnibus
    expected = stattools.omni_normtest(e)
    assert_allclose(statistic, expected[0], rtol=TAILS)
    assert_allclose(pvalue, expected[1], rtol=TAILS * max(1, expected[0]))


def test_durbin_watson(e: np.ndarray) -> None:
    assert_allclose(found_in(e).durbin_watson, stattools.durbin_watson(e), rtol=SOLVED)


@pytest.mark.parametrize("rows", [1, 2, 10, 1000])
def test_the_size_of_blocks_does_not_matter(rows: int) -> None:
    e = np.random.default_rng(0).exponential(size=300)
    found, whole = found_in(e, rows), found_in(e, 300)
    assert_allclose(found.durbin_watson, whole.durbin_watson, rtol=SOLVED)
    assert_allclose(found.jarque_bera, whole.jarque_bera, rtol=SOLVED)


@pytest.mark.parametrize("n", [2, 3, 7])
def test_few_rows_have_no_omnibus(n: int) -> None:
    e = np.random.default_rng(0).normal(size=n)
    with pytest.warns(ValueWarning, match=f"less than 8 observations; {n} samples") as caught:
        found = residual_tests(fold(ResidualMoments(np.zeros(1)), np.ones((n, 1)), e))
    assert caught[0].filename == __file__
    assert np.isnan(found.omnibus).all()
    assert_allclose(found.durbin_watson, stattools.durbin_watson(e), rtol=SOLVED)


def test_symmetric_residuals_have_scipys_answer() -> None:
    e = np.array([-2.0, -1, -1, 0, 0, 1, 1, 2])  # a skewness of zero is a case of its own
    assert_allclose(found_in(e).omnibus, stattools.omni_normtest(e), rtol=SOLVED)
