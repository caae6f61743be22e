"""Influence of rows, by closed forms: as statsmodels, which fits without each row."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import matplotlib
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.glm_cases import BASE, GAMMA, NORMAL, POISSON, TIGHT, Case, case, tight_pair
from models.pairs import FRAME, Pair
from numpy.testing import assert_allclose
from statsmodels.stats.outliers_influence import OLSInfluence
from statsmodels.tools.sm_exceptions import SingularMatrixWarning
from tolerances import ITERATED, SOLVED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import RowArray
from statsmodels_ooc.errors import LeverageWarning, MemoryLimitError, OptionError

matplotlib.use("Agg")
import matplotlib.pyplot as plt

CHUNK = 7
COLUMNS = (
    *("resid", "hat_matrix_diag", "resid_press", "influence", "hat_diag_factor"),
    *("resid_studentized", "resid_studentized_internal", "resid_studentized_external"),
    *("cooks_distance", "dffits", "dffits_internal", "dfbeta", "dfbetas", "params_not_obsi"),
    *("sigma2_not_obsi", "cov_ratio", "det_cov_params_not_obsi", "resid_var", "resid_std"),
)
NUMBERS = ("ess_press", "scale", "nobs", "k_vars", "endog", "exog")


def make_frame() -> pd.DataFrame:
    """Rows with outliers, a far one among them, and labels of their own."""
    frame = FRAME.copy()
    frame.loc[[5, 50], "y"] += 9
    frame.loc[77, "a"] = 30
    frame["some"] = np.where(np.arange(len(frame)) % 5 == 0, 0.0, frame["w"])
    frame["r"] = np.arange(len(frame)) % 12
    frame["far"] = 1e6 + frame["a"]
    return frame.set_axis(3 * frame.index + 1)


DATA = make_frame()
FORMULAS: dict[str, tuple[str, str | None]] = {
    "categorical": ("y ~ a * b + C(g)", None),
    "missing": ("y ~ m + C(g, Sum)", None),
    "no constant": ("y ~ 0 + a + b", None),
    "constant only": ("y ~ 1", None),
    "many levels": ("y ~ a + C(r)", None),
    "weights": ("y ~ a + b * h", "w"),
    "weights, missing": ("y ~ m + g", "w"),
    "weights of zero": ("y ~ a + g", "some"),
}


def streamed(formula: str, weights: str | None = None, data: Any = DATA, chunk: int = CHUNK) -> Any:
    source = smo.as_source(data, chunk_rows=chunk)
    if weights is None:
        return smof.ols(formula, source).fit()
    return smof.wls(formula, source, weights=weights).fit()


def in_memory(formula: str, weights: str | None = None, data: Any = DATA) -> Any:
    """Of weighted rows, the fit of whitened ones: statsmodels' leverages are not of these."""
    if weights is None:
        return smf.ols(formula, data).fit()
    model = smf.wls(formula, data, weights=data[weights])
    labels = model.data.row_labels
    exog = pd.DataFrame(model.wexog, labels, model.exog_names)
    return sm.OLS(pd.Series(model.wendog, labels, name="y"), exog).fit()


@cache
def pair(name: str, chunk: int = CHUNK) -> Pair:
    return Pair(streamed(*FORMULAS[name], chunk=chunk), in_memory(*FORMULAS[name]))


each = pytest.mark.parametrize("name", FORMULAS)


def agree(ours: Any, theirs: Any, rtol: float) -> None:
    assert type(ours) is type(theirs)
    pairs = zip(ours, theirs, strict=True) if isinstance(theirs, tuple) else [(ours, theirs)]
    for found, expected in pairs:
        expected = np.asarray(expected)
        assert np.shape(found) == expected.shape
        assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


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


# --- generalised linear models

