"""An auxiliary regression from its factor, against statsmodels' of the rows."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from tolerances import SOLVED

from statsmodels_ooc.reductions.least_squares import triangularize
from statsmodels_ooc.reductions.recursive import predicted
from statsmodels_ooc.solvers.auxiliary import has_constant_column, ratio, regress

RNG = np.random.default_rng(5)
N = 60
X = RNG.normal(size=(N, 3))
Y = X @ [1.0, 0.0, 0.2] + RNG.normal(size=N) + 2
DUMMIES = np.eye(3)[RNG.integers(0, 3, N)]
DESIGNS = {
    "constant": sm.add_constant(X),
    "constant last": np.column_stack((X, np.full(N, 3.0))),
    "none": X,
    "implicit": np.column_stack((DUMMIES, X[:, 0])),
}


def factor(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return triangularize(np.column_stack((np.ones(len(y)), x, y)))


@pytest.mark.parametrize("name", DESIGNS)
def test_a_regression_is_statsmodels(name: str) -> None:
    x = DESIGNS[name]
    ours, theirs = regress(factor(x, Y), N), sm.OLS(Y, x).fit()
    for member in ("params", "bse", "tvalues", "pvalues", "ssr", "ess", "rsquared", "fvalue"):
        found, wanted = getattr(ours, member), getattr(theirs, member)
        np.testing.assert_allclose(found, wanted, rtol=SOLVED, err_msg=member)
    np.testing.assert_allclose(ours.f_pvalue, theirs.f_pvalue, rtol=SOLVED)
    assert (ours.df_model, ours.df_resid) == (theirs.df_model, theirs.df_resid)
    tested = theirs.f_test(np.eye(x.shape[1])[1:3])
    f, df = ours.f_test((1, 2))
    np.testing.assert_allclose(f, tested.fvalue, rtol=SOLVED)
    assert df == tested.df_num


def test_columns_that_follow_from_others_do_not_count() -> None:
    x = np.column_stack((DESIGNS["constant"], X[:, 0] + X[:, 1], np.zeros(N)))
    short, full = regress(factor(x, Y), N), regress(factor(DESIGNS["constant"], Y), N)
    assert (short.df_model, short.df_resid) == (full.df_model, full.df_resid)
    np.testing.assert_allclose(short.rsquared, full.rsquared, rtol=SOLVED)
    assert short.f_test((4, 5)) == (pytest.approx(np.nan, nan_ok=True), 0)


def test_constant_columns() -> None:
    assert has_constant_column(np.triu([[2.0, 2.0, 1.0], [0, 0, 1], [0, 0, 1]]))
    assert not has_constant_column(np.triu([[2.0, 0.0, 1.0], [0, 0, 1], [0, 0, 1]]))
    assert not has_constant_column(np.triu([[2.0, 2.0, 1.0], [0, 1, 1], [0, 0, 1]]))


def test_a_quotient_by_zero_is_no_error() -> None:
    assert ratio(1.0, 0.0) == np.inf
    assert np.isnan(ratio(0.0, 0.0))


def test_predictions_one_by_one() -> None:
    rows = np.column_stack((X, Y))
    found = predicted(triangularize(rows[:10]), rows[10:])
    for t in range(10, N):
        gram = np.linalg.inv(X[:t].T @ X[:t])
        error = Y[t] - X[t] @ (gram @ (X[:t].T @ Y[:t]))
        wanted = error / np.sqrt(1 + X[t] @ gram @ X[t])
        np.testing.assert_allclose(found[t - 10], wanted, rtol=SOLVED)
