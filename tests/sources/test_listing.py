"""Which files a path, glob or directory means: each once, none lost, none of another version."""

from __future__ import annotations

import contextlib
import glob
import gzip
import io
import os
import shutil
import socket
import tempfile
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    RepeatedFileWarning,
    SourceAccessError,
    SourceError,
    SourceNotFoundError,
    SourcePermissionError,
    TableFormatError,
)
from statsmodels_ooc.sources.listing import Entry
from statsmodels_ooc.sources.remote import RemoteTree, entries_of_keys

NOBODY = 65534


def frame(seed: int, n: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"y": rng.normal(size=n), "x": rng.normal(size=n)})


def write(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame(seed).to_parquet(path)
    return path


def files_of(where) -> list[str]:
    return [file.path for file in smo.as_source(where).files]


@contextlib.contextmanager
def ordinary_user():
    """Without the right of root to read everything."""
    if not hasattr(os, "geteuid"):
        pytest.skip("modes of files mean nothing here")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public():
    """A folder that every user may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    write(folder / "d" / "a" / "1.parquet", 1)
    write(folder / "d" / "b" / "2.parquet", 2)
    yield folder
    for path in (folder / "d" / "b", folder / "d" / "b" / "2.parquet"):
        path.chmod(0o755)
    shutil.rmtree(folder)


# --- what cannot be listed --------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["d", "d/*", "d/*/*.parquet", "d/**/*.parquet", "d/**", "d/b"])
def test_a_folder_that_may_not_be_listed_is_refused(public, pattern):
    (public / "d" / "b").chmod(0)
    with ordinary_user(), pytest.raises(SourcePermissionError, match="permission denied") as caught:
        smo.as_source(str(public / pattern))
    assert str(public / "d" / "b") in str(caught.value)
    assert isinstance(caught.value, PermissionError)


def test_a_folder_that_may_not_be_listed_and_is_not_asked_for_does_no_harm(public):
    (public / "d" / "b").chmod(0)
    with ordinary_user():
        assert files_of(str(public / "d" / "a*" / "*.parquet")) == [
            str(public / "d" / "a" / "1.parquet")
        ]


@pytest.mark.parametrize("mode", [0o644, 0o711])
def test_a_file_in_a_folder_that_may_not_be_entered(public, mode):
    """Without the right to enter nobody can tell what is there, with it a name suffices."""
    (public / "d" / "b").chmod(mode)
    pattern = str(public / "d" / "*" / "2.parquet")
    with ordinary_user():
        if mode == 0o711:
            assert files_of(pattern) == [str(public / "d" / "b" / "2.parquet")]
            return
        with pytest.raises(SourcePermissionError, match=r"2\.parquet"):
            smo.as_source(pattern)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz", "feather"])
def test_a_file_that_may_not_be_read_is_called_so(public, suffix):
    path = public / "d" / f"t.{suffix}"
    if suffix == "parquet":
        frame(0).to_parquet(path)
    elif suffix == "feather":
        frame(0).to_feather(path)
    else:
        frame(0).to_csv(path, index=False)
    path.chmod(0)
    with ordinary_user(), pytest.raises(SourcePermissionError, match="permission denied") as caught:
        smo.as_source(path)
    assert str(path) in str(caught.value)


# --- what a table's log says is not there any more ---------------------------------------


def delta(folder: Path) -> Path:
    write(folder / "part-0.parquet")
    (folder / "_delta_log").mkdir()
    (folder / "_delta_log" / f"{0:020d}.json").write_text("{}")
    return folder


def iceberg(folder: Path) -> Path:
    write(folder / "data" / "part-0.parquet")
    (folder / "metadata").mkdir()
    for name in ("00002-a1.metadata.json", "00010-b2.metadata.json", "m0.avro"):
        (folder / "metadata" / name).write_text("{}")
    return folder


def hudi(folder: Path) -> Path:
    write(folder / "part-0.parquet")
    (folder / ".hoodie").mkdir()
    return folder


LINES = {
    delta: "smo.read_delta({0!r})",
    iceberg: "smo.read_iceberg({1!r})",
    hudi: "smo.as_source(iter(hudi.HudiTableBuilder.from_base_uri({0!r}).build().read()))",
}


@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize("pattern", ["t", "", "*", "**", "t/**/*.parquet", "?"])
def test_a_table_is_refused_with_the_line_that_reads_it(tmp_path, kind, pattern, monkeypatch):
    monkeypatch.setattr("statsmodels_ooc.sources.paths.find_spec", lambda name: None)
    folder = kind(tmp_path / "t")
    with pytest.raises(TableFormatError) as caught:
        smo.as_source(str(tmp_path / pattern))
    newest = str(folder / "metadata" / "00010-b2.metadata.json")
    assert LINES[kind].format(str(folder), newest) in str(caught.value)


@pytest.mark.parametrize("inside", ["year=2024", "year=2024/month=1", "year=2024/*.parquet"])
def test_a_part_of_a_delta_table_is_refused(tmp_path, inside):
    folder = delta(tmp_path / "t")
    write(folder / "year=2024" / "month=1" / "part-1.parquet")
    write(folder / "year=2024" / "part-2.parquet")
    with pytest.raises(TableFormatError, match="a Delta table"):
        smo.as_source(str(folder / inside))


@pytest.mark.parametrize("inside", ["data", "data/g=1", "data/*/*.parquet"])
def test_the_files_of_an_iceberg_table_are_refused(tmp_path, inside):
    folder = iceberg(tmp_path / "t")
    write(folder / "data" / "g=1" / "part-1.parquet")
    with pytest.raises(TableFormatError, match="an Iceberg table"):
        smo.as_source(str(folder / inside))


def test_files_of_a_table_that_are_named_one_by_one_are_read(tmp_path):
    """As `DeltaTable.file_uris` gives them."""
    folder = delta(tmp_path / "t")
    path = str(folder / "part-0.parquet")
    assert files_of([path]) == files_of(path) == [path]


def test_a_folder_of_another_kind_of_metadata_is_no_table(tmp_path):
    path = write(tmp_path / "a.parquet")
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "units.metadata.json").write_text("{}")
    assert files_of(tmp_path) == [str(path)]


@pytest.mark.parametrize("where", ["t", "", "t/*.parquet", "t/g=1"])
def test_a_table_behind_a_url_is_refused(memory, where):
    put(memory, "/top/t/part-0.parquet")
    put(memory, "/top/t/g=1/part-0.parquet")
    memory.pipe("/top/t/_delta_log/0.json", b"{}")
    with pytest.raises(TableFormatError, match=r"read_delta\('.*/top/t'\)"):
        smo.as_source(f"memory://top/{where}")


# --- a file counts once ------------------------------------------------------------------


def test_a_link_to_a_folder_does_not_double_its_rows(tmp_path):
    paths = [str(write(tmp_path / f"{year}" / "x.parquet", year)) for year in (2023, 2024)]
    (tmp_path / "00-latest").symlink_to("2024")
    for where in (tmp_path, tmp_path / "*", tmp_path / "*" / "*.parquet", tmp_path / "**" / "*"):
        with pytest.warns(RepeatedFileWarning, match="00-latest.*the same as .*2024") as caught:
            assert files_of(str(where)) == paths
        assert len(caught) == 1
        assert caught[0].filename == __file__


def test_links_in_a_circle_end(tmp_path):
    path = write(tmp_path / "d" / "a" / "x.parquet")
    (tmp_path / "d" / "a" / "up").symlink_to("..")
    (tmp_path / "d" / "self").symlink_to(".")
    (tmp_path / "d" / "b").mkdir()
    (tmp_path / "d" / "b" / "a").symlink_to("../a")
    for where in (tmp_path / "d", tmp_path / "d" / "**" / "*.parquet"):
        with pytest.warns(RepeatedFileWarning):
            assert files_of(str(where)) == [str(path)]


def test_the_fit_over_links_is_that_of_the_rows(tmp_path):
    write(tmp_path / "d" / "1.parquet", 1)
    write(tmp_path / "d" / "2.parquet", 2)
    (tmp_path / "d" / "0.parquet").symlink_to("2.parquet")
    os.link(tmp_path / "d" / "1.parquet", tmp_path / "d" / "3.parquet")
    with pytest.warns(RepeatedFileWarning, match="1 more"):
        res = smof.ols("y ~ x", str(tmp_path / "d")).fit()
    memory = smf.ols("y ~ x", pd.concat([frame(1), frame(2)])).fit()
    assert res.nobs == 40
    np.testing.assert_allclose(res.bse, memory.bse, rtol=1e-12)


def test_keys_come_from_the_folder_and_not_from_a_link_to_it(tmp_path):
    write(tmp_path / "year=2024" / "x.parquet")
    (tmp_path / "year=0").symlink_to("year=2024")
    with pytest.warns(RepeatedFileWarning):
        source = smo.as_source(tmp_path)
    assert source.head()["year"].unique().tolist() == [2024]


@pytest.mark.parametrize("pattern", ["", "g=*", "g=*/*.parquet", "**/*.parquet", None])
def test_hard_links_under_other_keys_are_other_rows(tmp_path, pattern):
    path = write(tmp_path / "g=a" / "x.parquet")
    other = tmp_path / "g=b" / "y.parquet"
    other.parent.mkdir()
    os.link(path, other)
    source = smo.as_source([path, other] if pattern is None else tmp_path / pattern)
    rows = pd.concat(source.frames(), ignore_index=True)
    assert rows["g"].tolist() == ["a"] * 20 + ["b"] * 20
    assert rows["y"].tolist() == [*frame(0)["y"], *frame(0)["y"]]
    os.link(path, tmp_path / "g=a" / "z.parquet")
    with pytest.warns(RepeatedFileWarning, match="z.parquet is the same as .*x.parquet"):
        assert smo.as_source(tmp_path).rows == 40


def test_a_list_that_names_a_file_twice(tmp_path):
    path = write(tmp_path / "x.parquet")
    with pytest.warns(RepeatedFileWarning, match=r"x\.parquet is named twice"):
        assert files_of([path, path]) == [str(path)]
    with pytest.warns(RepeatedFileWarning, match=r"x\.parquet is named twice"):
        assert files_of([tmp_path, path]) == [str(path)]


def test_a_link_to_one_file_or_folder_is_followed_without_a_word(tmp_path):
    write(tmp_path / "there" / "x.parquet")
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "link.parquet").symlink_to("there/x.parquet")
    for where in ("link", "link.parquet", "link/*.parquet", "there/../link"):
        assert smo.as_source(str(tmp_path / where)).rows == 20


# --- what is no file ---------------------------------------------------------------------


def pipe(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as open_socket:
            open_socket.bind(path.name)
    finally:
        os.chdir(here)


def device(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no special files")
@pytest.mark.parametrize("make", [pipe, unix_socket, device])
@pytest.mark.parametrize("where", ["x.parquet", "", "*.parquet"])
def test_only_files_are_read(tmp_path, make, where):
    write(tmp_path / "a.parquet")
    make(tmp_path / "x.parquet")
    what = make.__name__.removeprefix("unix_")
    with pytest.raises(SourceError, match=rf"x\.parquet is a {what}, not a file"):
        smo.as_source(str(tmp_path / where))


@pytest.mark.parametrize("name", ["x.parquet", "2023"])
@pytest.mark.parametrize("where", ["{}", "", "*", "**", "{}/*.parquet", "*/x.parquet"])
def test_a_link_that_leads_nowhere_is_an_error(tmp_path, name, where):
    write(tmp_path / "2024" / "x.parquet")
    (tmp_path / name).symlink_to("gone")
    with pytest.raises(SourceNotFoundError, match="is a link to gone, which is not there"):
        smo.as_source(str(tmp_path / where.format(name)))


def test_a_link_to_itself_is_an_error(tmp_path):
    write(tmp_path / "a.parquet")
    (tmp_path / "x.parquet").symlink_to("x.parquet")
    for where in ("", "x.parquet"):
        with pytest.raises(SourceError, match=r"x\.parquet"):
            smo.as_source(str(tmp_path / where))


def test_leftovers_and_logs_are_passed_over(tmp_path):
    path = write(tmp_path / "a.parquet")
    write(tmp_path / "_temporary" / "0.parquet")
    write(tmp_path / ".ipynb_checkpoints" / "a.parquet")
    (tmp_path / ".lock").symlink_to("gone")
    assert files_of(tmp_path) == [str(path)]


# --- globs mean what they mean to glob ----------------------------------------------------

PATTERNS = [
    "*.parquet", "*/*.parquet", "**/*.parquet", "**", "a*/**/*.parquet", "[ab]/?.parquet", "*/c/*",
    "**/c/**", ".h/*.parquet", ".*/*.parquet", "a/../b/*.parquet", "*",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_glob_finds_what_glob_finds(tmp_path, pattern):
    for seed, name in enumerate(
        ["1.parquet", "a/1.parquet", "a/c/2.parquet", "b/1.parquet", "b/c/d/3.parquet",
         ".h/4.parquet", "a/.5.parquet"]
    ):  # fmt: skip
        write(tmp_path / name, seed)
    there = [Path(path) for path in glob.glob(str(tmp_path / pattern), recursive=True)]
    found = {path.resolve() for path in there if path.is_file()}
    if not pattern.endswith("**"):
        below = [path for folder in there if folder.is_dir() for path in folder.rglob("*.parquet")]
        found |= {path.resolve() for path in below if not path.name.startswith(".")}
    assert {Path(file) for file in files_of(str(tmp_path / pattern))} == found


# --- URLs --------------------------------------------------------------------------------


@pytest.fixture
def memory():
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
    yield filesystem
    filesystem.store.clear()


def put(filesystem, path: str, seed: int = 0) -> None:
    filesystem.pipe(path, frame(seed).to_parquet())


@pytest.mark.parametrize("where", ["d", "d/*", "d/*/*.parquet", "d/**/*.parquet"])
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (PermissionError("403"), SourcePermissionError),
        (OSError("the line is dead"), SourceAccessError),
        (RuntimeError("a client's own error"), SourceAccessError),
    ],
)
def test_a_folder_behind_a_url_that_cannot_be_listed_is_refused(
    memory, monkeypatch, where, error, raised
):
    put(memory, "/d/a/1.parquet")
    put(memory, "/d/secret/2.parquet")
    listed = MemoryFileSystem.ls

    def ls(self, path, detail=True, **kwargs):
        if "secret" in path:
            raise error
        return listed(self, path, detail=detail, **kwargs)

    monkeypatch.setattr(MemoryFileSystem, "ls", ls)
    with pytest.raises(raised, match="secret"):
        smo.as_source(f"memory://{where}")


WRITERS = {
    "csv": lambda table: table.to_csv(index=False).encode(),
    "csv.gz": lambda table: gzip.compress(table.to_csv(index=False).encode()),
    "parquet": pd.DataFrame.to_parquet,
    "feather": lambda table: as_feather(table),
}


def as_feather(table):
    sink = io.BytesIO()
    table.to_feather(sink)
    return sink.getvalue()


class Wire(io.BytesIO):
    """A file that comes in pieces, or not at all."""

    lost: Exception | None = None

    def read(self, size=-1):
        if Wire.lost is not None:
            raise Wire.lost
        return super().read(min(size, 3) if size >= 0 else size)


@pytest.fixture
def wire(memory, monkeypatch):
    opened = MemoryFileSystem._open

    def through_wire(self, path, mode="rb", **kwargs):
        found = opened(self, path, mode, **kwargs)
        return Wire(found.getvalue()) if "r" in mode else found

    monkeypatch.setattr(MemoryFileSystem, "_open", through_wire)
    monkeypatch.setattr(MemoryFileSystem, "cat_file", AbstractFileSystem.cat_file)  # opens it
    monkeypatch.setattr(Wire, "lost", None)
    return memory


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize(
    "error", [ConnectionResetError(104, "Connection reset by peer"), ArithmeticError("incomplete")]
)
def test_a_line_that_is_lost_while_reading_is_named(wire, monkeypatch, suffix, error):
    wire.pipe(f"/x.{suffix}", WRITERS[suffix](frame(1)))
    source = smo.as_source(f"memory://x.{suffix}")
    source.look_at(source.columns)
    monkeypatch.setattr(Wire, "lost", error)
    words = rf"memory://x\.{suffix} cannot be read: .*{error.args[-1]}[\s\S]*network"
    with pytest.raises(SourceAccessError, match=words):
        list(source.frames())


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_that_comes_in_pieces_is_read_to_its_end(wire, suffix):
    wire.pipe(f"/x.{suffix}", WRITERS[suffix](frame(1)))
    found = pd.concat(smo.as_source(f"memory://x.{suffix}").frames(), ignore_index=True)
    pd.testing.assert_frame_equal(found, frame(1))


def test_globs_and_folders_behind_urls(memory):
    for number, name in enumerate(["d/g=2/x", "d/g=10/x", "d/g=2/_x", "d/_log/x", "y"]):
        put(memory, f"/{name}.parquet", number)
    keyed = ["memory:///d/g=2/x.parquet", "memory:///d/g=10/x.parquet"]
    assert files_of("memory://d/*=*/x.parquet") == keyed
    assert files_of("memory://d/g=*") == files_of("memory://d") == keyed
    assert files_of("memory://d/_*/x.parquet") == ["memory:///d/_log/x.parquet"]
    assert files_of("memory://y.parquet") == ["memory://y.parquet"]
    with pytest.raises(SourceNotFoundError, match="there is no file"):
        smo.as_source("memory://z.parquet")


def test_keys_of_a_store_make_the_folders_that_it_does_not_have(memory):
    for name in ("d/a/1.parquet", "d/a/b/2.parquet", "d/3.parquet"):
        put(memory, f"/{name}")
    asked = RemoteTree(memory, "memory://")
    implied = entries_of_keys("/d", dict.fromkeys(memory.find("/d"), 1))
    assert set(implied) == {"/d", "/d/a", "/d/a/b"}
    for folder, entries in implied.items():
        assert sorted(entries, key=str) == sorted(asked.entries(folder), key=str)


@pytest.mark.parametrize("mark", ["b/d/y=1", "b/d/y=1/"])
@pytest.mark.parametrize("first", [True, False])
def test_the_mark_that_a_client_leaves_of_a_folder_hides_nothing_in_it(mark, first):
    keys = [mark, "b/d/y=1/p"] if first else ["b/d/y=1/p", mark]
    found = entries_of_keys("b/d", {key: 5 if key.endswith("p") else 0 for key in keys})
    assert found == {"b/d": [Entry("y=1", "folder")], "b/d/y=1": [Entry("p", "file")]}


def test_a_key_with_bytes_of_its_own_is_a_file_whatever_lies_below_it():
    found = entries_of_keys("b", {"b/x": 7, "b/x/1": 0, "b/x/2": 3})
    assert found["b"] == [Entry("x", "file"), Entry("x", "folder")]
    assert found["b/x"] == [Entry("1", "file"), Entry("2", "file")]


def test_marks_of_folders_in_a_store(memory, monkeypatch):
    monkeypatch.setattr("statsmodels_ooc.sources.remote._FLAT", {"memory"})
    put(memory, "/d/g=1/x.parquet")
    monkeypatch.setattr(
        MemoryFileSystem,
        "find",
        lambda self, path, detail: {
            "/d/g=1": {"name": "/d/g=1", "type": "directory", "size": 0},
            "/d/g=1/x.parquet": {"name": "/d/g=1/x.parquet", "type": "file", "size": 9},
        },
    )
    assert smo.as_source("memory://d").head()["g"].unique().tolist() == [1]


def test_digits_that_are_no_numbers_are_letters_of_a_name(tmp_path):
    for name in ("1²2", "1²10", "٣"):
        write(tmp_path / f"{name}.parquet")
    found = [Path(path).stem for path in files_of(tmp_path)]
    assert found == ["1²2", "1²10", "٣"]
