"""Runs in processes that are forked, killed at a call, and made again by the next process."""

from __future__ import annotations

import os
import shutil
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import numpy as np
from faults.harness import KILLED, NthCallFails

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import ParseError, WriteError
from statsmodels_ooc.sources.seam import watched

FORMULA = "y ~ x + g"


def answers(res: Any) -> str:
    """All bits of a fit, and of a second pass over its rows."""
    return str(np.concatenate([res.params, res.bse, np.asarray(res.resid)]).tobytes().hex())


def parquet(folder: Path) -> str:
    return answers(smof.ols(FORMULA, str(folder / "many")).fit())


def csv(folder: Path) -> str:
    return answers(smof.ols(FORMULA, folder / "t.csv").fit())


def hdf5(folder: Path) -> str:
    return answers(smof.ols(FORMULA, folder / "t.h5").fit())


def sql(folder: Path) -> str:
    source = smo.read_sql("t", folder / "t.sqlite", partition_on="row", partitions=3)
    return answers(smof.ols(FORMULA, source).fit())


def checkpoint(folder: Path) -> str:
    model = smof.ols(FORMULA, str(folder / "many"))
    return answers(model.fit(checkpoint=folder / "written" / "kept"))


def store(folder: Path) -> str:
    """Written, or continued; where what is there is damaged begun again, as its error says."""
    path = folder / "written" / "d.h5"
    try:
        opened = smo.open_store(path)
    except (WriteError, FileNotFoundError):
        try:
            opened = smo.design_store(path, FORMULA, str(folder / "many"), resume=True)
        except ParseError:
            opened = smo.design_store(path, FORMULA, str(folder / "many"), overwrite=True)
    return answers(smo.OLS(opened).fit())


def saved(folder: Path) -> str:
    """In place of other results, which stay whole until the new ones are."""
    path = folder / "written" / "fit.zip"
    if path.exists():
        assert smo.load(path).model.formula in ("y ~ x", FORMULA)
    else:
        shutil.copy(folder / "before.zip", path)
    smo.save(smof.ols(FORMULA, folder / "many" / "0.parquet").fit(), path)
    loaded = smo.load(path)
    return str(np.concatenate([loaded.params, loaded.bse]).tobytes().hex())


KINDS = {make.__name__: make for make in (parquet, csv, hdf5, sql, store, checkpoint, saved)}


def killed_at_many_places(kind: str, folder: str, count: int) -> dict[str, Any]:
    """Kill a run at so many calls, one after the other, and see what the next process makes of it.

    Returns
    -------
    dict
        What killed runs returned, the answers of those that followed, the answer of one that
        nobody killed, and what was left in folders after each.
    """
    run, place = KINDS[kind], Path(folder)
    with dask.config.set(scheduler="sync"):  # what processes share that are forked from here
        smof.ols(FORMULA, str(place / "many")).fit().HC0_se  # noqa: B018
    wanted, calls = _told(lambda: _counted(run, place)).split()
    told: dict[str, Any] = {"wanted": wanted, "killed": [], "answers": [], "left": []}
    for nth in np.linspace(1, int(calls), count).round().astype(int).tolist():
        _clear(place)
        told["killed"].append(_status(lambda nth=nth: _killed(run, place, nth)))
        told["answers"].append(_told(lambda: run(place)))
        told["left"].append(_left(place))
    _clear(place)
    return told


def _counted(run: Callable[[Path], str], folder: Path) -> str:
    _clear(folder)
    watcher = NthCallFails(10**9, KILLED)
    with watched(watcher):
        found = run(folder)
    return f"{found} {watcher.calls}"


def _killed(run: Callable[[Path], str], folder: Path, nth: int) -> str:
    with watched(NthCallFails(nth, KILLED)):
        return run(folder)


def _left(folder: Path) -> list[str]:
    """What nobody has a use for any more."""
    written = [str(path) for path in (folder / "written").rglob("*")]
    unfinished = [path for path in written if path.endswith((".new", ".part", ".tmp"))]
    return os.listdir(tempfile.gettempdir()) + unfinished


def _clear(folder: Path) -> None:
    shutil.rmtree(folder / "written", ignore_errors=True)
    (folder / "written").mkdir()


def _told(work: Callable[[], str]) -> str:
    """What a function gives, in a process of its own; this one has no threads."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.close(out)
        _end(work, into)
    os.close(into)
    with open(out) as file:
        said = file.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return said


def _status(work: Callable[[], str]) -> int:
    """How a process ended that called a function."""
    child = os.fork()
    if not child:
        _end(work, os.open(os.devnull, os.O_WRONLY))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _end(work: Callable[[], str], into: int) -> None:
    try:
        with open(into, "w") as file:
            file.write(work())
        import gc

        gc.collect()  # a model, whose temporary copy goes with it
    except BaseException:
        traceback.print_exc()
        os._exit(7)
    os._exit(0)
