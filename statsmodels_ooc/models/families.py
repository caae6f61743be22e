"""The kernels behind statsmodels' families."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any

from statsmodels.genmod import families
from statsmodels.genmod.families import links

from statsmodels_ooc.reductions.kernels import (
    BinomialLogit,
    GammaLog,
    GaussianIdentity,
    Kernel,
    PoissonLog,
)

__all__ = ["kernel_of", "loglike_form"]

# Exact classes: some links inherit from others that they have little in common with.
FAST: dict[tuple[type, type], type[Kernel]] = {
    (families.Binomial, links.Logit): BinomialLogit,
    (families.Poisson, links.Log): PoissonLog,
    (families.Gaussian, links.Identity): GaussianIdentity,
    (families.Gamma, links.Log): GammaLog,
}
for _family, _link, _alias in (
    (families.Binomial, links.Logit, links.logit),
    (families.Poisson, links.Log, links.log),
    (families.Gaussian, links.Identity, links.identity),
    (families.Gamma, links.Log, links.log),
):
    FAST[_family, _alias] = FAST[_family, _link]
