"""Chosen terms of linear models, beside fits in memory of all formulas there are."""

from __future__ import annotations

import itertools
import pickle
import warnings
from functools import cache
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from models.pairs import CHUNK, FRAME
from numpy.testing import assert_allclose
from patsy import dmatrix
from tolerances import INVARIANT, SOLVED, SUMS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError, OptionError


def make_frame(n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(rng.normal(size=(n, 8)), columns=[f"x{i}" for i in range(8)])
    frame["x1"] += frame["x0"]
    for name, levels in (("g", "uvw"), ("h", "pq"), ("k", "abcde")):
        frame[name] = rng.choice(list(levels), n)
    frame["w"] = rng.uniform(0.5, 2, n)
    shift = frame["g"].map({"u": 0.0, "v": 0.5, "w": -0.4})
    frame["y"] = 3 + frame["x0"] / 2 - frame["x3"] / 4 + shift + frame["x5"] * shift
    frame["y"] += rng.normal(size=n)
    return frame


WIDE = make_frame()
TERMS = [*(f"x{i}" for i in range(8)), "C(g)", "h", "C(k)", "x5:C(g)"]
FORMULA = "y ~ " + " + ".join(TERMS)


@cache
def fitted(formula: str = FORMULA, weights: str | None = None) -> Any:
    source = smo.as_source(WIDE, chunk_rows=CHUNK)
    if weights is None:
        return smof.ols(formula, source).fit()
    return smof.wls(formula, source, weights=weights).fit()


def of(results: Any, criterion: str) -> float:
    if criterion == "cp":
        raise NotImplementedError
    if criterion == "rsquared_adj":
        return float(results.rsquared_adj)
    return float(results.info_criteria(criterion))


@cache
def all_subsets(weights: str | None) -> list[tuple[tuple[str, ...], int, float]]:
    """Terms, rank and sum of squares of each model that respects marginality."""
    root = np.ones(len(WIDE)) if weights is None else np.sqrt(WIDE[weights].to_numpy())
    design = dmatrix(FORMULA.partition("~")[2], WIDE)
    x, y = np.asarray(design) * root[:, None], WIDE["y"].to_numpy() * root
    found = []
    for bits in itertools.product([False, True], repeat=len(TERMS)):
        chosen = [term for term, is_in in zip(TERMS, bits, strict=True) if is_in]
        if "x5:C(g)" in chosen and not {"x5", "C(g)"} <= set(chosen):
            continue
        columns = [0]
        for term in chosen:
            columns += range(*design.design_info.term_name_slices[term].indices(x.shape[1]))
        _, ssr, rank, _ = np.linalg.lstsq(x[:, columns], y, rcond=None)
        found.append((tuple(sorted(chosen)), int(rank), float(ssr[0])))
    return found


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("criterion", ["bic", "aic", "aicc", "hqic", "rsquared_adj", "cp"])
def test_the_best_of_all_subsets(criterion: str, weights: str | None) -> None:
    res, n = fitted(weights=weights), len(WIDE)
    before = len(res.passes)
    choice = res.best_subset(criterion=criterion)
    subsets = all_subsets(weights)
    ssr, k = np.array([s for _, _, s in subsets]), np.array([r for _, r, _ in subsets])
    loss = {
        "aic": n * np.log(ssr) + 2 * k,
        "bic": n * np.log(ssr) + np.log(n) * k,
        "aicc": n * np.log(ssr) + 2 * k * n / (n - k - 1),
        "hqic": n * np.log(ssr) + 2 * np.log(np.log(n)) * k,
        "rsquared_adj": ssr / (n - k),
        "cp": ssr / (res.ssr / res.df_resid) + 2 * k,
    }[criterion]
    order = np.argsort(loss)[:5]
    assert len(choice.trail) == 5
    assert_allclose(choice.trail["ssr"], ssr[order], rtol=SOLVED)
    assert list(choice.trail["k"]) == list(k[order])
    assert tuple(sorted(set(choice.terms) - {"Intercept"})) == subsets[order[0]][0]
    assert len(res.passes) == before
    for rank, at in enumerate(order[:2], 1):
        formula = " + ".join(["1", *subsets[at][0]])
        options = {} if weights is None else {"weights": WIDE[weights]}
        fit = smf.ols if weights is None else smf.wls
        theirs = fit(f"y ~ {formula}", WIDE, **options).fit()
        if criterion == "cp":
            value = theirs.ssr / res.mse_resid - n + 2 * (theirs.df_model + 1)
        else:
            value = of(theirs, criterion)
        assert_allclose(choice.trail.loc[rank, criterion], value, rtol=SOLVED)
        if rank == 1:
            best = choice.best
            order_of = list(theirs.params.index)
            assert_allclose(best.params[order_of], theirs.params, rtol=INVARIANT)
            assert_allclose(best.llf, theirs.llf, rtol=SOLVED)


def test_most_terms_and_terms_that_stay() -> None:
    res = fitted()
    subsets = [s for s in all_subsets(None) if "h" in s[0] and len(s[0]) <= 3]
    bic = [len(WIDE) * np.log(ssr) + np.log(len(WIDE)) * k for _, k, ssr in subsets]
    found = res.best_subset(2, keep="h", n_best=1)
    assert set(found.terms) - {"Intercept"} == set(subsets[int(np.argmin(bic))][0])
    assert res.best_subset(0, n_best=3).terms == ("Intercept",)
    kept = res.best_subset(keep=["x5:C(g)"])
    assert {"x5", "C(g)", "x5:C(g)"} <= set(kept.terms)


def formulas(terms: list[str]) -> list[str]:
    subsets = (itertools.combinations(terms, size) for size in range(len(terms) + 1))
    return [" + ".join(["1", *chosen]) for each in subsets for chosen in each]


@pytest.mark.parametrize(
    "formula",
    [
        "x0 * C(g) + x3 + h",
        "C(g) * C(h) * x5",
        "C(g):h + C(g):C(k) + x0",  # columns of the second stand in the first
        "x5 * x0 * x3 + x2",
    ],
)
@pytest.mark.parametrize("hierarchical", [False, True])
def test_a_formula_of_the_terms_is_what_a_model_is(formula: str, hierarchical: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short ranks: columns of one term stand in others
        res = fitted(f"y ~ {formula}")
        info = dmatrix(formula, WIDE).design_info
        names = [name for name in info.term_names if name != "Intercept"]
        factors = {term.name(): {f.name() for f in term.factors} for term in info.terms}
        wanted = []
        for subset in formulas(names):
            chosen = subset.split(" + ")[1:]
            lower = [t for t in names if any(factors[t] < factors[c] for c in chosen)]
            if not hierarchical or set(lower) <= set(chosen):
                wanted.append(smf.ols(f"y ~ {subset}", WIDE).fit().bic)
        found = res.best_subset(hierarchical=hierarchical, n_best=1)
        assert_allclose(found.trail["bic"].iloc[0], min(wanted), rtol=SOLVED)
        assert_allclose(found.best.bic, min(wanted), rtol=SOLVED)


def test_no_intercept_and_short_ranks() -> None:
    frame = WIDE.assign(c=WIDE["x0"] + WIDE["x3"])
    source = smo.as_source(frame, chunk_rows=CHUNK)
    names = ["x0", "x3", "c", "g", "x2"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        res = smof.ols("y ~ 0 + x0 + x3 + c + g + x2", source).fit()
        wanted = [
            smf.ols(f"y ~ 0 + {' + '.join(chosen)}", frame).fit().aic
            for size in range(1, 6)
            for chosen in itertools.combinations(names, size)
        ]
        found = res.best_subset(criterion="aic", n_best=3)
        assert_allclose(found.trail["aic"], np.sort(wanted)[:3], rtol=SOLVED)
        assert_allclose(found.best.aic, min(wanted), rtol=SOLVED)
        assert_allclose(res.stepwise("forward").best.aic, min(wanted), rtol=SOLVED)


@pytest.mark.parametrize("direction", ["both", "forward", "backward"])
def test_steps(direction: Any) -> None:
    res = fitted()
    choice = res.stepwise(direction, "aic", keep=["x7"])
    assert choice.trail.index[0] == "start"
    best = choice.best
    assert_allclose(choice.trail["aic"].iloc[-1], best.aic, rtol=SOLVED)
    assert (np.diff(choice.trail["aic"]) < 0).all()
    assert "x7" in choice.terms
    signs = {step[0] for step in choice.trail.index[1:]}
    assert signs <= {"both": {"+", "-"}, "forward": {"+"}, "backward": {"-"}}[direction]
    for _, row in choice.trail.iterrows():
        theirs = smf.ols(f"y ~ {row['terms']}".replace("Intercept", "1"), WIDE).fit()
        assert_allclose([row["ssr"], row["aic"]], [theirs.ssr, theirs.aic], rtol=SOLVED)


def test_stepwise_by_hand() -> None:
    """One forward step and one backward step, as anybody would take them."""
    res = fitted()
    first = res.stepwise("forward", "bic").trail.index[1]
    mains = [term for term in TERMS if ":" not in term]
    alone = {term: smf.ols(f"y ~ {term}", WIDE).fit().bic for term in mains}
    assert first == f"+ {min(alone, key=alone.__getitem__)}"
    first = res.stepwise("backward", "bic").trail.index[1]
    free = [term for term in TERMS if term not in ("x5", "C(g)")]
    left = {t: smf.ols(f"{FORMULA} - {t}", WIDE).fit().bic for t in free}
    assert first == f"- {min(left, key=left.__getitem__)}"


def test_arrays_choose_among_columns() -> None:
    values = np.column_stack((WIDE[["x0", "x2"]], np.ones(len(WIDE)), WIDE[["x3", "x4"]]))
    lazy = [da.from_array(v, (CHUNK, -1)[: v.ndim]) for v in (WIDE["y"].to_numpy(), values)]
    res = smo.OLS(*lazy).fit()
    choice = res.best_subset(criterion="aic")
    theirs = smf.ols("y ~ x0 + x3", WIDE).fit()
    assert choice.terms == ("x1", "const", "x3")
    assert_allclose(choice.best.aic, theirs.aic, rtol=SOLVED)


def test_columns_far_from_zero() -> None:
    frame = WIDE.assign(far=WIDE["x0"] + 1e8, big=WIDE["y"] + 1e9)
    source = smo.as_source(frame, chunk_rows=CHUNK)
    res = smof.ols("big ~ far + x3 + x2 + C(g)", source).fit()
    near = smof.ols("y ~ x0 + x3 + x2 + C(g)", smo.as_source(WIDE, chunk_rows=CHUNK)).fit()
    found, wanted = (each.best_subset(n_best=16) for each in (res, near))
    terms = wanted.trail["terms"].str.replace("x0", "far")
    assert list(found.trail["terms"]) == list(terms)
    assert_allclose(found.trail["ssr"], wanted.trail["ssr"], rtol=1e-6)  # of numbers of 1e9


def test_one_row_chunks_and_dropped_rows() -> None:
    res = smof.ols("y ~ m + b + C(g) + h", smo.as_source(FRAME, chunk_rows=1)).fit()
    theirs = [
        smf.ols(f"y ~ {formula}", FRAME.dropna()).fit().bic
        for formula in formulas(["m", "b", "C(g)", "h"])
    ]
    assert_allclose(res.best_subset(n_best=16).trail["bic"], np.sort(theirs), rtol=SOLVED)


def test_how_a_choice_looks() -> None:
    choice = fitted().best_subset(n_best=2)
    assert repr(choice).startswith("best subset by bic: Intercept + ")
    assert "<table" in choice._repr_html_()
    assert "best subset by bic" in choice._repr_html_()
    again = pickle.loads(pickle.dumps(choice))
    assert_allclose(again.best.params, choice.best.params, rtol=SUMS)
    assert choice.best is choice.best
    assert choice.looked_at > 0
    assert repr(fitted().stepwise("backward")).startswith("stepwise (backward) by aic: ")


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda r: r.best_subset(criterion="r2"), OptionError, "it is one of aic, aicc"),
        (lambda r: r.best_subset(1.5), OptionError, "k_max=1.5; it is a whole number, 0 or more"),
        (lambda r: r.best_subset(n_best=0), OptionError, "n_best=0; it is a whole number, 1"),
        (lambda r: r.best_subset(keep=["z"]), DesignError, "the model has no term 'z'"),
        (lambda r: r.best_subset(keep=3), DesignError, "the model has no term 3"),
        (lambda r: r.stepwise(keep=[["x1"]]), DesignError, "the model has no term"),
        (lambda r: r.stepwise("up"), OptionError, "direction='up'"),
        (lambda r: r.stepwise(start="half"), OptionError, "start='half'"),
    ],
)
def test_what_is_refused(ask: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ask(fitted())


def test_a_model_without_residuals_is_refused() -> None:
    frame = WIDE.assign(y=1 + WIDE["x0"])
    res = smof.ols("y ~ x0 + x2", smo.as_source(frame, chunk_rows=CHUNK)).fit()
    with pytest.raises(DesignError, match="no residuals"):
        res.best_subset()
    with pytest.raises(DesignError, match="no model is left"):
        fitted("y ~ 0 + x0 + x2").best_subset(0)
