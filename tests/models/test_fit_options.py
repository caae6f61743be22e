"""What one fit is told stays in that fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

RNG = np.random.default_rng(11)
N = 4_000
FRAME = pd.DataFrame({"g": RNG.integers(0, 5, N).astype(str), "h": RNG.integers(0, 3, N)})
FRAME["y"] = RNG.poisson(np.exp(0.2 * FRAME["h"]))
PIECES = [FRAME[i : i + 700] for i in range(0, N, 700)]


def model(family: Any = None) -> Any:
    family = sm.families.Poisson() if family is None else family
    return smof.glm("y ~ g + C(h)", smo.as_source(lambda: iter(PIECES)), family=family)


def names(found: Any) -> list[str]:
    return [record.name for record in found.passes]


def test_a_fit_of_all_rows_leaves_that_of_distinct_rows_as_it_was() -> None:
    ours = model()
    first = ours.fit()
    ours.fit(compress=False)
    before = len(ours.passes)
    _ = first.cov_HC0
    assert len(ours.passes) == before  # the distinct rows are in memory
    second = ours.fit(compress=False)
    before = len(ours.passes)
    _ = second.cov_HC0
    assert names(second)[before:] == ["robust covariance"]
    assert_allclose(first.cov_HC0, second.cov_HC0, rtol=SOLVED)


def test_a_fixed_scale_makes_no_pass_for_a_score_test() -> None:
    ours = model()
    results = ours.fit(compress=False)
    before = len(ours.passes)
    results.score_test(exog_extra=(np.arange(N) % 7.0) ** 2)
    assert names(ours)[before:] == ["score test"]


def test_a_score_test_keeps_to_the_scale_rule_of_its_fit() -> None:
    ours = model()
    estimated = ours.fit(scale="X2")
    extra = (np.arange(N) % 7.0) ** 2
    expected = estimated.score_test(exog_extra=extra).statistic
    ours.fit()  # at scale one
    assert_allclose(estimated.score_test(exog_extra=extra).statistic, expected, rtol=0)


# An optimizer stops where its start lets it.
@pytest.mark.parametrize(("method", "rtol"), [("irls", SOLVED), ("bfgs", 1e-6)])
def test_fits_in_two_threads_do_not_see_each_others_options(method: str, rtol: float) -> None:
    told: list[dict[str, Any]] = [
        {"scale": "X2", "compress": True},
        {"scale": 4.0, "compress": False},
        {"scale": "dev", "compress": True},
        {"scale": None, "compress": False},
    ]
    alone = [model().fit(method=method, disp=False, **options) for options in told]
    ours = model()
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(ours.fit, method=method, disp=False, **o) for o in told * 3]
        together = [job.result() for job in jobs]
    for found, expected in zip(together, alone * 3, strict=True):
        assert_allclose(found.scale, expected.scale, rtol=rtol)
        assert_allclose(found.bse, expected.bse, rtol=rtol)
        assert found.glm_fit.compress == expected.glm_fit.compress


def test_fits_in_two_threads_share_what_they_read() -> None:
    ours = model()
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(ours.fit, compress=False) for _ in range(4)]
        _ = [job.result() for job in jobs]
    alone = model()
    alone.fit(compress=False)
    assert sorted(names(ours)) == sorted(names(alone))


@pytest.mark.parametrize(
    "fit",
    [
        lambda ours: ours.fit(cov_type="HC9"),
        lambda ours: ours.fit_constrained("C(h)[T.1] = 0", cov_type="HC9"),
    ],
)
def test_an_unknown_covariance_is_refused_before_anything_is_read(fit: Any) -> None:
    ours = model()
    before = names(ours)
    with pytest.raises(ValueError, match="cov_type 'HC9' not recognized; available are"):
        fit(ours)
    assert names(ours) == before
