"""Results of a small fit, and their file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"x": rng.normal(size=90), "g": list("abc") * 30})
    table["y"] = table["x"] + rng.normal(size=90)
    return smof.ols("y ~ x + C(g)", [table]).fit()


@pytest.fixture
def saved(results, tmp_path):
    smo.save(results, tmp_path / "fit.zip")
    return tmp_path / "fit.zip"
