"""Kernels in machine code against NumPy's, and their functions against more digits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsmodels.genmod import families
from tolerances import SUMS

from statsmodels_ooc.compiled import scoring as loops
from statsmodels_ooc.families.compiled import COMPILED, compiled_kernel
from statsmodels_ooc.families.kernels import Kernel, kernel_of

EPS = float(np.finfo(float).eps)
ULPS = 1.0  # units in the last place


def numbers(low, high, n=20_000, seed=0):
    return np.random.default_rng(seed).uniform(low, high, n)


def assert_exact(found, expected):
    error = np.abs((found - expected) / np.where(expected == 0, 1, expected))
    assert float(error.max()) < ULPS * EPS


@pytest.mark.parametrize("most", [1e-300, 1e-8, 0.5, 30.0, loops.MOST])
def test_exponentials(most):
    x = np.append(numbers(-most, most), [0.0, -most, most])
    found, scratch = np.empty_like(x), np.empty_like(x)
    loops.exp_slice(x, len(x), scratch, found)
    assert_exact(found, np.exp(x.astype(np.longdouble)))


@pytest.mark.parametrize("least", [-300, -8, -1])
def test_logarithms_of_what_is_above_one(least):
    x = np.append(10.0 ** numbers(least, 0), [0.0, 1.0, 0.41421356237309503, 0.4142135623730951])
    found = np.empty_like(x)
    loops.log1p_slice(x, len(x), found)
    assert_exact(found, np.log1p(x.astype(np.longdouble)))


@pytest.mark.parametrize("most", [1e-6, 0.4, 2.0, 700.0])
def test_logarithms(most):
    x = np.append(
        np.exp(numbers(-most, most)), [1.0, np.finfo(float).tiny, np.sqrt(2), np.sqrt(0.5)]
    )
    found, scratch = np.empty_like(x), np.empty(2 * len(x))
    loops.log_slice(x, len(x), scratch, found)
    assert_exact(found, np.log(x.astype(np.longdouble)))


FAMILIES = {
    "logit": families.Binomial(),
    "Poisson": families.Poisson(),
    "gamma": families.Gamma(families.links.Log()),
}


def draw(name, n, spread=1.0):
    rng = np.random.default_rng(n)
    eta = spread * rng.normal(size=n)
    match name:
        case "logit":
            y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
        case "Poisson":
            y = rng.poisson(np.exp(np.minimum(eta, 20))).astype(float)
        case _:
            y = np.exp(eta) * rng.gamma(2.0, size=n)
    return y, eta, rng.uniform(0.0, 3, n)


@pytest.fixture
def only_compiled(monkeypatch):
    """Fail where the loops hand rows on to NumPy."""

    def scored(*args, **kwargs):
        raise AssertionError("NumPy is asked")

    monkeypatch.setattr(Kernel, "scored", scored)


def assert_same(found, expected):
    assert_allclose(found.weight, expected.weight, rtol=SUMS)
    assert_allclose(found.score, expected.score, rtol=SUMS, atol=SUMS * expected.gap)
    for name in ("deviance", "pearson", "gap", "lowest"):
        assert_allclose(getattr(found, name), getattr(expected, name), rtol=SUMS, err_msg=name)
    assert (found.edge, found.faint) == (expected.edge, expected.faint)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("n", [1, 255, 256, 257, 3_000])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_are_those_of_numpy(name, n, weighted, only_compiled, request):
    y, eta, a = draw(name, n)
    plain = kernel_of(FAMILIES[name])
    compiled = compiled_kernel(plain)
    assert type(compiled) in COMPILED.values()
    prior = a if weighted else None
    if n == 1 and name != "logit":
        y = y + 1.0  # one row may be near its mean: then NumPy is asked
    found = compiled.scored(y, eta, prior)
    request.getfixturevalue("monkeypatch").undo()
    assert_same(found, plain.scored(y, eta, prior))


HARD = {
    "proportions": ("logit", [0.25, 1.0], [0.0, 1.0]),
    "far apart": ("logit", [1.0, 0.0], [-30.0, 40.0]),
    "beyond what exponentials can be": ("logit", [1.0, 0.0], [-800.0, 40.0]),
    "an infinite predictor": ("logit", [1.0, 0.0], [np.inf, 0.0]),
    "no number": ("logit", [1.0, 0.0], [np.nan, 0.0]),
    "means next to their responses": ("Poisson", [1.0, 3.0], [1e-9, np.log(3.0)]),
    "a mean of nearly nothing": ("Poisson", [0.0, 3.0], [-40.0, 1.0]),
    "a huge mean": ("Poisson", [0.0, 3.0], [800.0, 1.0]),
    "an impossible response": ("Poisson", [-1.0, 3.0], [0.5, 1.0]),
    "a gamma response of zero": ("gamma", [0.0, 3.0], [0.5, 1.0]),
    "a subnormal response": ("gamma", [1e-310, 3.0], [0.5, 1.0]),
    "a huge response": ("gamma", [1e300, 3.0], [0.5, 1.0]),
}


@pytest.mark.parametrize("case", HARD)
def test_hard_rows_are_those_of_numpy(case):
    name, y, eta = HARD[case]
    plain = kernel_of(FAMILIES[name])
    with np.errstate(invalid="ignore"):
        expected = plain.scored(np.array(y), np.array(eta), None)
        found = compiled_kernel(plain).scored(np.array(y), np.array(eta), None)
    assert (found.impossible is None) == (expected.impossible is None)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(0 if one is None else one, 0 if other is None else other)


def test_cells_are_those_of_numpy():
    plain = kernel_of(FAMILIES["logit"])
    rows = np.array([1.0, 0.0]), np.array([0.3, 0.1]), np.array([2.0, 3.0]), np.array([0.0, 0.4])
    for one, other in zip(compiled_kernel(plain).scored(*rows), plain.scored(*rows), strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_families_stay_as_they_are():
    kernel = kernel_of(families.InverseGaussian())
    assert type(compiled_kernel(kernel)) is type(kernel)
