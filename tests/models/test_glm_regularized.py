"""Penalised fits of generalised linear models: optimality, and statsmodels beside it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.genmod.generalized_linear_model as glm
from models.glm_cases import CASES, LOGIT, case
from numpy.testing import assert_allclose
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from tolerances import ITERATED, SOLVED

import statsmodels_ooc.api as smo

# Its Hessian is not a number where a frequency is zero.
COUNTED = case(*LOGIT, extras={"freq_weights": "fw + 1"})
COMPARED = {
    "poisson": CASES["offset"],
    "logit": COUNTED,
    "gamma": CASES["Gamma Log"],
    "gaussian": CASES["gaussian, offset"],
}
MODELS = [
    *("offset", "logit, frequencies", "gamma, both weights", "gaussian, both weights"),
    *("Binomial Probit, binary", "Binomial Logit, two columns", "NegativeBinomial Log"),
    *("Poisson Sqrt", "no constant, offset"),
]
PENALTIES: dict[str, dict[str, Any]] = {
    "lasso": {"alpha": 0.05},
    "a large penalty": {"alpha": 0.3},
    "elastic net": {"alpha": 0.1, "L1_wt": 0.4},
    "a penalty each": {"alpha": "each", "L1_wt": 0.5},
}
RIDGES: dict[str, dict[str, Any]] = {
    "ridge": {"alpha": 0.1, "L1_wt": 0},
    "a ridge penalty each": {"alpha": "each", "L1_wt": 0},
}


def models(name: str) -> tuple[Any, Any]:
    chosen = COMPARED.get(name) or CASES[name]
    theirs = chosen.theirs().model
    return chosen.model(smo.as_source(chosen.data, chunk_rows=41)), theirs


def options(penalty: dict[str, Any], k: int) -> dict[str, Any]:
    if penalty["alpha"] == "each":
        return {**penalty, "alpha": np.linspace(0, 0.3, k)}
    return penalty


def violation(theirs: Any, penalty: dict[str, Any], beta: Any) -> float:
    """The subgradient of statsmodels' objective, beside the slope of the likelihood at zero."""
    alpha, share = np.broadcast_to(penalty["alpha"], beta.shape), penalty.get("L1_wt", 1.0)
    scale = 1.0 if share else None
    slope = theirs.score(beta, scale=scale) / theirs.nobs - alpha * (1 - share) * beta
    l1 = alpha * share
    at_zero = np.maximum(np.abs(slope) - l1, 0)
    size = np.abs(slope).max() + (alpha * (1 + np.abs(beta))).max()
    return float(np.where(beta == 0, at_zero, np.abs(slope - l1 * np.sign(beta))).max() / size)


def objective(theirs: Any, penalty: dict[str, Any], beta: Any) -> float:
    alpha, share = penalty["alpha"], penalty.get("L1_wt", 1.0)
    size = np.sum(alpha * ((1 - share) * beta**2 / 2 + share * np.abs(beta)))
    return float(-theirs.loglike(beta, scale=1.0) / theirs.nobs + size)


