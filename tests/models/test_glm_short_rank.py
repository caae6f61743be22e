"""GLMs whose columns follow from one another, whatever their sizes and wherever their zero."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

F, L = sm.families, sm.families.links
ROWS = 400
FAMILIES = {
    "Poisson": F.Poisson(),
    "logit": F.Binomial(),
    "probit": F.Binomial(L.Probit()),
    "gamma": F.Gamma(L.Log()),
    "Gaussian": F.Gaussian(),
}


def responses(name: str, a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if name == "Poisson":
        return rng.poisson(1 + a).astype(float)
    if name == "gamma":
        return rng.gamma(2, 1 + a)
    if name == "Gaussian":
        return rng.normal(size=len(a)) + a
    return (rng.random(len(a)) < 0.1 + 0.08 * a).astype(float)


def fits(name: str, frame: pd.DataFrame, full: str, more: str) -> tuple[Any, Any]:
    """Fits of independent columns, and of these and one more."""
    source = smo.as_source(frame, chunk_rows=130)
    expected = smof.glm(full, source, family=FAMILIES[name]).fit()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = smof.glm(f"{full} + {more}", source, family=FAMILIES[name]).fit()
    assert [w.category for w in caught] == [SingularMatrixWarning]
    return found, expected


def agree(found: Any, expected: Any) -> None:
    assert found.converged
    assert expected.converged
    np.testing.assert_allclose(found.llf, expected.llf, rtol=1e-9)
    assert found.df_model == expected.df_model


@pytest.mark.parametrize("size", [1e2, 1e5, 1e8])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_total_of_columns_of_different_sizes(name: str, size: float) -> None:
    """It ended as not converged, with weights that were said to have vanished."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        a = rng.integers(0, 10, ROWS).astype(float)
        b = np.round(rng.uniform(0.5, 1.5, ROWS) * size)
        frame = pd.DataFrame({"a": a, "b": b, "t": a + b, "y": responses(name, a, rng)})
        agree(*fits(name, frame, "y ~ a + b", "t"))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_column_twice_far_from_zero(name: str) -> None:
    """The shortest parameters cancel there: the likelihood exceeded its own maximum."""
    rng = np.random.default_rng(3)
    a = rng.integers(0, 10, ROWS).astype(float)
    frame = pd.DataFrame({"a": 1e6 + a, "twice": 2e6 + 2 * a + 3, "y": responses(name, a, rng)})
    found, expected = fits(name, frame, "y ~ a", "twice")
    agree(found, expected)
    slope = found.params["a"] + 2 * found.params["twice"]
    np.testing.assert_allclose(slope, expected.params["a"], rtol=1e-6)


# --- far starts

STARTS = [-40.0, -12.0, 12.0, 40.0, 200.0]
FAR = {
    "Poisson": F.Poisson(),
    "gamma": F.Gamma(L.Log()),
    "inverse Gaussian": F.InverseGaussian(L.Log()),
    "negative binomial": F.NegativeBinomial(alpha=1.0),
    "Tweedie": F.Tweedie(L.Log(), 1.5),
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("name", FAR)
def test_starts_far_from_the_optimum(name: str, start: float) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=60), "y": rng.poisson(3, 60) + 1.0})
    model = smof.glm("y ~ x", smo.as_source(frame, chunk_rows=20), family=FAR[name])
    found, expected = model.fit(start_params=[start, 0.0]), model.fit()
    assert found.converged
    np.testing.assert_allclose(found.params, expected.params, rtol=1e-7)
