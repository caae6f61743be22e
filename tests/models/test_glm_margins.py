"""Marginal effects from one pass, beside statsmodels'."""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.glm_cases import TIGHT, tight_pair
from models.pairs import CHUNK, Pair
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.discrete.discrete_margins import DiscreteMargins
from tolerances import ITERATED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

F, L = sm.families, sm.families.links

# The derivatives of a Probit are numerical in statsmodels, good for half the digits.
FAMILIES: dict[str, tuple[Any, str, float]] = {
    "logit": (F.Binomial(), "b", TAILS),
    "probit": (F.Binomial(L.Probit()), "b", ITERATED),
    "cloglog": (F.Binomial(L.CLogLog()), "b", TAILS),
    "poisson": (F.Poisson(), "c", TAILS),
    "gaussian log": (F.Gaussian(L.Log()), "q", TAILS),
    "gamma": (F.Gamma(L.Log()), "p", TAILS),
    "gaussian": (F.Gaussian(), "q", TAILS),
    "negative binomial": (F.NegativeBinomial(alpha=0.6), "c", TAILS),
    "inverse Gaussian": (F.InverseGaussian(L.Log()), "p", TAILS),
    "tweedie": (F.Tweedie(var_power=1.5), "p", TAILS),
}
AT = ("overall", "mean", "zero", "median", "all")
METHODS = ("dydx", "eyex", "dyex", "eydx")
DISCRETE = {"dummies": (True, False), "counts": (False, True), "both": (True, True)}


def make_frame(n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(12)
    frame = pd.DataFrame(
        {
            "x": rng.uniform(-1, 1, n),
            "u": rng.uniform(0, 1, n),  # from zero to one, and yet no dummy
            "d": rng.integers(0, 2, n).astype(float),
            "k": rng.integers(0, 5, n).astype(float),
            "i": rng.integers(-2, 3, n).astype(float),  # whole, but no count
        }
    )
    frame.loc[:1, "u"] = [0.0, 1.0]
    eta = 1 + 0.3 * frame["x"] + 0.2 * frame["d"] - 0.1 * frame["k"] + 0.05 * frame["i"]
    mu = np.exp(eta)
    return frame.assign(
        b=(rng.uniform(size=n) < 1 / (1 + np.exp(-eta + 1))).astype(float),
        c=rng.poisson(mu),
        p=rng.gamma(3.0, mu / 3.0) + 0.01,
        q=5 + eta + 0.2 * rng.normal(size=n),
        w=rng.uniform(0.5, 2, n),
        f=rng.integers(1, 4, n).astype(float),
    )


FRAME = make_frame()
RIGHT = "x + u + d + k + i"


@cache
def fitted(name: str) -> Pair:
    family, y, _ = FAMILIES[name]
    formula = f"{y} ~ {RIGHT}"
    source = smo.as_source(FRAME, chunk_rows=CHUNK)
    return Pair(
        smof.glm(formula, source, family=family).fit(),
        smf.glm(formula, FRAME, family=family).fit(**TIGHT),
    )


def assert_same(ours: Any, theirs: Any, rtol: float) -> None:
    assert isinstance(ours, DiscreteMargins)
    assert ours.margeff_options == theirs.margeff_options
    names = ["margeff"] if theirs.margeff_options["at"] == "all" else [*INFERENCE]
    for name in names:
        found, expected = getattr(ours, name), getattr(theirs, name)
        assert found.shape == expected.shape
        assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())
    for name in ("dummy_idx", "count_idx"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))


INFERENCE = ("margeff", "margeff_se", "margeff_cov")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize("name", FAMILIES)
def test_small_changes(name: str, at: str, method: str) -> None:
    ours, theirs = (
        r.get_margeff(at=at, method=method) for r in (fitted(name).ours, fitted(name).theirs)
    )
    assert_same(ours, theirs, FAMILIES[name][2])


@pytest.mark.parametrize("kind", DISCRETE)
@pytest.mark.parametrize("method", ["dydx", "eydx"])
@pytest.mark.parametrize("at", ["overall", "mean", "all"])
@pytest.mark.parametrize("name", FAMILIES)
def test_steps(name: str, at: str, method: str, kind: str) -> None:
    dummy, count = DISCRETE[kind]
    asked = {"at": at, "method": method, "dummy": dummy, "count": count}
    ours, theirs = (r.get_margeff(**asked) for r in (fitted(name).ours, fitted(name).theirs))
    assert_same(ours, theirs, FAMILIES[name][2])


