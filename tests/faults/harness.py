"""The n-th call that leaves the process fails, for n = 1, 2, … until a run meets no fault."""

from __future__ import annotations

import errno
import gc
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from statsmodels_ooc.errors import OutOfCoreError
from statsmodels_ooc.sources.seam import Operation, watched

FAULTS: dict[str, Callable[[str], BaseException]] = {
    "EIO": lambda place: OSError(errno.EIO, os.strerror(errno.EIO), place),
    "ENOSPC": lambda place: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), place),
    "EACCES": lambda place: PermissionError(errno.EACCES, os.strerror(errno.EACCES), place),
    "a dropped connection": lambda place: ConnectionResetError(errno.ECONNRESET, "reset", place),
    "no memory": lambda place: MemoryError(f"injected at {place}"),
}
ONE_READ_IS_SHORT = "a short read"
KILLED = "SIGKILL"
MOST = 400  # calls of a run: more are a loop that does not end


@dataclass
class NthCallFails:
    """A watcher: one call fails, or all from it on, of those about some place."""

    nth: int
    fault: str
    from_then_on: bool = False
    where: str = ""
    calls: int = 0
    failed: list[tuple[Operation, str]] = field(default_factory=list)
    _lock: Any = field(default_factory=threading.Lock)

    def touch(self, operation: Operation, place: str) -> None:
        if self.where not in place:
            return
        with self._lock:
            self.calls += 1
            met = self.calls >= self.nth if self.from_then_on else self.calls == self.nth
            if not met or self.fault == ONE_READ_IS_SHORT:
                return
            self.failed.append((operation, place))
        if self.fault == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        raise FAULTS[self.fault](place)

    def granted(self, place: str, size: int) -> int:
        """Half of what is asked for, in the read that is the n-th call."""
        if self.fault != ONE_READ_IS_SHORT:
            return size
        if not (self.calls >= self.nth if self.from_then_on else self.calls == self.nth):
            return size
        self.failed.append(("read", place))
        return size // 2


@dataclass(frozen=True)
class Outcome:
    """What a run with a fault ended in: an answer, or an error."""

    nth: int
    operation: Operation
    place: str
    places: tuple[str, ...]  # of all calls that failed
    answer: Any
    error: BaseException | None


def every_call_fails(
    run: Callable[[], Any], fault: str, from_then_on: bool = False, where: str = ""
) -> Iterator[Outcome]:
    """Runs in which the first call fails, then the second one, until there are no more calls."""
    for nth in range(1, MOST):
        watcher = NthCallFails(nth, fault, from_then_on, where)
        ended = [_ended(run, watcher)]
        if watcher.failed:
            places = tuple(place for _, place in watcher.failed)
            yield Outcome(nth, *watcher.failed[0], places, *ended.pop())
        if watcher.calls < nth:
            return
    raise AssertionError(f"more than {MOST} calls: does it end?")


def every_call_may_fail(run: Callable[[], Any], fault: str) -> int:
    """Let each call fail that ``run`` makes, which tries nothing again, and see a named error.

    Returns how many calls there were.
    """
    run()  # what is loaded once
    before, calls = open_files(), 0
    for outcome in every_call_fails(run, fault):
        where = f"call {outcome.nth}: {outcome.operation} of {outcome.place}"
        assert outcome.error is not None, f"{where} failed, and nobody said so"
        calls += 1
        traceback.clear_frames(outcome.error.__traceback__)
        del outcome
        assert settled(lambda: open_files() <= before), where
    return calls


def settled(is_clean: Callable[[], bool]) -> bool:
    """Whether something becomes true within two seconds, with garbage collected.

    A pass that failed ends before the threads of its other tasks have let go of what they held,
    and their errors, which nobody is told of, hold one another until they are collected.
    """
    until = time.monotonic() + 2.0
    while not is_clean():
        if time.monotonic() > until:
            return False
        gc.collect()
        time.sleep(0.01)
    return True


def _ended(run: Callable[[], Any], watcher: NthCallFails) -> tuple[Any, BaseException | None]:
    with watched(watcher):
        try:
            return run(), None
        except (OutOfCoreError, MemoryError) as error:
            return None, error  # with its traceback, as a notebook keeps it


def open_files() -> set[str]:
    """What this process has open, in file systems."""
    found = set()
    for handle in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{handle}"))
        except FileNotFoundError:  # the listing's own
            continue
    return {path for path in found if path.startswith("/") and not path.startswith("/dev/")}
