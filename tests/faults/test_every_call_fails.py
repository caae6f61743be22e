"""Whatever call fails, a fit ends in the same bits or in a named error, and leaves nothing."""

from __future__ import annotations

import gc
import os
import sqlite3
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from faults.harness import FAULTS, ONE_READ_IS_SHORT, every_call_fails, open_files, settled
from sources.postgresql import URL, make_table, sessions

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import OutOfCoreError

HEALED = {"EIO", "a dropped connection"}  # once


def data(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(list("abc"), n)})
    return frame.assign(y=frame.x + rng.normal(size=n))


def parquet(folder: Path) -> Any:
    for part in range(2):
        data().iloc[part::2].to_parquet(folder / f"{part}.parquet", row_group_size=30)
    return str(folder)


def csv(folder: Path) -> Any:
    data().to_csv(folder / "t.csv", index=False)
    return lambda: smo.read_csv(folder / "t.csv", block_size=3_000)


def feather(folder: Path) -> Any:
    data().to_feather(folder / "t.feather", chunksize=30)
    return str(folder / "t.feather")


def url(folder: Path) -> Any:
    import fsspec

    data().to_parquet(folder / "t.parquet", row_group_size=30)
    with fsspec.open("memory://faults/t.parquet", "wb") as file:
        file.write((folder / "t.parquet").read_bytes())
    return "memory://faults/t.parquet"


def iterator(folder: Path) -> Any:
    return lambda: iter([data().iloc[:50], data().iloc[50:]])


def hdf5(folder: Path) -> Any:
    data().to_hdf(folder / "t.h5", key="t", format="table")
    return str(folder / "t.h5")


def duckdb(folder: Path) -> Any:
    import duckdb

    frame = data()
    with duckdb.connect(folder / "t.duckdb") as connection:
        connection.register("frame", frame)
        connection.execute("create table t as select * from frame")
    return lambda: smo.read_sql("t", folder / "t.duckdb")


def sqlite(folder: Path) -> Any:
    with closing(sqlite3.connect(folder / "t.sqlite")) as connection:
        data().reset_index(names="n").to_sql("t", connection, index=False)
    return lambda: smo.read_sql("t", folder / "t.sqlite", partition_on="n", partitions=2)


def postgresql(folder: Path) -> Any:
    name = make_table(data().reset_index(names="n"))
    return lambda: smo.read_sql(name, URL, partition_on="n", partitions=2)


def delta(folder: Path) -> Any:
    import deltalake

    for part in range(2):
        deltalake.write_deltalake(folder / "t", data().iloc[part::2], mode="append")
    return str(folder / "t")


KINDS: dict[str, Callable[[Path], Any]] = {
    make.__name__: make
    for make in (parquet, csv, feather, url, iterator, hdf5, sqlite, postgresql, duckdb, delta)
}


@pytest.fixture(params=list(KINDS))
def fitting(request, tmp_path, monkeypatch) -> Callable[[], tuple[bytes, int]]:
    """A fit of a source, from opening it to its last answer, and how often it read again."""
    (tmp_path / "data").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("statsmodels_ooc.engine.rereading._FIRST_WAIT", 1e-4)
    monkeypatch.setattr("statsmodels_ooc.engine.rereading._LONGEST_WAIT", 1e-3)
    made = KINDS[request.param](tmp_path / "data")

    def fit() -> tuple[bytes, int]:
        source = smo.as_source(made() if callable(made) else made)
        model = smof.ols("y ~ x + g", source)
        res = model.fit()
        again = np.asarray(res.resid) if request.param not in COPIED else []
        answers = np.concatenate([res.params, res.bse, again])
        return answers.tobytes(), sum(record.repeats for record in model.passes)

    return fit


COPIED = {"csv", "iterator", "sqlite", "duckdb"}  # which takes many calls
MOST_OF = {"csv": 3, "postgresql": 1}  # of these
FEW = [("EIO", False), ("ENOSPC", True), ("no memory", False)]
ALL = [*((fault, False) for fault in (*FAULTS, ONE_READ_IS_SHORT)), ("EIO", True), ("ENOSPC", True)]
CASES = [
    pytest.param(kind, *how, id=f"{kind}-{how[0]}-{'from then on' if how[1] else 'once'}")
    for kind in KINDS
    for how in (ALL if kind not in {*COPIED, "postgresql"} else FEW[: MOST_OF.get(kind, 2)])
]


@pytest.mark.parametrize(("fitting", "fault", "from_then_on"), CASES, indirect=["fitting"])
def test_the_same_bits_or_a_named_error(fitting, tmp_path, fault, from_then_on, request):
    wanted, _ = fitting()
    gc.collect()
    before, connected = open_files(), sessions()
    met = 0
    where = "postgresql:" if "postgresql" in request.node.name else ""  # the others are slow
    for outcome in every_call_fails(fitting, fault, from_then_on, where):
        met += 1
        where = f"call {outcome.nth}: {outcome.operation} of {outcome.place}"
        if outcome.error is None:
            assert outcome.answer[0] == wanted, where
        elif isinstance(outcome.error, OutOfCoreError):
            named = {Path(place).name for place in outcome.places}
            assert any(name in str(outcome.error) for name in named), (where, outcome.error)
        if from_then_on and outcome.operation in ("open", "read") and fault in FAULTS:
            assert outcome.error is not None, where
        error = outcome.error
        while error is not None:  # what failed may be asked again, and is kept by its traceback
            traceback.clear_frames(error.__traceback__)
            error = error.__cause__
        del outcome
        assert settled(lambda: os.listdir(tmp_path / "temporary") == []), where
        assert settled(lambda: open_files() <= before), where
    assert settled(lambda: sessions() <= connected)
    assert met or fault == ONE_READ_IS_SHORT


@pytest.mark.parametrize("fitting", ["parquet", "feather", "url"], indirect=True)
@pytest.mark.parametrize("fault", sorted(HEALED))
def test_what_passes_is_read_again_and_counted(fitting, fault):
    wanted, _ = fitting()
    healed = 0
    for outcome in every_call_fails(fitting, fault):
        if outcome.error is None:
            assert outcome.answer == (wanted, 1) or outcome.operation == "stat"
            healed += outcome.answer[1]
    assert healed


@pytest.mark.parametrize("fitting", ["parquet", "hdf5", "delta"], indirect=True)
def test_without_retries_the_first_failure_ends_the_pass(fitting):
    with smo.options.set(retries=0):
        assert all(outcome.error is not None for outcome in every_call_fails(fitting, "EIO"))
