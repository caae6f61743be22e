"""The log-likelihood from its sums at scale one, against the families of statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsmodels.genmod import families
from statsmodels.genmod.families import links
from tolerances import SUMS

from statsmodels_ooc.families.kernels import kernel_of, loglike_form
from statsmodels_ooc.likelihoods.glm import loglike_at

ROWS = 300
FAMILIES: dict[str, Any] = {
    "Gaussian": families.Gaussian(),
    "Gaussian log": families.Gaussian(links.Log()),
    "Binomial": families.Binomial(),
    "Binomial probit": families.Binomial(links.Probit()),
    "Poisson": families.Poisson(),
    "Gamma": families.Gamma(links.Log()),
    "InverseGaussian": families.InverseGaussian(links.Log()),
    "NegativeBinomial": families.NegativeBinomial(alpha=0.6),
    "Tweedie 1": families.Tweedie(var_power=1),
    "Tweedie 1.5": families.Tweedie(var_power=1.5),
    "Tweedie 2": families.Tweedie(var_power=2),
    "Tweedie 1 eql": families.Tweedie(var_power=1, eql=True),
    "Tweedie 1.5 eql": families.Tweedie(var_power=1.5, eql=True),
    "Tweedie 2 eql": families.Tweedie(var_power=2, eql=True),
}
ONE_SCALE = {"Tweedie 1.5"}  # the rows are needed at any other


class Rows:
    """Responses, linear predictors and weights for a family."""

    def __init__(self, family: Any, weighted: bool) -> None:
        rng = np.random.default_rng(0)
        self.eta = rng.normal(size=ROWS) / 2
        self.mu = family.link.inverse(self.eta)
        self.trials: np.ndarray | None = None
        match family:
            case families.Binomial():
                self.trials = rng.integers(1, 6, ROWS) * 1.0 if weighted else None
                n = np.ones(ROWS) if self.trials is None else self.trials
                self.y = rng.binomial(n.astype(int), self.mu) / n
            case families.Gaussian():
                self.y = self.mu + rng.normal(size=ROWS)
            case families.Poisson() | families.NegativeBinomial() | families.Tweedie(var_power=1):
                self.y = rng.poisson(self.mu) * 1.0
            case families.Tweedie(eql=False, var_power=1.5):
                self.y = rng.gamma(2, self.mu / 2) * (rng.random(ROWS) < 0.7)
            case _:
                self.y = rng.gamma(2, self.mu / 2)
        self.var_weights = rng.uniform(0.5, 2, ROWS) if weighted else None
        self.freq_weights = rng.integers(1, 4, ROWS) * 1.0

    def at_scale_one(self, family: Any) -> tuple[float, float]:
        """Saturated log-likelihood and deviance."""
        kernel, freq = kernel_of(family), self.freq_weights
        weights = freq.copy()
        for factor in (self.var_weights, self.trials):
            weights *= 1.0 if factor is None else factor
        saturated = kernel.saturated(self.y, self.var_weights, self.trials) @ freq
        return saturated, kernel.deviance(self.y, self.eta, kernel.mean(self.eta), weights)

    def expected(self, family: Any, scale: float) -> float:
        w = 1.0 if self.var_weights is None else self.var_weights
        if self.trials is not None:
            family = families.Binomial(family.link)
            family.n = self.trials
        return family.loglike(self.y, self.mu, w, self.freq_weights, scale)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_at_scale_one_it_is_the_saturated_one_less_half_the_deviance(
    name: str, weighted: bool
) -> None:
    family = FAMILIES[name]
    rows = Rows(family, weighted)
    saturated, deviance = rows.at_scale_one(family)
    assert_allclose(saturated - deviance / 2, rows.expected(family, 1.0), rtol=SUMS)


@pytest.mark.parametrize("scale", [0.01, 0.3, 1.0, 2.7, 50.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", sorted(FAMILIES.keys() - ONE_SCALE))
def test_it_is_that_of_the_family(name: str, weighted: bool, scale: float) -> None:
    family = FAMILIES[name]
    rows = Rows(family, weighted)
    form = loglike_form(family, unit_var_weights=not weighted)
    if form is None:
        assert weighted
        assert name in ("Gamma", "Tweedie 2", "Tweedie 2 eql")
        return
    found = loglike_at(form, *rows.at_scale_one(family), scale, rows.freq_weights.sum())
    assert_allclose(found, rows.expected(family, scale), rtol=SUMS)


@pytest.mark.parametrize("p", [0, 0.5, 2.5, 3])
def test_it_is_undefined_where_statsmodels_has_none(p: float) -> None:
    family = families.Tweedie(var_power=p)
    form = loglike_form(family, unit_var_weights=True)
    assert form is not None
    assert np.isnan(loglike_at(form, 1.0, 2.0, 1.0, 10.0))
    assert np.isnan(family.loglike(np.ones(3), np.ones(3)))


def test_the_rows_are_needed() -> None:
    assert loglike_form(families.Tweedie(var_power=1.5), unit_var_weights=True) is None
    assert loglike_form(families.Gamma(), unit_var_weights=False) is None


@pytest.mark.parametrize("form", ["linear", "dispersion", "gamma"])
def test_a_scale_of_zero_is_no_error(form: str) -> None:
    assert not np.isfinite(loglike_at(form, -10.0, 2.0, 0.0, 5.0))


def test_an_unknown_form_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown form of likelihood: 'poisson'"):
        loglike_at("poisson", 0.0, 0.0, 1.0, 1.0)