@pytest.mark.parametrize("name", MODELS)
def test_the_subgradient_of_statsmodels_is_zero(name: str) -> None:
    ours, theirs = models(name)
    for penalty in [*PENALTIES.values(), *RIDGES.values()]:
        chosen = options(penalty, ours.spec.k)
        beta = np.asarray(ours.fit_regularized(**chosen).params)
        assert violation(theirs, chosen, beta) < 1e-9, chosen


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", COMPARED)
def test_statsmodels_finds_the_same(name: str, penalty: str) -> None:
    ours, theirs = models(name)
    chosen = options(PENALTIES[penalty], ours.spec.k)
    found = ours.fit_regularized(**chosen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        other = theirs.fit_regularized(**chosen, maxiter=500, cnvrg_tol=1e-10)
    assert type(found) is type(other)
    assert type(found.params) is type(other.params)
    assert list(found.params.index) == list(other.params.index)
    beta, their_beta = np.asarray(found.params), np.asarray(other.params)
    at_ours, at_theirs = (objective(theirs, chosen, b) for b in (beta, their_beta))
    assert at_ours <= at_theirs + 1e-13
    if at_theirs - at_ours < 1e-12:  # where its search has not gone astray
        assert_allclose(beta, their_beta, rtol=1e-5, atol=1e-5)
        assert list(beta == 0) == list(their_beta == 0)


@pytest.mark.parametrize("penalty", RIDGES)
@pytest.mark.parametrize("name", ["offset", "logit, frequencies", "Binomial Probit, binary"])
def test_ridge(name: str, penalty: str) -> None:
    ours, theirs = models(name)
    chosen = options(RIDGES[penalty], ours.spec.k)
    found, other = ours.fit_regularized(**chosen), theirs.fit_regularized(**chosen)
    assert type(found) is type(other)
    assert_allclose(found.params, other.params, atol=1e-4)  # its optimiser stops at 1e-5


@pytest.mark.parametrize("name", ["gamma, both weights", "gaussian, both weights"])
def test_ridge_at_an_estimated_scale(name: str) -> None:
    ours, theirs = models(name)
    beta = np.asarray(ours.fit_regularized(alpha=0.5, L1_wt=0).params)
    assert_allclose(theirs.score(beta) / theirs.nobs, 0.5 * beta, rtol=1e-8)


def test_a_path_of_penalties_shares_its_passes() -> None:
    ours, _ = models("offset")
    alphas = [0.3, 0.2, 0.1, 0.05]
    taken = []
    for alpha in alphas:
        before = len(ours.passes)
        found = ours.fit_regularized(alpha=alpha)
        taken.append([record.name for record in ours.passes[before:]].count("fit"))
        assert taken[-1] == found.fit_history["iteration"] + (alpha == alphas[0])
    assert max(taken[1:]) <= 4


def test_the_best_point_is_the_start() -> None:
    ours, _ = models("Gamma Log")
    for alpha in (0.3, 0.02):
        ours.fit_regularized(alpha=alpha)
    for alpha in (0.3, 0.02):
        before = len(ours.passes)
        ours.fit_regularized(alpha=alpha)
        assert len(ours.passes) - before <= 2


def test_a_quadratic_likelihood_takes_no_further_pass() -> None:
    ours, _ = models("gaussian, offset")
    ours.fit()
    before = len(ours.passes)
    for alpha in (0.3, 0.1, 0.01):
        ours.fit_regularized(alpha=alpha)
        ours.fit_regularized(alpha=alpha, L1_wt=0)
    assert len(ours.passes) == before


def test_slsqp_is_the_lasso() -> None:
    ours, _ = models("offset")
    one = ours.fit_regularized("l1_slsqp", alpha=0.1, acc=1e-10)
    assert_allclose(one.params, ours.fit_regularized(alpha=0.1).params, rtol=SOLVED)
    with pytest.raises(ValueError, match="L1_wt must be 1"):
        ours.fit_regularized("l1_slsqp", alpha=0.1, L1_wt=0.5)


REFITTED = ("params", "bse", "scale", "df_model", "df_resid", "deviance", "llf", "pearson_chi2")


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("alpha", [0.1, 0.15])
def test_refit(name: str, alpha: float) -> None:
    ours, theirs = models(name)
    found = ours.fit_regularized(alpha=alpha, refit=True)
    other = theirs.fit_regularized(alpha=alpha, refit=True, maxiter=500, cnvrg_tol=1e-10)
    assert isinstance(found, glm.GLMResults)
    assert 0 < (other.params == 0).sum() < len(other.params)
    assert isinstance(found.params, np.ndarray)
    assert list(found.params == 0) == list(other.params == 0)
    for attribute in REFITTED:
        assert_allclose(
            getattr(found, attribute), getattr(other, attribute), rtol=ITERATED, err_msg=attribute
        )
    for attribute in ("regularized", "method", "converged"):
        assert getattr(found, attribute) == getattr(other, attribute)
    assert set(found.fit_history) == set(other.fit_history)
    assert ours.df_model == theirs.df_model


def test_refit_of_nothing() -> None:
    ours, theirs = models("offset")
    found, other = (m.fit_regularized(alpha=50.0, refit=True) for m in (ours, theirs))
    assert (found.params == 0).all()
    assert (found.cov_params() == 0).all()
    assert (found.df_model, found.df_resid) == (other.df_model, other.df_resid)


def test_compressed_rows() -> None:
    data = CASES["only a constant"].data
    model = smo.GLM.from_formula(
        "y ~ C(g) + C(fw)", smo.as_source(data, chunk_rows=41), family=sm.families.Poisson()
    )
    theirs = sm.GLM.from_formula("y ~ C(g) + C(fw)", data, family=sm.families.Poisson())
    model.fit()
    beta = np.asarray(model.fit_regularized(alpha=0.02).params)
    assert violation(theirs, {"alpha": 0.02}, beta) < 1e-9


def test_start_params() -> None:
    ours, theirs = models("offset")
    start = np.full(ours.spec.k, 0.5)
    found = ours.fit_regularized(alpha=0.1, start_params=start)
    assert (start == 0.5).all()
    assert violation(theirs, {"alpha": 0.1}, np.asarray(found.params)) < 1e-9
    with pytest.raises(ValueError, match="start_params are 5 numbers"):
        ours.fit_regularized(alpha=0.1, start_params=[0.0])


def test_zero_tol() -> None:
    ours, _ = models("offset")
    all_of_it = np.asarray(ours.fit_regularized(alpha=0.05).params)
    found = np.asarray(ours.fit_regularized(alpha=0.05, zero_tol=0.2).params)
    assert_allclose(found, np.where(np.abs(all_of_it) < 0.2, 0.0, all_of_it), atol=1e-9)
    assert (found == 0).sum() > (all_of_it == 0).sum()


def test_fitted_values() -> None:
    ours, theirs = models("offset")
    found = ours.fit_regularized(alpha=0.05)
    assert isinstance(found.fittedvalues, pd.Series)
    with smo.options.set(array_limit=10):
        assert hasattr(found.model.predict(found.params), "dask")
    expected = theirs.predict(np.asarray(found.params))
    assert_allclose(np.asarray(found.fittedvalues), expected, rtol=SOLVED)


def test_too_few_steps_warn() -> None:
    ours, _ = models("gamma, both weights")
    with pytest.warns(ConvergenceWarning, match="did not converge: more than maxiter=1"):
        found = ours.fit_regularized(alpha=0.05, maxiter=1)
    assert not found.converged


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"alpha": -0.1}, "alpha is a number or 5 of them, finite and not negative"),
        ({"alpha": [0.1, 0.2]}, "alpha is a number or 5 of them"),
        ({"alpha": np.nan}, "finite"),
        ({"alpha": 0.1, "L1_wt": 1.5}, "L1_wt is the share"),
        ({"alpha": 0.1, "L1_wt": -0.5}, "L1_wt is the share"),
        ({"method": "bridge"}, "method must be one of"),
    ],
)
def test_bad_arguments_are_refused(bad: dict[str, Any], message: str) -> None:
    ours, _ = models("offset")
    with pytest.raises(ValueError, match=message):
        ours.fit_regularized(**bad)


def test_an_unknown_option_is_refused() -> None:
    ours, _ = models("offset")
    with pytest.raises(TypeError, match="has no option 'speed'"):
        ours.fit_regularized(alpha=0.1, speed=2)


def test_data_in_memory_take_statsmodels_road() -> None:
    _, theirs = models("offset")
    data = CASES["offset"].data
    model = smo.GLM.from_formula(
        "y ~ x + z + g", data, family=sm.families.Poisson(), offset=data["o"]
    )
    found = model.fit_regularized(alpha=0.1)
    assert_allclose(found.params, theirs.fit_regularized(alpha=0.1).params, rtol=0, atol=0)
