"""Influence of rows on least squares: columns, tables, passes, pictures, beside statsmodels'."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import dask.dataframe as dd
import matplotlib
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.glm_cases import GAMMA, POISSON, case, tight_pair
from numpy.testing import assert_allclose
from results.influence_cases import (
    CHUNK,
    DATA,
    FORMULAS,
    agree,
    each,
    in_memory,
    names_of,
    pair,
    streamed,
)
from statsmodels.stats.outliers_influence import OLSInfluence
from statsmodels.tools.sm_exceptions import SingularMatrixWarning
from tolerances import ITERATED, SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import RowArray
from statsmodels_ooc.errors import MemoryLimitError

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLUMNS = (
    *("resid", "hat_matrix_diag", "resid_press", "influence", "hat_diag_factor"),
    *("resid_studentized", "resid_studentized_internal", "resid_studentized_external"),
    *("cooks_distance", "dffits", "dffits_internal", "dfbeta", "dfbetas", "params_not_obsi"),
    *("sigma2_not_obsi", "cov_ratio", "det_cov_params_not_obsi", "resid_var", "resid_std"),
)


NUMBERS = ("ess_press", "scale", "nobs", "k_vars", "endog", "exog")


@pytest.mark.parametrize("column", [*COLUMNS, *NUMBERS])
@each
def test_least_squares(name: str, column: str) -> None:
    ours, theirs = (r.get_influence() for r in (pair(name).ours, pair(name).theirs))
    agree(getattr(ours, column), getattr(theirs, column), TAILS)


@each
def test_summary_frames(name: str) -> None:
    ours, theirs = pair(name).ours, pair(name).theirs
    found, expected = (r.get_influence().summary_frame() for r in (ours, theirs))
    pd.testing.assert_frame_equal(found, expected, rtol=TAILS, atol=1e-9)


@pytest.mark.parametrize("chunk", [1, 13, 500])
def test_where_chunks_end_does_not_matter(chunk: int) -> None:
    found, expected = (pair("weights", c).ours.get_influence() for c in (chunk, CHUNK))
    pd.testing.assert_frame_equal(found.summary_frame(), expected.summary_frame(), rtol=SOLVED)


def test_weighted_rows_are_those_of_fits_without_them() -> None:
    """Not what statsmodels makes of WLS, which mixes whitened rows with those that are not."""
    influence = pair("weights").ours.get_influence()
    for place in (0, 17, 77):
        rest = DATA.drop(DATA.index[place])
        without = smf.wls("y ~ a + b * h", rest, weights=rest["w"]).fit()
        assert_allclose(influence.params_not_obsi[place], without.params, rtol=TAILS)
        assert_allclose(influence.sigma2_not_obsi[place], without.scale, rtol=TAILS)
    theirs = OLSInfluence(smf.wls("y ~ a + b * h", DATA, weights=DATA["w"]).fit())
    assert not np.allclose(theirs.hat_matrix_diag.sum(), 5)
    assert_allclose(influence.hat_matrix_diag.sum(), 5)


def test_the_rank_may_be_short() -> None:
    data = DATA.assign(double=2 * DATA["a"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularMatrixWarning)
        ours, theirs = streamed("y ~ a + double + g", data=data), smf.ols("y ~ a + g", data).fit()
        found, expected = ours.get_influence(), theirs.get_influence()
        for name in ("hat_matrix_diag", "resid_studentized_external", "cov_ratio"):
            assert_allclose(getattr(found, name), getattr(expected, name), rtol=TAILS)
        shortest = smf.ols("y ~ a + double + g", data).fit().get_influence()
        agree(found.dfbeta, shortest.dfbeta, TAILS)
    assert (found.det_cov_params_not_obsi == 0).all()


def test_a_lasso_that_is_fitted_again_has_the_rows_of_its_columns() -> None:
    source = smo.as_source(DATA, chunk_rows=CHUNK)
    ours = smof.ols("y ~ a + b + h", source).fit_regularized(alpha=0.3, refit=True)
    chosen = np.flatnonzero(ours.params)
    assert 0 < len(chosen) < 4
    theirs = sm.OLS(ours.model.endog, ours.model.exog[:, chosen]).fit().get_influence()
    found = ours.get_influence()
    assert_allclose(found.hat_matrix_diag, theirs.hat_matrix_diag, rtol=TAILS)
    assert_allclose(found.cooks_distance[0], theirs.cooks_distance[0], rtol=1e-6)


@pytest.mark.parametrize("weights", [None, "w"])
def test_columns_far_from_zero_keep_their_digits(weights: str | None) -> None:
    """The determinants of statsmodels lose theirs."""
    found = streamed("y ~ far + b", weights).get_influence()
    expected = in_memory("y ~ I(far - 1e6) + b", weights).get_influence()
    for name in ("hat_matrix_diag", "resid_studentized_external", "cov_ratio", "sigma2_not_obsi"):
        agree(getattr(found, name), getattr(expected, name), TAILS)
    agree(found.dfbetas[:, 1:], expected.dfbetas[:, 1:], TAILS)


def test_a_robust_covariance_changes_nothing() -> None:
    """In statsmodels the covariance ratio is that of a usual one to a robust one."""
    source = smo.as_source(DATA, chunk_rows=CHUNK)
    robust = smof.ols("y ~ a * b + C(g)", source).fit(cov_type="HC3").get_influence()
    assert_allclose(robust.cov_ratio, pair("categorical").theirs.get_influence().cov_ratio)


def test_other_deviations_studentise() -> None:
    ours, theirs = (r.get_influence() for r in (pair("missing").ours, pair("missing").theirs))
    for sigma in (None, 2.0, np.linspace(1, 2, ours.nobs)):
        agree(*(i.get_resid_studentized_external(sigma) for i in (ours, theirs)), TAILS)


def test_tables() -> None:
    ours, theirs = (pair(name).ours.get_influence() for name in ("categorical", "weights")), None
    for found, name in zip(ours, ("categorical", "weights"), strict=True):
        theirs = pair(name).theirs.get_influence()
        assert found.summary_table().as_text() == theirs.summary_table().as_text()
        agree(found.table_data, theirs.table_data, TAILS)


def test_columns_share_a_pass() -> None:
    ours = streamed(*FORMULAS["categorical"])
    before, influence = len(ours.passes), ours.get_influence()
    for name in COLUMNS:
        if name not in ("dfbeta", "dfbetas", "params_not_obsi"):
            getattr(influence, name)
    assert names_of(ours, before) == ["influence"]
    for name in ("dfbetas", "dfbeta", "params_not_obsi"):
        getattr(influence, name)
    influence.summary_frame()
    ours.outlier_test()
    assert names_of(ours, before) == ["influence", "dfbetas"]


def test_a_summary_frame_is_one_pass() -> None:
    ours = streamed(*FORMULAS["categorical"])
    before = len(ours.passes)
    ours.get_influence().summary_frame()
    _ = ours.get_influence().dfbetas, ours.get_influence().cooks_distance
    assert names_of(ours, before) == ["summary_frame"]
    for known, passes in (
        (POISSON, ["summary_frame"]),  # the observed information is the expected one
        (GAMMA, ["robust covariance", "summary_frame"]),
    ):
        fit = case(*known).ours(rows=CHUNK)
        before = len(fit.passes)
        fit.get_influence().summary_frame()
        assert names_of(fit, before) == passes


def test_large_columns_are_lazy() -> None:
    ours, theirs = streamed(*FORMULAS["missing"]), pair("missing").theirs.get_influence()
    before, influence = len(ours.passes), ours.get_influence()
    with smo.options.set(array_limit=8 * influence.nobs - 1):
        for name in (*COLUMNS, "endog", "exog"):
            found = getattr(influence, name)
            assert isinstance(found[0] if isinstance(found, tuple) else found, RowArray), name
        with pytest.raises(MemoryLimitError, match=r"top_influence.*lazy\.summary_frame"):
            influence.summary_frame()
        for ask in (influence.summary_table, influence.plot_index, influence.plot_influence):
            with pytest.raises(MemoryLimitError, match="a point or a line for each of"):
                ask()
        assert names_of(ours, before) == []
        assert_allclose(influence.cooks_distance[0].compute(), theirs.cooks_distance[0])
        assert_allclose(influence.ess_press, theirs.ess_press)
    with smo.options.set(array_limit=8 * influence.nobs):  # one column fits, two do not
        before = len(ours.passes)
        agree(influence.hat_matrix_diag, theirs.hat_matrix_diag, TAILS)
        assert names_of(ours, before) == ["hat_diag"]


def test_lazy_columns() -> None:
    ours, theirs = pair("missing").ours.get_influence(), pair("missing").theirs.get_influence()
    assert set(COLUMNS) <= set(dir(ours.lazy))
    for name in COLUMNS:
        found, expected = getattr(ours.lazy, name), getattr(theirs, name)
        found, expected = (v[0] if isinstance(v, tuple) else v for v in (found, expected))
        assert isinstance(found, RowArray)
        assert_allclose(found.compute(), expected, rtol=TAILS, atol=1e-12)
    frame = ours.lazy.summary_frame()
    assert isinstance(frame, dd.DataFrame)
    expected = theirs.summary_frame().reset_index(drop=True)
    pd.testing.assert_frame_equal(frame.compute(), expected, rtol=TAILS)


def test_what_was_read_is_let_go() -> None:
    ours = streamed(*FORMULAS["categorical"])
    size = len(pickle.dumps(ours))
    influence = ours.get_influence()
    frame = influence.summary_frame()
    assert len(pickle.dumps(ours)) < size + 1_000
    again = pickle.loads(pickle.dumps(influence))
    assert "cooks_distance" not in again.__dict__
    ours.remove_data()
    with pytest.raises(smo.errors.SourceError, match="gone"):
        ours.get_influence().summary_frame()
    assert len(frame) == len(DATA)


@pytest.fixture
def axes() -> Iterator[Any]:
    figure, made = plt.subplots()
    yield made
    plt.close(figure)


DRAWN: dict[str, Callable[[Any, Any], Any]] = {
    "influence_plot": lambda r, ax: sm.graphics.influence_plot(r, ax=ax),
    "influence_plot, dffits": lambda r, ax: sm.graphics.influence_plot(
        r, criterion="dffits", ax=ax
    ),
    "plot_leverage_resid2": lambda r, ax: sm.graphics.plot_leverage_resid2(r, ax=ax),
    "plot_influence": lambda r, ax: r.get_influence().plot_influence(ax=ax),
    "plot_index": lambda r, ax: r.get_influence().plot_index("cooks", threshold=0.1, ax=ax),
    "plot_index of a coefficient": lambda r, ax: r.get_influence().plot_index(
        "dfbeta", idx=1, ax=ax
    ),
}


OF_GLM = ("plot_influence", "plot_index")


@pytest.mark.parametrize(
    ("kind", "name"), [*(("ols", name) for name in DRAWN), *(("glm", name) for name in OF_GLM)]
)
def test_pictures(kind: str, name: str, axes: Any) -> None:
    fits = pair("missing") if kind == "ols" else tight_pair("Poisson Log", CHUNK)
    clouds = []
    for results in (fits.ours, fits.theirs):
        axes.clear()
        DRAWN[name](results, axes)
        points = [*axes.collections, *axes.lines]
        xy = [p.get_offsets() if hasattr(p, "get_offsets") else p.get_xydata() for p in points]
        clouds.append((np.vstack(xy), [text.get_text() for text in axes.texts]))
    assert_allclose(clouds[0][0], clouds[1][0], rtol=ITERATED)
    assert clouds[0][1] == clouds[1][1]
