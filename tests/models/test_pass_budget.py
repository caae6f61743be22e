"""How often the rows are read for what people ask after a fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import diagnostics as dg

N = 300


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(N, 3)), columns=["a", "b", "y"])
    frame["g"] = pd.Categorical(rng.choice(["p", "q", "r"], N))
    frame["count"] = rng.poisson(np.exp(frame["a"] / 3))
    file = tmp_path_factory.mktemp("budget") / "t.parquet"
    frame.to_parquet(file, row_group_size=50)
    return file


def names(res: Any) -> list[str]:
    return [record.name for record in res.passes]


@pytest.mark.parametrize("kind", ["ols", "wls"])
def test_a_session_of_five_passes(path: Path, kind: str) -> None:
    """The levels of g are in the file."""
    given = {"weights": "np.exp(b)"} if kind == "wls" else {}
    res = getattr(smof, kind)("y ~ a * b + C(g)", path, **given).fit(cov_type="HC3")
    res.summary()
    res.get_influence().summary_frame()
    dg.het_white(res)
    dg.acorr_breusch_godfrey(res, result_object=True)
    assert len(res.passes) <= 5, names(res)
    before = len(res.passes)
    res.summary2(), res.get_robustcov_results("HC1"), res.cov_HC0
    res.get_influence().cooks_distance, dg.jarque_bera(res), dg.durbin_watson(res)
    res.f_test("a = b"), smo.anova_lm(res, typ=2), smo.anova_lm(res, typ=3, robust="hc3")
    if kind == "ols":  # of WLS they are those of the columns without weights
        dg.variance_inflation_factor(res)
    assert len(res.passes) == before, names(res)


def test_a_glm_after_its_fit(path: Path) -> None:
    res = smof.glm("count ~ a + C(g)", path, family=sm.families.Poisson()).fit()
    before = len(res.passes)
    res.covariances(["HC0", ("cluster", {"groups": "g"}), ("HAC", {"maxlags": 3})])
    assert len(res.passes) == before + 1, names(res)
    res.summary(), res.llf, res.cov_HC0
    assert len(res.passes) == before + 1, names(res)
