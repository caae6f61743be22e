"""What a review found: chunks that gave other numbers than the whole, without a word."""

from __future__ import annotations

import copy

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from pandas.testing import assert_series_equal
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError, SourceChangedError, SourceError


def frame(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=n), "i": rng.integers(0, 5, n)})
    return data.assign(g=rng.choice(list("abc"), n), y=rng.normal(size=n) + data["x"])


def streamed(data: pd.DataFrame) -> object:
    return smo.as_source(data, chunk_rows=37)


@pytest.mark.parametrize(
    "subset",
    ["x > x.mean()", lambda f: f["i"] > f["i"].median(), lambda f: ~f["i"].duplicated()],
    ids=["mean", "median", "duplicated"],
)
def test_subset_that_is_not_row_by_row_is_refused(subset) -> None:
    with pytest.raises(SourceError, match="does not work row by row"):
        smof.ols("y ~ x", streamed(frame()), subset=subset)


def test_subset_with_a_mask_may_be_anything() -> None:
    data = frame()
    mask = (data["x"] > data["x"].mean()).to_numpy()
    res = smof.ols("y ~ x", streamed(data), subset=mask).fit()
    assert_allclose(res.params, smf.ols("y ~ x", data[mask]).fit().params, rtol=1e-12)


def test_scalar_weight_of_dask_arrays() -> None:
    data = frame()
    x = sm.add_constant(data[["x"]]).to_numpy()
    y = data["y"].to_numpy()
    ours = smo.WLS(da.from_array(y, 50), da.from_array(x, 50), weights=2.0).fit()
    theirs = sm.WLS(y, x, weights=2.0).fit()
    assert_allclose([ours.ssr, ours.scale, ours.llf], [theirs.ssr, theirs.scale, theirs.llf])


def changing(*frames):
    queue = list(frames)
    return lambda: iter([queue.pop(0) if len(queue) > 1 else queue[0]])


@pytest.mark.parametrize("later", [frame().assign(y=lambda f: f["y"] + 100), frame(100)])
@pytest.mark.parametrize("name", ["resid", "fittedvalues", "wresid"])
def test_rows_are_those_of_the_fit(later, name) -> None:
    source = smo.from_iterable(changing(frame(), frame(), later))
    res = smof.ols("y ~ x", source).fit()
    with pytest.raises(SourceChangedError):
        getattr(res, name)


def test_the_text_nan_is_missing_in_parquet_too(tmp_path) -> None:
    data = frame()
    data.loc[5, "g"] = "nan"
    data.to_parquet(tmp_path / "1.parquet")
    res = smof.ols("y ~ g", str(tmp_path)).fit()
    expected = smf.ols("y ~ g", data).fit()
    assert res.nobs == expected.nobs
    assert list(res.params.index) == list(expected.params.index)


def test_unknown_categories_of_dask_are_those_of_the_partitions() -> None:
    data = frame().assign(
        i=lambda f: f["i"].astype("category").cat.reorder_categories([2, 0, 1, 4, 3])
    )
    ddf = dd.from_pandas(data, npartitions=3)
    res = smof.ols("y ~ i", ddf.assign(i=ddf["i"].cat.as_unknown())).fit()
    assert_series_equal(res.params, smf.ols("y ~ i", data).fit().params, rtol=SOLVED)


def test_a_function_that_looks_at_other_rows_only_later_is_refused() -> None:
    def jump(values):  # what it does inside, no name in the formula betrays
        return np.where(values > 2000, values - np.mean(values), 0)

    late = np.where(np.arange(4_000) < 1_500, 1.0, np.arange(4_000))
    data = frame(4_000).assign(late=late)
    with pytest.raises(DesignError, match="does not work row by row"):
        smof.ols("y ~ jump(late) + x", smo.as_source(data, chunk_rows=500))


def test_integers_of_arrow_batches_keep_their_names() -> None:
    import pyarrow as pa

    batches = pa.Table.from_pandas(frame()).to_batches(max_chunksize=50)
    res = smof.ols("y ~ C(i)", smo.from_iterable(lambda: iter(batches))).fit()
    assert list(res.params.index) == list(smf.ols("y ~ C(i)", frame()).fit().params.index)


def test_a_folder_without_rows_is_no_level(tmp_path) -> None:
    for key, n in (("a", 100), ("b", 100), ("zz", 0)):
        (tmp_path / f"k={key}").mkdir()
        frame(n).to_parquet(tmp_path / f"k={key}" / "1.parquet")
    res = smof.ols("y ~ k", str(tmp_path)).fit()
    assert list(res.params.index) == ["Intercept", "k[T.b]"]


def test_gram_of_few_columns_is_one_pass() -> None:
    res = smof.ols("y ~ x", streamed(frame())).fit("gram")
    assert_allclose(res.rsquared, smf.ols("y ~ x", frame()).fit().rsquared, rtol=1e-9)
    assert [record.name for record in res.passes] == ["fit"]


