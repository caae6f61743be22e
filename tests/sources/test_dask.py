from __future__ import annotations

import dask
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import SourceError
from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.dask_array import from_arrays

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

N = 11
X = np.random.default_rng(0).normal(size=(N, 3))
Y = np.arange(N, dtype=float)


def whole(source, columns=None):
    return pd.concat(source.frames(columns, 4), ignore_index=True)


def test_categories_that_are_known_are_levels():
    table = pd.DataFrame({"k": pd.Categorical(["x", "y"] * 4, ["z", "y", "x"], ordered=True)})
    source = as_source(dd.from_pandas(table, npartitions=2))
    assert source.levels("k") == Levels(("z", "y", "x"), is_categorical=True)
    pd.testing.assert_frame_equal(whole(source), table)


def test_categories_that_are_unknown_are_no_levels():
    table = pd.DataFrame({"k": ["x", "y"] * 4})
    frame = dd.from_pandas(table, npartitions=2).astype({"k": "category"})
    source = as_source(frame)
    assert whole(source)["k"].tolist() == table["k"].tolist()
    assert source.levels("k") is None


def test_one_partition_computes_alone():
    seen = []

    def look(frame):
        seen.append(len(frame))
        return frame

    table = pd.DataFrame({"y": Y})
    frame = dd.from_pandas(table, npartitions=3).map_partitions(look, meta=table)
    partitions = as_source(frame).partitions
    seen.clear()
    list(partitions[1].frames(["y"], 100))
    assert len(seen) == 1


def test_bind_gives_an_equal_partition_in_memory():
    table = pd.DataFrame({"y": Y, "x": Y + 1})
    for partition in as_source(dd.from_pandas(table, npartitions=3)).partitions:
        bound = partition.bind().compute(scheduler="synchronous")
        for one, two in zip(partition.frames(["x"], 2), bound.frames(["x"], 2), strict=True):
            pd.testing.assert_frame_equal(one, two)
        assert bound.label == partition.label


@pytest.mark.parametrize("chunks", [(4, 3), (5, 2), (11, 1), (1, 3)])
def test_arrays(chunks):
    source = from_arrays(da.from_array(Y, chunks=3), da.from_array(X, chunks=chunks))
    wanted = pd.DataFrame({"y": Y} | {f"x{j + 1}": X[:, j] for j in range(3)})
    pd.testing.assert_frame_equal(whole(source), wanted)
    assert source.endog_columns == ("y",)
    assert source.exog_columns == ("x1", "x2", "x3")
    assert not source.is_frame_like
    assert [partition.rows for partition in source.partitions] == [3, 3, 3, 2]


def test_endog_may_be_a_column():
    source = from_arrays(da.from_array(Y[:, None], chunks=(4, 1)), da.from_array(X, chunks=4))
    assert whole(source)["y"].tolist() == Y.tolist()


def test_exog_may_be_one_dimensional():
    source = from_arrays(da.from_array(Y, chunks=4), da.from_array(Y + 1, chunks=5))
    assert whole(source)["x1"].tolist() == (Y + 1).tolist()


@pytest.mark.parametrize("weights", [Y + 1, pd.Series(Y + 1), da.from_array(Y + 1, chunks=2)])
@pytest.mark.parametrize("chunks", [4, 11])
def test_extras(weights, chunks):
    source = from_arrays(
        da.from_array(Y, chunks=chunks), da.from_array(X, chunks=4), weights=weights
    )
    assert source.extra_columns == {"weights": "__weights__"}
    assert whole(source, ["__weights__"])["__weights__"].tolist() == (Y + 1).tolist()


def test_none_is_left_out():
    source = from_arrays(da.from_array(Y, chunks=4), None, weights=None)
    assert source.columns == ("y",)
    assert source.exog_columns == ()


def unknown(array, chunks=4):
    blocked = da.from_array(array, chunks=(chunks, *array.shape[1:]))
    return blocked[da.from_array(np.ones(len(array), bool), chunks=chunks)]


def test_unknown_chunk_sizes():
    source = from_arrays(unknown(Y), unknown(X), weights=Y)
    assert source.rows is None
    found = whole(source)
    np.testing.assert_array_equal(found[["x1", "x2", "x3"]], X)
    assert found["__weights__"].tolist() == Y.tolist()


def test_blocks_of_other_length_are_named():
    keep = np.ones(N, bool)
    keep[5] = False
    short = da.from_array(X, chunks=(4, 3))[da.from_array(keep, chunks=4)]
    source = from_arrays(unknown(Y), short)
    with pytest.raises(SourceError, match="block 1: exog has 3 rows, endog has 4"):
        whole(source)


def test_another_number_of_blocks_is_refused():
    with pytest.raises(SourceError, match="exog has 2 blocks of rows, endog has 3"):
        from_arrays(unknown(Y, 4), unknown(X, 6))


def test_another_number_of_rows_is_refused():
    with pytest.raises(SourceError, match="exog has 10 rows, endog has 11"):
        from_arrays(da.from_array(Y, chunks=4), da.from_array(X[:10], chunks=4))
    with pytest.raises(SourceError, match="weights has 10 rows, endog has 11"):
        from_arrays(da.from_array(Y, chunks=4), da.from_array(X, chunks=4), weights=Y[:10])


def frame_of(index=None):
    table = pd.DataFrame(X, columns=["a", "b", "c"], index=index).assign(r=Y)
    return dd.from_pandas(table, npartitions=3, sort=False)


