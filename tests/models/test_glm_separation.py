"""Separated responses are told with a proof, and nothing else is called so."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import patsy
import pytest
import statsmodels.api as sm
from covering import turns
from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.likelihoods import points

F, L = sm.families, sm.families.links
LINKS = {
    "logit": L.Logit(),
    "probit": L.Probit(),
    "cloglog": L.CLogLog(),
    "loglog": L.LogLog(),
    "cauchit": L.Cauchy(),
}
MOST = 20  # passes
N = 240
CHUNK = 100  # rows: two whole chunks, and a rest


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=N),
            "z": rng.lognormal(sigma=2, size=N),
            "g": rng.choice(list("pqr"), N),
            "h": rng.choice(list("uvw"), N),
            "age": rng.integers(20, 60, N).astype(float),
        }
    )
    frame["year"] = 2000 - frame["age"] + rng.integers(0, 2, N)
    frame["coin"] = rng.integers(0, 2, N).astype(float)
    frame["count"] = rng.poisson(2, N).astype(float)
    return frame


FRAME = make_frame()
GAP = FRAME["year"] + FRAME["age"]  # 2000 or 2001: what both tell together
BINARY: dict[str, tuple[str, Any, str]] = {
    # formula, response, kind
    "complete": ("x + z", FRAME["x"] > 0.1, "complete"),
    "complete by two": ("x + age", FRAME["x"] + 0.1 * FRAME["age"] > 4.1, "complete"),
    "collinear": ("age + year", GAP > 2000, "complete"),
    "one class": ("x + z", np.ones(N), "complete"),
    "no class": ("x + g", np.zeros(N), "complete"),
    "level": ("C(g) + x", np.where(FRAME["g"] == "q", 1, FRAME["coin"]), "quasi-complete"),
    "first level": ("C(g) + x", np.where(FRAME["g"] == "p", 0, FRAME["coin"]), "quasi-complete"),
    "levels alone": (
        "C(g) + C(h)",
        np.where(FRAME["g"] == "q", 1, FRAME["coin"]),
        "quasi-complete",
    ),
    "cell": (
        "C(g) * C(h)",
        np.where((FRAME["g"] == "q") & (FRAME["h"] == "v"), 0, FRAME["coin"]),
        "quasi-complete",
    ),
    "threshold": ("age + g", np.sign(FRAME["age"] - 40) / 2 + 0.5, "quasi-complete"),
    "nearly collinear": (
        "age + year + x",
        np.where(GAP > 2000, 1, FRAME["coin"]),
        "quasi-complete",
    ),
}


def told(formula: str, y: Any, family: Any, **fit: Any) -> Any:
    """A fit whose separation is told by warnings, in few passes."""
    frame = FRAME.assign(y=np.asarray(y, dtype=float))
    if "age + g" in formula:  # ones and zeros at the threshold itself
        frame["y"] = np.where(frame["age"] == 40, frame["coin"], frame["y"])
    source = smo.as_source(frame, chunk_rows=CHUNK)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        res = smof.glm(f"y ~ {formula}", source, family=family).fit(**fit)
    assert not res.converged
    assert sum(record.name == "fit" for record in res.passes) <= MOST
    messages = [str(w.message) for w in caught if w.category is ConvergenceWarning]
    assert len(messages) == 1
    found = res.separation
    assert f"{found.kind} separation along" in messages[0]
    names = np.asarray(res.model.exog_names)
    largest = names[np.argmax(np.abs(found.direction))]
    assert f"1 {largest}" in messages[0]
    perfect = [w for w in caught if w.category is PerfectSeparationWarning]
    assert len(perfect) == (found.kind == "complete")
    return res, frame


def proves(res: Any, frame: pd.DataFrame, side: np.ndarray) -> None:
    """No row loses by the direction, and some gain; within the rounding of the row itself."""
    exog = np.asarray(patsy.dmatrix(res.model.spec.design_info, frame))
    direction = res.separation.direction
    gains, size = side * (exog @ direction), np.abs(exog) @ np.abs(direction)
    assert (gains >= -1e-12 * size).all()
    assert (gains > 1e-9 * size).any()
    assert (np.abs(exog @ direction)[side == 0] <= 1e-12 * size[side == 0]).all()
    if res.separation.kind == "complete":
        assert (gains > 0).all()


STARTS = ("pilot", "statsmodels", "zeros")


@pytest.mark.parametrize(("name", "start", "link"), turns(("logit", "cloglog"), BINARY, STARTS))
def test_separated_responses_are_told(name: str, link: str, start: str) -> None:
    formula, y, kind = BINARY[name]
    family = F.Binomial(LINKS[link])
    k = patsy.dmatrix(formula, FRAME).shape[1]
    begin: dict[str, Any] = {"start_params": np.zeros(k)} if start == "zeros" else {"start": start}
    res, frame = told(formula, y, family, **begin)
    assert res.separation.kind == kind
    proves(res, frame, 2 * frame["y"].to_numpy() - 1)


@pytest.mark.parametrize("name", ["complete", "level", "nearly collinear"])
@pytest.mark.parametrize("link", ["probit", "loglog", "cauchit"])
def test_other_links(name: str, link: str) -> None:
    formula, y, kind = BINARY[name]
    res, frame = told(formula, y, F.Binomial(LINKS[link]))
    assert res.separation.kind == kind
    proves(res, frame, 2 * frame["y"].to_numpy() - 1)


@pytest.mark.parametrize(
    ("family", "formula", "compress"),
    turns(
        (True, False),
        (F.Poisson(), F.NegativeBinomial(alpha=0.5)),
        ("C(g)", "C(g) + x", "C(g) + C(h)"),
    ),
)
def test_counts_that_are_zero_for_a_level(family: Any, formula: str, compress: bool) -> None:
    y = np.where(FRAME["g"] == "r", 0.0, FRAME["count"])
    res, frame = told(formula, y, family, compress=compress)
    assert res.separation.kind == "quasi-complete"
    proves(res, frame, -(frame["y"].to_numpy() == 0).astype(float))
    others = np.asarray(res.model.exog_names) != "C(g)[T.r]"
    np.testing.assert_array_equal(res.separation.direction, np.where(others, 0.0, -1.0))


@pytest.mark.parametrize(
    ("name", "weights", "compress"),
    turns((True, False), ("amounts", "rates", "counts"), (None, "var_weights", "freq_weights")),
)
def test_levels_without_a_response_above_zero(
    name: str, weights: str | None, compress: bool
) -> None:
    """The mean of a cell of zeros is zero, whatever its sums are measured from."""
    y = {
        "amounts": FRAME["count"] * FRAME["z"],
        "rates": FRAME["count"] / 3,
        "counts": FRAME["count"],
    }
    frame = FRAME.assign(y=np.where(FRAME["g"] == "r", 0.0, y[name] + 2.7 * (y[name] > 0)))
    frame["w"] = 0.1 + FRAME["z"]
    family = F.Tweedie(L.Log(), 1.5) if name == "amounts" else F.Poisson()
    extras = {} if weights is None else {weights: "w"}
    model = smof.glm("y ~ C(g)", smo.as_source(frame, chunk_rows=31), family=family, **extras)
    with pytest.warns(
        ConvergenceWarning, match=r"quasi-complete separation along -1 C\(g\)\[T.r\];"
    ):
        model.fit(compress=compress)


def test_a_sample_that_is_separated_where_the_data_are_not(monkeypatch: Any) -> None:
    monkeypatch.setattr(points, "_ROWS", 60)
    rng = np.random.default_rng(0)
    x = rng.normal(size=3_000)
    y = (x > 0).astype(float)
    y[np.arange(7, 3_000, 50)] = rng.integers(0, 2, 60)
    source = smo.as_source(pd.DataFrame({"x": x, "y": y}), chunk_rows=750)
    res = smof.glm("y ~ x", source, family=F.Binomial()).fit()
    theirs = sm.GLM(y, sm.add_constant(x), family=F.Binomial()).fit(tol=1e-13)
    assert res.converged
    assert res.separation is None
    np.testing.assert_allclose(res.params, theirs.params, rtol=1e-8)


def test_what_does_not_follow_from_the_separation_stands_still() -> None:
    y = BINARY["level"][1]
    res, frame = told("C(g) + x", y, F.Binomial())
    rest = frame["g"] != "q"
    alone = smof.glm("y ~ C(g) + x", smo.as_source(frame[rest]), family=F.Binomial()).fit()
    for name in ("Intercept", "C(g)[T.r]", "x"):
        np.testing.assert_allclose(res.params[name], alone.params[name], rtol=1e-4)


def test_a_second_fit_knows_the_proof() -> None:
    formula, y, _ = BINARY["level"]
    frame = FRAME.assign(y=y)
    model = smof.glm(f"y ~ {formula}", smo.as_source(frame, chunk_rows=31), family=F.Binomial())
    with pytest.warns(ConvergenceWarning, match="quasi-complete"):
        first = model.fit()
    made = len(model.passes)
    with pytest.warns(ConvergenceWarning, match="quasi-complete"):
        again = model.fit()
    assert len(model.passes) == made
    np.testing.assert_array_equal(first.separation.direction, again.separation.direction)


# --- from every start, under every condition

LEVEL = np.where(FRAME["g"] == "r", 0.0, FRAME["coin"])
COUNTS = np.where(FRAME["g"] == "r", 0.0, FRAME["count"])
OVER_ALL = {
    "logit": (F.Binomial(), LEVEL),
    "probit": (F.Binomial(L.Probit()), LEVEL),
    "cloglog": (F.Binomial(L.CLogLog()), LEVEL),
    "cauchit": (F.Binomial(L.Cauchy()), LEVEL),
    "Poisson": (F.Poisson(), COUNTS),
    "negative binomial": (F.NegativeBinomial(alpha=0.7), COUNTS),
    "Tweedie": (F.Tweedie(L.Log(), 1.5), COUNTS),
}


def told_by_level(model: Any, **fit: Any) -> Any:
    """A fit that tells the level without a success, and nothing else."""
    with pytest.warns(
        ConvergenceWarning, match=r"quasi-complete separation along -1 C\(g\)\[T.r\]"
    ):
        res = model(**fit)
    assert not res.converged
    others = np.asarray(res.model.exog_names) != "C(g)[T.r]"
    np.testing.assert_array_equal(res.separation.direction, np.where(others, 0.0, -1.0))
    return res


def level_model(name: str, formula: str = "C(g) + x", **extras: Any) -> Any:
    family, y = OVER_ALL[name]
    frame = FRAME.assign(y=y, **extras)
    keys = {key: key for key in extras}
    source = smo.as_source(frame, chunk_rows=CHUNK)
    return smof.glm(f"y ~ {formula}", source, family=family, **keys)


@pytest.mark.parametrize(
    ("name", "at", "kernels"), turns(("numpy", "numba"), OVER_ALL, (-20.0, -40.0, -700.0))
)
def test_a_start_where_nothing_can_be_gained_any_more(name: str, at: float, kernels: str) -> None:
    """In memory the fit is converged at once, with standard errors of 1e12."""
    model = level_model(name)
    with smo.options.set(kernels=kernels):
        told_by_level(model.fit, start_params=np.where(_at_level(model), at, 0.0))


def _at_level(model: Any) -> np.ndarray:
    return np.asarray(model.exog_names) == "C(g)[T.r]"


@pytest.mark.parametrize("name", [name for name in OVER_ALL if name != "cauchit"])
@pytest.mark.parametrize("size", [1.0, 3.0])
def test_with_an_offset(name: str, size: float) -> None:
    offset = size * np.random.default_rng(3).normal(size=N)
    told_by_level(level_model(name, offset=offset).fit)


@pytest.mark.parametrize("name", ["logit", "Poisson", "Tweedie"])
def test_with_weights_of_all_sizes(name: str) -> None:
    weights = 10.0 ** np.random.default_rng(3).uniform(-8, 8, N)
    told_by_level(level_model(name, var_weights=weights).fit)


@pytest.mark.parametrize("name", OVER_ALL)
def test_beside_a_covariate_far_from_zero(name: str) -> None:
    told_by_level(level_model(name, "C(g) + I(1e6 + age)").fit)


@pytest.mark.parametrize("name", ["logit", "Poisson"])
def test_under_constraints(name: str) -> None:
    model = level_model(name)
    res = told_by_level(model.fit_constrained, constraints="x = 0.1")
    np.testing.assert_allclose(res.params["x"], 0.1, rtol=1e-14)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held = model.fit_constrained("C(g)[T.r] = -1")
    assert held.converged
    assert held.separation is None


@pytest.mark.parametrize("method", ["bfgs", "lbfgs", "cg", "powell"])
@pytest.mark.parametrize("name", ["logit", "Poisson"])
def test_after_other_optimizers(name: str, method: str) -> None:
    told_by_level(level_model(name).fit, method=method, disp=False)


@pytest.mark.filterwarnings(
    "ignore:Inverting hessian:statsmodels.tools.sm_exceptions.HessianInversionWarning"
)
@pytest.mark.parametrize("method", ["bfgs", "powell"])
def test_complete_separation_after_other_optimizers(method: str) -> None:
    frame = FRAME.assign(y=(FRAME["x"] > 0.1) * 1.0)
    model = smof.glm("y ~ x", smo.as_source(frame, chunk_rows=CHUNK), family=F.Binomial())
    with pytest.warns(ConvergenceWarning, match="complete separation along"):
        res = model.fit(method=method, disp=False)
    assert res.separation.complete
    assert (np.abs(res.params) > 1).all()  # not zero, as if the design were short of rank


@pytest.mark.parametrize("start", ["pilot", "statsmodels", "zeros"])
def test_counts_that_are_all_zero(start: str) -> None:
    source = smo.as_source(FRAME.assign(y=0.0), chunk_rows=31)
    fit: dict[str, Any] = {"start_params": np.zeros(2)} if start == "zeros" else {"start": start}
    told = pytest.warns(ConvergenceWarning, match="complete separation along -1 Intercept;")
    with told, pytest.warns(PerfectSeparationWarning):
        res = smof.glm("y ~ x", source, family=F.Poisson()).fit(**fit)
    assert res.separation.complete


@pytest.mark.parametrize("far", [1e6, 1e9, 1e15])
def test_one_value_of_a_covariate_far_out(far: float) -> None:
    x = np.array([1, 2, 3, 4, 5, 5, 6, 7, 8, 9, far])
    frame = pd.DataFrame({"x": x, "y": np.repeat([0.0, 1.0], [5, 6])})
    model = smof.glm("y ~ x", smo.as_source(frame, chunk_rows=3), family=F.Binomial())
    with pytest.warns(ConvergenceWarning, match=r"quasi-complete .* along -1 Intercept \+0.2 x;"):
        model.fit()


# --- weights that vanish are no rank


def test_a_start_at_which_all_weights_vanish() -> None:
    """It was called converged at zero, with the log-likelihood of another point."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=60), "y": rng.poisson(3, 60) + 1.0})
    source = smo.as_source(frame, chunk_rows=20)
    model = smof.glm("y ~ x", source, family=F.Gaussian(L.Log()))
    res, expected = model.fit(start_params=[-800, 0.0]), model.fit()
    assert res.converged
    np.testing.assert_allclose(res.params, expected.params, rtol=1e-9)
    np.testing.assert_allclose(res.llf, model.loglike(res.params), rtol=1e-12)


