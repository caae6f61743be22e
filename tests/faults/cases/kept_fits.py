"""Checkpoints and saved results: damaged, of other data, or of a process that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.case import SAME, Act, Scene, case, raises
from faults.files import many_parquet, parquet, replaced
from faults.harness import NthCallFails

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import CheckpointError, SourceChangedError
from statsmodels_ooc.sources.seam import watched

KEPT, SAVED = "checkpoint", "results of res.save"
DAMAGE = {
    "cut": lambda raw: raw[: len(raw) // 2],
    "cut in its header": lambda raw: raw[:10],
    "empty": lambda raw: b"",
    "one bit": lambda raw: raw[:100] + bytes([raw[100] ^ 1]) + raw[101:],
    "longer": lambda raw: raw + b"more",
    "another kind": lambda raw: b"PK" + raw[2:],
}


def kept(scene: Scene) -> tuple[Path, Path]:
    """The data and the checkpoint of a fit that is over."""
    data = many_parquet(scene.folder, scene.rows)
    scene.fit(data, checkpoint=scene.folder / "kept")
    return data, scene.folder / "kept"


@case(
    KEPT,
    "a file of it is damaged: cut, empty, one bit turned, longer, of another kind",
    raises(CheckpointError, r"\.state is damaged"),
    tuple(DAMAGE),
)
def damaged(scene: Scene) -> Iterator[Act]:
    data, folder = kept(scene)
    path = next(folder.rglob("*.state"))
    path.write_bytes(DAMAGE[scene.at](path.read_bytes()))
    yield lambda: scene.fit(data, checkpoint=folder)


@case(KEPT, "a damaged file of it was removed", SAME)
def removed(scene: Scene) -> Iterator[Act]:
    data, folder = kept(scene)
    next(folder.rglob("*.state")).unlink()
    yield lambda: scene.fit(data, checkpoint=folder)


@case(
    KEPT,
    "its manifest is damaged: empty, no JSON, no object, of another format",
    raises(CheckpointError, r"manifest\.json|another fit"),
    ("", "{", "[1]", '{"format": "99"}'),
)
def manifest(scene: Scene) -> Iterator[Act]:
    data, folder = kept(scene)
    (folder / "manifest.json").write_text(scene.at)
    yield lambda: scene.fit(data, checkpoint=folder)


@case(
    KEPT,
    "a file of the data was written again",
    raises(CheckpointError, r"was kept of another fit: partitions"),
)
def other_data(scene: Scene) -> Iterator[Act]:
    data, folder = kept(scene)
    parquet(data, scene.rows[:80].assign(x=0.5), "0.parquet")
    yield lambda: scene.fit(data, checkpoint=folder)


@case(KEPT, "another formula", raises(CheckpointError, r"formula: y ~ x \+ g there, y ~ x now"))
def other_formula(scene: Scene) -> Iterator[Act]:
    data, folder = kept(scene)
    scene.formula = "y ~ x"
    yield lambda: scene.fit(data, checkpoint=folder)


@case(KEPT, "the folder holds other files", raises(CheckpointError, r"holds other files \(mine"))
def other_files(scene: Scene) -> Iterator[Act]:
    data = many_parquet(scene.folder, scene.rows)
    (scene.folder / "kept").mkdir()
    (scene.folder / "kept" / "mine.txt").write_text("mine")
    yield lambda: scene.fit(data, checkpoint=scene.folder / "kept")
    assert (scene.folder / "kept" / "mine.txt").read_text() == "mine"


@case(KEPT, "a file in place of the folder", raises(CheckpointError, r"kept cannot be used"))
def no_folder(scene: Scene) -> Iterator[Act]:
    data = many_parquet(scene.folder, scene.rows)
    (scene.folder / "kept").touch()
    yield lambda: scene.fit(data, checkpoint=scene.folder / "kept")


@case(KEPT, "another process is at work in the folder", raises(CheckpointError, r"kept is in use"))
def in_use(scene: Scene) -> Iterator[Act]:
    import fcntl

    data, folder = kept(scene)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield lambda: scene.fit(data, checkpoint=folder)
    finally:
        os.close(handle)


@case(
    KEPT,
    "its disk is full from the middle of the fit on",
    raises(CheckpointError, r"(?s)kept.*No space left.*what was kept before stays"),
)
def full(scene: Scene) -> Iterator[Act]:
    data = many_parquet(scene.folder, scene.rows)
    with watched(NthCallFails(9, "ENOSPC", from_then_on=True, where="kept")):
        yield lambda: scene.fit(data, checkpoint=scene.folder / "kept")


@case(KEPT, "its disk was full, and there is room again", SAME)
def room_again(scene: Scene) -> Iterator[Act]:
    data, folder = many_parquet(scene.folder, scene.rows), scene.folder / "kept"
    fails = NthCallFails(9, "ENOSPC", from_then_on=True, where="kept")
    with watched(fails), pytest.raises(CheckpointError, match="No space left"):
        scene.fit(data, checkpoint=folder)
    yield lambda: scene.fit(data, checkpoint=folder)


SCRIPT = """
import os, signal, sys
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.sources import seam

