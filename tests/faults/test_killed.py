"""A process that is killed at any call: the next one with the same call ends in the same bits."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

RUNS = 5  # places, spread over all calls, at which a process is killed
TESTS = Path(__file__).resolve().parent.parent

SERVER = """
import json, os, signal, sys
sys.path.insert(0, sys.argv[1])
import faults.killed_runs as runs

kind, folder, count = sys.argv[2], sys.argv[3], int(sys.argv[4])
print(json.dumps(runs.killed_at_many_places(kind, folder, count)))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    from faults.case import rows

    folder = tmp_path_factory.mktemp("killed")
    (folder / "many").mkdir()
    for part in range(4):
        rows(200, part).to_parquet(folder / "many" / f"{part}.parquet", row_group_size=50)
    whole = pd.concat([rows(200, part) for part in range(4)], ignore_index=True)
    whole.to_csv(folder / "t.csv", index=False)
    with closing(sqlite3.connect(folder / "t.sqlite")) as connection:
        whole.reset_index(names="row").to_sql("t", connection, index=False)
    whole.to_hdf(folder / "t.h5", key="t", format="table")
    smo.save(smof.ols("y ~ x", folder / "many" / "0.parquet").fit(), folder / "before.zip")
    return folder


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.parametrize("kind", ["parquet", "csv", "hdf5", "sql", "store", "checkpoint", "saved"])
def test_the_next_process_ends_in_the_same_bits_and_clears_up(kind, folder):
    if kind in ("hdf5", "store"):
        pytest.importorskip("tables")
    (folder / f"temporary-{kind}").mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SERVER, TESTS, kind, folder, str(RUNS)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "TMPDIR": str(folder / f"temporary-{kind}")},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told["killed"]) == RUNS
    assert told["killed"] == [-signal.SIGKILL] * RUNS
    assert told["answers"] == [told["wanted"]] * RUNS
    assert told["left"] == [[]] * RUNS
