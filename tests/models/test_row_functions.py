"""What people do with residuals and results: as in memory, on data that streams."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
import seaborn
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from scipy import stats
from stargazer.stargazer import Stargazer
from statsmodels.stats import diagnostic, outliers_influence, stattools
from tolerances import TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

matplotlib.use("Agg")
import matplotlib.pyplot as plt

Call = Callable[[Any], Any]

pytestmark = pytest.mark.filterwarnings("ignore:.*currently returns a plain tuple:FutureWarning")


def make_frame(n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.uniform(1, 2, n)})
    frame["u"] = frame["x"] + rng.normal(size=n)
    frame["y"] = 1 + 2 * frame["x"] - frame["z"] + rng.normal(size=n) * frame["z"]
    frame["hits"] = rng.poisson(np.exp(0.2 + 0.3 * frame["x"]))
    frame.loc[[5, 77], "x"] = np.nan
    return frame


FRAME = make_frame()


@cache
def linear(formula: str = "y ~ x + z") -> tuple[Any, Any]:
    source = smo.as_source(FRAME, chunk_rows=40)
    return smof.ols(formula, source).fit(), smf.ols(formula, FRAME).fit()


@cache
def generalized() -> tuple[Any, Any]:
    family = sm.families.Poisson()
    source = smo.as_source(FRAME, chunk_rows=40)
    fits = smof.glm("hits ~ x", source, family=family), smf.glm("hits ~ x", FRAME, family=family)
    ours, theirs = (model.fit() for model in fits)
    return ours, theirs


@pytest.fixture
def axes() -> Any:
    figure, made = plt.subplots()
    yield made
    plt.close(figure)


def points(axes: Any) -> list[np.ndarray]:
    """Everything that was drawn from data."""
    lines = [np.asarray(line.get_xydata(), dtype=float) for line in axes.lines]
    clouds = [np.asarray(cloud.get_offsets(), dtype=float) for cloud in axes.collections]
    bars = [np.array([[bar.get_x(), bar.get_height()] for bar in axes.patches])]
    return [array for array in (*lines, *clouds, *bars) if array.size]


NUMBERS: dict[str, Call] = {
    "std": lambda r: r.resid.std(),
    "values": lambda r: r.resid.values,
    "iloc": lambda r: r.resid.iloc[:7],
    "round": lambda r: round(r.resid, 2),
    "format": lambda r: float(f"{r.resid.iloc[0]:.6f}"),
    "format of a scalar": lambda r: float(f"{r.rsquared:.6f}"),
    "mask": lambda r: r.resid[r.resid > 0],
    "mask of the frame": lambda r: FRAME.loc[r.resid.index[r.resid > 0], "z"],
    "median": lambda r: np.median(r.resid),
    "histogram": lambda r: np.histogram(r.resid)[0],
    "hstack": lambda r: np.hstack([r.resid, r.fittedvalues]),
    "shapiro": lambda r: stats.shapiro(r.resid),
    "durbin_watson": lambda r: stattools.durbin_watson(r.resid),
    "jarque_bera": lambda r: stattools.jarque_bera(r.resid),
    "omni_normtest": lambda r: stattools.omni_normtest(r.resid),
    "het_breuschpagan": lambda r: diagnostic.het_breuschpagan(r.resid, r.model.exog),
    "het_white": lambda r: diagnostic.het_white(r.resid, r.model.exog),
    "het_goldfeldquandt": lambda r: diagnostic.het_goldfeldquandt(r.model.endog, r.model.exog)[:2],
    "spec_white": lambda r: diagnostic.spec_white(r.resid, r.model.exog),
    "acorr_ljungbox": lambda r: diagnostic.acorr_ljungbox(r.resid, lags=[3]),
    "acorr_breusch_godfrey": lambda r: diagnostic.acorr_breusch_godfrey(r, 2, result_object=False),
    "linear_rainbow": diagnostic.linear_rainbow,
    "linear_reset": lambda r: outcome(diagnostic.linear_reset(r, use_f=True)),
    "linear_reset exog": lambda r: outcome(
        diagnostic.linear_reset(r, test_type="exog", use_f=True)
    ),
    "linear_harvey_collier": lambda r: outcome(diagnostic.linear_harvey_collier(r)),
    "recursive_olsresiduals": lambda r: diagnostic.recursive_olsresiduals(r)[0][3:],
    "breaks_cusumolsresid": lambda r: diagnostic.breaks_cusumolsresid(r.resid, 3)[:2],
    "variance_inflation_factor": lambda r: outliers_influence.variance_inflation_factor(
        r.model.exog, 1
    ),
    "el_test": lambda r: r.el_test([1.0], [1]),
}
AGAINST: dict[str, Callable[[Any, Any], Any]] = {
    "compare_cox": diagnostic.compare_cox,
    "compare_j": diagnostic.compare_j,
    "compare_encompassing": diagnostic.compare_encompassing,
}
DRAWN: dict[str, Callable[[Any, Any], Any]] = {
    "hist": lambda r, axes: axes.hist(r.resid, bins=20),
    "plot": lambda r, axes: r.resid.plot(ax=axes),
    "plot_fit": lambda r, axes: sm.graphics.plot_fit(r, 1, ax=axes),
    "qqplot": lambda r, axes: sm.qqplot(r.resid, ax=axes),
    "plot_leverage_resid2": lambda r, axes: sm.graphics.plot_leverage_resid2(r, ax=axes),
    "histplot": lambda r, axes: seaborn.histplot(r.resid, ax=axes),
    "residplot": lambda r, axes: seaborn.residplot(x=r.fittedvalues, y=r.resid, ax=axes),
}


def outcome(found: Any) -> tuple[float, float]:
    return float(np.squeeze(found.statistic)), float(found.pvalue)


def agree(found: Any, expected: Any) -> None:
    parts = (found, expected) if isinstance(expected, tuple) else ((found,), (expected,))
    for ours, theirs in zip(*parts, strict=True):
        assert_allclose(
            np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=TAILS, atol=1e-9
        )


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str) -> None:
    agree(*(NUMBERS[name](results) for results in linear()))


@pytest.mark.parametrize("name", AGAINST)
def test_another_model(name: str) -> None:
    complete = FRAME.dropna()
    source = smo.as_source(complete, chunk_rows=40)
    formulas = ("y ~ x + z", "y ~ z + u")
    ours = [smof.ols(formula, source).fit() for formula in formulas]
    theirs = [smf.ols(formula, complete).fit() for formula in formulas]
    agree(np.asarray(AGAINST[name](*ours)), np.asarray(AGAINST[name](*theirs)))


@pytest.mark.parametrize("name", DRAWN)
def test_pictures(name: str, axes: Any) -> None:
    drawn = []
    for results in linear():
        axes.clear()
        DRAWN[name](results, axes)
        drawn.append(points(axes))
    assert len(drawn[0]) == len(drawn[1]) > 0
    for ours, theirs in zip(*drawn, strict=True):
        assert_allclose(ours, theirs, rtol=TAILS, atol=1e-9)


def test_the_line_of_a_fit(axes: Any) -> None:
    lines = []
    for results in linear("y ~ x"):
        sm.graphics.abline_plot(model_results=results, ax=axes)
        lines.append(axes.lines[-1].get_xydata())
    assert_allclose(*lines, rtol=TAILS)


@pytest.mark.parametrize("fits", [linear, generalized])
def test_stargazer(fits: Callable[[], tuple[Any, Any]]) -> None:
    ours, theirs = (Stargazer([results]).render_html() for results in fits())
    assert ours == theirs


def test_pictures_of_added_variables(axes: Any) -> None:
    for results in generalized():
        results.plot_partial_residuals("x", ax=axes)
    ours, theirs = (cloud for cloud in points(axes) if len(cloud) > 2)
    assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)  # of weights that both have to find
