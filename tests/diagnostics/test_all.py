"""What holds of every diagnostic."""

from __future__ import annotations

import inspect
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from diagnostics.fits import arrays, assert_close, pair, passes
from models.pairs import FRAME
from statsmodels.stats import diagnostic as sd
from statsmodels.stats import outliers_influence, stattools

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import SourceError

dg = smo.diagnostics
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAIRS = ("compare_cox", "compare_encompassing", "compare_j")
ARRAYS = {  # what statsmodels takes in place of results
    "resid": [
        "acorr_ljungbox",
        "acorr_lm",
        "breaks_cusumolsresid",
        "durbin_watson",
        "het_arch",
        "jarque_bera",
        "omni_normtest",
    ],
    "resid, exog": ["het_breuschpagan", "het_white", "linear_lm", "spec_white"],
    "y, x": ["het_goldfeldquandt"],
}
each = pytest.mark.parametrize("name", dg.__all__)


def call(name: str, *results: Any) -> Any:
    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        if name in PAIRS and len(results) == 1:
            return getattr(dg, name)(results[0], results[0])
        return getattr(dg, name)(*results)


def theirs(name: str, results: Any, other: Any) -> Any:
    """The same by statsmodels."""
    function = getattr(sd, name, None) or getattr(stattools, name, None)
    function = function or getattr(outliers_influence, name)
    e, exog = arrays(results)
    given: tuple[Any, ...] = (results, other) if name in PAIRS else (results,)
    if name in ARRAYS["resid"]:
        given = (e,)
    elif name in ARRAYS["resid, exog"]:
        given = (e, exog)
    elif name in ARRAYS["y, x"]:
        given = (results.model.endog, exog)
    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        if name == "variance_inflation_factor":
            return [function(exog, j) for j in range(exog.shape[1])]
        return function(*given)


def numbers(found: Any) -> list[float]:
    """All numbers of an answer."""
    if hasattr(found, "statistic") and hasattr(found, "df_denom"):
        return [float(found.statistic), float(found.pvalue)]
    if isinstance(found, str):
        return []
    if isinstance(found, tuple | list):
        return [number for part in found for number in numbers(part)]
    if getattr(getattr(found, "dtype", None), "names", None):
        return []
    return np.ravel(np.asarray(found, dtype=float)).tolist()


@each
def test_the_answer_has_the_shape_of_statsmodels(name: str) -> None:
    both, other = pair("dropped rows"), pair("other")
    ours = call(name, both.ours, *([other.ours] if name in PAIRS else []))
    assert_close(numbers(ours), numbers(theirs(name, both.theirs, other.theirs)))


@each
def test_in_memory_it_is_statsmodels(name: str) -> None:
    fit, other = pair("dropped rows").theirs, pair("other").theirs
    found = call(name, fit, *([other] if name in PAIRS else []))
    np.testing.assert_array_equal(numbers(found), numbers(theirs(name, fit, other)))


@each
def test_other_models_are_refused_with_a_reason(name: str) -> None:
    source = smo.as_source(FRAME, chunk_rows=7)
    for fit in (smof.glm("y ~ a", source).fit(), smf.glm("y ~ a", FRAME).fit()):
        if name == "variance_inflation_factor":
            assert call(name, fit).tolist() == [1.0, 1.0]
            continue
        with pytest.raises(NotImplementedError, match=f"{name} is about the residuals .* GLM"):
            call(name, fit)
    with pytest.raises(TypeError, match=f"{name} takes the results of a fit"):
        call(name, FRAME["y"])


@each
def test_it_says_what_it_is(name: str) -> None:
    text = inspect.getdoc(getattr(dg, name)) or ""
    assert "pass" in text.partition("Parameters")[0]
    assert "order" in text
    for part in ("Parameters", "Returns", "Notes", "References"):
        assert f"\n{part}\n---" in text
    page = (DOCS / "diagnostics.rst").read_text(encoding="utf-8")
    assert f"``{name}``" in page
    assert f"   {name}\n" in (DOCS / "api.rst").read_text(encoding="utf-8")


def test_a_robust_fit_and_its_diagnostics_share_passes() -> None:
    fit = smof.ols("y ~ a + b", smo.as_source(FRAME, chunk_rows=7)).fit(cov_type="HC3")
    fit.summary()
    dg.het_white(fit)
    dg.acorr_breusch_godfrey(fit, result_object=True)
    names = [record.name for record in fit.passes]
    assert names == ["fit", "robust covariance", "het_white", "acorr_breusch_godfrey"]


def test_what_is_known_survives_the_data() -> None:
    fit = smof.ols("y ~ a + b", smo.as_source(FRAME, chunk_rows=7)).fit()
    wanted = dg.het_white(fit), dg.acorr_ljungbox(fit)
    loaded = pickle.loads(pickle.dumps(fit))
    fit.remove_data()
    for kept in (fit, loaded):
        with passes(kept) as made:
            assert dg.het_white(kept) == wanted[0]
            assert dg.acorr_ljungbox(kept).equals(wanted[1])
        assert made == []
        with pytest.raises(SourceError, match="rows of DataFrame are gone"):
            dg.spec_white(kept)


def test_parameters_of_another_fit_are_another_question() -> None:
    model = smof.ols("y ~ a + b", smo.as_source(FRAME, chunk_rows=7))
    fit, chosen = model.fit(), model.fit_regularized(alpha=0.9, refit=True)
    assert (np.asarray(chosen.params) == 0).any()
    x = sm.add_constant(FRAME[["a", "b"]]).to_numpy()
    for results in (fit, chosen):
        e = FRAME["y"].to_numpy() - x @ np.asarray(results.params)
        assert_close(dg.het_white(results), sd.het_white(e, x))
        assert_close(dg.acorr_ljungbox(results), sd.acorr_ljungbox(e))
        assert_close(dg.breaks_cusumolsresid(results)[:2], sd.breaks_cusumolsresid(e)[:2])
        assert_close(dg.spec_white(results), sd.spec_white(e, x))
