"""Lagrange multiplier tests whose scores have a robust covariance, against statsmodels."""

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

N = 130


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    firm = rng.integers(0, 15, N)
    frame = pd.DataFrame(rng.normal(size=(N, 3)), columns=["x", "z", "v"])
    frame["y"] = 1 + frame["x"] + 0.2 * frame["z"] + rng.normal(size=15)[firm] + rng.normal(size=N)
    return frame.assign(firm=firm, w=rng.uniform(0.5, 2, N), a=rng.choice(list("pqr"), N))


FRAME = make_frame()
LARGER, SMALLER = "y ~ x + z + C(a)", "y ~ x"
ROBUST: dict[str, tuple[str, dict[str, Any], float]] = {
    "HAC": ("HAC", {"maxlags": 9}, 1.0),
    "HC1": ("HC1", {}, 1.0),
    # statsmodels takes the sum over the clusters for the mean over the rows
    "cluster": ("cluster", {"groups": "firm"}, float(N)),
}


def models(weights: str | None) -> tuple[list[Any], list[Any]]:
    data, formulas = smo.as_source(FRAME, chunk_rows=7), (LARGER, SMALLER)
    if weights is None:
        return [smof.ols(f, data) for f in formulas], [smf.ols(f, FRAME) for f in formulas]
    ours = [smof.wls(f, data, weights=weights) for f in formulas]
    return ours, [smf.wls(f, FRAME, weights=FRAME[weights]) for f in formulas]


@pytest.mark.parametrize("demean", [True, False])
@pytest.mark.parametrize("use_lr", [True, False])
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("kind", ROBUST)
def test_as_in_memory(kind: str, weights: str | None, use_lr: bool, demean: bool) -> None:
    cov_type, keywords, factor = ROBUST[kind]
    ours, theirs = models(weights)
    given = {"groups": FRAME["firm"].to_numpy()} if "groups" in keywords else {}
    how = {"demean": demean, "use_lr": use_lr}
    full = theirs[0].fit(cov_type=cov_type, cov_kwds={**keywords, **given})
    expected = full._results.compare_lm_test(theirs[1].fit()._results, **how)
    found = ours[0].fit(cov_type=cov_type, cov_kwds=keywords).compare_lm_test(ours[1].fit(), **how)
    assert_allclose(found[0], expected[0] * factor, rtol=1e-8)
    assert found[2] == expected[2]


def test_clusters_of_one_row_are_hc0() -> None:
    ours, _ = models(None)
    found = [
        ours[0].fit(cov_type=kind, cov_kwds=keywords).compare_lm_test(ours[1].fit())
        for kind, keywords in (("HC0", {}), ("cluster", {"groups": np.arange(N)}))
    ]
    assert_allclose(found[0], found[1], rtol=1e-9)


@pytest.mark.filterwarnings("ignore:.*variances are negative")
def test_what_has_no_covariance_of_scores_says_so() -> None:
    ours, _ = models(None)
    small = ours[1].fit()
    jackknife = ours[0].fit(cov_type="cluster-jk", cov_kwds={"groups": "firm"})
    with pytest.raises(ValueError, match="Only nonrobust, HC, HAC and cluster"):
        jackknife.compare_lm_test(small)
    two_ways = ours[0].fit(cov_type="cluster", cov_kwds={"groups": ["firm", "a"]})
    with pytest.raises(OptionError, match="several ways"):
        two_ways.compare_lm_test(small)
