"""Which sources say that the order of their rows means something."""

from __future__ import annotations

import dask.dataframe as dd
import pandas as pd
import pytest

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import RowOrderError

FRAME = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0], "x": [0.0, 1.0, 2.0, 3.0]})


def test_a_dask_frame_without_divisions_has_no_order() -> None:
    frame = dd.from_pandas(FRAME, npartitions=2)
    assert smo.as_source(frame).unordered is None
    lost = frame.clear_divisions()
    assert "divisions" in smo.as_source(lost).unordered
    assert smo.as_source(lost, ordered=True).unordered is None


def test_what_needs_an_order_is_refused_without() -> None:
    frame = dd.from_pandas(FRAME, npartitions=2).clear_divisions()
    arrays = smo.OLS(frame["y"], frame[["x"]])
    for model in (smof.ols("y ~ x", frame), smof.ols("y ~ x", frame, subset="x < 9"), arrays):
        with pytest.raises(RowOrderError, match=r"lags needs rows in order: .*divisions"):
            model.open_rows().require_order("lags")


@pytest.mark.parametrize("data", [FRAME, dd.from_pandas(FRAME, npartitions=2)], ids=type)
def test_what_has_an_order_is_not_refused(data: object) -> None:
    smof.ols("y ~ x", smo.as_source(data)).open_rows().require_order("lags")
