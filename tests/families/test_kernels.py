"""Each family with each of its links: statsmodels where it is right, exact in the tails."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from decimal import Decimal, localcontext
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from statsmodels.genmod import families
from statsmodels.genmod.families import links
from statsmodels.genmod.generalized_linear_model import GLM
from tolerances import EXACT, SOLVED, SUMS

from statsmodels_ooc.families.kernels import (
    BinomialLogit,
    GammaLog,
    GaussianIdentity,
    Kernel,
    PoissonLog,
    kernel_of,
)

ROWS = 400
EPS = np.finfo(float).eps


FAMILIES: dict[str, Any] = {
    "Gaussian": families.Gaussian,
    "Binomial": families.Binomial,
    "Poisson": families.Poisson,
    "Gamma": families.Gamma,
    "InverseGaussian": families.InverseGaussian,
    "NegativeBinomial": partial(families.NegativeBinomial, alpha=0.7),
    "Tweedie eql": partial(families.Tweedie, var_power=1.3, eql=True),
} | {f"Tweedie {p}": partial(families.Tweedie, var_power=p) for p in (0.5, 1, 1.5, 2, 3, 3.5)}


def make_link(kind: Any) -> Any:
    return kind(0.4) if kind is links.Power else kind()


def all_pairs() -> Iterator[Any]:
    for name, make in FAMILIES.items():
        for kind in make(links.Log()).links:
            yield pytest.param(make(make_link(kind)), id=f"{name}-{kind.__name__}")
    yield pytest.param(families.Binomial(links.CDFLink(stats.logistic)), id="Binomial-CDFLink")


PAIRS = list(all_pairs())


def fractions_only(family: Any) -> bool:
    return isinstance(family, families.Binomial) or isinstance(family.link, links.CLogLog)


def rows_of(family: Any, binary: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Responses, linear predictors and means in the middle of their range."""
    rng = np.random.default_rng(0)
    ends = (0.05, 0.95) if fractions_only(family) else (0.2, 5)
    mu = rng.uniform(*ends, ROWS)
    match family:
        case families.Binomial():
            y = rng.binomial(1 if binary else 5, mu) / (1 if binary else 5)
        case families.Gaussian():
            y = mu + rng.normal(size=ROWS)
        case families.Poisson() | families.NegativeBinomial() | families.Tweedie(var_power=1):
            y = rng.poisson(mu) * 1.0
        case families.Tweedie(var_power=1.5) | families.Tweedie(var_power=0.5):
            y = rng.gamma(2, mu / 2) * (rng.random(ROWS) < 0.7)
        case _:
            y = rng.gamma(2, mu / 2)
    return y, np.asarray(family.link(mu)), mu


@pytest.mark.parametrize("family", PAIRS)
def test_the_mean_is_that_of_statsmodels(family: Any) -> None:
    _, eta, _ = rows_of(family)
    mean = kernel_of(family).mean(eta)
    mu = family.link.inverse(eta)
    assert_allclose(mean.mu, mu, rtol=SUMS)
    assert_allclose(mean.slope, family.link.inverse_deriv(eta), rtol=SUMS)
    assert_allclose(mean.variance, family.variance(mu), rtol=SUMS)


@pytest.mark.parametrize("family", PAIRS)
def test_weights_and_scores_are_those_of_statsmodels(family: Any) -> None:
    y, eta, mu = rows_of(family)
    kernel = kernel_of(family)
    weight, score = kernel.working(y, eta, kernel.mean(eta))
    assert_allclose(weight, family.weights(mu), rtol=SUMS)
    expected = (y - mu) / (family.link.deriv(mu) * family.variance(mu))
    assert_allclose(score, expected, rtol=SUMS, atol=SUMS)


