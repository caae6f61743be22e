"""What a selection is good for: fits here and in statsmodels, predictions, a frame, a pickle."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import patsy
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from statsmodels.tools.sm_exceptions import DomainWarning
from tolerances import EXACT, INVARIANT, ITERATED, SOLVED, SUMS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import OptionError, SourceError

F, L = sm.families, sm.families.links
N, K = 900, 120


def make_frame(n: int = N, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.uniform(0, 2, n)
    g = rng.choice(["u", "v", "w"], n, p=[0.6, 0.3, 0.1])
    eta = 0.2 + 0.5 * x - 0.3 * z + 0.4 * (g == "v")
    years, trials = rng.uniform(0.5, 3, n), rng.integers(1, 8, n)
    won = rng.binomial(trials, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "g": g,
            "c": 3.0,
            "years": years,
            "o": np.log(years),
            "w": rng.uniform(0.5, 2, n),
            "m": rng.integers(1, 5, n),
            "y": eta + rng.normal(size=n),
            "bit": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int),
            "count": rng.poisson(years * np.exp(eta)),
            "size": rng.gamma(5, np.exp(eta) / 5),
            "won": won,
            "lost": trials - won,
        }
    )


FRAME = make_frame()
SOURCE = smo.as_source(FRAME, chunk_rows=111)
LINEAR = "y ~ x + z + C(g)"
TIGHT: dict[str, Any] = {"tol": 1e-13}


def iboss(**settings: Any) -> Any:
    return smo.IBOSS(**{"k": K, "pilot_size": 300, **settings})


def same(ours: Any, theirs: Any, rtol: float = SOLVED) -> None:
    assert list(ours.params.index) == list(theirs.params.index)
    assert_allclose(ours.params, theirs.params, rtol=rtol)
    assert_allclose(ours.bse, theirs.bse, rtol=rtol)
    assert_allclose(ours.llf, theirs.llf, rtol=rtol)
    assert ours.nobs == theirs.nobs
    assert ours.df_resid == theirs.df_resid


# --- a source for every model


@pytest.mark.parametrize("criterion", ["D", "T", "uniform"])
def test_linear_models(criterion: Any) -> None:
    sub = iboss(criterion=criterion).select(LINEAR, SOURCE)
    theirs = smf.ols(LINEAR, sub.frame).fit()
    assert theirs.nobs == K
    same(sub.fit(), theirs, SUMS)
    same(smo.OLS.from_formula(LINEAR, sub).fit(), theirs)
    same(smof.ols("y ~ x", sub).fit(), smf.ols("y ~ x", sub.frame).fit())


def test_weights_of_a_linear_model() -> None:
    sub = iboss().select(LINEAR, SOURCE, weights="w * 2")
    theirs = smf.wls(LINEAR, sub.frame, weights=2 * sub.frame["w"]).fit()
    same(sub.fit(), theirs, SUMS)
    same(smof.wls(LINEAR, sub, weights="w * 2").fit(), theirs)
    assert not np.allclose(theirs.params, smf.ols(LINEAR, sub.frame).fit().params)


GLMS: dict[str, tuple[str, Any, dict[str, str]]] = {
    "logit": ("bit ~ x + z", F.Binomial(), {}),
    "poisson": ("count ~ x + C(g)", F.Poisson(), {}),
    "poisson, exposure": ("count ~ x + z", F.Poisson(), {"exposure": "years"}),
    "poisson, offset": ("count ~ x + z", F.Poisson(), {"offset": "o"}),
    "poisson, exposure and offset": (
        "count ~ x + z",
        F.Poisson(),
        {"exposure": "years", "offset": "o"},
    ),
    "poisson, freq_weights": ("count ~ x + z", F.Poisson(), {"freq_weights": "m"}),
    "poisson, var_weights": ("count ~ x + z", F.Poisson(), {"var_weights": "w"}),
    "gamma, log": ("size ~ x + z", F.Gamma(L.Log()), {"var_weights": "w"}),
    "two columns": ("won + lost ~ x + z", F.Binomial(), {}),
    "negative binomial": ("count ~ x", F.NegativeBinomial(alpha=0.5), {"exposure": "years"}),
}


@pytest.mark.parametrize("criterion", ["D", "T"])
@pytest.mark.parametrize("name", GLMS)
def test_generalized_linear_models(name: str, criterion: Any) -> None:
    formula, family, extras = GLMS[name]
    sub = iboss(family=family, criterion=criterion).select(formula, SOURCE, **extras)
    own = {role: sub.frame[column] for role, column in extras.items()}
    theirs = smf.glm(formula, sub.frame, family=family, **own).fit(**TIGHT)
    ours = sub.fit(**TIGHT)
    same(ours, theirs, INVARIANT)
    assert_allclose(ours.deviance, theirs.deviance, rtol=INVARIANT)
    assert_allclose(ours.null_deviance, theirs.null_deviance, rtol=INVARIANT)
    there = smof.glm(formula, sub, family=family, **extras).fit()
    assert_allclose(there.params, theirs.params, rtol=ITERATED)
    assert_allclose(there.bse, theirs.bse, rtol=1e-5)  # statsmodels' are of the step before


def test_a_family_is_left_as_it_is() -> None:
    family = F.Binomial()
    sub = iboss(family=family).select("won + lost ~ x", SOURCE)
    before = sub.fit().params.tolist()
    other = iboss(family=family).select("bit ~ x", SOURCE)
    theirs = smf.glm("bit ~ x", other.frame, family=F.Binomial()).fit()
    assert_allclose(other.fit().params, theirs.params, rtol=SOLVED)
    assert sub.fit().params.tolist() == before


def test_arguments_go_to_fit() -> None:
    sub = iboss().select(LINEAR, SOURCE)
    robust = smf.ols(LINEAR, sub.frame).fit(cov_type="HC3")
    assert_allclose(sub.fit(cov_type="HC3").bse, robust.bse, rtol=SOLVED)
    logit = iboss(family=F.Binomial()).select("bit ~ x", SOURCE)
    newton = smf.glm("bit ~ x", logit.frame, family=F.Binomial()).fit(method="newton")
    assert_allclose(logit.fit(method="newton").params, newton.params, rtol=ITERATED)


def test_results_are_named_as_those_of_all_rows() -> None:
    sub = iboss().select(LINEAR, SOURCE)
    fit = sub.fit()
    assert list(fit.params.index) == ["Intercept", "C(g)[T.v]", "C(g)[T.w]", "x", "z"]
    assert fit.model.endog_names == "y"
    assert_array_equal(fit.resid.index, sub.frame.index)
    assert "No. Observations:                 120" in str(fit.summary())


def test_columns_that_were_dropped_are_not_fitted() -> None:
    sub = iboss().select(LINEAR, SOURCE, drop_cols=["z"])
    theirs = smf.ols(LINEAR, sub.frame, drop_cols=["z"]).fit()
    assert "z" not in theirs.params
    same(sub.fit(), theirs, SUMS)


def test_a_selection_of_a_selection() -> None:
    sub = iboss().select(LINEAR, SOURCE)
    again = smo.IBOSS(40).select("y ~ x + z", sub)
    rows = np.sort(smo.iboss_indices(sub.frame[["x", "z"]], 40))
    assert_array_equal(again.index, rows)
    assert_frame_equal(
        again.frame, sub.frame.iloc[rows][["x", "z", "y"]].set_axis(again.frame.index)
    )


# --- predictions


@pytest.mark.parametrize("data", ["rows", "one row", "a level"])
def test_predictions_of_a_linear_model(data: str) -> None:
    formula = "y ~ x * z + C(g, Sum)"
    new = {"rows": make_frame(9, 7), "one row": make_frame(9, 7)[3:4]}.get(data)
    new = make_frame(20, 8).query("g == 'w'") if new is None else new
    fit = iboss().select(formula, SOURCE).fit()
    design = patsy.build_design_matrices([patsy.dmatrix(formula[4:], FRAME).design_info], new)[0]
    expected = np.asarray(design) @ fit.params.to_numpy()
    assert_allclose(fit.predict(new), expected, rtol=SOLVED)
    assert_array_equal(fit.predict(new).index, new.index)
    assert_allclose(fit.get_prediction(new).predicted_mean, expected, rtol=SOLVED)


def test_predictions_use_what_all_rows_taught() -> None:
    """The mean, the knots and the levels of all rows, not of the selected ones."""
    formula = "y ~ center(x) + bs(z, df=4) + C(g)"
    sub = iboss(k=60).select(formula, SOURCE)
    info = patsy.dmatrix(formula[4:], FRAME).design_info
    rows = np.asarray(patsy.build_design_matrices([info], sub.frame)[0])
    fit = sub.fit()
    theirs = sm.OLS(sub.frame["y"].to_numpy(), rows).fit()
    assert_allclose(fit.params, theirs.params, rtol=INVARIANT)
    new = make_frame(30, 9)
    new = new[new["z"].between(FRAME["z"].min(), FRAME["z"].max())]
    expected = np.asarray(patsy.build_design_matrices([info], new)[0]) @ theirs.params
    assert_allclose(fit.predict(new), expected, rtol=INVARIANT)


@pytest.mark.filterwarnings("ignore:The design matrix is rank-deficient")
def test_a_level_that_no_selected_row_has_is_known() -> None:
    frame = FRAME.assign(h=np.where(np.arange(N) == 500, "rare", "often"))
    with pytest.warns(smo.errors.SelectionWarning, match=r"'C\(h\)\[T.rare\]' never changes"):
        sub = iboss(criterion="uniform", k=30).select("y ~ x + C(h)", frame)
    assert "rare" not in sub.frame["h"].tolist()
    assert list(sub.fit().params.index) == ["Intercept", "C(h)[T.rare]", "x"]
    assert np.isfinite(sub.fit().predict(frame[499:502])).all()


@pytest.mark.parametrize("exposure", [False, True])
def test_predictions_of_a_generalized_linear_model(exposure: bool) -> None:
    extras = {"exposure": "years"} if exposure else {}
    formula = "count ~ center(x) + C(g)"
    fit = iboss(family=F.Poisson()).select(formula, SOURCE, **extras).fit()
    new = make_frame(9, 7)
    info = patsy.dmatrix(formula.split("~")[1], FRAME).design_info
    eta = np.asarray(patsy.build_design_matrices([info], new)[0]) @ fit.params.to_numpy()
    given = {"exposure": new["years"]} if exposure else {}
    expected = np.exp(eta) * (new["years"] if exposure else 1)
    assert_allclose(fit.predict(new, **given), expected, rtol=INVARIANT)


def test_predictions_without_a_dropped_column() -> None:
    fit = iboss().select(LINEAR, SOURCE, drop_cols=["z"]).fit()
    new = make_frame(9, 7)
    design = patsy.dmatrix("C(g) + x", new)
    assert_allclose(fit.predict(new), np.asarray(design) @ fit.params, rtol=SOLVED)


# --- numbers


@pytest.mark.filterwarnings("ignore:The design matrix is rank-deficient")  # with c, it is
@pytest.mark.parametrize("criterion", ["D", "T", "uniform"])
@pytest.mark.parametrize("formula", [LINEAR, "y ~ center(x) + I(z**2)", "y ~ x + c"])
def test_adjusted_intercept(formula: str, criterion: Any) -> None:
    sub = iboss(criterion=criterion).select(formula, SOURCE)
    endog, exog = patsy.dmatrices(formula, FRAME, return_type="dataframe")
    slopes = sub.fit().params.drop("Intercept")
    expected = endog["y"].mean() - exog.mean()[slopes.index] @ slopes
    assert_allclose(sub.adjusted_intercept(), expected, rtol=SUMS)
    # It makes the fit go through the means of all rows, which the fit itself does not.
    assert abs(sub.fit().params["Intercept"] - expected) > 1e-4


def test_adjusted_intercept_of_given_means() -> None:
    sub = iboss(criterion="T", mean={"x": 9, "z": 9}, scale={"x": 1, "z": 1}).select(
        "y ~ x + z", SOURCE
    )
    slopes = sub.fit().params
    expected = FRAME["y"].mean() - FRAME["x"].mean() * slopes["x"] - FRAME["z"].mean() * slopes["z"]
    assert_allclose(sub.adjusted_intercept(), expected, rtol=SUMS)


def test_who_has_no_adjusted_intercept() -> None:
    for sub in (
        iboss(family=F.Gaussian()).select("y ~ x", SOURCE),
        iboss().select("y ~ 0 + x", SOURCE),
    ):
        with pytest.raises(
            OptionError, match="only linear models without a family, with an intercept"
        ):
            sub.adjusted_intercept()


def psi_of(name: str, params: Any, design: pd.DataFrame, frame: pd.DataFrame) -> np.ndarray:
    """By the table of the specification."""
    if params is None:
        return np.ones(len(design))
    eta = design.to_numpy() @ params[design.columns].to_numpy()
    mu = np.exp(eta)
    match name:
        case "logit":
            return mu / (1 + mu) ** 2
        case "two columns":
            return (frame["won"] + frame["lost"]).to_numpy() * mu / (1 + mu) ** 2
        case "poisson":
            return mu
        case "poisson, exposure":
            return mu * frame["years"].to_numpy()
        case "poisson, freq_weights":
            return mu * frame["m"].to_numpy()
        case "negative binomial":
            mu = mu * frame["years"].to_numpy()
            return mu / (1 + 0.5 * mu)
    raise KeyError(name)


def efficiency_of(design: pd.DataFrame, psi: np.ndarray, index: np.ndarray) -> float:
    x = design.to_numpy()
    whole = x.T @ (psi[:, None] * x) / len(x)
    part = x[index].T @ (psi[index, None] * x[index]) / len(index)
    return float((np.linalg.det(part) / np.linalg.det(whole)) ** (1 / x.shape[1]))


@pytest.mark.parametrize(
    "name",
    [
        "logit",
        "poisson",
        "poisson, exposure",
        "poisson, freq_weights",
        "two columns",
        "negative binomial",
    ],
)
def test_efficiency_of_a_generalized_linear_model(name: str) -> None:
    formula, family, extras = GLMS[name]
    for more in ({}, {"criterion": "T"}, {"include_pilot": True}):
        sub = iboss(family=family, **more).select(formula, SOURCE, **extras)
        assert len(sub.index) > K or not more.get("include_pilot")
        design = patsy.dmatrix(formula.split("~")[1], FRAME, return_type="dataframe")
        psi = psi_of(name, sub.pilot.params, design, FRAME)
        assert_allclose(sub.efficiency(), efficiency_of(design, psi, sub.index), rtol=SOLVED)


@pytest.mark.parametrize("criterion", ["D", "T", "uniform"])
@pytest.mark.parametrize("formula", [LINEAR, "y ~ 0 + x + z", "y ~ x"])
def test_efficiency_of_a_linear_model(formula: str, criterion: Any) -> None:
    sub = iboss(criterion=criterion).select(formula, SOURCE)
    design = patsy.dmatrix(formula[4:], FRAME, return_type="dataframe")
    expected = efficiency_of(design, np.ones(N), sub.index)
    assert_allclose(sub.efficiency(), expected, rtol=SOLVED)
    assert (expected > 1.2) == (criterion == "D" or (criterion == "T" and "g" not in formula))


def test_efficiency_with_weights() -> None:
    sub = iboss().select("y ~ x + z", SOURCE, weights="w")
    design = patsy.dmatrix("x + z", FRAME, return_type="dataframe")
    expected = efficiency_of(design, FRAME["w"].to_numpy(), sub.index)
    assert_allclose(sub.efficiency(), expected, rtol=SOLVED)


@pytest.mark.parametrize("criterion", ["D", "T", "uniform"])
def test_efficiency_leaves_columns_out_that_turned_out_to_be_constant(criterion: Any) -> None:
    sub = iboss(criterion=criterion).select("y ~ c + x", SOURCE)
    design = patsy.dmatrix("x", FRAME, return_type="dataframe")
    assert_allclose(sub.efficiency(), efficiency_of(design, np.ones(N), sub.index), rtol=SOLVED)


def test_efficiency_of_a_singular_design() -> None:
    with pytest.warns(smo.errors.SelectionWarning, match="rank 2 with 3 columns"):
        sub = iboss().select("y ~ x + I(2 * x)", SOURCE)
    assert np.isnan(sub.efficiency())


def test_efficiency_drops_rows_with_missing_values() -> None:
    frame = FRAME.assign(x=FRAME["x"].where(FRAME["z"] < 1.8))
    sub = iboss().select("y ~ x + z", smo.as_source(frame, chunk_rows=100))
    design = patsy.dmatrix("x + z", frame, return_type="dataframe")
    assert sub.n == len(design) < N
    expected = efficiency_of(design, np.ones(len(design)), sub.index)
    assert_allclose(sub.efficiency(), expected, rtol=SOLVED)


# --- an object


@pytest.mark.parametrize("stored", ["memory", "file"])
def test_pickles(stored: str, tmp_path: Path) -> None:
    source: Any = SOURCE
    if stored == "file":
        source = tmp_path / "rows.parquet"
        FRAME.to_parquet(source, row_group_size=200)
    formula = "count ~ center(x) + C(g)"
    sub = iboss(family=F.Poisson(), include_pilot=True).select(formula, source, exposure="years")
    again = pickle.loads(pickle.dumps(sub))
    assert_array_equal(again.index, sub.index)
    assert_frame_equal(again.frame, sub.frame)
    assert_frame_equal(again.steps, sub.steps)
    assert_frame_equal(again.pilot.frame, sub.pilot.frame)
    assert_array_equal(again.pilot.params, sub.pilot.params)
    assert (again.n, again.k, again.warnings) == (sub.n, sub.k, sub.warnings)
    assert [p.name for p in again.passes] == [p.name for p in sub.passes]
    assert repr(again) == repr(sub)
    assert_array_equal(again.fit().params, sub.fit().params)
    assert_allclose(smof.glm(formula, again).fit().params, smof.glm(formula, sub).fit().params)
    if stored == "file":
        assert_allclose(again.efficiency(), sub.efficiency(), rtol=EXACT)
    else:
        with pytest.raises(SourceError, match="are gone"):
            again.efficiency()
        sub.efficiency()
        assert pickle.loads(pickle.dumps(sub)).efficiency() == sub.efficiency()


def test_a_pickle_is_no_larger_than_the_rows() -> None:
    frame = make_frame(20_000)
    small = iboss().select("y ~ x + z", frame)
    assert len(pickle.dumps(small)) < 60_000


def test_reprs() -> None:
    sub = iboss().select("y ~ x", SOURCE)
    assert repr(sub) == "<Selection of 120 of 900 rows, D-optimal: 'y ~ x' on DataFrame>"
    sub = iboss(criterion="uniform").select("y ~ x", SOURCE)
    assert repr(sub) == "<Selection of 120 of 900 rows, uniform: 'y ~ x' on DataFrame>"
    settings = {"criterion": "T", "family": F.Poisson(), "include_pilot": True}
    sub = iboss(**settings).select("count ~ x", SOURCE)
    more = len(sub.index) - 120
    assert 0 < more <= 300
    assert repr(sub) == (
        f"<Selection of 120 and {more} of the pilot of 900 rows, T-optimal: 'count ~ x' on "
        "DataFrame>"
    )
    assert repr(sub.pilot) == "<pilot of 300 rows, 1 attempt, good>"
    given = iboss(family=F.Poisson(), pilot_params=[0.1, 0.2]).select("count ~ x", SOURCE)
    assert repr(given.pilot) == "<pilot: parameters were given>"
    assert sub.name == f"{len(sub.index)} rows of DataFrame"


def test_a_selection_is_a_source() -> None:
    frame = FRAME.assign(t=pd.Categorical(FRAME["g"], categories=["w", "v", "u", "none"]))
    sub = iboss().select("y ~ x + z", frame, keep=["t", "g"])
    assert smo.as_source(sub) is sub
    assert sub.columns == ("x", "z", "g", "y", "t")
    assert sub.rows == len(sub.frame) == K
    assert_frame_equal(sub.head(3), sub.frame.head(3).reset_index(drop=True), check_names=False)
    assert sub.levels("t").values == ("w", "v", "u", "none")
    assert sub.levels("g") is None
    assert dict(sub.dtypes) == sub.frame.dtypes.to_dict()


def test_a_frame_survives_a_file(tmp_path: Path) -> None:
    sub = iboss(family=F.Poisson()).select("count ~ x + C(g)", SOURCE, exposure="years")
    sub.frame.to_parquet(tmp_path / "sub.parquet")
    assert_frame_equal(pd.read_parquet(tmp_path / "sub.parquet"), sub.frame)
    res = smof.glm(
        "count ~ x + C(g)", tmp_path / "sub.parquet", family=F.Poisson(), exposure="years"
    )
    assert_allclose(res.fit().params, sub.fit().params, rtol=ITERATED)


def test_selecting_leaves_the_data_and_the_settings_alone() -> None:
    frame, before = FRAME.copy(), FRAME.copy()
    params = {"Intercept": 0.1, "x": 0.2}
    chosen = iboss(family=F.Poisson(), pilot_params=params)
    sub = chosen.select("count ~ x", frame)
    sub.frame.loc[:, "x"] = 0.0
    sub.pilot.params["x"] = 7.0
    assert_frame_equal(frame, before)
    assert params == {"Intercept": 0.1, "x": 0.2}
    assert_array_equal(chosen.select("count ~ x", frame).index, sub.index)


def test_names_from_where_the_formula_is_written() -> None:
    def twice(x: Any) -> Any:
        return 2 * x

    sub = iboss().select("y ~ twice(x)", SOURCE)
    assert_array_equal(sub.index, iboss().select("y ~ x", SOURCE).index)
    other = iboss().select("y ~ f(x)", SOURCE, eval_env={"f": twice})
    assert_array_equal(sub.index, other.index)


def test_the_scheduler_of_the_fit_is_nobodys_business() -> None:
    with dask.config.set(scheduler="sync"):
        sub = iboss().select(LINEAR, SOURCE)
    same(sub.fit(), smf.ols(LINEAR, sub.frame).fit(), SUMS)


@pytest.mark.filterwarnings("ignore:the selected rows cannot be fitted")
def test_warnings_of_links_come_from_the_callers_line() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DomainWarning)
        family = F.Poisson(L.Identity())
    chosen = iboss(family=family, pilot_params=[5.0, 0.1], mean=[0.0])
    with pytest.warns(DomainWarning, match="Identity link function") as caught:
        chosen.select("count ~ x", SOURCE)
    assert [r.filename for r in caught if r.category is DomainWarning] == [__file__]
