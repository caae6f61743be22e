"""The memory that a process may use, from control groups and from the options."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import psutil
import pytest

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.machine import usable_memory

MIB = 2**20
UNLIMITED_V1 = 9_223_372_036_854_771_712
TOTAL = psutil.virtual_memory().total


def tree(root: Path, cgroup: str | None, limits: dict[str, object]) -> Path:
    files = {f"sys/fs/cgroup/{name}": value for name, value in limits.items()}
    if cgroup is not None:
        files["proc/self/cgroup"] = cgroup
    for name, value in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
    return root


CASES = {
    "no control groups": (None, {}, TOTAL),
    "version 2, own group": (
        "0::/user.slice/job",
        {"user.slice/job/memory.max": 300 * MIB, "user.slice/memory.max": "max"},
        300 * MIB,
    ),
    "version 2, a group around it is smaller": (
        "0::/user.slice/job/step",
        {"user.slice/job/step/memory.max": "max", "user.slice/memory.max": 200 * MIB},
        200 * MIB,
    ),
    "version 2, in a container": ("0::/", {"memory.max": 128 * MIB}, 128 * MIB),
    "version 2, the path is the host's": (
        "0::/docker/0a1b",
        {"memory.max": 128 * MIB},
        128 * MIB,
    ),
    "version 2, the group is outside": ("0::/../other", {"memory.max": 96 * MIB}, 96 * MIB),
    "version 2, a colon in the name": (
        "0::/a:b",
        {"a:b/memory.max": 64 * MIB, "memory.max": "max"},
        64 * MIB,
    ),
    "version 2, /proc cannot be read": (None, {"memory.max": 64 * MIB}, 64 * MIB),
    "version 1, nested": (
        "9:name=systemd:/\n4:cpu,memory:/batch/job\n3:cpuset:/x",
        {
            "memory/batch/job/memory.limit_in_bytes": UNLIMITED_V1,
            "memory/batch/memory.limit_in_bytes": 500 * MIB,
            "memory/memory.limit_in_bytes": UNLIMITED_V1,
            "cpuset/x/memory.limit_in_bytes": MIB,
        },
        500 * MIB,
    ),
    "version 1, no limit": (
        "4:memory:/",
        {"memory/memory.limit_in_bytes": UNLIMITED_V1},
        TOTAL,
    ),
    "both, version 1 has the memory": (
        "4:memory:/job\n0::/job",
        {"memory/job/memory.limit_in_bytes": 70 * MIB, "job/cgroup.procs": ""},
        70 * MIB,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_smallest_limit_around_the_process_counts(case: str, tmp_path: Path) -> None:
    cgroup, limits, expected = CASES[case]
    assert usable_memory(tree(tmp_path, cgroup, limits)) == expected


def test_a_share_is_of_the_memory_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statsmodels_ooc.options.usable_memory", lambda: 1000)
    with smo.options.set(memory_limit="25%"):
        assert smo.options.memory_limit == 250


@pytest.mark.parametrize("share", ["0%", "101%", "-5%"])
def test_a_share_is_one(share: str) -> None:
    with pytest.raises(OptionError, match="share of the memory"):
        smo.options.memory_limit = share


@pytest.mark.parametrize(
    ("value", "expected"),
    [(np.int64(2**30), 2**30), (2**30, 2**30), (3e9, 3 * 10**9), ("2 GiB", 2**31)],
)
def test_limits_in_bytes(value, expected):
    with smo.options.set(memory_limit=value):
        assert smo.options.memory_limit == expected


@pytest.mark.parametrize("share", [0.25, np.float64(0.25), "25%"])
def test_a_share_of_the_memory(share):
    with smo.options.set(memory_limit=share):
        assert smo.options.memory_limit == int(0.25 * usable_memory())


@pytest.mark.parametrize(
    "value", [None, True, float("inf"), float("nan"), -1, 0, 0.0, "much", "120%", [1], 1j]
)
def test_values_that_are_no_limit(value):
    with pytest.raises(OptionError, match=f"option memory_limit={re.escape(repr(value))}: "):
        smo.options.memory_limit = value


@pytest.mark.parametrize("value", [np.array(["numpy"]), ["numpy"], None, "Numba"])
def test_values_that_are_no_kernels(value):
    with pytest.raises(OptionError, match="'auto', 'numpy', 'numba'"):
        smo.options.kernels = value
