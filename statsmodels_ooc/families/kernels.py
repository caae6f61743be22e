"""Mean, weights, deviance and likelihood of a generalised linear model, row by row.

A `Kernel` joins a distribution (the family's variance, deviance and likelihood) and the
inverse of the link, both picked by the names of statsmodels' classes. All of
them work from the linear predictor eta: a mean alone has lost what the tails need,
and statsmodels' own functions keep it 2.2e-16 away from its bounds.

Rows whose mean is impossible may come out as NaN or infinite, without a warning;
`Kernel.outside` finds them.
"""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import dataclass
from math import inf, nan
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy import special
from statsmodels.genmod import families
from statsmodels.genmod.families import links
from statsmodels.tools.sm_exceptions import DomainWarning

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.errors import warn_caller
from statsmodels_ooc.families.distributions import Distribution, distribution_of
from statsmodels_ooc.families.elementwise import (
    NEAR,
    Pair,
    Weights,
    is_binary,
    pearson,
    quiet,
    rows_not,
    times,
    total,
    widest,
)
from statsmodels_ooc.families.inverse_links import InverseLink, Mean, inverse_link_of

FAINT = 1e-8  # weight; what such a row can still gain is too little to see


class ScoredSums(NamedTuple):
    """What a step of scoring needs of rows beside their weights and scores.

    Attributes
    ----------
    deviance, pearson : float
        Weighted sums, at scale one.
    gap : float
        The largest distance of a response from its mean.
    lowest : float
        The smallest expected information, before prior weights.
    edge : float
        See `Kernel.edge`.
    faint : bool
        Whether the expected information is next to nothing in a row whose likelihood rises
        for ever.
    """

    deviance: float
    pearson: float
    gap: float
    lowest: float
    edge: float = inf
    faint: bool = False


class Scored(NamedTuple):
    """What a step of scoring needs of b rows.

    Attributes
    ----------
    weight, score : ndarray, (b,)
        As `Kernel.working`, times the prior weights. They are the caller's own.
    sums : ScoredSums
        Of these rows.
    impossible : (int, float), optional
        The first row whose mean the family cannot have, and that mean. Nothing else counts
        then.
    """

    weight: FloatArray
    score: FloatArray
    sums: ScoredSums
    impossible: tuple[int, float] | None = None


@dataclass(frozen=True)
class Kernel:
    """The numerics of a family and its link, on blocks of b rows.

    Parameters
    ----------
    family : statsmodels.genmod.families.Family
        Any family of statsmodels; a Binomial one with ``n = 1``. Responses are
        proportions then, and the trials belong to the weights.

    Attributes
    ----------
    is_canonical : bool
        Whether the observed information is known to be the expected one.
    """

    family: Any
    is_canonical: ClassVar[bool] = False

    @cached_property
    def distribution(self) -> Distribution:
        return distribution_of(self.family, self.inverse)

    @cached_property
    def inverse(self) -> InverseLink:
        return inverse_link_of(self.family.link)

    def mean(self, eta: FloatArray) -> Mean:
        """The mean at a linear predictor."""
        with quiet():
            mu = self.inverse.mean(eta)
            return Mean(mu, self.inverse.slope(eta), self.distribution.variance(mu, eta))

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> Pair:
        """What scoring needs of each row, per unit of prior weight.

        Returns
        -------
        weight : ndarray, (b,)
            ``slope**2 / variance``, the expected information.
        score : ndarray, (b,)
            ``(y - mu) * slope / variance``. Both arrays are the caller's own.
        """
        with quiet():
            return self.distribution.working(y, eta, mean)

    def working_at(self, y: FloatArray, eta: FloatArray) -> Pair:
        """What `working` gives at a linear predictor."""
        return self.working(y, eta, self.mean(eta))

    def scored(self, y: FloatArray, eta: FloatArray, a: Weights, spread: Weights = None) -> Scored:
        """All that a step of scoring needs.

        Parameters
        ----------
        y, eta : ndarray, (b,)
            The responses and linear predictors; there are some.
        a : ndarray, (b,), or None
            Prior weights.
        spread : ndarray, (b,), or None
            Of rows that stand for several, ``a (y - mean of y)**2`` of these, summed.
        """
        mean = self.mean(eta)
        outside = self.outside(mean)
        if outside is not None:
            i = int(np.argmax(outside))
            return Scored(y, y, ScoredSums(nan, nan, nan, nan), (i, float(mean.mu[i])))
        weight, score = self.working(y, eta, mean)
        lowest, gap = float(weight.min()), y - mean.mu
        sums = ScoredSums(
            self.deviance(y, eta, mean, a),
            pearson(gap, mean.variance, a, spread),
            widest(gap, a, spread),
            lowest,
            self.edge(mean),
            lowest < FAINT and bool(self.side(y[weight < FAINT]).any()),
        )
        return Scored(times(weight, a), times(score, a), sums)

    def best_constant(self, score: float, information: float) -> tuple[float, float] | None:
        """How far the best constant is from the one of a null model, where its sums tell.

        Parameters
        ----------
        score, information : float
            Sums of all rows at the constant; the information is above zero.

        Returns
        -------
        (float, float) or None
            What to add to the constant, and what the deviance falls by; None where only
            another pass tells.
        """
        return None

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        """The observed information of each row, per unit of prior weight."""
        with quiet():
            return self.distribution.observed(y, eta, mean)

    def deviance(self, y: FloatArray, eta: FloatArray, mean: Mean, weights: Weights) -> float:
        """The weighted sum of the rows' deviances at scale one."""
        with quiet():
            rows = self.distribution.deviances(y, eta, mean.mu)
            return 2 * total(self._sharpened(rows, y, eta, mean.mu), weights)

    def _sharpened(
        self, rows: FloatArray, y: FloatArray, eta: FloatArray, mu: FloatArray
    ) -> FloatArray:
        """Half deviances, (b,), computed anew where y and mu are so close that they cancel."""
        gap = y - mu
        if gap @ gap > NEAR**2 * (y @ y):  # most of the sum lies elsewhere
            return rows
        near = np.abs(gap) < NEAR * self.distribution.room(mu)
        if near.any():
            rows[near] = self.distribution.near(gap[near], eta[near], mu[near])
        return rows

    def saturated(self, y: FloatArray, var_weights: Weights, trials: Weights) -> FloatArray:
        """Log-likelihood of each row, (b,), where the mean is y and the scale one.

        Less half the deviance this is the log-likelihood at scale one, for every
        family of statsmodels.
        """
        with quiet():
            return self.distribution.saturated(y, var_weights, trials)

    def outside(self, mean: Mean) -> BoolArray | None:
        """Rows with a mean that the family cannot have, None for none."""
        return rows_not(self.distribution.is_mean, mean.mu)

    def edge(self, mean: Mean) -> float:
        """How far eta is, at the least, from where means become impossible.

        Infinite for links that keep to the family's domain.
        """
        if self.is_safe:
            return np.inf
        with quiet():
            distance = self.distribution.room(mean.mu) / np.abs(mean.slope)
        return float(np.nanmin(distance, initial=np.inf))

    @cached_property
    def is_safe(self) -> bool:
        """Whether the link keeps to the family's domain."""
        return isinstance(self.family.link, tuple(getattr(self.family, "safe_links", ())))

    def impossible(self, y: FloatArray) -> BoolArray | None:
        """Rows with a response that the family cannot have, None for none."""
        return rows_not(self.distribution.is_response, y)

    def side(self, y: FloatArray) -> FloatArray:
        """Where eta may go without a limit and the likelihood of each row never falls, (b,).

        1 for up, -1 for down, 0 where it may go neither way. A likelihood rises until the
        mean is the response, so it rises for ever where the mean never gets there.
        """
        low, high = self.inverse.ends
        down, up = (y <= low, y >= high) if low < high else (y >= low, y <= high)
        return up.astype(np.float64) - down

    def start(self, y: FloatArray, mean_of_y: float) -> FloatArray:
        """The linear predictor that statsmodels starts from, (b,)."""
        with quiet():
            return np.asarray(self.family.link(self.distribution.starting_mean(y, mean_of_y)))


