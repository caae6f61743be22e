"""Log-likelihoods at the responses, against decimal arithmetic, however far out."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from families.exact_gamma import DIGITS, PI, lgamma
from numpy.testing import assert_allclose
from statsmodels.genmod import families
from tolerances import EXACT, SUMS

from statsmodels_ooc.families.elementwise import (
    gamma_at_mean,
    has_saddlepoint,
    poisson_at_mean,
    stirling_error,
    tweedie_at_mean,
)
from statsmodels_ooc.families.kernels import kernel_of, loglike_form
from statsmodels_ooc.likelihoods.glm import loglike_at

SWITCH = np.array([np.nextafter(16, 0), 16, np.nextafter(16, 17)])
SHAPES = np.concatenate([np.geomspace(1e-3, 1e18, 106), np.linspace(0.1, 20, 200), SWITCH])


def exactly(function: Callable[..., Decimal], *arguments: Any) -> np.ndarray:
    """A function of decimal numbers, of each element of some arrays."""
    with localcontext() as context:
        context.prec = DIGITS
        rows = np.broadcast_arrays(*arguments)
        return np.array([float(function(*map(Decimal, row))) for row in zip(*rows, strict=True)])


def xlogx(x: Decimal) -> Decimal:
    return x * x.ln() if x else Decimal(0)


def exact_poisson(k: Decimal) -> Decimal:
    return xlogx(k) - k - lgamma(k + 1)


def exact_gamma(k: Decimal) -> Decimal:
    return xlogx(k) - k - lgamma(k)


def exact_error(k: Decimal) -> Decimal:
    return lgamma(k) - (k - Decimal("0.5")) * k.ln() + k - (2 * PI).ln() / 2


@pytest.mark.parametrize(
    ("found", "exact"),
    [
        (poisson_at_mean, exact_poisson),
        (gamma_at_mean, exact_gamma),
        (stirling_error, exact_error),
    ],
)
def test_from_small_shapes_to_huge_ones(found: Any, exact: Any) -> None:
    # They are zero somewhere, or nearly: sums of logarithms are right to eps of 1 there.
    expected = exactly(exact, SHAPES)
    assert_allclose(found(SHAPES), expected, rtol=EXACT, atol=4 * np.finfo(float).eps)


def test_what_stirling_leaves_keeps_its_own_digits() -> None:
    far = SHAPES[SHAPES >= 16]
    assert_allclose(stirling_error(far), exactly(exact_error, far), rtol=EXACT, atol=0)


def test_the_ends() -> None:
    assert poisson_at_mean(np.array([0.0])) == 0
    assert stirling_error(np.array([np.inf])) == 0
    assert_allclose(poisson_at_mean(np.array([5e-324, 1e-300])), 0, atol=1e-290)
    assert len(poisson_at_mean(np.empty(0))) == 0


# --- the families -----------------------------------------------------------------------

COUNTS = np.array([0.0, 1, 2, 15, 16, 17, 1e3, 1e8, 1e12, 1e15])


def test_huge_counts() -> None:
    found = kernel_of(families.Poisson()).saturated(COUNTS, None, None)
    assert_allclose(found, exactly(exact_poisson, COUNTS), rtol=EXACT, atol=EXACT)


def test_huge_weights_of_gamma_rows() -> None:
    y, w = np.full(len(SHAPES), 3.5), SHAPES
    found = kernel_of(families.Gamma()).saturated(y, w, None)
    expected = exactly(lambda y, w: exact_gamma(w) - y.ln(), y, w)
    assert_allclose(found, expected, rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("trials", [1.0, 7.0, 16.0, 40.0, 1e3, 1e9, 1e15])
def test_huge_trials(trials: float) -> None:
    y = np.array([0, 1e-12, 0.25, 0.5, 0.75, 1])

    def exact(n: Decimal, y: Decimal) -> Decimal:
        ways = lgamma(n + 1) - lgamma(n * y + 1) - lgamma(n - n * y + 1)
        return ways + n * (xlogx(y) + xlogx(1 - y))

    n = np.full(len(y), trials)
    found = kernel_of(families.Binomial()).saturated(y, None, n)
    assert_allclose(found, exactly(exact, n, y), rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("alpha", [1e-300, 1e-15, 1e-12, 1e-8, 1e-3, 1 / 16, 0.5, 1.0, 30.0, 1e6])
def test_little_dispersion_and_much_of_counts(alpha: float) -> None:
    def exact(y: Decimal) -> Decimal:
        r = 1 / Decimal(alpha)
        ways = lgamma(y + r) - lgamma(r) - lgamma(y + 1)
        return ways + xlogx(y) - y * (y + r).ln() - r * (1 + y / r).ln()

    found = kernel_of(families.NegativeBinomial(alpha=alpha)).saturated(COUNTS, None, None)
    if alpha == 1e-300:  # beyond the digits of the reference; the law is Poisson's
        assert_allclose(found, exactly(exact_poisson, COUNTS), rtol=EXACT, atol=EXACT)
    else:
        assert_allclose(found, exactly(exact, COUNTS), rtol=EXACT, atol=EXACT)


def tweedie_series(y: float, dispersion: float, power: float) -> float:
    """The density at the mean: a Poisson number of gamma variables."""
    with localcontext() as context:
        context.prec = DIGITS
        p, x, phi = Decimal(power), Decimal(y), Decimal(dispersion)
        events = x ** (2 - p) / (phi * (2 - p))
        shape, unit = (2 - p) / (p - 1), phi * (p - 1) * x ** (p - 1)
        middle, spread = float(events), 9 * np.sqrt(float(events * p)) + 40
        first, last = max(1, int(middle - spread)), int(middle + spread)
        terms = Decimal(0)
        for n in range(first, last):
            log = n * events.ln() - events - lgamma(Decimal(n + 1))
            log += (n * shape - 1) * (x / unit).ln() - x / unit - unit.ln()
            terms += (log - lgamma(n * shape)).exp()
        return float(terms.ln())


@pytest.mark.parametrize("power", [1.02, 1.1, 1.3, 1.5, 1.9])
def test_a_tweedie_law_of_little_dispersion(power: float) -> None:
    y = np.array([3.7])
    dispersion = 4.99e-3 * y ** (2 - power)
    assert has_saddlepoint(y, dispersion, power).all()
    found = tweedie_at_mean(y, dispersion, power)
    assert_allclose(found, tweedie_series(3.7, float(dispersion[0]), power), rtol=EXACT)


@pytest.mark.parametrize("power", [1.2, 1.5, 1.8])
def test_a_tweedie_law_on_both_sides_of_the_switch(power: float) -> None:
    kernel, y = kernel_of(families.Tweedie(var_power=power)), np.full(2, 3.7)
    variance = np.array([4.999e-3, 5.001e-3])
    weights = y ** (power - 2) / variance
    assert has_saddlepoint(y, 1 / weights, power).tolist() == [True, False]
    found = kernel.saturated(y, weights, None)
    slope = -1 / 2 * np.log(variance[0] / variance[1])  # the density's, but for 1e-7
    assert_allclose(found[0] - found[1], slope, rtol=1e-3)


def test_a_tweedie_law_that_is_nearly_made_of_atoms_has_no_saddlepoint() -> None:
    y = np.array([3.7, 0.0])
    assert has_saddlepoint(y, 1e-4 * y**0.999, 1.001).tolist() == [True, False]
    assert not has_saddlepoint(y, 1e-3 * y**0.999, 1.001).any()


# --- at any scale -----------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-18, 1e-14, 1e-6, 0.06, 1 / 16, 1.0, 1e3])
def test_a_gamma_likelihood_at_a_tiny_scale(scale: float) -> None:
    """100 rows whose mean responses are 2: the saturated part is all there is."""
    kernel, y = kernel_of(families.Gamma()), np.full(100, 2.0)
    form = loglike_form(families.Gamma(), unit_var_weights=True)
    assert form == "gamma"
    found = loglike_at(form, kernel.saturated(y, None, None).sum(), 0.0, scale, 100.0)
    expected = 100 * exactly(lambda s: exact_gamma(1 / s) - Decimal(2).ln(), [scale])
    assert_allclose(found, expected, rtol=SUMS)
