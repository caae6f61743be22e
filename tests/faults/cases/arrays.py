"""zarr, h5py and memory maps: arrays in files that are damaged, closed or cut short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import statsmodels.api as sm
from faults.case import Act, Scene, case, raises

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import (
    MissingDataError,
    ParseError,
    SourceAccessError,
    SourceChangedError,
    SourceError,
)


def arrays(scene: Scene) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return scene.rows["y"].to_numpy(), sm.add_constant(scene.rows[["x"]]).to_numpy()


def zarr(scene: Scene) -> tuple[Any, Any, Path]:
    import zarr

    y, x = arrays(scene)
    zarr.create_array(scene.folder / "y.zarr", data=y, chunks=(60,))
    zarr.create_array(scene.folder / "x.zarr", data=x, chunks=(60, 2))
    opened = [zarr.open_array(scene.folder / f"{name}.zarr", mode="r") for name in "yx"]
    return *opened, scene.folder / "x.zarr" / "c" / "1" / "0"


def h5py(scene: Scene) -> tuple[Any, Any, Any]:
    import h5py

    y, x = arrays(scene)
    with h5py.File(scene.folder / "t.h5", "w") as file:
        file["y"], file["x"] = y, x
    file = h5py.File(scene.folder / "t.h5", "r")
    return file["y"], file["x"], file


@case("zarr", "a chunk is cut off", raises(ParseError, r"x\.zarr"), needs="zarr")
def zarr_cut(scene: Scene) -> Iterator[Act]:
    y, x, chunk = zarr(scene)
    chunk.write_bytes(chunk.read_bytes()[:20])
    yield lambda: smo.OLS(y, x).fit()


@case(
    "zarr", "a chunk is removed between passes", raises(SourceChangedError, "block"), needs="zarr"
)
def zarr_removed(scene: Scene) -> Iterator[Act]:
    y, x, chunk = zarr(scene)
    res = smo.OLS(y, x).fit()
    chunk.unlink()
    yield lambda: res.HC0_se


@case(
    "h5py", "the file is closed before the fit", raises(SourceAccessError, r"closed"), needs="h5py"
)
def h5py_closed(scene: Scene) -> Iterator[Act]:
    y, x, file = h5py(scene)
    file.close()
    yield lambda: smo.OLS(y, x).fit()


@case(
    "h5py", "the file is closed between passes", raises(SourceAccessError, r"closed"), needs="h5py"
)
def h5py_closed_later(scene: Scene) -> Iterator[Act]:
    y, x, file = h5py(scene)
    res = smo.OLS(y, x).fit()
    file.close()
    yield lambda: res.HC0_se


@case(
    "h5py",
    "a fit of res.save is loaded, and rows are asked for",
    raises(SourceError, r"h5py"),
    needs="h5py",
)
def h5py_saved(scene: Scene) -> Iterator[Act]:
    y, x, file = h5py(scene)
    smo.OLS(y, x).fit().save(scene.folder / "res.pickle")
    file.close()
    yield lambda: smo.load(scene.folder / "res.pickle", allow_pickle=True).HC0_se


@case(
    "zarr",
    "a fit of res.save is loaded, and rows are asked for",
    raises(SourceError, r"zarr"),
    needs="zarr",
)
def zarr_saved(scene: Scene) -> Iterator[Act]:
    y, x, _ = zarr(scene)
    smo.OLS(y, x).fit().save(scene.folder / "res.pickle")
    yield lambda: smo.load(scene.folder / "res.pickle", allow_pickle=True).HC0_se


@case("memory map", "the file is cut short between passes", raises(SourceChangedError, r"x\.npy"))
def mapped_cut(scene: Scene) -> Iterator[Act]:
    for name, values in zip("yx", arrays(scene), strict=True):
        np.save(scene.folder / f"{name}.npy", np.repeat(values, 100, axis=0))
    y, x = (np.load(scene.folder / f"{name}.npy", mmap_mode="r") for name in "yx")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("statsmodels_ooc.sources.stored_arrays._COPIES", 2**40)
        res = smo.OLS(y, x).fit()
        with (scene.folder / "x.npy").open("r+b") as file:
            file.truncate(4_096)
        yield lambda: res.HC0_se


@case("dask arrays", "endog and exog have other lengths", raises(SourceError, "rows"))
def lengths(scene: Scene) -> Iterator[Act]:
    y, x = arrays(scene)
    yield lambda: smo.OLS(da.from_array(y[:200], chunks=60), da.from_array(x, chunks=(60, 2)))


@case("dask arrays", "a value is infinite", raises(MissingDataError, "inf"))
def infinite(scene: Scene) -> Iterator[Act]:
    y, x = arrays(scene)
    x[100, 1] = np.inf
    given = da.from_array(y, chunks=60), da.from_array(x, chunks=(60, 2))
    yield lambda: smo.OLS(*given).fit()
