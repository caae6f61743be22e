"""A column in another unit changes its own numbers by that unit, and no bit more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import statsmodels_ooc.api as smo

N = 97
CHUNKS = [1, 8, N]
POWERS = {
    "one column": [0, 40, 0],
    "to both sides": [-40, 0, 40],
    "all": [7, -13, 29],
    "the response": [0, 0, 0],
}


def frame(powers: list[int], y_power: int, extra: int) -> pd.DataFrame:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(N, 3 + extra)) + rng.uniform(-100, 100, 3 + extra)
    y = 1e4 + x.sum(axis=1) + rng.normal(size=N)
    found = pd.DataFrame(x, columns=[f"x{j}" for j in range(x.shape[1])])
    for name, power in zip(found, powers, strict=False):
        found[name] *= 2.0**power
    return found.assign(y=y * 2.0**y_power, w=10 ** rng.uniform(-1, 1, N))


def fitted(
    powers: list[int], y_power: int, rows: int, weights: str | None, method: str, constant: str
) -> Any:
    data = frame(powers, y_power, 36 if method == "gram" else 0)
    columns = [name for name in data if name not in ("y", "w")]
    terms = [*columns, "1"] if constant == "1" else ["0", *columns]
    source = smo.as_source(data, chunk_rows=rows)
    formula = "y ~ " + " + ".join(terms)
    if weights is None:
        return smo.OLS.from_formula(formula, source).fit(method=method)
    return smo.WLS.from_formula(formula, source, weights="w").fit(method=method)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("rows", CHUNKS)
@pytest.mark.parametrize(
    ("method", "constant"), [("pinv", "1"), ("pinv", "0"), ("qr", "1"), ("gram", "1")]
)
@pytest.mark.parametrize("name", POWERS)
def test_units(name: str, method: str, constant: str, rows: int, weights: str | None) -> None:
    powers, y_power = POWERS[name], -25 if name == "the response" else 0
    arguments: Any = (rows, weights, method, constant)
    plain, scaled = fitted([0, 0, 0], 0, *arguments), fitted(powers, y_power, *arguments)
    columns = [name for name in plain.params.index if name != "Intercept"]
    units = pd.Series(1.0, index=plain.params.index)
    units[columns[:3]] = 2.0 ** np.array(powers)
    response = 2.0**y_power
    for what in ("params", "bse"):
        expected = getattr(plain, what) * response / units
        assert (getattr(scaled, what) == expected).all(), what
    cov = plain.cov_params() * response**2 / np.outer(units, units)
    assert (scaled.cov_params() == cov).to_numpy().all()
    for what in ("tvalues", "pvalues"):
        assert (getattr(scaled, what) == getattr(plain, what)).all(), what
    assert scaled.ssr == plain.ssr * response**2
    assert scaled.rsquared == plain.rsquared
    assert scaled.fvalue == plain.fvalue
