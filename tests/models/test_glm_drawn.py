"""Covariates over many scales: the optimum is found wherever there is one, from every start."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from models.drawn_glms import (
    FAMILIES,
    NONE,
    REFERENCES,
    SEPARATED,
    draw,
    loglike,
    start_of,
)
from statsmodels.tools.sm_exceptions import ConvergenceWarning, DomainWarning
from tolerances import INVARIANT, ITERATED, SUMS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

SEEDS = 24
OPTIMA = json.loads(REFERENCES.read_text())


def fitted(name: str, seed: int, **fit: Any) -> tuple[Any, Any, bool]:
    """A draw, its fit, and whether separation was told."""
    drawn = draw(name, seed)
    source = smo.as_source(drawn.frame, chunk_rows=max(7, len(drawn.frame) // 2))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        res = smof.glm(drawn.formula, source, family=drawn.family).fit(**fit)
    assert not [w for w in caught if w.category is RuntimeWarning]
    said = [str(w.message) for w in caught if w.category is ConvergenceWarning]
    return drawn, res, any("separation" in message for message in said)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("name", FAMILIES)
def test_the_optimum_is_found(name: str, seed: int) -> None:
    best = OPTIMA[name][seed]
    drawn, res, told = fitted(name, seed, **start_of(name, draw(name, seed), seed))
    if best == SEPARATED:
        assert told
        assert not res.converged
        return
    assert not told
    if best != NONE:
        assert res.converged
        assert loglike(name, drawn, np.asarray(res.params)) >= best - ITERATED * abs(best)


POWERS = (-30, 17)


@pytest.mark.parametrize("name", ["logit", "cloglog", "poisson", "gamma log"])
@pytest.mark.parametrize("seed", range(4))
def test_powers_of_two_in_a_column_are_powers_of_two_in_its_parameter(name: str, seed: int) -> None:
    drawn = draw(name, seed)
    columns = [column for column in drawn.frame if column != "y"]
    units = {column: 2.0 ** POWERS[j % 2] for j, column in enumerate(columns)}
    scaled = drawn.frame.assign(**{c: drawn.frame[c] * unit for c, unit in units.items()})
    results = []
    for frame in (drawn.frame, scaled):
        source = smo.as_source(frame, chunk_rows=max(7, len(frame) // 5))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DomainWarning)
            results.append(smof.glm(drawn.formula, source, family=drawn.family).fit())
    one, other = results
    factors = np.array([1.0, *units.values()])
    np.testing.assert_array_equal(one.params, other.params * factors)
    np.testing.assert_array_equal(one.bse, other.bse * factors)
    assert (one.llf, one.deviance) == (other.llf, other.deviance)
    assert [p.name for p in one.passes] == [p.name for p in other.passes]


def test_frequency_weights_over_six_orders_of_magnitude() -> None:
    rng = np.random.default_rng(48)
    n = 200_000
    frame = pd.DataFrame({"x": rng.normal(size=n), "w": 10 ** rng.uniform(0, 6, n)})
    frame["y"] = (rng.uniform(size=n) < 2.4e-4 * np.exp(0.2 * frame["x"])).astype(float)
    source = smo.as_source(frame, chunk_rows=50_000)
    family = sm.families.Binomial()
    res = smof.glm("y ~ x", source, family=family, freq_weights="w").fit()
    theirs = sm.GLM(
        frame["y"], sm.add_constant(frame["x"]), family=family, freq_weights=frame["w"]
    ).fit(tol=1e-13)
    assert res.converged
    np.testing.assert_allclose(res.llf, theirs.llf, rtol=ITERATED)
    np.testing.assert_allclose(res.params, theirs.params, rtol=ITERATED)


def test_a_start_where_the_weights_of_all_rows_vanish_is_left() -> None:
    """Means of zero and one, many of them wrong: a step of length zero is not convergence."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=400)
    frame = pd.DataFrame({"x": x, "y": (x + rng.logistic(size=400) > 0).astype(float)})
    model = smof.glm("y ~ x", smo.as_source(frame, chunk_rows=70), family=sm.families.Binomial())
    res = model.fit(start_params=[0.0, -1e7])
    best = smof.glm("y ~ x", smo.as_source(frame), family=sm.families.Binomial()).fit()
    assert res.converged
    np.testing.assert_allclose(res.llf, best.llf, rtol=INVARIANT)


@pytest.mark.parametrize("seed", range(14))
@pytest.mark.parametrize("name", ["logit", "cloglog"])
def test_no_step_raises_the_deviance(name: str, seed: int) -> None:
    zeros = np.zeros(draw(name, seed).exog.shape[1])
    res = fitted(name, seed, start_params=zeros)[1]
    deviances = np.asarray(res.fit_history["deviance"][1:])
    assert (np.diff(deviances) <= SUMS * deviances[:-1]).all()


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.DomainWarning")
def test_the_steps_of_statsmodels_do_not_crawl_for_ever() -> None:
    """With a log link they need hundreds; after forty, Newton's take over."""
    _, literal, _ = fitted("binomial log", 61, start="statsmodels")
    _, pilot, _ = fitted("binomial log", 61)
    assert literal.converged
    assert literal.fit_history["iteration"] < 60
    np.testing.assert_allclose(literal.llf, pilot.llf, rtol=1e-9)
