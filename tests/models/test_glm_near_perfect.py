"""Responses that are nearly, or wholly, a function of the regressors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

F, L = sm.families, sm.families.links
MOST = 10  # passes
EXP, LOGIT = np.exp, lambda eta: 1 / (1 + np.exp(-eta))
CASES: dict[str, tuple[Any, Any, float]] = {
    # family, inverse link, what is added to the linear predictor
    "poisson": (F.Poisson(), EXP, 0.0),
    "large counts": (F.Poisson(), EXP, 9.0),
    "gamma": (F.Gamma(L.Log()), EXP, 0.0),
    "large gamma": (F.Gamma(L.Log()), EXP, 9.0),
    "gamma inverse": (F.Gamma(), lambda eta: 1 / eta, 2.0),
    "gaussian": (F.Gaussian(), lambda eta: eta, 0.0),
    "gaussian log": (F.Gaussian(L.Log()), EXP, 0.0),
    "proportions": (F.Binomial(), LOGIT, 0.0),
    "proportions cloglog": (F.Binomial(L.CLogLog()), lambda eta: -np.expm1(-np.exp(eta)), 0.0),
    "negative binomial": (F.NegativeBinomial(alpha=0.5), EXP, 0.0),
    "inverse gaussian": (F.InverseGaussian(L.Log()), EXP, 0.0),
    "tweedie": (F.Tweedie(L.Log(), var_power=1.5), EXP, 3.0),
}


@pytest.mark.parametrize("start", ["pilot", "statsmodels"])
@pytest.mark.parametrize("noise", [1e-3, 1e-5, 1e-7, 1e-9, 1e-12, 0.0])
@pytest.mark.parametrize("name", CASES)
def test_few_passes_find_the_parameters(name: str, noise: float, start: str) -> None:
    family, inverse, shift = CASES[name]
    rng = np.random.default_rng(5)
    n = 600
    x, z = rng.normal(size=n), rng.uniform(size=n)
    mean = inverse(shift + 0.5 + 0.3 * x - 0.4 * z)
    y = mean * (1 + noise * np.clip(rng.normal(size=n), -3, 3))
    source = smo.as_source(pd.DataFrame({"y": y, "x": x, "z": z}), chunk_rows=200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", PerfectSeparationWarning)  # a perfect fit is told so
        warnings.simplefilter("ignore", sm.tools.sm_exceptions.DomainWarning)
        res = smof.glm("y ~ x + z", source, family=family).fit(start=start)
    assert res.converged
    assert sum(record.name == "fit" for record in res.passes) <= MOST
    assert res.separation is None
    # What the noise leaves of the parameters, and what rounding leaves of the responses.
    reached = 20 * (noise / np.sqrt(n) + 1e-13) * max(1.0, shift)
    np.testing.assert_allclose(res.params, [shift + 0.5, 0.3, -0.4], rtol=0, atol=reached)


def test_a_perfect_fit_is_told() -> None:
    x = np.linspace(-1, 1, 60)
    source = smo.as_source(pd.DataFrame({"y": np.exp(0.3 + x), "x": x}), chunk_rows=7)
    with pytest.warns(PerfectSeparationWarning, match="Perfect separation or prediction"):
        res = smof.glm("y ~ x", source, family=F.Gamma(L.Log())).fit()
    assert res.converged
