"""Functions that only the thread of their connection can read."""

from __future__ import annotations

import sqlite3

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from tolerances import ITERATED, SOLVED

import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.sources.iterables import IterableSource, from_iterable

FORMULA = "y ~ x + g + standardize(z)"


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(400, 2)), columns=["x", "z"])
    table["g"] = rng.choice(["a", "b"], 400)
    table["y"] = (table["x"] + rng.logistic(size=400) > 0).astype(int)
    return table


@pytest.fixture
def query(table):
    connection = sqlite3.connect(":memory:")
    table.to_sql("t", connection, index=False)
    yield lambda: pd.read_sql("select y, x, z, g from t", connection, chunksize=90)
    connection.close()


def test_a_query_over_sqlite_is_fitted(query, table):
    expected = smf.ols(FORMULA, table).fit()
    found = smof.ols(FORMULA, query).fit()
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)
    pd.testing.assert_series_equal(found.bse, expected.bse, rtol=SOLVED)
    # lazy answers read in dask's threads, whoever asks
    np.testing.assert_allclose(found.resid, expected.resid, rtol=SOLVED, atol=1e-14)


def test_so_is_a_logit(query, table):
    expected = smf.glm(FORMULA, table, family=sm.families.Binomial()).fit()
    found = smof.glm(FORMULA, query, family=sm.families.Binomial()).fit()
    pd.testing.assert_series_equal(found.params, expected.params, rtol=ITERATED)


def test_what_every_thread_can_read_is_not_copied():
    assert isinstance(from_iterable(lambda: iter([pd.DataFrame({"y": [1.0]})])), IterableSource)


def test_an_error_of_the_function_is_its_own():
    def broken():
        raise ZeroDivisionError("of the function")

    with pytest.raises(ZeroDivisionError, match="of the function"):
        from_iterable(broken)


def test_the_same_closed_reader_at_every_call_is_named(tmp_path):
    pd.DataFrame({"y": [1.0, 2.0], "x": [0.0, 1.0]}).to_csv(tmp_path / "t.csv", index=False)
    with pd.read_csv(tmp_path / "t.csv", chunksize=1) as reader:
        source = from_iterable(lambda: reader)
        with pytest.raises(SourceChangedError, match="same iterator at every call"):
            list(source.frames())
