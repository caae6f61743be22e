"""Outliers that are found without the residuals of all rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
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
