"""How much memory this process may use: the machine's, or less where something says so."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import psutil

_ROOT = Path("/")
_LEFT = 2**29  # bytes


@cache
def usable_memory(root: Path = _ROOT) -> int:
    """Bytes of memory: the least of the machine's, of its control groups' and of its addresses'.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are mounted.

    Notes
    -----
    A control group (Linux) is limited by each group that it lies in, so all of them are
    asked, once, from the process's own up to the root of the mount. In a container the groups
    outside of it are not there to be asked; those that are not there are passed over. Where
    addresses are limited (``ulimit -v``), those that are left count, half a gigabyte at least.

    References
    ----------
    Linux kernel documentation, "Control Group v2", memory.max; "Memory Resource
    Controller" (version 1), memory.limit_in_bytes.
    """
    total = int(psutil.virtual_memory().total)
    found = [total, *(limit for file in _limit_files(root) for limit in _limits(file))]
    addresses = address_limit()
    if addresses is not None:
        found.append(max(addresses - psutil.Process().memory_info().vms, _LEFT))
    return min(found)


def address_limit() -> int | None:
    """Bytes of addresses that this process may have, used or not; None without a limit."""
    process = psutil.Process()
    if not hasattr(process, "rlimit"):  # Linux has it, and FreeBSD
        return None
    soft, _ = process.rlimit(psutil.RLIMIT_AS)
    return None if soft == psutil.RLIM_INFINITY else int(soft)


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
