"""Kernels in machine code against NumPy's, and their functions against more digits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special
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


@pytest.mark.parametrize("most", [1e-300, 1e-8, 0.3, 0.5, 30.0, loops.MOST])
def test_what_exponentials_leave_of_one(most):
    x = np.append(numbers(-most, 0.0), [0.0, -most, -np.log(2) / 2])
    found, rest, scratch = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    loops.exp_and_rest_slice(x, len(x), scratch, found, rest)
    assert_exact(found, np.exp(x.astype(np.longdouble)))
    assert_exact(rest, -np.expm1(x.astype(np.longdouble)))


ENDS = [0.0, 1.0, 0.41421356237309503, 0.4142135623730951, -0.5]


@pytest.mark.parametrize("least", [-300, -8, -1])
def test_logarithms_of_what_is_near_one(least):
    far = 10.0 ** numbers(least, 0)
    x = np.concatenate([far, -far / 2, ENDS, [-0.2928932188134524, -0.29289321881345237]])
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


@pytest.mark.parametrize("most", [1e-300, 1e-8, 1.0, 5.0, 30.0, 1e9])
def test_tails_of_the_normal_distribution(most):
    x = np.append(numbers(0.0, most), [0.0, most, 3.75])
    found = np.empty_like(x)
    loops.erfcx_slice(x, len(x), found)
    # SciPy's own are right to 4 eps
    np.testing.assert_allclose(found, special.erfcx(x), rtol=6 * EPS)


# exp(x**2) erfc(x), with 40 digits
TAILS = {0.5: 0.6156903441929258749, 1.0: 0.4275835761558070044, 3.0: 0.1790011511813899505}


def test_tails_to_their_last_digits():
    x = np.array([*TAILS])
    found = np.empty_like(x)
    loops.erfcx_slice(x, len(x), found)
    np.testing.assert_allclose(found, [*TAILS.values()], rtol=2 * EPS)


Log = families.links.Log
FAMILIES = {
    "logit": families.Binomial(),
    "probit": families.Binomial(families.links.Probit()),
    "cloglog": families.Binomial(families.links.CLogLog()),
    "Poisson": families.Poisson(),
    "negative binomial": families.NegativeBinomial(alpha=0.7),
    "little dispersion": families.NegativeBinomial(alpha=1e-4),
    "gamma": families.Gamma(Log()),
    "gamma, inverse": families.Gamma(),
    "inverse Gaussian": families.InverseGaussian(Log()),
    "inverse Gaussian, canonical": families.InverseGaussian(),
    "Gaussian": families.Gaussian(Log()),
}
BINARY, COUNTS = [*FAMILIES][:3], [*FAMILIES][3:6]
OF_POWERS = ["gamma, inverse", "inverse Gaussian, canonical"]


def draw(name, n, spread=1.0):
    rng = np.random.default_rng(n)
    eta = spread * rng.normal(size=n)
    if name in OF_POWERS:
        eta = np.exp(eta)
    mu = FAMILIES[name].link.inverse(np.minimum(eta, 20))
    if name in BINARY:
        y = (rng.random(n) < mu).astype(float)
    elif name in COUNTS:
        y = rng.poisson(mu).astype(float)
    elif name == "Gaussian":
        y = mu + rng.normal(size=n)
    else:
        y = mu * rng.gamma(2.0, size=n)
    return y, eta, rng.uniform(0.0, 3, n) * (rng.random(n) < 0.9)


@pytest.fixture
def only_compiled(monkeypatch):
    """Fail where the loops hand rows on to NumPy."""

    def scored(*args, **kwargs):
        raise AssertionError("NumPy is asked")

    monkeypatch.setattr(Kernel, "scored", scored)


def assert_same(found, expected):
    sums, known = found.sums, expected.sums
    assert_allclose(found.weight, expected.weight, rtol=SUMS)
    assert_allclose(found.score, expected.score, rtol=SUMS, atol=SUMS * known.gap)
    for name in ("deviance", "lowest", "edge"):
        assert_allclose(getattr(sums, name), getattr(known, name), rtol=SUMS, err_msg=name)
    lost = 2 * EPS / known.gap  # by NumPy, which takes a mean of nearly one from one
    assert_allclose(sums.gap, known.gap, rtol=SUMS + lost)
    assert_allclose(sums.pearson, known.pearson, rtol=SUMS + 2 * lost)
    assert sums.faint == known.faint


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("n", [1, 255, 256, 257, 3_000])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_are_those_of_numpy(name, n, weighted, only_compiled, request):
    y, eta, a = draw(name, n)
    plain = kernel_of(FAMILIES[name])
    compiled = compiled_kernel(plain)
    assert type(compiled) in COMPILED.values()
    prior = a if weighted else None
    if n == 1 and name not in BINARY:
        y = y + 1.0  # one row may be near its mean: then NumPy is asked
    found = compiled.scored(y, eta, prior)
    request.getfixturevalue("monkeypatch").undo()
    assert_same(found, plain.scored(y, eta, prior))


FAR = {
    "logit": ([1.0, 0.0, 1.0, 0.0], [-30.0, 40.0, -699.0, -699.0]),
    "probit": ([1.0, 0.0, 1.0, 0.0, 1.0, 1.0], [-36.9, 36.9, 0.0, -1e-9, -1e-9, 5.0]),
    "cloglog": ([1.0, 0.0, 0.0, 1.0, 1.0], [-699.0, -30.0, 6.4, -1e-9, 3.0]),
    "Poisson": ([1e99, 0.0, 3.0, 1e-300], [3.0, -12.0, 199.0, 5.0]),
    "negative binomial": ([1e50, 0.0, 3.0, 2.0], [3.0, -12.0, 199.0, 0.5]),
    "little dispersion": ([1e50, 0.0, 3.0, 2.0], [3.0, -12.0, 199.0, 0.5]),
    "gamma": ([1e99, 1e-300, 3.0], [-199.0, -12.0, 199.0]),
    "gamma, inverse": ([1e50, 1e-50, 3.0], [1e69, 1.0, 1e-69]),
    "inverse Gaussian": ([1e50, 1e-50, 3.0], [3.0, -12.0, 199.0]),
    "inverse Gaussian, canonical": ([1e50, 1e-50, 3.0], [3.0, 1e-40, 1e40]),
    "Gaussian": ([1e50, -1e-50, 0.0], [3.0, -5.0, 2.0]),
}


@pytest.mark.parametrize("name", FAR)
def test_rows_far_out_are_those_of_numpy(name, only_compiled, request):
    y, eta = (np.array(values) for values in FAR[name])
    plain = kernel_of(FAMILIES[name])
    for i in range(len(y)):  # none hides behind others
        found = compiled_kernel(plain).scored(y[i:], eta[i:], None)
    request.getfixturevalue("monkeypatch").undo()
    for i in range(len(y)):
        found = compiled_kernel(plain).scored(y[i:], eta[i:], None)
        assert_same(found, plain.scored(y[i:], eta[i:], None))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("n", [1, 256, 700])
def test_weights_and_scores_alone(name, n, monkeypatch):
    y, eta, _ = draw(name, n)
    plain = kernel_of(FAMILIES[name])
    weight, score = plain.working_at(y, eta)
    gap = np.abs(y - plain.mean(eta).mu).max()
    monkeypatch.setattr(Kernel, "mean", None)  # the loops need none
    found = compiled_kernel(plain).working_at(y, eta)
    assert_allclose(found[0], weight, rtol=SUMS)
    assert_allclose(found[1], score, rtol=SUMS, atol=SUMS * gap)


@pytest.mark.parametrize("eta", [5.0, 10.0, 20.0, 30.0, 36.0, 100.0, 690.0])
@pytest.mark.parametrize("n", [1, 300])
def test_rows_that_fit_closely_keep_the_digits_of_their_deviance(eta, n):
    y = (np.arange(n) % 2).astype(float)
    at = np.where(y == 1, eta, -eta)
    for kernel in (kernel_of(FAMILIES["logit"]), compiled_kernel(kernel_of(FAMILIES["logit"]))):
        found = kernel.scored(y, at, None).sums.deviance
        assert_allclose(found, 2 * n * np.log1p(np.exp(-eta)), rtol=SUMS)


HARD = {
    "proportions": ("logit", [0.25, 1.0], [0.0, 1.0]),
    "proportions of a normal variable": ("probit", [0.25, 1.0], [0.0, 1.0]),
    "proportions above zero": ("cloglog", [0.25, 1.0], [0.0, 1.0]),
    "beyond what exponentials can be": ("logit", [1.0, 0.0], [-800.0, 40.0]),
    "beyond what a density can be": ("probit", [1.0, 0.0], [-37.5, 0.0]),
    "certain to be above zero": ("cloglog", [1.0, 0.0], [7.0, 0.0]),
    "an infinite predictor": ("logit", [1.0, 0.0], [np.inf, 0.0]),
    "no number": ("logit", [1.0, 0.0], [np.nan, 0.0]),
    "no number for a normal variable": ("probit", [1.0, 0.0], [np.nan, 0.0]),
    "no number for a mean": ("negative binomial", [1.0, 0.0], [np.nan, 0.0]),
    "means next to their responses": ("Poisson", [1.0, 3.0], [1e-9, np.log(3.0)]),
    "a mean of nearly nothing": ("Poisson", [0.0, 3.0], [-40.0, 1.0]),
    "more dispersion": ("negative binomial", [0.0, 3.0], [-40.0, 1.0]),
    "a huge mean": ("Poisson", [0.0, 3.0], [800.0, 1.0]),
    "an impossible response": ("Poisson", [-1.0, 3.0], [0.5, 1.0]),
    "a gamma response of zero": ("gamma", [0.0, 3.0], [0.5, 1.0]),
    "a subnormal response": ("gamma", [1e-310, 3.0], [0.5, 1.0]),
    "a huge response": ("gamma", [1e300, 3.0], [0.5, 1.0]),
    "an impossible mean": ("gamma, inverse", [2.0, 3.0], [-1.0, 1.0]),
    "no mean": ("gamma, inverse", [2.0, 3.0], [0.0, 1.0]),
    "no mean, either": ("inverse Gaussian, canonical", [2.0, 3.0], [0.0, 1.0]),
    "no response": ("Gaussian", [np.nan, 3.0], [0.0, 1.0]),
}


# Whose sums alone the loops are not sure of.
SCORED_ALONE = {
    "means next to their responses",
    "a mean of nearly nothing",
    "more dispersion",
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
    if case not in SCORED_ALONE:
        with np.errstate(all="ignore"):
            found = compiled_kernel(plain).working_at(np.array(y), np.array(eta))
            expected = plain.working_at(np.array(y), np.array(eta))
        np.testing.assert_array_equal(found, expected)


def test_cells_are_those_of_numpy():
    plain = kernel_of(FAMILIES["logit"])
    rows = np.array([1.0, 0.0]), np.array([0.3, 0.1]), np.array([2.0, 3.0]), np.array([0.0, 0.4])
    for one, other in zip(compiled_kernel(plain).scored(*rows), plain.scored(*rows), strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_families_stay_as_they_are():
    for family in (
        families.Binomial(families.links.Cauchy()),
        families.Gamma(families.links.Identity()),
        families.InverseGaussian(families.links.InversePower()),
        families.Tweedie(Log(), var_power=1.5),
    ):
        kernel = kernel_of(family)
        assert compiled_kernel(kernel) is kernel


def test_a_square_that_overflows_counts_as_often_as_its_weight_says():
    kernel = kernel_of(families.Gamma(families.links.Log()))
    rows = np.array([1e100]), np.array([-200.0]), np.array([0.0])
    assert compiled_kernel(kernel).scored(*rows).sums.pearson == 0
    assert kernel.scored(*rows).sums.pearson == 0
