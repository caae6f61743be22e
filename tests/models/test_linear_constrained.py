"""Least squares subject to constraints, beside the Gaussian GLM and the model in what is left."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.pairs import CHUNK, FRAME
from numpy.testing import assert_allclose
from patsy import DesignInfo
from scipy.linalg import null_space
from tolerances import ITERATED, SOLVED, SUMS, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.results.linear import OLSResults

FORMULA = "y ~ a + b + C(g) * h"
CONSTRAINTS: dict[str, Any] = {
    "equal": "a = b",
    "a sum": "a + b = 1",
    "two": ["a = 2 * b", "C(g)[T.v] = C(g)[T.w]"],
    "zero": "b = 0, h[T.q] = 0",
    "no constant": "Intercept = 0",
    "a value": "Intercept = 2, a - b = 0.5",
    "matrix": (np.eye(8)[[1, 2]] @ np.diag([1, 3.0, 2, 1, 1, 1, 1, 1]), np.array([0.5, 0.0])),
}


def fitted(kind: str, name: str, rows: int = CHUNK, **options: Any) -> Any:
    source = smo.as_source(FRAME, chunk_rows=rows)
    model = smof.ols(FORMULA, source) if kind == "ols" else smof.wls(FORMULA, source, weights="w")
    return model.fit_constrained(CONSTRAINTS[name], **options)


def weights(kind: str) -> Any:
    return np.ones(len(FRAME)) if kind == "ols" else FRAME["w"].to_numpy()


def in_what_is_left(kind: str, name: str) -> tuple[Any, Any, Any]:
    """The regression on X Z, one solution, and Z."""
    model = smf.ols(FORMULA, FRAME)
    told = DesignInfo(model.exog_names).linear_constraint(CONSTRAINTS[name])
    coefs, constants = told.coefs, told.constants.ravel()
    z, shift = null_space(coefs), np.linalg.pinv(coefs) @ constants
    y = FRAME["y"] - model.exog @ shift
    return sm.WLS(y, model.exog @ z, weights(kind)).fit(), shift, z


@pytest.mark.parametrize("rows", [1, CHUNK])
@pytest.mark.parametrize("kind", ["ols", "wls"])
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_as_the_regression_on_what_is_left(kind: str, name: str, rows: int) -> None:
    ours = fitted(kind, name, rows)
    theirs, shift, z = in_what_is_left(kind, name)
    assert_allclose(ours.params, shift + z @ theirs.params, rtol=SOLVED, atol=SUMS)
    assert_allclose(ours.cov_params(), z @ theirs.cov_params() @ z.T, rtol=SOLVED, atol=SUMS)
    for number in ("ssr", "df_resid", "scale", "llf"):
        assert_allclose(getattr(ours, number), getattr(theirs, number), rtol=SOLVED)
    assert_allclose(ours.aic, theirs.aic, rtol=SOLVED)
    assert ours.k_constr == len(np.atleast_1d(ours.constraints.constants).ravel())
    assert [record.name for record in ours.passes][-1] == "fit"


@pytest.mark.parametrize("kind", ["ols", "wls"])
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_as_the_gaussian_glm(kind: str, name: str) -> None:
    ours = fitted(kind, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = smf.glm(FORMULA, FRAME, var_weights=weights(kind)).fit_constrained(
            CONSTRAINTS[name]
        )
    assert_allclose(ours.params, theirs.params, rtol=ITERATED, atol=ITERATED)
    assert_allclose(ours.bse, theirs.bse, rtol=ITERATED, atol=ITERATED)
    assert (ours.df_resid, ours.df_model) == (theirs.df_resid, theirs.df_model)
    assert_allclose(ours.scale, theirs.scale, rtol=ITERATED)


@pytest.mark.parametrize("kind", ["ols", "wls"])
def test_rows_robust_covariances_and_influence(kind: str) -> None:
    ours = fitted(kind, "two")
    theirs, _, z = in_what_is_left(kind, "two")
    assert_allclose(ours.resid, theirs.resid, rtol=SOLVED, atol=SUMS)
    for name in ("HC0", "HC1", "HC2", "HC3"):
        wanted = theirs.model.fit(cov_type=name)
        expected = z @ wanted.cov_params() @ z.T
        for found in (fitted(kind, "two", cov_type=name), ours.get_robustcov_results(name)):
            assert_allclose(found.cov_params(), expected, rtol=SOLVED, atol=SUMS)
            assert found.df_resid == ours.df_resid
            assert np.isnan(found.fvalue)
        assert fitted(kind, "two", cov_type=name).use_t is wanted.use_t
    fixed = ours.get_robustcov_results("fixed scale", scale=2.0)
    expected = z @ theirs.normalized_cov_params @ z.T * 2.0
    assert_allclose(fixed.cov_params(), expected, rtol=SOLVED, atol=SUMS)
    groups = np.arange(len(FRAME)) // 9
    found = ours.get_robustcov_results("cluster", groups=groups)
    wanted = theirs.model.fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert_allclose(found.cov_params(), z @ wanted.cov_params() @ z.T, rtol=TAILS, atol=SUMS)
    if kind == "ols":
        hat = sm.OLS(theirs.model.endog, theirs.model.exog).fit().get_influence()
        influence = ours.get_influence()
        assert_allclose(influence.hat_matrix_diag, hat.hat_matrix_diag, rtol=SOLVED)
        assert_allclose(influence.resid_studentized, hat.resid_studentized, rtol=TAILS)


def test_the_f_statistic_compares_with_a_constant() -> None:
    ours = fitted("ols", "zero")
    constant = smf.ols("y ~ 1", FRAME).fit()
    df = ours.df_model
    wanted = (constant.ssr - ours.ssr) / df / (ours.ssr / ours.df_resid)
    assert_allclose(ours.fvalue, wanted, rtol=SOLVED)
    assert 0 < ours.f_pvalue < 1
    for name in ("no constant", "a sum", "a value"):
        assert np.isnan(fitted("ols", name).fvalue)


def test_tests_of_the_constraints() -> None:
    source = smo.as_source(FRAME, chunk_rows=CHUNK)
    full = smof.ols(FORMULA, source).fit()
    ours = full.model.fit_constrained(CONSTRAINTS["two"])
    f, p, df = full.compare_f_test(ours)
    wanted = full.f_test(CONSTRAINTS["two"])
    assert_allclose([f, p, df], [wanted.fvalue, wanted.pvalue, 2], rtol=TAILS)
    table = smo.anova_lm(ours, full)
    assert_allclose(table["F"].iloc[1], f, rtol=TAILS)
    assert_allclose(ours.t_test("a - 2 * b = 0").effect, 0, atol=SUMS)


def test_looks_and_pickles() -> None:
    ours = fitted("ols", "two")
    assert isinstance(ours, OLSResults)
    for text in (str(ours.summary()), str(ours.summary(slim=True)), str(ours.summary2())):
        assert "nan" not in text.partition("const")[0].lower().replace("covariance", "")
    assert ours.HC3_se is not None  # known from here on
    again = pickle.loads(pickle.dumps(ours))
    assert_allclose(again.HC3_se, ours.HC3_se, rtol=SUMS)
    assert again.k_constr == 2
    theirs, shift, z = in_what_is_left("ols", "two")
    new = smf.ols(FORMULA, FRAME).exog[:3]
    assert_allclose(ours.predict(FRAME[:3]), new @ (shift + z @ theirs.params), rtol=SOLVED)


def test_a_rank_that_constraints_make_whole_or_short() -> None:
    frame = FRAME.assign(c=FRAME["a"] + FRAME["b"])
    source = smo.as_source(frame, chunk_rows=CHUNK)
    model = smof.ols("y ~ a + b + c", source)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = model.fit_constrained("c = 0")
    theirs = smf.ols("y ~ a + b", FRAME).fit()
    assert_allclose(whole.params, [*theirs.params, 0], rtol=SOLVED, atol=SUMS)
    assert whole.df_resid == theirs.df_resid
    with pytest.warns(Warning, match="leave the design matrix rank-deficient"):
        short = model.fit_constrained("Intercept = 0")
    assert short.df_resid == len(FRAME) - 2


def test_a_row_of_leverage_one() -> None:
    frame = FRAME.assign(only=(np.arange(len(FRAME)) == 30) * 1.0)
    source = smo.as_source(frame, chunk_rows=CHUNK)
    ours = smof.ols("y ~ a + b + only", source).fit_constrained("a = b")
    theirs = smf.ols("y ~ I(a + b) + only", frame).fit()
    assert_allclose(ours.params.iloc[[0, 1, 3]], theirs.params, rtol=SOLVED)
    assert_allclose(ours.bse.iloc[[0, 1, 3]], theirs.bse, rtol=SOLVED)


@pytest.mark.parametrize(
    "name", ["submodel", "best_subset", "stepwise", "compare_lm_test", "regularization_path"]
)
def test_what_belongs_to_fits_without_constraints(name: str) -> None:
    ours = fitted("ols", "equal")
    with pytest.raises(DesignError, match="subject to constraints"):
        getattr(ours, name)()
    with pytest.raises(DesignError, match="subject to constraints"):
        smo.anova_lm(ours)
    with pytest.raises(DesignError, match="subject to constraints"):
        _ = ours.effects


def test_what_is_refused() -> None:
    model = smof.ols(FORMULA, smo.as_source(FRAME, chunk_rows=CHUNK))
    with pytest.raises(DesignError, match="inconsistent"):
        model.fit_constrained("a = 0, a = 1")
    with pytest.raises(DesignError, match="leave none of"):
        model.fit_constrained((np.eye(8), np.zeros(8)))
    with pytest.raises(ValueError, match="method must be one of"):
        model.fit_constrained("a = 0", method="IRLS")
