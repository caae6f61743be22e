"""The log-likelihood of models whose scale is tiny, where the means are the responses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from families.exact_gamma import lgamma
from numpy.testing import assert_allclose
from tolerances import SUMS

import statsmodels_ooc.api as smo

pytestmark = pytest.mark.filterwarnings(
    "ignore:The InversePower link:statsmodels.tools.sm_exceptions.DomainWarning"
)

ROWS = 40
SCALES = [1e-14, 1e-9, 1e-3, 1.0]


def model_of(family: Any, weighted: bool) -> Any:
    """Responses of two: the mean at a parameter of one half, through the inverse link."""
    frame = pd.DataFrame({"y": np.full(ROWS, 2.0), "w": np.arange(1.0, ROWS + 1)})
    weights = {"var_weights": "w"} if weighted else {}
    return smo.GLM.from_formula("y ~ 1", smo.as_source(frame), family=family, **weights)


def gamma_loglike(weighted: bool, scale: float) -> float:
    total = Decimal(0)
    for i in range(ROWS):
        shape = Decimal(i + 1 if weighted else 1) / Decimal(scale)
        total += shape * shape.ln() - shape - lgamma(shape) - Decimal(2).ln()
    return float(total)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("weighted", [False, True])
def test_gamma(weighted: bool, scale: float) -> None:
    model, expected = model_of(sm.families.Gamma(), weighted), gamma_loglike(weighted, scale)
    assert_allclose(model.loglike(np.array([0.5]), scale), expected, rtol=SUMS)
    assert_allclose(model.loglike_mu(np.full(ROWS, 2.0), scale), expected, rtol=SUMS)


@pytest.mark.parametrize("scale", [1e-14, 1e-9, 1e-3])
@pytest.mark.parametrize("weighted", [False, True])
def test_tweedie(weighted: bool, scale: float) -> None:
    """Next to the saddlepoint: the next term is a tenth of the relative variance."""
    power = 1.5
    family = sm.families.Tweedie(sm.families.links.InversePower(), var_power=power)
    model = model_of(family, weighted)
    w = np.arange(1.0, ROWS + 1) if weighted else np.ones(ROWS)
    expected = -np.log(2 * np.pi * scale / w * 2**power).sum() / 2
    found = model.loglike(np.array([0.5]), scale)
    assert_allclose(found, expected, rtol=max(SUMS, scale / 10))
    assert_allclose(model.loglike_mu(np.full(ROWS, 2.0), scale), found, rtol=SUMS)
