"""``summary()`` in 7-row chunks reads as it does in memory, letter by letter."""

from __future__ import annotations

from functools import cache
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.pairs import CHUNK, FRAME, Pair, formula_pair, make_pair
from statsmodels import datasets
from statsmodels.tools.sm_exceptions import ValueWarning

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

# Every data set of statsmodels that is a regression of numbers on numbers.
DATASETS = [
    "anes96",
    "ccard",
    "committee",
    "copper",
    "cpunish",
    "engel",
    "fair",
    "grunfeld",
    "interest_inflation",
    "longley",
    "macrodata",
    "modechoice",
    "randhie",
    "scotland",
    "spector",
    "stackloss",
    "star98",
    "statecrime",
]


@cache
def dataset(name: str) -> tuple[pd.Series, pd.DataFrame, pd.Series]:
    """Response, design with a constant, and positive weights."""
    data = getattr(datasets, name).load_pandas()
    frame = data.data.select_dtypes("number").iloc[:2000].dropna()
    named = getattr(data, "endog_name", None)
    endog = frame[named] if isinstance(named, str) and named in frame else frame.iloc[:, 0]
    exog = frame.drop(columns=endog.name).astype(float)
    exog = sm.add_constant(exog.loc[:, exog.std() > 0])
    weights = pd.Series(1 + np.arange(len(frame)) % 5 / 2.0, index=frame.index, name="weights")
    return endog.astype(float), exog, weights


@cache
def fits(name: str, weighted: bool) -> Pair:
    endog, exog, weights = dataset(name)
    frame = exog.assign(endog_=endog, weights_=weights)
    frame.columns = [str(c) for c in frame]
    design = " + ".join(f"Q({c!r})" for c in exog if c != "const")
    formula, source = f"endog_ ~ {design}", smo.as_source(frame, chunk_rows=CHUNK)
    if weighted:
        ours = smof.wls(formula, source, weights="weights_")
        return Pair(ours.fit(), smf.wls(formula, frame, weights=weights).fit())
    return Pair(smof.ols(formula, source).fit(), smf.ols(formula, frame).fit())


def lines(summary: Any) -> list[str]:
    """The text without what a clock changes."""
    found = summary.as_text().splitlines()
    return [line for line in found if not line.startswith(("Date:", "Time:"))]


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.SingularMatrixWarning")
@pytest.mark.parametrize("weighted", [False, True], ids=["ols", "wls"])
@pytest.mark.parametrize("name", DATASETS)
def test_dataset(name: str, weighted: bool) -> None:
    pair = fits(name, weighted)
    assert lines(pair.ours.summary()) == lines(pair.theirs.summary())


def undated(summary: Any) -> str:
    text = summary.as_text()
    return "\n".join(line for line in text.splitlines() if "Date:" not in line)


def test_the_summary_of(pair: Pair) -> None:
    assert lines(pair.ours.summary()) == lines(pair.theirs.summary())


def test_summary2_of(pair: Pair) -> None:
    assert undated(pair.ours.summary2()) == undated(pair.theirs.summary2())


ARGUMENTS: list[dict[str, Any]] = [
    {"slim": True},
    {"alpha": 0.1},
    {"title": "A title", "yname": "response"},
    {"xname": [f"v{i}" for i in range(6)]},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_arguments(arguments: dict[str, Any]) -> None:
    pair = make_pair("ols formula")
    assert lines(pair.ours.summary(**arguments)) == lines(pair.theirs.summary(**arguments))


@pytest.mark.parametrize("cov_type", ["HC0", "HC3", "fixed scale"])
@pytest.mark.parametrize("name", ["summary", "summary2"])
def test_robust(name: str, cov_type: str) -> None:
    pair = formula_pair("y ~ a + C(g)", cov_type=cov_type)
    read = lines if name == "summary" else undated
    assert read(getattr(pair.ours, name)()) == read(getattr(pair.theirs, name)())


@pytest.mark.parametrize("form", ["as_html", "as_latex", "as_csv"])
def test_other_forms(form: str) -> None:
    summary = make_pair("ols formula").ours.summary()
    assert "Durbin-Watson" in getattr(summary, form)()


@pytest.mark.parametrize("name", ["summary", "summary2"])
def test_few_rows_warn_at_the_callers_line(name: str) -> None:
    res = smof.ols("y ~ a", smo.as_source(FRAME[:6], chunk_rows=4)).fit()
    with pytest.warns(ValueWarning, match="less than 8 observations") as caught:
        getattr(res, name)()
    assert caught[0].filename == __file__


def test_a_large_condition_number_is_noted() -> None:
    x = np.column_stack((np.ones(50), 1e6 + np.arange(50.0)))
    y = np.arange(50.0) ** 1.5
    ours = smo.OLS(da.from_array(y, CHUNK), da.from_array(x, CHUNK)).fit().summary()
    theirs = sm.OLS(y, x).fit().summary()
    assert lines(ours) == lines(theirs)
    assert "condition number is large" in ours.as_text()


def test_summary_col() -> None:
    from statsmodels.iolib.summary2 import summary_col

    pairs = [make_pair("ols formula"), make_pair("wls formula")]
    ours = summary_col([pair.ours for pair in pairs], stars=True)
    theirs = summary_col([pair.theirs for pair in pairs], stars=True)
    assert ours.as_text() == theirs.as_text()
