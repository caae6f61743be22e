"""Covariances against numbers of Stata and of R's sandwich that statsmodels' tests carry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from statsmodels.datasets import grunfeld, macrodata
from statsmodels.regression.tests.results import results_grunfeld_ols_robust_cluster as panel
from statsmodels.regression.tests.results import results_macro_ols_robust as macro

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

Keywords = dict[str, Any]


def macro_frame() -> pd.DataFrame:
    data = macrodata.load_pandas().data
    growth = {n: 400 * np.diff(np.log(data[n].to_numpy())) for n in ("realgdp", "realinv")}
    return pd.DataFrame({**growth, "realint": data["realint"].to_numpy()[:-1]})


def panel_frame() -> pd.DataFrame:
    data = grunfeld.data.load_pandas().data[:200].reset_index(drop=True)
    return data.assign(w=1 / data["value"], number=np.arange(1.0, 201.0))


MACRO: dict[str, tuple[str, Keywords, Any, float]] = {
    "HC1, regress": ("HC1", {}, macro.results_hc0, 1e-10),
    "HC1, ivreg2": ("HC1", {}, macro.results_ivhc0_small, 1e-10),
    "HC0": ("HC0", {}, macro.results_ivhc0_large, 1e-10),
    "HAC": ("HAC", {"maxlags": 4, "use_correction": True}, macro.results_ivhac4_small, 1e-10),
    "HAC, large": ("HAC", {"maxlags": 4}, macro.results_ivhac4_large, 1e-10),
}
GROUPS = {"groups": "firm"}
LARGE = {"use_correction": False}
DRISCOLL = {"time": "year", "maxlags": 4, "use_correction": False}
PANEL: dict[str, tuple[str, str | None, Keywords, Any, float]] = {
    "cluster": ("cluster", None, GROUPS, panel.results_cluster, 1e-6),
    "cluster, large": ("cluster", None, {**GROUPS, **LARGE}, panel.results_cluster_large, 1e-6),
    "Driscoll-Kraay": ("nw-groupsum", None, DRISCOLL, panel.results_nw_groupsum4, 1e-6),
    "newey, force": ("nw-panel", None, {**GROUPS, "maxlags": 4}, panel.results_nw_panel4, 1e-6),
    "newey by time": (
        "nw-panel",
        None,
        {"time": "year", "maxlags": 4},
        panel.results_nw_panel4,
        1e-6,
    ),
    "two ways, large": (
        "cluster",
        None,
        {"groups": ["firm", "year"], **LARGE},
        panel.results_cluster_2groups_large,
        1e-6,
    ),
    "WLS, cluster": ("cluster", "w", GROUPS, panel.results_cluster_wls_small, 1e-6),
    "WLS, cluster, large": (
        "cluster",
        "w",
        {**GROUPS, **LARGE},
        panel.results_cluster_wls_large,
        1e-6,
    ),
    "WLS, HC1": ("HC1", "w", {}, panel.results_hc1_wls_small, 1e-6),
    "CRV3, R": ("cluster-crv3", None, GROUPS, panel.results_cluster_crv3_sandwich_r, 1e-6),
    "jackknife, R": ("cluster-jk", None, GROUPS, panel.results_cluster_jk_sandwich_r, 1e-6),
    "WLS, CRV3, R": (
        "cluster-crv3",
        "number",
        GROUPS,
        panel.results_cluster_crv3_wls_sandwich_r,
        1e-6,
    ),
    "WLS, jackknife, R": (
        "cluster-jk",
        "number",
        GROUPS,
        panel.results_cluster_jk_wls_sandwich_r,
        1e-6,
    ),
}


def in_their_order(cov: Any) -> np.ndarray:
    """Stata's and these tests' designs have the constant last."""
    order = [1, 2, 0]
    return np.asarray(cov)[np.ix_(order, order)]


@pytest.mark.parametrize("case", MACRO)
@pytest.mark.parametrize("chunk", [1, 7])
def test_of_a_series(case: str, chunk: int) -> None:
    kind, keywords, published, rtol = MACRO[case]
    data = smo.as_source(macro_frame(), chunk_rows=chunk)
    res = smof.ols("realinv ~ realgdp + realint", data).fit(cov_type=kind, cov_kwds=keywords)
    assert_allclose(in_their_order(res.cov_params()), published.cov, rtol=rtol)


@pytest.mark.parametrize("case", PANEL)
@pytest.mark.parametrize("chunk", [1, 7])
def test_of_a_panel(case: str, chunk: int) -> None:
    kind, weights, keywords, published, rtol = PANEL[case]
    data = smo.as_source(panel_frame(), chunk_rows=chunk)
    formula = "invest ~ value + capital"
    model = smof.ols(formula, data) if weights is None else smof.wls(formula, data, weights=weights)
    res = model.fit(cov_type=kind, cov_kwds=keywords)
    assert_allclose(in_their_order(res.cov_params()), published.cov, rtol=rtol)


NEWEY_WEST = {
    # > NeweyWest(fm, lag = 4, prewhite = FALSE, adjust = TRUE), and adjust = FALSE, of R
    True: [
        [1.40643899878678802, -0.3180328707083329709, -0.060621111216488610],
        [-0.31803287070833292, 0.1097308348999818661, 0.000395311760301478],
        [-0.06062111121648865, 0.0003953117603014895, 0.087511528912470993],
    ],
    False: [
        [1.3855512908840137, -0.313309610252268500, -0.059720797683570477],
        [-0.3133096102522685, 0.108101169035130618, 0.000389440793564339],
        [-0.0597207976835705, 0.000389440793564336, 0.086211852740503622],
    ],
}


@pytest.mark.parametrize("correction", [True, False])
@pytest.mark.parametrize("maxlags", [4, None])
def test_newey_west_of_r(correction: bool, maxlags: int | None) -> None:
    data = smo.as_source(macro_frame(), chunk_rows=3)
    keywords = {"maxlags": maxlags, "use_correction": correction}
    res = smof.ols("realinv ~ realgdp + realint", data).fit(cov_type="HAC", cov_kwds=keywords)
    assert_allclose(res.cov_params(), NEWEY_WEST[correction], rtol=1e-7)
