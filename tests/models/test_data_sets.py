"""Data sets of statsmodels in chunks of seven rows, beside statsmodels in memory.

Covariances, influence, tables, diagnostics and predictions of linear models of ten data sets and
generalised linear models of six.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from solvers.rational import hac_exactly
from statsmodels import datasets
from statsmodels.stats import diagnostic as theirs_dg
from statsmodels.stats.outliers_influence import variance_inflation_factor

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import diagnostics as dg

CHUNK = 7
PROMISED = {"linear": 1e-8, "glm": 1e-6}


class Data(NamedTuple):
    """A data set, a formula, and weights of least squares."""

    load: Callable[[], pd.DataFrame]
    formula: str
    weights: str | None = None


def loaded(name: str, rows: int | None = None) -> Callable[[], pd.DataFrame]:
    def load() -> pd.DataFrame:
        frame = getattr(datasets, name).load_pandas().data.reset_index(drop=True)
        return frame[:rows].rename(columns=lambda column: column.strip().replace(".", "_"))

    return load


LINEAR: dict[str, Data] = {
    "longley": Data(loaded("longley"), "TOTEMP ~ GNPDEFL + GNP + UNEMP + ARMED"),
    "stackloss": Data(loaded("stackloss"), "STACKLOSS ~ AIRFLOW + WATERTEMP + ACIDCONC"),
    "macrodata": Data(loaded("macrodata"), "realinv ~ realgdp + realint + unemp"),
    "grunfeld": Data(loaded("grunfeld"), "invest ~ value + capital"),
    "grunfeld, firms": Data(loaded("grunfeld"), "invest ~ value + C(firm)"),
    "statecrime": Data(loaded("statecrime"), "murder ~ urban + poverty + hs_grad + single"),
    "engel": Data(loaded("engel"), "foodexp ~ income"),
    "ccard": Data(loaded("ccard"), "AVGEXP ~ AGE + INCOME + INCOMESQ + OWNRENT", "INCOME"),
    "copper": Data(loaded("copper"), "WORLDCONSUMPTION ~ COPPERPRICE + INCOMEINDEX + TIME"),
    "strikes": Data(loaded("strikes"), "duration ~ iprod"),
    "cancer": Data(loaded("cancer"), "cancer ~ population", "population"),
    "randhie": Data(loaded("randhie", 200), "mdvis ~ lncoins + lpi + hlthg + disea", "disea"),
}


class Pair(NamedTuple):
    """Results in chunks, those in memory, and the data."""

    ours: Any
    theirs: Any
    frame: pd.DataFrame


@cache
def pair(name: str) -> Pair:
    data = LINEAR[name]
    frame = data.load()
    n = len(frame)
    frame = frame.assign(
        group=[f"g{i}" for i in (np.arange(n) * 7) % 11],
        other=np.arange(n) % 4,
        stack=np.arange(n) // 6,
        time=np.arange(n) % 6,
    )
    source = smo.as_source(frame, chunk_rows=CHUNK)
    if data.weights is None:
        return Pair(smof.ols(data.formula, source).fit(), smf.ols(data.formula, frame).fit(), frame)
    ours = smof.wls(data.formula, source, weights=data.weights).fit()
    weights = frame[data.weights].to_numpy()
    return Pair(ours, smf.wls(data.formula, frame, weights=weights).fit(), frame)


COVARIANCES: dict[str, dict[str, Any]] = {
    "HC0": {},
    "HC1": {},
    "HC2": {},
    "HC3": {},
    "cluster": {"groups": "group"},
    "cluster, not corrected": {"groups": "group", "use_correction": False},
    "cluster, two ways": {"groups": ["group", "other"]},
    "cluster-jk": {"groups": "group"},
    "cluster-crv3": {"groups": "group"},
    "HAC": {"maxlags": 3},
    "HAC, long": {"maxlags": 10, "use_correction": True, "kernel": "uniform"},
    "hac-panel": {"groups": "stack", "maxlags": 2},
    "nw-groupsum": {"time": "time", "maxlags": 2},
}


def in_memory(keywords: dict[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    def values(name: Any) -> Any:
        codes = frame[name] if isinstance(name, list) else pd.factorize(frame[name])[0]
        return codes.apply(lambda c: pd.factorize(c)[0]).to_numpy() if codes.ndim == 2 else codes

    given = {key: keywords[key] for key in ("groups", "time") if key in keywords}
    return {**keywords, **{key: values(name) for key, name in given.items()}}


def assert_covariances_agree(ours: Any, theirs: Any, rtol: float) -> None:
    """Entries of a covariance may be near zero: against its diagonal."""
    size = np.sqrt(np.abs(np.outer(np.diag(theirs), np.diag(theirs))))
    assert_allclose(ours / size, theirs / size, atol=rtol)


@pytest.mark.filterwarnings("ignore:.*variances are negative")
@pytest.mark.parametrize("kind", COVARIANCES)
@pytest.mark.parametrize("name", LINEAR)
def test_covariances(name: str, kind: str) -> None:
    ours, theirs, frame = pair(name)
    keywords, cov_type = COVARIANCES[kind], kind.partition(",")[0]
    try:
        expected = theirs.get_robustcov_results(cov_type, **in_memory(keywords, frame))
    except ValueError:  # a firm is in one cluster alone
        with pytest.raises(ValueError, match="rank of the design is short"):
            ours.get_robustcov_results(cov_type, **keywords)
        return
    found = ours.get_robustcov_results(cov_type, **keywords)
    wanted = expected.cov_params()
    if (name, kind) == ("longley", "HAC, long"):  # lags of ten of sixteen rows cancel
        wanted = hac_exactly(theirs.model.endog, theirs.model.exog, keywords["maxlags"])
    assert_covariances_agree(found.cov_params(), wanted, PROMISED["linear"])
    inference = "df_resid_inference"
    assert getattr(found, inference, None) == getattr(expected, inference, None)


@pytest.mark.parametrize("name", LINEAR)
def test_influence(name: str) -> None:
    ours, theirs, _ = pair(name)
    if LINEAR[name].weights is not None:  # statsmodels mixes raw and whitened rows
        model = theirs.model
        theirs = sm.OLS(model.wendog, pd.DataFrame(model.wexog, columns=model.exog_names)).fit()
    found, expected = (r.get_influence().summary_frame() for r in (ours, theirs))
    for column in expected:
        size = np.abs(expected[column]).max()
        assert_allclose(
            found[column], expected[column], rtol=1e-7, atol=1e-8 * size, err_msg=column
        )


@pytest.mark.parametrize("robust", [None, "hc0", "hc3"])
@pytest.mark.parametrize("typ", [1, 2, 3])
@pytest.mark.parametrize("name", LINEAR)
def test_tables(name: str, typ: int, robust: str | None) -> None:
    if typ == 1 and (robust is not None or LINEAR[name].weights is not None):
        return  # statsmodels' sums of squares of type 1 have no weights
    ours, theirs, _ = pair(name)
    found = smo.anova_lm(ours, typ=typ, robust=robust)
    expected = sm.stats.anova_lm(theirs, typ=typ, robust=robust)
    assert list(found.index) == list(expected.index)
    scale = expected["sum_sq"].max()
    columns = [column for column in expected if column != "PR(>F)"]
    assert_allclose(found[columns], expected[columns], rtol=1e-8, atol=1e-10 * scale)


LAGS = {"nlags": 3, "result_object": True}
DIAGNOSTICS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "het_breuschpagan": (
        dg.het_breuschpagan,
        lambda r: theirs_dg.het_breuschpagan(r.resid, r.model.exog),
    ),
    "het_white": (dg.het_white, lambda r: theirs_dg.het_white(r.resid, r.model.exog)),
    "het_goldfeldquandt": (
        lambda r: dg.het_goldfeldquandt(r)[0],
        lambda r: theirs_dg.het_goldfeldquandt(r.model.endog, r.model.exog)[0],
    ),
    "het_arch": (
        lambda r: dg.het_arch(r, **LAGS),
        lambda r: theirs_dg.het_arch(r.resid, **LAGS),
    ),
    "acorr_lm": (
        lambda r: dg.acorr_lm(r, **LAGS),
        lambda r: theirs_dg.acorr_lm(r.resid, **LAGS),
    ),
    "acorr_breusch_godfrey": (
        lambda r: dg.acorr_breusch_godfrey(r, **LAGS),
        lambda r: theirs_dg.acorr_breusch_godfrey(r, **LAGS),
    ),
    "acorr_ljungbox": (
        lambda r: dg.acorr_ljungbox(r, lags=4, boxpierce=True),
        lambda r: theirs_dg.acorr_ljungbox(r.resid, lags=4, boxpierce=True),
    ),
    "breaks_cusumolsresid": (
        lambda r: dg.breaks_cusumolsresid(r)[:2],
        lambda r: theirs_dg.breaks_cusumolsresid(r.resid)[:2],
    ),
    "durbin_watson": (dg.durbin_watson, lambda r: sm.stats.durbin_watson(r.wresid)),
    "jarque_bera": (dg.jarque_bera, lambda r: sm.stats.jarque_bera(r.wresid)),
    "variance_inflation_factor": (
        dg.variance_inflation_factor,
        lambda r: [
            variance_inflation_factor(r.model.exog, i) for i in range(r.model.exog.shape[1])
        ],
    ),
}
OF_LEAST_SQUARES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "linear_rainbow": (dg.linear_rainbow, theirs_dg.linear_rainbow),
    "breaks_hansen": (lambda r: dg.breaks_hansen(r)[0], lambda r: theirs_dg.breaks_hansen(r)[0]),
    "omni_normtest": (dg.omni_normtest, lambda r: sm.stats.omni_normtest(r.wresid)),
}


def numbers(answer: Any) -> np.ndarray:
    """The numbers of an answer, whatever shape statsmodels gives it."""
    if isinstance(answer, pd.DataFrame | pd.Series):
        return answer.to_numpy().ravel()
    flat = answer if isinstance(answer, tuple | list) else np.atleast_1d(answer)
    return np.array([float(x) for x in flat if isinstance(x, int | float | np.number)])


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("ignore:.*p-value may be inaccurate")
@pytest.mark.parametrize("test", {**DIAGNOSTICS, **OF_LEAST_SQUARES})
@pytest.mark.parametrize("name", LINEAR)
def test_diagnostics(name: str, test: str) -> None:
    ours, theirs, _ = pair(name)
    if test in OF_LEAST_SQUARES and LINEAR[name].weights is not None:
        return  # with weights throughout, which statsmodels' are not: tests/diagnostics
    if test == "het_white" and ("C(" in LINEAR[name].formula or name == "longley"):
        return  # squares of dummies repeat them; as many columns as rows
    of_ours, of_theirs = {**DIAGNOSTICS, **OF_LEAST_SQUARES}[test]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few rows
        expected = numbers(of_theirs(theirs))
        found = numbers(of_ours(ours))
    assert_allclose(found, expected, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("name", LINEAR)
def test_predictions(name: str) -> None:
    ours, theirs, frame = pair(name)
    new = frame.iloc[::5]
    found, expected = (r.get_prediction(new).summary_frame(alpha=0.1) for r in (ours, theirs))
    assert_allclose(found, expected, rtol=1e-8)


GLMS: dict[str, tuple[Callable[[], pd.DataFrame], str, Any]] = {
    "spector": (loaded("spector"), "GRADE ~ GPA + TUCE + PSI", sm.families.Binomial()),
    "scotland": (
        loaded("scotland"),
        "YES ~ COUTAX + UNEMPF + MOR + ACT",
        sm.families.Gamma(sm.families.links.Log()),
    ),
    "star98": (
        loaded("star98", 150),
        "NABOVE + NBELOW ~ LOWINC + PERASIAN + PERBLACK",
        sm.families.Binomial(),
    ),
    "cpunish": (loaded("cpunish"), "EXECUTIONS ~ INCOME + PERPOVERTY", sm.families.Poisson()),
    "randhie": (loaded("randhie", 300), "mdvis ~ lncoins + hlthg", sm.families.Poisson()),
    "fair": (
        loaded("fair", 250),
        "I(1.0 * (affairs > 1)) ~ age + yrs_married",
        sm.families.Binomial(sm.families.links.Probit()),
    ),
}


@cache
def glm_pair(name: str, cov_type: str = "nonrobust") -> Pair:
    load, formula, family = GLMS[name]
    frame = load()
    n = len(frame)
    frame = frame.assign(group=[f"g{i}" for i in (np.arange(n) * 7) % 11], stack=np.arange(n) // 6)
    source = smo.as_source(frame, chunk_rows=CHUNK)
    keywords = {key: value for key, value in COVARIANCES.get(cov_type, {}).items()}
    given = {"cov_type": cov_type, "tol": 1e-13}
    theirs = smf.glm(formula, frame, family=family).fit(
        cov_kwds=in_memory(keywords, frame), **given
    )
    ours = smof.glm(formula, source, family=family).fit(cov_kwds=keywords, **given)
    return Pair(ours, theirs, frame)


@pytest.mark.parametrize("kind", ["nonrobust", "HC0", "cluster", "HAC", "hac-panel"])
@pytest.mark.parametrize("name", GLMS)
def test_covariances_of_glms(name: str, kind: str) -> None:
    ours, theirs, _ = glm_pair(name, kind)
    assert_covariances_agree(
        np.asarray(ours.cov_params()), np.asarray(theirs.cov_params()), PROMISED["glm"]
    )
    assert_allclose(ours.params, theirs.params, rtol=PROMISED["glm"])


@pytest.mark.parametrize("name", GLMS)
def test_influence_of_glms(name: str) -> None:
    ours, theirs, _ = glm_pair(name)
    found, expected = (r.get_influence().summary_frame() for r in (ours, theirs))
    for column in expected:
        size = np.abs(expected[column]).max()
        assert_allclose(
            found[column], expected[column], rtol=1e-5, atol=1e-6 * size, err_msg=column
        )


@pytest.mark.parametrize("name", GLMS)
def test_predictions_and_effects_of_glms(name: str) -> None:
    ours, theirs, frame = glm_pair(name)
    new = frame.iloc[::5]
    found, expected = (r.get_prediction(new).summary_frame(alpha=0.1) for r in (ours, theirs))
    assert_allclose(found, expected, rtol=PROMISED["glm"])
    if name == "star98":  # statsmodels' effects do not know trials
        return
    effects, others = (r.get_margeff().summary_frame() for r in (ours, theirs))
    assert_allclose(effects, others, rtol=1e-5, atol=1e-9)