@pytest.mark.parametrize("family", PAIRS)
def test_the_observed_information_is_that_of_statsmodels(family: Any) -> None:
    y, eta, _ = rows_of(family)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # links that may leave the range
        model = GLM(y, eta[:, None], family=family)
    kernel = kernel_of(family)
    found = kernel.observed(y, eta, kernel.mean(eta))
    # The second derivative of a link in general is a finite difference.
    rtol = 1e-6 if type(family.link) is links.CDFLink else SOLVED
    expected = model.hessian_factor(np.ones(1), scale=1.0)
    assert_allclose(found, expected, rtol=rtol, atol=SUMS)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("family", PAIRS)
def test_the_deviance_is_that_of_statsmodels(family: Any, binary: bool) -> None:
    y, eta, mu = rows_of(family, binary)
    kernel, w = kernel_of(family), np.random.default_rng(1).uniform(0.5, 2, ROWS)
    mean = kernel.mean(eta)
    with np.errstate(divide="ignore", invalid="ignore"):  # statsmodels takes the log of 0
        weighted, plain = family.deviance(y, mu, w), family.deviance(y, mu)
    assert_allclose(kernel.deviance(y, eta, mean, w), weighted, rtol=SUMS)
    assert_allclose(kernel.deviance(y, eta, mean, None), plain, rtol=SUMS)


@pytest.mark.parametrize("family", PAIRS)
def test_the_start_is_that_of_statsmodels(family: Any) -> None:
    y, _, _ = rows_of(family)
    expected = family.predict(family.starting_mu(y))
    assert_allclose(kernel_of(family).start(y, y.mean()), expected, rtol=EXACT)


@pytest.mark.parametrize("family", PAIRS)
def test_one_row_and_none(family: Any) -> None:
    y, eta, _ = rows_of(family)
    kernel = kernel_of(family)
    whole = kernel.mean(eta)
    for rows in (slice(0, 0), slice(0, 1)):
        mean = kernel.mean(eta[rows])
        assert_allclose(mean.mu, whole.mu[rows], rtol=EXACT)
        assert kernel.outside(mean) is None
        assert kernel.impossible(y[rows]) is None
        assert np.isfinite(kernel.deviance(y[rows], eta[rows], mean, None))
        assert len(kernel.working(y[rows], eta[rows], mean)[0]) == len(mean.mu)
        assert len(kernel.saturated(y[rows], None, None)) == len(mean.mu)


@pytest.mark.parametrize("family", PAIRS)
def test_the_arrays_handed_out_are_the_callers(family: Any) -> None:
    y, eta, _ = rows_of(family)
    kernel = kernel_of(family)
    mean = kernel.mean(eta)
    for own in (*kernel.working(y, eta, mean), kernel.observed(y, eta, mean)):
        assert not any(np.shares_memory(own, theirs) for theirs in (*mean, y, eta))
        assert own.flags.writeable


# --- the tails, in decimal arithmetic with digits to spare ------------------------------

FAR = [sign * size for size in (40.0, 250.0, 700.0) for sign in (-1, 1)]
PI = Decimal("3.14159265358979323846264338327950288")
DIGITS = 700


def exponential(x: Decimal) -> Decimal:
    return x.exp() if x > -(10**7) else Decimal(0)


def normal_tail(x: Decimal) -> Decimal:
    """P(Z > x) of a large x, by its asymptotic series."""
    term = total = Decimal(1)
    for i in range(1, 20):
        term *= -(2 * i - 1) / x**2
        total += term
    return (-(x**2) / 2).exp() / (2 * PI).sqrt() / x * total


def cauchy_tail(x: Decimal) -> Decimal:
    return sum((-1) ** i / ((2 * i + 1) * x ** (2 * i + 1)) for i in range(20)) / PI


def both(tail: Any, x: Decimal) -> tuple[Decimal, Decimal]:
    small = tail(abs(x))
    return (1 - small, small) if x > 0 else (small, 1 - small)


