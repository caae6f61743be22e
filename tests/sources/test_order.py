"""Which sources say that the order of their rows means something."""

from __future__ import annotations

import re

import dask.dataframe as dd
import pandas as pd
import pytest
import statsmodels.formula.api as smf

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


@pytest.mark.parametrize("removed", [False, True], ids=["", "removed"])
def test_the_summary_has_no_durbin_watson_of_rows_without_order(removed: bool) -> None:
    frame = pd.concat([FRAME] * 5, ignore_index=True)
    lost = dd.from_pandas(frame, npartitions=3).clear_divisions()
    ours, theirs = smof.ols("y ~ x", lost).fit(), smf.ols("y ~ x", frame).fit()
    if removed:
        ours.summary()
        ours.remove_data()
    for name in ("summary", "summary2"):
        told, expected = (str(getattr(results, name)()) for results in (ours, theirs))
        assert re.search(r"Durbin-Watson: +nan\b", told)
        assert "\nDurbin-Watson needs rows in order: dask does not know" in told
        for number in (r"Jarque-Bera \(JB\): +[0-9.]+", r"Omnibus: +[0-9.]+"):
            assert re.findall(number, told) == re.findall(number, expected)
    assert "Durbin-Watson" not in str(ours.summary(slim=True))
    ordered = smof.ols("y ~ x", smo.as_source(lost, ordered=True)).fit().summary()
    assert "Durbin-Watson needs" not in str(ordered)