def test_series_and_frame():
    frame = frame_of()
    source = from_arrays(frame["r"], frame[["a", "c"]], weights=frame["b"])
    assert source.endog_columns == ("r",)
    assert source.exog_columns == ("a", "c")
    assert source.extra_columns == {"weights": "__weights__"}
    assert source.is_frame_like
    wanted = pd.DataFrame({"r": Y, "a": X[:, 0], "c": X[:, 2], "__weights__": X[:, 1]})
    pd.testing.assert_frame_equal(whole(source), wanted)


def test_indices_that_are_not_aligned_are_named():
    source = from_arrays(frame_of()["r"], frame_of(np.r_[:10, 99])[["a"]])
    with pytest.raises(SourceError, match=r"indices for endog and exog are not aligned.*block 2"):
        whole(source)


def test_a_response_named_like_a_regressor_keeps_both():
    frame = frame_of()
    source = from_arrays(frame["a"], frame[["a", "b"]])
    assert len({*source.endog_columns, *source.exog_columns}) == 3


def test_bound_arrays():
    source = from_arrays(da.from_array(Y, chunks=4), da.from_array(X, chunks=4))
    bound = [partition.bind() for partition in source.partitions]
    found = pd.concat(
        [frame for part in bound for frame in part.compute().frames(["x2", "y"], 3)],
        ignore_index=True,
    )
    pd.testing.assert_frame_equal(found, whole(source, ["x2", "y"]))


# --- alignment, as statsmodels has it ------------------------------------------------------

ROWS = pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(N) * 10).assign(y=Y, w=Y + 1)


def cut(columns, npartitions: int):
    return dd.from_pandas(ROWS[columns], npartitions=npartitions)


def test_frames_that_know_their_divisions_are_aligned():
    source = from_arrays(cut("y", 2), cut(["a", "b"], 3), weights=cut("w", 5))
    assert len(source.partitions) == 2
    names = {"y": "y", "a": "a", "b": "b", "__weights__": "w"}
    expected = ROWS[list(names.values())].reset_index(drop=True)
    pd.testing.assert_frame_equal(whole(source).set_axis([*names.values()], axis=1), expected)


def test_the_fit_of_frames_that_are_cut_differently_is_that_of_the_rows():
    ours = smo.WLS(cut("y", 2), cut(["a", "b"], 3), weights=cut("w", 4)).fit()
    memory = sm.WLS(ROWS["y"], ROWS[["a", "b"]], weights=ROWS["w"]).fit()
    np.testing.assert_allclose(ours.params, memory.params, rtol=1e-12)
    np.testing.assert_allclose(ours.bse, memory.bse, rtol=1e-12)


def test_frames_beside_a_dask_array_are_aligned_with_each_other():
    chunks = tuple(map(len, cut("a", 3).partitions))
    source = from_arrays(da.from_array(Y, chunks=(chunks,)), cut("a", 3), weights=cut("w", 5))
    pd.testing.assert_series_equal(
        whole(source)["__weights__"], ROWS["w"].reset_index(drop=True), check_names=False
    )


def test_frames_of_other_rows_are_refused():
    other = dd.from_pandas(ROWS[["a"]].iloc[1:], npartitions=3)
    with pytest.raises(SourceError, match="block 0: exog has 5 rows, endog has 6"):
        whole(from_arrays(cut("y", 2), other))


def test_indices_of_another_kind_are_refused():
    other = dd.from_pandas(
        ROWS[["a"]].set_index(ROWS.index.astype(str).str.zfill(4)), npartitions=3
    )
    with pytest.raises(SourceError, match=r"not aligned: that of endog begins with .*0"):
        from_arrays(cut("y", 2), other)


def test_frames_of_the_same_range_and_other_rows_are_refused():
    exog = ROWS[["a"]].rename({50: 51})
    source = from_arrays(cut("y", 3), dd.from_pandas(exog, npartitions=3))
    with pytest.raises(SourceError, match="indices for endog and exog are not aligned: exog"):
        whole(source)


def test_frames_that_do_not_know_their_divisions_need_equal_blocks():
    endog, exog = cut("y", 2).clear_divisions(), cut(["a"], 3).clear_divisions()
    with pytest.raises(SourceError, match="exog has 3 blocks of rows, endog has 2"):
        from_arrays(endog, exog)
    pd.testing.assert_series_equal(
        whole(from_arrays(endog, cut(["a"], 2).clear_divisions()))["a"],
        ROWS["a"].reset_index(drop=True),
    )


@pytest.mark.parametrize("lead", ["frame", "array"])
def test_what_is_in_memory_is_aligned_by_its_index(lead):
    """Beside a dask array, pandas has an index to agree on with pandas."""
    weights = ROWS["w"].sample(frac=1.0, random_state=0)
    endog = cut("y", 2) if lead == "frame" else da.from_array(Y, chunks=4)
    exog = cut(["a"], 2) if lead == "frame" else ROWS[["a"]]
    with pytest.raises(SourceError, match="indices for endog and exog are not aligned: weights"):
        whole(from_arrays(endog, exog, weights=weights))
    source = from_arrays(endog, exog, weights=ROWS["w"])
    assert whole(source)["__weights__"].tolist() == ROWS["w"].tolist()


def test_a_delayed_value_is_no_collection():
    design = dask.delayed(np.ones)((5, 1))
    with pytest.raises(SourceError, match="is a dask collection"):
        smo.OLS(np.ones(5), design)
