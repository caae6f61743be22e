"""Robust standard errors do not depend on where a column has its zero."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

F = sm.families
ROWS = 200
EPS = float(np.finfo(float).eps)
FAR = [1e3, 1e6, 1e8, 1e10]
FAMILIES = {
    "Poisson": (F.Poisson, "n"),
    "negative binomial": (lambda: F.NegativeBinomial(alpha=0.5), "n"),
    "Gaussian, log": (lambda: F.Gaussian(F.links.Log()), "I(n + 1)"),
    "probit": (lambda: F.Binomial(F.links.Probit()), "I(1 * (n > 0))"),
}


@cache
def data() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.integers(-50, 50, ROWS).astype(float)
    frame = pd.DataFrame(
        {"x": x, "w": rng.uniform(0.5, 2, ROWS), "g": rng.choice(list("ab"), ROWS)}
    )
    frame["y"] = rng.normal(size=ROWS) * (1 + np.abs(x) / 20) + 0.01 * x
    frame["n"] = rng.poisson(np.exp(0.01 * x))
    return frame


def moved(by: float) -> Any:
    return smo.as_source(data().assign(x=data().x + by), chunk_rows=37)


def close(by: float) -> float:
    """What rounding the column itself leaves of the digits."""
    return 100 * EPS * max(1.0, by)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
@pytest.mark.parametrize("by", FAR)
@pytest.mark.parametrize("formula", ["y ~ x", "y ~ 0 + g + x", "y ~ x * g"])
def test_of_linear_models(formula: str, by: float, kind: str) -> None:
    ours = smof.ols(formula, moved(by)).fit(cov_type=kind)
    theirs = smf.ols(formula, data()).fit(cov_type=kind)
    assert_allclose(ours.bse["x"], theirs.bse["x"], rtol=close(by))


@pytest.mark.parametrize("by", FAR)
def test_with_weights(by: float) -> None:
    ours = smof.wls("y ~ x", moved(by), weights="w").fit(cov_type="HC3")
    theirs = smf.wls("y ~ x", data(), weights=data().w).fit(cov_type="HC3")
    assert_allclose(ours.bse["x"], theirs.bse["x"], rtol=close(by))


@pytest.mark.parametrize("by", FAR)
@pytest.mark.parametrize("name", FAMILIES)
def test_of_generalised_linear_models(name: str, by: float) -> None:
    family, y = FAMILIES[name]
    ours = smof.glm(f"{y} ~ x", moved(by), family=family()).fit(cov_type="HC0")
    theirs = smf.glm(f"{y} ~ x", data(), family=family())
    theirs = theirs.fit(cov_type="HC0", tol_criterion="params", tol=1e-12, rtol=1e-12)
    assert_allclose(ours.bse["x"], theirs.bse["x"], rtol=1e-8 + close(by))


@pytest.mark.parametrize("by", FAR)
def test_under_constraints(by: float) -> None:
    family = F.NegativeBinomial(alpha=0.5)
    ours, near = (
        smof.glm("n ~ x + g", moved(at), family=family).fit_constrained(
            "g[T.b] = 0.1", cov_type="HC0"
        )
        for at in (by, 0.0)
    )
    assert_allclose(ours.bse["x"], near.bse["x"], rtol=1e-8 + close(by))


@pytest.mark.parametrize("by", FAR[:2])  # beyond, gradients are too steep for an optimizer
@pytest.mark.parametrize("name", ["negative binomial", "probit"])
def test_standard_errors_after_other_optimizers(name: str, by: float) -> None:
    family, y = FAMILIES[name]
    model = smof.glm(f"{y} ~ x", moved(by), family=family())
    start = np.asarray(model.fit().params)
    found = model.fit(method="bfgs", start_params=start, disp=False)
    theirs = smf.glm(f"{y} ~ x", data(), family=family()).fit(method="newton", disp=False)
    assert_allclose(found.bse["x"], theirs.bse["x"], rtol=1e-6 + close(by))


@pytest.mark.parametrize("by", [1e6, 1e9])
def test_the_score_test_of_a_larger_model(by: float) -> None:
    ours, near = (
        smof.ols("y ~ x + g", moved(at))
        .fit(cov_type="HC0")
        .compare_lm_test(smof.ols("y ~ x", moved(at)).fit())
        for at in (by, 0.0)
    )
    assert_allclose(ours, near, rtol=1e-9 + close(by))
