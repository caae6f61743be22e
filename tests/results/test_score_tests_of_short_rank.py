"""Score tests of designs and of variables of short rank, against full rank with the same span."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from statsmodels.tools.sm_exceptions import SingularMatrixWarning
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError, EstimabilityWarning

ROWS = 250
EXTRA = np.random.default_rng(1).normal(size=(ROWS, 2))
FULL, SHORT = "y ~ x + a", "y ~ x + a + again"


@cache
def data() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    d = pd.DataFrame({"x": rng.normal(size=ROWS), "a": rng.integers(0, 3, ROWS) * 1.0})
    return d.assign(again=2 * d.x - 1, y=rng.poisson(np.exp(0.3 * d.x + 0.2 * d.a)))


@cache
def model(formula: str, shift: float = 0.0) -> Any:
    d = data().assign(x=data().x + shift)
    source = smo.as_source(d, chunk_rows=37)
    return smof.glm(formula, source, family=sm.families.Poisson())


@cache
def fit(formula: str) -> Any:
    if formula == FULL:
        return model(formula).fit()
    with pytest.warns(SingularMatrixWarning):
        return model(formula).fit()


@pytest.mark.parametrize("cov_type", ["nonrobust", "HC0"])
@pytest.mark.parametrize("formula", [FULL, SHORT])
def test_a_variable_that_adds_nothing_has_no_degree_of_freedom(formula: str, cov_type: str) -> None:
    expected = fit(FULL).score_test(EXTRA, cov_type=cov_type)
    aliased = np.column_stack((EXTRA[:, 0], 3 * data().x + 1, EXTRA[:, 1], EXTRA.sum(1)))
    with pytest.warns(EstimabilityWarning, match=r"2 of 4 columns.* column 1.* 2 degrees"):
        found = fit(formula).score_test(aliased, cov_type=cov_type)
    assert found.k_constraint == expected.k_constraint == 2
    assert_allclose(found.statistic, expected.statistic, rtol=SOLVED)
    assert_allclose(found.pvalue, expected.pvalue, rtol=SOLVED)


@pytest.mark.parametrize("cov_type", ["nonrobust", "HC0"])
def test_a_short_design_does_not_matter(cov_type: str) -> None:
    found, expected = (fit(f).score_test(EXTRA, cov_type=cov_type) for f in (SHORT, FULL))
    assert found.k_constraint == expected.k_constraint
    assert_allclose(found.statistic, expected.statistic, rtol=SOLVED)


def test_the_model_tests_alike() -> None:
    found, expected = (model(f).score_test(fit(f).params, exog_extra=EXTRA) for f in (SHORT, FULL))
    assert found[2] == expected[2] == 2
    assert_allclose(found[0], expected[0], rtol=SOLVED)


def test_a_test_of_nothing_has_no_p_value() -> None:
    with pytest.warns(EstimabilityWarning, match="0 degrees"):
        found = fit(FULL).score_test(data().again)
    assert found.k_constraint == 0
    assert np.isnan(found.pvalue).all()


@pytest.mark.parametrize("cov_type", ["nonrobust", "HC0"])
def test_restrictions_of_a_short_design(cov_type: str) -> None:
    expected = model(FULL).fit_constrained("a = 0").score_test(cov_type=cov_type)
    with pytest.warns(SingularMatrixWarning):
        restricted = model(SHORT).fit_constrained("a = 0")
    assert_allclose(restricted.score_test(cov_type=cov_type), expected, rtol=SOLVED)
    loose = model(SHORT).fit_constrained("a = 0, x = 0.1")  # `again` makes good for x
    with pytest.warns(EstimabilityWarning, match="1 of 2 independent restrictions"):
        found = loose.score_test(cov_type=cov_type)
    assert found.k_constraint == 1
    assert_allclose(found, expected, rtol=SOLVED)


def test_a_design_that_products_cannot_tell_apart_is_refused() -> None:
    far = model(FULL, shift=1e8)
    res = far.fit()
    assert res.params.shape == (3,)
    with pytest.raises(DesignError, match=r"(?s)score test sums products.*subtract the means"):
        res.score_test(EXTRA)
