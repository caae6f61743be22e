"""Results that are written without code and read again: the same bits, in another process too."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import SavedResultError, SourceError

N = 400
LEVELS = ["c", "a", "b"]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"x": rng.normal(size=N), "w": rng.uniform(1, 2, N)})
    table["g"] = rng.choice(list("abc"), N)
    table["firm"] = rng.integers(0, 30, N)
    table["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 3, N), "D")
    table["y"] = rng.poisson(np.exp(0.3 * table["x"]))
    table["won"] = (rng.random(N) < 0.4) * 1
    return table


@pytest.fixture(scope="module")
def path(table, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("saved") / "rows.parquet")
    table.to_parquet(path, row_group_size=100)
    return path


def cluster(kind):
    return {"cov_type": kind, "cov_kwds": {"groups": "firm"}}


FITS = {
    "transforms": lambda p: smof.ols("y ~ center(x) * C(g, Sum) + bs(w, df=4)", p).fit(),
    "ufuncs": lambda p: smof.ols("y ~ np.log(w) + special.expit(x)", p).fit(cov_type="HC3"),
    "variables": lambda p: smof.ols("y ~ C(g, levels=LEVELS) + standardize(w)", p).fit(),
    "dates": lambda p: smof.ols("y ~ C(day) + Q('w')", p).fit(),
    "clusters": lambda p: smof.ols("y ~ x", p).fit(**cluster("cluster")),
    "hac": lambda p: smof.ols("y ~ x", p).fit(cov_type="HAC", cov_kwds={"maxlags": 2}),
    "weighted": lambda p: smof.wls("y ~ cr(x, df=3) - 1", p, weights="w").fit(cov_type="HC1"),
    "constrained": lambda p: smof.ols("y ~ x + w", p).fit_constrained("x = w"),
    "logistic": lambda p: smof.glm("won ~ x + g", p, family=sm.families.Binomial()).fit(),
    "tweedie": lambda p: smof.glm(
        "y ~ x", p, family=sm.families.Tweedie(sm.families.links.Log(), var_power=1.5)
    ).fit(**cluster("cluster")),
    "offset": lambda p: smof.glm(
        "y ~ x", p, family=sm.families.Poisson(), offset="np.log(w)", freq_weights="firm + 1"
    ).fit(),
    "held": lambda p: smof.glm("y ~ x + w", p, family=sm.families.Poisson()).fit_constrained(
        "x = w"
    ),
}


def new_data(table):
    return table.head(7)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.SingularMatrixWarning")
def test_a_loaded_fit_has_the_same_bits(name, table, path, tmp_path):
    assert special.expit(0) == 0.5  # a name of the formula
    res = FITS[name](path)
    smo.save(res, tmp_path / "fit.zip")
    loaded = smo.load(tmp_path / "fit.zip")
    assert type(loaded) is type(res)
    pd.testing.assert_series_equal(loaded.params, res.params, check_exact=True)
    pd.testing.assert_frame_equal(loaded.cov_params(), res.cov_params(), check_exact=True)
    pd.testing.assert_frame_equal(loaded.conf_int(), res.conf_int(), check_exact=True)
    np.testing.assert_array_equal(loaded.predict(new_data(table)), res.predict(new_data(table)))
    found, expected = (one.get_prediction(new_data(table)) for one in (loaded, res))
    pd.testing.assert_frame_equal(found.summary_frame(), expected.summary_frame())
    tables = [[str(part) for part in one.summary().tables[1:]] for one in (loaded, res)]
    assert tables[0] == tables[1]
    assert loaded.llf == res.llf
    assert loaded.model.formula == res.model.formula
    assert [record.name for record in loaded.passes] == [record.name for record in res.passes]


def test_the_bytes_are_those_of_the_results_and_they_are_saved_again(path, tmp_path):
    res = smof.ols("y ~ x + C(g)", path).fit()
    smo.save(res, tmp_path / "one.zip")
    smo.save(smo.load(tmp_path / "one.zip"), tmp_path / "two.zip")
    smo.save(smo.load(tmp_path / "two.zip"), tmp_path / "three.zip")
    contents = [(tmp_path / f"{name}.zip").read_bytes() for name in ("two", "three")]
    assert contents[0] == contents[1]


def test_a_fit_keeps_its_rows_when_it_is_saved_and_a_loaded_one_has_none(path, tmp_path):
    res = smof.ols("y ~ x", path).fit()
    smo.save(res, tmp_path / "fit.zip")
    assert res.get_robustcov_results("HC3").cov_type == "HC3"
    loaded = smo.load(tmp_path / "fit.zip")
    with pytest.raises(SourceError, match=r"rows of .* are gone"):
        loaded.get_robustcov_results("HC3")


def test_what_is_in_the_file_can_be_read_by_anyone(path, tmp_path):
    res = smof.ols("y ~ x", path).fit()
    smo.save(res, tmp_path / "fit.zip")
    with zipfile.ZipFile(tmp_path / "fit.zip") as archive:
        about = json.loads(archive.read("about.json"))
        names = archive.namelist()
        arrays = [np.load(archive.open(name), allow_pickle=False) for name in names[2:]]
    assert names[:2] == ["about.json", "results.json"]
    assert "OLSResults of 'y' on 2 columns, 400 rows" in about["what"]
    assert any(np.array_equal(array, res.params) for array in arrays)


def test_another_process_reads_it(table, path, tmp_path):
    res = smof.glm("y ~ x + C(g)", path, family=sm.families.Poisson()).fit(cov_type="HC0")
    smo.save(res, tmp_path / "fit.zip")
    table.head(5).to_pickle(tmp_path / "new.pkl")
    code = (
        "import sys, pandas as pd, statsmodels_ooc.api as smo\n"
        "res = smo.load(sys.argv[1])\n"
        "print([float(v).hex() for v in [*res.bse, *res.predict(pd.read_pickle(sys.argv[2]))]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "fit.zip", tmp_path / "new.pkl"],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = [float(v).hex() for v in [*res.bse, *res.predict(table.head(5))]]
    assert done.stdout.strip() == str(expected)


def test_fits_of_sites_are_combined_from_their_files(table, tmp_path):
    for at, part in enumerate((table[:150], table[150:])):
        site = smof.ols("y ~ x + C(g, levels=LEVELS)", smo.as_source(part)).fit()
        smo.save(site, tmp_path / f"{at}.zip")
    pooled = smo.combine([smo.load(tmp_path / f"{at}.zip") for at in range(2)])
    whole = smof.ols("y ~ x + C(g, levels=LEVELS)", smo.as_source(table)).fit()
    np.testing.assert_allclose(pooled.bse, whole.bse, rtol=1e-10)


def test_penalised_fits_and_fits_of_design_stores(table, path, tmp_path):
    pytest.importorskip("tables")
    lasso = smof.ols("y ~ x + w", path).fit_regularized(alpha=0.05)
    store = smo.design_store(tmp_path / "design.h5", "y ~ x + C(g)", path)
    for res in (lasso, smo.OLS(store).fit()):
        smo.save(res, tmp_path / "fit.zip")
        loaded = smo.load(tmp_path / "fit.zip")
        np.testing.assert_array_equal(loaded.params, res.params)
    np.testing.assert_array_equal(loaded.predict(table.head()), res.predict(table.head()))


def test_a_formula_with_functions_of_the_user_is_code(path, tmp_path):
    def doubled(values):
        return 2 * values

    before = b"what was there"
    (tmp_path / "fit.zip").write_bytes(before)
    res = smof.ols("y ~ doubled(x)", path).fit()
    with pytest.raises(SavedResultError, match=r"'doubled'.* is code .*doubled.*without code"):
        smo.save(res, tmp_path / "fit.zip")
    assert (tmp_path / "fit.zip").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["fit.zip"]


def test_fits_in_memory_are_statsmodels_own(table, tmp_path):
    res = smof.ols("y ~ x", table).fit()
    with pytest.raises(SavedResultError, match="not of a fit of streamed data"):
        smo.save(res, tmp_path / "fit.zip")
    for other in (None, 3, res.params):
        with pytest.raises(SavedResultError, match=r"not of a fit|no results"):
            smo.save(other, tmp_path / "fit.zip")


def test_a_pickle_is_read_only_if_told_so(path, tmp_path):
    res = smof.ols("y ~ x", path).fit()
    res.save(tmp_path / "fit.pkl")
    with pytest.raises(SavedResultError, match=r"a pickle runs what is in it.*\n.*allow_pickle"):
        smo.load(tmp_path / "fit.pkl")
    loaded = smo.load(tmp_path / "fit.pkl", allow_pickle=True)
    np.testing.assert_array_equal(loaded.params, res.params)
