"""Row-level answers: right, lazy where they are large, and then no NumPy by accident."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from models.pairs import CHUNK, FRAME, MAKERS, Pair, make_pair
from numpy.testing import assert_allclose
from tolerances import SOLVED, SUMS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import RowArray
from statsmodels_ooc.errors import MemoryLimitError

ROWS: dict[str, Callable[[Any], Any]] = {
    "resid": lambda r: r.resid,
    "wresid": lambda r: r.wresid,
    "fittedvalues": lambda r: r.fittedvalues,
    "resid_pearson": lambda r: r.resid_pearson,
    "predict": lambda r: r.predict(),
    "model.predict": lambda r: r.model.predict(np.asarray(r.params) + 1),
    "model.exog": lambda r: r.model.exog,
    "model.endog": lambda r: r.model.endog,
    "model.wexog": lambda r: r.model.wexog,
    "model.wendog": lambda r: r.model.wendog,
    "model.weights": lambda r: r.model.weights,
    "model.hessian_factor": lambda r: r.model.hessian_factor(r.params),
    "model.data.exog": lambda r: r.model.data.exog,
    "model.data.endog": lambda r: r.model.data.endog,
}


@pytest.mark.parametrize("name", ROWS)
def test_values(pair: Pair, name: str) -> None:
    ours, theirs = ROWS[name](pair.ours), ROWS[name](pair.theirs)
    assert_allclose(np.asarray(ours), theirs, rtol=SOLVED, atol=SUMS * np.abs(theirs).max())


@cache
def fresh() -> Any:
    """Results whose rows nobody has read; those are kept in memory."""
    return MAKERS["wls formula"]().ours


@pytest.mark.parametrize("name", ROWS)
def test_large_rows_are_lazy(name: str) -> None:
    ours = fresh()
    before = len(ours.passes)
    with smo.options.set(array_limit=10):
        rows = ROWS[name](ours)
    assert isinstance(rows, RowArray)
    assert rows.shape[0] == len(FRAME)
    assert len(ours.passes) == before


@pytest.mark.parametrize("name", ROWS)
def test_a_large_answer_does_not_become_an_array_by_accident(name: str) -> None:
    with smo.options.set(array_limit=10):
        rows = ROWS[name](fresh())
        with pytest.raises(smo.errors.MemoryLimitError, match=r"Hint: use \.compute\(\)"):
            np.asarray(rows)


def test_compute_is_on_purpose() -> None:
    rows = make_pair("ols formula").ours.lazy.resid
    with smo.options.set(array_limit=10):
        assert rows.compute().shape == rows.shape


def test_nothing_is_read_until_it_is_asked_for(frame: pd.DataFrame) -> None:
    reads = []

    def frames() -> Any:
        reads.append(1)
        yield frame

    res = smof.ols("y ~ a", smo.as_source(frames)).fit()
    before = len(reads)
    rows = res.lazy.resid
    assert len(reads) == before
    np.asarray(rows)
    assert len(reads) == before + 1


def test_rows_follow_the_rows_that_were_kept(frame: pd.DataFrame) -> None:
    res = smof.ols("y ~ m", smo.as_source(frame, chunk_rows=CHUNK)).fit()
    assert res.resid.shape == (int(frame["m"].notna().sum()),)
    assert res.model.dropped == {"m": int(frame["m"].isna().sum())}


def test_a_perfect_fit_has_no_pearson_residuals() -> None:
    frame = pd.DataFrame({"x": np.arange(20.0)}).assign(y=lambda f: 1 + 2 * f["x"])
    res = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=CHUNK)).fit()
    with pytest.warns(RuntimeWarning, match="All residuals are 0") as caught:
        rows = res.resid_pearson
    assert caught[0].filename == __file__
    assert_allclose(np.asarray(rows), 0, atol=1e-12)


@pytest.mark.parametrize("at", [1, 50, 99])
def test_order_statistics_of_lazy_rows_are_exact(at: int) -> None:
    frame = pd.DataFrame({"y": np.linspace(-1, 1, 300) ** 3, "x": np.tile([0.0, 1.0, 5.0], 100)})
    found = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=50)).fit()
    rows = np.asarray(found.resid)
    assert np.percentile(found.lazy.resid, at) == np.percentile(rows, at)
    assert np.quantile(found.lazy.resid, at / 100) == np.quantile(rows, at / 100)
    assert np.percentile(a=found.lazy.resid, q=at) == np.percentile(rows, at)
    assert np.median(found.lazy.resid) == np.median(rows)
    with smo.options.set(array_limit=100), pytest.raises(MemoryLimitError, match="array_limit"):
        np.percentile(found.lazy.resid, at)
