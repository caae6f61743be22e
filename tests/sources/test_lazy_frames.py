"""Queries of polars: their rows stay in one order, and it is told whether that means anything."""

from __future__ import annotations

import pandas as pd
import pytest

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import RowOrderError

pl = pytest.importorskip("polars")

ROWS = pl.DataFrame({"k": [i % 7 for i in range(500)], "y": [(i * 37) % 101 for i in range(500)]})
FEW = pl.DataFrame({"k": list(range(7)), "z": [3, 1, 4, 1, 5, 9, 2]})

ORDERED = {
    "columns": lambda q: q.with_columns(x=pl.col("k") * 2),
    "a filter": lambda q: q.filter(pl.col("y") > 9),
    "a sort at the end": lambda q: q.join(FEW.lazy(), on="k").sort("y", "k").head(400),
    "groups in order": lambda q: q.group_by("y", maintain_order=True).agg(pl.col("k").sum()),
    "one after the other": lambda q: pl.concat([q, q]),
}
UNORDERED = {
    "a join": lambda q: q.join(FEW.lazy(), on="k", how="left"),
    "a sort before a join": lambda q: q.sort("y").join(FEW.lazy(), on="k"),
    "groups": lambda q: q.group_by("y").agg(pl.col("k").sum()),
    "unique rows": lambda q: q.unique(),
}


@pytest.mark.parametrize("query", ORDERED.values(), ids=ORDERED)
def test_an_order_that_polars_keeps(query):
    lazy = query(ROWS.lazy())
    source = smo.as_source(lazy)
    assert source.unordered is None
    pd.testing.assert_frame_equal(source.head(10**6), lazy.collect().to_pandas())


@pytest.mark.parametrize("query", UNORDERED.values(), ids=UNORDERED)
def test_an_order_that_polars_does_not_promise(query):
    source = smo.as_source(query(ROWS.lazy()))
    assert "polars promises no order" in source.unordered
    assert smo.as_source(query(ROWS.lazy()), ordered=True).unordered is None
    first, second = (pd.concat(source.frames()) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_what_needs_an_order_is_refused():
    res = smof.ols("y ~ z", ROWS.lazy().join(FEW.lazy(), on="k")).fit()
    with pytest.raises(RowOrderError, match="promises no order"):
        res.get_robustcov_results(cov_type="HAC", maxlags=2)