GLM_COLUMNS = (
    *("resid", "hat_matrix_diag", "hat_matrix_exog_diag", "resid_studentized", "cooks_distance"),
    *("d_params", "dfbetas", "params_one", "d_linpred", "d_linpred_scaled", "d_fittedvalues"),
    *("d_fittedvalues_scaled", "endog", "exog", "score_obs", "hessian", "cov_params"),
    *("scale", "nobs", "k_vars", "k_params"),
)
GLM_CALLS: dict[str, Callable[[Any], Any]] = {
    "resid_score_factor": lambda i: i.resid_score_factor(),
    "resid_score": lambda i: i.resid_score(),
    "resid_score of some": lambda i: i.resid_score(joint=True, index=np.array([1, 3])),
    "resid_score one by one": lambda i: i.resid_score(joint=False, studentize=True),
    "resid_score, studentized": lambda i: i.resid_score(studentize=True),
}
FITS = (
    *("Poisson Log", "Binomial Probit, two columns", "Binomial CLogLog, binary"),
    *("Gamma InversePower", "gamma, variances", "Gaussian Identity", "tweedie, variances"),
    *("InverseGaussian InverseSquared", "scale X2", "star98", "spector, probit"),
)
both = pytest.mark.parametrize("observed", [True, False])


@both
@pytest.mark.parametrize("name", FITS)
def test_generalised_models(name: str, observed: bool) -> None:
    fits = tight_pair(name, 31 if name == "star98" else CHUNK)
    ours, theirs = (r.get_influence(observed=observed) for r in (fits.ours, fits.theirs))
    with np.errstate(invalid="ignore"):
        for column in GLM_COLUMNS:
            agree(getattr(ours, column), getattr(theirs, column), ITERATED)
        for ask in GLM_CALLS.values():
            agree(ask(ours), ask(theirs), ITERATED)
        found, expected = ours.summary_frame(), theirs.summary_frame()
        pd.testing.assert_frame_equal(found, expected, rtol=ITERATED, atol=1e-9)


def test_robust_covariances_scale_the_changes() -> None:
    data = tight_pair("Poisson Log")
    case_ = GLM_ROBUST.ours(rows=CHUNK, cov_type="HC0"), GLM_ROBUST.theirs(cov_type="HC0", **TIGHT)
    ours, theirs = (r.get_influence() for r in case_)
    for column in ("dfbetas", "d_linpred_scaled", "d_fittedvalues_scaled", "cov_params"):
        agree(getattr(ours, column), getattr(theirs, column), ITERATED)
    assert not np.allclose(ours.dfbetas, data.ours.get_influence().dfbetas)


GLM_ROBUST: Case = case(*POISSON)


@pytest.mark.parametrize("name", ["offset and exposure", "logit, offset", "offset"])
def test_offsets_stand_in_the_means_of_the_rows(name: str) -> None:
    """Statsmodels' standard errors are of means without them."""
    fits = tight_pair(name, CHUNK)
    ours, theirs = (r.get_influence() for r in (fits.ours, fits.theirs))
    for column in GLM_COLUMNS:
        if column != "d_fittedvalues_scaled":
            agree(getattr(ours, column), getattr(theirs, column), ITERATED)
    mean = theirs.results.predict(which="mean")
    link = theirs.results.model.family.link
    se = np.abs(1 / link.deriv(mean)) * theirs.results.get_prediction().linpred.se
    agree(ours.d_fittedvalues_scaled, theirs.d_fittedvalues / se, ITERATED)


def test_a_row_of_several_is_left_out_with_all_of_them() -> None:
    """Exact for a Gaussian family: what a fit without the row gives."""
    gaussian = case(*NORMAL, extras={"freq_weights": "fw + 1"})
    ours, data = gaussian.ours(rows=CHUNK), gaussian.data
    influence = ours.get_influence()
    for place in (0, 100, 210):
        without = gaussian.theirs(data.drop(place))
        assert_allclose(influence.params_one[place], without.params, rtol=ITERATED)
        gap = np.asarray(ours.params - without.params)
        distance = gap @ np.linalg.solve(ours.cov_params(), gap) / len(gap)
        assert_allclose(influence.cooks_distance[0][place], distance, rtol=ITERATED)