class Canonical(Kernel):
    """With a canonical link the slope of the mean is its variance.

    The expected information is then the observed one.
    """

    is_canonical = True

    def working(self, y: FloatArray, eta: FloatArray, mean: Mean) -> Pair:
        return mean.variance.copy(), y - mean.mu

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        return mean.variance.copy()


class GaussianIdentity(Canonical):
    """Least squares."""

    def mean(self, eta: FloatArray) -> Mean:
        ones = np.ones_like(eta)
        return Mean(eta, ones, ones)

    def deviance(self, y: FloatArray, eta: FloatArray, mean: Mean, weights: Weights) -> float:
        gap = y - eta
        return float(gap @ times(gap, weights))


class BinomialLogit(Canonical):
    """Logistic regression."""

    def mean(self, eta: FloatArray) -> Mean:
        small = np.abs(eta)
        np.negative(small, out=small)
        np.exp(small, out=small)
        large = small + 1
        np.reciprocal(large, out=large)
        small *= large  # of mu and 1 - mu the smaller one, and the larger one
        mu = np.where(eta < 0, small, large)
        small *= large
        return Mean(mu, small, small)

    def deviance(self, y: FloatArray, eta: FloatArray, mean: Mean, weights: Weights) -> float:
        rows = np.abs(eta)
        np.negative(rows, out=rows)
        np.exp(rows, out=rows)
        np.log1p(rows, out=rows)
        hinge = np.maximum(eta, 0)
        hinge -= y * eta
        rows += hinge
        if not is_binary(y):
            rows += special.xlogy(y, y) + special.xlogy(1 - y, 1 - y)
            rows = self._sharpened(rows, y, eta, mean.mu)
        return 2 * total(rows, weights)


class PoissonLog(Canonical):
    """Log-linear counts."""

    def best_constant(self, score: float, information: float) -> tuple[float, float] | None:
        responses, step = score + information, np.log1p(score / information)
        return float(step), float(2 * (step * responses - score))

    def mean(self, eta: FloatArray) -> Mean:
        with quiet():
            mu = np.exp(eta)
        return Mean(mu, mu, mu)


class GammaLog(Kernel):
    """Positive responses of constant coefficient of variation."""

    def mean(self, eta: FloatArray) -> Mean:
        with quiet():
            mu = np.exp(eta)
            return Mean(mu, mu, mu * mu)

    def observed(self, y: FloatArray, eta: FloatArray, mean: Mean) -> FloatArray:
        with quiet():
            return y / mean.mu


# Exact classes: some links inherit from others that they have little in common with.
FAST: dict[tuple[type, type], type[Kernel]] = {
    (families.Binomial, links.Logit): BinomialLogit,
    (families.Poisson, links.Log): PoissonLog,
    (families.Gaussian, links.Identity): GaussianIdentity,
    (families.Gamma, links.Log): GammaLog,
}


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


SCALE_OF_ONE = (families.Binomial, families.Poisson, families.NegativeBinomial)


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
