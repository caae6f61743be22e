"""General optimisers on generalised linear models, where every evaluation is a pass."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from models.glm_cases import CASES, LOGIT, case
from numpy.testing import assert_allclose
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    HessianInversionWarning,
    SingularMatrixWarning,
)
from tolerances import ITERATED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError

# Its Hessian is not a number where a frequency is zero.
COUNTED = case(*LOGIT, extras={"freq_weights": "fw + 1"})
MODELS = ["offset", "counted", "gamma, offset", "Binomial Probit, two columns"]
METHODS: dict[str, dict[str, Any]] = {
    "newton": {},
    "bfgs": {"gtol": 1e-7},
    "lbfgs": {"pgtol": 1e-8, "factr": 1.0},
    "nm": {"xtol": 1e-9, "ftol": 1e-14, "maxiter": 4000, "maxfun": 4000},
    "cg": {"gtol": 1e-7},
    "ncg": {"avextol": 1e-9},
    "powell": {"xtol": 1e-9, "ftol": 1e-14},
}
SLOW = {"nm", "powell"}  # hundreds of passes
CHUNK = 120
NEWTON = 1e-9
NUMBERS = ("params", "bse", "llf", "scale", "deviance", "pearson_chi2", "df_resid")


def models(name: str) -> tuple[Any, Any]:
    chosen = COUNTED if name == "counted" else CASES[name]
    with np.errstate(all="ignore"):
        theirs = chosen.theirs().model
    return chosen.model(smo.as_source(chosen.data, chunk_rows=CHUNK)), theirs


def fits(name: str, method: str, **options: Any) -> tuple[Any, Any]:
    ours, theirs = models(name)
    found = ours.fit(method=method, disp=False, **options)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected = theirs.fit(method=method, disp=False, **options)
        _ = expected.bse, expected.llf
    return found, expected


def assert_same(found: Any, expected: Any, rtol: float) -> None:
    for attribute in NUMBERS:
        one, other = (np.asarray(getattr(r, attribute), float) for r in (found, expected))
        size = rtol * np.abs(other).max()
        assert_allclose(one, other, rtol=rtol, atol=size, err_msg=attribute)


@pytest.mark.parametrize(
    ("name", "method"),
    [(n, m) for m in METHODS for n in (MODELS[:1] if m in SLOW else MODELS)],
)
def test_methods(name: str, method: str) -> None:
    start = np.full(5, 0.1) if method not in SLOW else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # at the limits of precision
        found, expected = fits(name, method, start_params=start, **METHODS[method])
    assert_same(found, expected, NEWTON if method == "newton" else ITERATED)
    assert found.method == expected.method == method
    assert set(found.mle_retvals) == set(expected.mle_retvals)
    assert set(found.fit_history) == set(expected.fit_history)
    assert found.converged == found.mle_retvals["converged"]


@pytest.mark.parametrize(
    "options",
    [
        {"optim_hessian": "eim"},
        {"optim_hessian": "oim"},
        {"cov_type": "eim"},
        {"cov_type": "HC0"},
        {"scale": "dev"},
        {"scale": "X2"},
        {"scale": 1.7},
        {"use_t": True},
        {"max_start_irls": 0},
        {"max_start_irls": 1},
    ],
)
@pytest.mark.parametrize("name", ["gamma, offset", "Binomial Probit, binary"])
def test_options(name: str, options: dict[str, Any]) -> None:
    found, expected = fits(name, "newton", **options)
    assert_same(found, expected, 1e-8 if "optim_hessian" in options else NEWTON)
    assert found.cov_type == expected.cov_type
    assert found.use_t == expected.use_t


def test_newton_takes_the_same_steps() -> None:
    found, expected = fits("offset", "newton", start_params=np.full(5, 0.1))
    assert found.fit_history["iteration"] == expected.fit_history["iteration"] > 3
    one, other = (r.mle_retvals["Hessian"] for r in (found, expected))
    assert_allclose(one, other, rtol=NEWTON, atol=1e-14)


@pytest.mark.parametrize("method", ["newton", "bfgs"])
def test_an_evaluation_of_everything_is_one_pass(method: str) -> None:
    ours, _ = models("offset")
    asked = set()
    former = ours.likelihood.at

    def watched(params: Any, **kwargs: Any) -> Any:
        asked.add(params.tobytes())
        return former(params, **kwargs)

    ours.likelihood.at = watched
    found = ours.fit(method=method, start_params=np.full(5, 0.1), disp=False)
    _ = found.bse, found.llf
    names = [record.name for record in ours.passes]
    beyond = names.count("fit") - len(asked)  # whether it is an optimum
    assert 0 <= beyond <= 2
    assert set(names) == {"levels", "pilot", "fit"}


def test_the_observed_information_is_asked_for_once() -> None:
    ours, _ = models("gamma, offset")
    found = ours.fit(method="bfgs", disp=False)
    _ = found.bse
    names = [record.name for record in ours.passes]
    assert names.count("robust covariance") == 1
    robust = ours.fit(method="bfgs", cov_type="HC0", disp=False)
    _ = robust.bse
    assert [record.name for record in ours.passes].count("robust covariance") == 1


def test_the_expected_information_needs_no_pass_of_its_own() -> None:
    ours, _ = models("gamma, offset")
    found = ours.fit(method="bfgs", cov_type="eim", disp=False)
    _ = found.bse
    assert "robust covariance" not in {record.name for record in ours.passes}


def test_steps_to_start_with_do_not_warn() -> None:
    ours, _ = models("gamma, offset")
    found = ours.fit(method="newton", max_start_irls=1, disp=False)  # a warning is an error here
    assert found.converged


def test_steps_that_do_not_suffice_warn() -> None:
    ours, _ = models("offset")
    with pytest.warns(ConvergenceWarning, match="failed to converge"):
        found = ours.fit(method="newton", start_params=np.zeros(5), maxiter=1, disp=False)
    assert not found.converged


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    ours, _ = models("offset")
    ours.fit(method="newton", disp=False)
    assert capsys.readouterr().out == ""
    ours.fit(method="newton", disp=True)
    assert "Iterations" in capsys.readouterr().out


def test_without_the_full_output() -> None:
    ours, _ = models("offset")
    with pytest.warns(FutureWarning, match="full_output"):
        found = ours.fit(method="newton", full_output=False, disp=False)
    assert found.fit_history == {"iteration": 0}
    assert not hasattr(found, "mle_retvals")


def test_the_model_forgets_how_it_was_fitted() -> None:
    ours, theirs = models("gamma, offset")
    ours.fit(method="newton", optim_hessian="eim", disp=False)
    params = np.full(5, 0.1)
    with np.errstate(all="ignore"):
        assert_allclose(ours.hessian(params), theirs.hessian(params), rtol=1e-9)
        assert_allclose(ours.score(params), theirs.score(params), rtol=1e-9)
    with pytest.raises(ValueError, match="method"):
        ours.fit(method="nonsense", disp=False)
    assert ours.scaletype is None


def test_means_that_are_impossible_are_not_likely() -> None:
    ours, _ = models("Poisson Identity")
    assert ours.loglike(np.array([1.0, 0.0, 0.0, 5.0, 0.0])) == -np.inf
    steep = np.array([10.0, 3.0, 1.0, 3.0, -1.0])
    found = ours.fit(method="nm", start_params=steep, maxiter=2000, disp=False)
    assert_allclose(found.llf, ours.fit().llf, rtol=ITERATED)


@pytest.mark.parametrize("method", ["newton", "bfgs", "nm"])
def test_a_start_with_impossible_means_is_refused(method: str) -> None:
    ours, _ = models("Poisson Identity")
    with pytest.raises(DesignError, match="which the Poisson family cannot have"):
        ours.fit(method=method, start_params=np.array([1.0, 0.0, 0.0, 5.0, 0.0]), disp=False)


def test_an_end_with_impossible_means_is_refused() -> None:
    ours, _ = models("Gamma InversePower")
    ended = pytest.raises(DesignError, match="'newton' ended where a row has the mean")
    with np.errstate(all="ignore"), warnings.catch_warnings(), ended:
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours.fit(method="newton", start_params=np.r_[20.0, np.zeros(4)], maxiter=1, disp=False)


def test_a_singular_hessian() -> None:
    """Where all responses are twice their means, the Hessian of this link is zero."""
    family = sm.families.Gaussian(sm.families.links.Log())
    source = smo.as_source(pd.DataFrame({"y": np.ones(9)}), chunk_rows=4)
    model = smof.glm("y ~ 1", source, family=family)
    ended = pytest.warns(ConvergenceWarning, match="Maximum Likelihood")
    with ended, pytest.warns(HessianInversionWarning, match="Inverting hessian failed"):
        found = model.fit(method="bfgs", start_params=[np.log(0.5)], maxiter=0, disp=False)
    assert found._results.normalized_cov_params is None


SHORT = {"I(2 * x - 1)": "combination of 'Intercept' and 'x'", "I(0 * x)": "zero in all rows"}


def short_rank(column: str) -> Any:
    short = case(*LOGIT, formula=f"y ~ x + z + {column}")
    return short.model(smo.as_source(short.data, chunk_rows=CHUNK))


@pytest.mark.parametrize("cov_type", ["nonrobust", "eim", "HC0"])
@pytest.mark.parametrize("column", SHORT)
def test_a_short_rank_ends_as_iterated_least_squares_do(column: str, cov_type: str) -> None:
    fits = []
    for options in ({}, {"method": "bfgs", "disp": False}):
        with pytest.warns(SingularMatrixWarning, match=SHORT[column]):
            fits.append(short_rank(column).fit(cov_type=cov_type, **options))
    assert_same(fits[1], fits[0], rtol=ITERATED)


@pytest.mark.parametrize("column", SHORT)
def test_newton_names_the_column_that_it_cannot_take(column: str) -> None:
    """In memory it is a LinAlgError, or standard errors of 1e6, as rounding will have it."""
    with pytest.raises(DesignError, match=rf"(?s){SHORT[column]}.*IRLS"):
        short_rank(column).fit(method="newton", disp=False)
