"""Datasets of pyarrow: files that change while they are read, and what tells of it."""

from __future__ import annotations

import io
import os

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import FSSpecHandler, PyFileSystem

import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import ParseError, SourceChangedError
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.identity import parts_of, tells_changes


def write(folder, name, slope, kind="parquet"):
    x = np.arange(50.0)
    table = pd.DataFrame({"x": x, "y": slope * x})
    if kind == "csv":
        table.to_csv(folder / name, index=False)
    else:
        getattr(table, f"to_{kind}")(folder / name)
    os.utime(folder / name, ns=(slope, slope))  # of another time, however coarse clocks are


@pytest.mark.parametrize("kind", ["parquet", "feather", "csv"])
def test_a_file_that_changes_within_a_pass_is_refused(kind, tmp_path):
    for name in ("a", "b"):
        write(tmp_path, name, 1, kind)
    frames = as_source(pads.dataset(tmp_path, format=kind)).frames()
    next(frames)
    write(tmp_path, "b", 2, kind)
    with pytest.raises(SourceChangedError, match=r"/b changed after the source was opened"):
        list(frames)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    write(tmp_path, "a", 1)
    (partition,) = as_source(pads.dataset(tmp_path)).partitions
    frames = partition.frames(["x"], 10)
    next(frames)
    write(tmp_path, "a", 2)
    with pytest.raises(SourceChangedError, match="changed"):
        list(frames)


def test_a_file_that_is_removed_has_changed(tmp_path):
    write(tmp_path, "a", 1)
    source = as_source(pads.dataset(tmp_path))
    assert smof.ols("y ~ x", source).fit().params["x"] == pytest.approx(1)
    os.remove(tmp_path / "a")
    with pytest.raises(SourceChangedError):
        list(source.frames())


@pytest.mark.parametrize(("kind", "tells"), [("parquet", True), ("feather", True), ("csv", False)])
def test_versions_tell_changes_of_files_that_say_what_they_are(kind, tells, tmp_path):
    write(tmp_path, "a", 1, kind)
    before = as_source(pads.dataset(tmp_path, format=kind))
    assert tells_changes(before) == tells
    again = as_source(pads.dataset(tmp_path, format=kind))
    assert parts_of(again) == parts_of(before)
    write(tmp_path, "a", 2, kind)
    after = as_source(pads.dataset(tmp_path, format=kind))
    assert (parts_of(after) != parts_of(before)) == tells


def test_versions_tell_of_other_types(tmp_path):
    write(tmp_path, "a", 1)
    schema = pa.schema([("x", pa.float32()), ("y", pa.float64())])
    found = [as_source(pads.dataset(tmp_path, schema=one)) for one in (None, schema)]
    assert parts_of(found[0]) != parts_of(found[1])


def test_files_of_which_nothing_tells_are_read():
    system = fsspec.filesystem("memory")
    raw = io.BytesIO()
    pq.write_table(pa.table({"x": [1.0]}), raw)
    system.pipe("/nothing-tells/a.parquet", raw.getvalue())
    dataset = pads.dataset(
        "/nothing-tells", filesystem=PyFileSystem(FSSpecHandler(system)), format="parquet"
    )
    assert as_source(dataset).head()["x"].tolist() == [1.0]
    fragment = pads.ParquetFileFormat().make_fragment(pa.py_buffer(raw.getvalue()))
    dataset = pads.FileSystemDataset([fragment], fragment.physical_schema, fragment.format)
    assert as_source(dataset).head()["x"].tolist() == [1.0]


def test_levels_that_cannot_be_read_are_named(tmp_path):
    words = pd.DataFrame({"g": pd.Categorical([None], categories=["a"])})
    words.to_parquet(tmp_path / "a")
    pd.DataFrame({"g": [1.5]}).to_parquet(tmp_path / "b")
    with pytest.raises(ParseError, match="'g'"):
        _ = as_source(pads.dataset(tmp_path)).dtypes["g"]
