"""Tests of hypotheses where the rank is short, against models of full rank with the same means."""

from __future__ import annotations

import pickle
import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from results.test_anova import NAMES, Oracle, frame, short_fit
from statsmodels.tools.sm_exceptions import SingularMatrixWarning
from tolerances import ITERATED, SOLVED, SUMS, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError, EstimabilityWarning

CELLS = "one cell"
INVERTED = 1e-8  # looser than SOLVED: a Wald statistic inverts a covariance, x is far from zero
LEVELS = {"p": 0.5, "q": 1.0, "r": 1.5, "s": 0.8}


@cache
def counts(name: str = CELLS) -> pd.DataFrame:
    d = frame(name)
    means = np.exp(d.a.map(LEVELS) + 0.3 * (d.b == "v"))
    return d.assign(n=np.random.default_rng(5).poisson(means).astype(float))


@cache
def glm_fit(formula: str, name: str = CELLS, cov_type: str = "nonrobust") -> Any:
    source = smo.as_source(counts(name), chunk_rows=17)
    model = smof.glm(formula, source, family=sm.families.Poisson())
    with pytest.warns(SingularMatrixWarning):
        return model.fit(cov_type=cov_type)


def still(formula: str, d: pd.DataFrame, **fit: Any) -> Any:
    """A fit in memory, iterated until it stands still."""
    model = smf.glm(formula, d, family=sm.families.Poisson())
    return model.fit(tol_criterion="params", tol=1e-15, rtol=1e-12, **fit)


def interaction() -> tuple[list[str], np.ndarray]:
    """The cells that there are, and what of their means is orthogonal to additive ones."""
    d = frame(CELLS)
    cells = sorted((d.a + d.b).unique())
    additive = [[1.0] * len(cells)]
    additive += [[float(cell[0] == a) for cell in cells] for a in "pqrs"]
    additive += [[float(cell[1] == b) for cell in cells] for b in "uvw"]
    u, s, _ = np.linalg.svd(np.transpose(additive))
    return cells, u[:, np.count_nonzero(s > 1e-9) :].T


# --- terms


@pytest.mark.parametrize("weighted", [False, True], ids=["ols", "wls"])
@pytest.mark.parametrize("name", NAMES)
def test_terms_compare_models(name: str, weighted: bool) -> None:
    res, oracle = short_fit(name, weighted=weighted), Oracle(name, weighted=weighted)
    ssr, rank = oracle.fit(oracle.info.terms)
    mse = ssr / (len(oracle.y) - rank)
    table = res.wald_test_terms().table
    for term, (sum_sq, df) in oracle.table(3).items():
        assert table.loc[term, "df_constraint"] == df
        if df == 0:
            assert np.isnan(table.loc[term, "statistic"])
            assert np.isnan(table.loc[term, "pvalue"])
        else:
            rounding = SUMS * (oracle.y @ oracle.y)  # of the oracle's difference
            assert_allclose(
                table.loc[term, "statistic"] * df * mse, sum_sq, rtol=INVERTED, atol=rounding
            )


def test_terms_of_a_glm() -> None:
    cells, contrasts = interaction()
    means = still("n ~ 0 + cell", counts().assign(cell=lambda d: d.a + d.b))
    expected = means.wald_test(contrasts, scalar=True)
    row = glm_fit("n ~ a * b").wald_test_terms().table.loc["a:b"]
    assert row["df_constraint"] == len(contrasts) == len(cells) - 6
    assert_allclose(row["statistic"], expected.statistic, rtol=ITERATED)
    assert_allclose(row["pvalue"], expected.pvalue, rtol=ITERATED)


def test_terms_of_a_glm_with_a_column_twice() -> None:
    name = "a column twice"
    table = glm_fit("n ~ x + a + x2", name).wald_test_terms().table
    theirs = still("n ~ x + a", counts(name)).wald_test_terms(scalar=True).table
    assert table["df_constraint"].to_dict() == {"Intercept": 0, "a": 3, "x": 0, "x2": 0}
    assert_allclose(table.loc["a", "statistic"], theirs.loc["a", "statistic"], rtol=ITERATED)


def test_combined_terms() -> None:
    table = short_fit("a column twice").wald_test_terms(combine_terms=["x"]).table
    theirs = smf.ols("y ~ x + a + z", frame("a column twice")).fit()
    assert table.loc["x2", "df_constraint"] == 0
    assert table.iloc[-1]["df_constraint"] == 1  # x and x2 together
    assert_allclose(table.iloc[-1]["statistic"], theirs.f_test("x = 0").fvalue, rtol=INVERTED)


