"""Linear constraints on generalised linear models, beside statsmodels' fit of fewer columns."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from models.glm_cases import CASES, TIGHT
from numpy.testing import assert_allclose
from statsmodels.tools.sm_exceptions import ConvergenceWarning, SingularMatrixWarning
from tolerances import EXACT, ITERATED, SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError, OptionError

MODELS = [
    *("offset", "logit, frequencies", "gamma, both weights", "gaussian, both weights"),
    *("Binomial Probit, two columns", "NegativeBinomial Log", "Gamma InversePower"),
    *("Poisson Identity", "Tweedie eql"),
]
CONSTRAINTS: dict[str, Any] = {
    "a sum": "x + z = 0.1",
    "without a value": "x + z",
    "a list": ["x = z", "g[T.v] = 0.1"],
    "a string of two": "x = 0.5, g[T.v] = g[T.w]",
    "the intercept": "Intercept = 1.1",
    "a pair": (np.array([[0.0, 1.0, 0.0, 2.0, 0.0]]), np.array([0.5])),
    "a matrix": np.array([[0.0, 1.0, -1.0, 0.0, 0.0]]),
    "in other units": (1e6 * np.array([[0.0, 0.0, 0.0, 1.0, 1.0]]), np.array([2e5])),
}
NUMBERS = (
    *("params", "bse", "scale", "deviance", "pearson_chi2", "llf", "llnull", "null_deviance"),
    *("df_resid", "df_model", "k_constr", "cov_params_default", "aic"),
)


def models(name: str) -> tuple[Any, Any]:
    chosen = CASES[name]
    return chosen.model(smo.as_source(chosen.data, chunk_rows=41)), chosen.theirs().model


def fits(name: str, constraints: Any, **options: Any) -> tuple[Any, Any]:
    ours, theirs = models(name)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected = theirs.fit_constrained(constraints, **options, **TIGHT)
        _ = [getattr(expected, attribute) for attribute in NUMBERS]
    return ours.fit_constrained(constraints, **options), expected


def assert_same(found: Any, expected: Any, rtol: float = 1e-7) -> None:
    for attribute in NUMBERS:
        one, other = (np.asarray(getattr(r, attribute), float) for r in (found, expected))
        size = np.abs(other).max() * rtol
        assert_allclose(one, other, rtol=rtol, atol=size, err_msg=attribute)


@pytest.mark.parametrize("name", MODELS)
def test_families(name: str) -> None:
    assert_same(*fits(name, "x + z = 0.1"))


@pytest.mark.parametrize("constraints", CONSTRAINTS)
def test_constraints(constraints: str) -> None:
    found, expected = fits("offset", CONSTRAINTS[constraints])
    assert_same(found, expected)
    assert str(found.constraints) == str(expected.constraints)
    rows, values = found.constraints
    gap = rows @ np.asarray(found.params) - values.ravel()
    assert (np.abs(gap) <= 1e-13 * np.abs(rows).max(axis=1)).all()


def test_the_size_of_a_constraint_does_not_matter() -> None:
    ours, _ = models("offset")
    rows = np.array([[0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 1.0]])
    values, sizes = np.array([0.1, 0.2]), np.array([1e12, 1e-9])
    found = ours.fit_constrained((sizes[:, None] * rows, sizes * values))
    expected = ours.fit_constrained((rows, values))
    assert_allclose(found.params, expected.params, rtol=SOLVED)


@pytest.mark.parametrize(
    "options", [{"scale": "dev"}, {"scale": "X2"}, {"scale": 1.7}, {"cov_type": "HC0"}]
)
@pytest.mark.parametrize("name", ["offset", "gamma, variances", "Binomial Probit, binary"])
def test_options(name: str, options: dict[str, Any]) -> None:
    assert_same(*fits(name, ["x = z", "g[T.v] = 0.1"], **options))


def test_robust_standard_errors_are_called_so() -> None:
    ours, _ = models("offset")
    found = ours.fit_constrained("x = z", cov_type="HC0")
    assert found.cov_type == "HC0"
    assert "HC0" in found.summary().as_text()
    with pytest.raises(OptionError, match="needs maxlags"):
        ours.fit_constrained("x = z", cov_type="HAC")


def test_use_t() -> None:
    ours, _ = models("gamma, both weights")
    normal, student = (ours.fit_constrained("x = z", use_t=use) for use in (False, True))
    assert student.use_t
    assert (student.pvalues > normal.pvalues).all()


def test_summary() -> None:
    found, expected = fits("Gamma Log", "x = z")
    lines, others = (
        [
            line
            for line in results.summary().as_text().splitlines()
            if not line.startswith(("Date", "Time", "No. Iterations"))
        ]
        for results in (found, expected)
    )
    assert lines == others
    assert "Model has been estimated subject to linear equality constraints." in lines


def test_the_model_stays_as_it_was() -> None:
    ours, theirs = models("gamma, both weights")
    before = ours.fit()
    found = ours.fit_constrained("x = z")
    assert found.model is ours
    assert (ours.df_model, ours.df_resid) == (theirs.df_model, theirs.df_resid)
    again = ours.fit()
    assert_allclose(again.bse, before.bse, rtol=SOLVED)
    assert found.df_resid == before.df_resid + 1


def test_what_comes_of_the_results() -> None:
    found, expected = fits("offset", "x + z = 0.1")
    for attribute in ("resid_response", "fittedvalues"):
        ours = np.asarray(getattr(found, attribute))
        assert_allclose(ours, getattr(expected, attribute), rtol=ITERATED, atol=ITERATED)
    one, other = (r.t_test("x = z") for r in (found, expected))
    assert_allclose(one.tvalue, other.tvalue, rtol=ITERATED)
    assert_allclose(found.conf_int(), expected.conf_int(), rtol=ITERATED)
    copied = pickle.loads(pickle.dumps(found))
    assert_allclose(copied.bse, found.bse, rtol=0)
    assert str(copied.constraints) == str(found.constraints)


@pytest.mark.parametrize("name", ["offset", "logit, frequencies", "gamma, both weights"])
def test_passes(name: str) -> None:
    ours, _ = models(name)
    ours.fit()
    before = len(ours.passes)
    found = ours.fit_constrained("x = z")
    assert len(ours.passes) - before == found.fit_history["iteration"] + 1
    assert found.fit_history["iteration"] <= 8
    before = len(ours.passes)
    ours.fit_constrained("x = z", scale=2.0)
    assert len(ours.passes) - before <= 1


def test_a_quadratic_likelihood_starts_at_its_optimum() -> None:
    ours, _ = models("gaussian, offset")
    ours.fit()
    before = len(ours.passes)
    found = ours.fit_constrained("x = z")
    assert len(ours.passes) - before == 1
    history = found.fit_history["params"]
    assert_allclose(history[1], found.params, rtol=SOLVED, atol=SOLVED)


def test_start_params_are_moved_to_where_the_constraints_hold() -> None:
    ours, theirs = models("offset")
    start = np.array([0.4, 0.0, 0.0, 0.6, -0.4])
    found = ours.fit_constrained("x + z = 0.1", start_params=start)
    rows, values = found.constraints
    assert_allclose(rows @ found.fit_history["params"][1], values.ravel(), atol=1e-14)
    expected = theirs.fit_constrained("x + z = 0.1", start_params=start, **TIGHT)
    assert_same(found, expected)


def test_constraints_that_make_a_design_identified() -> None:
    data = CASES["offset"].data.assign(x2=lambda frame: 2 * frame["x"])
    model = smo.GLM.from_formula(
        "y ~ x + x2 + z", smo.as_source(data, chunk_rows=41), family=sm.families.Poisson()
    )
    found = model.fit_constrained("x2 = 0")
    expected = sm.GLM.from_formula("y ~ x + z", data, family=sm.families.Poisson()).fit(**TIGHT)
    for name in ("Intercept", "x", "z"):
        assert_allclose(found.params[name], expected.params[name], rtol=ITERATED)
        assert_allclose(found.bse[name], expected.bse[name], rtol=ITERATED)
    assert_allclose(found.params["x2"], 0, atol=1e-14)
    assert found.df_resid == expected.df_resid


def test_constraints_that_leave_a_design_unidentified() -> None:
    data = CASES["offset"].data.assign(x2=lambda frame: 2 * frame["x"])
    family = sm.families.Poisson()
    model = smo.GLM.from_formula(
        "y ~ x + x2 + z", smo.as_source(data, chunk_rows=41), family=family
    )
    with pytest.warns(SingularMatrixWarning, match="rank-deficient: 'x2' is a multiple of 'x'"):
        found = model.fit_constrained("z = 0.1")
    theirs = sm.GLM.from_formula("y ~ x + x2 + z", data, family=family)
    with pytest.warns(SingularMatrixWarning):
        expected = theirs.fit_constrained("z = 0.1", **TIGHT)
    assert_allclose(found.deviance, expected.deviance, rtol=SOLVED)
    assert_allclose(found.params, expected.params, rtol=ITERATED)
    assert_allclose(found.bse["x2"], 2 * found.bse["x"], rtol=SOLVED)  # of the shortest
    assert_allclose(found.bse, expected.bse, rtol=ITERATED, atol=ITERATED)


def test_hardly_any_steps_warn() -> None:
    ours, _ = models("offset")
    with pytest.warns(ConvergenceWarning, match="more than maxiter=1 iterations are needed"):
        found = ours.fit_constrained("x + z = 3", maxiter=1)
    assert not found.converged


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (["x = z", "2 * x = 2 * z"], "possibly inconsistent constraints: only 1 of 2"),
        (["x = 1", "x = 2"], "possibly inconsistent constraints: only 1 of 2"),
        (np.zeros((1, 5)), "only 0 of 1 are independent"),
        (np.eye(5), "5 constraints leave none of 5 parameters"),
    ],
)
def test_constraints_without_an_answer_are_refused(bad: Any, message: str) -> None:
    ours, theirs = models("offset")
    with pytest.raises(ValueError, match=message):
        ours.fit_constrained(bad)
    with pytest.raises(ValueError, match=r"inconsistent|zero-size"):
        theirs.fit_constrained(bad)


def test_what_is_not_understood_is_refused() -> None:
    ours, _ = models("offset")
    with pytest.raises(DesignError, match="unrecognized token"):
        ours.fit_constrained("nobody = 1")
    with pytest.raises(NotImplementedError, match="go with IRLS"):
        ours.fit_constrained("x = z", method="bfgs")
    with pytest.raises(TypeError, match="has no option 'speed'"):
        ours.fit_constrained("x = z", speed=2)


def test_data_in_memory_take_statsmodels_road() -> None:
    _, theirs = models("gaussian, both weights")
    data = CASES["gaussian, both weights"].data
    model = smo.GLM.from_formula(
        "y ~ x + z + g", data, freq_weights=data["fw"], var_weights=data["vw"]
    )
    found, expected = (m.fit_constrained("x = z") for m in (model, theirs))
    assert_allclose(found.params, expected.params, rtol=0)
    assert found.results_constrained is not None


UNITS = {"a": 2.0**40, "b": 2.0**-30, "c": 2.0**20}


@pytest.mark.parametrize(
    "constraint", ["a = 0", "b = 0", "a = {ratio}*b", "c = 0.125/{c}", "a = 0, c = 0"]
)
@pytest.mark.parametrize("cov_type", ["nonrobust", "HC0"])
def test_the_units_of_columns_take_no_part(constraint: str, cov_type: str) -> None:
    rng = np.random.default_rng(0)
    plain = pd.DataFrame(rng.normal(size=(600, 3)), columns=list(UNITS))
    eta = 0.2 + 0.3 * plain["a"] - 0.1 * plain["b"] + 0.2 * plain["c"]
    plain["y"] = rng.poisson(np.exp(eta))
    scaled = plain.assign(**{name: plain[name] * unit for name, unit in UNITS.items()})
    results = []
    for frame, ratio, c in ((plain, 1.0, 1.0), (scaled, UNITS["b"] / UNITS["a"], UNITS["c"])):
        source = smo.as_source(frame, chunk_rows=150)
        model = smof.glm("y ~ a + b + c", source, family=sm.families.Poisson())
        told = constraint.format(ratio=repr(ratio), c=repr(c))
        results.append(model.fit_constrained(told, cov_type=cov_type))
    one, other = results
    factors = np.array([1.0, *UNITS.values()])
    np.testing.assert_allclose(other.params * factors, one.params, rtol=0, atol=EXACT)
    np.testing.assert_allclose(other.bse * factors, one.bse, rtol=0, atol=EXACT)
    np.testing.assert_allclose(other.llf, one.llf, rtol=EXACT)
