"""Results that are written without code and read again: the same bits, in another process too."""

from __future__ import annotations

import datetime
import decimal
import json
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special, stats

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import SavedResultError, SourceError

N = 400
LEVELS = ["c", "a", "b"]
SERIES = pd.Series([2.0, 3.0], index=["a", "b"], name="s")
FRAME = pd.DataFrame({"q": [1.5, 2.5], "t": ["a", None]})


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
    "probit": lambda p: smof.glm(
        "won ~ x", p, family=sm.families.Binomial(sm.families.links.Probit())
    ).fit(),
    "cauchit": lambda p: smof.glm(
        "won ~ x", p, family=sm.families.Binomial(sm.families.links.Cauchy())
    ).fit(),
    "series": lambda p: smof.ols("y ~ I(x * SERIES['b']) + I(w * FRAME['q'][1])", p).fit(),
    "expression": lambda p: smof.wls("y ~ x + scale(w)", p, weights="1 / w").fit(),
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
    with pytest.raises(SourceError, match=r"rows of .* are gone(.|\n)*res\.save\(path\)"):
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
    with pytest.raises(SavedResultError, match=r"^the formula uses 'doubled', which is code \("):
        smo.save(res, tmp_path / "fit.zip")
    weighted = smof.wls("y ~ x", path, weights="doubled(g == 'a') + 1").fit()
    with pytest.raises(SavedResultError, match=r"^the expression .*uses 'doubled', which is code"):
        smo.save(weighted, tmp_path / "fit.zip")
    assert (tmp_path / "fit.zip").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["fit.zip"]


def test_fits_in_memory_are_statsmodels_own(table, tmp_path):
    res = smof.ols("y ~ x", table).fit()
    with pytest.raises(SavedResultError, match="not of a fit of streamed data"):
        smo.save(res, tmp_path / "fit.zip")
    for other in (None, 3, res.params, res.summary()):
        with pytest.raises(SavedResultError, match=r"is no results of a fit\nHint: .*model\.fit"):
            smo.save(other, tmp_path / "fit.zip")


def test_a_model_is_not_saved_and_the_results_come_first(path, tmp_path):
    model = smof.ols("y ~ x", path)
    with pytest.raises(SavedResultError, match=r"this OLS is a model, and no results\nHint: .*fit"):
        smo.save(model, tmp_path / "fit.zip")
    with pytest.raises(SavedResultError, match=r"the path is a .*\n.*smo\.save\(res, path\)"):
        smo.save(str(tmp_path / "fit.zip"), model.fit())


def test_a_pickle_is_read_only_if_told_so(path, tmp_path):
    res = smof.ols("y ~ x", path).fit()
    res.save(tmp_path / "fit.pkl")
    with pytest.raises(SavedResultError, match=r"a pickle runs what is in it.*\n.*allow_pickle"):
        smo.load(tmp_path / "fit.pkl")
    loaded = smo.load(tmp_path / "fit.pkl", allow_pickle=True)
    np.testing.assert_array_equal(loaded.params, res.params)


BERLIN = "Europe/Berlin"
OFFSET = datetime.timezone(datetime.timedelta(hours=2))
VALUES = [
    pd.Timestamp("2024-10-27 01:30", tz="UTC").tz_convert(BERLIN),  # the second 2:30 of that day
    pd.Timestamp("2024-01-02", tz=OFFSET),
    pd.Timestamp("2024-01-02").as_unit("s"),
    pd.Timedelta("1h"),
    pd.Timedelta(90, "s").as_unit("s"),
    pd.Period("2024-03", "M"),
    pd.Interval(0, 1.5, closed="left"),
    pd.Interval(pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")),
    datetime.time(3, 4, 5, 6),
    datetime.datetime(2024, 1, 2, tzinfo=OFFSET),
    datetime.date(2024, 1, 2),
    decimal.Decimal("1.50"),
    10**30,
    -0.0,
    float("inf"),
    2 + 1j,
    b"a",
    np.float16(2),
    np.datetime64("2024-01-02"),
    np.timedelta64(1, "h"),
    (1, "a"),
    {1.5, 2.5},
    slice(0, 3),
    range(3),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_variable_of_a_formula_is_what_it_was(value, path, tmp_path):
    found = through_a_file(value, path, tmp_path)
    assert type(found) is type(value)
    assert repr(found) == repr(value)
    assert found == value
    assert str(getattr(found, "unit", "")) == str(getattr(value, "unit", ""))


def test_no_time_is_no_time(path, tmp_path):
    assert through_a_file(pd.NaT, path, tmp_path) is pd.NaT


def through_a_file(value, path, tmp_path):
    """A variable of a formula, as it is when the results are loaded."""
    res = smof.ols("y ~ I(x * len([value]))", path).fit()
    smo.save(res, tmp_path / "fit.zip")
    learned = smo.load(tmp_path / "fit.zip").model.spec.learned
    (info,) = [info for factor, info in learned.factors.items() if "value" in factor.code]
    return info.state["eval_env"].namespace["value"]


ARRAYS = [
    pd.Series([1.0, np.nan], index=["a", "b"], name="s"),
    pd.Series([1, 2], index=pd.DatetimeIndex(["2024-01-01", "2024-01-02"])),
    pd.Series(["a", None]),
    pd.Series([1, "a", None], dtype=object),
    pd.Series([True, False]),
    pd.Series([(1, "a"), (2, "b")]),
    pd.Index([3, 1]),
    pd.Index(list("ab"), name=("n", 1)),
    pd.TimedeltaIndex(["1h", "2h"]),
    pd.DataFrame({"q": [1, 2], 7: ["a", "b"], ("t", 1): pd.to_datetime(["2024", None])}),
]


@pytest.mark.parametrize("value", ARRAYS, ids=range(len(ARRAYS)))
def test_what_has_labels_is_what_it_was(value, path, tmp_path):
    found = through_a_file(value, path, tmp_path)
    kind = type(value).__mro__[0].__name__
    same = {"Series": pd.testing.assert_series_equal, "DataFrame": pd.testing.assert_frame_equal}
    same.get(kind, pd.testing.assert_index_equal)(found, value, check_exact=True)


def named_as_another():
    return datetime.timezone(datetime.timedelta(hours=9), BERLIN)


REFUSED = {
    "matrix": lambda: np.ones((1, 2)).view(np.matrix),  # its * would be another one afterwards
    "masked": lambda: np.ma.array([1.0, 2.0], mask=[0, 1]),
    "records": lambda: np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "levels": lambda: pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]),
    "categories": lambda: pd.Categorical(list("ab")),
    "category labels": lambda: pd.CategoricalIndex(list("ab")),
    "nullable": lambda: pd.Series([1, None], dtype="Int64"),
    "zones": lambda: pd.DatetimeIndex(["2024"], tz="UTC"),
    "text with NA": lambda: pd.Series(["a", None], dtype=pd.StringDtype(na_value=pd.NA)),
    "dateutil": lambda: pd.Timestamp("2024-01-02", tz="dateutil/Europe/Berlin"),
    "another zone": lambda: pd.Timestamp("2024-01-02", tz=named_as_another()),
    "absent": lambda: pd.NA,
    "subclass": lambda: type("Number", (int,), {})(3),
    "function": lambda: lambda x: x,
    "module": lambda: json,
    "distribution": lambda: type(stats.norm)(a=0.0, name="norm"),
    "object": lambda: object(),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_would_be_another_thing_is_refused(kind, path, tmp_path):
    with pytest.raises(SavedResultError, match=r"uses 'value', .*without code cannot hold it"):
        through_a_file(REFUSED[kind](), path, tmp_path)
