"""GLMs in chunks are those of statsmodels in memory, for every family and link."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import dask.array as da
import numpy as np
import pytest
import statsmodels.api as sm
from models.glm_cases import (
    BASE,
    BOTH,
    CASES,
    GAMMA,
    LOGIT,
    NORMAL,
    POISSON,
    ROWS,
    TIGHT,
    Case,
    F,
    L,
    case,
    family,
    literal_pair,
    successes,
    tight_pair,
    with_zeros,
)
from models.pairs import CHUNK, Pair
from numpy.testing import assert_allclose
from tolerances import SOLVED

import statsmodels_ooc.api as smo

PROMISED = 1e-7  # of every number of a fit that statsmodels has iterated to the end
NUMBERS = [
    *("params", "bse", "deviance", "llf", "llnull", "null_deviance", "pearson_chi2", "scale"),
    *("aic", "bic_llf", "bic_deviance", "df_resid", "df_model", "nobs", "tvalues"),
]


every_case = pytest.mark.parametrize("name", CASES)


@every_case
@pytest.mark.filterwarnings("ignore:The bic value is computed:FutureWarning")
def test_numbers(name: str) -> None:
    pair = tight_pair(name)
    assert pair.ours.converged
    assert pair.theirs.converged
    for number in NUMBERS:
        ours, theirs = getattr(pair.ours, number), getattr(pair.theirs, number)
        assert_allclose(ours, theirs, rtol=PROMISED, err_msg=number)


# A case of every family, and of every kind of thing that goes with the rows.
SMALL = [
    *("Binomial Logit, binary", "Binomial CLogLog, two columns", "Gaussian Log", "Poisson Log"),
    *("Gamma InversePower", "InverseGaussian Log", "NegativeBinomial Log", "Tweedie 1.5"),
    *("offset and exposure", "gaussian, both weights", "two columns, frequencies", "scale X2"),
    *("only a constant", "implicit constant"),
]


@pytest.mark.parametrize(("name", "rows"), [("Poisson Log", 1), *((name, CHUNK) for name in SMALL)])
def test_numbers_in_small_chunks(name: str, rows: int) -> None:
    ours, theirs = CASES[name].ours(rows=rows), tight_pair(name).theirs
    for number in NUMBERS[:8]:
        assert_allclose(getattr(ours, number), getattr(theirs, number), rtol=PROMISED)


@every_case
@pytest.mark.parametrize("kind", ["cs", "mcf"])
def test_pseudo_rsquared(name: str, kind: str) -> None:
    pair = tight_pair(name)
    ours, theirs = (res.pseudo_rsquared(kind) for res in (pair.ours, pair.theirs))
    # The difference of two likelihoods: both are right to PROMISED.
    assert_allclose(ours, theirs, rtol=PROMISED, atol=PROMISED)


@every_case
@pytest.mark.parametrize("kind", ["aic", "bic", "qaic"])
@pytest.mark.filterwarnings("ignore:QAIC is only valid for:UserWarning")
def test_info_criteria(name: str, kind: str) -> None:
    pair = tight_pair(name)
    ours, theirs = (res.info_criteria(kind, scale=1.3) for res in (pair.ours, pair.theirs))
    assert_allclose(ours, theirs, rtol=PROMISED)


def text(summary: Any) -> str:
    """Without what a clock changes, and the iterations, which a better start saves."""
    lines = summary.as_text().splitlines()
    undated = "\n".join(line for line in lines if not line.startswith(("Date:", "Time:")))
    undated = re.sub(r"Date: +\S+ \S+", "", undated)
    return re.sub(r"No\. Iterations: +[\d.]+ *", "", undated)


@every_case
def test_summary(name: str) -> None:
    pair = tight_pair(name)
    assert text(pair.ours.summary()) == text(pair.theirs.summary())


@every_case
def test_summary2(name: str) -> None:
    pair = tight_pair(name)
    assert text(pair.ours.summary2()) == text(pair.theirs.summary2())


@every_case
def test_the_history_is_that_of_statsmodels(name: str) -> None:
    pair = literal_pair(name)
    ours, theirs = pair.ours.fit_history, pair.theirs.fit_history
    assert pair.ours.converged == pair.theirs.converged
    assert ours["iteration"] == theirs["iteration"]
    assert_allclose(ours["deviance"], theirs["deviance"], rtol=SOLVED)
    # The start of the history: a placeholder, and zeros that nobody evaluates.
    for mine, given in zip(ours["params"][2:], theirs["params"][2:], strict=True):
        assert_allclose(mine, given, rtol=PROMISED)
    assert_allclose(ours["params"][1], theirs["params"][1])


# --- covariances

# With a frequency of zero statsmodels' scores are 0 / 0; ours are those of the other rows.
WEIGHTS = {"freq_weights": "fw + 1", "var_weights": "vw"}
ROBUST = {
    "poisson": case(*POISSON),
    "poisson, weights": case(*POISSON, extras={"offset": "o", **WEIGHTS}),
    "logit": case(*LOGIT),
    "logit, frequencies": case(*LOGIT, extras={"freq_weights": "fw + 1"}),
    "two columns": case(
        *(F.Binomial, L.CLogLog(), successes, (-0.5, 0.6, 0.4)),
        formula="s + f ~ x + z + g",
        extras={"freq_weights": "fw + 1"},
    ),
    "gamma": case(*GAMMA),
    "gamma, variances": case(*GAMMA, extras={"var_weights": "vw"}),
    "gamma, both weights": case(*GAMMA, extras=WEIGHTS),
    "gaussian, both weights": case(*NORMAL, extras=WEIGHTS),
    "tweedie": case(*(F.Tweedie, L.Log(), with_zeros, (0.5, 0.4, -0.3)), var_power=1.5),
    "poisson, scale X2": case(*POISSON, fit={"scale": "X2"}),
}
every_robust = pytest.mark.parametrize("name", ROBUST)


@cache
def robust_model(name: str) -> Any:
    """A model that is fitted once, whatever covariances are asked for."""
    one = ROBUST[name]
    return one.model(smo.as_source(one.data, chunk_rows=ROWS))


@cache
def robust_pair(name: str, cov_type: str) -> Pair:
    one = ROBUST[name]
    ours = robust_model(name).fit(**one.fit, cov_type=cov_type)
    return Pair(ours, one.theirs(cov_type=cov_type, **TIGHT))


@every_robust
@pytest.mark.filterwarnings("ignore:HC. of a GLM is HC0")
@pytest.mark.parametrize("cov_type", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_fit(name: str, cov_type: str) -> None:
    pair = robust_pair(name, cov_type)
    assert pair.ours.cov_type == cov_type
    assert_allclose(pair.ours.bse, pair.theirs.bse, rtol=PROMISED)
    # Entries of a covariance may be near zero: against its diagonal.
    size = np.sqrt(np.outer(np.diag(pair.theirs.cov_params()), np.diag(pair.theirs.cov_params())))
    assert_allclose(pair.ours.cov_params() / size, pair.theirs.cov_params() / size, atol=PROMISED)


@every_robust
def test_robust_summary(name: str) -> None:
    pair = robust_pair(name, "HC0")
    assert text(pair.ours.summary()) == text(pair.theirs.summary())


@every_robust
def test_use_t(name: str) -> None:
    one = ROBUST[name]
    ours = robust_model(name).fit(**one.fit, use_t=True)
    theirs = one.theirs(use_t=True, **TIGHT)
    assert ours.use_t
    assert_allclose(ours.pvalues, theirs.pvalues, rtol=1e-6)  # TAILS: times |t| of up to 40
    assert_allclose(ours.conf_int(), theirs.conf_int(), rtol=PROMISED)


def test_a_frequency_of_zero_has_no_score() -> None:
    one = case(*LOGIT, extras={"freq_weights": "fw"})
    dropped = one.theirs(one.data[one.data["fw"] > 0], cov_type="HC0", **TIGHT)
    assert_allclose(one.ours(cov_type="HC0").bse, dropped.bse, rtol=PROMISED)


def test_fit_does_not_forget_how_the_scale_was_asked_for() -> None:
    one = case(*POISSON)
    model = one.model(smo.as_source(one.data, chunk_rows=CHUNK))
    assert model.fit(scale="X2").scale != 1
    assert model.fit().scale == 1


# --- dask arrays


def arrays(one: Case) -> dict[str, np.ndarray]:
    frame = one.data
    x = np.column_stack([np.ones(len(frame)), frame["x"], frame["z"]])
    if "s" in frame:
        return {"endog": frame[["s", "f"]].to_numpy(float), "exog": x}
    return {"endog": frame["y"].to_numpy(float), "exog": x}


def lazy(values: np.ndarray) -> Any:
    return da.from_array(values, (CHUNK, -1)[: values.ndim])


ARRAYS = {
    "poisson, offset": (case(*POISSON), {"offset": "o"}),
    "poisson, exposure": (case(*POISSON), {"exposure": "e"}),
    "gamma, weights": (case(*GAMMA), BOTH),
    "two columns": (
        case(F.Binomial, L.Logit(), successes, (-0.5, 0.8, 0.6)),
        {"freq_weights": "fw"},
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_dask_arrays(name: str) -> None:
    one, extras = ARRAYS[name]
    whole = {**arrays(one), **{role: BASE[column].to_numpy() for role, column in extras.items()}}
    ours = smo.GLM(**{key: lazy(v) for key, v in whole.items()}, family=one.family()).fit()
    theirs = sm.GLM(**whole, family=one.family()).fit(**TIGHT)
    assert_allclose(ours.params, theirs.params, rtol=PROMISED)
    assert_allclose(ours.bse, theirs.bse, rtol=PROMISED)
    assert text(ours.summary()) == text(theirs.summary())


@pytest.mark.parametrize("link", [L.Log(), L.Identity()], ids=["Log", "Identity"])
def test_the_family_object_stays_as_it_is(link: Any) -> None:
    one = case(F.Binomial, L.Logit(), successes, (-0.5, 0.8, 0.6), "s + f ~ x")
    own = family(F.Binomial)
    model = smo.GLM.from_formula("s + f ~ x", smo.as_source(one.data, chunk_rows=CHUNK), family=own)
    model.fit()
    assert model.family is own
    assert not np.any(own.n != 1)
