"""Predictions of models without a formula: columns by name, or by their order."""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from results.predicted import COMPLETE, FRAME, NEW, X, arrays, fits, same
from tolerances import ITERATED, SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import ColumnNotFoundError, DesignError

X_NEW = sm.add_constant(NEW[["x", "z"]])


def test_dask_arrays_of_designs() -> None:
    ours, theirs = arrays()
    lazy, offset = da.from_array(X_NEW.to_numpy(), (5, -1)), NEW["w"].to_numpy()
    for asked in ({}, {"offset": offset}, {"offset": 1.0}):
        expected = theirs.predict(X_NEW.to_numpy(), **asked)
        assert_allclose(ours.predict(lazy, **asked), expected, rtol=ITERATED)
    found, expected = ours.get_prediction(lazy), theirs.get_prediction(X_NEW.to_numpy())
    assert_allclose(found.summary_frame(), expected.summary_frame(), rtol=ITERATED)
    assert found.row_labels is None


def test_dask_frames_of_designs() -> None:
    collection = dd.from_pandas(FRAME.assign(const=1.0), npartitions=3)
    ours = smo.OLS(collection["y"], collection[["const", "x", "z"]]).fit()
    theirs = sm.OLS(FRAME["y"], X).fit()
    for names in (["const", "x", "z"], ["z", "const", "x"]):  # columns go by their names
        new = dd.from_pandas(X_NEW[names], npartitions=2, sort=False)
        same(ours.predict(new), theirs.predict(X_NEW), TAILS)
    new = dd.from_pandas(X_NEW.set_axis(list("pqr"), axis=1), npartitions=2, sort=False)
    same(ours.predict(new), theirs.predict(X_NEW), TAILS)
    with pytest.raises(DesignError, match="2 columns where the design has 3"):
        ours.predict(dd.from_pandas(X_NEW[["x", "z"]], npartitions=2, sort=False))


def test_a_design_in_place_of_the_variables_of_a_formula() -> None:
    ours, theirs = smof.ols("y ~ x", smo.as_source(FRAME)).fit(), smf.ols("y ~ x", FRAME).fit()
    x = X_NEW[["const", "x"]].to_numpy()
    expected = theirs.predict(x, transform=False)
    assert_allclose(ours.predict(da.from_array(x, (4, 2)), transform=False), expected, rtol=TAILS)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
@pytest.mark.parametrize("more", [[], ["x3", "x4"]])
def test_new_data_of_arrays_go_by_the_names_that_are_shown(
    order: list[int], more: list[str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack((np.ones(40), rng.normal(size=(40, 2))))
    y = x @ [1.0, 2.0, -3.0] + rng.normal(size=40)
    res = smo.OLS(da.from_array(y, chunks=7), da.from_array(x, chunks=(7, 3))).fit()
    new = pd.DataFrame(x[:5], columns=["const", "x1", "x2"]).iloc[:, order]
    for name in more:
        new[name] = 100.0
    expected = sm.OLS(y, x).fit().predict(x[:5])
    new.to_parquet(tmp_path / "new.parquet")
    for data in (tmp_path / "new.parquet", dd.from_pandas(new, npartitions=2)):
        assert_allclose(res.predict(data), expected, rtol=SOLVED)
        res.write_rows(tmp_path / "rows.csv", "mean", data=data, overwrite=True)
        assert_allclose(pd.read_csv(tmp_path / "rows.csv")["mean"], expected, rtol=SOLVED)
    with pytest.raises(ColumnNotFoundError, match="arrays have no names"):
        res.write_rows(tmp_path / "kept.csv", "resid", keep=["x1"])


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_tables_in_memory_are_sources(kind: str) -> None:
    make = {"polars": polars.from_pandas, "pyarrow": pa.Table.from_pandas}[kind]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 2)), columns=["x", "z"])
    y = pd.Series(frame["x"] - 3 * frame["z"] + rng.normal(size=40), name="y")
    res = smo.OLS(dd.from_pandas(y, npartitions=3), dd.from_pandas(frame, npartitions=3)).fit()
    expected = res.predict(dd.from_pandas(frame[:5], npartitions=1))
    assert_allclose(res.predict(make(frame[["z", "x"]][:5])), expected, rtol=SOLVED)
    glm, in_memory = fits("glm")
    found = glm.get_prediction(make(COMPLETE), exposure="t").summary_frame()
    values = in_memory.get_prediction(COMPLETE, exposure=COMPLETE["t"]).summary_frame()
    assert_allclose(found, values, rtol=TAILS)