class Kill:
    calls = 0
    def touch(self, operation, place):
        self.calls += "state" in place
        if self.calls == 8:
            os.kill(os.getpid(), signal.SIGKILL)
    def granted(self, place, size):
        return size

with seam.watched(Kill()):
    smof.ols("y ~ x + g", sys.argv[1]).fit(checkpoint=sys.argv[2])
"""


@case(
    KEPT, "the process was killed in the middle of the fit, and the same call is made again", SAME
)
def killed(scene: Scene) -> Iterator[Act]:
    data, folder = many_parquet(scene.folder, scene.rows), scene.folder / "kept"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, data, folder],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    assert list(folder.rglob("*.state"))
    yield lambda: scene.fit(data, checkpoint=folder)


@case(
    KEPT,
    "data of which nothing tells whether they are the same",
    raises(CheckpointError, r"nothing tells"),
)
def nothing_tells(scene: Scene) -> Iterator[Act]:
    data = smo.as_source([scene.rows])
    yield lambda: scene.fit(data, checkpoint=scene.folder / "kept")


def saved(scene: Scene) -> tuple[Path, Any]:
    """The data, and what loads the results of their fit."""
    data = parquet(scene.folder, scene.rows)
    scene.fit(data).save(scene.folder / "res.pickle")
    return data, lambda: smo.load(scene.folder / "res.pickle", allow_pickle=True)


@case(SAVED, "the data are where they were", SAME)
def loaded(scene: Scene) -> Iterator[Act]:
    _, load = saved(scene)
    yield lambda: len(load().HC0_se) == 4 and load()


@case(SAVED, "the data are gone, and what was known is asked for", SAME)
def known(scene: Scene) -> Iterator[Act]:
    data, load = saved(scene)
    data.unlink()
    yield load


@case(
    SAVED,
    "the data are gone, and rows are asked for",
    raises(SourceChangedError, r"t\.parquet was removed"),
)
def gone(scene: Scene) -> Iterator[Act]:
    data, load = saved(scene)
    data.unlink()
    yield lambda: load().resid


@case(
    SAVED,
    "the data were changed, size and time as before, and rows are asked for",
    raises(SourceChangedError, r"t\.parquet"),
)
def changed(scene: Scene) -> Iterator[Act]:
    data, load = saved(scene)
    content = data.read_bytes()
    other = scene.rows.assign(x=scene.rows["x"].where(scene.rows["n"] != 77, 0.5))
    new = parquet(scene.folder, other, "other.parquet").read_bytes()
    replaced(data, new[: len(content)].ljust(len(content), b"\0"))
    yield lambda: load().resid