@pytest.mark.parametrize("make", [lambda: short_fit(CELLS), lambda: glm_fit("n ~ a * b")])
def test_terms_do_not_warn(make: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make().wald_test_terms()


# --- hypotheses


def simple() -> tuple[Any, Any, list[str]]:
    """Three dummies and a constant; a fit of full rank with the same means."""
    d = frame("a dummy trap").assign(k=lambda d: (d.b == "w") * 1.0, l=lambda d: (d.b == "v") * 1.0)
    with pytest.warns(SingularMatrixWarning):
        ours = smof.ols("y ~ u + l + k + x", smo.as_source(d, chunk_rows=17)).fit()
    return ours, smf.ols("y ~ 0 + u + l + k + x", d).fit(), list(ours.params.index)


def test_an_estimable_hypothesis_is_tested_without_a_word() -> None:
    ours, theirs, _ = simple()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for test in ("u = l", "u = l, l = k", "u = l, l = k, u = k", "u - l = 0.5, l - k = 2"):
            found, expected = ours.f_test(test), theirs.f_test(test.replace(", u = k", ""))
            assert found.df_num == expected.df_num
            assert_allclose(found.fvalue, expected.fvalue, rtol=INVERTED)
            assert_allclose(found.pvalue, expected.pvalue, rtol=INVERTED)


def test_the_estimable_part_is_tested() -> None:
    ours, theirs, _ = simple()
    with pytest.warns(EstimabilityWarning, match="1 of 4 independent restrictions") as caught:
        found = ours.f_test("u = 0, l = 0, k = 0, x = 0.3")
    assert caught[0].filename == __file__
    assert "smo.anova_lm" in str(caught[0].message)
    expected = theirs.f_test("u = l, l = k, x = 0.3")
    assert found.df_num == 3
    assert_allclose(found.fvalue, expected.fvalue, rtol=SOLVED)
    assert_allclose(found.pvalue, expected.pvalue, rtol=TAILS)


@pytest.mark.parametrize("use_f", [True, False])
@pytest.mark.parametrize("scalar", [True, False])
def test_values_of_the_estimable_part(scalar: bool, use_f: bool) -> None:
    ours, theirs, names = simple()
    matrix = np.eye(len(names))[1:4]
    with pytest.warns(EstimabilityWarning, match="1 of 3"):
        found = ours.wald_test((matrix, [3.0, 1.0, 2.0]), use_f=use_f, scalar=scalar)
    expected = theirs.wald_test("u - l = 2, k - l = 1", use_f=use_f, scalar=scalar)
    assert_allclose(found.statistic, expected.statistic, rtol=SOLVED)
    assert_allclose(found.pvalue, expected.pvalue, rtol=TAILS)
    assert np.shape(found.statistic) == np.shape(expected.statistic)


@pytest.mark.parametrize("kind", ["HC0", "HC3"])
def test_a_covariance_in_place_of_its_own(kind: str) -> None:
    ours, theirs, _ = simple()
    with pytest.warns(EstimabilityWarning):
        found = ours.f_test("u = 0, l = 0, k = 0", cov_p=getattr(ours, f"cov_{kind}"))
    expected = theirs.f_test("u = l, l = k", cov_p=getattr(theirs, f"cov_{kind}"))
    assert_allclose(found.fvalue, expected.fvalue, rtol=SOLVED)


@pytest.mark.parametrize("use_f", [True, False])
@pytest.mark.parametrize("scalar", [True, False])
def test_nothing_estimable_gives_no_number(scalar: bool, use_f: bool) -> None:
    ours, _, _ = simple()
    with pytest.warns(EstimabilityWarning, match="1 of 1"):
        found = ours.wald_test("u = 0", use_f=use_f, scalar=scalar)
    assert np.isnan(found.statistic).all()
    assert np.isnan(found.pvalue).all()
    assert (found.df_num if use_f else found.df_denom) == 0


def test_contradictions_are_refused() -> None:
    ours, _, names = simple()
    matrix = np.eye(len(names))[[1, 1]]
    with pytest.raises(DesignError, match="contradict"):
        ours.wald_test((matrix, [0.0, 1.0]))


def test_an_inverse_covariance_of_lost_rows_is_refused() -> None:
    ours, _, names = simple()
    with pytest.raises(DesignError, match="cov_p"):
        ours.wald_test(np.eye(len(names))[1:3], invcov=np.eye(2))
    known = np.array([[0.0, 1, -1, 0, 0]])
    found = ours.wald_test(known, invcov=np.eye(1), use_f=False)
    assert_allclose(found.statistic, (ours.params["u"] - ours.params["l"]) ** 2, rtol=SOLVED)


def test_a_glm_tests_the_estimable_part() -> None:
    d = counts().assign(k=lambda d: (d.b == "w") * 1.0, l=lambda d: (d.b == "v") * 1.0)
    model = smof.glm("n ~ u + l + k", smo.as_source(d, chunk_rows=17), family=sm.families.Poisson())
    with pytest.warns(SingularMatrixWarning):
        ours = model.fit()
    theirs = still("n ~ 0 + u + l + k", d)
    with pytest.warns(EstimabilityWarning, match="1 of 3"):
        found = ours.wald_test("u = 0, l = 0, k = 0")
    expected = theirs.wald_test("u = l, l = k", scalar=True)
    assert found.df_denom == 2
    assert_allclose(found.statistic, expected.statistic, rtol=ITERATED)
    with pytest.warns(EstimabilityWarning):
        ours.t_test("u = 0")
    loaded = pickle.loads(pickle.dumps(ours))
    assert_allclose(loaded.f_test("u = l, l = k").fvalue, expected.statistic / 2, rtol=ITERATED)


# --- one row at a time


def test_t_of_an_estimable_row() -> None:
    ours, theirs, _ = simple()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, expected = ours.t_test("u = l, x = 0.3"), theirs.t_test("u = l, x = 0.3")
    assert_allclose(found.tvalue, expected.tvalue, rtol=SOLVED)
    assert_allclose(found.pvalue, expected.pvalue, rtol=TAILS)


def test_t_of_a_row_that_is_not_estimable() -> None:
    ours, _, _ = simple()
    with pytest.warns(EstimabilityWarning, match="2 of 3 hypotheses .* number 1,") as caught:
        found = ours.t_test("u = l, u = 0, l + k = 0")
    assert caught[0].filename == __file__
    assert_allclose(found.effect[1], ours.params["u"], rtol=SOLVED)


def test_pairs_of_levels() -> None:
    ours = short_fit("two islands")
    with pytest.warns(EstimabilityWarning):
        ours.t_test_pairwise("a")


# --- covariances and score tests


def test_robust_tests_of_a_glm() -> None:
    _, contrasts = interaction()
    means = still("n ~ 0 + cell", counts().assign(cell=lambda d: d.a + d.b), cov_type="HC0")
    expected = means.wald_test(contrasts, scalar=True)
    row = glm_fit("n ~ a * b", cov_type="HC0").wald_test_terms().table.loc["a:b"]
    assert row["df_constraint"] == len(contrasts)
    assert_allclose(row["statistic"], expected.statistic, rtol=ITERATED)


@pytest.mark.parametrize("observed", [True, False])
def test_leverages_of_a_glm_add_up_to_its_rank(observed: bool) -> None:
    res = glm_fit("n ~ a * b")
    total = np.asarray(res.get_hat_matrix_diag(observed=observed)).sum()
    assert_allclose(total, res.model.df_model + 1, rtol=ITERATED)


@pytest.mark.parametrize("cov_type", ["nonrobust", "HC0"])
def test_compare_lm_test(cov_type: str) -> None:
    d = frame(CELLS)
    source = smo.as_source(d, chunk_rows=17)
    with pytest.warns(SingularMatrixWarning):
        full = smof.ols("y ~ a * b + x", source).fit(cov_type=cov_type)
    small = smof.ols("y ~ a + b + x", source).fit(cov_type=cov_type)
    cells = pd.get_dummies(d.a + d.b, dtype=float).assign(x=d.x)
    means = sm.OLS(d.y, cells).fit(cov_type=cov_type)
    theirs = smf.ols("y ~ a + b + x", d).fit(cov_type=cov_type)
    scores = cells.to_numpy() * theirs.resid.to_numpy()[:, None]
    mean = scores.mean(axis=0)
    if cov_type == "nonrobust":
        cov = theirs.ssr / len(d) * cells.T.to_numpy() @ cells.to_numpy() / len(d)
    else:
        cov = scores.T @ scores / len(d) - np.outer(mean, mean)
    statistic, _, df = full.compare_lm_test(small)
    assert df == means.df_model - theirs.df_model
    assert_allclose(statistic, len(d) * mean @ np.linalg.solve(cov, mean), rtol=INVERTED)


@pytest.mark.parametrize("cov_type", ["HC0", "HC3"])
@pytest.mark.parametrize(
    ("short", "full"), [("y ~ u + v + x", "y ~ v + x"), ("y ~ x + a + x2", "y ~ x + a")]
)
def test_the_f_test_of_all_slopes(short: str, full: str, cov_type: str) -> None:
    """In memory it is a thousand times too large: rounding passes for a direction."""
    d = frame(CELLS)
    theirs = smf.ols(full, d).fit(cov_type=cov_type)
    with pytest.warns(SingularMatrixWarning):
        ours = smof.ols(short, smo.as_source(d, chunk_rows=17)).fit(cov_type=cov_type)
    assert_allclose(ours.fvalue, theirs.fvalue, rtol=INVERTED)
    assert_allclose(ours.f_pvalue, theirs.f_pvalue, rtol=10 * INVERTED)
