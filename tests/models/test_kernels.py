"""Fits whose passes multiply in machine code: the same numbers, the same bits anywhere."""

from __future__ import annotations

import importlib.util
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise

import dask
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.blocks.compiled import Compiled
from statsmodels_ooc.compiled import columns
from statsmodels_ooc.engine import kernels
from statsmodels_ooc.errors import MissingExtraError, OptionError

CHUNKS = (0, 1, 700, 700, 2_000, 3_001)  # an empty chunk, one row, odd ends
LETTERS = [*"abcdefgh"]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n = CHUNKS[-1]
    data = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "far": 1e3 + rng.normal(size=n),
            "g": rng.choice(LETTERS, n),
            "h": rng.choice(list("uv"), n),
            "w": rng.uniform(0.5, 2, n),
            "t": rng.uniform(0.5, 2, n),
            "f": rng.integers(0, 3, n),
            "id": rng.integers(0, 300, n),
        }
    )
    eta = 0.2 + 0.3 * data.x + 0.5 * (data.g == "c") - 0.3 * (data.h == "u")
    data["y"] = eta + rng.normal(size=n)
    data["hit"] = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int)
    data["count"] = rng.poisson(data.t * np.exp(eta))
    data["size"] = np.exp(eta) * rng.gamma(3, size=n)
    data.loc[[0, 699, 700, n - 1], "x"] = np.nan
    return data


def source(frame):
    pieces = [frame.iloc[a:b] for a, b in pairwise(CHUNKS)]
    return smo.as_source(lambda: iter(pieces))


def glm(response, family, **options):
    formula = f"{response} ~ x * h + g"
    return lambda data: smof.glm(formula, data, family=family, missing="drop", **options).fit()


FITS = {
    "OLS": lambda data: smof.ols("y ~ x * h + g", data, missing="drop").fit(),
    "OLS, Gram": lambda data: smof.ols("y ~ x * h + g", data, missing="drop").fit(method="gram"),
    "no intercept": lambda data: smof.ols("y ~ 0 + x + h + g", data, missing="drop").fit(
        method="gram"
    ),
    "WLS": lambda data: smof.wls("y ~ x + g", data, weights="w", missing="drop").fit(method="gram"),
    "far": lambda data: smof.ols("y ~ far + g", data).fit(method="gram"),
    "logit": glm("hit", sm.families.Binomial()),
    "Poisson": glm("count", sm.families.Poisson(), exposure="t"),
    "gamma": glm("size", sm.families.Gamma(sm.families.links.Log()), var_weights="w"),
    "probit": glm("hit", sm.families.Binomial(sm.families.links.Probit())),
    "cloglog": glm("hit", sm.families.Binomial(sm.families.links.CLogLog())),
    "negative binomial": glm("count", sm.families.NegativeBinomial(alpha=0.7), offset="t"),
    "Gaussian, log": glm("size", sm.families.Gaussian(sm.families.links.Log())),
    "inverse Gaussian": glm("size", sm.families.InverseGaussian(sm.families.links.Log())),
    "Gaussian": glm("y", sm.families.Gaussian(), freq_weights="w"),
    "distinct rows": lambda data: smof.glm(
        "hit ~ g + h", data, family=sm.families.Binomial()
    ).fit(),
    "distinct rows of counts": lambda data: smof.glm(
        "count ~ g * h", data, family=sm.families.Poisson(), var_weights="w"
    ).fit(),
    "HC3": lambda data: smof.ols("y ~ x + g", data, missing="drop").fit(cov_type="HC3"),
    "clusters": lambda data: smof.ols("y ~ x + g", data, missing="drop").fit(
        cov_type="cluster", cov_kwds={"groups": "id"}
    ),
    "clusters left out": lambda data: smof.ols("y ~ x + g", data, missing="drop").fit(
        cov_type="cluster-crv3", cov_kwds={"groups": "id"}
    ),
    "clusters of counted rows": lambda data: smof.glm(
        "count ~ x + g", data, family=sm.families.Poisson(), missing="drop", freq_weights="f"
    ).fit(cov_type="cluster", cov_kwds={"groups": "id"}),
    "HC1": lambda data: smof.glm(
        "count ~ x + g", data, family=sm.families.Poisson(), missing="drop"
    ).fit(cov_type="HC1", cov_kwds={"corrected": True}),
}


def told(res):
    return np.concatenate(
        [np.asarray(v, float).ravel() for v in (res.params, res.bse, res.llf, res.cov_params())]
    )


@pytest.fixture
def compiled_designs(monkeypatch):
    """Designs in machine code that have been made."""
    made = []
    start = Compiled.__init__

    def counted(self, *args):
        made.append(1)
        start(self, *args)

    monkeypatch.setattr(Compiled, "__init__", counted)
    return made


@pytest.mark.parametrize("name", FITS)
def test_fits_agree_with_those_of_numpy(name, frame, compiled_designs):
    with smo.options.set(kernels="numpy"):
        expected = FITS[name](source(frame))
    assert not compiled_designs
    with smo.options.set(kernels="numba"):
        found = FITS[name](source(frame))
    assert compiled_designs
    np.testing.assert_allclose(told(found), told(expected), rtol=SOLVED, atol=1e-14)
    assert len(found.passes) == len(expected.passes)
    assert {one.kernels for one in expected.passes} <= {"numpy", ""}
    assert "numba" in {one.kernels for one in found.passes}
    assert ", numba>" in repr(found.passes)


@pytest.mark.parametrize("name", ["OLS, Gram", "logit"])
def test_extremes_come_with_the_products(name, frame, monkeypatch):
    monkeypatch.setattr(columns, "extremes", lambda *_: pytest.fail("a sweep of their own"))
    with smo.options.set(kernels="numba"):
        FITS[name](source(frame))


@pytest.fixture(scope="module")
def pool():
    """Processes that are there for all passes."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as made:
        yield made


@pytest.mark.parametrize("name", ["OLS, Gram", "logit", "probit", "Poisson", "negative binomial"])
def test_the_same_bits_on_any_number_of_workers(name, frame, pool, tmp_path):
    for i in range(7):
        frame.iloc[400 * i : 400 * (i + 1)].to_parquet(tmp_path / f"{i}.parquet")
    found = []
    for how in (
        {"scheduler": "sync"},
        {"scheduler": "threads", "num_workers": 2},
        {"scheduler": "threads", "num_workers": 8},
        {"scheduler": "processes", "pool": pool},
    ):
        with dask.config.set(**how), smo.options.set(kernels="numba"):
            found.append(told(FITS[name](str(tmp_path))).tobytes())
    assert len(set(found)) == 1


def test_small_data_are_none_of_numbas_business(frame, compiled_designs):
    FITS["OLS, Gram"](source(frame))
    assert not compiled_designs


def test_auto_follows_from_the_data_alone(monkeypatch):
    rows = kernels._ENOUGH // 10
    assert kernels.compiled_pays(9, rows + 1)
    assert not kernels.compiled_pays(9, rows - 1)
    assert not kernels.compiled_pays(9, None)


def test_without_numba(frame, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(kernels, "find_spec", lambda name: None)
    kernels._has_numba.cache_clear()
    try:
        assert not kernels.compiled_pays(1_000, 10**9)
        with (
            smo.options.set(kernels="numba"),
            pytest.raises(MissingExtraError, match=r"statsmodels_ooc\[fast\]"),
        ):
            FITS["OLS"](source(frame))
    finally:
        kernels._has_numba.cache_clear()


def test_what_multiplies_is_named():
    with pytest.raises(OptionError, match="'auto', 'numpy', 'numba'"):
        smo.options.kernels = "cython"