def test_parameters_whose_weights_have_vanished_are_not_zero() -> None:
    model = level_model("logit")
    res = told_by_level(model.fit, start_params=np.where(_at_level(model), -800.0, 0.0))
    assert res.params["C(g)[T.r]"] < -700
    assert np.isnan(res.bse).all()


def test_an_overlap_of_a_millionth() -> None:
    """Steps lead to where all weights have vanished, and the deviance is lower there."""
    steps = np.linspace(0.01, 1, 50)
    x = np.concatenate([1 - steps, 1 + steps, [1.0, 1 + 1e-6]])
    frame = pd.DataFrame({"x": x, "y": np.repeat([0.0, 1.0, 1.0, 0.0], [50, 50, 1, 1])})
    model = smof.glm("y ~ x", smo.as_source(frame, chunk_rows=41), family=F.Binomial())
    res = model.fit()
    assert res.converged
    # At the slope b the gain of the rows next to the overlap, 0.02 exp(-0.01 b), is its loss.
    np.testing.assert_allclose(res.params["x"], 100 * np.log(0.02 / 0.5e-6), rtol=1e-3)


def test_parameters_that_predict_every_response_are_a_direction() -> None:
    """Products of columns far from zero, which a linear programme cannot tell apart."""
    a = [23, 25, 6, 17, 5, 24, 14, 1, 17]
    b = [23, 21, 5, 24, 12, 8, 3, 21, 23]
    c = [1, 1, 1, 1, 1, 0, 1, 1, 1]
    frame = pd.DataFrame({"a": np.array(a) + 1e6, "b": np.array(b) + 1e6, "c": c})
    frame["y"] = np.repeat([1.0, 0.0], [4, 5])
    model = smof.glm(
        "y ~ a + b + c + a:b - 1",
        smo.as_source(frame, chunk_rows=7),
        family=F.Binomial(L.CLogLog()),
    )
    start = np.array([-1.0, 2.0, 1e6, -1.0]) * 3 / np.array([1e6, 1e6, 1e6, 1e12])
    with (
        pytest.warns(ConvergenceWarning, match="separation along"),
        pytest.warns(PerfectSeparationWarning),
    ):
        res = model.fit(start_params=start)
    assert res.separation.complete
    proves(res, frame, 2 * frame["y"].to_numpy() - 1)