def test_a_fraction_is_neither_dummy_nor_count() -> None:
    found = fitted("poisson").ours.get_margeff(dummy=True, count=True)
    names = np.array(fitted("poisson").ours.model.exog_names)
    assert names[found.dummy_idx].tolist() == ["d"]
    assert names[found.count_idx].tolist() == ["k"]


ATEXOG: dict[str, Any] = {
    "one column": {1: 0.5},
    "columns": {1: 0.5, 3: 1.0},
    "rows": np.array([[1.0, 0.2, 0.3, 1.0, 2.0, -1.0], [1.0, -0.2, 0.4, 0.0, 1.0, 2.0]]),
    "row": np.array([[1.0, 0.2, 0.3, 1.0, 2.0, -1.0]]),
}


@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize("atexog", ATEXOG)
@pytest.mark.parametrize("at", ["overall", "mean", "all"])
def test_values_of_somebody(at: str, atexog: str, discrete: bool) -> None:
    pair = fitted("poisson")
    asked = {"at": at, "atexog": ATEXOG[atexog], "dummy": discrete, "count": discrete}
    ours, theirs = (r.get_margeff(**asked) for r in (pair.ours, pair.theirs))
    assert_same(ours, theirs, TAILS)


def test_the_mean_of_values_as_long_as_the_data() -> None:
    values = {1: np.linspace(0, 1, len(FRAME))}
    ours, theirs = (
        r.get_margeff(at="mean", atexog=values)
        for r in (fitted("poisson").ours, fitted("poisson").theirs)
    )
    assert_same(ours, theirs, TAILS)


def test_values_as_long_as_the_data() -> None:
    res = fitted("poisson").ours
    with pytest.raises(NotImplementedError, match="as long as the data"):
        res.get_margeff(atexog={1: np.linspace(0, 1, len(FRAME))})


# --- tables


@pytest.mark.parametrize("at", ["overall", "mean", "zero", "median"])
@pytest.mark.parametrize("name", ["logit", "gamma"])
def test_tables(name: str, at: str) -> None:
    ours, theirs = (r.get_margeff(at=at) for r in (fitted(name).ours, fitted(name).theirs))
    assert ours.summary().as_text() == theirs.summary().as_text()
    assert ours.summary(0.1).as_html() == theirs.summary(0.1).as_html()
    pd.testing.assert_frame_equal(ours.summary_frame(), theirs.summary_frame(), rtol=1e-6)
    assert_allclose(ours.conf_int(0.2), theirs.conf_int(0.2), rtol=1e-6, atol=1e-9)
    assert_allclose(ours.tvalues, theirs.tvalues, rtol=1e-6)
    assert_allclose(ours.pvalues, theirs.pvalues, rtol=1e-6)


def test_tables_without_a_constant() -> None:
    family = F.Poisson()
    source = smo.as_source(FRAME, chunk_rows=CHUNK)
    ours = smof.glm("c ~ 0 + x + k", source, family=family).fit().get_margeff()
    theirs = smf.glm("c ~ 0 + x + k", FRAME, family=family).fit(**TIGHT).get_margeff()
    assert ours.summary().as_text() == theirs.summary().as_text()
    assert list(ours.summary_frame().index) == ["x", "k"]


def test_tables_take_no_pass() -> None:
    res = fitted("poisson").ours
    found = res.get_margeff()
    before = len(res.passes)
    with smo.options.set(array_limit=1):
        found.summary()
        found.summary_frame()
    assert len(res.passes) == before


def test_every_row_has_no_inference() -> None:
    found = fitted("poisson").ours.get_margeff(at="all")
    with pytest.raises(ValueError, match="Only margeff are available"):
        found.summary()


# --- passes, memory, robust errors


