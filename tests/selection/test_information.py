"""Psi of each family with each link, against closed forms in decimal arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsmodels.genmod import families
from statsmodels.genmod.families import links
from tolerances import SUMS

from statsmodels_ooc.blocks.block import Block, Dense, Extras
from statsmodels_ooc.families.kernels import kernel_of
from statsmodels_ooc.selection.scorers import information, is_constant, row_predictor

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
SIZES = (1e-3, 0.1, 0.5, 1.7, 3.6, 8.5, 20.0, 36.5, 40.0, 77.0, 100.0)
ETAS = np.sort([sign * size for sign in (-1, 1) for size in SIZES])
ALPHA = 0.7

# --- the functions behind the closed forms ----------------------------------------------


def exponential(x: Decimal) -> Decimal:
    """Zero where no digits are enough."""
    return x.exp() if x > -(10**5) else Decimal(0)


def normal_tail(x: Decimal) -> Decimal:
    """P(Z > x) of a positive x: by a Taylor series, or an asymptotic one."""
    density = (-(x**2) / 2).exp() / (2 * PI).sqrt()
    if x > 12:
        term = total = Decimal(1)
        for i in range(1, 60):
            term *= -(2 * i - 1) / x**2
            total += term
        return density / x * total
    term = total = x
    for i in range(1, 600):
        term *= x**2 / (2 * i + 1)
        total += term
    return Decimal("0.5") - density * total


def cauchy_tail(x: Decimal) -> Decimal:
    """atan(1/x) / pi, the angle halved until the series is quick."""
    z = 1 / x
    for _ in range(6):
        z /= 1 + (1 + z * z).sqrt()
    return 64 * sum((-1) ** i * z ** (2 * i + 1) / (2 * i + 1) for i in range(40)) / PI


def probit(x: Decimal) -> Decimal:
    small, density = normal_tail(abs(x)), exponential(-(x**2) / 2) / (2 * PI).sqrt()
    return density**2 / (small * (1 - small))


def cauchit(x: Decimal) -> Decimal:
    small = cauchy_tail(abs(x))
    return 1 / (PI**2 * (1 + x**2) ** 2 * small * (1 - small))


def cloglog(x: Decimal) -> Decimal:
    rate = x.exp()
    return (2 * x).exp() / (rate.exp() - 1) if rate < 10**5 else Decimal(0)


def logit(x: Decimal) -> Decimal:
    return (-abs(x)).exp() / (1 + (-abs(x)).exp()) ** 2


def canonical(x: Decimal) -> Decimal:
    a = Decimal(ALPHA)
    mu = 1 / (a * ((-x).exp() - 1))
    return mu + a * mu**2


def negative_binomial(x: Decimal) -> Decimal:
    return x.exp() / (1 + Decimal(ALPHA) * x.exp())


def of_power(q: float, power: float) -> Callable[[Decimal], Decimal]:
    """Tweedie with the variance mu**q and the link mu**power."""
    big_q, big_l = Decimal(q), Decimal(power)
    return lambda x: (x ** (1 / big_l)) ** (2 - 2 * big_l - big_q) / big_l**2


# --- the table of the specification -----------------------------------------------------

CANONICAL = links.NegativeBinomial(alpha=ALPHA)
Case = tuple[Any, Callable[[Decimal], Decimal], int]  # with the sign that eta must have
TABLE: dict[str, Case] = {
    "Gaussian-identity": (families.Gaussian(), lambda x: Decimal(1), 0),
    "Gaussian-log": (families.Gaussian(links.Log()), lambda x: x.exp() ** 2, 0),
    "Gaussian-inverse": (families.Gaussian(links.InversePower()), lambda x: x**-4, 0),
    "Binomial-logit": (families.Binomial(), logit, 0),
    "Binomial-probit": (families.Binomial(links.Probit()), probit, 0),
    "Binomial-cloglog": (families.Binomial(links.CLogLog()), cloglog, 0),
    "Binomial-loglog": (families.Binomial(links.LogLog()), lambda x: cloglog(-x), 0),
    "Binomial-cauchit": (families.Binomial(links.Cauchy()), cauchit, 0),
    "Binomial-log": (families.Binomial(links.Log()), lambda x: 1 / ((-x).exp() - 1), -1),
    "Poisson-log": (families.Poisson(), Decimal.exp, 0),
    "Poisson-identity": (families.Poisson(links.Identity()), lambda x: 1 / x, 1),
    "Poisson-sqrt": (families.Poisson(links.Sqrt()), lambda x: Decimal(4), 0),
    "Gamma-log": (families.Gamma(links.Log()), lambda x: Decimal(1), 0),
    "Gamma-inverse": (families.Gamma(), lambda x: x**-2, 1),
    "Gamma-identity": (families.Gamma(links.Identity()), lambda x: x**-2, 1),
    "InverseGaussian-squared": (
        families.InverseGaussian(),
        lambda x: x ** Decimal("-1.5") / 4,
        1,
    ),
    "InverseGaussian-inverse": (
        families.InverseGaussian(links.InversePower()),
        lambda x: 1 / x,
        1,
    ),
    "InverseGaussian-identity": (
        families.InverseGaussian(links.Identity()),
        lambda x: x**-3,
        1,
    ),
    "InverseGaussian-log": (families.InverseGaussian(links.Log()), lambda x: (-x).exp(), 0),
    "InverseGaussian-stable": (
        families.InverseGaussian(links.Power(-0.5), check_link=False),
        lambda x: Decimal(4),
        1,
    ),
    "NegativeBinomial-log": (families.NegativeBinomial(alpha=ALPHA), negative_binomial, 0),
    "NegativeBinomial-canonical": (
        families.NegativeBinomial(CANONICAL, alpha=ALPHA),
        canonical,
        -1,
    ),
}
for q in (1.3, 1.5, 2.5):
    TABLE[f"Tweedie {q}-log"] = (
        families.Tweedie(var_power=q),
        lambda x, q=q: (x * (2 - Decimal(q))).exp(),
        0,
    )
    for power in (-1.0, 0.4, 1.0, 1 - q / 2):
        family = families.Tweedie(links.Power(power), var_power=q)
        TABLE[f"Tweedie {q}-Power({power:.2f})"] = (family, of_power(q, power), 1)


def etas_of(name: str) -> np.ndarray:
    sign = TABLE[name][2]
    return ETAS if sign == 0 else ETAS[ETAS * sign > 0]


@pytest.mark.parametrize("name", TABLE)
def test_psi_is_that_of_the_closed_form(name: str) -> None:
    family, closed, _ = TABLE[name]
    etas = etas_of(name)
    with localcontext(prec=150, Emin=-(10**8), Emax=10**8):
        expected = [float(closed(Decimal(eta))) for eta in etas.tolist()]
    found = information(kernel_of(family), etas)
    assert_allclose(found, expected, rtol=SUMS, atol=1e-307)


def test_psi_of_an_unlikely_event_is_not_that_of_statsmodels() -> None:
    """statsmodels keeps mu away from 0 in the link's derivative, and not in the variance."""
    family, eta = families.Poisson(), np.array([-100.0])
    assert_allclose(information(kernel_of(family), eta), 3.720075976020836e-44, rtol=SUMS)
    assert family.weights(family.link.inverse(eta))[0] > 1e12


