"""Files of results that are damaged, or made to do harm: a named error, and nothing is run."""

from __future__ import annotations

import errno
import io
import json
import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from saving.zips import members, written

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import SavedResultError
from statsmodels_ooc.saving.known import found
from statsmodels_ooc.sources.seam import watched


def test_cut_off_anywhere(saved):
    whole = saved.read_bytes()
    for at in np.linspace(0, len(whole) - 1, 60).astype(int):
        saved.write_bytes(whole[:at])
        with pytest.raises(SavedResultError, match=r"damaged|empty|no file of smo\.save"):
            smo.load(saved)


def test_a_byte_that_flipped(saved, results):
    whole = bytearray(saved.read_bytes())
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 150):
        changed = whole.copy()
        changed[at] ^= 1 << int(rng.integers(0, 8))
        saved.write_bytes(changed)
        try:
            loaded = smo.load(saved)
        except SavedResultError:
            continue
        # What no checksum covers, such as a time of day in the directory of the zip.
        np.testing.assert_array_equal(loaded.params, results.params)
        np.testing.assert_array_equal(loaded.bse, results.bse)


def test_an_empty_file_a_folder_and_no_file(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    told = {"empty": "is empty", "none": "there is no file", "": "is a folder"}
    for name, message in told.items():
        with pytest.raises(SavedResultError, match=message):
            smo.load(tmp_path / name)


def test_a_zip_that_is_cut_off_is_told_from_a_strangers(saved, tmp_path):
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(SavedResultError, match=r"is damaged: it is cut off after [\d,]+ bytes"):
        smo.load(saved)
    other = written(tmp_path / "other.zip", {"a.csv": b"y,x"})
    other.write_bytes(other.read_bytes()[:-10])
    with pytest.raises(SavedResultError, match=r"a zip file that is cut off, and not of smo\.save"):
        smo.load(other)


def test_another_zip_and_another_format(saved, tmp_path):
    packed = {"a.txt": b"b" * 1000}
    with pytest.raises(SavedResultError, match=r"of no results that smo\.save wrote"):
        smo.load(written(tmp_path / "other.zip", packed, zipfile.ZIP_DEFLATED))
    with pytest.raises(SavedResultError, match="of no results"):
        smo.load(written(tmp_path / "other.zip", {"about.json": b'{"kind": "recipes"}'}))
    contents = members(saved)
    about = json.loads(contents["about.json"])
    newer = {**contents, "about.json": json.dumps({**about, "format": 2, "version": "9.1"})}
    with pytest.raises(SavedResultError, match=r"format 2, and this version reads 1\n.* 9\.1"):
        smo.load(written(saved, newer))


def test_a_file_that_grows_when_it_is_read_is_refused(saved):
    contents = members(saved)
    contents["results.json"] = b" " * 50_000_000 + contents["results.json"]
    written(saved, contents, zipfile.ZIP_DEFLATED)
    assert saved.stat().st_size < 10**6
    with pytest.raises(SavedResultError, match=r"larger together than it is"):
        smo.load(saved)


def header(shape, descr="<f8"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        header((10**12,)),
        header((2**62, 4)),
        header((-1, 8), "<f8") + bytes(64),
        header((2,)) + bytes(15),
        header((2,)) + bytes(17),
        header((2,), "|O") + bytes(16),
        header((2, 0, 10**18)) + bytes(8),
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x09\x00v\x00{}",
        b"PK",
        b"",
    ],
)
def test_headers_that_promise_what_is_not_there_take_no_memory(saved, content):
    contents = members(saved)
    name = next(name for name in contents if name.endswith(".npy"))
    written(saved, {**contents, name: content})
    tracemalloc.start()
    try:
        with pytest.raises(SavedResultError, match="damaged"):
            smo.load(saved)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


