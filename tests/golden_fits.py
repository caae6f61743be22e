"""Fits whose every bit is known: what they are called, how they are made, what they tell.

Run as a script it writes what they tell today::

    python tests/golden_fits.py tests/golden_fits.json
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import scipy
import statsmodels
import statsmodels.api as sm
from threadpoolctl import threadpool_info
from xxhash import xxh3_64_hexdigest

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

ROWS = 3_000
MANY = 50  # numbers
PIECES = (0, 1, 700, 701, 1_900, ROWS)  # two of them have one row

OLS_FORMULA = "y ~ a * b + C(g)"
GLM_FORMULA = "{} ~ a + b + C(g)"


def table() -> pd.DataFrame:
    rng = np.random.default_rng(20)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=ROWS),
            "b": rng.uniform(-1, 1, size=ROWS),
            "g": rng.choice(list("pqrs"), size=ROWS),
            "h": rng.integers(0, 3, size=ROWS),
            "m": rng.integers(0, 45, size=ROWS),
            "w": rng.uniform(0.5, 2.0, size=ROWS),
            "f": rng.integers(1, 4, size=ROWS),
            "t": rng.uniform(1.0, 9.0, size=ROWS),
        }
    )
    eta = 0.3 + 0.4 * frame["a"] - 0.2 * frame["b"] + 0.1 * (frame["g"] == "q")
    frame["y"] = 1e3 + eta + rng.normal(size=ROWS)
    frame["far"] = 1e6 + frame["b"] / 1e3
    frame["gauss"] = eta + rng.normal(size=ROWS)
    frame["count"] = rng.poisson(np.exp(eta))
    frame["often"] = rng.poisson(frame["t"] * np.exp(eta))
    frame["hit"] = (rng.uniform(size=ROWS) < 1 / (1 + np.exp(-eta))).astype(float)
    frame["hits"] = rng.binomial(5, 1 / (1 + np.exp(-eta)))
    frame["misses"] = 5 - frame["hits"]
    frame["skewed"] = np.exp(eta) * rng.gamma(3.0, size=ROWS)
    frame.loc[::97, "b"] = np.nan
    return frame


TABLE = table()


def source() -> Any:
    """The table in pieces of one and of many rows."""
    return smo.as_source([TABLE.iloc[start:stop] for start, stop in pairwise(PIECES)])


def linear(formula: str = OLS_FORMULA, name: str = "ols", **given: Any) -> Any:
    return getattr(smof, name)(formula, source(), **given)


def glm(endog: str, family: Any = None, formula: str = GLM_FORMULA, **given: Any) -> Any:
    return smof.glm(formula.format(endog), source(), family=family, **given)


def tested(res: Any) -> Any:
    """Results whose summary and robust covariances have been asked for."""
    res.summary()
    res.told = np.concatenate([res.cov_HC0, res.cov_HC3])
    return res


F, L = sm.families, sm.families.links
FITS: dict[str, Callable[[], Any]] = {
    "ols": lambda: tested(linear().fit()),
    "ols, qr": lambda: linear().fit(method="qr"),
    "ols, HC3": lambda: linear().fit(cov_type="HC3"),
    "ols, cluster": lambda: linear().fit(
        cov_type="cluster", cov_kwds={"groups": "g + m.astype(str)"}
    ),
    "ols, no intercept": lambda: linear("gauss ~ 0 + a + b").fit(),
    "ols, ill-conditioned": lambda: linear("y ~ far + a + C(g)").fit(),
    "ols, rank-deficient": lambda: linear("y ~ a + I(2 * a) + b").fit(),
    "ols, wide": lambda: linear("gauss ~ C(g) * C(h) + a:C(g) + b").fit(),
    "ols, many columns": lambda: linear("gauss ~ C(m) + a").fit(),
    "ols, many columns, ill-conditioned": lambda: linear("gauss ~ C(m) + far").fit(),
    "ols, elastic net": lambda: linear("gauss ~ a + b + C(g)").fit_regularized(alpha=0.05),
    "ols, ridge": lambda: linear("gauss ~ a + b").fit_regularized(alpha=0.1, L1_wt=0.0),
    "wls": lambda: tested(linear(name="wls", weights="w").fit()),
    "poisson": lambda: tested(glm("count", F.Poisson()).fit()),
    "poisson, score test": lambda: scored(glm("count", F.Poisson())),
    "poisson, exposure and offset": lambda: glm(
        "often", F.Poisson(), exposure="t", offset="I(a / 9)"
    ).fit(),
    "poisson, weights": lambda: tested(glm("count", F.Poisson(), freq_weights="f").fit()),
    "poisson, ill-conditioned": lambda: glm("count", F.Poisson(), "{} ~ far + a").fit(),
    "poisson, HC0": lambda: glm("count", F.Poisson()).fit(cov_type="HC0"),
    "poisson, cluster": lambda: glm("count", F.Poisson()).fit(
        cov_type="cluster", cov_kwds={"groups": "m"}
    ),
    "poisson, X2": lambda: glm("count", F.Poisson()).fit(scale="X2"),
    "poisson, start": lambda: glm("count", F.Poisson()).fit(start="statsmodels"),
    "poisson, newton": lambda: glm("count", F.Poisson()).fit(method="newton", disp=False),
    "poisson, compressed": lambda: tested(glm("count", F.Poisson(), "{} ~ C(g) + C(h)").fit()),
    "poisson, not compressed": lambda: glm("count", F.Poisson(), "{} ~ C(g) + C(h)").fit(
        compress=False
    ),
    "poisson, constrained": lambda: glm("count", F.Poisson()).fit_constrained("a = 2 * b"),
    "poisson, elastic net": lambda: glm("count", F.Poisson()).fit_regularized(alpha=0.02),
    "poisson, margins": lambda: margins(glm("count", F.Poisson())),
    "logit": lambda: tested(glm("hit", F.Binomial()).fit()),
    "logit, counts": lambda: glm("hits + misses", F.Binomial()).fit(),
    "logit, compressed": lambda: glm("hit", F.Binomial(), "{} ~ C(g) * C(h)").fit(),
    "probit": lambda: glm("hit", F.Binomial(L.Probit())).fit(),
    "cloglog": lambda: tested(glm("hit", F.Binomial(L.CLogLog())).fit()),
    "gaussian": lambda: glm("gauss", F.Gaussian(), var_weights="w").fit(),
    "gamma": lambda: tested(glm("skewed", F.Gamma(L.Log())).fit()),
    "inverse gaussian": lambda: glm("skewed", F.InverseGaussian(L.Log())).fit(),
    "negative binomial": lambda: glm("count", F.NegativeBinomial(alpha=0.7)).fit(),
    "tweedie": lambda: glm("count", F.Tweedie(var_power=1.5)).fit(),
    "iboss D": lambda: smo.IBOSS(200, "D").select("gauss ~ a + b", source()),
    "iboss T": lambda: smo.IBOSS(200, "T", 300, 0, family=F.Binomial()).select(
        "hit ~ a + b", source()
    ),
}
ON_CLUSTER = (
    *("ols", "ols, cluster", "wls", "poisson", "poisson, cluster"),
    *("logit, compressed", "iboss D"),
)

NUMBERS = (
    *("params", "bse", "normalized_cov_params", "scale", "llf", "deviance", "pearson_chi2"),
    *("null_deviance", "llnull", "ssr", "centered_tss", "df_model", "df_resid"),
)


def scored(model: Any) -> Any:
    res = model.fit()
    res.told = np.asarray(
        res.score_test(exog_extra=TABLE.loc[TABLE["b"].notna(), "t"].to_numpy()), dtype=float
    )
    return res


def margins(model: Any) -> Any:
    res = model.fit()
    res.told = res.get_margeff().margeff
    return res


def told(name: str) -> dict[str, Any]:
    """What a fit tells: numbers, as the bits of doubles, and the names of its passes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = FITS[name]()
        numbers = dict(_numbers(found))
    return {"passes": [record.name for record in passes_of(found)], "numbers": numbers}


def passes_of(found: Any) -> Any:
    """Every pass that was made for what was found; statsmodels' penalised results tell none."""
    return found.passes if hasattr(found, "passes") else found.model.passes


def _numbers(found: Any) -> Iterable[tuple[str, list[str] | str]]:
    if not hasattr(found, "params"):
        yield "index", _bits(np.ravel(found.index))
        return
    for name in (*NUMBERS, "told"):
        value = getattr(found, name, None)
        if value is not None:
            yield name, _bits(np.ravel(value))


def _bits(values: Any) -> list[str] | str:
    """Doubles in hexadecimal; of many of them a checksum."""
    if len(values) > MANY:
        return str(xxh3_64_hexdigest(np.asarray(values, dtype=np.float64).tobytes()))
    return [float(value).hex() for value in values]


def machine() -> dict[str, str]:
    """What bits depend on: the libraries, and the kernels that they chose."""
    kernels = {i.get("architecture", "") for i in threadpool_info() if i["user_api"] == "blas"}
    versions = {module.__name__: module.__version__ for module in (np, scipy, statsmodels)}
    return {**versions, "kernels": " ".join(sorted(kernels))}


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(
            {"machine": machine(), "fits": {name: told(name) for name in FITS}}, file, indent=1
        )