def test_probit_and_cauchit_are_symmetric() -> None:
    for link in (links.Logit, links.Probit, links.Cauchy):
        kernel = kernel_of(families.Binomial(link()))
        assert_allclose(information(kernel, ETAS), information(kernel, -ETAS), rtol=SUMS)


@pytest.mark.parametrize("name", TABLE)
def test_the_arguments_are_left_alone(name: str) -> None:
    kernel, etas = kernel_of(TABLE[name][0]), etas_of(name)
    before = etas.copy()
    found = information(kernel, etas)
    found[:] = 7
    np.testing.assert_array_equal(etas, before)
    assert not (information(kernel, etas) == 7).any()


NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("family", "outside", "inside"),
    [
        (families.Gaussian(), [NAN], [-1, 0, 1]),
        (families.Gaussian(links.InversePower()), [0, 1e-100, NAN], [-1, 1]),
        (families.Gaussian(links.Log()), [400, 800], [-800, 300]),
        (families.Binomial(), [NAN], [-800, 0, 800]),
        (families.Binomial(links.Log()), [1e-3, 5, NAN], [-1, -1e-3]),
        (families.Binomial(links.Identity()), [-0.1, 1.1, 40], [0.1, 0.9]),
        (families.Poisson(), [NAN], [-800, -100, 0, 700]),
        (families.Poisson(links.Identity()), [-100, -1, 0], [1e-3, 1]),
        (families.Poisson(links.Sqrt()), [0], [1e-3, 1]),
        (families.Gamma(), [-1, 0], [1]),
        (families.Gamma(links.Identity()), [-1, 0], [1]),
        (families.Gamma(links.Log()), [800], [-100, 100]),
        (families.InverseGaussian(), [-1, 0], [1]),
        (families.InverseGaussian(links.InversePower()), [-1, 0], [1]),
        (families.NegativeBinomial(CANONICAL, alpha=ALPHA), [0, 1], [-1]),
        (families.Tweedie(links.Power(1), var_power=1.5), [-1, 0], [1]),
        (families.Tweedie(var_power=1.5), [800], [-100, 100]),
    ],
)
def test_psi_is_nan_where_no_mean_can_be_or_no_double_holds_it(
    family: Any, outside: list[float], inside: list[float]
) -> None:
    found = information(kernel_of(family), np.array([*outside, *inside], dtype=float))
    assert np.isnan(found[: len(outside)]).all()
    assert np.isfinite(found[len(outside) :]).all()
    assert (found[len(outside) :] >= 0).all()