HARMFUL = [
    "os:system",
    "posix:system",
    "builtins:eval",
    "builtins:exec",
    "subprocess:Popen",
    "importlib:import_module",
    "numpy:load",
    "numpy:fromfile",
    "pandas:read_pickle",
    "statsmodels_ooc._patsy.pickling:_made",
    "statsmodels_ooc.sources.temporary:TemporaryFolder",
    "statsmodels_ooc.sources.sql:read_sql",
    "statsmodels_ooc.engine.streamed:run_pass",
    "statsmodels_ooc.results.linear:np",
    "statsmodels_ooc.models.linear:OLS.fit",
    "statsmodels_ooc.nothing:Here",
    "statsmodels_ooc.results.nothing:Here",
    "numpy",
    "",
    ":",
    "statsmodels_ooc.results.linear:__builtins__",
]


@pytest.mark.parametrize("name", HARMFUL)
def test_what_is_not_on_the_list_is_not_called(saved, name, tmp_path):
    touched = tmp_path / "touched"
    tree = {"type": "call", "id": 0, "name": name, "args": [f"touch {touched}"]}
    written(saved, {**members(saved), "results.json": json.dumps(tree)})
    with pytest.raises(SavedResultError):
        smo.load(saved)
    assert not touched.exists()


def test_names_that_are_listed_are_what_the_list_means():
    assert found("numpy") is np
    assert found("numpy:log") is np.log
    for name in ("sys", "os", "numpy:os", "numpy:linalg", "statsmodels_ooc.results.linear:lm"):
        with pytest.raises(SavedResultError, match="nothing that saved results are made of"):
            found(name)


TREES = [
    "null",
    "[]",
    "3",
    '"text"',
    "{}",
    '{"type": "again", "of": 7}',
    '{"type": "objects", "id": 0, "shape": [1000000000000], "items": []}',
    '{"type": "scalar", "id": 0, "dtype": "|O", "bytes": "00"}',
    '{"type": "scalar", "id": 0, "dtype": "<f8", "bytes": "00"}',
    '{"type": "array", "id": 0, "file": "../../etc/passwd"}',
    '{"type": "array", "id": 0, "file": "results.json"}',
    '{"type": "strange", "id": 0}',
    '{"type": "new", "id": 0, "name": "statsmodels_ooc.results.linear:OLSResults", "args": [1]}',
    '{"type": "new", "id": 0, "name": "numpy:log", "args": []}',
    '{"type": "dict", "id": 0, "items": [[{"type": "list", "id": 1, "items": []}, 1]]}',
    "[" * 100_000,
    '{"type": "list", "id": 0, "items": [' * 3_000 + "]}" * 3_000,
    "{",
    "\xff",
    "1" * 10_000,
]


@pytest.mark.parametrize("tree", TREES, ids=range(len(TREES)))
def test_trees_that_are_none(saved, tree):
    written(saved, {**members(saved), "results.json": tree.encode("latin-1")})
    with pytest.raises(SavedResultError):
        smo.load(saved)


class Failing:
    """Lets the n-th call fail, once or from then on."""

    def __init__(self, at, code, stays):
        self.at, self.code, self.stays, self.seen = at, code, stays, 0

    def touch(self, operation, place):
        self.seen += 1
        if self.seen == self.at or (self.stays and self.seen > self.at):
            raise OSError(self.code, os.strerror(self.code), place)

    def granted(self, place, size):
        return size


def outcome(results, path):
    """The error of saving and loading; empty where there is none."""
    try:
        smo.save(results, path)
        smo.load(path)
    except SavedResultError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_every_call_of_saving_and_loading_may_fail(saved, results, code, stays):
    before, at = saved.read_bytes(), 0
    failed = True
    while failed:
        at += 1
        watcher = Failing(at, code, stays)
        with watched(watcher):
            told = outcome(results, saved)
        assert os.strerror(code) in told or watcher.seen < at
        failed = watcher.seen >= at
        assert saved.read_bytes() == before
        assert [path.name for path in saved.parent.iterdir()] == ["fit.zip"]
    assert at == 6  # open, write, sync, rename, read; and a run without a fault
