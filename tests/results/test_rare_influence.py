"""Influence where digits are rare: rows of leverage one, enormous residuals, perfect fits."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from results.influence_cases import (
    CHUNK,
    DATA,
    agree,
    first_rows,
    in_memory,
    names_of,
    solo,
    streamed,
)
from tolerances import TAILS

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import LeverageWarning


@pytest.mark.parametrize("chunk", [1, CHUNK, 200])
@pytest.mark.parametrize("weights", [None, "w"])
def test_a_row_that_determines_a_coefficient(weights: str | None, chunk: int) -> None:
    data, at = solo(43), 43
    influence = streamed("y ~ a + kind", weights, data, chunk).get_influence()
    with pytest.warns(LeverageWarning, match=r"row \d+ of .* has leverage one: "):
        assert influence.hat_matrix_diag[at] == 1.0
    rest = data.drop(data.index[at])
    without = in_memory("y ~ a + kind", weights, rest)
    for name in ("resid_press", "influence", "resid_studentized", "resid_studentized_external"):
        assert np.isnan(getattr(influence, name)[at])
        assert np.isfinite(np.delete(getattr(influence, name), at)).all()
    for name in ("cooks_distance", "dffits", "dffits_internal"):
        assert np.isnan(getattr(influence, name)[0][at])
    assert (influence.resid[at], influence.resid_var[at]) == (0.0, 0.0)
    assert influence.cov_ratio[at] == influence.hat_diag_factor[at] == np.inf
    assert_allclose(influence.sigma2_not_obsi[at], without.scale, rtol=TAILS)
    # The coefficients that the other rows determine stay what they are.
    names = list(influence.results.model.exog_names)
    known = [names.index(name) for name in without.params.index]
    assert (influence.dfbeta[at][known] == 0).all()
    assert_allclose(influence.params_not_obsi[at][known], without.params, rtol=1e-7)
    own = [i for i in range(len(names)) if i not in known]
    assert np.isnan(influence.dfbeta[at][own]).all()
    assert np.isnan(influence.dfbetas[at][own]).all()


def test_the_warning_names_the_row() -> None:
    influence = streamed("y ~ a + kind", data=solo(43, 10, 80)).get_influence()
    with pytest.warns(LeverageWarning, match=r"^row 3 of DataFrame, rows 7-13 .*\(3 rows do") as c:
        influence.summary_frame()
    assert c[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        influence.summary_frame()
        _ = influence.cooks_distance


def test_the_warning_counts_dropped_rows() -> None:
    data = solo(43)
    data.iloc[42, data.columns.get_loc("a")] = np.nan
    with pytest.warns(LeverageWarning, match=r"^row 1 of DataFrame, rows 42-48 has"):
        streamed("y ~ a + kind", data=data).get_influence().summary_frame()


def test_rows_of_leverage_one_are_no_outliers() -> None:
    data = solo(43, 10)
    with pytest.warns(LeverageWarning):
        table = streamed("y ~ a + kind", data=data).outlier_test(order=True)
    assert table.iloc[-2:].isna().all().all()
    rest = smf.ols("y ~ a + kind", data.drop(data.index[[10, 43]])).fit().outlier_test(order=True)
    pd.testing.assert_frame_equal(table.iloc[:-2], rest, rtol=1e-7)


HIDING = ("far out", "further out", "two rows, of which either hides the other")


def hidden(name: str) -> pd.DataFrame:
    data = DATA.assign(z=0.0)
    if name.startswith("two"):  # the column z is theirs alone
        data.iloc[[10, 60], data.columns.get_loc("z")] = 1.0
        data.iloc[[10, 60], data.columns.get_loc("y")] = [1e8, -1e8]
    else:
        data.iloc[33, data.columns.get_loc("y")] = 1e7 if name == "far out" else -1e11
        data["z"] = np.sin(np.arange(len(data)))
    return data


@pytest.mark.parametrize(("chunk", "weights"), [(1, "w"), (CHUNK, None)])
@pytest.mark.parametrize("name", HIDING)
def test_enormous_residuals_leave_the_digits_of_the_others(
    name: str, weights: str | None, chunk: int
) -> None:
    """What is left of a sum of squares is no difference of large numbers."""
    data, formula = hidden(name), "y ~ a + z + C(g)"
    ours, theirs = streamed(formula, weights, data, chunk), in_memory(formula, weights, data)
    before, found = len(ours.passes), ours.get_influence()
    expected = theirs.get_influence()
    for column in ("sigma2_not_obsi", "resid_studentized_external", "cov_ratio"):
        assert_allclose(getattr(found, column), getattr(expected, column), rtol=1e-7)
    assert_allclose(found.dffits[0], expected.dffits[0], rtol=1e-7)
    agree(found.dfbetas, expected.dfbetas, 1e-7)
    own = ["influence", "rows that hide others", "sums without them", "dfbetas"]
    assert names_of(ours, before) == own
    pd.testing.assert_frame_equal(found.summary_frame(), expected.summary_frame(), rtol=1e-6)
    top = ours.top_influence(3, "student_resid")[expected.summary_frame().columns]
    first = first_rows(expected.summary_frame(), "student_resid", 3)
    # Which of two rows that mirror one another is larger is a matter of the last bit.
    pd.testing.assert_frame_equal(top.sort_index(), first.sort_index(), rtol=1e-6)


@pytest.mark.parametrize("name", HIDING)
def test_enormous_residuals_of_many_rows(name: str) -> None:
    data, formula = hidden(name), "y ~ a + z + C(g)"
    ours, theirs = streamed(formula, None, data), in_memory(formula, None, data)
    before = len(ours.passes)
    with smo.options.set(array_limit=8):
        found = ours.outlier_test("holm", cutoff=0.5)
        lazily = ours.get_influence().resid_studentized_external.compute()
    pd.testing.assert_frame_equal(found, theirs.outlier_test("holm", cutoff=0.5), rtol=1e-6)
    own = ["outlier test", "rows that hide others", "sums without them", "outlier test"]
    assert names_of(ours, before)[:4] == own
    assert_allclose(lazily, theirs.get_influence().resid_studentized_external, rtol=1e-7)


def test_lazy_columns_have_no_digits_that_are_none() -> None:
    lazily = streamed("y ~ a + z", data=hidden("far out")).get_influence().lazy
    found = np.isnan(lazily.resid_studentized_external.compute())
    assert list(np.flatnonzero(found)) == [33]


def test_a_perfect_fit_tells_nothing() -> None:
    data = DATA.assign(y=1 + 2 * DATA["a"])
    influence = streamed("y ~ a", data=data).get_influence()
    assert not np.isinf(influence.resid_studentized_external).any()
    assert (np.abs(influence.resid) < 1e-12).all()


def test_one_row_more_than_columns() -> None:
    data = DATA.iloc[:3]
    influence = streamed("y ~ a", data=data, chunk=1).get_influence()
    assert np.isnan(influence.sigma2_not_obsi).all()
    expected = in_memory("y ~ a", data=data).get_influence()
    agree(influence.cooks_distance, expected.cooks_distance, TAILS)


def test_outliers_of_many_rows_beside_rows_of_leverage_one() -> None:
    data = solo(43, 10)
    rest = smf.ols("y ~ a + kind", data.drop(data.index[[10, 43]])).fit()
    ours = streamed("y ~ a + kind", data=data)
    with smo.options.set(array_limit=8), pytest.warns(LeverageWarning, match="2 rows do"):
        found = ours.outlier_test("holm", cutoff=0.5)
    pd.testing.assert_frame_equal(found, rest.outlier_test("holm", cutoff=0.5), rtol=1e-7)


def test_rows_of_leverage_one_come_first_by_leverage_alone() -> None:
    ours = streamed("y ~ a + kind", data=solo(43))
    with pytest.warns(LeverageWarning, match="row 1 of DataFrame, rows 42-48"):
        found = ours.top_influence(3, "hat_diag")
    assert found.index[0] == DATA.index[43]
    with pytest.warns(LeverageWarning):
        assert DATA.index[43] not in ours.top_influence(100).index
    with pytest.warns(LeverageWarning):
        assert ours.top_influence(200).index[-1] == DATA.index[43]
