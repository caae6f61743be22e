"""HC1 to HC3 of a generalised linear model: what they are, and what they are elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import CovarianceWarning, LeverageWarning, OptionError

N = 90
KINDS = ["HC1", "HC2", "HC3"]


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    x = rng.normal(size=N)
    return pd.DataFrame(
        {
            "x": x,
            "g": rng.choice(["a", "b", "c"], N),
            "count": rng.poisson(np.exp(0.3 + 0.5 * x)),
            "hit": (x + rng.normal(size=N) > 0).astype(int),
            "amount": rng.gamma(2.0, np.exp(0.3 * x)),
            "y": x + rng.normal(size=N),
            "f": 1 + np.arange(N) % 3,
            "v": rng.uniform(0.5, 2.0, N),
        }
    )


FRAME = make_frame()
CASES: dict[str, tuple[str, Any]] = {
    "Poisson": ("count", sm.families.Poisson()),
    "logit": ("hit", sm.families.Binomial()),
    "probit": ("hit", sm.families.Binomial(sm.families.links.Probit())),
    "gamma": ("amount", sm.families.Gamma(sm.families.links.Log())),
}


def by_rows(res: Any, kind: str) -> np.ndarray:
    """The sandwich, from the rows of a fit in memory."""
    model, x = res.model, res.model.exog
    scores = model.score_factor(res.params, scale=1.0)
    observed = np.linalg.inv(-model.hessian(res.params, scale=1.0))
    weights = model.hessian_factor(res.params, scale=1.0, observed=False)
    expected = np.linalg.inv(x.T @ (x * weights[:, None]))
    h = weights * ((x @ expected) * x).sum(axis=1)
    factor = {"HC1": N / (N - x.shape[1]), "HC2": 1 / (1 - h), "HC3": 1 / (1 - h) ** 2}[kind]
    meat = x.T @ (x * (scores**2 * factor)[:, None])
    return observed @ meat @ observed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("weights", [None, "v"])
def test_corrected(case: str, kind: str, weights: str | None) -> None:
    y, family = CASES[case]
    formula, more = f"{y} ~ x + g", {} if weights is None else {"var_weights": FRAME[weights]}
    theirs = smf.glm(formula, FRAME, family=family, **more).fit(tol=1e-14)
    named = {} if weights is None else {"var_weights": weights}
    model = smof.glm(formula, smo.as_source(FRAME, chunk_rows=7), family=family, **named)
    found = model.fit(cov_type=kind, cov_kwds={"corrected": True}, tol=1e-14)
    assert_allclose(found.cov_params(), by_rows(theirs, kind), rtol=1e-7)
    assert found.cov_kwds["corrected"]
    assert [record.name for record in found.passes][-1] == "robust covariance"


@pytest.mark.parametrize("kind", KINDS)
def test_a_frequency_counts_as_so_many_rows(kind: str) -> None:
    repeated = FRAME.loc[FRAME.index.repeat(FRAME["f"])]
    family = sm.families.Poisson()
    once = smof.glm(
        "count ~ x", smo.as_source(FRAME, chunk_rows=7), family=family, freq_weights="f"
    )
    each = smof.glm("count ~ x", smo.as_source(repeated, chunk_rows=7), family=family)
    pair = [m.fit(cov_type=kind, cov_kwds={"corrected": True}, tol=1e-14) for m in (once, each)]
    assert_allclose(pair[0].bse, pair[1].bse, rtol=1e-8)


@pytest.mark.parametrize("kind", ["HC0", *KINDS])
def test_of_a_gaussian_they_are_those_of_least_squares(kind: str) -> None:
    data = smo.as_source(FRAME, chunk_rows=7)
    ours = smof.glm("y ~ x + g", data).fit(cov_type=kind, cov_kwds={"corrected": True})
    assert_allclose(ours.bse, smof.ols("y ~ x + g", data).fit(cov_type=kind).bse, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_keyword_they_are_hc0_and_say_so(kind: str) -> None:
    model = smof.glm("count ~ x", smo.as_source(FRAME, chunk_rows=7), family=sm.families.Poisson())
    with pytest.warns(CovarianceWarning, match=rf"{kind} of a GLM is HC0.*corrected"):
        found = model.fit(cov_type=kind)
    theirs = smf.glm("count ~ x", FRAME, family=sm.families.Poisson()).fit(cov_type=kind)
    assert_allclose(found.bse, theirs.bse, rtol=1e-7)
    with pytest.raises(OptionError, match="has corrected"):
        model.fit(cov_type=kind, cov_kwds={"correct": True})


def test_a_row_of_leverage_one_is_left_out() -> None:
    frame = FRAME.assign(only=(FRAME.index == 33) * 1.0)
    family = sm.families.Poisson()
    model = smof.glm("count ~ x + only", smo.as_source(frame, chunk_rows=7), family=family)
    with pytest.warns(LeverageWarning, match=r"row 5 of DataFrame, rows 28-34 .*'only'"):
        found = model.fit(cov_type="HC3", cov_kwds={"corrected": True}, tol=1e-14)
    others = smof.glm(
        "count ~ x", smo.as_source(FRAME.drop(index=33), chunk_rows=7), family=family
    ).fit(cov_type="HC3", cov_kwds={"corrected": True}, tol=1e-14)
    assert_allclose(found.bse.iloc[:2], others.bse, rtol=1e-7)
