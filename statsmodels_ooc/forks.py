"""What processes that are forked from this one begin anew, and what a fork waits for.

A child has the thread that forked, and no other: a lock that another thread held there nobody
gives back. `Lock` is free in the child then; use it for all locks of this package, but for those
that keep threads out of a library: that is in the middle of something in the child, too, so a
fork waits until nobody is inside, see `held_over_forks`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any
from weakref import WeakSet


def in_children(begin_anew: Callable[[], None]) -> None:
    """Call something in each process that is forked from this one, before all else.

    Parameters
    ----------
    begin_anew : callable
        Forgets what belongs to threads that a child does not have.
    """
    if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
        os.register_at_fork(after_in_child=begin_anew)


class Lock:
    """A lock that a thread may take again, and that no other holds in a forked child.

    Examples
    --------
    >>> from statsmodels_ooc.forks import Lock
    >>> lock = Lock()
    >>> with lock, lock:
    ...     pass
    """

    def __init__(self) -> None:
        self._lock: Any = threading.RLock()
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()

    def begin_anew(self) -> None:
        """In a child: let go of it for the threads that are not there."""
        if self._lock.acquire(blocking=False):  # nobody's, or of the thread that forked
            self._lock.release()
        else:
            self._lock = threading.RLock()


_locks: WeakSet[Lock] = WeakSet()


def _begin_anew() -> None:
    for lock in list(_locks):
        lock.begin_anew()


in_children(_begin_anew)


def held_over_forks(lock: Any) -> None:
    """Have forks wait until no other thread holds a lock, which then is free in both processes.

    Parameters
    ----------
    lock : threading.RLock
        Held for short times only, and never while waiting for a thread that may fork. Of several
        locks the fork takes first the one that was given last.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
