"""Scores of the rows of a block, in one pass over data that stays outside memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsmodels.genmod import families
from statsmodels.genmod.families import links

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, prior_weights, total_offset
from statsmodels_ooc.families.elementwise import quiet
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.selection.criteria import Criterion, offers
from statsmodels_ooc.selection.ordering import Offer, Order


def information(kernel: Kernel, eta: FloatArray) -> FloatArray:
    """``(dmu/deta)**2 / V(mu)``, the expected information of each row, (b,).

    It is found from the linear predictor itself: a mean that was rounded or kept away
    from its bounds has lost what the tails need.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    eta : ndarray, (b,)
        Linear predictors, offset and logarithm of the exposure included.

    Returns
    -------
    ndarray, (b,)
        NaN where the mean is impossible for the family, or the information is infinite.
        Means of a Binomial family are kept 2.2e-16 away from bounds that they can reach.

    References
    ----------
    McCullagh, Nelder (1989). Generalized Linear Models, 2nd ed., section 2.5.
    """
    # NumPy may compute one number with other instructions, and other bits, than many.
    many = np.repeat(eta, 2) if len(eta) == 1 else eta
    mean = kernel.mean(many)
    with quiet():
        psi, _ = kernel.working(mean.mu, many, mean)
    outside = kernel.outside(mean)
    if outside is not None:
        psi[outside] = np.nan
    psi[np.isinf(psi)] = np.nan
    return psi[: len(eta)]


def row_predictor(block: Block, beta: FloatArray) -> FloatArray:
    """``X beta`` and the offset, (b,), the same bits for a row in whatever block it comes.

    A matrix product may add up in another order in a block of another size; here one
    column is added after the other.
    """
    eta, part = np.zeros(len(block.endog)), np.empty(len(block.endog))
    for x, b in zip(block.design.columns(), beta, strict=True):
        eta += np.multiply(x, b, out=part)
    offset = total_offset(block)
    return eta if offset is None else eta + offset


def is_constant(family: Any) -> bool:
    """Whether the link stabilises the variance, so that every row has the same Psi."""
    link, power = family.link, None
    if type(link).__module__ != links.__name__:  # what inherits from a link may be another
        return False
    if isinstance(link, links.Log):
        power = 0.0
    elif isinstance(link, links.Power):
        power = float(link.power)
    match family:
        case families.Gaussian():
            return power == 1
        case families.Poisson():
            return power == 0.5
        case families.Gamma():
            return power == 0
        case families.InverseGaussian():
            return power == -0.5
        case families.Tweedie():
            return power is not None and power == 1 - family.var_power / 2
    return False


_WEIGHTS = ("weights", "freq_weights", "var_weights", "trials")


@dataclass(frozen=True)
class Psi:
    """The information of the rows of a block at some parameters."""

    kernel: Kernel | None = None  # None where every row has the same information
    beta: FloatArray | None = None  # (k,)

    def __call__(self, block: Block) -> FloatArray | None:
        """Information times weights, (b,); None where it is one in all rows.

        NaN in rows that have an impossible mean, or infinite information.
        """
        weights = prior_weights(block, _WEIGHTS)
        if self.kernel is None or self.beta is None:
            return weights
        psi = information(self.kernel, row_predictor(block, self.beta))
        if weights is not None:
            psi *= weights
            psi[np.isinf(psi)] = np.nan
        return psi


# What each step may take, and the rows that have an impossible mean, if any.
Offers = tuple[Iterator[Offer], NDArray[np.bool_] | None]


@dataclass(frozen=True)
class Informative:
    """Scores of D- and T-optimality; see `criteria.scores`."""

    criterion: Criterion
    columns: tuple[int, ...]  # of the design that take part, p of them
    psi: Psi  # the information of the rows
    mean: FloatArray | None = None  # (p,)
    scale: FloatArray | None = None
    offers: Callable[..., Iterator[Offer]] = offers

    def __call__(self, block: Block, orders: Sequence[Order]) -> Offers:
        psi, design = self.psi(block), block.design.columns()
        columns = [design[j] for j in self.columns]
        outside = None if psi is None else np.isnan(psi)
        if outside is not None and not outside.any():
            outside = None
        found = self.offers(self.criterion, columns, psi, self.mean, self.scale, orders)
        return found, outside

    def compiled(self) -> Informative:
        """The same, in machine code."""
        from statsmodels_ooc.selection.compiled import compiled_offers

        return replace(self, offers=compiled_offers)


@dataclass(frozen=True)
class Uniform:
    """No row scores more than another: ties decide."""

    def __call__(self, block: Block, orders: Sequence[Order]) -> Offers:
        return iter((Offer(None, np.zeros(len(block.endog))),)), None

    def compiled(self) -> Uniform:
        """The same: there is nothing to compute."""
        return self