def probabilities(link: Any, x: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """The mean, its complement and its slope."""
    match link:
        case links.Probit():
            return *both(normal_tail, x), (-(x**2) / 2).exp() / (2 * PI).sqrt()
        case links.Cauchy():
            return *both(cauchy_tail, x), 1 / (PI * (1 + x**2))
        case links.CLogLog():
            rest = exponential(-x.exp())
            return 1 - rest, rest, rest * x.exp()
        case links.LogLog():
            mu = exponential(-(-x).exp())
            return mu, 1 - mu, mu * (-x).exp()
        case links.Log():
            return x.exp(), 1 - x.exp(), x.exp()
        case links.LogC():
            return 1 - x.exp(), x.exp(), -x.exp()
        case _:
            mu, rest = 1 / (1 + (-x).exp()), 1 / (1 + x.exp())
            return mu, rest, mu * rest


def assert_exact(found: Any, expected: Decimal) -> None:
    """Up to rounding, or both beyond what a double holds."""
    assert_allclose(found, float(expected), rtol=SUMS, atol=1e-307)


def tails(etas: list[float]) -> list[tuple[Any, float]]:
    bounded = (links.Log, links.LogC)  # no probability above zero
    kinds = families.Binomial.links[:-1]
    return [(link, eta) for link in kinds for eta in etas if eta < 0 or link not in bounded]


def by_series(link: Any, eta: float) -> bool:
    return link in (links.Probit, links.Cauchy) and abs(eta) < 40


FARTHER = [(links.Cauchy, 1e6), (links.Cauchy, -1e6), (links.CLogLog, -800), (links.LogLog, 800)]
NEAR = [pair for pair in tails([-3.6, 3.6, -1e-3, 1e-3]) if not by_series(*pair)]


@pytest.mark.parametrize(("link", "eta"), tails(FAR) + FARTHER + NEAR)
def test_probabilities_are_exact_in_the_tails(link: Any, eta: float) -> None:
    kernel, x = kernel_of(families.Binomial(link())), np.array([eta])
    mean = kernel.mean(x)
    with localcontext(prec=DIGITS, Emin=-(10**8), Emax=10**8):
        mu, rest, slope = probabilities(link(), Decimal(eta))
        assert_exact(mean.mu[0], mu)
        assert_exact(mean.slope[0], slope)
        assert_exact(mean.variance[0], mu * rest)
        for y, of_y, sign in ((1.0, mu, 1), (0.0, rest, -1)):
            weight, score = kernel.working(np.array([y]), x, mean)
            if of_y == 0:  # no digits are enough: e**(-e**250)
                continue
            assert_exact(weight[0], slope * slope / mu / rest if mu * rest else Decimal(0))
            assert_allclose(score[0], float(sign * slope / of_y), rtol=SUMS, atol=EPS)
            deviance = kernel.deviance(np.array([y]), x, mean, None)
            assert_exact(deviance, -2 * of_y.ln())


@pytest.mark.parametrize(("link", "eta"), tails([*FAR, -800.0, 800.0, -1e5, 1e5]))
def test_no_probability_is_nan(link: Any, eta: float) -> None:
    kernel, x = kernel_of(families.Binomial(link())), np.array([eta, eta])
    mean, y = kernel.mean(x), np.array([0.0, 1.0])
    assert kernel.outside(mean) is None
    assert np.isfinite(mean).all()
    assert np.isfinite(kernel.working(y, x, mean)).all()
    assert not np.isnan(kernel.observed(y, x, mean)).any()
    assert not np.isnan(kernel.deviance(y, x, mean, None))


@pytest.mark.parametrize("eta", [2.0, -1.0, -5.0, -9.2, -9.3, -30.0])
def test_the_observed_information_of_rare_events_is_exact(eta: float) -> None:
    x, y = np.array([eta]), np.ones(1)
    with localcontext(prec=DIGITS):
        rate = Decimal(eta).exp()
        hazard = rate / (rate.exp() - 1)
        expected = float(hazard * (hazard + rate - 1))
    for link, sign in ((links.CLogLog(), 1), (links.LogLog(), -1)):
        kernel, z = kernel_of(families.Binomial(link)), sign * x
        found = kernel.observed(y if sign > 0 else 1 - y, z, kernel.mean(z))
        assert_allclose(found, expected, rtol=10 * SUMS)  # four digits cancel before the series


def test_any_distribution_function_serves() -> None:
    family = families.Binomial(links.CDFLink(stats.logistic))
    kernel, logit = kernel_of(family), kernel_of(families.Binomial())
    eta, y = np.array([-800.0, -40, -40, 40, 40, 800]), np.array([0.0, 0, 1, 0, 1, 1])
    mean = kernel.mean(eta)
    assert_allclose(mean, logit.mean(eta), rtol=SUMS)
    assert_allclose(kernel.working(y, eta, mean), logit.working(y, eta, mean), rtol=SUMS, atol=EPS)
    assert np.isfinite(kernel.observed(y, eta, mean)).all()
    deviances = (k.deviance(y, eta, mean, None) for k in (kernel, logit))
    assert_allclose(*deviances, rtol=SUMS)


def power_deviance(p: float, y: Decimal, mu: Decimal) -> Decimal:
    match p:
        case 1:
            return 2 * ((y * (y / mu).ln() if y else 0) - y + mu)
        case 2:
            return 2 * (y / mu - 1 - (y / mu).ln())
        case _:
            q = Decimal(p)
            own = y ** (2 - q) if y else Decimal(0)
            own /= (1 - q) * (2 - q)
            return 2 * (own - y * mu ** (1 - q) / (1 - q) + mu ** (2 - q) / (2 - q))


LOG_LAWS: dict[str, Any] = {
    "Poisson": (1, families.Poisson()),
    "Tweedie 1": (1, families.Tweedie(var_power=1)),
    "Tweedie 1.5": (1.5, families.Tweedie(var_power=1.5)),
    "Tweedie 2.5": (2.5, families.Tweedie(var_power=2.5)),
    "Gamma": (2, families.Gamma(links.Log())),
    "InverseGaussian": (3, families.InverseGaussian(links.Log())),
    "NegativeBinomial": (None, families.NegativeBinomial(alpha=0.5)),
}


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("eta", FAR)
@pytest.mark.parametrize("name", LOG_LAWS)
def test_log_links_are_exact_in_the_tails(name: str, eta: float, generic: bool) -> None:
    p, family = LOG_LAWS[name]
    kernel, x = Kernel(family) if generic else kernel_of(family), np.array([eta])
    mean = kernel.mean(x)
    with localcontext(prec=DIGITS, Emin=-(10**8), Emax=10**8):
        mu = Decimal(eta).exp()
        variance = mu + mu * mu / 2 if p is None else mu ** Decimal(p)
        assert_exact(mean.mu[0], mu)
        assert_exact(mean.slope[0], mu)
        assert_exact(mean.variance[0], variance)
        for count in (0.0, 1.0, 5.0):
            if count == 0 and p is not None and p >= 2:
                continue
            y = Decimal(count)
            weight, score = kernel.working(np.array([count]), x, mean)
            assert_exact(weight[0], mu * mu / variance)
            assert_exact(score[0], (y - mu) * mu / variance)
            if p is None:
                own = y * (y / mu).ln() if y else 0
                deviance = 2 * (own - (y + 2) * ((y + 2) / (mu + 2)).ln())
            else:
                deviance = power_deviance(p, y, mu)
            assert_exact(kernel.deviance(np.array([count]), x, mean, None), deviance)


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("name", ["Poisson", "Tweedie 1", "Tweedie 1.5", "NegativeBinomial"])
def test_a_mean_that_underflowed_does_no_harm(name: str, generic: bool) -> None:
    family = LOG_LAWS[name][1]
    kernel, eta = Kernel(family) if generic else kernel_of(family), np.array([-800.0])
    mean, y = kernel.mean(eta), np.zeros(1)
    assert mean.mu == 0
    assert kernel.outside(mean) is None
    assert_allclose(kernel.working(y, eta, mean), 0, atol=1e-150)
    assert_allclose(kernel.observed(y, eta, mean), 0, atol=1e-150)
    assert kernel.deviance(y, eta, mean, None) == pytest.approx(0, abs=1e-150)


def test_an_event_that_could_not_happen_costs_what_eta_says() -> None:
    kernel, eta, y = kernel_of(families.Poisson()), np.array([-800.0]), np.ones(1)
    mean = kernel.mean(eta)
    assert_allclose(kernel.deviance(y, eta, mean, None), 2 * 799, rtol=EXACT)
    assert_allclose(kernel.working(y, eta, mean)[1], 1, rtol=EXACT)


@pytest.mark.parametrize("alpha", [1e-8, 1e-3, 1.0])
def test_a_negative_binomial_of_little_dispersion_is_poisson(alpha: float) -> None:
    y, eta, _ = rows_of(families.Poisson())
    near, poisson = kernel_of(families.NegativeBinomial(alpha=alpha)), kernel_of(families.Poisson())
    mean = poisson.mean(eta)
    found = near.deviance(y, eta, near.mean(eta), None)
    assert_allclose(found, poisson.deviance(y, eta, mean, None), rtol=10 * alpha)
    sums = near.saturated(y, None, None).sum(), poisson.saturated(y, None, None).sum()
    assert_allclose(*sums, rtol=10 * alpha)


@pytest.mark.parametrize("link", [links.Identity, links.Log, links.LogC])
def test_a_probability_may_touch_its_bound(link: Any) -> None:
    family = families.Binomial(link())
    kernel = kernel_of(family)
    eta = np.array([1.0, 0.0]) if link is links.Identity else np.array([0.0, -1.0])
    mean = kernel.mean(eta)
    y = mean.mu.copy()
    assert kernel.outside(mean) is None
    assert_allclose(kernel.working(y, eta, mean)[0], family.weights(mean.mu), rtol=SUMS)
    assert np.isfinite(kernel.working(y, eta, mean)).all()
    assert_allclose(kernel.deviance(y, eta, mean, None), 0, atol=EXACT)


# --- ranges -----------------------------------------------------------------------------

INF = np.inf
CANONICAL = links.NegativeBinomial()


@pytest.mark.parametrize(
    ("family", "eta", "expected"),
    [
        (families.Gaussian(), [-1, np.nan, INF, 0], [0, 1, 1, 0]),
        (families.Poisson(), [-800, 1, 800, np.nan], [0, 0, 1, 1]),
        (families.Poisson(links.Identity()), [-1, 0, 1, INF], [1, 1, 0, 1]),
        (families.Poisson(links.Sqrt()), [-1, 0, 1], [0, 1, 0]),
        (families.Gamma(), [-1, 1, 0], [1, 0, 1]),
        (families.InverseGaussian(), [-1, 1], [1, 0]),
        (families.NegativeBinomial(CANONICAL, alpha=1), [-800, -1, 0, 1], [0, 0, 1, 1]),
        (families.NegativeBinomial(links.CLogLog(), alpha=1), [-800, 800], [0, 0]),
        (families.Tweedie(links.Power(1), var_power=1.5), [-1, 0, 1], [1, 1, 0]),
        (families.Tweedie(var_power=1.5), [-800, 800], [0, 1]),
        (families.Binomial(), [-800, 800, np.nan], [0, 0, 1]),
        (families.Binomial(links.Identity()), [-0.1, 0, 1, 1.1], [1, 0, 0, 1]),
        (families.Binomial(links.Log()), [-1, 0, 1], [0, 0, 1]),
        (families.Binomial(links.LogC()), [-1, 0, 1], [0, 0, 1]),
    ],
)  # fmt: skip
def test_means_that_a_family_cannot_have(family: Any, eta: list[float], expected: Any) -> None:
    kernel, x = kernel_of(family), np.array(eta, dtype=float)
    mean, y = kernel.mean(x), np.ones(len(x))
    outside = kernel.outside(mean)
    assert (np.zeros(len(x)) if outside is None else outside).tolist() == expected
    assert (outside is None) == (not any(expected))
    kernel.working(y, x, mean), kernel.observed(y, x, mean), kernel.deviance(y, x, mean, None)


@pytest.mark.parametrize(
    ("family", "y", "expected"),
    [
        (families.Gaussian(), [-1, 0, 1], [0, 0, 0]),
        (families.Binomial(), [-0.1, 0, 0.5, 1, 1.1], [1, 0, 0, 0, 1]),
        (families.Binomial(), [0, 1], [0, 0]),
        (families.Poisson(), [-1, 0, 1], [1, 0, 0]),
        (families.NegativeBinomial(alpha=1), [-1, 0, 1], [1, 0, 0]),
        (families.Gamma(), [-1, 0, 1], [1, 1, 0]),
        (families.InverseGaussian(), [-1, 0, 1], [1, 1, 0]),
        (families.Tweedie(var_power=1), [-1, 0, 1], [1, 0, 0]),
        (families.Tweedie(var_power=1.9), [-1, 0, 1], [1, 0, 0]),
        (families.Tweedie(var_power=2), [-1, 0, 1], [1, 1, 0]),
        (families.Tweedie(var_power=2.5), [-1, 0, 1], [1, 1, 0]),
    ],
)
def test_responses_that_a_family_cannot_have(family: Any, y: list[float], expected: Any) -> None:
    impossible = kernel_of(family).impossible(np.array(y, dtype=float))
    assert (np.zeros(len(y)) if impossible is None else impossible).tolist() == expected
    assert (impossible is None) == (not any(expected))


# --- which kernel -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (families.Binomial(), BinomialLogit),
        (families.Binomial(links.CDFLink()), Kernel),
        (families.Binomial(links.CLogLog()), Kernel),
        (families.Binomial(links.Log()), Kernel),
        (families.Poisson(), PoissonLog),
        (families.Poisson(links.Identity()), Kernel),
        (families.Gaussian(), GaussianIdentity),
        (families.Gaussian(links.Log()), Kernel),
        (families.Gamma(links.Log()), GammaLog),
        (families.Gamma(), Kernel),
    ],
)
def test_the_kernel_is_that_of_the_very_classes(family: Any, kind: type) -> None:
    assert type(kernel_of(family)) is kind


