"""HDF5 of pandas, PyTables and h5py: damaged, changed, or laid out otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from faults.case import SAME, THIRTY, Act, Scene, case, raises
from faults.files import h5py as write_h5py
from faults.files import hdf5, pytables, turned

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    MissingExtraError,
    ParseError,
    SourceAccessError,
    SourceChangedError,
    SourceError,
    SourceNotFoundError,
)

NO_HDF5 = raises(ParseError, r"t\.h5.* cannot be read as HDF5|t\.h5.*damaged")


@case("HDF5 of pandas", "cut off, at thirty places", NO_HDF5, THIRTY, "tables")
def pandas_cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(hdf5(scene.folder, scene.rows))
    yield lambda: scene.fit(path)


@case("HDF5 of PyTables", "cut off, at thirty places", NO_HDF5, THIRTY, "tables")
def tables_cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(pytables(scene.folder, scene.rows))
    yield lambda: scene.fit(path)


@case("HDF5 of h5py", "cut off, at thirty places", NO_HDF5, THIRTY, "h5py")
def h5py_cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(write_h5py(scene.folder, scene.rows))
    yield lambda: scene.fit(path)


@case("HDF5 of PyTables", "a bit of a chunk with a checksum is turned", NO_HDF5, needs="tables")
def tables_checksum(scene: Scene) -> Iterator[Act]:
    path = pytables(scene.folder, scene.rows, fletcher32=True)
    at = path.read_bytes().index(scene.rows["x"].to_numpy()[100].tobytes())
    turned(path, at)
    yield lambda: scene.fit(path)


@case("HDF5 of h5py", "a bit of a chunk with a checksum is turned", NO_HDF5, needs="h5py")
def h5py_checksum(scene: Scene) -> Iterator[Act]:
    path = write_h5py(scene.folder, scene.rows, fletcher32=True)
    at = path.read_bytes().index(scene.rows["x"].to_numpy()[100].tobytes())
    turned(path, at)
    yield lambda: scene.fit(path)


@case("HDF5 of pandas", "a byte of the first block is another", NO_HDF5, needs="tables")
def superblock(scene: Scene) -> Iterator[Act]:
    path = turned(hdf5(scene.folder, scene.rows), 1, 255)
    yield lambda: scene.fit(path)


@case("HDF5 of pandas", "an empty file", NO_HDF5, needs="tables")
def empty(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.h5"
    path.touch()
    yield lambda: scene.fit(path)


@case(
    "HDF5 of pandas", "no such key", raises(SourceError, r"t\.h5.*'other'[\s\S]*/t"), needs="tables"
)
def key(scene: Scene) -> Iterator[Act]:
    path = hdf5(scene.folder, scene.rows)
    yield lambda: scene.fit(smo.read_hdf(path, key="other"))


@case(
    "HDF5 of pandas",
    "two tables and no key",
    raises(SourceError, r"t\.h5 holds several tables: /t.*/u"),
    needs="tables",
)
def keys(scene: Scene) -> Iterator[Act]:
    path = hdf5(scene.folder, scene.rows)
    scene.rows.to_hdf(path, key="u", format="table")
    yield lambda: scene.fit(path)


@case("HDF5 of pandas", "the fixed format", raises(SourceError, r"format=.table"), needs="tables")
def fixed(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.h5"
    scene.rows.to_hdf(path, key="t")
    yield lambda: scene.fit(path)


@case(
    "HDF5 of pandas",
    "open for writing elsewhere",
    raises(SourceAccessError, r"t\.h5 is open for writing"),
    needs="tables",
)
def open_for_writing(scene: Scene) -> Iterator[Act]:
    import tables

    path = hdf5(scene.folder, scene.rows)
    with tables.open_file(path, "a"):
        yield lambda: scene.fit(path)


@case(
    "HDF5 of pandas",
    "rows are appended between passes",
    raises(SourceChangedError, r"t\.h5 changed"),
    needs="tables",
)
def appended(scene: Scene) -> Iterator[Act]:
    path = hdf5(scene.folder, scene.rows)
    res = scene.fit(path)
    scene.rows.to_hdf(path, key="t", format="table", append=True)
    yield lambda: res.HC0_se


@case(
    "HDF5 of h5py",
    "arrays of different lengths in a group",
    raises(SourceError, r"t\.h5 holds several tables.*/t/longer \(241\)"),
    needs="h5py",
)
def lengths(scene: Scene) -> Iterator[Act]:
    import h5py

    path = write_h5py(scene.folder, scene.rows)
    with h5py.File(path, "a") as file:
        file["t"]["longer"] = np.ones(241)
    yield lambda: scene.fit(path)


@case(
    "HDF5 of h5py",
    "a virtual array whose file is gone",
    raises(SourceNotFoundError, r"'/t/x' of .*t\.h5.*gone\.h5"),
    needs="h5py",
)
def virtual(scene: Scene) -> Iterator[Act]:
    import h5py

    path = write_h5py(scene.folder, scene.rows)
    layout = h5py.VirtualLayout(shape=(240,), dtype=float)
    layout[:] = h5py.VirtualSource("gone.h5", "x", shape=(240,))
    with h5py.File(path, "a") as file:
        del file["t"]["x"]
        file["t"].create_virtual_dataset("x", layout)
    yield lambda: scene.fit(path)


@case(
    "HDF5 of h5py",
    "an array whose values are in another file, which is gone",
    raises(ParseError, r"t\.h5"),
    needs="h5py",
)
def external(scene: Scene) -> Iterator[Act]:
    import h5py

    path = write_h5py(scene.folder, scene.rows)
    with h5py.File(path, "a") as file:
        del file["t"]["x"]
        file["t"].create_dataset(
            "x", (240,), float, external=[(str(scene.folder / "gone.raw"), 0, 240 * 8)]
        )
    yield lambda: scene.fit(path)


@case(
    "HDF5 of h5py",
    "a link to an array of a file that is gone",
    raises(ColumnNotFoundError, r"'x'.*t\.h5"),
    needs="h5py",
)
def linked(scene: Scene) -> Iterator[Act]:
    import h5py

    path = write_h5py(scene.folder, scene.rows)
    with h5py.File(path, "a") as file:
        del file["t"]["x"]
        file["t"]["x"] = h5py.ExternalLink("gone.h5", "x")
    yield lambda: scene.fit(path)


@case(
    "HDF5 of h5py",
    "compressed in a way that nobody here knows",
    raises(MissingExtraError, r"t\.h5 is compressed"),
    needs="h5py",
)
def unknown_filter(scene: Scene) -> Iterator[Act]:
    import h5py

    path = scene.folder / "t.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("t", track_order=True)
        for name in scene.rows.columns:
            values = scene.rows[name].to_numpy()
            values = values.astype("S3") if name == "g" else values
            told = {"compression": 32_023, "allow_unknown_filter": True} if name == "x" else {}
            data = group.create_dataset(name, values.shape, values.dtype, chunks=(240,), **told)
            if name == "x":
                data.id.write_direct_chunk((0,), values.tobytes())
            else:
                data[:] = values
    yield lambda: scene.fit(path)


@case("HDF5 of h5py", "a chunk that was never written: HDF5 gives zeros", SAME, needs="h5py")
def unwritten(scene: Scene) -> Iterator[Act]:
    import h5py

    scene.rows.loc[60:, "x"] = 0.0
    path = write_h5py(scene.folder, scene.rows)
    with h5py.File(path, "a") as file:
        del file["t"]["x"]
        file["t"].create_dataset("x", (240,), float, chunks=(60,))[:60] = scene.rows["x"][:60]
    yield lambda: scene.fit(path)
