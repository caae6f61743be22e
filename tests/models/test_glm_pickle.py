"""GLM results kept: small on disk, and of use in another process."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from models.glm_cases import BASE, CASES, make_frame
from numpy.testing import assert_allclose
from pandas.testing import assert_series_equal
from tolerances import EXACT

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

ROWS = 80  # of a chunk: where chunks end is tested elsewhere
FORMULA = "y ~ center(x) + C(g, Sum) * z"
NAMES = {
    "poisson": "offset and exposure",
    "binomial": "Binomial Probit, two columns",
    "gamma": "gamma, variances",
    "tweedie": "Tweedie 1.5",
}
NEW = BASE[["x", "z", "g"]].iloc[:5]
KEPT = (
    *("llf", "aic", "bic", "deviance", "pearson_chi2", "null_deviance", "scale", "nobs"),
    *("df_resid", "df_model", "converged", "method", "fit_history"),
)


def fit(kind: str, source: Any = None) -> Any:
    case = CASES[NAMES[kind]]
    source = smo.as_source(case.data, chunk_rows=ROWS) if source is None else source
    formula = FORMULA.replace("y", "s + f", 1) if kind == "binomial" else FORMULA
    return smof.glm(formula, source, family=case.family(), **case.extras).fit()


@pytest.fixture(params=NAMES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def file(kind: str, tmp_path: Path) -> Path:
    CASES[NAMES[kind]].data.to_parquet(tmp_path / "data.parquet", row_group_size=20)
    return tmp_path / "data.parquet"


@pytest.fixture(params=["file", "memory"])
def res(request: pytest.FixtureRequest, kind: str, file: Path) -> Any:
    return fit(kind, file if request.param == "file" else None)


@pytest.fixture(params=["pickle", "save", "deepcopy"])
def keep(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    def save(results: Any) -> Any:
        results.save(tmp_path / "fit.pkl")
        return smo.load(tmp_path / "fit.pkl", allow_pickle=True)

    ways = {
        "pickle": lambda r: pickle.loads(pickle.dumps(r)),
        "save": save,
        "deepcopy": copy.deepcopy,
    }
    return ways[request.param]


def test_statistics_stay(res: Any, keep: Any) -> None:
    was = {name: getattr(res, name) for name in KEPT}
    kept = keep(res)
    for name in ("params", "bse", "pvalues"):
        assert_series_equal(getattr(kept, name), getattr(res, name))
    for name, value in was.items():
        np.testing.assert_equal(getattr(kept, name), value)
    assert type(kept) is type(res)
    assert kept.__class__ is res.__class__


def test_new_data_are_predicted_and_hypotheses_tested_by_name(res: Any, keep: Any) -> None:
    kept = keep(res)
    assert_series_equal(kept.predict(NEW), res.predict(NEW))
    for which in (None, "linear"):
        found, was = (r.get_prediction(NEW, which=which).summary_frame() for r in (kept, res))
        pd.testing.assert_frame_equal(found, was)
    found, was = (r.wald_test_terms(scalar=True).table for r in (kept, res))
    pd.testing.assert_frame_equal(found, was)


def test_a_summary_that_was_made_is_kept(res: Any, keep: Any) -> None:
    text = res.summary().tables[1].as_text()
    kept = keep(res)
    before = len(kept.passes)
    assert kept.summary().tables[1].as_text() == text
    assert len(kept.passes) == before


def test_robust_errors_are_kept(kind: str, file: Path, keep: Any) -> None:
    res = fit(kind, file).model.fit(cov_type="HC0")
    kept = keep(res)
    before = len(kept.passes)
    assert_series_equal(kept.bse, res.bse)
    assert_allclose(kept.cov_HC0, res.cov_HC0, rtol=EXACT)
    assert len(kept.passes) == before


@pytest.mark.filterwarnings("ignore:score test has not been verified:UserWarning")
def test_rows_of_a_file_are_found_again(kind: str, file: Path, keep: Any) -> None:
    res = fit(kind, file)
    kept = keep(res)
    for name in ("mu", "resid_deviance"):
        assert_allclose(np.asarray(getattr(kept, name)), np.asarray(getattr(res, name)), rtol=EXACT)
    assert_allclose(kept.score_test(BASE[["o"]]).statistic, res.score_test(BASE[["o"]]).statistic)


def test_rows_in_memory_are_not_kept(kind: str) -> None:
    kept = pickle.loads(pickle.dumps(fit(kind)))
    for ask in (
        lambda: np.asarray(kept.mu),
        lambda: np.asarray(kept.resid_pearson),
        lambda: kept.cov_HC0,
        lambda: kept.model.estimate_tweedie_power(kept.mu),
        lambda: kept.model.hessian_factor(np.asarray(kept.params) * 1.1),
    ):
        with pytest.raises(smo.errors.SourceError, match="the rows of DataFrame are gone"):
            ask()


def test_the_original_keeps_its_rows(kind: str) -> None:
    res = fit(kind)
    pickle.dumps(res)
    assert np.asarray(res.mu).shape == (len(BASE),)


@pytest.mark.parametrize("where", ["memory", "dask"])
def test_the_size_does_not_depend_on_the_rows(where: str) -> None:
    family = sm.families.Gamma(sm.families.links.Log())

    def size(n: int) -> int:
        frame = make_frame(n).assign(y=np.random.default_rng(2).gamma(3.0, 1 / 3, n))
        if where == "memory":
            source = smo.as_source(frame, chunk_rows=n // 4)
            res = smof.glm("y ~ x * z", source, family=family, var_weights="vw").fit()
        else:
            x = da.from_array(frame[["x", "z"]].to_numpy(), (n // 4, -1))
            y = da.from_array(frame["y"].to_numpy(), n // 4)
            res = smo.GLM(y, x, family=family, offset=da.from_array(frame["o"].to_numpy())).fit()
        res.mu, res.model.exog, res.model.mu, res.summary()
        res.model.weights, res.predict(which="linear"), res.resid_deviance
        return len(pickle.dumps(res))

    assert size(20_000) < min(size(2_000) + 500, 40_000)


def test_another_process_predicts(tmp_path: Path) -> None:
    fits = {}
    for kind, name in NAMES.items():
        CASES[name].data.to_parquet(tmp_path / f"{kind}.parquet", row_group_size=20)
        for medium, source in (("file", tmp_path / f"{kind}.parquet"), ("memory", None)):
            fits[f"{kind} {medium}"] = res = fit(kind, source)
            res.save(tmp_path / f"{kind} {medium}.pkl")
    NEW.to_pickle(tmp_path / "new.pkl")
    program = (
        "import sys, pandas as pd, statsmodels_ooc.api as smo\n"
        "new = pd.read_pickle('new.pkl')\n"
        "for kind in sys.argv[1:]:\n"
        "    smo.load(kind + '.pkl', allow_pickle=True).predict(new).to_pickle(kind + '-out.pkl')\n"
    )
    subprocess.run([sys.executable, "-c", program, *fits], check=True, cwd=tmp_path)
    for kind, res in fits.items():
        assert_series_equal(pd.read_pickle(tmp_path / f"{kind}-out.pkl"), res.predict(NEW))


@pytest.mark.filterwarnings("ignore:weights are not taken into account:UserWarning")
@pytest.mark.parametrize("kind", ["binomial", "gamma", "tweedie"])
def test_effects_at_one_row_need_no_data(kind: str) -> None:
    kept = pickle.loads(pickle.dumps(fit(kind)))
    assert np.isfinite(kept.get_margeff(at="zero").margeff_se).all()


# --- remove_data


@pytest.fixture
def removed(res: Any) -> Any:
    res.cov_HC0  # noqa: B018
    res.mu  # noqa: B018
    res.remove_data()
    return res


def test_remove_data_keeps_the_summary(removed: Any) -> None:
    assert "Pseudo R-squ." in removed.summary().as_text()
    assert "Log-Likelihood" in removed.summary2().as_text()


def test_remove_data_keeps_what_needs_no_rows(removed: Any) -> None:
    assert np.isfinite(removed.predict(NEW)).all()
    assert np.isfinite(removed.get_prediction(NEW).summary_frame()).all(axis=None)
    assert np.isfinite(removed.wald_test_terms(scalar=True).table["pvalue"].astype(float)).all()
    numbers = [getattr(removed, name) for name in ("llf", "llnull", "deviance", "aic", "bic")]
    assert np.isfinite(numbers).all()
    assert np.isfinite(removed.cov_HC0).all()


@pytest.mark.filterwarnings("ignore:score test has not been verified:UserWarning")
def test_remove_data_lets_the_rows_go(removed: Any) -> None:
    for ask in (
        lambda: removed.mu,
        lambda: removed.resid_deviance,
        lambda: removed.model.mu,
        lambda: removed.model.var_weights,
        lambda: removed.get_prediction(),
        lambda: removed.score_test(params_constrained=removed.params, k_constraints=1),
    ):
        with pytest.raises(smo.errors.SourceError, match="gone"):
            np.asarray(ask())


def test_remove_data_twice(removed: Any) -> None:
    removed.remove_data()
    kept = pickle.loads(pickle.dumps(removed))
    kept.remove_data()
    assert "Pseudo R-squ." in kept.summary().as_text()


def test_data_that_are_gone_can_be_removed() -> None:
    kept = pickle.loads(pickle.dumps(fit("tweedie")))
    kept.remove_data()
    assert np.isfinite(kept.predict(NEW)).all()


def test_save_may_remove_the_data(kind: str, file: Path, tmp_path: Path) -> None:
    fit(kind, file).save(tmp_path / "fit.pkl", remove_data=True)
    kept = smo.load(tmp_path / "fit.pkl", allow_pickle=True)
    assert np.isfinite(kept.predict(NEW)).all()
    assert "Pseudo R-squ." in kept.summary().as_text()
    with pytest.raises(smo.errors.SourceError, match="gone"):
        np.asarray(kept.mu)