def test_rows_of_no_weight_have_no_influence() -> None:
    """Statsmodels divides zero by zero, and its leverages fail."""
    ours = case(*GAMMA, extras={"freq_weights": "fw"}).ours(rows=CHUNK)
    none = np.asarray(ours.model.freq_weights) == 0
    influence = ours.get_influence()
    assert none.any()
    assert (influence.hat_matrix_diag[none] == 0).all()
    assert (influence.d_params[none] == 0).all()
    assert (influence.cooks_distance[0][none] == 0).all()
    assert_allclose(influence.hat_matrix_diag.sum(), 5)


@both
def test_leverages_far_from_zero_keep_their_digits(observed: bool) -> None:
    data = case(*GAMMA).data.assign(far=lambda d: 1e6 + np.round(d["x"], 6))
    source, family = smo.as_source(data, chunk_rows=CHUNK), sm.families.Gamma(GAMMA[1])
    ours = smof.glm("y ~ far + z + g", source, family=family).fit()
    near = smf.glm("y ~ I(far - 1e6) + z + g", data, family=family).fit(**TIGHT)
    for found, expected in (
        (r.get_hat_matrix_diag(observed=observed), r.get_influence(observed=observed))
        for r in (ours, near)
    ):
        assert_allclose(found, expected.hat_matrix_diag, rtol=1e-12)
    found, expected = (r.get_influence(observed=observed) for r in (ours, near))
    for name in ("hat_matrix_diag", "d_linpred", "d_linpred_scaled"):
        agree(getattr(found, name), getattr(expected, name), ITERATED)


def test_constraints_leave_the_rest() -> None:
    """As without the column, whose part is an offset; statsmodels knows no constraints here."""
    data = case(*GAMMA).data.assign(part=0.5 * BASE["x"])
    source, family = smo.as_source(data, chunk_rows=CHUNK), sm.families.Gamma(GAMMA[1])
    ours = smof.glm("y ~ x + z + g", source, family=family).fit_constrained("x = 0.5")
    model = smf.glm("y ~ z + g", data, family=family, offset=data["part"])
    theirs = model.fit(scale=float(ours.scale), **TIGHT)
    for observed in (True, False):
        found, expected = (r.get_influence(observed=observed) for r in (ours, theirs))
        others = [0, 1, 2, 4]
        for column in ("hat_matrix_diag", "resid_studentized", "d_linpred"):
            agree(getattr(found, column), getattr(expected, column), ITERATED)
        assert_allclose(found.cooks_distance[0], expected.cooks_distance[0], rtol=ITERATED)
        for column in ("d_params", "dfbetas"):
            changes = getattr(found, column)
            agree(changes[:, others], getattr(expected, column), ITERATED)
            assert_allclose(changes[:, 3], 0, atol=1e-12)


# --- leverage one


def solo(*rows: int) -> pd.DataFrame:
    data = DATA.assign(kind=np.where(DATA["h"] == "p", "p", "q"))
    for number, row in enumerate(rows):
        data.iloc[row, data.columns.get_loc("kind")] = f"solo{number}"
    return data


@pytest.mark.parametrize("chunk", [1, CHUNK, 200])
@pytest.mark.parametrize("weights", [None, "w"])
def test_a_row_that_determines_a_coefficient(weights: str | None, chunk: int) -> None:
    data, at = solo(43), 43
    influence = streamed("y ~ a + kind", weights, data, chunk).get_influence()
    with pytest.warns(LeverageWarning, match=r"row \d+ of .* has leverage one: "):
        assert influence.hat_matrix_diag[at] == 1.0
    rest = data.drop(data.index[at])
    without = in_memory("y ~ a + kind", weights, rest)
    for name in ("resid_press", "influence", "resid_studentized", "resid_studentized_external"):
        assert np.isnan(getattr(influence, name)[at])
        assert np.isfinite(np.delete(getattr(influence, name), at)).all()
    for name in ("cooks_distance", "dffits", "dffits_internal"):
        assert np.isnan(getattr(influence, name)[0][at])
    assert (influence.resid[at], influence.resid_var[at]) == (0.0, 0.0)
    assert influence.cov_ratio[at] == influence.hat_diag_factor[at] == np.inf
    assert_allclose(influence.sigma2_not_obsi[at], without.scale, rtol=TAILS)
    # The coefficients that the other rows determine stay what they are.
    names = list(influence.results.model.exog_names)
    known = [names.index(name) for name in without.params.index]
    assert (influence.dfbeta[at][known] == 0).all()
    assert_allclose(influence.params_not_obsi[at][known], without.params, rtol=1e-7)
    own = [i for i in range(len(names)) if i not in known]
    assert np.isnan(influence.dfbeta[at][own]).all()
    assert np.isnan(influence.dfbetas[at][own]).all()


