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


def measured(name, folder, granted=0):
    """The attempts to fit a case: the first under its limit, further ones with what they need."""
    place, limit = folder(CASES[name].data), CASES[name].limit * MIB
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")])
    settings = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "PYTHONPATH": paths}
    told = [name, place, limit, 2, ALLOWANCE, granted]
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
    "row group, compiled GLM",
    "answers for every row",
    "IBOSS",
    "compressed row group",
    "wide factor, GLM",
    "long texts",
    "words",
    "csv",
    "csv, long lines",
    "hdf5",
    "hdf5 of pandas",
    "iterator",
    "design store",
    "clusters",
]


def is_near(planned, peak):
    """Whether a peak is what was planned, or too small to tell."""
    return peak < TELLING or planned / MOST_OFF < peak < planned * MOST_OFF


@pytest.mark.parametrize("name", FITTED)
def test_a_fit_keeps_to_its_limit_and_takes_what_was_planned(name, folder):
    (found,) = measured(name, folder)
    assert "refused" not in found
    assert found["gap"] < ROUNDING
    assert found["peak"] <= found["limit"]
    assert is_near(found["planned"], found["peak"])


NEEDING = {
    "500 columns": "row group 0: reading its 500 columns",
    "csv, large blocks": "t.csv, bytes",
}


@pytest.mark.parametrize("name", NEEDING)
def test_what_is_refused_is_not_read_and_takes_what_it_is_said_to_need(name, folder):
    *refused, found = measured(name, folder, granted=GRANTED)
    assert refused
    for one in refused:
        assert NEEDING[name] in one["refused"]
        assert one["computed"] == 0
        assert one["peak"] < UNREAD
    assert "refused" not in found
    assert TELLING < found["peak"] <= found["limit"]
    assert is_near(refused[-1]["needed"], found["peak"])
    assert is_near(found["planned"], found["peak"])


REFUSED = {
    "1,200 columns": ("1,200 columns need", 0),
    "arrow": ("record batch", 1),  # whose sizes are told by the batches
    "identifiers": ("levels", 1),  # which are counted
    "csv, gigantic line": ("a line goes on for more than", 1),  # whose end is looked for
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_fit_is_refused_as_soon_as_it_is_known(name, folder):
    (found,) = measured(name, folder)
    why, computed = REFUSED[name]
    assert why in found["refused"]
    assert "memory" in found["refused"]
    assert found["computed"] == computed
    assert found["peak"] < UNREAD
