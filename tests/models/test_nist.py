"""NIST's certified regressions in 3-row chunks, digit by digit against statsmodels."""

from __future__ import annotations

from functools import cache
from typing import Any

import dask.array as da
import numpy as np
import pytest
import statsmodels.api as sm
from models.nist import PROBLEMS, solve_exactly

import statsmodels_ooc.api as smo

SHORTFALL = 0.5  # digits that the order of the sums may cost


def digits(found: Any, certified: Any) -> float:
    """Log relative error of the worst entry, absolute where zero is certified."""
    found, certified = np.asarray(found, dtype=float), np.asarray(certified)
    error = np.abs(found - certified) / np.where(certified == 0, 1.0, np.abs(certified))
    return float(-np.log10(max(error.max(), 1e-15)))


@cache
def fits(name: str) -> tuple[Any, list[Any]]:
    problem = PROBLEMS[name]
    y, x = np.array(problem.endog, dtype=float), np.array(problem.exog, dtype=float)
    ours = smo.OLS(da.from_array(y, 3), da.from_array(x, (3, -1))).fit()
    return ours, [sm.OLS(y, x).fit(method=method) for method in ("pinv", "qr")]


@pytest.mark.parametrize("what", ["params", "bse"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_digits(name: str, what: str) -> None:
    ours, theirs = fits(name)
    certified = getattr(PROBLEMS[name], what)
    best = max(digits(getattr(results, what), certified) for results in theirs)
    assert digits(getattr(ours, what), certified) >= best - SHORTFALL


@pytest.mark.parametrize("name", PROBLEMS)
def test_certified_values_are_those_of_the_data(name: str) -> None:
    params, bse = solve_exactly(PROBLEMS[name])
    assert digits(params, PROBLEMS[name].params) > 14
    assert digits(bse, PROBLEMS[name].bse) > 14


@pytest.mark.parametrize("name", PROBLEMS)
def test_no_singular_value_is_dropped(name: str) -> None:
    ours, theirs = fits(name)
    assert ours.model.rank == theirs[0].model.rank == len(PROBLEMS[name].params)
