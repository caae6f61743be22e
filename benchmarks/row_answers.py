"""What functions of row-level answers cost beside statsmodels in memory, on 4,000 rows.

``python benchmarks/row_answers.py`` prints, for each function, seconds in memory, seconds on
results fitted out of memory, their ratio, and the largest relative difference of what it gives.
The rows of the answers have been read before, as they have been in memory; reading them is the
first line.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats import diagnostic, outliers_influence, stattools

import statsmodels_ooc.formula.api as smof

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROWS = 4_000
REPEATS = 15
LONG = 0.5  # seconds after which a call is not repeated

Call = Callable[[Any, Any], Any]  # results, and those of another model of the same response


def make_frame(n: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.uniform(1, 2, n)})
    frame["u"] = frame["x"] + rng.normal(size=n)
    frame["y"] = 1 + 2 * frame["x"] - frame["z"] + rng.normal(size=n) * frame["z"]
    frame["hits"] = rng.poisson(np.exp(0.2 + 0.3 * frame["x"]))
    return frame


def histogram(values: Any) -> Any:
    figure, axes = plt.subplots()
    counts = axes.hist(values, bins=20)[0]
    plt.close(figure)
    return counts


def drawn(draw: Callable[[Any], Any]) -> int:
    figure, axes = plt.subplots()
    draw(axes)
    plt.close(figure)
    return len(axes.lines) + len(axes.collections) + len(axes.patches)


LINEAR: dict[str, Call] = {
    "plt.hist": lambda r, _: histogram(r.resid),
    "np.median": lambda r, _: np.median(r.resid),
    "np.histogram": lambda r, _: np.histogram(r.resid)[0],
    "std": lambda r, _: r.resid.std(),
    "shapiro": lambda r, _: stats.shapiro(r.resid),
    "durbin_watson": lambda r, _: stattools.durbin_watson(r.resid),
    "jarque_bera": lambda r, _: stattools.jarque_bera(r.resid),
    "omni_normtest": lambda r, _: stattools.omni_normtest(r.resid),
    "het_breuschpagan": lambda r, _: diagnostic.het_breuschpagan(r.resid, r.model.exog),
    "het_white": lambda r, _: diagnostic.het_white(r.resid, r.model.exog),
    "het_goldfeldquandt": lambda r, _: diagnostic.het_goldfeldquandt(r.model.endog, r.model.exog)[
        :2
    ],
    "het_arch": lambda r, _: diagnostic.het_arch(r.resid, nlags=4, result_object=False),
    "spec_white": lambda r, _: diagnostic.spec_white(r.resid, r.model.exog),
    "acorr_ljungbox": lambda r, _: diagnostic.acorr_ljungbox(r.resid, lags=[5]),
    "acorr_breusch_godfrey": lambda r, _: diagnostic.acorr_breusch_godfrey(
        r, 3, result_object=False
    ),
    "linear_rainbow": lambda r, _: diagnostic.linear_rainbow(r),
    "linear_reset": lambda r, _: pvalue(diagnostic.linear_reset(r, use_f=True)),
    "linear_reset exog": lambda r, _: pvalue(
        diagnostic.linear_reset(r, test_type="exog", use_f=True)
    ),
    "linear_harvey_collier": lambda r, _: pvalue(diagnostic.linear_harvey_collier(r)),
    "recursive_olsresiduals": lambda r, _: diagnostic.recursive_olsresiduals(r)[0],
    "breaks_cusumolsresid": lambda r, _: diagnostic.breaks_cusumolsresid(r.resid, 3)[:2],
    "breaks_hansen": lambda r, _: diagnostic.breaks_hansen(r)[0],
    "compare_cox": lambda r, other: diagnostic.compare_cox(r, other),
    "compare_j": lambda r, other: diagnostic.compare_j(r, other),
    "compare_encompassing": lambda r, other: diagnostic.compare_encompassing(r, other),
    "variance_inflation_factor": lambda r, _: outliers_influence.variance_inflation_factor(
        r.model.exog, 1
    ),
    "get_influence": lambda r, _: r.get_influence().resid_studentized,
    "abline_plot": lambda _, other: drawn(
        lambda axes: sm.graphics.abline_plot(model_results=other, ax=axes)
    ),
    "plot_fit": lambda r, _: drawn(lambda axes: sm.graphics.plot_fit(r, 1, ax=axes)),
    "qqplot": lambda r, _: drawn(lambda axes: sm.qqplot(r.resid, ax=axes)),
    "plot_leverage_resid2": lambda r, _: drawn(
        lambda axes: sm.graphics.plot_leverage_resid2(r, ax=axes)
    ),
    "stargazer": lambda r, other: len(stargazer(r, other)),
    "seaborn.histplot": lambda r, _: drawn(lambda axes: seaborn().histplot(r.resid, ax=axes)),
    "seaborn.residplot": lambda r, _: drawn(
        lambda axes: seaborn().residplot(x=r.fittedvalues, y=r.resid, ax=axes)
    ),
}
GENERALIZED: dict[str, Call] = {
    "GLM plt.hist": lambda r, _: histogram(r.resid_deviance),
    "GLM stargazer": lambda r, other: len(stargazer(r, other)),
    "GLM get_influence": lambda r, _: r.get_influence().cooks_distance[0],
    "GLM qqplot": lambda r, _: drawn(lambda axes: sm.qqplot(r.resid_pearson, ax=axes)),
}


def pvalue(found: Any) -> float:
    return float(found.pvalue)


def stargazer(*results: Any) -> str:
    from stargazer.stargazer import Stargazer

    return str(Stargazer(list(results)).render_html())


def seaborn() -> Any:
    import seaborn as library

    return library


def numbers(found: Any) -> np.ndarray:
    if isinstance(found, (tuple, list)):
        return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in found])
    return np.ravel(np.asarray(found, dtype=float))


def seconds(call: Call, *results: Any) -> tuple[float, np.ndarray]:
    """The best of a few runs after one that is not counted, and what the call gives."""
    found, best = numbers(call(*results)), np.inf
    for _ in range(REPEATS):
        began = time.perf_counter()
        call(*results)
        best = min(best, time.perf_counter() - began)
        if best > LONG:
            break
    return best, found


def report(calls: dict[str, Call], ours: tuple[Any, Any], theirs: tuple[Any, Any]) -> None:
    for name, call in calls.items():
        try:
            (mine, found), (base, expected) = seconds(call, *ours), seconds(call, *theirs)
        except ModuleNotFoundError as error:
            print(f"{name:28} needs {error.name}")
            continue
        size = np.maximum(np.abs(expected), 1e-12)
        difference = (
            float((np.abs(found - expected) / size)[np.isfinite(expected)].max())
            if found.size
            else 0.0
        )
        print(f"{name:28} {base:10.5f} {mine:10.5f} {mine / base:7.2f} {difference:10.1e}")


def main() -> None:
    frame = make_frame()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        frame.to_parquet(path)
        ours = tuple(smof.ols(f, str(path)).fit() for f in ("y ~ x + z", "y ~ u"))
        theirs = tuple(smf.ols(f, frame).fit() for f in ("y ~ x + z", "y ~ u"))
        began = time.perf_counter()
        _ = ours[0].resid
        print(f"reading resid: {time.perf_counter() - began:.5f} s, {ours[0].passes[-1]}")
        print(f"{'':28} {'in memory':>10} {'out of it':>10} {'ratio':>7} {'difference':>10}")
        report(LINEAR, ours, theirs)
        poisson = {"family": sm.families.Poisson()}
        counts = tuple(
            smof.glm(f, str(path), **poisson).fit() for f in ("hits ~ x", "hits ~ x + z")
        )
        known = tuple(smf.glm(f, frame, **poisson).fit() for f in ("hits ~ x", "hits ~ x + z"))
        report(GENERALIZED, counts, known)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