def test_a_csv_file_gives_the_same_bits_in_processes(tmp_path) -> None:
    frame(5_000).to_csv(tmp_path / "1.csv", index=False)
    here = smof.ols("y ~ x + g", str(tmp_path / "1.csv")).fit()
    with dask.config.set(scheduler="processes", num_workers=2):
        there = smof.ols("y ~ x + g", str(tmp_path / "1.csv")).fit()
    assert here.params.to_numpy().tobytes() == there.params.to_numpy().tobytes()


def test_a_deep_copy_keeps_its_rows() -> None:
    res = copy.deepcopy(smof.ols("y ~ x", streamed(frame())).fit())
    assert len(np.asarray(res.resid)) == 300


def test_removed_data_cannot_be_reached_through_the_model() -> None:
    res = smof.ols("y ~ x", streamed(frame())).fit()
    assert res.model.exog.shape == (300, 2)
    res.remove_data()
    with pytest.raises(SourceError, match="gone"):
        res.model.exog  # noqa: B018


def test_a_polars_frame_streams() -> None:
    pl = pytest.importorskip("polars")
    res = smof.ols("y ~ x", pl.from_pandas(frame())).fit()
    assert [record.name for record in res.passes] == ["fit"]


def test_saving_with_a_condition_that_is_a_function(tmp_path) -> None:
    frame().to_parquet(tmp_path / "1.parquet")
    res = smof.ols("y ~ x", str(tmp_path), subset=lambda f: f["x"] > 0).fit()
    res.save(str(tmp_path / "fit.pkl"))
    assert_allclose(smo.load(str(tmp_path / "fit.pkl"), allow_pickle=True).params, res.params)


@pytest.mark.parametrize("ask", ["predict", "get_prediction"])
def test_a_design_without_names_is_refused_for_a_formula(ask) -> None:
    res = smof.ols("y ~ x", streamed(frame())).fit()
    with pytest.raises(DesignError, match="a formula needs columns by name"):
        getattr(res, ask)(da.ones(3))


def test_weights_by_a_name_that_is_no_identifier_in_memory() -> None:
    data = frame().assign(**{"a b": lambda f: f["x"] ** 2})
    ours = smof.wls("y ~ x", data, weights="a b").fit()
    assert_allclose(ours.params, smf.wls("y ~ x", data, weights=data["a b"]).fit().params)


def test_a_threshold_on_a_column_s_maximum_is_refused() -> None:
    data = frame(3_000).assign(b=lambda f: f["x"] ** 2)
    data.loc[2_950, "b"] = 99.0
    with pytest.raises(DesignError, match=r"b\.max looks at all rows"):
        smof.ols("y ~ I(x * (b.max() > 50))", smo.as_source(data, chunk_rows=300))


def test_a_constant_response_has_no_r_squared() -> None:
    res = smof.ols("y ~ x", streamed(frame().assign(y=3.0))).fit()
    assert res.ssr == 0  # exactly: every value is measured from the constant
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(res.rsquared)


@pytest.mark.parametrize("column", ["x", "y"])
def test_values_whose_squares_overflow_are_named(column) -> None:
    data = frame()
    data[column] *= 1e160
    with pytest.raises(DesignError, match=rf"'{column}' in .* reaches \d\.\d+e\+160"):
        smof.ols("y ~ x", streamed(data)).fit()


@pytest.mark.parametrize("data", [None, 5, [], [1, 2], pd.Series([1.0])], ids=repr)
def test_what_is_no_data_is_refused_with_what_is(data) -> None:
    with pytest.raises((TypeError, SourceError), match=r"polars|no file|empty|accept"):
        smof.ols("y ~ x", data)


def test_subset_of_an_unknown_name() -> None:
    with pytest.raises(SourceError, match="'qq'"):
        smof.ols("y ~ x", streamed(frame()), subset="qq > 1")


def test_case_of_a_name_is_suggested() -> None:
    with pytest.raises(smo.errors.ColumnNotFoundError, match="did you mean 'x'"):
        smof.ols("y ~ X", streamed(frame()))


def test_reprs_say_what_there_is() -> None:
    model = smof.ols("y ~ x", streamed(frame()))
    assert repr(model).startswith("<OLS of 'y' on 2 columns")
    assert repr(model.fit().passes[0]).startswith("<pass 'fit': 300 rows")


def test_a_saved_fit_finds_its_rows_from_another_directory(tmp_path, monkeypatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    frame().to_parquet(tmp_path / "1.parquet")
    monkeypatch.chdir(tmp_path)
    smof.ols("y ~ x", "1.parquet").fit().save("fit.pkl")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(np.asarray(smo.load("../fit.pkl", allow_pickle=True).resid)) == 300
