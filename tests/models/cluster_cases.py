"""Data and models for tests of cluster covariances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

import statsmodels_ooc.formula.api as smof

N = 120


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    firm = rng.integers(0, 9, N)
    x = rng.normal(size=N) + firm / 5
    shock = rng.normal(size=9)[firm]
    return pd.DataFrame(
        {
            "x": x,
            "z": 10 + rng.normal(size=N),
            "y": 1 + x + shock + rng.normal(size=N),
            "count": rng.poisson(np.exp(0.2 + 0.3 * x)),
            "hit": (x + shock + rng.normal(size=N) > 0).astype(int),
            "w": rng.uniform(0.5, 2, N),
            "f": rng.integers(1, 4, N),
            "firm": firm,
            "name": np.array(list("abcdefghi"))[firm],
            "sorted": np.arange(N) // 11,
            "year": rng.integers(2000, 2006, N),
        }
    )


FRAME = make_frame()


FAMILIES = {
    "Poisson": ("count", sm.families.Poisson()),
    "Binomial": ("hit", sm.families.Binomial()),
    "probit": ("hit", sm.families.Binomial(sm.families.links.Probit())),
    "Gaussian": ("y", sm.families.Gaussian()),
}


MODELS: dict[str, tuple[Any, Any]] = {
    "OLS": (
        lambda data: smof.ols("y ~ x + z", data),
        lambda: smf.ols("y ~ x + z", FRAME),
    ),
    "WLS": (
        lambda data: smof.wls("y ~ x + C(year)", data, weights="w"),
        lambda: smf.wls("y ~ x + C(year)", FRAME, weights=FRAME["w"]),
    ),
    **{
        name: (
            lambda data, y=y, f=family: smof.glm(f"{y} ~ x", data, family=f),
            lambda y=y, f=family: smf.glm(f"{y} ~ x", FRAME, family=f),
        )
        for name, (y, family) in FAMILIES.items()
    },
    "few levels": (  # rows that repeat are folded, and clusters are not
        lambda data: smof.glm("hit ~ C(f)", data, family=sm.families.Binomial()),
        lambda: smf.glm("hit ~ C(f)", FRAME, family=sm.families.Binomial()),
    ),
    "variance weights": (
        lambda data: smof.glm("count ~ x", data, family=sm.families.Poisson(), var_weights="w"),
        lambda: smf.glm(
            "count ~ x", FRAME, family=sm.families.Poisson(), var_weights=FRAME["w"].to_numpy()
        ),
    ),
}


def in_memory(model: Any, groups: Any, **more: Any) -> Any:
    factor = more.pop("scaling_factor", 1.0)
    use_t = more.pop("use_t", None)
    kwds = {"groups": np.asarray(groups), **more}
    still = {"tol": 1e-14} if isinstance(model, sm.GLM) else {}
    found = model.fit(cov_type="cluster", cov_kwds=kwds, use_t=use_t, **still)
    found._results.cov_params_default = np.asarray(found.cov_params_default) * factor
    return found
