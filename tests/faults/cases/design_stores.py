"""Design stores: interrupted, damaged, written by others, or given rows that do not fit."""

from __future__ import annotations

import json
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from faults.case import SAME, THIRTY, Act, Scene, case, raises
from faults.files import parquet, turned

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    EmptyDataError,
    MissingDataError,
    ParseError,
    SourceChangedError,
    SourceNotFoundError,
    UnseenLevelError,
    WriteError,
)

NEEDS = "tables"


def stored(scene: Scene, **told: Any) -> Path:
    data = parquet(scene.folder, scene.rows)
    smo.design_store(scene.folder / "d.h5", scene.formula, data, **told)
    return scene.folder / "d.h5"


@contextmanager
def files_of(most: int) -> Iterator[None]:
    """A limit on the size of files, as of a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@case("design store", "cut off, at thirty places", raises(ParseError, r"d\.h5"), THIRTY, NEEDS)
def cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(stored(scene))
    yield lambda: smo.OLS(smo.open_store(path)).fit()


@case(
    "design store",
    "a bit of a row is turned, and the store is verified",
    raises(ParseError, r"d\.h5 cannot be read"),
    needs=NEEDS,
)
def bit(scene: Scene) -> Iterator[Act]:
    path = stored(scene, compression="none")
    turned(path, path.read_bytes().index(scene.rows["x"].to_numpy()[100].tobytes()))
    yield lambda: smo.open_store(path).verify()


@case(
    "design store",
    "a bit of a row is turned, and the store is fitted",
    raises(ParseError, r"d\.h5"),
    needs=NEEDS,
)
def bit_of_fit(scene: Scene) -> Iterator[Act]:
    path = stored(scene, compression="none")
    turned(path, path.read_bytes().index(scene.rows["x"].to_numpy()[100].tobytes()))
    yield lambda: smo.OLS(smo.open_store(path)).fit()


@case("design store", "no such file", raises(SourceNotFoundError, r"d\.h5"), needs=NEEDS)
def missing(scene: Scene) -> Iterator[Act]:
    yield lambda: smo.open_store(scene.folder / "d.h5")


@case(
    "design store",
    "another file of HDF5",
    raises(ParseError, r"d\.h5 is no design store"),
    needs=NEEDS,
)
def other(scene: Scene) -> Iterator[Act]:
    scene.rows.to_hdf(scene.folder / "d.h5", key="t", format="table")
    yield lambda: smo.open_store(scene.folder / "d.h5")


@case(
    "design store",
    "of a later version",
    raises(ParseError, r"d\.h5 is a design store of format 99"),
    needs=NEEDS,
)
def later(scene: Scene) -> Iterator[Act]:
    import tables

    path = stored(scene)
    with tables.open_file(path, "a") as file:
        about = json.loads(bytes(file.root.about[:]).rstrip(b"\0")) | {"format": 99}
        file.remove_node("/about")
        file.create_array("/", "about", np.frombuffer(json.dumps(about).encode(), np.uint8))
    yield lambda: smo.open_store(path)


@case(
    "design store",
    "its writing was interrupted, and it is opened",
    raises(WriteError, r"(?s)d\.h5 was interrupted.*resume=True"),
    needs=NEEDS,
)
def interrupted(scene: Scene) -> Iterator[Act]:
    path = stored(scene)
    path.rename(scene.folder / "d.h5.part")
    yield lambda: smo.open_store(path)


@case(
    "design store",
    "its writing was interrupted, and other data are to continue it",
    raises(SourceChangedError, r"begun with something else: data: .*other\.parquet now; part"),
    needs=NEEDS,
)
def other_data(scene: Scene) -> Iterator[Act]:
    path = stored(scene)
    path.rename(scene.folder / "d.h5.part")
    data = parquet(scene.folder, scene.rows[:100], "other.parquet")
    yield lambda: smo.design_store(path, scene.formula, data, resume=True)


@case(
    "design store",
    "a file of this name is there",
    raises(WriteError, r"(?s)d\.h5 is there already.*overwrite=True"),
    needs=NEEDS,
)
def there(scene: Scene) -> Iterator[Act]:
    stored(scene)
    yield lambda: stored(scene)


@case(
    "design store",
    "its folder is not there",
    raises(WriteError, r"there is no folder .*gone"),
    needs=NEEDS,
)
def no_folder(scene: Scene) -> Iterator[Act]:
    data = parquet(scene.folder, scene.rows)
    yield lambda: smo.design_store(scene.folder / "gone" / "d.h5", scene.formula, data)


@case(
    "design store",
    "the disk is full",
    raises(WriteError, "(?s)d.h5.*is the disk full"),
    needs=NEEDS,
)
def full(scene: Scene) -> Iterator[Act]:
    before = sorted(scene.folder.iterdir())
    with files_of(20_000):
        yield lambda: stored(scene, compression="none")
    shutil.rmtree(scene.folder / "t.parquet", ignore_errors=True)
    assert [path.name for path in scene.folder.iterdir() if path not in before] == ["t.parquet"]


@case(
    "design store",
    "a value of the response is infinite",
    raises(MissingDataError, r"'y' is inf at row 100 of .*t\.parquet"),
    needs=NEEDS,
)
def infinite(scene: Scene) -> Iterator[Act]:
    scene.rows.loc[100, "y"] = np.inf
    yield lambda: stored(scene)


@case("design store", "no row is left", raises(EmptyDataError, "no row"), needs=NEEDS)
def no_row(scene: Scene) -> Iterator[Act]:
    scene.rows["x"] = np.nan
    yield lambda: stored(scene)


@case(
    "design store",
    "rows with a level that it does not know are to be added",
    raises(UnseenLevelError, r"'zz'"),
    needs=NEEDS,
)
def level(scene: Scene) -> Iterator[Act]:
    store = smo.open_store(stored(scene))
    yield lambda: store.append(scene.rows.assign(g="zz"))


@case(
    "design store",
    "rows without a column are to be added",
    raises(ColumnNotFoundError, r"no column 'x'"),
    needs=NEEDS,
)
def column(scene: Scene) -> Iterator[Act]:
    store = smo.open_store(stored(scene))
    yield lambda: store.append(scene.rows.drop(columns="x"))


@case(
    "design store",
    "rows are added between passes",
    raises(SourceChangedError, r"d\.h5"),
    needs=NEEDS,
)
def appended(scene: Scene) -> Iterator[Act]:
    path = stored(scene)
    res = smo.OLS(smo.open_store(path)).fit()
    smo.open_store(path).append(scene.rows)
    yield lambda: res.HC0_se


@case("design store", "missing values are left out", SAME, needs=NEEDS)
def dropped(scene: Scene) -> Iterator[Act]:
    scene.rows.loc[[3, 100], "x"] = np.nan
    path = stored(scene)
    yield lambda: smo.OLS(smo.open_store(path)).fit()