@pytest.mark.filterwarnings("ignore:The .* link alias:FutureWarning")
@pytest.mark.parametrize(
    ("alias", "plain"),
    [("logit", "Logit"), ("cloglog", "CLogLog"), ("cauchy", "Cauchy"), ("probit", "Probit")],
)
def test_an_alias_of_a_link_is_that_link(alias: str, plain: str) -> None:
    old, new = (kernel_of(families.Binomial(getattr(links, name)())) for name in (alias, plain))
    assert type(old) is type(new)
    assert type(old.inverse) is type(new.inverse)


@pytest.mark.parametrize(
    "family",
    [families.Binomial(), families.Poisson(), families.Gaussian(), families.Gamma(links.Log())],
)
def test_the_fast_kernels_agree_with_the_general_one(family: Any) -> None:
    y, eta, _ = rows_of(family)
    fast, slow = kernel_of(family), Kernel(family)
    mean = slow.mean(eta)
    assert_allclose(fast.mean(eta), mean, rtol=SUMS)
    assert_allclose(fast.working(y, eta, mean), slow.working(y, eta, mean), rtol=SUMS, atol=EXACT)
    assert_allclose(fast.observed(y, eta, mean), slow.observed(y, eta, mean), rtol=SUMS)
    deviances = (kernel.deviance(y, eta, mean, y + 1) for kernel in (fast, slow))
    assert_allclose(*deviances, rtol=SUMS)


