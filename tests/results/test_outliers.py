"""Outliers that are found without the residuals of all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.results import outliers

CUTOFF = 0.9  # where Sidak's bound of a p-value is 2.6 times Bonferroni's


@pytest.mark.parametrize("method", ["bonf", "sidak", "holm", "holm-sidak"])
def test_none_is_lost_at_a_large_cutoff(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outliers, "_MOST", 40)
    found_any = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.normal(size=(700, 2)), columns=["x", "y"])
        res = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=100)).fit()
        with smo.options.set(array_limit=1_000):
            found = res.outlier_test(method, cutoff=CUTOFF)
        expected = smf.ols("y ~ x", frame).fit().outlier_test(method, cutoff=CUTOFF)
        assert list(found.index) == list(expected.index)
        assert_allclose(found, expected, rtol=1e-7)
        found_any += len(found)
    assert found_any > 0


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"labels": [1]}, r"labels has 1 values, and there are"),
        ({"method": 3}, "method=3; it is a name"),
        ({"cutoff": "a"}, "cutoff='a'; it is a number"),
        ({"alpha": 2}, "alpha=2; it is a number, above 0 and below 1"),
    ],
)
def test_what_is_no_question_is_refused(asked: dict[str, Any], message: str) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=30), "y": rng.normal(size=30)})
    res = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7)).fit()
    with pytest.raises(OptionError, match=message):
        res.outlier_test(**asked)
