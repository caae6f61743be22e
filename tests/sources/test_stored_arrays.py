"""Arrays in files are streamed like dask's, and answered like statsmodels'."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from tolerances import SOLVED

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import SourceError
from statsmodels_ooc.sources.stored_arrays import opened_arrays

rng = np.random.default_rng(0)
X = np.column_stack([np.ones(5_000), rng.normal(size=(5_000, 3))])
Y = X @ [1.0, 2.0, 0.5, -1.0] + rng.normal(size=5_000)
W = rng.uniform(1, 2, 5_000)


def zarr_array(folder, name, values):
    zarr = pytest.importorskip("zarr")
    chunks = (700, *(2 for _ in values.shape[1:]))
    found = zarr.create_array(folder / f"{name}.zarr", data=values, chunks=chunks)
    return zarr.open_array(folder / f"{name}.zarr", mode="r") if found is not None else None


def h5py_dataset(folder, name, values):
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / f"{name}.h5", "w") as file:
        file.create_dataset("values", data=values, chunks=(700, *values.shape[1:]))
    return h5py.File(folder / f"{name}.h5", "r")["values"]


def h5py_plain(folder, name, values):
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / f"{name}.h5", "w") as file:
        file["values"] = values
    return h5py.File(folder / f"{name}.h5", "r")["values"]


def memory_map(folder, name, values):
    np.save(folder / f"{name}.npy", values)
    return np.load(folder / f"{name}.npy", mmap_mode="r")


STORED = [zarr_array, h5py_dataset, h5py_plain, memory_map]


@pytest.fixture
def little_memory(monkeypatch):
    """So little that eight times the arrays do not fit."""
    monkeypatch.setattr("statsmodels_ooc.sources.stored_arrays._COPIES", 2**40)


@pytest.mark.parametrize("make", STORED)
def test_the_fit_is_that_of_the_values(tmp_path, make, little_memory):
    y, x, w = (make(tmp_path, name, values) for name, values in {"y": Y, "x": X, "w": W}.items())
    for door, given, expected in (
        (smo.OLS, (y, x), sm.OLS(Y, X)),
        (smo.WLS, (y, x, w), sm.WLS(Y, X, W)),
        (smo.GLM, (y, x), sm.GLM(Y, X)),
    ):
        model = door(*given)
        assert model.streams
        found = model.fit()
        np.testing.assert_allclose(found.params, expected.fit().params, rtol=SOLVED)
        np.testing.assert_allclose(found.bse, expected.fit().bse, rtol=SOLVED)
        assert isinstance(found.params, np.ndarray)
        assert isinstance(found.resid if door is not smo.GLM else found.resid_response, np.ndarray)


def test_a_file_beside_an_array_in_memory(tmp_path):
    model = smo.OLS(Y, zarr_array(tmp_path, "x", X))
    assert model.streams
    np.testing.assert_allclose(model.fit().params, sm.OLS(Y, X).fit().params, rtol=SOLVED)


def test_a_small_map_stays_in_memory(tmp_path):
    mapped = memory_map(tmp_path, "x", X)
    assert not smo.OLS(Y, mapped).streams
    assert opened_arrays(mapped)[0] is mapped


def test_what_is_computed_of_a_map_is_in_memory(tmp_path, little_memory):
    computed = memory_map(tmp_path, "x", X) + 1
    assert opened_arrays(computed)[0] is computed


def test_columns_of_a_map(tmp_path, little_memory):
    both = memory_map(tmp_path, "both", np.column_stack([Y, X]))
    model = smo.OLS(both[:, 0], both[:, 1:])
    assert model.streams
    np.testing.assert_allclose(model.fit().params, sm.OLS(Y, X).fit().params, rtol=SOLVED)


def test_blocks_are_rows_of_whole_chunks(tmp_path):
    (lazy,) = opened_arrays(zarr_array(tmp_path, "x", X))
    assert isinstance(lazy, da.Array)
    assert lazy.numblocks[1] == 1
    assert lazy.chunks[0][0] % 700 == 0 or lazy.numblocks[0] == 1


def test_three_dimensions_are_refused(tmp_path):
    with pytest.raises(SourceError, match="3 dimensions"):
        smo.OLS(Y, zarr_array(tmp_path, "x", X.reshape(5_000, 2, 2)))


def test_chunks_of_other_lengths_are_cut_alike():
    y, x = da.from_array(Y, 999), da.from_array(X, (1_234, 2))
    np.testing.assert_allclose(smo.OLS(y, x).fit().params, sm.OLS(Y, X).fit().params, rtol=SOLVED)


def test_chunks_of_unknown_lengths_are_refused_with_what_tells_them():
    y, x = da.from_array(Y, 999), da.from_array(X, (1_234, 4))
    kept = da.from_array(np.ones(5_000, dtype=bool), 1_234)
    with pytest.raises(SourceError, match=r"compute_chunk_sizes\(\)"):
        smo.OLS(y, x[kept])
    known = x[kept].compute_chunk_sizes()
    np.testing.assert_allclose(
        smo.OLS(y, known).fit().params, sm.OLS(Y, X).fit().params, rtol=SOLVED
    )


def test_frames_of_other_indices_are_not_aligned():
    dd = pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame({"y": np.arange(10.0), "x": np.arange(10.0) ** 2})
    moved = frame.set_axis(frame.index + 5)
    for other in (dd.from_pandas(moved, 2)[["x"]], moved[["x"]]):
        with pytest.raises(SourceError, match="The indices for endog and exog are not aligned"):
            smo.OLS(dd.from_pandas(frame, 2)["y"], other).fit()


def test_a_group_is_no_array(tmp_path):
    zarr, h5py = pytest.importorskip("zarr"), pytest.importorskip("h5py")
    group = zarr.open_group(tmp_path / "g.zarr", mode="w")
    with pytest.raises(SourceError, match=r"a Group of zarr is a group.*\nHint: .*it has none"):
        smo.OLS(Y, group)
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["rows/x"] = X
        with pytest.raises(SourceError, match=r"a Group of h5py is a group.*\nHint: .*it has 'x'"):
            smo.OLS(Y, file["rows"])
        with pytest.raises(SourceError, match="a Group of h5py"):
            smo.GLM(file, X)
