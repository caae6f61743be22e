"""What diagnostics are asked for that there is not, and of which fits they are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from diagnostics.fits import FRAME, pair
from numpy.testing import assert_allclose

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import diagnostics as dg
from statsmodels_ooc.errors import DesignError, MissingDataError, OptionError

N = len(FRAME)

NOT_WHOLE: dict[str, Callable[[Any, Any], Any]] = {
    "acorr_breusch_godfrey": lambda fit, value: dg.acorr_breusch_godfrey(fit, value),
    "acorr_lm": lambda fit, value: dg.acorr_lm(fit, value),
    "acorr_lm, period": lambda fit, value: dg.acorr_lm(fit, period=value),
    "het_arch": lambda fit, value: dg.het_arch(fit, value),
    "acorr_ljungbox": lambda fit, value: dg.acorr_ljungbox(fit, value),
    "acorr_ljungbox, list": lambda fit, value: dg.acorr_ljungbox(fit, [1, value]),
    "acorr_ljungbox, period": lambda fit, value: dg.acorr_ljungbox(fit, period=value),
    "acorr_ljungbox, model_df": lambda fit, value: dg.acorr_ljungbox(fit, model_df=value),
    "linear_reset": lambda fit, value: dg.linear_reset(fit, [value]),
    "linear_harvey_collier": lambda fit, value: dg.linear_harvey_collier(fit, skip=value),
    "recursive_olsresiduals": lambda fit, value: dg.recursive_olsresiduals(fit, skip=value),
}


@pytest.mark.parametrize("value", [1.9, "2", True, np.nan, -1], ids=str)
@pytest.mark.parametrize("name", NOT_WHOLE)
def test_numbers_of_rows_are_whole(name: str, value: Any) -> None:
    fit = pair("weights").ours
    with pytest.raises(OptionError, match="it is a whole number"):
        NOT_WHOLE[name](fit, value)


WRONG: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "column by a fraction": (lambda f: dg.het_goldfeldquandt(f, 1.5), DesignError, "1.5 is no col"),
    "column by a list": (lambda f: dg.het_goldfeldquandt(f, [1]), DesignError, "no column"),
    "column by a flag": (lambda f: dg.variance_inflation_factor(f, True), DesignError, "True is"),
    "inflation of none": (lambda f: dg.variance_inflation_factor(f, 99), DesignError, "99 is no"),
    "split": (lambda f: dg.het_goldfeldquandt(f, split="a"), OptionError, "split='a'; it is"),
    "drop": (lambda f: dg.het_goldfeldquandt(f, drop=-20), OptionError, "drop=-20; it is"),
    "ddof of all": (lambda f: dg.breaks_cusumolsresid(f, N), OptionError, f"ddof={N}; it is"),
    "ddof": (lambda f: dg.acorr_lm(f, ddof=-1), OptionError, "ddof=-1; it is"),
    "ddof of arch": (lambda f: dg.het_arch(f, ddof="a"), OptionError, "ddof='a'; it is"),
    "covariance": (lambda f: dg.acorr_lm(f, cov_type="zzz"), ValueError, "'zzz' not recognized"),
    "labels": (lambda f: dg.acorr_lm(f, cov_type="cluster"), NotImplementedError, "needs the rows"),
    "powers as text": (lambda f: dg.linear_reset(f, "23"), ValueError, "power must be"),
    "no column": (lambda f: dg.het_breuschpagan(f, []), OptionError, "has no column"),
    "a number": (lambda f: dg.het_breuschpagan(f, 3), OptionError, "it is an array with a row"),
    "three dimensions": (
        lambda f: dg.het_breuschpagan(f, np.ones((N, 2, 2))),
        OptionError,
        "it is an array with a row",
    ),
    "missing": (
        lambda f: dg.het_breuschpagan(f, np.column_stack((np.ones(N), np.full(N, np.nan)))),
        MissingDataError,
        "exog_het is missing or infinite at row",
    ),
    "infinite": (
        lambda f: dg.het_breuschpagan(f, "1 / (b * 0)"),
        MissingDataError,
        "exog_het is missing or infinite",
    ),
    "skip of all": (lambda f: dg.recursive_olsresiduals(f, N), DesignError, f"skip={N}"),
    "order": (
        lambda f: dg.linear_harvey_collier(f, order_by=np.arange(N) + 1),
        DesignError,
        "order_by has row",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_there_is_not_is_named(name: str) -> None:
    ask, error, words = WRONG[name]
    fit = smof.ols("y ~ b + h", smo.as_source(FRAME, chunk_rows=7)).fit()
    with np.errstate(divide="ignore"), pytest.raises(error, match=words):
        ask(fit)


def test_columns_by_name() -> None:
    fit = smof.ols("y ~ b + h", smo.as_source(FRAME, chunk_rows=7)).fit()
    assert dg.variance_inflation_factor(fit, "b") == dg.variance_inflation_factor(fit)["b"]


# --- fits that are none of a regression on their design


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(90, 3)), columns=["a", "b", "c"])
    frame["y"] = frame["a"] + 0.4 * frame["b"] + rng.normal(size=90)
    return frame


OF_RESIDUALS: dict[str, Callable[[Any], Any]] = {
    "durbin_watson": dg.durbin_watson,
    "jarque_bera": dg.jarque_bera,
    "omni_normtest": dg.omni_normtest,
    "acorr_ljungbox": dg.acorr_ljungbox,
    "acorr_lm": lambda fit: dg.acorr_lm(fit, result_object=False),
    "het_arch": lambda fit: dg.het_arch(fit, result_object=False),
    "breaks_cusumolsresid": lambda fit: dg.breaks_cusumolsresid(fit)[:2],
    "het_breuschpagan": lambda fit: dg.het_breuschpagan(fit, ["a", "b"]),
}


@pytest.mark.parametrize("name", OF_RESIDUALS)
def test_residuals_of_a_constrained_fit_are_those_of_what_is_left(name: str) -> None:
    source = smo.as_source(rows(), chunk_rows=7)
    constrained = smof.ols("y ~ a + b + c", source).fit_constrained("a = b")
    left = smof.ols("y ~ I(a + b) + c", source).fit()
    found, expected = (np.asarray(OF_RESIDUALS[name](fit)) for fit in (constrained, left))
    assert_allclose(found, expected, rtol=1e-9)


OF_REGRESSIONS: dict[str, Callable[[Any], Any]] = {
    "acorr_breusch_godfrey": dg.acorr_breusch_godfrey,
    "linear_lm": dg.linear_lm,
    "linear_rainbow": dg.linear_rainbow,
    "breaks_hansen": dg.breaks_hansen,
    "linear_reset": dg.linear_reset,
    "linear_harvey_collier": dg.linear_harvey_collier,
    "recursive_olsresiduals": dg.recursive_olsresiduals,
    "het_goldfeldquandt": dg.het_goldfeldquandt,
    "spec_white": dg.spec_white,
    "compare_j": lambda fit: dg.compare_j(fit, fit),
    "compare_cox": lambda fit: dg.compare_cox(fit, fit),
    "compare_encompassing": lambda fit: dg.compare_encompassing(fit, fit),
}


@pytest.mark.parametrize("name", OF_REGRESSIONS)
def test_regressions_of_a_constrained_fit_are_refused(name: str) -> None:
    model = smof.ols("y ~ a + b + c", smo.as_source(rows(), chunk_rows=7))
    with pytest.raises(DesignError, match=r"subject to constraints[\s\S]*I\(a \+ b\)"):
        OF_REGRESSIONS[name](model.fit_constrained("a = b"))


def test_a_penalised_fit_has_a_design_and_no_least_squares() -> None:
    model = smof.ols("y ~ a + b + c", smo.as_source(rows(), chunk_rows=7))
    penalised = model.fit_regularized(alpha=0.1)
    expected = dg.variance_inflation_factor(model.fit())
    assert_allclose(dg.variance_inflation_factor(penalised), expected, rtol=1e-12)
    with pytest.raises(NotImplementedError, match="does not define it for a penalised fit"):
        dg.het_white(penalised)