class OwnLink(links.Logit):
    """What somebody else made of a link: half as steep."""

    def __call__(self, p: Any) -> Any:
        return 2 * super().__call__(p)

    def inverse(self, z: Any) -> Any:
        return super().inverse(z / 2)

    def inverse_deriv(self, z: Any) -> Any:
        return super().inverse_deriv(z / 2) / 2

    def deriv(self, p: Any) -> Any:
        return 2 * super().deriv(p)

    def deriv2(self, p: Any) -> Any:
        return 2 * super().deriv2(p)


def test_a_link_of_somebody_else_is_asked_what_it_does() -> None:
    y, eta, _ = rows_of(families.Binomial())
    own, plain = kernel_of(families.Binomial(OwnLink())), kernel_of(families.Binomial())
    steep, flat = plain.mean(eta), own.mean(2 * eta)
    assert_allclose(flat.mu, steep.mu, rtol=SUMS)
    assert_allclose(own.working(y, 2 * eta, flat)[1], (y - steep.mu) / 2, rtol=SUMS, atol=EXACT)
    observed = own.observed(y, 2 * eta, flat)
    assert_allclose(observed, plain.observed(y, eta, steep) / 4, rtol=SOLVED)
    deviances = own.deviance(y, 2 * eta, flat, None), plain.deviance(y, eta, steep, None)
    assert_allclose(*deviances, rtol=SUMS)


