"""Statsmodels' families: which may be used, and the kernels behind them."""

from __future__ import annotations

from copy import copy, deepcopy
from math import inf
from typing import Any

from statsmodels.genmod import families
from statsmodels.genmod.families import links
from statsmodels.tools.sm_exceptions import DomainWarning

from statsmodels_ooc.errors import warn_caller
from statsmodels_ooc.families.kernels import (
    BinomialLogit,
    GammaLog,
    GaussianIdentity,
    Kernel,
    PoissonLog,
)

__all__ = [
    "CANONICAL",
    "checked_family",
    "kernel_of",
    "loglike_form",
    "max_endog",
    "response_bounds",
]

# Exact classes: some links inherit from others that they have little in common with.
FAST: dict[tuple[type, type], type[Kernel]] = {
    (families.Binomial, links.Logit): BinomialLogit,
    (families.Poisson, links.Log): PoissonLog,
    (families.Gaussian, links.Identity): GaussianIdentity,
    (families.Gamma, links.Log): GammaLog,
}

# With a canonical link the expected information is the observed one.
CANONICAL = (BinomialLogit, GaussianIdentity, PoissonLog)


def kernel_of(family: Any) -> Kernel:
    """The kernel of a family and its link; the family itself stays as it is.

    Parameters
    ----------
    family : statsmodels.genmod.families.Family
        A family of statsmodels, with any link.

    Raises
    ------
    TypeError
        A family of somebody else: its likelihood is not known by its sums.
    """
    own = copy(family)
    if isinstance(own, families.Binomial):
        own.n = 1  # trials belong to the weights; an array of them need not be copied
    own = deepcopy(own)
    kernel = FAST.get((type(own), _plain_class(own.link)), Kernel)(own)
    kernel.distribution  # noqa: B018 - refuses an unknown family now
    return kernel


def _plain_class(link: Any) -> type:
    """The class of a link, that behind a lower-case alias of statsmodels."""
    cls = type(link)
    alias = cls.__module__ == links.__name__ and cls.__name__.islower()
    return cls.__mro__[1] if alias else cls


def loglike_form(family: Any, unit_var_weights: bool) -> str | None:
    """How the scale enters the log-likelihood, for `loglike_at`.

    Returns
    -------
    str or None
        None where the sums at scale one do not tell: another pass over the rows has
        to ask the family.
    """
    gamma = "gamma" if unit_var_weights else None
    match family:
        case families.Binomial():
            return "fixed"
        case families.Poisson() | families.NegativeBinomial():
            return "linear"
        case families.Gaussian() | families.InverseGaussian():
            return "dispersion"
        case families.Gamma():
            return gamma
        case families.Tweedie(var_power=1):
            return "linear"
        case families.Tweedie(var_power=2):
            return gamma
        case families.Tweedie(eql=True):
            return "dispersion"
        case families.Tweedie(var_power=p) if not 1 < p < 2:
            return "undefined"
    return None


def response_bounds(family: Any) -> tuple[float, float]:
    """Between which a family's responses are."""
    match family:
        case families.Gaussian():
            return -inf, inf
        case families.Binomial():
            return 0.0, 1.0
    return 0.0, inf


def checked_family(family: Any, has_exposure: bool) -> Any:
    """The family, a Gaussian one by default; warns of links that leave its domain."""
    if family is None:
        family = families.Gaussian()
    if not isinstance(family, families.Family):
        raise TypeError(
            f"family is an object such as sm.families.Poisson(), with parentheses, not {family!r}"
        )
    if not isinstance(family.link, tuple(family.safe_links)):
        warn_caller(
            f"The {type(family.link).__name__} link function does not respect the domain of the "
            f"{type(family).__name__} family.",
            DomainWarning,
        )
    if has_exposure and not isinstance(family.link, links.Log):
        raise ValueError("exposure can only be used with the log link function")
    return family


def max_endog(family: Any) -> int:
    """How many columns a response may have: successes and failures of a Binomial one."""
    return 2 if isinstance(family, families.Binomial) else 1
