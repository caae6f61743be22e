"""How much memory this process may use: the machine's, or less where a container says so."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import psutil

_ROOT = Path("/")


@cache
def usable_memory(root: Path = _ROOT) -> int:
    """Bytes of memory: the least of the machine's and of the limits of its control groups.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are mounted.

    Notes
    -----
    A control group (Linux) is limited by each group that it lies in, so all of them are
    asked, once, from the process's own up to the root of the mount. In a container the groups
    outside of it are not there to be asked; those that are not there are passed over.

    References
    ----------
    Linux kernel documentation, "Control Group v2", memory.max; "Memory Resource
    Controller" (version 1), memory.limit_in_bytes.
    """
    total = int(psutil.virtual_memory().total)
    return min([total, *(limit for file in _limit_files(root) for limit in _limits(file))])


def _limit_files(root: Path) -> Iterator[Path]:
    """The files with the limits of this process's groups."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = []
    mounted = root / "sys/fs/cgroup"
    for line in ["0::/", *lines]:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            yield from _upwards(mounted, group, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _upwards(mounted / "memory", group, "memory.limit_in_bytes")


def _upwards(mounted: Path, group: str, name: str) -> Iterator[Path]:
    inside = PurePosixPath(group).relative_to("/")
    if ".." not in inside.parts:  # a group outside of what is mounted here
        for part in [inside, *inside.parents]:
            yield mounted / part / name
    else:
        yield mounted / name


def _limits(file: Path) -> Iterator[int]:
    """The limit in a file, nothing where there is none."""
    try:
        text = file.read_text().strip()
    except OSError:
        return
    if text.isdecimal() and int(text) > 0:
        yield int(text)
