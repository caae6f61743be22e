"""Linear models fitted in pieces, each beside statsmodels' own fit in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

CHUNK = 7


def make_frame(n: int = 101) -> pd.DataFrame:
    rng = np.random.default_rng(20)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": 3 + 2 * rng.normal(size=n),
            "g": rng.choice(["u", "v", "w"], n),
            "h": rng.choice(["p", "q"], n),
            "w": rng.uniform(0.5, 2, n),
        }
    )
    shift = frame["g"].map({"u": 0.0, "v": 1.0, "w": -0.5})
    frame["y"] = 2 + frame["a"] - 0.5 * frame["b"] + shift + rng.standard_t(6, size=n)
    frame["m"] = frame["a"].where(rng.uniform(size=n) > 0.1)  # with missing values
    return frame


@dataclass(frozen=True)
class Pair:
    """The same fit twice: in pieces and in memory."""

    ours: Any
    theirs: Any


FRAME = make_frame()


def formula_pair(formula: str, weights: str | None = None, **fit: Any) -> Pair:
    source = smo.as_source(FRAME, chunk_rows=CHUNK)
    if weights is None:
        ours, theirs = smof.ols(formula, source), smf.ols(formula, FRAME)
    else:
        ours = smof.wls(formula, source, weights=weights)
        theirs = smf.wls(formula, FRAME, weights=FRAME.eval(weights))
    return Pair(ours.fit(**fit), theirs.fit(**fit))


_shared: dict[str, Pair] = {}


def shared_pair(formula: str, weights: str | None = None, **fit: Any) -> Pair:
    """`formula_pair`, fitted once for all tests that leave it as it is."""
    key = repr((formula, weights, sorted(fit.items())))
    if key not in _shared:
        _shared[key] = formula_pair(formula, weights, **fit)
    return _shared[key]


def array_pair(columns: list[str], *, weighted: bool = False, kind: str = "array") -> Pair:
    frame = FRAME.assign(const=1.0)
    y, x, w = frame["y"], frame[columns], frame["w"]
    if kind == "array":
        lazy = [da.from_array(v.to_numpy(), (CHUNK, -1)[: v.ndim]) for v in (y, x, w)]
        y, x, w = (v.to_numpy() for v in (y, x, w))
    else:
        collection = dd.from_pandas(frame, chunksize=CHUNK, sort=False)
        lazy = [collection["y"], collection[columns], collection["w"]]
    if weighted:
        return Pair(smo.WLS(*lazy).fit(), sm.WLS(y, x, w).fit())
    return Pair(smo.OLS(*lazy[:2]).fit(), sm.OLS(y, x).fit())


MAKERS: dict[str, Callable[[], Pair]] = {
    "ols formula": lambda: formula_pair("y ~ a * b + C(g)"),
    "ols transforms": lambda: formula_pair("np.exp(y / 9) ~ center(a) + bs(b, df=4) + g:h"),
    "ols missing": lambda: formula_pair("y ~ m + C(g, Sum)"),
    "ols no constant": lambda: formula_pair("y ~ 0 + a + b"),
    "ols implicit constant": lambda: formula_pair("y ~ 0 + g + a"),
    "ols constant only": lambda: formula_pair("y ~ 1"),
    "wls formula": lambda: formula_pair("y ~ a + C(g) * h", "w"),
    "wls expression": lambda: formula_pair("y ~ a + b", "w ** 2 + 1"),
    "wls missing": lambda: formula_pair("y ~ m + b", "w"),
    "ols arrays": lambda: array_pair(["const", "a", "b"]),
    "ols arrays, constant last": lambda: array_pair(["a", "const"]),
    "ols arrays, no constant": lambda: array_pair(["a", "b"]),
    "wls arrays": lambda: array_pair(["const", "a", "b"], weighted=True),
    "ols dask frame": lambda: array_pair(["const", "a", "b"], kind="frame"),
    "wls dask frame": lambda: array_pair(["const", "a"], weighted=True, kind="frame"),
}


@cache
def make_pair(name: str) -> Pair:
    return MAKERS[name]()
