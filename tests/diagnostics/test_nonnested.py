"""Comparisons of models that are not nested, against statsmodels'."""

from __future__ import annotations

from functools import cache
from typing import Any

import dask.dataframe as dd
import numpy as np  # noqa: F401  # in formulas
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from covering import turns
from diagnostics.fits import assert_close, passes
from models.pairs import FRAME, Pair
from statsmodels.stats import diagnostic as sd

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import diagnostics as dg
from statsmodels_ooc.errors import DesignError

DATA = FRAME[FRAME["m"].notna()].reset_index(drop=True)
CASES = {
    "no column in common but the constant": ("y ~ a", "y ~ b"),
    "columns in common": ("y ~ a + C(g)", "y ~ C(g) + b + h"),
    "without a constant": ("y ~ 0 + a + b", "y ~ 0 + b + I(a ** 2)"),
    "far from zero": ("y ~ I(a + 1e3) + b", "y ~ np.exp(a) + I(b + 1e3)"),
}


@cache
def fitted(formula: str, chunk: int, weights: str | None = None) -> Pair:
    source = smo.as_source(DATA, chunk_rows=chunk)
    if weights is None:
        return Pair(smof.ols(formula, source).fit(), smf.ols(formula, DATA).fit())
    ours = smof.wls(formula, source, weights=weights).fit()
    return Pair(ours, smf.wls(formula, DATA, weights=DATA[weights]).fit())


def two(case: str, chunk: int, weights: str | None = None) -> tuple[Pair, Pair]:
    x, z = (fitted(formula, chunk, weights) for formula in CASES[case])
    return x, z


@pytest.mark.parametrize(("case", "chunk"), list(zip(CASES, (7, 1, 7, 1), strict=True)))
def test_cox(case: str, chunk: int) -> None:
    for x, z in (two(case, chunk), two(case, chunk)[::-1]):
        found = dg.compare_cox(x.ours, z.ours, store=True)
        wanted = sd.compare_cox(x.theirs, z.theirs, store=True)
        assert_close(found[:2], wanted[:2])
        kept, theirs = found.res_store, wanted.res_store
        assert_close([kept.c01, kept.v01], [theirs.c01, theirs.v01])


def test_cox_of_weighted_rows_is_that_of_whitened_ones() -> None:
    x, z = two("columns in common", 7, "w")
    found = dg.compare_cox(x.ours, z.ours, result_object=False)
    white = [sm.OLS(p.theirs.model.wendog, p.theirs.model.wexog).fit() for p in (x, z)]
    assert_close(found, sd.compare_cox(*white, result_object=False))


@pytest.mark.parametrize(("case", "weights", "chunk"), turns((7, 1), CASES, (None, "w")))
def test_j(case: str, chunk: int, weights: str | None) -> None:
    for x, z in (two(case, chunk, weights), two(case, chunk, weights)[::-1]):
        found = dg.compare_j(x.ours, z.ours, store=True)
        wanted = sd.compare_j(x.theirs, z.theirs, store=True)
        assert_close(found[:2], wanted[:2])
        assert_close(found.res_store.res_zx.ssr, wanted.res_store.res_zx.ssr)


@pytest.mark.parametrize(
    ("case", "cov_type", "chunk"),
    turns((7, 1), CASES, ("nonrobust", "HC0", "HC1", "HC2", "HC3")),
)
def test_encompassing(case: str, chunk: int, cov_type: str) -> None:
    x, z = two(case, chunk)
    found = dg.compare_encompassing(x.ours, z.ours, cov_type)
    if case == "far from zero":  # statsmodels does not see there which columns are shared
        x, z = (fitted(formula, chunk) for formula in ("y ~ a + b", "y ~ np.exp(a) + b"))
    wanted = sd.compare_encompassing(x.theirs, z.theirs, cov_type)
    assert_close(found, wanted, 1e-6 if case == "far from zero" else 1e-8)
    assert list(found.index) == list(wanted.index)
    assert (found.dtypes == wanted.dtypes).all()


def test_passes_are_counted() -> None:
    source = smo.as_source(DATA, chunk_rows=7)
    x, z = (smof.ols(formula, source).fit() for formula in ("y ~ a", "y ~ b"))
    with passes(x) as made:
        for _ in range(2):
            dg.compare_j(x, z, result_object=True)
    assert made == ["compare_j"]
    with passes(x) as made:
        dg.compare_encompassing(x, z, "HC3")
        dg.compare_encompassing(x, z, "HC0")
        dg.compare_encompassing(x, z)
    assert made == ["compare_encompassing"] * 2


def test_models_of_different_sources() -> None:
    x, z = two("columns in common", 7)[0], two("columns in common", 1)[1]
    wanted = sd.compare_j(x.theirs, z.theirs, result_object=True)
    assert_close(dg.compare_j(x.ours, z.ours, result_object=True)[:2], wanted[:2])
    frame = smof.ols(CASES["columns in common"][1], dd.from_pandas(DATA, npartitions=3)).fit()
    assert_close(dg.compare_j(x.ours, frame, result_object=True)[:2], wanted[:2])


TESTS = [
    lambda x, z: dg.compare_cox(x, z, result_object=True),
    lambda x, z: dg.compare_j(x, z, result_object=True),
    dg.compare_encompassing,
]


@pytest.mark.parametrize("test", TESTS)
def test_what_cannot_be_compared(test: Any) -> None:
    x = fitted("y ~ a", 7).ours
    for formula in ("y ~ a + b", "y ~ 1"):
        nested = fitted(formula, 7).ours
        for pair in ((x, nested), (nested, x)):
            with pytest.raises(ValueError, match="are nested"):
                test(*pair)
    with pytest.raises(ValueError, match="endogenous variables in models are not the same"):
        test(x, fitted("I(y + 1) ~ b", 7).ours)
    with pytest.raises(DesignError, match="has 101 rows, the model has"):
        test(x, smof.ols("y ~ b", smo.as_source(FRAME, chunk_rows=7)).fit())
    with pytest.raises(NotImplementedError, match="those of one are in memory"):
        test(x, fitted("y ~ b", 7).theirs)
    with pytest.raises(NotImplementedError, match="those of one are in memory"):
        test(fitted("y ~ b", 7).theirs, x)


def test_other_weights() -> None:
    source = smo.as_source(DATA, chunk_rows=7)
    x = smof.wls("y ~ a", source, weights="w").fit()
    z = smof.wls("y ~ b", source, weights="w + 1").fit()
    with pytest.raises(ValueError, match="the weights of the models are not the same"):
        dg.compare_cox(x, z, result_object=True)


def test_in_memory_it_is_statsmodels() -> None:
    x, z = two("columns in common", 7)
    found = dg.compare_encompassing(x.theirs, z.theirs)
    assert found.equals(sd.compare_encompassing(x.theirs, z.theirs))
    for test, theirs in ((TESTS[0], sd.compare_cox), (TESTS[1], sd.compare_j)):
        wanted = theirs(x.theirs, z.theirs, result_object=True)
        assert test(x.theirs, z.theirs) == wanted
