"""What keeps to memory_limit, what is refused, and that both take what was said, measured.

Each fit has a process of its own, which may have no more addresses than those of its base, the
limit and `ALLOWANCE`. Addresses are not memory: glibc reserves 64 MiB of them for each thread
that allocates, which one arena for all leaves out, and Arrow's mimalloc reserves as it likes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from memory.cases import CASES, DATA

pytestmark = pytest.mark.skipif(not psutil.LINUX, reason="peaks and limits are those of Linux")

TESTS = Path(__file__).resolve().parent.parent
MIB = 2**20
ALLOWANCE = 64 * MIB  # of addresses: an arena of Arrow's, and stacks of threads
MOST_OFF = 1.5  # of what was planned, or said to be needed
TELLING = 50 * MIB  # peaks above are of the data; below, of whatever libraries do
UNREAD = 48 * MIB  # of samples that tell the types of a CSV file, and its header
ROUNDING = 1e-9  # of sums in another order
GRANTED = 1.1  # times what is needed: frames are longer where there is more memory


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of some data, written when it is first asked for."""
    root, written = tmp_path_factory.mktemp("memory"), {}

    def of(name):
        if name not in written:
            data, place = DATA[name], root / str(len(written))
            for part, rows in (("small", data.small), ("large", data.rows)):
                (place / part).mkdir(parents=True)
                data.write(place / part, rows)
            written[name] = place
        return written[name]

    return of


def measured(name, place, limit, *, compares=True):
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")])
    settings = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "PYTHONPATH": paths}
    told = [name, place, int(limit), 2, ALLOWANCE, "compares" if compares else ""]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(TESTS / "memory/measured.py"), *map(str, told)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


FITTED = [
    "row group, OLS",
    "row group, GLM",
    "row group, compiled GLM",
    "answers for every row",
    "IBOSS",
    "compressed row group",
    "wide factor",
    "wide factor, GLM",
    "long texts",
    "words",
    "csv",
    "csv, long lines",
    "hdf5",
    "hdf5 of pandas",
    "iterator",
    "function",
    "design store",
    "clusters",
]


@pytest.mark.parametrize("name", FITTED)
def test_a_fit_keeps_to_its_limit_and_takes_what_was_planned(name, folder):
    limit = CASES[name].limit * MIB
    found = measured(name, folder(CASES[name].data), limit)
    assert "refused" not in found
    assert found["gap"] < ROUNDING
    assert found["peak"] <= limit
    if found["peak"] >= TELLING:
        assert found["planned"] / MOST_OFF < found["peak"] < found["planned"] * MOST_OFF


REFUSED = {
    "500 columns": "row group 0: reading its 500 columns",
    "300 columns, GLM": "row group 0: reading its 300 columns",
    "1,200 columns": "1,200 columns need",
    "csv, large blocks": "t.csv, bytes",
    "arrow": "record batch",
    "identifiers": "levels",
}
LOOKS = {"arrow": 1, "identifiers": 1}  # passes that have begun: the first batch, levels


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_fit_is_refused_unread(name, folder):
    limit = CASES[name].limit * MIB
    found = measured(name, folder(CASES[name].data), limit)
    assert REFUSED[name] in found["refused"]
    assert "memory" in found["refused"]
    assert found["computed"] == LOOKS.get(name, 0)
    assert found["peak"] < UNREAD


def test_a_line_without_an_end_is_refused_where_it_goes_on_for_too_long(folder):
    name = "csv, gigantic line"
    found = measured(name, folder(CASES[name].data), CASES[name].limit * MIB)
    assert "a line goes on for more than" in found["refused"]
    assert found["peak"] < UNREAD


@pytest.mark.parametrize("name", ["500 columns", "300 columns, GLM", "csv, large blocks"])
def test_what_is_refused_takes_what_it_is_said_to_need(name, folder):
    place, limit = folder(CASES[name].data), CASES[name].limit * MIB
    found = measured(name, place, limit, compares=False)
    for _ in range(3):  # longer frames, and then what is made of them
        if "refused" not in found:
            break
        needed = found["needed"]
        found = measured(name, place, GRANTED * needed, compares=False)
    assert "refused" not in found
    assert needed / MOST_OFF < found["peak"] < needed * MOST_OFF
    assert found["planned"] / MOST_OFF < found["peak"] < found["planned"] * MOST_OFF
    assert found["peak"] < GRANTED * needed + ALLOWANCE