def test_a_family_of_somebody_else_is_refused() -> None:
    class Poisson(families.Poisson):
        pass

    with pytest.raises(TypeError, match=r"not a family of statsmodels: .*Poisson"):
        kernel_of(Poisson())


def test_the_family_stays_as_it_is() -> None:
    family, trials = families.Binomial(), np.arange(1.0, 5)
    family.n = trials
    kernel = kernel_of(family)
    assert family.n is trials
    assert kernel.family.n == 1
    family.link = links.Probit()
    assert type(kernel.family.link) is links.Logit
    family = families.Tweedie(links.Power(0.5))
    kernel = kernel_of(family)
    family.link.power = 2
    assert kernel.family.link.power == 0.5


@pytest.mark.parametrize("family", PAIRS)
def test_a_kernel_travels(family: Any) -> None:
    y, eta, _ = rows_of(family)
    kernel = kernel_of(family)
    there = pickle.loads(pickle.dumps(kernel))
    assert type(there) is type(kernel)
    found = (k.deviance(y, eta, k.mean(eta), None) for k in (kernel, there))
    assert_allclose(*found, rtol=0)


# --- the likelihood at the responses ----------------------------------------------------


@pytest.mark.parametrize("family", [families.Poisson(), families.NegativeBinomial(alpha=0.5)])
def test_counts_are_looked_up(family: Any) -> None:
    kernel, y = kernel_of(family), np.random.default_rng(0).poisson(3, 500) * 1.0
    each = np.concatenate([kernel.saturated(y[i : i + 1], None, None) for i in range(500)])
    assert_allclose(kernel.saturated(y, None, None), each, rtol=EXACT)
    fractions = y + 0.25
    each = np.concatenate([kernel.saturated(fractions[i : i + 1], None, None) for i in range(500)])
    assert_allclose(kernel.saturated(fractions, None, None), each, rtol=EXACT)


@pytest.mark.parametrize("trials", [None, np.array([1.0, 4, 7])])
def test_all_or_nothing_comes_about_in_one_way(trials: np.ndarray | None) -> None:
    found = kernel_of(families.Binomial()).saturated(np.array([0.0, 1, 1]), None, trials)
    assert found.tolist() == [0, 0, 0]
