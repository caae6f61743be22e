"""Every private method of statsmodels' models, which its functions call on ours, and clones.

A name that a later statsmodels adds fails `test_every_private_name_is_classified`, until
somebody has looked whether it needs the rows in memory.

- SAFE: inherited; nothing about rows.
- SAME: the same numbers as in memory, lazy ones or not.
- REFUSED: raises NotImplementedError, which says what to use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from statsmodels.base.elastic_net import fit_elasticnet
from tolerances import ITERATED, SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

ROWS = 200
PENALTIES = np.array([0.1, 0.2, 0.3])
BETA = np.array([0.1, 0.2, 0.3])
MU = np.linspace(0.2, 0.8, ROWS)


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=ROWS), "b": rng.normal(size=ROWS)})
    frame["w"] = rng.uniform(0.5, 2, ROWS)
    frame["f"] = rng.integers(1, 4, ROWS)
    frame["y"] = 1 + frame["a"] + rng.normal(size=ROWS)
    frame["hits"] = rng.poisson(np.exp(0.2 + 0.3 * frame["a"]))
    frame["misses"] = rng.integers(1, 5, ROWS)
    return frame


FRAME = make_frame()
POISSON, BINOMIAL = sm.families.Poisson(), sm.families.Binomial()

# model, formula, weights and the like
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "OLS": ("ols", "y ~ a + b", {}),
    "WLS": ("wls", "y ~ a + b", {"weights": "w"}),
    "GLM": ("glm", "hits ~ a + b", {"family": POISSON, "exposure": "w", "offset": "b"}),
    "weighted GLM": (
        "glm",
        "hits ~ a + b",
        {"family": POISSON, "freq_weights": "f", "var_weights": "w"},
    ),
    "counted GLM": ("glm", "hits + misses ~ a + b", {"family": BINOMIAL, "freq_weights": "f"}),
}
SCALE_ONE = {f"{name}_kwds": {"scale": 1} for name in ("loglike", "score", "hess")}
LINEAR, GENERALIZED = ["OLS", "WLS"], ["GLM", "weighted GLM", "counted GLM"]
CLASSES = {"OLS": sm.OLS, "WLS": sm.WLS, "GLM": sm.GLM}


def streamed(kind: str) -> Any:
    name, formula, extras = KINDS[kind]
    return getattr(smof, name)(formula, smo.as_source(FRAME), **extras)


def in_memory(kind: str) -> Any:
    name, formula, extras = KINDS[kind]
    given = {role: FRAME[v] if isinstance(v, str) else v for role, v in extras.items()}
    return getattr(smf, name)(formula, FRAME, **given)


Call = Callable[[Any], Any]
SAFE = {
    *("_check_kwargs", "_formula_max_endog", "_get_init_kwds", "_handle_data", "_kwargs_allowed"),
}
SAME: dict[str, dict[str, Call]] = {
    "OLS": {
        "_fit_ridge": lambda m: m._fit_ridge(PENALTIES).params,
    },
    "WLS": {},
    "GLM": {
        "_deriv_mean_dparams": lambda m: m._deriv_mean_dparams(BETA),
        "_deriv_score_obs_dendog": lambda m: m._deriv_score_obs_dendog(BETA),
        "_derivative_exog": lambda m: m._derivative_exog(BETA),
        "_derivative_exog_helper": lambda m: m._derivative_exog_helper(
            np.ones((3, 3)), BETA, None, None, None, "dydx"
        ),
        "_derivative_predict": lambda m: m._derivative_predict(BETA),
        "_estimate_x2_scale": lambda m: m._estimate_x2_scale(MU),
        "_fit_ridge": lambda m: m._fit_ridge(PENALTIES, None, "bfgs").params,
    },
}
EVERYWHERE_REFUSED: dict[str, tuple[Call, str]] = {
    "_fit_collinear": (lambda m: m._fit_collinear(), r"fit\(\) gives"),
    "_fit_zeros": (lambda m: m._fit_zeros(keep_index=np.arange(2)), "fit_constrained"),
}
REFUSED: dict[str, dict[str, tuple[Call, str]]] = {
    "OLS": {
        **EVERYWHERE_REFUSED,
        "_setup_score_hess": (lambda m: m._setup_score_hess(), "score and hessian"),
        "_sqrt_lasso": (lambda m: m._sqrt_lasso(1.0, False, 1e-10), r"fit_regularized\('sqrt"),
    },
    "WLS": EVERYWHERE_REFUSED,
    "GLM": {
        **EVERYWHERE_REFUSED,
        "_check_inputs": (lambda m: m._check_inputs(POISSON, *[None] * 5), "the constructor"),
        "_fit_gradient": (lambda m: m._fit_gradient(), r"fit\(method='newton'\)"),
        "_fit_irls": (lambda m: m._fit_irls(), r"fit\(method='IRLS'\)"),
        "_setup_binomial": (lambda m: m._setup_binomial(), "two columns"),
        "_update_history": (lambda m: m._update_history(None, MU, {}), "fit_history"),
    },
}

NOT_IN_STATSMODELS = {
    ("GLM", "_derivative_predict"): "statsmodels has none with an offset",
    ("counted GLM", "_estimate_x2_scale"): "statsmodels leaves out the trials",
}


def private_methods(cls: type) -> set[str]:
    names = {name for base in cls.__mro__[:-1] for name in vars(base)}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


@pytest.mark.parametrize("kind", CLASSES)
def test_every_private_name_is_classified(kind: str) -> None:
    tables = [SAFE, set(SAME[kind]), set(REFUSED[kind])]
    assert sum(map(len, tables)) == len(set().union(*tables))
    assert private_methods(CLASSES[kind]) == set().union(*tables)


@pytest.mark.parametrize("name", sorted(SAFE))
def test_safe_names_are_inherited(name: str) -> None:
    for ours in (smo.OLS, smo.WLS, smo.GLM):
        bases = [base for base in ours.__mro__ if name in vars(base)]
        assert bases[0].__module__.startswith("statsmodels.")


@pytest.mark.filterwarnings("ignore:The `numpy:FutureWarning")
@pytest.mark.parametrize(
    ("kind", "name"),
    [("OLS", n) for n in SAME["OLS"]] + [(k, n) for k in GENERALIZED for n in SAME["GLM"]],
)
def test_the_same_numbers_as_in_memory(kind: str, name: str) -> None:
    if (kind, name) in NOT_IN_STATSMODELS:
        pytest.skip(NOT_IN_STATSMODELS[kind, name])
    ask = SAME["OLS" if kind == "OLS" else "GLM"][name]
    # statsmodels' optimizer of ridge fits stops at a gradient of 1e-5
    rtol, atol = (1e-4, 1e-5) if "GLM" in kind and name == "_fit_ridge" else (SOLVED, 1e-14)
    found, expected = ask(streamed(kind)), ask(in_memory(kind))
    assert_allclose(np.asarray(found), np.asarray(expected), rtol=rtol, atol=atol)


@pytest.mark.parametrize("alpha", [0.3, PENALTIES])
def test_ridge_fits_take_a_number_or_one_for_every_column(alpha: Any) -> None:
    found, expected = streamed("OLS")._fit_ridge(alpha), in_memory("OLS")._fit_ridge(alpha)
    assert_allclose(found.params, expected.params, rtol=SOLVED)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(k, n) for k in LINEAR for n in REFUSED[k]] + [("GLM", n) for n in REFUSED["GLM"]],
)
def test_what_is_refused_says_what_to_use(kind: str, name: str) -> None:
    ask, reason = REFUSED[kind][name]
    model = streamed(kind)
    with pytest.raises(NotImplementedError, match=f"(?s){name} works on rows in memory.*{reason}"):
        ask(model)
    assert model.passes == []


@pytest.mark.parametrize("kind", KINDS)
def test_models_in_memory_keep_them(kind: str) -> None:
    name, formula, extras = KINDS[kind]
    ours = getattr(smof, name)(formula, FRAME, **extras)._fit_zeros(keep_index=np.arange(2))
    theirs = in_memory(kind)._fit_zeros(keep_index=np.arange(2))
    assert_allclose(ours.params, theirs.params, rtol=SOLVED)


@pytest.mark.parametrize("limit", [1, "1 MiB"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_clone_is_the_same_model(kind: str, limit: Any) -> None:
    """Statsmodels clones models so; what weighs the rows must go with them."""
    fit = streamed(kind).fit()
    with smo.options.set(array_limit=limit):
        model = streamed(kind)
        clone = type(model)(model.endog, model.exog, **model._get_init_kwds())
        assert clone.streams == (limit == 1)
        found, expected = clone.fit(), in_memory(kind).fit()
    for name in ("params", "bse", "llf", "df_resid", "scale"):
        rtol = SOLVED if limit == 1 else ITERATED  # in memory statsmodels iterates
        assert_allclose(getattr(found, name), getattr(fit, name), rtol=rtol, err_msg=name)
        assert_allclose(getattr(found, name), getattr(expected, name), rtol=ITERATED, err_msg=name)


def test_trials_that_a_family_does_not_have_are_no_argument() -> None:
    model = streamed("GLM").lazy
    with pytest.warns(Warning, match="n_trials"):
        smo.GLM(model.endog, model.exog, family=POISSON, n_trials=np.ones(ROWS))


def test_the_elastic_net_of_clones_is_refused_where_it_would_lose_the_offset() -> None:
    model = streamed("OLS")
    with (
        smo.options.set(array_limit=1),
        pytest.raises(NotImplementedError, match=r"no offset.*fit_regularized"),
    ):
        fit_elasticnet(model, alpha=0.1)
    expected = fit_elasticnet(in_memory("OLS"), alpha=0.1, **SCALE_ONE).params
    for found in (model.fit_regularized(alpha=0.1), fit_elasticnet(model, alpha=0.1, **SCALE_ONE)):
        assert_allclose(found.params, expected, rtol=ITERATED)


def test_the_elastic_net_of_clones_of_a_glm() -> None:
    found, expected = (
        fit_elasticnet(of("weighted GLM"), alpha=0.1, **SCALE_ONE) for of in (streamed, in_memory)
    )
    assert_allclose(found.params, expected.params, rtol=1e-4)  # its loops stop early
