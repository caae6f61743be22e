"""Old and new rows together give the results of one fit of all of them."""

from __future__ import annotations

import datetime
import decimal
import functools
import pickle
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from tolerances import ITERATED, SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    DesignError,
    MissingGroupWarning,
    OptionError,
    SourceError,
    UnseenLevelError,
)
from statsmodels_ooc.sources.chained import ChainedSource


def data(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": 10 + rng.normal(size=n), "g": list("abc" * n)[:n]})
    frame["w"] = rng.uniform(1, 2, n)
    frame["y"] = frame.x + (frame.g == "b") + rng.normal(size=n)
    frame["count"] = rng.poisson(2, n)
    return frame


OLD, NEW = data(200), data(90, seed=1)
BOTH = pd.concat([OLD, NEW], ignore_index=True)
FORMULA = "y ~ x + C(g)"


def reads(model) -> int:
    return sum(record.rows for record in model.passes)


def same(found, wanted):
    for name in ("params", "bse", "pvalues"):
        assert_allclose(getattr(found, name), getattr(wanted, name), rtol=SOLVED)
    for name in (
        "rsquared",
        "llf",
        "aic",
        "fvalue",
        "ssr",
        "centered_tss",
        "nobs",
        "condition_number",
    ):
        assert_allclose(getattr(found, name), getattr(wanted, name), rtol=SOLVED)
    assert_allclose(found.conf_int(), wanted.conf_int(), rtol=SOLVED)


def test_ols_reads_the_new_rows_only():
    res = smof.ols(FORMULA, smo.as_source(OLD, chunk_rows=37)).fit()
    before = res.params.copy()
    more = res.update(smo.as_source(NEW, chunk_rows=20))
    same(more, smf.ols(FORMULA, BOTH).fit())
    assert reads(more.model) - reads(res.model) == len(NEW)
    pd.testing.assert_series_equal(res.params, before)
    assert res.nobs == len(OLD)


def test_what_needs_rows_reads_all_of_them_in_order():
    more = smof.ols(FORMULA, smo.as_source(OLD)).fit().update(NEW)
    wanted = smf.ols(FORMULA, BOTH).fit()
    assert_allclose(more.resid, wanted.resid, rtol=0, atol=1e-9)
    assert_allclose(more.get_robustcov_results("HC3").bse, wanted.HC3_se, rtol=SOLVED)
    assert more.summary().as_text().count("290")
    assert_allclose(
        more.get_influence().hat_matrix_diag, wanted.get_influence().hat_matrix_diag, rtol=SOLVED
    )


def test_wls_with_weights():
    res = smof.wls(FORMULA, smo.as_source(OLD), weights="w").fit()
    wanted = smf.wls(FORMULA, BOTH, weights=BOTH["w"]).fit()
    same(res.update(NEW), wanted)


@pytest.mark.parametrize("method", ["qr", "gram"])
def test_however_the_old_rows_were_folded(method):
    res = smof.ols("y ~ C(g)", smo.as_source(OLD)).fit(method=method)
    assert_allclose(res.update(NEW).params, smf.ols("y ~ C(g)", BOTH).fit().params, rtol=SOLVED)


def test_row_by_row():
    res = smof.ols(FORMULA, smo.as_source(OLD)).fit()
    for at in range(5):
        res = res.update(NEW.iloc[at : at + 1])
    same(res, smf.ols(FORMULA, BOTH.iloc[: len(OLD) + 5]).fit())


def test_robust_covariances_are_those_of_all_rows():
    res = smof.ols(FORMULA, smo.as_source(OLD)).fit(cov_type="HC1")
    wanted = smf.ols(FORMULA, BOTH).fit(cov_type="HC1")
    more = res.update(NEW)
    assert more.cov_type == "HC1"
    assert_allclose(more.bse, wanted.bse, rtol=SOLVED)


def test_a_covariance_about_the_old_rows_needs_new_keywords():
    res = smof.ols(FORMULA, smo.as_source(OLD)).fit(cov_type="cluster", cov_kwds={"groups": "g"})
    with pytest.raises(ValueError, match="about the old rows"):
        res.update(NEW)
    more = res.update(NEW, cov_type="cluster", cov_kwds={"groups": "g"})
    wanted = smf.ols(FORMULA, BOTH).fit(cov_type="cluster", cov_kwds={"groups": BOTH["g"]})
    assert_allclose(more.bse, wanted.bse, rtol=SOLVED)


def test_glm_starts_where_it_was():
    family = sm.families.Poisson()
    res = smof.glm("count ~ x + C(g)", smo.as_source(OLD), family=family).fit()
    more = res.update(NEW)
    wanted = smf.glm("count ~ x + C(g)", BOTH, family=family).fit(tol=1e-14)
    assert_allclose(more.params, wanted.params, rtol=ITERATED)
    assert_allclose(more.llf, wanted.llf, rtol=SOLVED)
    assert more.nobs == len(BOTH)


def test_missing_values_and_subsets_count_as_before():
    old, new = OLD.copy(), NEW.copy()
    old.loc[3, "x"] = new.loc[5, "x"] = np.nan
    both = pd.concat([old, new], ignore_index=True)
    res = smof.ols(FORMULA, smo.as_source(old), subset="w > 1.2").fit()
    more = res.update(new)
    same(more, smf.ols(FORMULA, both[both.w > 1.2]).fit())
    assert more.model.dropped == {"x": int(both.x[both.w > 1.2].isna().sum())}


def test_files_and_their_copies(tmp_path):
    OLD.to_csv(tmp_path / "old.csv", index=False)
    NEW.to_parquet(tmp_path / "new.parquet")
    more = smof.ols(FORMULA, str(tmp_path / "old.csv")).fit().update(tmp_path / "new.parquet")
    wanted = smf.ols(FORMULA, BOTH).fit()
    same(more, wanted)
    assert_allclose(more.resid, wanted.resid, rtol=0, atol=1e-9)


def test_a_new_level_is_refused_and_nothing_changes():
    res = smof.ols(FORMULA, smo.as_source(OLD)).fit()
    with pytest.raises(UnseenLevelError, match="'z'"):
        res.update(NEW.assign(g="z"))
    same(res.update(NEW), smf.ols(FORMULA, BOTH).fit())


def test_other_wrong_rows_are_refused():
    res = smof.ols(FORMULA, smo.as_source(OLD)).fit()
    with pytest.raises(SourceError, match="'x'"):
        res.update(NEW.drop(columns="x"))
    with pytest.raises(DesignError, match="inf"):
        res.update(NEW.assign(x=np.inf))
    mask = smof.ols(FORMULA, smo.as_source(OLD), subset=OLD.w.to_numpy() > 1.5).fit()
    with pytest.raises(SourceError, match="mask of the old rows"):
        mask.update(NEW)


def test_no_new_rows_change_nothing():
    res = smof.ols(FORMULA, smo.as_source(OLD)).fit()
    assert_allclose(res.update(NEW.iloc[:0]).params, res.params, rtol=SOLVED)


# --- data that are together nowhere


def parts(formula=FORMULA, **told):
    return [smof.ols(formula, smo.as_source(part)).fit(**told) for part in (OLD, NEW)]


def test_combined_fits_are_the_fit_of_all_rows():
    same(smo.combine(parts()), smf.ols(FORMULA, BOTH).fit())


def test_nothing_is_read_and_the_order_does_not_matter():
    fits = parts()
    whole = smo.combine(fits)
    assert reads(whole.model) == sum(reads(one.model) for one in fits)
    assert_allclose(smo.combine(fits[::-1]).params, whole.params, rtol=SOLVED)


def test_rows_that_may_not_leave_their_site(tmp_path):
    for at, one in enumerate(parts()):
        one.save(tmp_path / f"{at}.pickle", remove_data=True)
    loaded = [smo.load(tmp_path / f"{at}.pickle", allow_pickle=True) for at in range(2)]
    whole = smo.combine(loaded)
    same(whole, smf.ols(FORMULA, BOTH).fit())
    with pytest.raises(SourceError, match="are gone"):
        _ = whole.resid


def test_weights_are_combined():
    fits = [smof.wls(FORMULA, smo.as_source(d), weights="w").fit() for d in (OLD, NEW)]
    same(smo.combine(fits), smf.wls(FORMULA, BOTH, weights=BOTH["w"]).fit())


def test_other_columns_are_refused():
    one = smof.ols(FORMULA, smo.as_source(OLD)).fit()
    other = smof.ols(FORMULA, smo.as_source(NEW[NEW.g != "c"])).fit()
    with pytest.raises(DesignError, match=r"design: .* in result 1, .* in result 0\n.*levels=\["):
        smo.combine([one, other])
    with pytest.raises(DesignError, match="response: w in result 1, y in result 0"):
        smo.combine([one, smof.ols("w ~ x + C(g)", smo.as_source(NEW)).fit()])
    with pytest.raises(DesignError, match="model: WLS in result 1, OLS in result 0"):
        smo.combine([one, smof.wls(FORMULA, smo.as_source(NEW), weights="w").fit()])


def test_what_transforms_have_learned_must_be_the_same():
    with pytest.raises(DesignError, match=r"what center \(0\) has learned in center\(x\): "):
        smo.combine(parts("y ~ center(x)"))
    once = smof.ols("y ~ center(x)", smo.as_source(OLD)).fit()
    assert_allclose(smo.combine([once, once]).params, once.params, rtol=SOLVED)


def test_other_results_are_refused():
    glm = smof.glm("count ~ x", smo.as_source(OLD), family=sm.families.Poisson()).fit()
    for wrong in (glm, smf.ols(FORMULA, OLD).fit(), 3):
        with pytest.raises(TypeError, match="combine takes results of OLS and WLS"):
            smo.combine([wrong])
    with pytest.raises(TypeError, match="at least one"):
        smo.combine([])
    for no_list in (glm, smof.ols(FORMULA, smo.as_source(OLD)).fit(), 3):
        with pytest.raises(TypeError, match=r"a list of results[\s\S]*smo\.combine\(\["):
            smo.combine(no_list)
    with pytest.raises(TypeError, match=r"a list of results, not several[\s\S]*smo\.combine\(\["):
        smo.combine(glm, glm)
    for path in ("a.zip", ["a.zip", "b.zip"], [Path("a.zip")]):
        with pytest.raises(TypeError, match=r"result 0 is a path, 'a\.zip'\n.*smo\.load\(path\)"):
            smo.combine(path)


def test_equal_names_of_other_columns_are_refused():
    for formula in ("y ~ C(g)", "y ~ C(g, Sum)", "y ~ C(g, Poly)"):
        parts = [OLD, NEW.assign(g=NEW.g.replace({"a": "A"}))]
        fits = [smof.ols(formula, smo.as_source(part)).fit() for part in parts]
        with pytest.raises(DesignError, match=r"(design|levels of C\(g.*): .* in result 0"):
            smo.combine(fits)

    def cut_at(cut, part):
        return smof.ols("y ~ I(x > cut)", smo.as_source(part)).fit()

    with pytest.raises(DesignError, match=r"cut of I\(x > cut\): float 10\.1 in result 1"):
        smo.combine([cut_at(10.0, OLD), cut_at(10.1, NEW)])


def test_other_weights_and_hasconst_are_refused():
    new = NEW.assign(v=NEW.w)
    old = OLD.assign(v=OLD.w)
    fits = [
        smof.wls("y ~ x", smo.as_source(part), weights=name).fit()
        for part, name in ((old, "w"), (new, "v"))
    ]
    with pytest.raises(DesignError, match="weights: v in result 1, w in result 0"):
        smo.combine(fits)
    fits = [
        smof.ols("y ~ x - 1", smo.as_source(part), hasconst=told).fit()
        for part, told in ((OLD, True), (NEW, None))
    ]
    with pytest.raises(DesignError, match="hasconst"):
        smo.combine(fits)


def test_conditions_stay_whatever_happens_to_the_results():
    res = smof.ols(FORMULA, smo.as_source(OLD), subset="w > 1.5").fit()
    third = data(50, seed=2)
    every = pd.concat([BOTH, third], ignore_index=True)
    wanted = smf.ols(FORMULA, every[every.w > 1.5]).fit()
    same(res.update(NEW).update(third), wanted)
    other = smof.ols(FORMULA, smo.as_source(NEW), subset="w > 1.5").fit()
    same(smo.combine([res, other]).update(third), wanted)
    same(pickle.loads(pickle.dumps(res)).update(NEW).update(third), wanted)
    function = smof.ols(FORMULA, smo.as_source(OLD), subset=lambda f: f.w > 1.5).fit()
    same(function.update(NEW).update(third), wanted)


def test_rows_without_a_group_stay_out():
    old, new = OLD.copy(), NEW.copy()
    old.loc[5, "k"] = new.loc[7, "k"] = np.nan
    old["k"], new["k"] = old.g.mask(old.index == 5), new.g.mask(new.index == 7)
    told = {"cov_type": "cluster", "cov_kwds": {"groups": "k"}}
    with pytest.warns(MissingGroupWarning):
        res = smof.ols("y ~ x", smo.as_source(old), subset="w > 1.2").fit(**told)
    more = res.update(new, **told)
    both = pd.concat([old, new], ignore_index=True)
    both = both[(both.w > 1.2) & both.k.notna()]
    wanted = smf.ols("y ~ x", both).fit(cov_type="cluster", cov_kwds={"groups": both["k"]})
    assert more.nobs == len(both)
    assert_allclose(more.bse, wanted.bse, rtol=SOLVED)


def test_columns_that_both_have_can_be_asked_for():
    more = smof.ols("y ~ x", smo.as_source(OLD)).fit().update(NEW)
    wanted = smf.ols("y ~ x", BOTH).fit(cov_type="cluster", cov_kwds={"groups": BOTH["g"]})
    assert_allclose(more.get_robustcov_results("cluster", groups="g").bse, wanted.bse, rtol=SOLVED)


def test_tests_are_those_of_the_covariance():
    res = smof.ols("y ~ x", smo.as_source(OLD)).fit()
    wanted = smf.ols("y ~ x", BOTH).fit(cov_type="HC0")
    assert_allclose(res.update(NEW, cov_type="HC0").pvalues, wanted.pvalues, rtol=TAILS)


@pytest.mark.parametrize("scale", ["X2", 2.0])
def test_the_scale_of_a_glm_is_found_as_before(scale):
    family = sm.families.Poisson()
    res = smof.glm("count ~ x", smo.as_source(OLD), family=family).fit(scale=scale)
    wanted = smf.glm("count ~ x", BOTH, family=family).fit(scale=scale)
    assert_allclose(res.update(NEW).bse, wanted.bse, rtol=ITERATED)


def test_the_scale_is_that_of_the_results_whatever_was_fitted_since():
    model = smof.glm("count ~ x", smo.as_source(OLD), family=sm.families.Poisson())
    fits = {scale: model.fit(scale=scale) for scale in (None, 9.0, "X2")}
    for scale, res in fits.items():
        wanted = smf.glm("count ~ x", BOTH, family=sm.families.Poisson()).fit(scale=scale)
        assert_allclose(res.update(NEW).bse, wanted.bse, rtol=ITERATED)


def test_more_updates_than_calls_may_be_nested():
    rows = smo.as_source(OLD[:9])
    chained = rows
    for _ in range(2 * sys.getrecursionlimit()):
        chained = ChainedSource([chained, rows], ["x"])
    assert len(chained.partitions) == 2 * sys.getrecursionlimit() + 1


def test_conditions_that_differ_choose_no_new_rows():
    chosen = smof.ols("y ~ x", smo.as_source(OLD), subset="x > 0").fit()
    whole = smof.ols("y ~ x", smo.as_source(NEW)).fit()
    for pair in ([chosen, whole], [whole, chosen]):
        with pytest.raises(SourceError, match="not the same of combined results"):
            smo.combine(pair).update(NEW)
    more = smo.combine([chosen, chosen]).update(NEW)
    assert more.nobs == 2 * (OLD.x > 0).sum() + (NEW.x > 0).sum()


class Times:
    def __init__(self, by):
        self.by = by

    def __call__(self, x):
        return x * self.by + self.by


@pytest.mark.parametrize(
    ("formula", "make"),
    [
        ("y ~ f(x)", Times),
        ("y ~ f(x)", lambda by: functools.partial(np.add, by)),
        ("y ~ I(x - float(f))", decimal.Decimal),
        ("y ~ I(x - f.by)", Times),
        ("y ~ g.isin(f)", lambda by: {"a", "bc"[by - 2]}),
        ("y ~ I(x - f.day)", lambda day: datetime.date(2020, 1, day)),
    ],
)
def test_what_a_formula_uses_is_compared(formula, make):
    def fit(by, rows):
        return smof.ols(formula, smo.as_source(rows), eval_env={"f": make(by)}).fit()

    assert smo.combine([fit(2, OLD), fit(2, NEW)]).nobs == len(BOTH)
    with pytest.raises(DesignError, match=r"f of .* in result 1, .* in result 0"):
        smo.combine([fit(2, OLD), fit(3, NEW)])


def test_what_has_no_words_is_refused():
    def fit(rows):
        return smof.ols("y ~ I(x * (f is not None))", rows, eval_env={"f": threading.Lock()}).fit()

    with pytest.raises(DesignError, match=r"f of I\(.*nothing tells one lock from another"):
        smo.combine([fit(smo.as_source(OLD)), fit(smo.as_source(NEW))])


def test_constrained_and_penalised_fits_are_refused():
    model = smof.ols("y ~ x + w", smo.as_source(OLD))
    glm = smof.glm("count ~ x + w", smo.as_source(OLD), family=sm.families.Poisson())
    held = [model.fit_constrained("x = 1"), glm.fit_constrained("x = 0.1")]
    held.append(model.fit_regularized(alpha=0.3, L1_wt=1.0, refit=True))
    for res in held:
        with pytest.raises(TypeError, match="without constraints and penalties"):
            res.update(NEW)
    with pytest.raises(TypeError, match="without constraints and penalties"):
        smo.combine([held[0], model.fit()])


def test_a_fit_by_another_method_is_no_constrained_one():
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(900, 45)), columns=[f"x{at}" for at in range(45)])
    wide["y"] = wide.sum(axis=1) + rng.normal(size=900)
    model = smof.ols("y ~ " + " + ".join(wide.columns[:45]), smo.as_source(wide[:800]))
    by_moments, by_factor = model.fit(), model.fit(method="qr")
    assert not np.array_equal(by_moments.params, by_factor.params)  # their last bits
    wanted = smf.ols(model.formula, wide).fit().params
    for res in (by_moments, by_factor):
        assert_allclose(res.update(wide[800:]).params, wanted, rtol=SOLVED)


def test_fits_that_were_loaded_go_with_fits_that_were_not():
    fits = [smof.ols("y ~ np.log(x) + C(g)", smo.as_source(part)).fit() for part in (OLD, NEW)]
    there = pickle.loads(pickle.dumps(fits[0]))
    wanted = smf.ols("y ~ np.log(x) + C(g)", BOTH).fit()
    same(smo.combine([there, fits[1]]), wanted)
    same(smo.combine([fits[1], there]), wanted)


def test_a_fit_of_a_design_store_says_how_it_grows(tmp_path):
    pytest.importorskip("tables")
    table = data(200)
    store = smo.design_store(tmp_path / "d.h5", "y ~ x", smo.as_source(table))
    res = smo.OLS(store).fit()
    with pytest.raises(DesignError, match=r"design store[\s\S]*store\.append"):
        res.update(table)
    store.append(smo.as_source(table))
    assert smo.OLS(store).fit().nobs == 400


def test_an_update_of_least_squares_keeps_no_checkpoint_and_says_so(tmp_path):
    table = data(200)
    res = smof.ols("y ~ x", smo.as_source(table)).fit()
    with pytest.raises(OptionError, match=r"before the fit begins"):
        res.update(table, checkpoint=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