def test_the_warning_names_the_row() -> None:
    influence = streamed("y ~ a + kind", data=solo(43, 10, 80)).get_influence()
    with pytest.warns(LeverageWarning, match=r"^row 3 of DataFrame, rows 7-13 .*\(3 rows do") as c:
        influence.summary_frame()
    assert c[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        influence.summary_frame()
        _ = influence.cooks_distance


def test_the_warning_counts_dropped_rows() -> None:
    data = solo(43)
    data.iloc[42, data.columns.get_loc("a")] = np.nan
    with pytest.warns(LeverageWarning, match=r"^row 1 of DataFrame, rows 42-48 has"):
        streamed("y ~ a + kind", data=data).get_influence().summary_frame()


def test_rows_of_leverage_one_are_no_outliers() -> None:
    data = solo(43, 10)
    with pytest.warns(LeverageWarning):
        table = streamed("y ~ a + kind", data=data).outlier_test(order=True)
    assert table.iloc[-2:].isna().all().all()
    rest = smf.ols("y ~ a + kind", data.drop(data.index[[10, 43]])).fit().outlier_test(order=True)
    pd.testing.assert_frame_equal(table.iloc[:-2], rest, rtol=1e-7)


def test_rows_of_leverage_one_of_counts() -> None:
    data = solo(43).assign(n=np.random.default_rng(0).poisson(3, len(DATA)) + 1.0)
    family = sm.families.Poisson()
    ours = smof.glm("n ~ a + kind", smo.as_source(data, chunk_rows=CHUNK), family=family).fit()
    for observed in (True, False):
        with pytest.warns(LeverageWarning, match="row 1 of DataFrame, rows 42-48"):
            frame = ours.get_influence(observed).summary_frame()
        row = frame.iloc[43]
        assert row["hat_diag"] == 1.0
        assert row[["cooks_d", "standard_resid", "dffits_internal"]].isna().all()
        assert row["dfb_a"] == 0.0
        assert np.isnan(row["dfb_kind[T.solo0]"])
        assert frame.drop(index=data.index[43]).notna().all().all()


# --- rows that hide all others

HIDING = ("far out", "further out", "two rows, of which either hides the other")


def hidden(name: str) -> pd.DataFrame:
    data = DATA.assign(z=0.0)
    if name.startswith("two"):  # the column z is theirs alone
        data.iloc[[10, 60], data.columns.get_loc("z")] = 1.0
        data.iloc[[10, 60], data.columns.get_loc("y")] = [1e8, -1e8]
    else:
        data.iloc[33, data.columns.get_loc("y")] = 1e7 if name == "far out" else -1e11
        data["z"] = np.sin(np.arange(len(data)))
    return data


@pytest.mark.parametrize(("chunk", "weights"), [(1, "w"), (CHUNK, None)])
@pytest.mark.parametrize("name", HIDING)
def test_enormous_residuals_leave_the_digits_of_the_others(
    name: str, weights: str | None, chunk: int
) -> None:
    """What is left of a sum of squares is no difference of large numbers."""
    data, formula = hidden(name), "y ~ a + z + C(g)"
    ours, theirs = streamed(formula, weights, data, chunk), in_memory(formula, weights, data)
    before, found = len(ours.passes), ours.get_influence()
    expected = theirs.get_influence()
    for column in ("sigma2_not_obsi", "resid_studentized_external", "cov_ratio"):
        assert_allclose(getattr(found, column), getattr(expected, column), rtol=1e-7)
    assert_allclose(found.dffits[0], expected.dffits[0], rtol=1e-7)
    agree(found.dfbetas, expected.dfbetas, 1e-7)
    own = ["influence", "rows that hide others", "sums without them", "dfbetas"]
    assert names_of(ours, before) == own
    pd.testing.assert_frame_equal(found.summary_frame(), expected.summary_frame(), rtol=1e-6)
    top = ours.top_influence(3, "student_resid")
    pd.testing.assert_frame_equal(
        top[expected.summary_frame().columns],
        first_rows(expected.summary_frame(), "student_resid", 3),
        rtol=1e-6,
    )


@pytest.mark.parametrize("name", HIDING)
def test_enormous_residuals_of_many_rows(name: str) -> None:
    data, formula = hidden(name), "y ~ a + z + C(g)"
    ours, theirs = streamed(formula, None, data), in_memory(formula, None, data)
    before = len(ours.passes)
    with smo.options.set(array_limit=8):
        found = ours.outlier_test("holm", cutoff=0.5)
        lazily = ours.get_influence().resid_studentized_external.compute()
    pd.testing.assert_frame_equal(found, theirs.outlier_test("holm", cutoff=0.5), rtol=1e-6)
    own = ["outlier test", "rows that hide others", "sums without them", "outlier test"]
    assert names_of(ours, before)[:4] == own
    assert_allclose(lazily, theirs.get_influence().resid_studentized_external, rtol=1e-7)


def test_lazy_columns_have_no_digits_that_are_none() -> None:
    lazily = streamed("y ~ a + z", data=hidden("far out")).get_influence().lazy
    found = np.isnan(lazily.resid_studentized_external.compute())
    assert list(np.flatnonzero(found)) == [33]


def test_a_perfect_fit_tells_nothing() -> None:
    data = DATA.assign(y=1 + 2 * DATA["a"])
    influence = streamed("y ~ a", data=data).get_influence()
    assert not np.isinf(influence.resid_studentized_external).any()
    assert (np.abs(influence.resid) < 1e-12).all()


def test_one_row_more_than_columns() -> None:
    data = DATA.iloc[:3]
    influence = streamed("y ~ a", data=data, chunk=1).get_influence()
    assert np.isnan(influence.sigma2_not_obsi).all()
    expected = in_memory("y ~ a", data=data).get_influence()
    agree(influence.cooks_distance, expected.cooks_distance, TAILS)


# --- passes, sizes


def names_of(results: Any, before: int = 0) -> list[str]:
    return [record.name for record in results.passes[before:]]


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
    counts = case(*POISSON).ours(rows=CHUNK)
    before = len(counts.passes)
    counts.get_influence().summary_frame()
    assert names_of(counts, before) == ["robust covariance", "summary_frame"]


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


def test_lazy_columns_of_counts() -> None:
    fits = tight_pair("Poisson Log", CHUNK)
    ours, theirs = fits.ours.get_influence().lazy, fits.theirs.get_influence()
    assert_allclose(ours.cooks_distance[0].compute(), theirs.cooks_distance[0], rtol=ITERATED)
    assert_allclose(ours.d_params.compute(), theirs.d_params, rtol=ITERATED, atol=1e-9)
    assert_allclose(ours.resid_score().compute(), theirs.resid_score(), rtol=ITERATED)
    assert list(ours.summary_frame().columns) == list(theirs.summary_frame().columns)


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


# --- outliers

METHODS = ("bonf", "sidak", "holm", "holm-sidak")


@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("method", [*METHODS, "fdr_bh", "simes-hochberg"])
def test_outliers(method: str, order: bool) -> None:
    fits = pair("categorical")
    for cutoff in (None, 0.3):
        ours, theirs = (
            r.outlier_test(method, order=order, cutoff=cutoff) for r in (fits.ours, fits.theirs)
        )
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-7)


