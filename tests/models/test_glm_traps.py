"""Data that leads GLMs astray: tails, separation, bad starts, and responses no family has."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.glm_cases import F, L, family
from models.pairs import CHUNK
from numpy.testing import assert_allclose
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    DomainWarning,
    PerfectSeparationWarning,
    SingularMatrixWarning,
)
from tolerances import INVARIANT, ITERATED, SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import errors
from statsmodels_ooc.likelihoods import points

N = 80
WHERE = "row 2 of DataFrame, rows 21-27"  # of the row with the label 23


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(12)
    x = rng.normal(size=N)
    return pd.DataFrame(
        {
            "x": x,
            "z": rng.normal(size=N),
            "y": rng.poisson(np.exp(0.6 + 0.3 * x)).astype(float),
            "b": (rng.uniform(size=N) < 1 / (1 + np.exp(-x))).astype(float),
            "pos": rng.gamma(3, np.exp(0.3 * x) / 3),
            "s": rng.integers(0, 5, N).astype(float),
            "f": rng.integers(1, 5, N).astype(float),
            "w": 1.0,
            "e": rng.uniform(0.5, 2, N),
            "o": rng.uniform(-0.2, 0.2, N),
        }
    )


FRAME = make_frame()
STARTS = pytest.mark.parametrize("start", ["pilot", "statsmodels"])


def model(formula: str, frame: pd.DataFrame, own: Any = F.Poisson, rows: int = CHUNK, **kw: Any):
    own = own() if isinstance(own, type) else own
    return smof.glm(formula, smo.as_source(frame, chunk_rows=rows), family=own, **kw)


def changed(column: str, value: float) -> pd.DataFrame:
    frame = FRAME.copy()
    frame.loc[23, column] = value
    return frame


# --- tails


@STARTS
@pytest.mark.parametrize("far", [-80.0, -250.0, -1600.0, -5000.0])
def test_a_mean_that_underflows(far: float, start: str) -> None:
    """IRLS of statsmodels keeps means above 2.2e-16 and gives that row a weight it has not."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 2, 60)
    frame = pd.DataFrame({"x": [*x, far], "y": [*rng.poisson(np.exp(0.2 + 0.5 * x)), 0]})
    res = model("y ~ x", frame).fit(start=start)
    assert res.converged
    # Newton's method from near the answer, or it goes astray itself; the far row adds nothing.
    near = smf.glm("y ~ x", frame[:-1], family=F.Poisson()).fit(tol=1e-13)
    if far > -700:  # where exp(eta) is zero, Newton's method of statsmodels gives NaN
        theirs = smf.glm("y ~ x", frame, family=F.Poisson())
        with np.errstate(all="ignore"):
            newton = theirs.fit(method="newton", start_params=near.params, tol=1e-14)
        assert_allclose(res.params, newton.params, rtol=INVARIANT)
    assert_allclose(res.params, near.params, rtol=INVARIANT)
    assert_allclose(res.bse, near.bse, rtol=INVARIANT)
    assert_allclose(res.llf, near.llf, rtol=INVARIANT)