@pytest.mark.parametrize(("family", "eta"), [(families.Poisson(), 800), (families.Gaussian(), INF)])
def test_a_mean_that_overflows_is_no_warning(family: Any, eta: float) -> None:
    found = information(kernel_of(family), np.array([eta, 1.0]))
    assert np.isnan(found[0])
    assert found[1] > 0


# --- a row has the same bits in whatever company it comes -------------------------------


def splits(n: int) -> Iterator[list[int]]:
    """Ends of blocks: of one size each, and of any."""
    for size in (1, 2, 3, 5, 8, 17):
        yield [*range(0, n, size), n]
    rng = np.random.default_rng(0)
    for _ in range(3):
        yield [0, *np.sort(rng.integers(0, n + 1, 6)).tolist(), n]


@pytest.mark.parametrize("name", TABLE)
def test_psi_has_the_same_bits_in_any_company(name: str) -> None:
    kernel, sign = kernel_of(TABLE[name][0]), TABLE[name][2]
    eta = np.random.default_rng(1).normal(0, 5, 203)
    eta = eta if sign == 0 else sign * np.abs(eta)
    whole = information(kernel, eta)
    assert np.isfinite(whole).all()
    for ends in splits(len(eta)):
        parts = [information(kernel, eta[a:b]) for a, b in pairwise(ends)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


def block(x: np.ndarray, extras: dict[str, np.ndarray], a: int, b: int) -> Block:
    rows = {name: values[a:b] for name, values in extras.items()}
    return Block(np.zeros(b - a), Dense(np.asfortranarray(x[a:b])), Extras(**rows))


EXTRAS = [(), ("offset",), ("exposure",), ("offset", "exposure")]


@pytest.mark.parametrize("names", EXTRAS)
@pytest.mark.parametrize("k", [1, 2, 7, 30])
def test_the_predictor_has_the_same_bits_in_any_company(k: int, names: tuple[str, ...]) -> None:
    rng = np.random.default_rng(k)
    x, beta = rng.normal(size=(211, k)), rng.normal(size=k)
    extras = {name: rng.normal(size=211) for name in names}
    whole = row_predictor(block(x, extras, 0, 211), beta)
    for ends in splits(211):
        parts = [row_predictor(block(x, extras, a, b), beta) for a, b in pairwise(ends)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()
    expected = x @ beta + sum(extras.values())
    assert_allclose(whole, expected, rtol=SUMS, atol=SUMS)


def test_the_predictor_leaves_its_block_alone() -> None:
    x, extras = np.ones((5, 2)), {"offset": np.full(5, 3.0)}
    for _ in range(2):
        assert row_predictor(block(x, extras, 0, 5), np.array([1.0, 2.0])).tolist() == [6.0] * 5


# --- links that stabilise the variance --------------------------------------------------


def is_stabilising(family: Any) -> bool:
    """The list of the specification."""
    log, power = isinstance(family.link, links.Log), getattr(family.link, "power", None)
    match family:
        case families.Gaussian():
            return power == 1
        case families.Poisson():
            return power == 1 / 2
        case families.Gamma():
            return log
        case families.InverseGaussian():
            return power == -1 / 2
        case families.Tweedie():
            return log if family.var_power == 2 else power == 1 - family.var_power / 2
    return False


POWERS = (-2.0, -1.0, -0.5, 0.25, 0.5, 1.0, 2.0)
MAKERS: dict[str, Any] = {
    "Gaussian": families.Gaussian,
    "Binomial": families.Binomial,
    "Poisson": families.Poisson,
    "Gamma": families.Gamma,
    "InverseGaussian": families.InverseGaussian,
    "NegativeBinomial": partial(families.NegativeBinomial, alpha=ALPHA),
} | {f"Tweedie {q}": partial(families.Tweedie, var_power=q) for q in (0.5, 1, 1.5, 2, 3)}


def with_any_link() -> Iterator[Any]:
    for name, make in MAKERS.items():
        for kind in make(links.Log()).links:
            link = CANONICAL if kind is links.NegativeBinomial else kind()
            yield pytest.param(partial(make, link), id=f"{name}-{kind.__name__}")
        for power in POWERS:
            own = partial(make, links.Power(power), check_link=False)
            yield pytest.param(own, id=f"{name}-Power({power})")


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.DomainWarning")
@pytest.mark.filterwarnings("ignore:Invalid link:UserWarning")
@pytest.mark.parametrize("make", list(with_any_link()))
def test_psi_is_constant_for_exactly_those_of_the_list(make: Any) -> None:
    family = make()
    assert is_constant(family) == is_stabilising(family)
    mu = np.linspace(0.1, 0.9, 9)
    psi = information(kernel_of(family), np.asarray(family.link(mu)))
    assert np.isfinite(psi).all()
    assert is_constant(family) == (np.ptp(psi) <= SUMS * psi.max())


def test_the_list_has_what_the_specification_names() -> None:
    stable = [
        families.Gaussian(),
        families.Poisson(links.Sqrt()),
        families.Gamma(links.Log()),
        families.InverseGaussian(links.Power(-0.5), check_link=False),
        families.Tweedie(links.Power(0.25), var_power=1.5),
        families.Tweedie(links.Log(), var_power=2),
    ]
    assert all(map(is_constant, stable))
    common = [families.Binomial(), families.Poisson(), families.Gamma(), families.Tweedie()]
    assert not any(map(is_constant, common))


@pytest.mark.filterwarnings("ignore:The .* link alias:FutureWarning")
def test_an_alias_of_a_link_is_that_link() -> None:
    assert is_constant(families.Gamma(links.log()))
    assert is_constant(families.Gaussian(links.identity()))
    assert not is_constant(families.Poisson(links.log()))


class Shifted(links.Log):
    """The logarithm of the mean less one: not the link that it inherits from."""

    def inverse(self, z: Any) -> Any:
        return 1 + np.exp(z)


def test_a_link_of_somebody_else_is_not_taken_for_its_parent() -> None:
    assert is_constant(families.Gamma(links.Log()))
    assert not is_constant(families.Gamma(Shifted()))
