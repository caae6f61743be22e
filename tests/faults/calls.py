"""Calls that fail on purpose, one after the other."""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from statsmodels_ooc.errors import OutOfCoreError
from statsmodels_ooc.sources.seam import watched

FAILURES: dict[str, Callable[[], Exception]] = {
    "EIO": lambda: OSError(errno.EIO, "input/output error"),
    "EACCES": lambda: PermissionError(errno.EACCES, "permission denied"),
    "connection": lambda: ConnectionResetError(errno.ECONNRESET, "connection reset by peer"),
    "memory": lambda: MemoryError("no memory"),
}


@dataclass
class Failing:
    """A watcher that lets one call fail."""

    at: int
    make: Callable[[], Exception]
    seen: list[str] = field(default_factory=list)

    def touch(self, operation: str, place: str) -> None:
        self.seen.append(operation)
        if len(self.seen) == self.at + 1:
            raise self.make()

    def granted(self, place: str, size: int) -> int:
        return size


def every_call_may_fail(work: Callable[[], Any], failure: str) -> int:
    """Let each of the calls that ``work`` makes fail, and see a named error each time.

    Returns how many calls there were.
    """
    work()  # what is loaded once
    for at in range(1_000):
        before = open_files()
        watcher = Failing(at, FAILURES[failure])
        try:
            with watched(watcher):
                work()
        except (OutOfCoreError, MemoryError):
            pass
        else:
            assert len(watcher.seen) <= at, "a failure was passed over"
            return at
        if open_files() > before:
            gc.collect()  # of tracebacks, which hold frames
        assert open_files() <= before, f"call {at} left files open"
    raise AssertionError("the calls do not end")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
