"""Data and fits for tests of predictions."""

from __future__ import annotations

from functools import cache
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

ROWS = 60


FORMULA = "y ~ x * g + bs(z, df=4)"


POISSON = sm.families.Poisson()


CHUNKS = [1, 7, None]


def make_frame(seed: int, n: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.uniform(0, 1, n)})
    frame["z"] = np.clip(frame["z"], 0.1, 0.9)
    frame.loc[:1, "z"] = 0.05, 0.95
    frame["g"] = rng.choice(list("abc"), n)
    frame["w"] = rng.uniform(1, 2, n)
    frame["t"] = rng.uniform(0.5, 3, n)
    frame["y"] = frame["x"] + (frame["g"] == "b") + rng.normal(size=n)
    frame["hits"] = rng.poisson(np.exp(0.3 * frame["x"]) * frame["t"])
    frame["w0"] = rng.integers(1, 3, n) * 1.0
    return frame


FRAME = make_frame(0)


def make_new() -> pd.DataFrame:
    frame = make_frame(1, 23).drop(columns=["y", "hits"])
    frame["z"] = np.clip(frame["z"], 0.05, 0.95)
    frame.loc[[3, 22], "x"] = np.nan
    frame.loc[7, "g"] = None
    return frame.set_axis([f"r{i}" for i in range(23)])


NEW = make_new()


COMPLETE = NEW.dropna()


@cache
def fits(kind: str) -> tuple[Any, Any]:
    source = smo.as_source(FRAME, chunk_rows=7)
    if kind == "ols":
        return smof.ols(FORMULA, source).fit(), smf.ols(FORMULA, FRAME).fit()
    if kind == "wls":
        ours = smof.wls(FORMULA, source, weights="w").fit(cov_type="HC1")
        return ours, smf.wls(FORMULA, FRAME, weights=FRAME["w"]).fit(cov_type="HC1")
    formula, how = "hits ~ x + g", {"tol": 1e-13}
    ours = smof.glm(formula, source, family=POISSON, exposure="t").fit(**how)
    return ours, smf.glm(formula, FRAME, family=POISSON, exposure=FRAME["t"]).fit(**how)


def same(found: Any, expected: Any, rtol: float) -> None:
    """The same values and labels: a name that comes of `offset + X beta` is nobody's."""
    labels = {"check_index_type": False}  # dask has a type of its own for text
    if isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(found, expected, rtol=rtol, check_names=False, **labels)
    else:
        pd.testing.assert_frame_equal(found, expected, rtol=rtol, **labels)


X = sm.add_constant(FRAME[["x", "z"]])


@cache
def arrays() -> tuple[Any, Any]:
    y, x = FRAME["hits"].to_numpy() * 1.0, X.to_numpy()
    ours = smo.GLM(da.from_array(y, 7), da.from_array(x, (7, -1)), family=POISSON)
    return ours.fit(tol=1e-13), sm.GLM(y, x, family=POISSON).fit(tol=1e-13)
