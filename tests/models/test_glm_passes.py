"""How many passes a GLM takes: one more than steps, and none for the summary."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from models.glm_cases import TIGHT, F, L
from numpy.testing import assert_allclose

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.likelihoods import points

N, PARTS, SAMPLE = 60_000, 20, 2_000


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    x, z, o = rng.normal(size=N), rng.normal(size=N), rng.uniform(-0.5, 0.5, N)
    eta = -0.4 + 0.5 * x - 0.3 * z
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "o": o,
            "normal": eta + rng.normal(size=N),
            "binary": (rng.uniform(size=N) < 1 / (1 + np.exp(-eta))).astype(float),
            "count": rng.poisson(np.exp(eta + o)),
            "positive": rng.gamma(3, np.exp(eta) / 3),
        }
    )


FRAME = make_frame()
FAMILIES: dict[str, Any] = {
    "normal": F.Gaussian,
    "binary": F.Binomial,
    "count": F.Poisson,
    "positive": lambda: F.Gamma(L.Log()),
}
# Without a canonical link the error of a step shrinks by a factor, not to its square.
MOST = {"normal": 4, "binary": 4, "count": 4, "positive": 7}
CANONICAL = ["normal", "binary", "count"]


@pytest.fixture(autouse=True)
def _small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pilot that is a sample, as on data that needs one."""
    monkeypatch.setattr(points, "_ROWS", SAMPLE)


def model(name: str, **extras: str) -> Any:
    source = smo.as_source(FRAME, chunk_rows=N // PARTS)
    return smof.glm(f"{name} ~ x + z", source, family=FAMILIES[name](), **extras)


def names(res: Any) -> list[str]:
    return [record.name for record in res.passes]


@pytest.mark.parametrize("start", ["statsmodels", np.zeros(3)], ids=["statsmodels", "zeros"])
@pytest.mark.parametrize("name", FAMILIES)
def test_steps_cost_a_pass_each_and_one_more(name: str, start: Any) -> None:
    res = model(name).fit(start=start, compress=False)
    steps = res.fit_history["params"][2:]
    still = sum(np.array_equal(a, b) for a, b in pairwise(steps))  # known already: no pass
    assert names(res).count("fit") == res.fit_history["iteration"] + 1 - still


@pytest.mark.parametrize("name", FAMILIES)
def test_a_sample_saves_passes(name: str) -> None:
    res = model(name).fit()
    assert res.converged
    assert names(res)[0] == "pilot"
    assert names(res).count("fit") <= MOST[name]
    theirs = smf.glm(f"{name} ~ x + z", FRAME, family=FAMILIES[name]()).fit(**TIGHT)
    assert_allclose(res.params, theirs.params, rtol=1e-9)
    assert_allclose(res.bse, theirs.bse, rtol=1e-9)


def test_the_pilot_reads_a_sample() -> None:
    res = model("count").fit()
    assert res.passes[0].partitions == 16  # of 20; a block of each is larger than its share
    assert {record.rows for record in res.passes[1:]} == {N}


@pytest.mark.parametrize("start", ["pilot", "statsmodels"])
@pytest.mark.parametrize("extras", [{}, {"offset": "o"}], ids=["alone", "offset"])
@pytest.mark.parametrize("name", CANONICAL)
def test_the_summary_takes_no_pass(name: str, extras: dict[str, str], start: str) -> None:
    res = model(name, **extras).fit(start=start)
    made = names(res)
    res.summary()
    _ = res.null_deviance, res.llnull, res.pearson_chi2, res.bic_llf
    assert names(res) == made


def test_a_robust_covariance_takes_one_pass() -> None:
    plain, robust = model("count").fit(), model("count").fit(cov_type="HC0")
    robust.summary()
    assert len(names(robust)) == len(names(plain)) + 1
    assert names(robust)[-1] == "robust covariance"


def test_a_second_fit_starts_from_what_is_known() -> None:
    one = model("count")
    first = one.fit()
    made = len(one.passes)
    again = one.fit()
    assert len(one.passes) == made
    assert_allclose(again.params, first.params, rtol=0)


def test_no_iterations_take_one_pass() -> None:
    one = model("count")
    res = one.fit(start_params=np.array([0.1, 0.2, 0.3]), maxiter=0)
    theirs = smf.glm("count ~ x + z", FRAME, family=F.Poisson()).fit(
        start_params=[0.1, 0.2, 0.3], maxiter=0
    )
    assert names(res).count("fit") == 1
    assert_allclose(res.deviance, theirs.deviance)
    assert_allclose(res.llf, theirs.llf)
