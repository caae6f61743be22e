"""Which passes a fit makes, by which method, and what it does about bad designs."""

from __future__ import annotations

import warnings
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.pairs import CHUNK, FRAME
from numpy.testing import assert_allclose
from statsmodels.tools.sm_exceptions import SingularMatrixWarning, ValueWarning
from tolerances import INVARIANT, SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof


def numeric(formula: str = "y ~ a * b") -> Any:
    return smof.ols(formula, smo.as_source(FRAME, chunk_rows=CHUNK))


def names(model: Any) -> list[str]:
    return [record.name for record in model.passes]


# --- passes


def test_nothing_is_read_before_fit() -> None:
    assert names(numeric()) == []


def test_a_fit_is_one_pass() -> None:
    model = numeric()
    model.fit()
    assert names(model) == ["fit"]


def test_declared_levels_take_no_pass() -> None:
    frame = FRAME.assign(g=FRAME["g"].astype("category"))
    model = smof.ols("y ~ a + g", smo.as_source(frame, chunk_rows=CHUNK))
    model.fit()
    assert names(model) == ["fit"]


def test_a_summary_takes_one_more_and_the_next_none() -> None:
    model = numeric()
    res = model.fit()
    for _ in range(2):
        res.summary()
        res.summary2()
    assert names(model) == ["fit", "residual tests"]


def test_a_slim_summary_takes_none() -> None:
    model = numeric()
    model.fit().summary(slim=True)
    assert names(model) == ["fit"]


def test_fitting_again_takes_none() -> None:
    model = numeric()
    model.fit()
    model.fit(use_t=False)
    model.fit(method="qr")
    assert names(model) == ["fit"]