def test_statsmodels_still_goes_astray_there() -> None:
    """The reason for the test above; were it to fail, its oracle might be simpler."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 2, 60)
    frame = pd.DataFrame({"x": [*x, -250.0], "y": [*rng.poisson(np.exp(0.2 + 0.5 * x)), 0]})
    theirs = smf.glm("y ~ x", frame, family=F.Poisson()).fit()
    assert theirs.converged
    assert theirs.deviance > model("y ~ x", frame).fit().deviance + 1e-3


@pytest.mark.parametrize("link", [L.Logit(), L.Probit(), L.CLogLog()], ids=["l", "p", "c"])
def test_an_outlier_far_out_on_the_right_side(link: Any) -> None:
    frame = pd.concat([FRAME, pd.DataFrame({"x": [-900.0], "b": [0.0]})])
    res = model("b ~ x", frame, F.Binomial(link)).fit()
    alone = model("b ~ x", FRAME, F.Binomial(link)).fit()
    assert_allclose(res.params, alone.params, rtol=INVARIANT)
    assert_allclose(res.llf, alone.llf, rtol=INVARIANT)


# --- separation


def separated() -> pd.DataFrame:
    return FRAME.assign(b=(FRAME["x"] > 0).astype(float))


@STARTS
def test_perfect_separation(start: str) -> None:
    with (
        pytest.warns(PerfectSeparationWarning, match="Perfect separation") as caught,
        pytest.warns(ConvergenceWarning, match=r"grow without a limit.*score is"),
    ):
        res = model("b ~ x", separated(), F.Binomial).fit(start=start)
    assert {record.filename for record in caught} == {__file__}
    assert not res.converged
    assert len(res.passes) < 40


QUASI = {
    "logit": ("b", F.Binomial(L.Logit())),
    "probit": ("b", F.Binomial(L.Probit())),
    "cloglog": ("b", F.Binomial(L.CLogLog())),
    "poisson": ("y", F.Poisson()),
}


@STARTS
@pytest.mark.parametrize("name", QUASI)
def test_quasi_separation(name: str, start: str) -> None:
    """One group of rows whose responses are all at the end of their range."""
    column, own = QUASI[name]
    group = (FRAME["x"] > 0.3).astype(float)
    end = 0.0 if column == "y" else 1.0
    frame = FRAME.assign(group=group, **{column: FRAME[column].where(group == 0, end)})
    with pytest.warns(ConvergenceWarning, match=r"grow without a limit.*score is") as caught:
        res = model(f"{column} ~ group + z", frame, own).fit(start=start)
    assert caught[0].filename == __file__
    assert not res.converged
    assert len(res.passes) < 40
    # Whatever the group says nothing about is as it is without the group.
    rest = model(f"{column} ~ z", frame[group == 0], own).fit()
    # A dozen steps into nowhere are enough; by then the group is nearly out of the way.
    assert_allclose(res.params["z"], rest.params["z"], rtol=1e-3)
    assert_allclose(res.deviance, rest.deviance, rtol=1e-3)
    sign = "-" if column == "y" else "+"
    assert f"quasi-complete separation along {sign}1 group" in str(caught[0].message)


@STARTS
def test_too_few_iterations(start: str) -> None:
    begin = {"start": start} if start == "statsmodels" else {"start_params": np.zeros(2)}
    with pytest.warns(
        ConvergenceWarning, match=r"maxiter=1 iterations .*score is [\d.e-]+ standard"
    ) as w:
        res = model("y ~ x", FRAME).fit(maxiter=1, **begin)
    assert w[0].filename == __file__
    assert not res.converged
    assert res.score_norm > 1e-3


@STARTS
def test_a_perfect_fit(start: str) -> None:
    frame = FRAME.assign(y=1 + 2 * FRAME["x"])
    with pytest.warns(PerfectSeparationWarning):
        res = model("y ~ x", frame, F.Gaussian).fit(start=start)
    assert res.converged
    assert len(res.passes) < 10
    assert_allclose(res.params, [1, 2], rtol=SOLVED)


# --- steps that must be halved

BAD_STARTS = {
    "logit": ("b ~ x", F.Binomial(), [8.0, -9.0]),
    "cauchy": ("b ~ x", F.Binomial(L.Cauchy()), [5.0, 5.0]),
    "probit": ("b ~ x + z", F.Binomial(L.Probit()), [3.0, -3.0, 2.0]),
    "poisson": ("y ~ x", F.Poisson(), [-4.0, 1.0]),
    "gamma": ("pos ~ x", F.Gamma(L.Log()), [-2.0, 1.0]),
}


@pytest.mark.parametrize("name", BAD_STARTS)
def test_a_bad_start(name: str) -> None:
    formula, own, start = BAD_STARTS[name]
    res = model(formula, FRAME, own).fit(start=np.array(start))
    good = model(formula, FRAME, own).fit()
    assert res.converged
    assert_allclose(res.params / good.bse, good.params / good.bse, rtol=0, atol=1e-9)
    newton = smf.glm(formula, FRAME, family=own).fit(method="newton")
    assert_allclose(res.params, newton.params, rtol=ITERATED, atol=ITERATED)


@pytest.mark.parametrize("name", ["logit", "cauchy"])
def test_statsmodels_goes_astray_from_a_bad_start(name: str) -> None:
    formula, own, start = BAD_STARTS[name]
    res = model(formula, FRAME, own).fit(start=np.array(start))
    steps = res.fit_history["iteration"]
    assert len(res.passes) > steps + 1  # some were halved
    assert np.all(np.diff(res.fit_history["deviance"][1:]) <= 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = smf.glm(formula, FRAME, family=own).fit(start_params=start)
        _ = theirs.deviance
    assert not theirs.deviance < res.deviance * 2


def test_an_identity_link_whose_steps_leave_the_domain() -> None:
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 4, 90)
    frame = pd.DataFrame({"x": x, "y": rng.poisson(0.4 + 1.5 * x)})
    own = family(F.Poisson, L.Identity())
    with pytest.warns(DomainWarning):
        res = model("y ~ x", frame, own).fit()
    with pytest.warns(DomainWarning):
        theirs = smf.glm("y ~ x", frame, family=own)
    best = theirs.fit(method="newton", start_params=res.params, tol=1e-12)
    assert_allclose(res.params, best.params, rtol=ITERATED)
    assert_allclose(res.llf, best.llf, rtol=SOLVED)


def test_a_start_outside_the_domain() -> None:
    with (
        pytest.warns(DomainWarning),
        pytest.raises(errors.DesignError, match=r"the start gives row \d of .* Gamma family"),
    ):
        model("pos ~ x", FRAME, F.Gamma).fit(start=np.array([0.1, 1.0]))


@pytest.mark.parametrize("start", ["nearby", 3, np.zeros(5), np.array([np.nan, 0])], ids=str)
def test_a_start_that_is_none(start: Any) -> None:
    with pytest.raises(errors.OptionError):
        model("y ~ x", FRAME).fit(start=start)


# --- designs


@STARTS
def test_too_many_columns(start: str) -> None:
    frame = FRAME.assign(twice=2 * FRAME["x"])
    with pytest.warns(SingularMatrixWarning) as caught:
        res = model("y ~ x + twice", frame).fit(start=start)
    assert "rank-deficient: 'twice' is a multiple of 'x'. The" in str(caught[0].message)
    with pytest.warns(SingularMatrixWarning):
        theirs = smf.glm("y ~ x + twice", frame, family=F.Poisson()).fit(tol=1e-12)
    assert caught[0].filename == __file__
    assert res.df_model == theirs.df_model == 1
    assert_allclose(res.params, theirs.params, rtol=1e-7)
    assert_allclose(res.bse, theirs.bse, rtol=1e-7)


@STARTS
def test_a_multiple_in_a_large_unit(start: str) -> None:
    frame = FRAME.assign(large=1e12 * FRAME["x"], small=1e-9 * FRAME["x"] ** 2)
    with pytest.warns(SingularMatrixWarning, match="'x' is a multiple of 'large'"):
        res = model("y ~ large + small + x", frame).fit(start=start)
    theirs = smf.glm("y ~ x + I(x**2)", frame, family=F.Poisson()).fit(tol=1e-12)
    found = 1e12 * res.params["large"] + res.params["x"], 1e-9 * res.params["small"]
    assert_allclose(found, theirs.params[1:], rtol=1e-7)
    assert_allclose(res.params["x"], 1e-12 * res.params["large"], rtol=1e-7)  # the shortest
    assert_allclose(1e-9 * res.bse["small"], theirs.bse.iloc[-1], rtol=1e-7)


@STARTS
@pytest.mark.parametrize("formula", ["y ~ t", "y ~ center(t)"])
def test_units_do_not_decide_about_rank(formula: str, start: str) -> None:
    frame = FRAME.assign(t=(1.7e18 + 1e16 * FRAME["x"]).astype("int64"))  # nanoseconds
    frame["since"] = (frame["t"] - int(1.7e18)) / 1e16
    res = model(formula, frame).fit(start=start)
    theirs = smf.glm("y ~ since", frame, family=F.Poisson()).fit(tol=1e-12)
    assert_allclose(res.params.iloc[-1] * 1e16, theirs.params["since"], rtol=1e-7)
    assert_allclose(res.bse.iloc[-1] * 1e16, theirs.bse["since"], rtol=1e-7)
    assert_allclose(res.deviance, theirs.deviance, rtol=1e-9)


@pytest.mark.parametrize("own", [F.Poisson(), F.Gamma(L.Log())], ids=["poisson", "gamma"])
def test_an_implicit_constant(own: Any) -> None:
    frame = FRAME.assign(y=FRAME["y"] + 0.5, g=np.resize(["u", "v", "w"], N))
    res = model("y ~ 0 + g + x", frame, own).fit()
    theirs = smf.glm("y ~ 0 + g + x", frame, family=own).fit(tol=1e-13)
    assert res.model.k_constant == theirs.model.k_constant == 1
    assert_allclose(res.df_model, theirs.df_model)
    assert_allclose(res.params, theirs.params, rtol=1e-7)


def test_a_level_seen_once() -> None:
    frame = FRAME.assign(g=[*["u"] * (N - 1), "v"], y=FRAME["y"] + 1)
    res = model("y ~ x + g", frame).fit()
    theirs = smf.glm("y ~ x + g", frame, family=F.Poisson()).fit(tol=1e-13)
    assert_allclose(res.params, theirs.params, rtol=1e-7)


def test_a_column_constant_in_every_chunk() -> None:
    frame = FRAME.assign(c=np.repeat([1.0, 2.0], N // 2))
    res = model("y ~ x + c", frame, rows=N // 4).fit()
    theirs = smf.glm("y ~ x + c", frame, family=F.Poisson()).fit(tol=1e-13)
    assert_allclose(res.params, theirs.params, rtol=1e-7)


@STARTS
def test_chunks_of_one_row_and_of_none(start: str) -> None:
    pieces = [FRAME[:0], *(FRAME[i : i + 1] for i in range(20)), FRAME[20:], FRAME[:0]]
    res = smof.glm("y ~ x", smo.as_source(pieces), family=F.Poisson()).fit(start=start)
    assert_allclose(res.params, model("y ~ x", FRAME).fit().params, rtol=INVARIANT)


def test_fewer_rows_than_columns() -> None:
    with pytest.raises(errors.DesignError, match="1 rows cannot determine 2 columns"):
        model("y ~ x", FRAME[:1]).fit()


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.PerfectSeparationWarning")
def test_a_saturated_table() -> None:
    table = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "n": [10, 20, 30, 25]})
    res = smof.glm("n ~ C(a)*C(b)", smo.as_source(table), family=F.Poisson()).fit()
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = smf.glm("n ~ C(a)*C(b)", table, family=F.Poisson()).fit(tol=1e-12)
    assert_allclose(res.params, expected.params, rtol=1e-9)
    assert_allclose(res.bse, expected.bse, rtol=1e-7)
    with pytest.raises(errors.DesignError, match="leave nothing to estimate the scale from"):
        smof.glm("n ~ C(a)*C(b)", smo.as_source(table)).fit()


def test_an_optimum_on_the_edge_is_none() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.uniform(0, 5, 50)})
    frame["y"] = rng.poisson(0.2 + 0.8 * frame["x"])
    with pytest.warns(DomainWarning):
        edge = smof.glm("y ~ x", smo.as_source(frame), family=F.Poisson(L.Identity()))
    with pytest.warns(ConvergenceWarning, match="where means become impossible"):
        assert not edge.fit().converged


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": -1.0}, "a scale is finite and above zero"),
        ({"scale": np.nan}, "a scale is finite and above zero"),
        ({"maxiter": -1}, "maxiter=-1"),
        ({"start": "nowhere"}, "'pilot', 'statsmodels' or an array"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.OptionError, match=message):
        model("y ~ x", FRAME).fit(**options)


def test_a_design_without_columns() -> None:
    with pytest.raises(errors.DesignError, match="no column"):
        model("y ~ 0", FRAME)


@pytest.mark.parametrize("family", ["poisson", sm.families.Poisson])
def test_a_family_is_an_object(family: Any) -> None:
    with pytest.raises(TypeError, match="with parentheses"):
        smof.glm("y ~ x", smo.as_source(FRAME), family=family)


def test_a_flag_is_a_weight() -> None:
    frame = FRAME.assign(flag=FRAME["x"] > 0)
    ours = smof.glm("y ~ x", smo.as_source(frame), family=F.Poisson(), freq_weights="flag").fit()
    theirs = smof.glm("y ~ x", smo.as_source(frame[frame["flag"]]), family=F.Poisson()).fit()
    assert_allclose(ours.params, theirs.params, rtol=SOLVED)


# --- responses

IMPOSSIBLE: dict[str, tuple[str, float, Any]] = {
    "negative counts": ("y", -1, F.Poisson()),
    "negative counts, NB": ("y", -1, F.NegativeBinomial(alpha=1.0)),
    "negative, Tweedie": ("y", -1, F.Tweedie(var_power=1.5)),
    "above one": ("b", 1.5, F.Binomial()),
    "below zero": ("b", -0.5, F.Binomial()),
    "zero, Gamma": ("pos", 0, F.Gamma(L.Log())),
    "negative, Gamma": ("pos", -2, F.Gamma(L.Log())),
    "zero, inverse Gaussian": ("pos", 0, F.InverseGaussian(L.Log())),
    "negative, inverse Gaussian": ("pos", -2, F.InverseGaussian(L.Log())),
}


@STARTS
@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_response_that_the_family_cannot_have(name: str, start: str) -> None:
    column, value, own = IMPOSSIBLE[name]
    text = f"'{column}' is {value:g} at {WHERE}, which the {type(own).__name__} family cannot"
    with pytest.raises(errors.DesignError, match=text):
        model(f"{column} ~ x", changed(column, value), own).fit(start=start)


@STARTS
@pytest.mark.parametrize("s", [0.0, -1.0, 4.0])
def test_trials_that_are_none(s: float, start: str) -> None:
    frame = changed("f", -s if s == 4 else 0.0)
    frame.loc[23, "s"] = s
    with pytest.raises(errors.DesignError, match=f"'s' = .* 'f' = .* at {WHERE}"):
        model("s + f ~ x", frame, F.Binomial).fit(start=start)


def test_two_columns_for_another_family() -> None:
    with pytest.raises(errors.DesignError, match="multiple columns"):
        model("s + f ~ x", FRAME).fit()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_response_that_is_not_finite(value: float) -> None:
    with pytest.raises(errors.MissingDataError, match=rf"'y'.*{WHERE}"):
        model("y ~ x", changed("y", value), missing="raise").fit()


@pytest.mark.parametrize("labels", [("yes", "no"), ("a", "b")], ids=str)
def test_text_with_two_levels(labels: tuple[str, str]) -> None:
    frame = FRAME.assign(t=np.where(FRAME["b"] > 0, *labels))
    with pytest.warns(errors.ResponseWarning, match=f"t = {min(labels)}"):
        res = model("t ~ x", frame, F.Binomial).fit()
    theirs = smf.glm("t ~ x", frame, family=F.Binomial()).fit(tol=1e-13)
    assert_allclose(res.params, theirs.params, rtol=1e-7)


# --- what goes with the rows


@pytest.mark.parametrize("role", ["freq_weights", "var_weights"])
@pytest.mark.parametrize("value", [-1.0, np.inf])
def test_weights_that_are_none(role: str, value: float) -> None:
    with pytest.raises(errors.DesignError, match=f"the weight 'w' is {value} at {WHERE}"):
        model("y ~ x", changed("w", value), **{role: "w"}).fit()


@pytest.mark.parametrize("role", ["freq_weights", "var_weights"])
def test_all_weights_zero(role: str) -> None:
    with pytest.raises(errors.DesignError, match=f"weights of all {N} rows of DataFrame are zero"):
        model("y ~ x", FRAME.assign(w=0.0), **{role: "w"}).fit()


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_exposures_that_are_none(value: float) -> None:
    with pytest.raises(errors.DesignError, match=f"the exposure 'e' is {value} at {WHERE}"):
        model("y ~ x", changed("e", value), exposure="e").fit()


def test_exposure_without_a_logarithm() -> None:
    with pytest.raises(ValueError, match="exposure can only be used with the log link"):
        model("b ~ x", FRAME, F.Binomial, exposure="e")


ROLES = {"offset": "o", "exposure": "e", "freq_weights": "w", "var_weights": "w"}


@pytest.mark.parametrize("role", ROLES)
def test_missing_values_go_with_their_rows(role: str) -> None:
    name = ROLES[role]
    frame = changed(name, np.nan)
    frame.loc[40, "x"] = np.nan
    res = model("y ~ x", frame, **{role: name}).fit()
    assert res.nobs == N - 2
    assert res.model.dropped == {name: 1, "x": 1}
    rest = frame.dropna()
    theirs = smf.glm("y ~ x", rest, family=F.Poisson(), **{role: rest[name]}).fit(tol=1e-13)
    assert_allclose(res.params, theirs.params, rtol=1e-7)
    with pytest.raises(errors.MissingDataError, match=f"missing value in '{name}' at {WHERE}"):
        model("y ~ x", changed(name, np.nan), missing="raise", **{role: name}).fit()


def test_an_offset_that_is_infinite() -> None:
    with pytest.raises(errors.DesignError, match=f"the offset 'o' is inf at {WHERE}"):
        model("y ~ x", changed("o", np.inf), offset="o").fit()


@pytest.mark.parametrize("values", [np.ones(N), FRAME["o"], 3.0], ids=["array", "series", "number"])
def test_rows_beside_the_data(values: Any) -> None:
    with pytest.raises(TypeError, match=r"offset .* is a column's name"):
        model("y ~ x", FRAME, offset=values)


# --- warnings and options


def test_a_link_that_leaves_the_domain_warns_at_the_callers_line() -> None:
    own = family(F.Binomial, L.Log())
    source = smo.as_source(FRAME, chunk_rows=CHUNK)
    with pytest.warns(DomainWarning, match="Log link function does not respect") as caught:
        smo.GLM.from_formula("b ~ x", source, family=own)
    with pytest.warns(DomainWarning) as again:
        smof.glm("b ~ x", source, family=own)
    assert caught[0].filename == again[0].filename == __file__


def test_a_family_of_somebody_else() -> None:
    class Own(sm.families.Poisson):  # type: ignore[misc]
        pass

    with pytest.raises(TypeError, match="not a family of statsmodels"):
        model("y ~ x", FRAME, Own())


OPTIONS: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "unknown": ({"tolerance": 1}, TypeError),
    "criterion": ({"tol_criterion": "score"}, ValueError),
    "wls_method": ({"wls_method": "cholesky"}, ValueError),
    "attach": ({"attach_wls": True}, NotImplementedError),
    "scale": ({"scale": "pearson"}, ValueError),
    "cov_type": ({"cov_type": "cluster"}, Exception),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_are_none(name: str) -> None:
    options, kind = OPTIONS[name]
    with pytest.raises(kind):
        model("y ~ x", FRAME).fit(**options)


def test_a_sample_without_a_row_leaves_the_null_model_right(monkeypatch) -> None:
    monkeypatch.setattr(points, "_ROWS", 100)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=3_000), "o": rng.uniform(size=3_000)})
    frame["y"] = rng.poisson(np.exp(0.2 * frame["x"] + frame["o"])).astype(float)
    frame.loc[:2_499, "y"] = np.nan
    options = {"family": sm.families.Poisson()}
    model = smof.glm("y ~ x", smo.as_source(frame, chunk_rows=3_000), offset="o", **options)
    expected = sm.GLM.from_formula("y ~ x", frame, offset=frame["o"], **options).fit()
    res = model.fit(start_params=[0.1, 0.1])
    np.testing.assert_allclose(res.null_deviance, expected.null_deviance, rtol=1e-9)


def test_a_refused_start_leaves_nothing_behind() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=500)})
    frame["y"] = rng.poisson(np.exp(0.3 + 0.2 * frame["x"]))
    model = smof.glm("y ~ x", smo.as_source(frame), family=sm.families.Poisson())
    with pytest.raises(errors.DesignError, match="not finite"):
        model.fit(start_params=[709.0, 0.0])
    assert model.fit().df_model == 1
    assert (model.fit_regularized(alpha=0.01).params != 0).all()


@pytest.mark.parametrize(
    ("fit", "match"),
    [
        ({"start_params": ["a", "b"]}, r"2 numbers here, not \['a', 'b'\]"),
        ({"start_params": [1.0]}, r"2 numbers here, not an array of shape \(1,\)"),
        ({"start_params": [1.0, np.nan]}, "finite, not nan"),
        ({"start_params": [1.0, 0.0], "start": "statsmodels"}, "two starts"),
        ({"start": "zeros"}, "'pilot', 'statsmodels' or an array"),
        ({"maxiter": "many"}, "maxiter='many'"),
        ({"maxiter": 2.5}, r"maxiter=2\.5"),
    ],
)
def test_starts_and_steps_that_are_none(fit: dict[str, Any], match: str) -> None:
    with pytest.raises(errors.OptionError, match=match):
        model("y ~ x", FRAME).fit(**fit)
