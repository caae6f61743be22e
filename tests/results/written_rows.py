"""Data and fits for tests of files of rows."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

ROWS = 61


POISSON = sm.families.Poisson()


FORMULA = "y ~ x + g"


def make_frame(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": 10 * np.arange(ROWS), "x": rng.normal(size=ROWS)})
    frame["g"] = rng.choice(list("abc"), ROWS)
    frame["w"] = rng.uniform(1, 2, ROWS)
    frame["t"] = rng.uniform(0.5, 3, ROWS)
    frame["day"] = pd.date_range("2024-01-01", periods=ROWS)
    frame["y"] = frame["x"] + (frame["g"] == "b") + rng.normal(size=ROWS)
    frame["hits"] = rng.poisson(np.exp(0.3 * frame["x"]) * frame["t"])
    frame.loc[[3, 17, 60], "x"] = np.nan
    frame.loc[[17, 20], ["y", "w"]] = np.nan
    frame.loc[30, "g"] = None
    return frame


FRAME = make_frame()


NEW = make_frame(1)
NEW.loc[[5, 9, 17], "g"] = "q"


@cache
def fits(kind: str, rows: int | None = 7) -> tuple[Any, Any]:
    source = smo.as_source(FRAME, chunk_rows=rows)
    if kind == "ols":
        return smof.ols(FORMULA, source).fit(), smf.ols(FORMULA, FRAME).fit()
    if kind == "wls":
        ours = smof.wls(FORMULA, source, weights="w").fit()
        return ours, smf.wls(FORMULA, FRAME, weights=FRAME["w"]).fit()
    formula, how = "hits ~ x + g", {"tol": 1e-13}
    ours = smof.glm(formula, source, family=POISSON, exposure="t").fit(**how)
    return ours, smf.glm(formula, FRAME, family=POISSON, exposure=FRAME["t"]).fit(**how)


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".csv":
        return pd.read_csv(path, parse_dates=["day"] if "day" in path.read_text()[:200] else [])
    return pd.read_parquet(path)


def only(folder: Path, *names: str) -> None:
    """Nothing else is in the folder, hidden or not."""
    assert sorted(os.listdir(folder)) == sorted(names)


def parquet_files(folder: Path) -> str:
    folder.mkdir()
    for i, start in enumerate(range(0, ROWS, 25)):
        FRAME.iloc[start : start + 25].to_parquet(folder / f"{i}.parquet", row_group_size=9)
    return str(folder)


def csv_files(folder: Path) -> str:
    folder.mkdir()
    for i, start in enumerate(range(0, ROWS, 25)):
        FRAME.iloc[start : start + 25].to_csv(folder / f"{i}.csv", index=False)
    return str(folder)
