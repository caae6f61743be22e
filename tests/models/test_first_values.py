"""Expressions of columns that have no value in the first rows: told in one counted read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.design import learning
from statsmodels_ooc.errors import DesignError

ROWS, FIRST = 4_000, 1_999  # the first value stands at the end of a thousand


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    late = np.arange(ROWS) < FIRST
    data = pd.DataFrame(rng.normal(size=(ROWS, 3)), columns=["y", "x", "z"])
    data["z"] = data["z"].mask(late)
    data["g"] = pd.Series(np.array(["a", "b", "c"])[rng.integers(0, 3, ROWS)]).mask(late)
    return data


def read(data: pd.DataFrame, chunk_rows: int) -> list[pd.DataFrame]:
    return [data.iloc[at : at + chunk_rows] for at in range(0, ROWS, chunk_rows)]


CUTS = [997, 1_000, ROWS]


@pytest.mark.parametrize("chunk_rows", CUTS)
@pytest.mark.parametrize("formula", ["y ~ x + np.exp(z)", "y ~ np.exp(x + z) + g.str.upper()"])
def test_they_are_what_the_whole_is(formula, chunk_rows):
    found = smof.ols(formula, read(table(), chunk_rows)).fit().params
    right = smf.ols(formula, table().dropna()).fit().params
    pd.testing.assert_series_equal(found, right, rtol=SOLVED)


@pytest.mark.parametrize("chunk_rows", CUTS)
def test_where_rows_are_looked_at_together_one_value_is_not_enough(chunk_rows):
    def centred(column):
        return column - np.nanmean(column)

    assert centred(table()["z"]).any()
    with pytest.raises(DesignError, match="does not work row by row"):
        smof.ols("y ~ x + centred(z)", read(table(), chunk_rows))


def test_they_are_read_in_one_pass_no_further_than_they_tell():
    with smo.options.set(frame_rows=1_500):
        model = smof.ols("y ~ x + np.exp(z) + g.str.upper()", smo.as_source(table()))
    assert [(record.name, record.rows) for record in model.passes][:1] == [("first values", 3_000)]


def test_a_subset_of_late_rows_is_found_in_a_pass(monkeypatch):
    monkeypatch.setattr(learning, "_PEEKS", 2)
    source = smo.as_source(table(), chunk_rows=500)
    model = smof.ols("y ~ np.exp(z)", source, subset="z == z")
    assert [(record.name, record.rows) for record in model.passes] == [("first rows", 1_001)]
    right = smf.ols("y ~ np.exp(z)", table()).fit().params
    pd.testing.assert_series_equal(model.fit().params, right, rtol=SOLVED)


def test_columns_that_need_no_telling_are_not_read():
    assert smof.ols("y ~ np.exp(x) + z", smo.as_source(table())).passes == []
