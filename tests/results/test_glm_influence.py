"""Influence of rows on generalised linear models, beside statsmodels'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.glm_cases import BASE, GAMMA, NORMAL, POISSON, TIGHT, Case, case, tight_pair
from numpy.testing import assert_allclose
from results.influence_cases import CHUNK, DATA, agree, solo
from tolerances import ITERATED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import LeverageWarning

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


def test_constraints_take_the_pass_that_a_canonical_link_spares() -> None:
    """The factor of the fit is not quite that at the parameters that constraints give."""
    data = case(*POISSON).data
    source = smo.as_source(data, chunk_rows=CHUNK)
    model = smof.glm("y ~ x + z + g", source, family=sm.families.Poisson())
    for fit, passes in (
        (model.fit(), ["summary_frame"]),
        (model.fit_constrained("x = 0.2"), ["robust covariance", "summary_frame"]),
    ):
        before = len(fit.passes)
        fit.get_influence().summary_frame()
        assert [record.name for record in fit.passes[before:]] == passes


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


def test_lazy_columns_of_counts() -> None:
    fits = tight_pair("Poisson Log", CHUNK)
    ours, theirs = fits.ours.get_influence().lazy, fits.theirs.get_influence()
    assert_allclose(ours.cooks_distance[0].compute(), theirs.cooks_distance[0], rtol=ITERATED)
    assert_allclose(ours.d_params.compute(), theirs.d_params, rtol=ITERATED, atol=1e-9)
    assert_allclose(ours.resid_score().compute(), theirs.resid_score(), rtol=ITERATED)
    assert list(ours.summary_frame().columns) == list(theirs.summary_frame().columns)