@pytest.mark.parametrize(("at", "passes"), [("overall", 1), ("mean", 1), ("zero", 0)])
def test_passes(at: str, passes: int) -> None:
    res = fitted("logit").ours
    before = len(res.passes)
    with smo.options.set(array_limit=1):
        res.get_margeff(at=at)
        if at != "zero":
            res.get_margeff(at=at, dummy=True, count=True)
            passes *= 2
    assert len(res.passes) == before + passes


@pytest.mark.parametrize("at", ["median", "all"])
def test_what_needs_the_design_in_memory(at: str) -> None:
    res = fitted.__wrapped__("logit").ours  # a design that was read before is in memory
    words = rf"get_margeff\(at='{at}'\) reads the design into memory; .*array_limit"
    with smo.options.set(array_limit=10), pytest.raises(NotImplementedError, match=words):
        res.get_margeff(at=at)


def test_robust_errors() -> None:
    formula, family = f"c ~ {RIGHT}", F.Poisson()
    source = smo.as_source(FRAME, chunk_rows=CHUNK)
    ours = smof.glm(formula, source, family=family).fit(cov_type="HC0")
    theirs = smf.glm(formula, FRAME, family=family).fit(cov_type="HC0", **TIGHT)
    assert_same(ours.get_margeff(), theirs.get_margeff(), TAILS)


# Other chunks draw another pilot, and the last step starts from elsewhere.
def test_where_blocks_end_does_not_matter() -> None:
    family, y, _ = FAMILIES["gamma"]
    found = []
    for rows in (CHUNK, 61, 1000):
        source = smo.as_source(FRAME, chunk_rows=rows)
        res = smof.glm(f"{y} ~ {RIGHT}", source, family=family).fit()
        found.append(res.get_margeff(dummy=True, count=True).summary_frame().to_numpy())
    assert_allclose(found[0], found[2], rtol=TAILS, atol=TAILS)
    assert_allclose(found[1], found[2], rtol=TAILS, atol=TAILS)


def test_effects_survive_a_pickle() -> None:
    found = fitted("poisson").ours.get_margeff()
    kept = pickle.loads(pickle.dumps(found))
    pd.testing.assert_frame_equal(kept.summary_frame(), found.summary_frame())


# --- what marginal effects do not know


def test_an_offset_is_refused() -> None:
    pair = tight_pair("offset")
    for res in (pair.ours, pair.theirs):
        with pytest.raises(NotImplementedError, match="offset"):
            res.get_margeff()


@pytest.mark.parametrize("weights", [{"freq_weights": "f"}, {"var_weights": "w"}])
def test_weights_are_warned_of(weights: dict[str, str]) -> None:
    formula, family = f"p ~ {RIGHT}", F.Gamma(L.Log())
    source = smo.as_source(FRAME, chunk_rows=CHUNK)
    ours = smof.glm(formula, source, family=family, **weights).fit()
    arrays = {role: FRAME[name] for role, name in weights.items()}
    theirs = smf.glm(formula, FRAME, family=family, **arrays).fit(**TIGHT)
    found = []
    for res in (ours, theirs):
        with pytest.warns(UserWarning, match="weights are not taken into account") as caught:
            found.append(res.get_margeff())
        assert caught[0].filename == __file__
    assert_same(*found, TAILS)


def test_an_exposure_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="exposure is not taken into account"):
        ours = tight_pair("exposure").ours.get_margeff()
    assert_same(ours, tight_pair("exposure").theirs.get_margeff(), TAILS)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"at": "nowhere"}, "not a valid option"),
        ({"method": "exey"}, "method is not understood"),
        ({"method": "dyex", "dummy": True}, "not allowed for discrete"),
        ({"at": "zero", "count": True}, "not allowed for discrete"),
        ({"at": "median", "dummy": True}, "not allowed for discrete"),
    ],
)
def test_what_cannot_be_asked(asked: dict[str, Any], message: str) -> None:
    pair = fitted("poisson")
    before = len(pair.ours.passes)
    for res in (pair.ours, pair.theirs):
        with pytest.raises(ValueError, match=message):
            res.get_margeff(**asked)
    assert len(pair.ours.passes) == before


def test_two_columns_of_counts() -> None:
    pair = tight_pair("Binomial Probit, two columns")
    ours, theirs = (r.get_margeff(dummy=True) for r in (pair.ours, pair.theirs))
    assert_same(ours, theirs, ITERATED)