def test_a_record_tells_what_was_read() -> None:
    (record,) = numeric().fit().passes
    assert (record.rows, record.partitions) == (len(FRAME), -(-len(FRAME) // CHUNK))
    assert record.seconds > 0


def test_asking_for_what_only_a_pass_can_tell_makes_it() -> None:
    model = numeric()
    assert (model.nobs, model.df_model, model.df_resid) == (101.0, 3.0, 97.0)
    assert names(model) == ["fit"]


# --- methods


def wide(n: int = 400, k: int = 60, noise: float = 1.0, near: float = 1.0) -> pd.DataFrame:
    """An intercept and k - 1 columns, the last two ``near`` one another."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(n, k - 1))
    x[:, -1] = x[:, -2] + near * x[:, -1]
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(1, k)])
    return frame.assign(y=1 + x.sum(axis=1) + noise * rng.normal(size=n))


def fitted(frame: pd.DataFrame, method: str, **kwargs: Any) -> tuple[Any, Any]:
    formula = "y ~ " + " + ".join(c for c in frame.columns if c != "y")
    model = smof.ols(formula, smo.as_source(frame, chunk_rows=97), **kwargs)
    return model.fit(method=method), smf.ols(formula, frame)


@pytest.mark.parametrize("method", ["pinv", "auto", "qr", "gram"])
@pytest.mark.parametrize("what", ["params", "bse", "llf", "rsquared", "condition_number"])
def test_every_method_gives_the_same(method: str, what: str) -> None:
    ours, theirs = fitted(wide(), method)
    assert_allclose(getattr(ours, what), getattr(theirs.fit(), what), rtol=SOLVED)


def test_many_columns_are_folded_into_a_gram_matrix() -> None:
    ours, _ = fitted(wide(), "auto")
    assert set(ours.model.likelihood.asked.answers) & {"gram", "r"} == {"gram"}
    assert names(ours.model) == ["fit"]


def test_few_columns_are_folded_into_a_triangle() -> None:
    ours, _ = fitted(wide(k=39), "auto")
    assert set(ours.model.likelihood.asked.answers) & {"gram", "r"} == {"r"}


@pytest.mark.parametrize("kwargs", [{"near": 1e-5}, {"noise": 1e-6}], ids=str)
def test_an_ill_conditioned_gram_matrix_is_read_again(kwargs: dict[str, float]) -> None:
    ours, theirs = fitted(wide(**kwargs), "auto")
    assert names(ours.model) == ["fit", "fit"]
    assert_allclose(ours.bse, theirs.fit().bse, rtol=INVARIANT)


@pytest.mark.parametrize("kwargs", [{"near": 1e-5}, {"near": 0.0}, {"noise": 1e-6}], ids=str)
def test_gram_refuses_what_auto_would_not_trust(kwargs: dict[str, float]) -> None:
    with pytest.raises(smo.errors.PrecisionError, match="Hint: method='qr'"):
        fitted(wide(**kwargs), "gram")


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match=r"method must be one of .*'gram'.* not 'svd'"):
        numeric().fit(method="svd")


# --- short rank

SHORT = {
    "a column twice": "y ~ a + b + I(2 * a)",
    "a sum": "y ~ a + b + I(a - b)",
    "zero": "y ~ a + I(0 * b)",
    "all dummies": "y ~ a + C(g, Treatment) + I(g == 'u') + I(g == 'v') + I(g == 'w')",
}


def short(formula: str, **fit: Any) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularMatrixWarning)
        ours = smof.ols(formula, smo.as_source(FRAME, chunk_rows=CHUNK)).fit(**fit)
        return ours, smf.ols(formula, FRAME).fit(**fit)


@pytest.mark.parametrize("formula", SHORT.values(), ids=SHORT)
@pytest.mark.parametrize("what", ["params", "bse", "llf", "df_model", "df_resid", "rsquared"])
def test_short_rank_gives_the_minimum_norm(formula: str, what: str) -> None:
    ours, theirs = short(formula)
    assert_allclose(getattr(ours, what), getattr(theirs, what), rtol=SOLVED, atol=SOLVED)


@pytest.mark.parametrize("kind", ["HC0", "HC3"])
def test_short_rank_has_robust_errors(kind: str) -> None:
    ours, theirs = short(SHORT["a sum"], cov_type=kind)
    assert_allclose(ours.bse, theirs.bse, rtol=SOLVED)


def test_short_rank_warns_at_the_callers_line_and_names_the_columns() -> None:
    told = r"rank-deficient: 'I\(a - b\)' is a combination of 'a' and 'b'\. "
    with pytest.warns(SingularMatrixWarning, match=told) as caught:
        numeric(SHORT["a sum"]).fit()
    assert caught[0].filename == __file__


def test_qr_refuses_a_short_rank_and_names_the_columns() -> None:
    told = r"rank 3 of 4 columns; 'I\(a - b\)' is a combination of 'a' and 'b'"
    with pytest.raises(np.linalg.LinAlgError, match=told):
        numeric(SHORT["a sum"]).fit(method="qr")


# --- units

UNITS = FRAME.assign(
    t=(1.7e18 + 3e16 * FRAME["a"] / np.ptp(FRAME["a"])).astype("int64"),  # nanoseconds
    far=1e8 + FRAME["a"],
    large=1e12 * FRAME["a"],
    small=1e-9 * FRAME["b"],
)
UNITS["since"] = (UNITS["t"] - int(1.7e18)) / 1e16
UNITS["near"] = UNITS["far"] - 1e8
EQUIVALENT = {
    "y ~ t": ("y ~ since", {"t": 1e-16}),
    "y ~ center(t)": ("y ~ center(since)", {"center(t)": 1e-16}),
    "y ~ far + b": ("y ~ near + b", {}),
    "y ~ large + small": ("y ~ a + b", {"large": 1e-12, "small": 1e9}),
}


@pytest.mark.parametrize("method", ["pinv", "auto", "qr"])
@pytest.mark.parametrize("formula", EQUIVALENT)
def test_units_do_not_decide_about_rank(formula: str, method: str) -> None:
    res = smof.ols(formula, smo.as_source(UNITS, chunk_rows=CHUNK)).fit(method=method)
    same, units = EQUIVALENT[formula]
    theirs = smf.ols(same, UNITS).fit()
    per = np.array([units.get(name, 1.0) for name in res.params.index])
    assert res.model.rank == len(res.params)
    # The mean of t is 1e2 times its spread.
    assert_allclose(res.params[1:], (theirs.params.to_numpy() * per)[1:], rtol=SOLVED)
    assert_allclose(res.bse[1:], (theirs.bse.to_numpy() * per)[1:], rtol=SOLVED)
    for what in ("rsquared", "ssr", "llf", "fvalue", "df_resid"):
        assert_allclose(getattr(res, what), getattr(theirs, what), rtol=SOLVED)


def test_the_residuals_of_the_fit_are_its_own() -> None:
    res = numeric().fit()
    assert res.ssr == res._fit.rho**2
    assert_allclose(res.model.loglike(res.params), res.llf, rtol=0)


def test_many_dummies_with_all_their_levels() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"y": rng.normal(size=30_000), "g": rng.integers(0, 4, 30_000)})
    ones = pd.get_dummies(frame["g"], prefix="d", dtype=float)
    formula = "y ~ " + " + ".join(ones)
    with pytest.warns(SingularMatrixWarning):
        res = smof.ols(formula, smo.as_source(frame.join(ones), chunk_rows=999)).fit()
    # Rounding over many blocks exceeds the singular value that statsmodels calls zero.
    assert res.model.rank == 4
    means = frame.groupby("g")["y"].mean()
    assert_allclose(res.params.iloc[0] + res.params.iloc[1:], means, rtol=INVARIANT)


# --- keywords


def test_unknown_keywords_warn_as_they_do_in_statsmodels() -> None:
    with pytest.warns(ValueWarning, match="unknown kwargs"):
        smof.ols("y ~ a", smo.as_source(FRAME), wieghts="w")
    lazy = da.from_array(FRAME[["y", "a"]].to_numpy(), CHUNK)
    with pytest.warns(ValueWarning, match="unknown kwargs"):
        smo.OLS(lazy[:, 0], lazy, wights=1)
    with pytest.warns(ValueWarning, match="unknown kwargs"):
        smo.WLS(lazy[:, 0], lazy, wights=1)
    # statsmodels takes it, and its fit ignores it
    with pytest.raises(NotImplementedError, match="subtract the offset from endog"):
        smo.OLS(lazy[:, 0], lazy, offset=1)


def test_weights_of_ols_warn_at_the_callers_line() -> None:
    lazy = da.from_array(FRAME[["y", "a"]].to_numpy(), CHUNK)
    with pytest.warns(ValueWarning, match="not supported in OLS") as caught:
        smof.ols("y ~ a", smo.as_source(FRAME), weights="w")
    assert caught[0].filename == __file__
    with pytest.warns(ValueWarning, match="not supported in OLS") as caught:
        smo.OLS(lazy[:, 0], lazy, weights=lazy[:, 1])
    assert caught[0].filename == __file__


def test_weights_must_be_named() -> None:
    with pytest.raises(TypeError, match="a column's name or an expression"):
        smof.wls("y ~ a", smo.as_source(FRAME), weights=FRAME["w"])


@pytest.mark.parametrize("hasconst", [True, False])
@pytest.mark.parametrize("columns", [["const", "a"], ["a", "b"]])
def test_hasconst(columns: list[str], hasconst: bool) -> None:
    frame = FRAME.assign(const=1.0)
    y, x = frame["y"].to_numpy(), frame[columns].to_numpy()
    ours = smo.OLS(da.from_array(y, CHUNK), da.from_array(x, CHUNK), hasconst=hasconst).fit()
    theirs = sm.OLS(y, x, hasconst=hasconst).fit()
    assert ours.model.data.const_idx == theirs.model.data.const_idx
    assert (ours.df_model, ours.k_constant) == (theirs.df_model, theirs.k_constant)
    assert_allclose(ours.rsquared, theirs.rsquared, rtol=SOLVED)


@pytest.mark.parametrize("missing", ["drop", "raise", "none", "nothing"])
def test_missing_in_arrays(missing: str) -> None:
    y, x = (FRAME[c].to_numpy() for c in ("y", "m"))
    model = (da.from_array(y, CHUNK), da.from_array(x[:, None], CHUNK))
    if missing == "drop":
        theirs = sm.OLS(y, x, missing="drop").fit()
        assert_allclose(smo.OLS(*model, missing="drop").fit().params, theirs.params, rtol=SOLVED)
        return
    kind = ValueError if missing == "nothing" else smo.errors.MissingDataError
    with pytest.raises(kind, match="missing option" if missing == "nothing" else "x1"):
        smo.OLS(*model, missing=missing).fit()


def test_exog_is_needed() -> None:
    with pytest.raises(smo.errors.DesignError, match="exog is None"):
        smo.OLS(da.ones(5))


OPTIONS: dict[str, dict[str, Any]] = {
    "subset": {"subset": FRAME["a"] > 0},
    "drop_cols": {"drop_cols": ["b"]},
    "eval_env": {"eval_env": {"scale": lambda v: v / 7, "np": np}},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_from_formula(name: str) -> None:
    formula = "y ~ scale(a) + b" if name == "eval_env" else "y ~ a + b"
    ours = smof.ols(formula, smo.as_source(FRAME, chunk_rows=CHUNK), **OPTIONS[name]).fit()
    theirs = smf.ols(formula, FRAME, **OPTIONS[name]).fit()
    pd.testing.assert_series_equal(ours.params, theirs.params, rtol=SOLVED)


def test_names_of_the_callers_scope() -> None:
    def seventh(v: Any) -> Any:
        return v / 7

    ours = smof.ols("y ~ seventh(a)", smo.as_source(FRAME, chunk_rows=CHUNK)).fit()
    theirs = smf.ols("y ~ seventh(a)", FRAME).fit()
    pd.testing.assert_series_equal(ours.params, theirs.params, rtol=SOLVED)


def test_one_frame_up() -> None:
    def fit(api: Any, data: Any) -> Any:
        return api("y ~ outer(a)", data, eval_env=2).fit()

    outer = np.tanh
    ours = fit(smof.ols, smo.as_source(FRAME, chunk_rows=CHUNK))
    pd.testing.assert_series_equal(ours.params, fit(smf.ols, FRAME).params, rtol=SOLVED)
    del outer
