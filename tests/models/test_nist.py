"""NIST's certified regressions in 3-row chunks, digit by digit against statsmodels."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import dask.array as da
import numpy as np
import pytest
import statsmodels.api as sm
from models.nist import PROBLEMS, solve_exactly
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

import statsmodels_ooc.api as smo

SHORTFALL = 0.5  # digits that the order of the sums may cost


def digits(found: Any, certified: Any) -> float:
    """Log relative error of the worst entry, absolute where zero is certified."""
    found, certified = np.asarray(found, dtype=float), np.asarray(certified)
    error = np.abs(found - certified) / np.where(certified == 0, 1.0, np.abs(certified))
    return float(-np.log10(max(error.max(), 1e-15)))


@cache
def ours(name: str, rows: int, method: str = "pinv") -> Any:
    problem = PROBLEMS[name]
    y, x = np.array(problem.endog, dtype=float), np.array(problem.exog, dtype=float)
    return smo.OLS(da.from_array(y, rows), da.from_array(x, (rows, -1))).fit(method=method)


@cache
def theirs(name: str) -> list[Any]:
    """In memory, as far as they are of full rank."""
    problem = PROBLEMS[name]
    y, x = np.array(problem.endog, dtype=float), np.array(problem.exog, dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularMatrixWarning)
        results = [sm.OLS(y, x).fit(method=method) for method in ("pinv", "qr")]
    return [found for found in results if np.isfinite(found.bse).all()]


@pytest.mark.parametrize("what", ["params", "bse"])
@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "Filip"])
def test_digits(name: str, what: str) -> None:
    certified = getattr(PROBLEMS[name], what)
    best = max(digits(getattr(results, what), certified) for results in theirs(name))
    assert digits(getattr(ours(name, 3), what), certified) >= best - SHORTFALL


@pytest.mark.parametrize("what", ["params", "bse"])
@pytest.mark.parametrize("method", ["pinv", "qr"])
@pytest.mark.parametrize("rows", [3, 7, 100])
def test_filip_has_the_digits_that_its_condition_number_leaves(
    rows: int, method: str, what: str
) -> None:
    # Columns of one length have a condition number of 5e9: 15.7 - 9.7 digits, and luck.
    found = getattr(ours("Filip", rows, method), what)
    assert digits(found, getattr(PROBLEMS["Filip"], what)) >= 6.5


@pytest.mark.parametrize("name", PROBLEMS)
def test_certified_values_are_those_of_the_data(name: str) -> None:
    params, bse = solve_exactly(PROBLEMS[name])
    assert digits(params, PROBLEMS[name].params) > 14
    assert digits(bse, PROBLEMS[name].bse) > 14


@pytest.mark.parametrize("name", PROBLEMS)
def test_no_singular_value_is_dropped(name: str) -> None:
    assert ours(name, 3).model.rank == len(PROBLEMS[name].params)
