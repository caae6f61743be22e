"""Every public name of statsmodels' models and results, and what it is here.

A name that a later statsmodels adds fails `test_every_name_is_classified`, until
somebody has looked whether it reads rows.

- SAFE: inherited, and answered from the fit without a read.
- OURS: overridden, and answered from the fit without a read.
- ROWS: overridden, a lazy answer as long as the data; making it reads nothing.
- PASS: overridden, takes one pass when it is first asked for; of a model of likelihoods,
  whenever the parameters are new.
- REFUSED: raises NotImplementedError, which says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.pairs import FRAME
from statsmodels.genmod import generalized_linear_model as glm
from statsmodels.regression import linear_model as lm

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import RowArray
from statsmodels_ooc.errors import SubmodelError

Call = Callable[[Any], Any]
FORMULA = "y ~ a + C(g)"
NEW = FRAME[["a", "g"]].iloc[:3]


def get(name: str) -> Call:
    return lambda owner: getattr(owner, name)


def attributes(*names: str) -> dict[str, Call]:
    return {name: get(name) for name in names}


ONES = np.ones(4)

# --- models

MODEL_SAFE: dict[str, Call] = {
    **attributes("data", "df_model", "df_resid", "endog_names", "exog_names", "formula"),
}
MODEL_OURS: dict[str, Call] = {
    **attributes("k_constant", "nobs", "normalized_cov_params", "rank", "wexog_singular_values"),
    "fit": lambda m: m.fit(),
    "fit_regularized": lambda m: m.fit_regularized(alpha=0.1),
    "from_formula": lambda m: type(m).from_formula,
    "get_distribution": lambda m: m.get_distribution(ONES, 1.0, np.ones((2, 4))),
    "loglike": lambda m: m.loglike(ONES),
    "predict": lambda m: m.predict(ONES, np.ones((2, 4))),
}
MODEL_ROWS: dict[str, Call] = {
    **attributes("endog", "exog", "weights", "wendog", "wexog"),
    "hessian_factor": lambda m: m.hessian_factor(ONES),
    "whiten": lambda m: m.whiten(np.ones(len(FRAME))),
}
MODEL_REFUSED: dict[str, tuple[Call, str]] = {
    "initialize": (lambda m: m.initialize(), "arrays as long as the data"),
    "pinv_wexog": (get("pinv_wexog"), "a column for every row"),
    "information": (lambda m: m.information(ONES), "^$"),  # nor does statsmodels
}
OLS_OURS: dict[str, Call] = {
    "score": lambda m: m.score(ONES),
    "hessian": lambda m: m.hessian(ONES),
}
WLS_REFUSED: dict[str, tuple[Call, str]] = {  # nor does statsmodels
    "score": (lambda m: m.score(ONES), "^$"),
    "hessian": (lambda m: m.hessian(ONES), "^$"),
}

# --- results

RESULTS_SAFE: dict[str, Call] = {
    **attributes("aic", "bic", "bse", "condition_number", "cov_kwds", "cov_type", "df_model"),
    **attributes("df_resid", "diagn", "eigenvals", "ess", "f_pvalue", "k_constant"),
    **attributes("llf", "model", "mse_model", "mse_resid", "mse_total", "normalized_cov_params"),
    **attributes("params", "pvalues", "rsquared", "rsquared_adj", "tvalues", "use_t"),
    "conf_int": lambda r: r.conf_int(),
    "cov_params": lambda r: r.cov_params(),
    "f_test": lambda r: r.f_test("a = 0"),
    "info_criteria": lambda r: r.info_criteria("aicc"),
    "initialize": lambda r: r.initialize(r.model, r.params),
    "load": lambda r: type(r._results).load,
    "save": lambda r: r.save,  # tested in test_pickle
    "t_test_pairwise": lambda r: r.t_test_pairwise("C(g)"),
}
RESULTS_OURS: dict[str, Call] = {
    **attributes("centered_tss", "fvalue", "nobs", "scale", "ssr", "uncentered_tss"),
    "compare_f_test": lambda r: r.compare_f_test(restricted()),
    "compare_lm_test": lambda r: r.compare_lm_test(restricted()),
    "compare_lr_test": lambda r: r.compare_lr_test(restricted(), large_sample=True),
    "get_prediction": lambda r: r.get_prediction(NEW).summary_frame(),
    "get_robustcov_results": lambda r: r.get_robustcov_results("fixed scale"),
    "predict": lambda r: r.predict(NEW),
    "t_test": lambda r: r.t_test("a = 0"),
    "wald_test": lambda r: r.wald_test("a = 0", scalar=True),
    "wald_test_terms": lambda r: r.wald_test_terms(scalar=True),
}
RESULTS_ROWS = attributes("fittedvalues", "resid", "resid_pearson", "wresid")
RESULTS_PASS: dict[str, Call] = {
    **attributes(*(f"HC{i}_se" for i in range(4)), *(f"cov_HC{i}" for i in range(4))),
    "summary": lambda r: r.summary(),
    "summary2": lambda r: r.summary2(),
}
RESULTS_LAST: dict[str, Call] = {"remove_data": lambda r: r.remove_data()}
# In statsmodels of OLS alone; here of WLS, too.
OLS_RESULTS_OURS: dict[str, Call] = {"get_influence": lambda r: r.get_influence().scale}
OLS_RESULTS_PASS: dict[str, Call] = {
    "outlier_test": lambda r: r.outlier_test(cutoff=0.1),
}
OURS_ALONE: dict[str, Call] = {"top_influence": lambda r: r.top_influence(3)}
# In statsmodels of no linear model; of OLS and WLS, answered from the fit without a read.
MODEL_OURS_ALONE: dict[str, Call] = {
    "fit_constrained": lambda m: m.fit_constrained("a = 0").params,
    "submodel": lambda m: m.submodel("a").fit().params,
}
LINEAR_OURS_ALONE: dict[str, Call] = {
    "best_subset": lambda r: r.best_subset().best.summary(slim=True),
    "collinearity": lambda r: r.collinearity(),
    "gvif": lambda r: r.gvif(),
    "regularization_path": lambda r: r.regularization_path(n_alphas=3),
    "stepwise": lambda r: r.stepwise().best.params,
    "submodel": lambda r: r.submodel(drop="a").predict(NEW),
    "vif": lambda r: r.vif(),
}
GLM_RESULTS_ALONE: dict[str, tuple[Call, str]] = {
    "best_subset": (lambda r: r.best_subset(), "passes of its own"),
    "regularization_path": (lambda r: r.regularization_path(), r"fit_regularized\(alpha"),
    "stepwise": (lambda r: r.stepwise(), "passes of its own"),
    "submodel": (lambda r: r.submodel("a"), r"fit_constrained\('x = 0'\)"),
}
OLS_RESULTS_REFUSED: dict[str, tuple[Call, str]] = {
    "conf_int_el": (lambda r: r.conf_int_el(1), "a weight of every row"),
    "el_test": (lambda r: r.el_test([0], [1]), "a weight of every row"),
}

# What is only there after ``fit(method="qr")`` in statsmodels, and on the results here.
SET_BY_QR = {"effects"}


# --- the streamed side, which counts its reads

reads: list[int] = []


class Counted:
    """A frame that counts how often it is read."""

    def __call__(self) -> Iterator[pd.DataFrame]:
        reads.append(1)
        yield from (FRAME[i : i + 7] for i in range(0, len(FRAME), 7))


def streamed(kind: str, formula: str = FORMULA) -> Any:
    source = smo.from_iterable(Counted())
    return smof.ols(formula, source) if kind == "ols" else smof.wls(formula, source, weights="w")


_restricted: dict[str, Any] = {}
_kind = ["ols"]


def restricted() -> Any:
    """A smaller model of the kind under test, fitted before reads are counted."""
    return _restricted[_kind[0]]


@pytest.fixture(params=["ols", "wls"])
def kind(request: pytest.FixtureRequest) -> str:
    _kind[0] = request.param
    if request.param not in _restricted:
        _restricted[request.param] = streamed(request.param, "y ~ a").fit()
    return str(request.param)


def fitted(kind: str) -> Any:
    found = streamed(kind).fit()
    found.summary(slim=True)  # sets `diagn`, as it does in statsmodels
    return found


@contextmanager
def watched(found: Any) -> Iterator[Any]:
    """From here on reads are counted, and no array of rows may become NumPy."""
    reads.clear()
    with smo.options.set(array_limit=1):
        yield found


@pytest.fixture
def results(kind: str) -> Iterator[Any]:
    with watched(fitted(kind)) as found:
        yield found


@pytest.fixture
def unread(kind: str) -> Iterator[Any]:
    """Results for all tests that read nothing: whatever reads fails one of them."""
    with watched(once(fitted, kind)) as found:
        yield found


@cache
def once(make: Callable[..., Any], *arguments: str) -> Any:
    return make(*arguments)


def public(*owners: Any) -> set[str]:
    return {name for owner in owners for name in dir(owner) if not name.startswith("_")}


def in_memory(kind: str) -> tuple[Any, Any]:
    if kind == "ols":
        model = smf.ols(FORMULA, FRAME)
    else:
        model = smf.wls(FORMULA, FRAME, weights=FRAME["w"])
    fitted = model.fit()
    fitted.summary()
    model.fit(method="qr")
    return model, fitted


def model_names(kind: str) -> set[str]:
    known = {*MODEL_SAFE, *MODEL_OURS, *MODEL_ROWS, *MODEL_REFUSED}
    return known | set(OLS_OURS if kind == "ols" else WLS_REFUSED)


def results_names(kind: str) -> set[str]:
    known = {*RESULTS_SAFE, *RESULTS_OURS, *RESULTS_ROWS, *RESULTS_PASS, *RESULTS_LAST}
    return known | (
        {*OLS_RESULTS_OURS, *OLS_RESULTS_PASS, *OLS_RESULTS_REFUSED} if kind == "ols" else set()
    )


def test_every_name_of_the_model_is_classified(kind: str) -> None:
    model, _ = in_memory(kind)
    assert public(model, type(model)) - SET_BY_QR == model_names(kind)


def test_every_name_of_the_results_is_classified(kind: str) -> None:
    _, fitted = in_memory(kind)
    names = public(fitted, fitted._results, type(fitted._results), lm.RegressionResultsWrapper)
    assert names == results_names(kind)


def test_no_name_is_in_two_tables() -> None:
    tables = [MODEL_SAFE, MODEL_OURS, MODEL_ROWS, MODEL_REFUSED]
    assert sum(map(len, tables)) == len(set().union(*tables))
    tables = [RESULTS_SAFE, RESULTS_OURS, RESULTS_ROWS, RESULTS_PASS, RESULTS_LAST]
    assert sum(map(len, tables)) == len(set().union(*tables))


@pytest.mark.parametrize("name", MODEL_SAFE)
def test_safe_names_of_the_model_are_inherited(name: str) -> None:
    assert name not in vars_of(smo.OLS)


@pytest.mark.parametrize("name", RESULTS_SAFE)
def test_safe_names_of_the_results_are_inherited(name: str, kind: str) -> None:
    assert name not in vars_of(type(streamed(kind).fit()._results))


def vars_of(cls: type) -> set[str]:
    """Names that the classes of this package define."""
    own = [base for base in cls.__mro__ if base.__module__.startswith("statsmodels_ooc")]
    return {name for base in own for name in vars(base)}


@pytest.mark.parametrize("name", [*MODEL_SAFE, *MODEL_OURS])
def test_the_model_answers_without_a_read(unread: Any, name: str) -> None:
    ({**MODEL_SAFE, **MODEL_OURS})[name](unread.model)
    assert reads == []


@pytest.mark.parametrize("name", MODEL_OURS_ALONE)
def test_the_model_answers_more_without_a_read(unread: Any, name: str) -> None:
    MODEL_OURS_ALONE[name](unread.model)
    assert reads == []


@pytest.mark.parametrize("name", LINEAR_OURS_ALONE)
def test_the_results_answer_more_without_a_read(unread: Any, name: str) -> None:
    before = len(unread.passes)
    LINEAR_OURS_ALONE[name](unread)
    assert reads == []
    assert len(unread.passes) == before


@pytest.mark.parametrize("name", GLM_RESULTS_ALONE)
def test_a_glm_says_what_takes_fits(unread_counts: Any, name: str) -> None:
    ask, reason = GLM_RESULTS_ALONE[name]
    with pytest.raises(SubmodelError, match=reason):
        ask(unread_counts)
    assert reads == []


@pytest.mark.parametrize("name", OLS_OURS)
def test_the_likelihood_of_ols_takes_no_read(name: str) -> None:
    model = streamed("ols")
    model.fit()
    reads.clear()
    OLS_OURS[name](model)
    assert reads == []


RESULTS_READ_NOTHING = {**RESULTS_SAFE, **RESULTS_OURS, **OLS_RESULTS_OURS}


@pytest.mark.parametrize("name", sorted({*RESULTS_READ_NOTHING} - {"initialize"}))
def test_the_results_answer_without_a_read(unread: Any, name: str) -> None:
    RESULTS_READ_NOTHING[name](unread)
    assert reads == []


@pytest.mark.parametrize("name", MODEL_ROWS)
def test_rows_of_the_model_are_lazy(unread: Any, name: str) -> None:
    assert isinstance(MODEL_ROWS[name](unread.model), RowArray)
    assert reads == []


@pytest.mark.parametrize("name", RESULTS_ROWS)
def test_rows_of_the_results_are_lazy(unread: Any, name: str) -> None:
    assert isinstance(RESULTS_ROWS[name](unread), RowArray)
    assert reads == []


@pytest.mark.parametrize("name", [*RESULTS_PASS, *OLS_RESULTS_PASS, *OURS_ALONE])
def test_a_pass_is_made_once(results: Any, name: str) -> None:
    before = len(results.passes)
    for _ in range(2):
        ({**RESULTS_PASS, **OLS_RESULTS_PASS, **OURS_ALONE})[name](results)
    assert len(results.passes) == before + 1


@pytest.mark.parametrize("name", MODEL_REFUSED)
def test_the_model_says_what_is_missing(unread: Any, name: str) -> None:
    ask, reason = MODEL_REFUSED[name]
    with pytest.raises(NotImplementedError, match=reason):
        ask(unread.model)
    assert reads == []


@pytest.mark.parametrize("name", WLS_REFUSED)
def test_wls_has_no_more_likelihood_than_in_statsmodels(name: str) -> None:
    for model in (streamed("wls"), in_memory("wls")[0]):
        with pytest.raises(NotImplementedError):
            WLS_REFUSED[name][0](model)


@pytest.mark.parametrize("name", OLS_RESULTS_REFUSED)
def test_the_results_say_what_is_missing(name: str) -> None:
    ask, reason = OLS_RESULTS_REFUSED[name]
    found = streamed("ols").fit()
    with smo.options.set(array_limit=1), pytest.raises(NotImplementedError, match=reason):
        ask(found)


# --- generalised linear models

GLM_FORMULA = "np.floor(np.abs(y)) ~ a + C(g)"
EXTRA = np.random.default_rng(8).normal(size=(len(FRAME), 1))
ROLES = ("offset", "exposure", "freq_weights", "var_weights")

GLM_MODEL_SAFE: dict[str, Call] = {
    **attributes("data", "endog_names", "exog_names", "family", "formula", "scaletype"),
    **attributes(*(f"{role}_name" for role in ROLES)),
}
GLM_MODEL_OURS: dict[str, Call] = {
    **attributes("df_model", "df_resid", "k_constant", "nobs", "scale", "wnobs"),
    "estimate_scale": lambda m: m.estimate_scale(m.mu),
    "from_formula": lambda m: type(m).from_formula,
    "get_distribution": lambda m: m.get_distribution(ONES, 1.0, np.ones((2, 4))),
    "predict": lambda m: m.predict(ONES, np.ones((2, 4))),
}
GLM_MODEL_ROWS: dict[str, Call] = {
    **attributes("endog", "exog", "freq_weights", "iweights", "mu", "n_trials", "var_weights"),
    **attributes("weights"),
    "hessian_factor": lambda m: m.hessian_factor(ONES, scale=1.0),
    "score_factor": lambda m: m.score_factor(ONES, scale=1.0),
    "score_obs": lambda m: m.score_obs(ONES, scale=1.0),
}
GLM_MODEL_OFFSETS = attributes("exposure", "offset")  # rows where there are any
GLM_MODEL_PASS: dict[str, Call] = {
    "estimate_tweedie_power": lambda m: m.estimate_tweedie_power(m.mu, low=-9, high=9),
    "hessian": lambda m: m.hessian(ONES / 7),
    "information": lambda m: m.information(ONES / 8),
    "loglike": lambda m: m.loglike(ONES / 9),
    "loglike_mu": lambda m: m.loglike_mu(m.mu + 1),
    "score": lambda m: m.score(ONES / 6),
    "score_test": lambda m: m.score_test(ONES / 5, exog_extra=EXTRA),
}
GLM_MODEL_FITS: dict[str, Call] = {
    "fit": lambda m: m.fit(),
    "fit_constrained": lambda m: m.fit_constrained("a = 0"),
    "fit_regularized": lambda m: m.fit_regularized(alpha=0.1),
}
GLM_MODEL_REFUSED: dict[str, tuple[Call, str]] = {
    "initialize": (lambda m: m.initialize(), "arrays as long as the data"),
}
GLM_MODEL = [
    *(GLM_MODEL_SAFE, GLM_MODEL_OURS, GLM_MODEL_ROWS, GLM_MODEL_OFFSETS, GLM_MODEL_PASS),
    *(GLM_MODEL_FITS, GLM_MODEL_REFUSED),
]

GLM_RESULTS_SAFE: dict[str, Call] = {
    **attributes("aic", "bic", "bic_deviance", "bic_llf", "bse", "converged", "cov_kwds"),
    **attributes("cov_type", "df_model", "df_resid", "family", "fit_history", "k_constant"),
    **attributes("method", "mle_settings", "model", "normalized_cov_params", "params"),
    **attributes("pvalues", "scale", "tvalues", "use_t"),
    "conf_int": lambda r: r.conf_int(),
    "cov_params": lambda r: r.cov_params(),
    "f_test": lambda r: r.f_test("a = 0"),
    "info_criteria": lambda r: r.info_criteria("aic"),
    "initialize": lambda r: r.initialize(r.model, r.params),
    "load": lambda r: type(r._results).load,
    "pseudo_rsquared": lambda r: r.pseudo_rsquared(),
    "save": lambda r: r.save,  # tested in test_glm_pickle
    "summary": lambda r: r.summary(),
    "summary2": lambda r: r.summary2(),
    "t_test_pairwise": lambda r: r.t_test_pairwise("C(g)"),
}
GLM_RESULTS_OURS: dict[str, Call] = {
    **attributes("deviance", "llf", "llnull", "nobs", "null_deviance", "pearson_chi2"),
    "get_influence": lambda r: r.get_influence(observed=False).cov_params,
    "get_distribution": lambda r: r.get_distribution(np.ones((2, 4))),
    "get_prediction": lambda r: r.get_prediction(NEW).summary_frame(),
    "llf_scaled": lambda r: r.llf_scaled(1.2),
    "predict": lambda r: r.predict(NEW),
    "t_test": lambda r: r.t_test("a = 0"),
    "wald_test": lambda r: r.wald_test("a = 0", scalar=True),
    "wald_test_terms": lambda r: r.wald_test_terms(scalar=True),
}
GLM_RESULTS_ROWS: dict[str, Call] = {
    **attributes("fittedvalues", "mu", "null", "resid_anscombe", "resid_anscombe_scaled"),
    **attributes("resid_anscombe_unscaled", "resid_deviance", "resid_pearson"),
    **attributes("resid_response", "resid_working"),
    "get_hat_matrix_diag": lambda r: r.get_hat_matrix_diag(observed=False),
}
GLM_RESULTS_PASS: dict[str, Call] = {
    "get_margeff": lambda r: r.get_margeff(dummy=True).summary(),
    "score_test": lambda r: r.score_test(EXTRA),
}
GLM_RESULTS_LAST: dict[str, Call] = {"remove_data": lambda r: r.remove_data()}
GLM_RESULTS_REFUSED: dict[str, tuple[Call, str]] = {
    "plot_added_variable": (lambda r: r.plot_added_variable("a"), "a point for every row"),
    "plot_ceres_residuals": (lambda r: r.plot_ceres_residuals("a"), "a point for every row"),
    "plot_partial_residuals": (lambda r: r.plot_partial_residuals("a"), "a point for every row"),
}
GLM_RESULTS = [
    *(GLM_RESULTS_SAFE, GLM_RESULTS_OURS, GLM_RESULTS_ROWS, GLM_RESULTS_PASS),
    *(GLM_RESULTS_LAST, GLM_RESULTS_REFUSED),
]


def streamed_glm(**extras: str) -> Any:
    source = smo.from_iterable(Counted())
    return smof.glm(GLM_FORMULA, source, family=sm.families.Poisson(), **extras)


def fitted_glm() -> Any:
    found = streamed_glm().fit(start="statsmodels")
    found.summary()  # finds the null model
    return found


@pytest.fixture
def counts() -> Iterator[Any]:
    with watched(fitted_glm()) as found:
        yield found


@pytest.fixture
def unread_counts() -> Iterator[Any]:
    with watched(once(fitted_glm)) as found:
        yield found


def names_in(tables: list[Any]) -> set[str]:
    found: set[str] = set().union(*tables)
    assert sum(map(len, tables)) == len(found)  # no name is in two tables
    return found


def test_every_name_of_the_glm_is_classified() -> None:
    model = smf.glm(GLM_FORMULA, FRAME, family=sm.families.Poisson())
    model.fit()
    assert public(model, type(model)) == names_in(GLM_MODEL)


def test_every_name_of_its_results_is_classified() -> None:
    fitted = smf.glm(GLM_FORMULA, FRAME, family=sm.families.Poisson()).fit()
    fitted.summary()
    owners = (fitted, fitted._results, type(fitted._results), glm.GLMResultsWrapper)
    assert public(*owners) == names_in(GLM_RESULTS)


@pytest.mark.parametrize("name", GLM_MODEL_SAFE)
def test_safe_names_of_the_glm_are_inherited(name: str) -> None:
    assert name not in vars_of(smo.GLM)


@pytest.mark.parametrize("name", GLM_RESULTS_SAFE)
def test_safe_names_of_its_results_are_inherited(name: str, unread_counts: Any) -> None:
    assert name not in vars_of(type(unread_counts._results))


@pytest.mark.parametrize("name", [*GLM_MODEL_SAFE, *GLM_MODEL_OURS])
def test_the_glm_answers_without_a_read(unread_counts: Any, name: str) -> None:
    ({**GLM_MODEL_SAFE, **GLM_MODEL_OURS})[name](unread_counts.model)
    assert reads == []


@pytest.mark.parametrize("name", sorted({*GLM_RESULTS_SAFE, *GLM_RESULTS_OURS} - {"initialize"}))
def test_its_results_answer_without_a_read(unread_counts: Any, name: str) -> None:
    ({**GLM_RESULTS_SAFE, **GLM_RESULTS_OURS})[name](unread_counts)
    assert reads == []


def test_results_are_initialized_without_a_read(results: Any, counts: Any) -> None:
    RESULTS_SAFE["initialize"](results)
    GLM_RESULTS_SAFE["initialize"](counts)
    assert reads == []


@pytest.mark.parametrize("name", GLM_MODEL_ROWS)
def test_rows_of_the_glm_are_lazy(unread_counts: Any, name: str) -> None:
    assert isinstance(GLM_MODEL_ROWS[name](unread_counts.model), RowArray)
    assert reads == []


@pytest.mark.parametrize("name", GLM_MODEL_OFFSETS)
def test_offsets_of_the_glm_are_lazy(counts: Any, name: str) -> None:
    assert GLM_MODEL_OFFSETS[name](counts.model) is None
    model = streamed_glm(**{name: "w"})
    model.fit()
    reads.clear()
    assert isinstance(GLM_MODEL_OFFSETS[name](model), RowArray)
    assert reads == []


@pytest.mark.parametrize("name", GLM_RESULTS_ROWS)
def test_rows_of_its_results_are_lazy(unread_counts: Any, name: str) -> None:
    assert isinstance(GLM_RESULTS_ROWS[name](unread_counts), RowArray)
    assert reads == []


@pytest.mark.parametrize("name", [*GLM_MODEL_PASS, *GLM_MODEL_FITS])
def test_the_glm_reads_without_holding(counts: Any, name: str) -> None:
    ({**GLM_MODEL_PASS, **GLM_MODEL_FITS})[name](counts.model)
    assert reads or name == "fit"


@pytest.mark.parametrize("name", GLM_RESULTS_PASS)
def test_its_results_read_without_holding(counts: Any, name: str) -> None:
    GLM_RESULTS_PASS[name](counts)
    assert len(reads) == 1


def test_its_rows_of_most_influence_are_read_without_holding(counts: Any) -> None:
    counts.top_influence(3)
    assert len(reads) == 1  # of a canonical link the information is known


@pytest.mark.parametrize("name", [*GLM_RESULTS_REFUSED, *GLM_MODEL_REFUSED])
def test_the_glm_says_what_is_missing(unread_counts: Any, name: str) -> None:
    ask, reason = ({**GLM_RESULTS_REFUSED, **GLM_MODEL_REFUSED})[name]
    with pytest.raises(NotImplementedError, match=reason):
        ask(unread_counts.model if name in GLM_MODEL_REFUSED else unread_counts)
    assert reads == []


# --- functions of statsmodels that would read rows behind our back


def functions() -> dict[str, Call]:
    from statsmodels.stats import diagnostic, outliers_influence, sandwich_covariance

    return {
        "cov_white_simple": sandwich_covariance.cov_white_simple,
        "cov_hac": lambda r: sandwich_covariance.cov_hac(r, 2),
        "OLSInfluence": lambda r: outliers_influence.OLSInfluence(r).hat_matrix_diag,
        "linear_reset": lambda r: diagnostic.linear_reset(r, use_f=True),
        "linear_rainbow": diagnostic.linear_rainbow,
        "acorr_breusch_godfrey": lambda r: diagnostic.acorr_breusch_godfrey(
            r, 2, result_object=False
        ),
    }


def numbers(found: Any) -> Any:
    if not isinstance(found, (tuple, np.ndarray)) and not hasattr(found, "dask"):
        found = (found.statistic, found.pvalue)
    return np.array([np.asarray(v, dtype=float) for v in found])


# NumPy's functions that dask does not know turn lazy rows into arrays, with a warning.
@pytest.mark.filterwarnings("ignore:The `numpy:FutureWarning")
@pytest.mark.parametrize("limit", ["1 MiB", 1])
@pytest.mark.parametrize("name", functions())
def test_functions_of_statsmodels_are_right_or_refuse(name: str, limit: Any) -> None:
    ours, theirs = streamed("ols").fit(), in_memory("ols")[1]
    with smo.options.set(array_limit=limit):
        try:
            found = numbers(functions()[name](ours))
        except (smo.errors.MemoryLimitError, NotImplementedError):
            return
    np.testing.assert_allclose(found, numbers(functions()[name](theirs)), rtol=1e-8)


def test_saving_takes_no_read(results: Any, tmp_path: Path) -> None:
    results.save(tmp_path / "fit.pkl")
    assert reads == []


def test_data_outlives_the_name_of_its_model() -> None:
    data = streamed("ols").data
    assert data.xnames == smf.ols(FORMULA, FRAME).data.xnames
    assert data.model_spec.column_names == data.xnames


def test_what_is_set_in_data_stays_there() -> None:
    model = streamed("ols")
    model.data.frame = FRAME  # as from_formula of statsmodels does
    assert model.data.frame is FRAME
