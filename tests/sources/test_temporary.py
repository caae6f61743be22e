"""Temporary copies: what is left of them, and what is said where they cannot be written."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path

import dask
import pandas as pd
import polars
import pytest

import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import SpoolError
from statsmodels_ooc.sources import temporary
from statsmodels_ooc.sources.coerce import as_source

WRITES = """
    import itertools, time
    import pandas as pd
    from statsmodels_ooc.sources.iterables import from_iterable
    frame = pd.DataFrame({"y": [1.0, 2.0]})
"""
HOLDS = (
    WRITES
    + """
    source = from_iterable(iter([frame]))
    print("ready", flush=True)
    while True:  # a signal that comes just before a sleep is heard after it
        time.sleep(0.1)
"""
)
STREAMS = (
    WRITES
    + """
    def frames():
        for number in itertools.count():
            yield frame.assign(**{f"{number // 50}": 1.0})[["y"]]
            if number == 50:
                print("ready", flush=True)
    from_iterable(frames())
"""
)


FORKS = """
    import os, signal, time
    from statsmodels_ooc.sources.temporary import TemporaryFolder
    folder = TemporaryFolder()
    child = os.fork()
    if child == 0:
        own = TemporaryFolder()
        os.kill(os.getpid(), signal.SIGTERM)
    assert os.waitpid(child, 0)[1] == signal.SIGTERM
    assert os.listdir(os.path.dirname(folder.path)) == [os.path.basename(folder.path)]
    print("ready", flush=True)
    while True:
        time.sleep(0.1)
"""


@contextmanager
def child(script, place):
    """A process that has said that it is ready; it does not outlive the test."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def ended(script, place, number):
    with child(script, place) as process:
        process.send_signal(number)
        return process.wait(timeout=60)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    "script", [HOLDS, STREAMS, FORKS], ids=["at rest", "while writing", "after a fork that ended"]
)
def test_sigterm_leaves_nothing_but_what_others_have_and_ends_the_process(script, tmp_path):
    assert ended(script, tmp_path, signal.SIGTERM) == -signal.SIGTERM
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_the_next_process_removes_what_a_killed_one_left_and_nothing_else(tmp_path):
    with child(HOLDS, tmp_path) as alive:
        before = set(os.listdir(tmp_path))
        assert ended(HOLDS, tmp_path, signal.SIGKILL) == -signal.SIGKILL
        assert len(set(os.listdir(tmp_path)) - before) == 1
        (tmp_path / "statsmodels-ooc-of-an-older-version").mkdir()
        with dask.config.set({"temporary-directory": str(tmp_path)}):
            mine = temporary.TemporaryFolder()
        left = set(os.listdir(tmp_path)) - {os.path.basename(mine.path)}
        assert left == before | {"statsmodels-ooc-of-an-older-version"}
        alive.terminate()
        alive.wait(timeout=60)
    mine.remove()
    assert os.listdir(tmp_path) == ["statsmodels-ooc-of-an-older-version"]


def test_a_handler_of_somebody_else_stays(tmp_path):
    def mine(number, frame):
        raise AssertionError("not called")

    before = signal.signal(signal.SIGTERM, mine)
    try:
        temporary.TemporaryFolder().remove()
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def data(kind, folder):
    table = pd.DataFrame({"y": range(3000), "x": [i % 7 / 3 for i in range(3000)]})
    if kind == "iterator":
        return iter([table] * 9)
    if kind == "CSV":
        table.to_csv(folder / "t.csv", index=False)
        return str(folder / "t.csv")
    return polars.from_pandas(table).lazy()


KINDS = ["iterator", "CSV", "LazyFrame"]


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_is_named_and_left_clean(kind, tmp_path):
    import resource

    what = data(kind, tmp_path)
    place = tmp_path / "spool"
    place.mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with dask.config.set({"temporary-directory": str(place)}):
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
        try:
            with pytest.raises(SpoolError, match=r"no temporary copy[\s\S]*bytes are free"):
                smof.ols("y ~ x", what).fit()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(place) == []


def test_an_error_of_the_data_stays_what_it_is():
    def frames():
        yield pd.DataFrame({"y": [1.0]})
        raise BrokenPipeError("of the data")

    with pytest.raises(BrokenPipeError, match="of the data"):
        as_source(frames())


def test_a_folder_goes_although_another_thread_still_writes_into_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder, rmtree, late = temporary.TemporaryFolder(), shutil.rmtree, [3]

    def interrupted(path, **options):
        """As where a file comes while a folder is being emptied."""
        rmtree(path, **options)
        if late[0]:
            late[0] -= 1
            os.mkdir(path)
            (Path(path) / "part-1.arrow").write_bytes(b"late")

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    folder.remove()
    assert late == [0]
    assert os.listdir(tmp_path) == []
