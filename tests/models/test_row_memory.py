"""What answers for every row take in memory, while they are made and afterwards."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import dask
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import MemoryLimitError

ROWS, CHUNK = 100_000, 5_000
READING = 10 * 8 * CHUNK  # of a chunk: its columns, its blocks, what is made of them


def table(kept: float) -> pd.DataFrame:
    x = np.arange(ROWS) % 1_000 / 1_000
    return pd.DataFrame({"y": np.where(x < kept, x**2, np.nan), "x": x})


class Traced:
    """Bytes at the peak, and those that are left, of what is done inside."""

    peak = left = 0

    @classmethod
    @contextmanager
    def new(cls) -> Iterator[Traced]:
        found = cls()
        tracemalloc.start()
        try:
            yield found
            found.left, found.peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("kept", [1.0, 0.5, 0.01])
def test_an_answer_takes_twice_what_it_holds(kept):
    with dask.config.set(scheduler="synchronous"):
        res = smof.ols("y ~ x", smo.as_source(table(kept), chunk_rows=CHUNK)).fit()
        values = 8 * kept * ROWS
        labels = 0 if kept == 1.0 else values
        with Traced.new() as first:
            resid = res.resid
        with Traced.new() as second:
            fitted = res.fittedvalues
    right = smf.ols("y ~ x", table(kept)).fit()
    np.testing.assert_allclose(resid, right.resid, atol=1e-12)
    np.testing.assert_allclose(fitted, right.fittedvalues, atol=1e-12)
    assert list(res.model.data.missing_row_idx) == list(np.flatnonzero(table(kept)["y"].isna()))
    pd.testing.assert_index_equal(resid.index, right.resid.index)
    assert first.peak < 2.1 * (values + labels) + READING
    assert first.left < 2.1 * (values + labels) + READING  # a Series is a copy; kept rows
    assert second.peak < 2.1 * (values + labels) + READING


def test_an_answer_that_cannot_fit_is_refused_unread():
    data = pd.DataFrame({"y": np.zeros(2_400_000), "x": 1.0})
    res = smof.ols("y ~ x - 1", smo.as_source(data)).fit()
    before = list(res.passes)
    with smo.options.set(memory_limit="32 MiB"):
        with pytest.raises(MemoryLimitError, match=r"'resid' takes about 38,400,000.*\n.*res.lazy"):
            _ = res.resid
        assert res.lazy.resid.shape == (2_400_000,)
    assert res.passes == before