def test_outliers_under_other_names() -> None:
    labels = [f"r{i}" for i in range(len(DATA))]
    fits = pair("weights")
    for order in (False, True):
        ours, theirs = (
            r.outlier_test(labels=labels, order=order) for r in (fits.ours, fits.theirs)
        )
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-7)


@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cutoff", [1e-9, 0.3, 1.5])
def test_outliers_of_many_rows(
    method: str, order: bool, cutoff: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = pair("categorical").theirs.outlier_test(method, order=order, cutoff=cutoff)
    for most in (100_000, 10):
        monkeypatch.setattr("statsmodels_ooc.results.outliers._MOST", most)
        ours = streamed(*FORMULAS["categorical"])
        before = len(ours.passes)
        with smo.options.set(array_limit=8):
            if most == 10 and cutoff > 1:
                with pytest.raises(MemoryLimitError, match="more than 10 of 101 rows"):
                    ours.outlier_test(method, order=order, cutoff=cutoff)
                continue
            found = [ours.outlier_test(method, order=order, cutoff=cutoff) for _ in range(2)]
        pd.testing.assert_frame_equal(found[0], theirs, rtol=1e-7)
        pd.testing.assert_frame_equal(found[0], found[1])
        assert names_of(ours, before) == ["outlier test"]


def test_outliers_of_many_rows_beside_rows_of_leverage_one() -> None:
    data = solo(43, 10)
    rest = smf.ols("y ~ a + kind", data.drop(data.index[[10, 43]])).fit()
    ours = streamed("y ~ a + kind", data=data)
    with smo.options.set(array_limit=8), pytest.warns(LeverageWarning, match="2 rows do"):
        found = ours.outlier_test("holm", cutoff=0.5)
    pd.testing.assert_frame_equal(found, rest.outlier_test("holm", cutoff=0.5), rtol=1e-7)


def test_what_outliers_need_in_memory_is_refused() -> None:
    ours = pair("categorical").ours
    with smo.options.set(array_limit=8):
        for arguments, what in (
            ({}, "a table of all rows needs 101 residuals"),
            ({"method": "fdr_bh", "cutoff": 0.1}, "method='fdr_bh' needs 101 residuals"),
            ({"labels": list(DATA.index), "cutoff": 0.1}, "labels for all rows need"),
        ):
            with pytest.raises(MemoryLimitError, match=f"{what}.*\nHint: method='bonf'"):
                ours.outlier_test(**arguments)


# --- the rows of most influence


def first_rows(frame: pd.DataFrame, by: str, m: int) -> pd.DataFrame:
    sizes = frame[by].abs()
    return frame.loc[sizes.sort_values(ascending=False, kind="stable").index[:m]]


@pytest.mark.parametrize("limit", ["1 MiB", 8])
@each
def test_top_rows(name: str, limit: Any) -> None:
    ours, frame = pair(name).ours, pair(name).theirs.get_influence().summary_frame()
    k = len(ours.params)
    with smo.options.set(array_limit=limit):
        for by in frame.columns:
            if frame[by].std() < 1e-9:
                continue  # the order is that of rounding
            found, expected = ours.top_influence(5, by), first_rows(frame, by, 5)
            assert list(found.columns[:3]) == ["partition", "row_in_partition", "y"]
            assert list(found.columns[3 : 3 + k]) == list(ours.params.index)
            pd.testing.assert_frame_equal(found[frame.columns], expected, rtol=TAILS, atol=1e-9)
            assert_allclose(found["y"], DATA.loc[found.index, "y"])
            places = DATA.index.get_indexer(found.index)
            assert list(found["row_in_partition"]) == list(places % CHUNK)
            named = zip(places, found["partition"], strict=True)
            assert all(f"rows {place - place % CHUNK}-" in label for place, label in named)


def test_top_rows_are_one_pass() -> None:
    ours = streamed(*FORMULAS["missing"])
    before = len(ours.passes)
    for _ in range(2):
        assert len(ours.top_influence(4)) == 4
    assert names_of(ours, before) == ["top influence"]
    assert len(ours.top_influence(10**12)) == ours.nobs


@pytest.mark.parametrize(
    "name", ["Poisson Log", "Binomial Probit, two columns", "gamma, variances"]
)
def test_top_rows_of_generalised_models(name: str) -> None:
    fits = tight_pair(name, CHUNK)
    frame = fits.theirs.get_influence().summary_frame()
    for by in ("cooks_d", "hat_diag", "dfb_z"):
        found = fits.ours.top_influence(6, by)
        expected = first_rows(frame, by, 6)
        pd.testing.assert_frame_equal(found[frame.columns], expected, rtol=ITERATED)
        assert_allclose(found["x"], fits.theirs.model.data.frame.loc[found.index, "x"])
        response = "endog" if "two columns" in name else "y"
        assert_allclose(found[response], np.asarray(fits.theirs.model.endog)[found.index])


def test_top_rows_of_equal_size_are_the_first() -> None:
    data = pd.DataFrame({"y": [1.0, -1.0] * 40, "x": [0.0, 0.0, 1.0, 1.0] * 20})
    found = streamed("y ~ x", data=data).top_influence(5, "student_resid")
    assert list(found.index) == [0, 1, 2, 3, 4]


def test_rows_of_leverage_one_come_first_by_leverage_alone() -> None:
    ours = streamed("y ~ a + kind", data=solo(43))
    with pytest.warns(LeverageWarning, match="row 1 of DataFrame, rows 42-48"):
        found = ours.top_influence(3, "hat_diag")
    assert found.index[0] == DATA.index[43]
    with pytest.warns(LeverageWarning):
        assert DATA.index[43] not in ours.top_influence(100).index
    with pytest.warns(LeverageWarning):
        assert ours.top_influence(200).index[-1] == DATA.index[43]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "cook"}, r"did you mean 'cooks_d'\? those that are: cooks_d, .*dfb_Intercept"),
        ({"m": 0}, "m=0; it is a whole number, 1 or more"),
        ({"m": 2.5}, "m=2.5; it is a whole number, 1 or more"),
        ({"m": True}, "m=True; it is a whole number, 1 or more"),
    ],
)
def test_what_is_no_ranking(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        pair("categorical").ours.top_influence(**arguments)


def parquet(folder: Path) -> Any:
    DATA.reset_index(drop=True).to_parquet(folder / "rows.parquet", row_group_size=13)
    return folder / "rows.parquet"


def stored_index(folder: Path) -> Any:
    DATA.to_parquet(folder / "rows.parquet", row_group_size=13)
    return folder / "rows.parquet"


def csv(folder: Path) -> Any:
    DATA.to_csv(folder / "rows.csv.gz", index=False)
    return folder / "rows.csv.gz"


ROADS: dict[str, Callable[[Path], Any]] = {
    "parquet": parquet,
    "stored index": stored_index,
    "compressed CSV": csv,
    "frame": lambda _: smo.as_source(DATA, chunk_rows=CHUNK),
    "dask": lambda _: dd.from_pandas(DATA, chunksize=CHUNK, sort=False),
    "function": lambda _: lambda: iter([DATA[:30], DATA[30:]]),
}


@pytest.mark.parametrize("subset", [None, "b > 2"])
@pytest.mark.parametrize("road", ROADS)
def test_top_rows_have_the_labels_of_residuals(
    road: str, subset: str | None, tmp_path: Path
) -> None:
    model = smof.ols("y ~ m", ROADS[road](tmp_path), subset=subset)
    found = model.fit().top_influence(7)
    fresh = smof.ols("y ~ m", ROADS[road](tmp_path), subset=subset).fit()
    resid = fresh.resid
    assert_allclose(found["y"] - found["m"] * fresh.params["m"] - fresh.params["Intercept"],
                    resid[found.index], rtol=1e-7)  # fmt: skip
    rows = fresh.top_influence(7)  # whose labels are known by now
    pd.testing.assert_frame_equal(rows, found)
    if subset is None and road != "dask":
        assert [record.name for record in model.passes[-1:]] == ["top influence"]


# --- pictures


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
