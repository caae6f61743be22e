"""Analysis of variance of models whose rank is short, against fits in memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal
from patsy import dmatrices
from scipy import stats
from statsmodels.stats.anova import anova_lm as by_columns
from statsmodels.tools.sm_exceptions import SingularMatrixWarning
from tolerances import SOLVED, SUMS, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError, EstimabilityWarning, LeverageWarning, OptionError

N = 90
Cells = Callable[[pd.DataFrame], Any]


@cache
def frame(name: str) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    d = pd.DataFrame(
        {
            "a": rng.choice(list("pqrs"), N),
            "b": rng.choice(list("uvw"), N),
            "x": 50 + rng.normal(size=N),
            "z": 1e-3 * rng.normal(size=N),
            "w": rng.uniform(0.2, 5, N),
        }
    )
    d = d[~EMPTY.get(name, lambda d: d.a == "none")(d)].reset_index(drop=True)
    d["x2"] = 3 * d.x - 7
    d["u"], d["v"] = (d.b == "u") * 1.0, (d.b != "u") * 1.0
    shift = d.a.map(dict(zip("pqrs", [0, 1, -1, 2], strict=True)))
    d["y"] = shift * (1 + (d.b == "v")) + 0.3 * d.x + rng.normal(size=len(d)) * (1 + (d.a == "p"))
    return d


EMPTY: dict[str, Cells] = {
    "one cell": lambda d: (d.a == "q") & (d.b == "u"),
    "two cells": lambda d: (d.a == "q") & (d.b != "v"),
    "many cells": lambda d: (d.a.isin(["q", "r"])) & (d.b != "v") | (d.a == "s") & (d.b == "w"),
    "two islands": lambda d: d.a.isin(["p", "q"]) == (d.b == "w"),
    "nested": lambda d: d.a.isin(["p", "q"]) == (d.b == "w"),
    "with a slope": lambda d: (d.a == "q") & (d.b == "u"),
    "slopes in cells": lambda d: (d.a == "q") & (d.b != "v"),
    "sum coded": lambda d: (d.a == "s") & (d.b == "u"),
}
FORMULAS = {
    "one cell": "y ~ a * b",
    "two cells": "y ~ a * b",
    "many cells": "y ~ C(a) * C(b)",
    "two islands": "y ~ a + b",
    "nested": "y ~ C(a) + C(a):C(b)",
    "with a slope": "y ~ x + a * b + a:x",
    "slopes in cells": "y ~ a * b * x",
    "sum coded": "y ~ C(a, Sum) * C(b, Sum)",
    "a column twice": "y ~ x + a + x2 + z",
    "a column twice, in an interaction": "y ~ x2 * a + x:a + z",
    "a dummy trap": "y ~ u + v + x + b:x",
    "no constant": "y ~ 0 + u + v + b + x",
}
NAMES = list(FORMULAS)


@cache
def short_fit(name: str, *, weighted: bool = False) -> Any:
    source = smo.as_source(frame(name), chunk_rows=17)
    if weighted:
        model = smof.wls(FORMULAS[name], source, weights="w")
    else:
        model = smof.ols(FORMULAS[name], source)
    with pytest.warns(SingularMatrixWarning):
        return model.fit()


# --- the oracle: residual sums of squares and ranks of designs in memory


class Oracle:
    """Sub-models of a formula, each fitted by itself."""

    def __init__(self, name: str, *, weighted: bool) -> None:
        y, x = dmatrices(FORMULAS[name], frame(name))
        self.info = x.design_info
        root = np.sqrt(frame(name)["w"].to_numpy()) if weighted else np.ones(len(y))
        self.y, self.x = np.asarray(y).ravel() * root, np.asarray(x) * root[:, None]

    def fit(self, terms: list[Any]) -> tuple[float, int]:
        columns = [c for t in terms for c in range(self.x.shape[1])[self.info.slice(t)]]
        if not columns:
            return float(self.y @ self.y), 0
        x = self.x[:, columns] / np.maximum(np.linalg.norm(self.x[:, columns], axis=0), 1e-300)
        beta, _, rank, _ = np.linalg.lstsq(x, self.y, rcond=1e-11)
        gap = self.y - x @ beta
        return float(gap @ gap), int(rank)

    def table(self, typ: int) -> dict[str, tuple[float, int]]:
        found, terms = {}, list(self.info.terms)
        for i, term in enumerate(terms):
            if not term.factors and typ != 3:
                continue
            base = [t for t in terms if t != term]
            if typ == 1:
                base = terms[:i]
            if typ == 2:
                base = [t for t in base if not set(term.factors) < set(t.factors)]
            (ssr0, rank0), (ssr1, rank1) = self.fit(base), self.fit([*base, term])
            found[term.name()] = ssr0 - ssr1, rank1 - rank0
        return found


@pytest.mark.parametrize("typ", [1, 2, 3])
@pytest.mark.parametrize("weighted", [False, True], ids=["ols", "wls"])
@pytest.mark.parametrize("name", NAMES)
def test_table(name: str, weighted: bool, typ: int) -> None:
    res, oracle = short_fit(name, weighted=weighted), Oracle(name, weighted=weighted)
    expected = oracle.table(typ)
    ssr, rank = oracle.fit(oracle.info.terms)
    df_resid = len(oracle.y) - rank
    found = smo.anova_lm(res, typ=typ)
    assert list(found.index) == [*expected, "Residual"]
    assert found["df"].tolist() == [*(df for _, df in expected.values()), df_resid]
    # The oracle's are differences of sums of squares, and as exact as those.
    sums = np.array([ss for ss, _ in expected.values()])
    assert_allclose(found["sum_sq"][:-1], sums, rtol=SOLVED, atol=SUMS * (oracle.y @ oracle.y))
    assert_allclose(found["sum_sq"].iloc[-1], ssr, rtol=SOLVED)
    rows = found[:-1][found["df"][:-1] > 0]
    f = rows["sum_sq"] / rows["df"] / (ssr / df_resid)
    assert_allclose(rows["F"], f, rtol=SOLVED)
    assert_allclose(rows["PR(>F)"], stats.f.sf(f, rows["df"], df_resid), rtol=TAILS)
    nothing = found[found["df"] == 0]
    assert (nothing["sum_sq"] == 0).all()
    assert nothing[["F", "PR(>F)"]].isna().all(axis=None)


@pytest.mark.parametrize("name", NAMES)
def test_cases_are_short_of_rank(name: str) -> None:
    assert short_fit(name).model.rank < len(short_fit(name).params)


def four_by_two() -> pd.DataFrame:
    cells = [(a, b) for a in range(4) for b in range(2) if (a, b) != (2, 1)]
    d = pd.DataFrame([cell for cell in cells for _ in range(5)], columns=["a", "b"])
    d["y"] = np.sin(np.arange(len(d))) + d.a * (1 + d.b) + 2.0 * d.b
    return d


FOUR_BY_TWO = {  # sums of squares of np.linalg.lstsq; counted in columns, the interaction has 3
    1: ([114.303804035616, 78.891559702651, 11.423659821747], [3, 1, 2]),
    2: ([110.567617837490, 78.891559702651, 11.423659821747], [3, 1, 2]),
    3: ([0.257684011148, 26.331753064830, 9.379995395914, 11.423659821747], [1, 3, 1, 2]),
}


@pytest.mark.parametrize("typ", FOUR_BY_TWO)
def test_a_four_by_two_table_without_a_cell(typ: int) -> None:
    with pytest.warns(SingularMatrixWarning):
        res = smof.ols("y ~ C(a) * C(b)", smo.as_source(four_by_two(), chunk_rows=4)).fit()
    found, (sums, df) = smo.anova_lm(res, typ=typ), FOUR_BY_TWO[typ]
    assert found["df"].tolist() == [*df, 28]
    assert_allclose(found["sum_sq"], [*sums, 16.134261966127], rtol=SOLVED)


# --- as statsmodels, where statsmodels is right


@pytest.mark.parametrize("robust", [None, "hc0", "hc1", "HC2", "hc3"])
@pytest.mark.parametrize("typ", [1, "II", 3])
def test_full_rank_is_statsmodels(typ: Any, robust: str | None) -> None:
    d, formula = frame("full"), "y ~ x + a * b"
    if typ == 1 and robust:
        pytest.skip("type 1 has no robust table")
    ours = smo.anova_lm(
        smof.ols(formula, smo.as_source(d, chunk_rows=17)).fit(), typ=typ, robust=robust
    )
    theirs = by_columns(smf.ols(formula, d).fit(), typ=typ, robust=robust)
    assert_frame_equal(ours, theirs, rtol=TAILS)
    assert_frame_equal(
        smo.anova_lm(smf.ols(formula, d).fit(), typ=typ, robust=robust), theirs, rtol=TAILS
    )


@pytest.mark.parametrize("robust", [None, "hc0", "hc3"])
@pytest.mark.parametrize("typ", [1, 2, 3])
def test_a_short_table_has_the_form_of_a_full_one(typ: int, robust: str | None) -> None:
    robust = None if typ == 1 else robust
    full = by_columns(smf.ols("y ~ a * b", frame("full")).fit(), typ=typ, robust=robust)
    short = smo.anova_lm(short_fit("one cell"), typ=typ, robust=robust)
    assert list(short.columns) == list(full.columns)
    assert list(short.index) == list(full.index)
    assert (short.dtypes == full.dtypes).all()


@pytest.mark.parametrize("weighted", [False, True], ids=["ols", "wls"])
@pytest.mark.parametrize("typ", [1, 2, 3])
@pytest.mark.parametrize("name", ["one cell", "nested", "a dummy trap"])
def test_results_in_memory(name: str, typ: int, weighted: bool) -> None:
    d = frame(name)
    with pytest.warns(SingularMatrixWarning):
        theirs = (
            smf.wls(FORMULAS[name], d, weights=d.w) if weighted else smf.ols(FORMULAS[name], d)
        ).fit()
    ours = short_fit(name, weighted=weighted)
    assert_frame_equal(
        smo.anova_lm(theirs, typ=typ), smo.anova_lm(ours, typ=typ), rtol=TAILS, atol=SUMS
    )


def test_several_models_of_short_rank() -> None:
    source = smo.as_source(frame("many cells"), chunk_rows=17)
    full = short_fit("many cells")
    small = smof.ols("y ~ C(a) + C(b)", source).fit()
    oracle = Oracle("many cells", weighted=False)
    ssr, rank = oracle.fit(oracle.info.terms)
    ssr0, rank0 = oracle.fit(oracle.info.terms[:-1])
    for table in (smo.anova_lm(small, full), by_columns(small, full)):
        assert table["df_diff"].iloc[1] == rank - rank0
        assert_allclose(table["ss_diff"].iloc[1], ssr0 - ssr, rtol=SOLVED)
        f = (ssr0 - ssr) / (rank - rank0) / (ssr / (len(oracle.y) - rank))
        assert_allclose(table["F"].iloc[1], f, rtol=SOLVED)


# --- robust tests: those of the same means in a parametrisation of full rank


def cell_means(name: str) -> Any:
    """A fit of the means of the cells that there are."""
    d = frame(name)
    x = pd.get_dummies(d.a + d.b, dtype=float)
    return x.columns, sm.OLS(d.y, x).fit()


@pytest.mark.parametrize("robust", ["hc0", "hc1", "hc2", "hc3"])
@pytest.mark.parametrize("name", ["one cell", "two cells", "many cells"])
@pytest.mark.parametrize("typ", [2, 3])
def test_robust_interaction(name: str, robust: str, typ: int) -> None:
    """The interaction is whatever of the cell means is orthogonal to additive ones."""
    cells, means = cell_means(name)
    additive = np.column_stack(
        [np.ones(len(cells))]
        + [[cell[0] == a for cell in cells] for a in "pqrs"]
        + [[cell[1] == b for cell in cells] for b in "uvw"]
    ).astype(float)
    u, s, _ = np.linalg.svd(additive)
    contrasts = u[:, np.count_nonzero(s > 1e-9) :].T
    expected = means.f_test(contrasts, cov_p=getattr(means, f"cov_{robust.upper()}"))
    row = smo.anova_lm(short_fit(name), typ=typ, robust=robust).iloc[-2]
    assert row["df"] == len(contrasts)
    assert_allclose(row["F"], expected.fvalue, rtol=SOLVED)
    assert_allclose(row["PR(>F)"], expected.pvalue, rtol=TAILS)
    assert_allclose(row["sum_sq"], expected.fvalue * len(contrasts) * means.mse_resid, rtol=SOLVED)


@pytest.mark.parametrize("robust", ["hc0", "hc3"])
@pytest.mark.parametrize("typ", [2, 3])
@pytest.mark.parametrize("name", ["a column twice", "a dummy trap"])
def test_robust_tables_have_the_degrees_of_freedom_of_the_others(
    name: str, typ: int, robust: str
) -> None:
    res = short_fit(name)
    plain, found = (smo.anova_lm(res, typ=typ, robust=kind) for kind in (None, robust))
    assert found["df"].tolist() == plain["df"].tolist()


def test_robust_table_of_an_aliased_column() -> None:
    """Left out, the column changes nothing for the others."""
    d = frame("a column twice")
    theirs = by_columns(smf.ols("y ~ x + a + z", d).fit(), typ=2, robust="hc3")
    ours = smo.anova_lm(short_fit("a column twice"), typ=2, robust="hc3")
    assert ours.loc["x2", "df"] == ours.loc["x", "df"] == 0
    assert_frame_equal(ours.loc[["a", "z"]], theirs.loc[["a", "z"]], rtol=TAILS)


@pytest.mark.parametrize("robust", ["hc0", "hc3"])
def test_the_uncorrelated_part_is_statsmodels_type_2(robust: str) -> None:
    """With a column twice in a model that has full rank without it."""
    d = frame("one cell").assign(x2=lambda d: 2 * d.x)
    d = d[d.a != "q"]
    with pytest.warns(SingularMatrixWarning):
        res = smof.ols("y ~ a * b + x + x2", smo.as_source(d, chunk_rows=17)).fit()
    theirs = by_columns(smf.ols("y ~ a * b + x", d).fit(), typ=2, robust=robust)
    ours = smo.anova_lm(res, typ=2, robust=robust)
    same = ["a", "b", "a:b"]
    assert_frame_equal(ours.loc[same], theirs.loc[same], rtol=TAILS)


def test_robust_tables_warn_of_leverage_one() -> None:
    d = frame("one cell").copy()
    cell = d[(d.a == "p") & (d.b == "v")]
    d = d.drop(cell.index[1:])
    with pytest.warns(SingularMatrixWarning):
        res = smof.ols("y ~ a * b", smo.as_source(d, chunk_rows=17)).fit()
    with pytest.warns(LeverageWarning) as caught:
        smo.anova_lm(res, typ=3, robust="hc3")
    assert caught[0].filename == __file__


# --- no pass; statsmodels' own function is never silently wrong


def test_no_pass_is_made() -> None:
    res = short_fit("one cell")
    before = len(res.passes)
    for typ in (1, 2, 3):
        smo.anova_lm(res, typ=typ)
    assert len(res.passes) == before


def test_statsmodels_function_refuses_type_1() -> None:
    with pytest.raises(DesignError, match=r"smo\.anova_lm"):
        by_columns(short_fit("one cell"))


@pytest.mark.parametrize("typ", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_statsmodels_function_is_right_or_warns(name: str, typ: int) -> None:
    res = short_fit(name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        theirs = by_columns(res, typ=typ)
    told = [w for w in caught if w.category is EstimabilityWarning]
    assert all("smo.anova_lm" in str(w.message) for w in told)
    assert {w.filename for w in told} <= {__file__}
    if not told:
        assert_frame_equal(theirs, smo.anova_lm(res, typ=typ), rtol=TAILS)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"typ": 4}, "typ=4"),
        ({"typ": [2]}, r"typ=\[2\]"),
        ({"robust": 3, "typ": 2}, "robust=3"),
        ({"test": "Chisq"}, "Chisq"),
        ({"robust": "hc9", "typ": 2}, "hc9"),
        ({"robust": "hc3"}, "types 2 and 3"),
    ],
)
def test_options_that_would_not_be_used_are_refused(options: Any, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        smo.anova_lm(short_fit("one cell"), **options)


def test_several_models_have_no_type_2() -> None:
    with pytest.raises(OptionError, match="one model"):
        smo.anova_lm(short_fit("one cell"), short_fit("one cell"), typ=2)


def test_what_is_not_linear_is_refused() -> None:
    res = smf.glm("y ~ x", frame("full")).fit()
    with pytest.raises(DesignError, match="wald_test_terms"):
        smo.anova_lm(res)


def test_a_model_without_a_formula_is_refused() -> None:
    d = frame("full")
    x = np.column_stack((np.ones(len(d)), d.x, d.x))
    with pytest.warns(SingularMatrixWarning):
        short = sm.OLS(d.y.to_numpy(), x).fit()
    for res in (short, sm.OLS(d.y.to_numpy(), x[:, :2]).fit()):
        with pytest.raises(DesignError, match="formula"):
            smo.anova_lm(res)
