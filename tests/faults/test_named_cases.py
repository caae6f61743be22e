"""Whatever goes wrong by name ends as the table of the docs says, and leaves nothing."""

from __future__ import annotations

import gc
import os
import re
import signal
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pytest
import statsmodels.formula.api as smf
from faults.all_cases import CASES
from faults.case import Act, Case, Named, Same, Scene
from faults.harness import open_files, settled
from object_store import Store, object_store
from sources.postgresql import URL, WHY, sessions
from tolerances import SOLVED

from statsmodels_ooc.errors import OutOfCoreError

LONGEST = 60  # seconds of a case: more is a run that hangs
RUNS = [(case, at) for case in CASES for at in case.variants]
POOLS = (  # threads that stay, and wait for more to do
    "ThreadPoolExecutor",
    "Dask-",
    "asyncio",
    "fsspecIO",
    "statsmodels-ooc-fetch",
    "tqdm_monitor",
    "zarr_io",
)


def name(case: Case, at: Any) -> str:
    return f"{case.source}: {case.happens}" + ("" if at is None else f" [{at}]")


class Hangs(BaseException):
    """A run that does not end; nobody takes it for an error of the data."""


@pytest.fixture
def scene(tmp_path, monkeypatch) -> Scene:
    for folder in ("files", "temporary"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("statsmodels_ooc.engine.rereading._FIRST_WAIT", 1e-4)
    monkeypatch.setattr("statsmodels_ooc.engine.rereading._LONGEST_WAIT", 1e-3)
    return Scene(tmp_path / "files", tmp_path / "temporary")


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with object_store() as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr("s3fs.S3FileSystem.retries", 1)  # beside those of this package
        yield found


@pytest.mark.parametrize(("case", "at"), RUNS, ids=[name(*run) for run in RUNS])
def test_it_ends_as_the_table_says_and_leaves_nothing(case, at, scene, request):
    for library in case.needs:
        pytest.importorskip(library)
    if case.server == "PostgreSQL" and not URL:
        pytest.skip(WHY)
    if case.server == "S3":
        scene.store = request.getfixturevalue("store")
        scene.store.rules.reset()
    scene.at = at
    with nothing_left(scene, case.server == "PostgreSQL"), time_limit():
        play_out(case, scene)


def play_out(case: Case, scene: Scene) -> None:
    with closing(case.play(scene)) as play:
        ends_as(case.wanted, next(play), scene)
        assert next(play, None) is None, "a case does one thing"


def ends_as(wanted: Named | Same, act: Act, scene: Scene) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if isinstance(wanted, Named):
            with pytest.raises(wanted.error) as found:
                act()
            assert type(found.value) is wanted.error, repr(found.value)
            said = str(found.value)
            assert re.search(wanted.message, said), said
            if isinstance(found.value, OutOfCoreError):
                assert "\nHint: " in said, f"nothing says what to do: {said}"
            forget(found.value)
            del found
        else:
            same(act(), scene)
    told = [one for one in caught if one.category is not ResourceWarning]
    if isinstance(wanted, Same) and wanted.warning is not None:
        assert [one.category for one in told] == [wanted.warning], told
        assert re.search(wanted.message, str(told[0].message)), told[0].message
    else:
        assert not told, [str(one.message) for one in told]


def same(found: Any, scene: Scene) -> None:
    """Hold a fit against that of statsmodels; what is no fit has been compared."""
    if found is True:
        return
    expected = smf.ols(scene.formula, scene.rows).fit()
    assert found.nobs == expected.nobs
    for one in ("params", "bse", "llf"):
        mine, theirs = (np.asarray(getattr(res, one)) for res in (found, expected))
        np.testing.assert_allclose(mine, theirs, rtol=SOLVED, atol=0)


def forget(error: BaseException | None) -> None:
    """Let go of what a traceback holds, which a notebook would keep."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__


@contextmanager
def nothing_left(scene: Scene, server: bool) -> Iterator[None]:
    """Hold that nothing is open, written or running that was not before."""
    gc.collect()
    gc.freeze()  # what was there before is not looked through again
    files, threads = open_files(), set(threading.enumerate())
    connected = sessions() if server else 0
    yield
    gc.collect()
    assert settled(lambda: open_files() <= files), open_files() - files
    assert settled(lambda: os.listdir(scene.temporary) == []), os.listdir(scene.temporary)
    assert settled(lambda: not server or sessions() <= connected)
    assert settled(lambda: not new_threads(threads)), new_threads(threads)


def new_threads(known: set[threading.Thread]) -> list[str]:
    """Those that are no pool's, which stay, nor the server's of a test."""
    names = [one.name for one in set(threading.enumerate()) - known]
    return [one for one in names if not one.startswith(POOLS) and "process_request" not in one]


@contextmanager
def time_limit() -> Iterator[None]:
    """End a run that hangs, in the main thread."""

    def hangs(number: int, frame: Any) -> None:
        raise Hangs(f"no end after {LONGEST} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_there_are_many_and_each_has_a_line_of_its_own():
    told = [(case.source, case.happens) for case in CASES]
    assert len(set(told)) == len(told) >= 60
    cut = [case for case in CASES if len(case.variants) == 30]
    assert len({case.source for case in cut}) >= 5
