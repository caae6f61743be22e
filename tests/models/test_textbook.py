"""The textbook regression of weekly expenditure on income."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from tolerances import EXACT, SUMS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

INCOME = np.arange(80.0, 261.0, 20.0)
EXPENDITURE = np.array([65.0, 70, 84, 80, 118, 130, 144, 137, 191, 150])
N = len(INCOME)

DEVIATIONS = INCOME - INCOME.mean()
SLOPE = DEVIATIONS @ EXPENDITURE / (DEVIATIONS @ DEVIATIONS)
INTERCEPT = EXPENDITURE.mean() - SLOPE * INCOME.mean()
SSR = ((EXPENDITURE - INTERCEPT - SLOPE * INCOME) ** 2).sum()
SE_SLOPE = np.sqrt(SSR / (N - 2) / (DEVIATIONS @ DEVIATIONS))
SE_INTERCEPT = SE_SLOPE * np.sqrt((INCOME @ INCOME) / N)


@pytest.fixture(params=[1, 3, 10])
def res(request: pytest.FixtureRequest) -> Any:
    frame = pd.DataFrame({"income": INCOME, "expenditure": EXPENDITURE})
    return smof.ols("expenditure ~ income", smo.as_source(frame, chunk_rows=request.param)).fit()


def test_coefficients(res: Any) -> None:
    assert_allclose(res.params, [9.696969696969703, 0.6306060606060606], rtol=10 * EXACT)


def test_standard_errors(res: Any) -> None:
    assert_allclose(res.bse, [SE_INTERCEPT, SE_SLOPE], rtol=SUMS)


def test_r_squared(res: Any) -> None:
    assert_allclose(res.rsquared, np.corrcoef(INCOME, EXPENDITURE)[0, 1] ** 2, rtol=SUMS)


def test_t_tests(res: Any) -> None:
    assert_allclose(res.tvalues, [INTERCEPT / SE_INTERCEPT, SLOPE / SE_SLOPE], rtol=SUMS)


def test_p_values(res: Any) -> None:
    assert_allclose(res.pvalues["income"], 2 * stats.t.sf(SLOPE / SE_SLOPE, N - 2), rtol=SUMS)


def test_intervals(res: Any) -> None:
    reach = stats.t.ppf(0.975, N - 2) * SE_SLOPE
    assert_allclose(res.conf_int().loc["income"], [SLOPE - reach, SLOPE + reach], rtol=SUMS)


def test_maximum_likelihood_estimate_of_the_variance(res: Any) -> None:
    assert_allclose(res.ssr / res.nobs, SSR / N, rtol=SUMS)
    # The likelihood has its maximum there.
    sigma2 = SSR / N
    higher = res.model.loglike(res.params, scale=sigma2)
    assert_allclose(higher, res.llf, rtol=SUMS)
    assert higher > max(
        res.model.loglike(res.params, scale=s) for s in (0.99 * sigma2, 1.01 * sigma2)
    )


def test_unbiased_estimate_of_the_variance(res: Any) -> None:
    assert_allclose(res.scale, SSR / (N - 2), rtol=SUMS)
