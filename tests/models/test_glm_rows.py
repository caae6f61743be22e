"""Row-level answers of a GLM: right, of statsmodels' types, and lazy where they are large."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import dask.array as da
import numpy as np
import pytest
import statsmodels.api as sm
from models.glm_cases import CASES, tight_pair
from models.pairs import Pair
from numpy.testing import assert_allclose
from tolerances import ITERATED, SOLVED, TAILS

import statsmodels_ooc.api as smo
from statsmodels_ooc.engine import RowArray

Ask = Callable[[Any], Any]

# Of the results: both have their own parameters, which agree to the last digits of a fit.
RESULTS_ROWS: dict[str, Ask] = {
    **{
        name: (lambda r, name=name: getattr(r, name))
        for name in (
            *("mu", "fittedvalues", "null", "resid_response", "resid_pearson", "resid_working"),
            *("resid_deviance", "resid_anscombe_scaled", "resid_anscombe_unscaled"),
            "resid_anscombe",
        )
    },
    "predict": lambda r: r.predict(),
    "predict linear": lambda r: r.predict(which="linear"),
    "hat matrix": lambda r: r.get_hat_matrix_diag(observed=False),
    "model.mu": lambda r: r.model.mu,
}

# Of the model: both are asked for the same parameters.
MODEL_ROWS: dict[str, Callable[[Any, Any], Any]] = {
    "predict": lambda m, b: m.predict(b),
    "predict linear": lambda m, b: m.predict(b, which="linear"),
    "predict var_unscaled": lambda m, b: m.predict(b, which="var_unscaled"),
    "predict an offset": lambda m, b: m.predict(b, offset=0.25),
    "predict offsets": lambda m, b: m.predict(b, offset=np.linspace(0, 0.1, len(m.endog))),
    "score_factor": lambda m, b: m.score_factor(b),
    "score_factor at a scale": lambda m, b: m.score_factor(b, scale=1.7),
    "score_obs": lambda m, b: m.score_obs(b),
    "score_obs at a scale": lambda m, b: m.score_obs(b, scale=1.7),
    "hessian_factor": lambda m, b: m.hessian_factor(b),
    "hessian_factor expected": lambda m, b: m.hessian_factor(b, observed=False),
    "hessian_factor at a scale": lambda m, b: m.hessian_factor(b, scale=1.7),
    "deriv_mean_dparams": lambda m, b: m._deriv_mean_dparams(b),
    "deriv_score_obs_dendog": lambda m, b: m._deriv_score_obs_dendog(b, scale=1.7),
    "endog": lambda m, b: m.endog,
    "exog": lambda m, b: m.exog,
    "iweights": lambda m, b: m.iweights,
    "freq_weights": lambda m, b: m.freq_weights,
    "var_weights": lambda m, b: m.var_weights,
    "n_trials": lambda m, b: m.n_trials,
}

NAMES = (
    *("Poisson Sqrt", "Binomial Logit, binary", "Binomial Probit, two columns", "Gaussian Log"),
    *("Tweedie 1.5", "offset and exposure", "logit, offset", "gamma, variances"),
    *("inverse Gaussian, both weights", "NegativeBinomial Log", "scale dev"),
)
EXPOSED = ("Poisson Log", "exposure", "offset and exposure", "Gamma Log")


@pytest.fixture(params=NAMES)
def pair(request: pytest.FixtureRequest) -> Pair:
    return tight_pair(request.param)


def near(pair: Pair) -> np.ndarray:
    return np.asarray(pair.theirs.params) * 1.1


@pytest.mark.parametrize("name", RESULTS_ROWS)
def test_rows_of_the_results(pair: Pair, name: str) -> None:
    ours, theirs = RESULTS_ROWS[name](pair.ours), RESULTS_ROWS[name](pair.theirs)
    assert type(ours) is type(theirs)
    # With an offset, statsmodels iterates for the null model until its deviance stands.
    rtol = ITERATED if name == "null" else TAILS
    assert_allclose(np.asarray(ours), theirs, rtol=rtol, atol=1e-9 * np.abs(theirs).max())


@pytest.mark.parametrize("name", MODEL_ROWS)
def test_rows_of_the_model(pair: Pair, name: str) -> None:
    ours, theirs = (MODEL_ROWS[name](r.model, near(pair)) for r in (pair.ours, pair.theirs))
    assert type(ours) is type(theirs)
    assert_allclose(np.asarray(ours), theirs, rtol=SOLVED, atol=SOLVED * np.abs(theirs).max())


@pytest.mark.parametrize("name", EXPOSED)
@pytest.mark.parametrize("offset", [None, 0.5])
def test_an_exposure_takes_the_place_of_the_models_own(name: str, offset: Any) -> None:
    pair = tight_pair(name)
    exposure = np.linspace(0.5, 2, len(CASES[name].data))
    asked = {"exposure": exposure, "offset": offset}
    ours, theirs = (r.model.predict(near(pair), **asked) for r in (pair.ours, pair.theirs))
    assert_allclose(np.asarray(ours), theirs, rtol=SOLVED)
    lazily = pair.ours.model.lazy.predict(
        near(pair), exposure=da.from_array(exposure, 50), offset=offset
    )
    assert isinstance(lazily, RowArray)
    assert_allclose(np.asarray(lazily), theirs, rtol=SOLVED)


def test_an_exposure_needs_the_log_link() -> None:
    res = tight_pair("Binomial Logit, binary").ours
    with pytest.raises(ValueError, match="log link"):
        res.predict(exposure=2.0)


def test_an_offset_of_another_length() -> None:
    res = tight_pair("Poisson Log").ours
    with pytest.raises(smo.errors.DesignError, match="offset has 3 rows, the model has 211"):
        res.predict(offset=np.zeros(3))


def test_something_else_is_not_predicted() -> None:
    res = tight_pair("Poisson Log").ours
    with pytest.raises(ValueError, match="which"):
        res.predict(which="median")


@pytest.mark.parametrize("name", ["Poisson Log", "Gamma InversePower", "offset and exposure"])
@pytest.mark.parametrize("observed", [True, False])
def test_leverages(name: str, observed: bool) -> None:
    pair = tight_pair(name)
    ours, theirs = (r.get_hat_matrix_diag(observed=observed) for r in (pair.ours, pair.theirs))
    assert_allclose(np.asarray(ours), theirs, rtol=1e-7)  # of weights that both have to find
    assert_allclose(ours.sum(), len(pair.theirs.params), rtol=TAILS)


# The weights of statsmodels are those of the step before the last.
def test_weights_of_the_last_fit() -> None:
    pair = tight_pair("Gamma InversePower")
    assert_allclose(np.asarray(pair.ours.model.weights), pair.theirs.model.weights, rtol=1e-6)


@pytest.mark.parametrize("name", ["mu", "weights"])
def test_without_a_fit_there_are_no_means(name: str) -> None:
    case = CASES["Poisson Log"]
    model = case.model(smo.as_source(case.data, chunk_rows=50))
    with pytest.raises(AttributeError, match="not been fitted"):
        getattr(model, name)


def test_another_fit_has_other_means() -> None:
    model = CASES["Poisson Log"].ours().model
    before = np.asarray(model.mu)
    model.fit(start_params=np.zeros(5), maxiter=0)
    assert_allclose(np.asarray(model.mu), 1.0)
    assert not np.allclose(before, 1.0)


@cache
def fresh() -> Any:
    """Results whose rows nobody has read; those are kept in memory."""
    return CASES["Poisson Log"].ours()


@pytest.mark.parametrize("name", [*RESULTS_ROWS, *(f"model {name}" for name in MODEL_ROWS)])
def test_a_large_answer_does_not_become_an_array_by_accident(name: str) -> None:
    kept = fresh()
    with smo.options.set(array_limit=10):
        if name in RESULTS_ROWS:
            rows = RESULTS_ROWS[name](kept)
        else:
            rows = MODEL_ROWS[name.removeprefix("model ")](kept.model, np.asarray(kept.params))
        assert isinstance(rows, RowArray)
        with pytest.raises(smo.errors.MemoryLimitError, match=r"Hint: use \.compute\(\)"):
            np.asarray(rows)


# --- means that somebody hands back


def shifted(mu: Any) -> Any:
    return mu * 0.97 + 0.005


MEANS: dict[str, Callable[[Any, Any], Any]] = {
    "loglike_mu": lambda m, mu: m.loglike_mu(mu, 1.3),
    "estimate_scale": lambda m, mu: m.estimate_scale(mu),
}


@pytest.mark.parametrize("name", MEANS)
def test_the_models_own_means_are_known_by_their_parameters(pair: Pair, name: str) -> None:
    ask, model = MEANS[name], pair.ours.model
    assert_allclose(
        ask(model, pair.ours.lazy.mu), ask(pair.theirs.model, np.asarray(pair.ours.mu)), rtol=SOLVED
    )


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("kind", ["array", "lazy", "other chunks"])
def test_any_other_means(pair: Pair, name: str, kind: str) -> None:
    mu = shifted(np.asarray(pair.ours.mu))
    given = {
        "array": mu,
        "lazy": shifted(pair.ours.lazy.mu),
        "other chunks": da.from_array(mu, 53),
    }[kind]
    ask = MEANS[name]
    assert_allclose(ask(pair.ours.model, given), ask(pair.theirs.model, mu), rtol=SOLVED)


def test_likelihoods_are_numbers_of_numpy() -> None:
    for results in (tight_pair("Gamma Log").ours, tight_pair("Gamma Log").theirs):
        model = results.model
        for found in (model.loglike(results.params), model.loglike_mu(np.asarray(results.mu), 1.3)):
            assert isinstance(found, np.float64)


def test_means_of_another_length() -> None:
    with pytest.raises(smo.errors.DesignError, match="mu has 2 rows, the model has 211"):
        tight_pair("Gamma Log").ours.model.loglike_mu(np.ones(2))


def test_the_scale_of_counts_needs_no_means() -> None:
    model = tight_pair("Poisson Log").ours.model
    before = len(model.passes)
    assert model.estimate_scale(np.ones(211)) == 1.0
    assert len(model.passes) == before


# --- the power of a Tweedie variance

POSITIVE = ("Gamma Log", "Tweedie 1.5", "gamma, variances", "InverseGaussian Log", "exposure")


@pytest.mark.parametrize("name", [*POSITIVE, "tweedie, frequencies"])
@pytest.mark.parametrize("kind", ["own", "array", "lazy"])
def test_the_power_of_the_variance(name: str, kind: str) -> None:
    pair = tight_pair(name)
    mu = np.asarray(pair.ours.mu)
    given = {"own": pair.ours.lazy.mu, "array": mu, "lazy": pair.ours.lazy.mu * 1.0}[kind]
    between = {"low": -3.0, "high": 8.0}
    ours = pair.ours.model.estimate_tweedie_power(given, **between)
    assert_allclose(ours, pair.theirs.model.estimate_tweedie_power(mu, **between), rtol=1e-9)


def test_the_power_takes_few_passes() -> None:
    rng = np.random.default_rng(4)
    mu = np.exp(rng.normal(size=400))
    frame = CASES["Tweedie 1.5"].data.iloc[:0].reindex(range(400))
    frame = frame.assign(y=rng.gamma(2.0, mu / 2), x=np.log(mu), z=0.1 * rng.normal(size=400))
    source = smo.as_source(frame[["y", "x", "z"]], chunk_rows=99)
    model = smo.GLM.from_formula(
        "y ~ x + z", source, family=sm.families.Gamma(sm.families.links.Log())
    )
    res = model.fit()
    before = len(res.passes)
    power = model.estimate_tweedie_power(res.lazy.mu)
    assert 1.5 < power < 2.5
    assert len(res.passes) <= before + 2


def test_there_may_be_no_such_power() -> None:
    pair = tight_pair("Poisson Log")
    for res in (pair.ours, pair.theirs):
        with pytest.raises(ValueError, match="different signs"):
            res.model.estimate_tweedie_power(res.mu, low=6.0, high=8.0)


def test_another_way_to_the_power() -> None:
    res = tight_pair("Gamma Log").ours
    with pytest.raises(NotImplementedError, match="brentq"):
        res.model.estimate_tweedie_power(res.mu, method="newton")


# --- what a model can be made of again


def test_a_model_is_made_again_of_its_own_rows() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        res = tight_pair("offset and exposure").ours
        again = smo.GLM(res.model.endog, res.model.exog, **res.model._get_init_kwds()).fit()
    assert_allclose(again.params, np.asarray(res.params), rtol=SOLVED)


def test_fitted_values_are_lazy_on_demand() -> None:
    found = tight_pair("Poisson Log").ours
    assert isinstance(found.lazy.fittedvalues, RowArray)
    assert_allclose(found.lazy.fittedvalues.compute(), np.asarray(found.mu), rtol=SOLVED)


def test_a_subclass_may_predict_by_itself() -> None:
    class Doubled(smo.GLM):
        def predict(self, params: Any, *args: Any, **kwargs: Any) -> Any:
            return 2 * super().predict(params, *args, **kwargs)

    y, x = np.arange(1.0, 9.0), np.column_stack([np.ones(8), np.arange(8.0)])
    arrays = da.from_array(y, chunks=3), da.from_array(x, chunks=(3, 2))
    found = Doubled(*arrays, family=sm.families.Poisson()).fit()
    assert_allclose(found.predict(), 2 * np.asarray(found.mu), rtol=SOLVED)
    assert_allclose(found.predict(x), 2 * np.asarray(found.mu), rtol=SOLVED)
