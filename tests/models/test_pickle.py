"""Results kept: small on disk, and of use in another process."""

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
from models.pairs import CHUNK, FRAME, make_frame
from numpy.testing import assert_allclose
from pandas.testing import assert_series_equal
from tolerances import EXACT

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import SourceChangedError

FORMULA = "y ~ center(a) + C(g, Sum) * bs(b, df=4)"
NEW = FRAME[["a", "b", "g"]].iloc[:5]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    FRAME.to_parquet(tmp_path / "data.parquet", row_group_size=20)
    return tmp_path / "data.parquet"


@pytest.fixture(params=["file", "memory"])
def res(request: pytest.FixtureRequest, file: Path) -> Any:
    source = file if request.param == "file" else smo.as_source(FRAME, chunk_rows=CHUNK)
    return smof.wls(FORMULA, source, weights="w").fit()


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
    kept = keep(res)
    for name in ("params", "bse", "pvalues"):
        assert_series_equal(getattr(kept, name), getattr(res, name))
    assert (kept.llf, kept.rsquared, kept.fvalue) == (res.llf, res.rsquared, res.fvalue)


def test_the_type_stays(res: Any, keep: Any) -> None:
    kept = keep(res)
    assert type(kept) is type(res)
    assert kept.__class__ is res.__class__


def test_new_data_are_predicted(res: Any, keep: Any) -> None:
    assert_series_equal(keep(res).predict(NEW), res.predict(NEW))


def test_intervals_of_predictions(res: Any, keep: Any) -> None:
    kept, was = (r.get_prediction(NEW).summary_frame() for r in (keep(res), res))
    pd.testing.assert_frame_equal(kept, was)


def test_hypotheses_by_name(res: Any, keep: Any) -> None:
    kept, was = (r.wald_test_terms(scalar=True).table for r in (keep(res), res))
    pd.testing.assert_frame_equal(kept, was)


def test_a_summary_that_was_made_is_kept(res: Any, keep: Any) -> None:
    text = res.summary().tables[2].as_text()
    kept = keep(res)
    before = len(kept.passes)
    assert kept.summary().tables[2].as_text() == text
    assert len(kept.passes) == before


def test_robust_errors_that_were_made_are_kept(res: Any, keep: Any) -> None:
    assert_allclose(res.HC3_se, keep(res).HC3_se, rtol=EXACT)


def test_rows_of_a_file_are_found_again(file: Path, keep: Any) -> None:
    res = smof.ols(FORMULA, file).fit()
    assert_allclose(np.asarray(keep(res).resid), np.asarray(res.resid), rtol=EXACT)


def test_rows_of_a_file_are_there_for_the_summary(file: Path, keep: Any) -> None:
    res = smof.ols(FORMULA, file).fit()
    kept = keep(res)
    assert "Durbin-Watson" in kept.summary().as_text()


def test_a_file_that_was_rewritten_is_noticed(file: Path) -> None:
    kept = pickle.loads(pickle.dumps(smof.ols("y ~ a", file).fit()))
    FRAME.assign(y=0.5).to_parquet(file, row_group_size=20)
    with pytest.raises(smo.errors.SourceError):
        kept.summary()


def test_rows_in_memory_are_not_kept() -> None:
    res = smof.ols(FORMULA, smo.as_source(FRAME, chunk_rows=CHUNK)).fit()
    kept = pickle.loads(pickle.dumps(res))
    for ask in (lambda: np.asarray(kept.resid), kept.summary, lambda: kept.HC1_se):
        with pytest.raises(smo.errors.SourceError, match="the rows of DataFrame are gone"):
            ask()


def test_the_original_keeps_its_rows() -> None:
    res = smof.ols(FORMULA, smo.as_source(FRAME, chunk_rows=CHUNK)).fit()
    pickle.dumps(res)
    assert np.asarray(res.resid).shape == (101,)


