"""The machine: full disks, limits, permissions, interruptions, workers that are killed."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from faults.case import SAME, Act, Scene, case, raises
from faults.files import csv, feather, many_parquet, parquet
from faults.harness import NthCallFails
from patsy import PatsyError

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    ClusterError,
    DesignError,
    MemoryLimitError,
    SourceAccessError,
    SourceChangedError,
    SourcePermissionError,
    SpoolError,
    WriteError,
)
from statsmodels_ooc.sources.seam import watched

TEMPORARY = "temporary copies"
NOBODY = 65_534


def slow(scene: Scene, kind: str) -> Any:
    """Data of which a temporary copy is made."""
    if kind == "iterator":
        return iter([scene.rows[:120], scene.rows[120:]])
    if kind == "LazyFrame":
        return pytest.importorskip("polars").from_pandas(scene.rows).lazy()
    return csv(scene.folder, scene.rows)


SLOW = ("CSV", "iterator", "LazyFrame")


@contextmanager
def temporary(place: str) -> Iterator[None]:
    import dask

    with dask.config.set({"temporary-directory": place}):
        yield


@case(TEMPORARY, "their folder is not there", raises(SpoolError, r"(?s)nowhere.*TMPDIR"), SLOW)
def nowhere(scene: Scene) -> Iterator[Act]:
    data = slow(scene, scene.at)
    with temporary(str(scene.folder / "nowhere")):
        yield lambda: scene.fit(data)


@case(
    TEMPORARY, "nobody may write into their folder", raises(SpoolError, r"(?s)/proc.*TMPDIR"), SLOW
)
def read_only(scene: Scene) -> Iterator[Act]:
    data = slow(scene, scene.at)
    with temporary("/proc"):
        yield lambda: scene.fit(data)


@case(
    TEMPORARY,
    "their disk is full",
    raises(SpoolError, r"(?s)No space left.*bytes are free"),
    ("CSV", "iterator"),
)
def full(scene: Scene) -> Iterator[Act]:
    data = slow(scene, scene.at)
    with watched(NthCallFails(1, "ENOSPC", from_then_on=True, where=".arrow")):
        yield lambda: scene.fit(data)


@case(TEMPORARY, "somebody removes them between passes", raises(SourceChangedError, r"temporary"))
def swept(scene: Scene) -> Iterator[Act]:
    res = scene.fit(csv(scene.folder, scene.rows))
    for path in scene.temporary.iterdir():
        shutil.rmtree(path)
    yield lambda: res.HC0_se


@case("rows that are written", "the disk is full", raises(WriteError, r"rows\.parquet"))
def rows_full(scene: Scene) -> Iterator[Act]:
    res = scene.fit(parquet(scene.folder, scene.rows))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        yield lambda: res.write_rows(scene.folder / "rows.parquet", "resid")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not (scene.folder / "rows.parquet").exists()


@case(
    "open files",
    "there are as many as the system allows",
    raises(SourceAccessError, r"(?s)\.(parquet|csv|feather).*Too many open files"),
    ("parquet", "csv", "feather"),
)
def open_files(scene: Scene) -> Iterator[Act]:
    write = {"parquet": parquet, "csv": csv, "feather": feather}[scene.at]
    scene.fit(write(scene.folder, scene.rows))  # what is loaded once
    before, held = resource.getrlimit(resource.RLIMIT_NOFILE), []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        source = smo.as_source(write(scene.folder, scene.rows))
        source.look_at(source.columns)
        with smo.options.set(cache=False):
            while True:
                try:
                    held.append(os.open(os.devnull, os.O_RDONLY))
                except OSError:
                    break
            yield lambda: scene.fit(source)
    finally:
        for handle in held:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Without the right of root to read everything."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@case(
    "permissions",
    "a file may not be read",
    raises(SourcePermissionError, r"permission denied: .*/t\.\w+"),
    ("parquet", "csv", "feather"),
)
def no_right(scene: Scene) -> Iterator[Act]:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # that of pytest may not be entered
    folder.chmod(0o755)
    try:
        write = {"parquet": parquet, "csv": csv, "feather": feather}[scene.at]
        path = write(folder, scene.rows)
        path.chmod(0)
        with ordinary_user():
            yield lambda: scene.fit(path)
    finally:
        shutil.rmtree(folder)


@case(
    "permissions",
    "a folder below may not be listed",
    raises(SourcePermissionError, r"permission denied: .*many"),
)
def no_list(scene: Scene) -> Iterator[Act]:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    path = many_parquet(folder, scene.rows)
    path.chmod(0)
    try:
        with ordinary_user():
            yield lambda: scene.fit(str(folder / "*" / "*.parquet"))
    finally:
        path.chmod(0o755)
        shutil.rmtree(folder)


@case(
    "memory",
    "a design that is wider than memory_limit",
    raises(MemoryLimitError, r"(?s)memory_limit"),
)
def wide(scene: Scene) -> Iterator[Act]:
    scene.rows["g"] = [f"level {number}" for number in range(240)]
    path = parquet(scene.folder, pd.concat([scene.rows] * 3))
    scene.formula = "y ~ g * C(n)"
    with smo.options.set(memory_limit=2**24):
        yield lambda: scene.fit(path)


# --- ends in the middle ---


@case("Ctrl-C", "in the middle of a pass", raises(KeyboardInterrupt, ""), ("parquet", "csv"))
def ctrl_c(scene: Scene) -> Iterator[Act]:
    path = {"parquet": parquet, "csv": csv}[scene.at](scene.folder, scene.rows)
    pressed: list[int] = []

    def press(x: Any) -> Any:
        if len(x) > 200 and not pressed:
            pressed.append(1)
            os.kill(os.getpid(), signal.SIGINT)
        return x

    yield lambda press=press: smof.ols("y ~ press(x) + g", path).fit()


class Mistake(Exception):
    """An error of a function that a formula names."""


@case(
    "a function of the formula", "it raises for some rows", raises(PatsyError, "Mistake: row 100")
)
def mistake(scene: Scene) -> Iterator[Act]:
    def checked(n: Any) -> Any:
        if (np.asarray(n) == 100).any():
            raise Mistake("row 100")
        return n

    path = many_parquet(scene.folder, scene.rows)
    yield lambda checked=checked: smof.ols("y ~ x + checked(n)", path).fit()


@case(
    "a function of the formula",
    "it gives fewer values than there are rows",
    raises(DesignError, r"'I\(n\[:10\]\)' has 10 values where the data has \d+ rows"),
)
def fewer(scene: Scene) -> Iterator[Act]:
    path = many_parquet(scene.folder, scene.rows)
    yield lambda: smof.ols("y ~ x + I(n[:10])", path).fit()


@contextmanager
def cluster(folder: Path) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    with (
        temporary(str(folder)),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as found,
        Client(found) as client,
    ):
        yield client


class Ends:
    """A function of a formula that ends the processes of workers: the first, or all."""

    def __init__(self, mark: Path, always: bool) -> None:
        self.mark, self.always, self.home = mark, always, os.getpid()

    def __call__(self, x: Any) -> Any:
        if os.getpid() != self.home and (self.always or not self.mark.exists()):
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x


@case("cluster", "a worker is killed in the middle of a pass", SAME, needs="distributed")
def worker(scene: Scene) -> Iterator[Act]:
    path = many_parquet(scene.folder, scene.rows)
    ends = Ends(scene.folder / "mark", always=False)
    with cluster(scene.folder):
        yield lambda ends=ends: smof.ols("y ~ ends(x) + g", path).fit()
    assert (scene.folder / "mark").exists()


@case(
    "cluster",
    "each worker that reads a partition is killed",
    raises(ClusterError, r"(?s)workers.*died.*memory_limit"),
    needs="distributed",
)
def workers(scene: Scene) -> Iterator[Act]:
    path = many_parquet(scene.folder, scene.rows)
    ends = Ends(scene.folder / "mark", always=True)
    with cluster(scene.folder) as client:
        client.cluster.scheduler.allowed_failures = 0
        yield lambda ends=ends: smof.ols("y ~ ends(x) + g", path).fit()
