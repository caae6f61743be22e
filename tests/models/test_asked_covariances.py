"""Covariances as they are asked for: names, keywords, several at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from models.cluster_cases import FRAME, MODELS
from numpy.testing import assert_allclose

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    OptionError,
)


def test_keywords_are_refused_before_the_first_read() -> None:
    for name in ("OLS", "Poisson"):
        model = MODELS[name][0](smo.as_source(FRAME, chunk_rows=7))
        with pytest.raises(OptionError):
            model.fit(cov_type="cluster", cov_kwds={"group": "firm"})
        assert model.passes == []


@pytest.mark.parametrize("name", ["OLS", "Poisson"])
def test_any_covariance_beside_that_of_the_results(name: str) -> None:
    model = MODELS[name][0](smo.as_source(FRAME, chunk_rows=7))
    plain = model.fit()
    robust = model.fit(cov_type="cluster", cov_kwds={"groups": "firm"})
    assert_allclose(robust.covariance("nonrobust"), plain.cov_params(), rtol=1e-14)
    assert_allclose(robust.covariance("HC0"), robust.cov_HC0, rtol=0)
    for kind, keywords in (("HC0", {}), ("cluster", {"groups": "firm"})):
        once, scaled = (
            robust.covariance(kind, **keywords, **more) for more in ({}, {"scaling_factor": 4.0})
        )
        assert_allclose(scaled, 4 * once, rtol=1e-15)


@pytest.mark.parametrize("kind", [None, 5])
def test_a_covariance_without_a_name_is_refused(kind: Any) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(ValueError, match="not recognized"):
        model.fit(cov_type=kind)


@pytest.mark.parametrize("factor", ["a", [2.0], np.nan])
def test_what_is_no_factor_is_named(factor: Any) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(OptionError, match="is a number"):
        model.fit(cov_type="HC1", cov_kwds={"scaling_factor": factor})
    with pytest.raises(OptionError, match="is a number"):
        model.fit(cov_type="fixed scale", cov_kwds={"scale": "a"})
    res = model.fit()
    scaled, plain = (
        res.covariances([("nonrobust", {"scaling_factor": value})])[0] for value in (4.0, 1.0)
    )
    assert_allclose(scaled, 4 * plain, rtol=1e-15)


@pytest.mark.parametrize("kinds", [3, None])
def test_covariances_are_a_list(kinds: Any) -> None:
    res = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7)).fit()
    (alone,), (listed,) = res.covariances(("HC1", {})), res.covariances(["HC1"])
    assert_allclose(alone, listed, rtol=0)
    with pytest.raises(OptionError, match="no list of covariances"):
        res.covariances(kinds)


@pytest.mark.parametrize("scale", [-1.0, np.nan, np.inf, "1"])
def test_a_fixed_scale_is_a_number(scale: Any) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(OptionError, match="it is a number, 0 or more, and finite"):
        model.fit(cov_type="fixed scale", cov_kwds={"scale": scale})


def test_standard_errors_side_by_side() -> None:
    res = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7)).fit()
    before = len(res.passes)
    kinds = ["nonrobust", "HC1", ("cluster", {"groups": "firm"}), ("HAC", {"maxlags": 2})]
    table = res.standard_errors(kinds)
    assert len(res.passes) == before + 1
    assert list(table) == ["nonrobust", "HC1", "cluster groups='firm'", "HAC maxlags=2"]
    assert_allclose(table["nonrobust"], res.bse, rtol=1e-12)
    for name, kind in zip(list(table)[1:], kinds[1:], strict=True):
        cov_type, keywords = (kind, {}) if isinstance(kind, str) else kind
        expected = res.get_robustcov_results(cov_type, **keywords).bse
        assert_allclose(table[name], expected, rtol=1e-12)
    assert list(table.index) == list(res.params.index)
    labels = res.standard_errors(("cluster", {"groups": FRAME["firm"]}))
    assert list(labels) == ["cluster groups=..."]
    assert isinstance(res.covariance("HC1"), pd.DataFrame)
    assert list(res.covariances(["HC1"])[0].columns) == list(res.params.index)


@pytest.mark.parametrize(
    ("told", "meant"),
    [("DK", "hac-groupsum"), ("clustered", "cluster"), ("newey-west", "HAC"), ("robust", "HC1")],
)
def test_what_other_programs_call_it_is_guessed(told: str, meant: str) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(ValueError, match=f"not recognized; did you mean '{meant}'"):
        model.fit(cov_type=told)


@pytest.mark.parametrize("no", [False, np.False_, 0])
def test_flags_of_any_kind(no: Any) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    kinds = {"groups": "firm", "df_correction": no, "use_correction": no}
    found = model.fit(cov_type="cluster", cov_kwds=kinds, use_t=True)
    expected = model.fit(
        cov_type="cluster",
        cov_kwds={"groups": "firm", "df_correction": False, "use_correction": False},
        use_t=True,
    )
    assert_allclose(found.pvalues, expected.pvalues, rtol=0)