@pytest.mark.parametrize("kind", ["memory", "dask"])
def test_the_size_does_not_depend_on_the_rows(kind: str) -> None:
    def size(n: int) -> int:
        frame = make_frame(n)
        if kind == "memory":
            res = smof.ols(FORMULA, smo.as_source(frame, chunk_rows=n // 4)).fit()
        else:
            x = da.from_array(frame[["a", "b"]].to_numpy(), (n // 4, -1))
            res = smo.OLS(da.from_array(frame["y"].to_numpy(), n // 4), x).fit()
        res.resid, res.model.exog, res.summary()
        return len(pickle.dumps(res))

    assert size(20_000) < size(2_000) + 500
    assert size(20_000) < 30_000


def test_another_process_predicts(res: Any, tmp_path: Path) -> None:
    res.save(tmp_path / "fit.pkl")
    NEW.to_pickle(tmp_path / "new.pkl")
    program = (
        "import sys, pandas as pd, statsmodels_ooc.api as smo\n"
        "res, new = smo.load(sys.argv[1], allow_pickle=True), pd.read_pickle(sys.argv[2])\n"
        "res.predict(new).to_pickle(sys.argv[3])\n"
    )
    files = [str(tmp_path / name) for name in ("fit.pkl", "new.pkl", "out.pkl")]
    subprocess.run([sys.executable, "-c", program, *files], check=True)
    assert_series_equal(pd.read_pickle(files[2]), res.predict(NEW))


# --- remove_data


@pytest.fixture
def removed(res: Any) -> Any:
    res.summary()
    res.HC0_se  # noqa: B018
    res.resid  # noqa: B018
    res.remove_data()
    return res


def test_remove_data_keeps_the_summary(removed: Any) -> None:
    assert "Durbin-Watson" in removed.summary().as_text()
    assert "Durbin-Watson" in removed.summary2().as_text()


def test_remove_data_keeps_what_needs_no_rows(removed: Any) -> None:
    assert np.isfinite(removed.predict(NEW)).all()
    assert np.isfinite(removed.wald_test_terms(scalar=True).table["pvalue"].astype(float)).all()
    assert np.isfinite([removed.llf, removed.rsquared, removed.scale, removed.nobs]).all()
    assert np.isfinite(removed.HC3_se).all()


def test_remove_data_lets_the_rows_go(removed: Any) -> None:
    for name in ("resid", "fittedvalues"):
        with pytest.raises(smo.errors.SourceError, match="gone"):
            getattr(removed, name)
    with pytest.raises(smo.errors.SourceError, match="gone"):
        np.asarray(removed.model.exog)


def test_save_may_remove_the_data(file: Path, tmp_path: Path) -> None:
    smof.ols("y ~ a", file).fit().save(tmp_path / "fit.pkl", remove_data=True)
    kept = smo.load(tmp_path / "fit.pkl", allow_pickle=True)
    assert np.isfinite(kept.predict(NEW)).all()
    with pytest.raises(smo.errors.SourceError, match="gone"):
        kept.summary()


def test_a_loaded_model_fits_without_a_pass(res: Any, keep: Any) -> None:
    kept = keep(res)
    before = len(kept.passes)
    assert_series_equal(kept.model.fit(method="qr").params, res.params, rtol=1e-12)
    assert len(kept.passes) == before


def test_results_of_a_csv_keep_the_way_to_it(tmp_path: Any) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    res = smof.ols("y ~ a + C(g)", tmp_path / "t.csv").fit()
    again = pickle.loads(pickle.dumps(res))
    assert_allclose(again.resid, res.resid, rtol=0)
    assert_allclose(again.cov_HC3, res.cov_HC3, rtol=1e-12)
    assert_allclose(again.covariance("cluster", groups="h"), res.covariance("cluster", groups="h"))
    FRAME.assign(a=0.0).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(SourceChangedError):
        _ = pickle.loads(pickle.dumps(res)).resid
