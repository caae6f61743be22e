"""How many tasks of a process read at a time: as many as cores help and memory has room for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dask.system import CPU_COUNT

from statsmodels_ooc.forks import in_children
from statsmodels_ooc.sources.frames import release_unused

_MOST = 2**29  # bytes for all readers, so that memory does not grow with cores
_FOR_A_CORE, _FOR_MEMORY = 1.0, 60.0  # seconds that one waits while nobody gives a place back


def readers_at_once(need: int, room: int, is_far: bool) -> int:
    """How many readers may be open together, where each holds some bytes: one at least.

    More than there are cores only push one another out of caches, unless they wait for what is
    far.

    Parameters
    ----------
    need : int
        Bytes that one of them holds.
    room : int
        Bytes for all of them.
    is_far : bool
        Whether they may wait for something else than this machine.
    """
    count = max(min(_MOST, room) // max(need, 1), 1)
    return count if is_far else min(count, CPU_COUNT)


class _Open:
    """The readers that are open in this process.

    What is read inside of a task, such as by a function of a formula that fits a model, needs
    no place. Such a function may wait for other threads, whose tasks are not known to belong to
    this one: so nobody waits for ever, but one after the other goes in where no place comes back.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: list[int] = []
        self._near = 0  # of these, those that need a core
        self._waiting = 0
        self._most = 0  # threads that were here together
        self._turns = 0  # how often somebody has come in or left
        self._here = threading.local()

    def is_here(self) -> bool:
        """Whether this thread has one of them."""
        return bool(getattr(self._here, "is_open", False))

    @contextmanager
    def one(self, need: int, room: int, is_far: bool) -> Iterator[None]:
        """Wait until there is room for one more."""
        with self._changed:
            self._waiting += 1
            self._most = max(self._most, len(self._held) + self._waiting)
            try:
                self._wait(need, room, is_far)
            finally:
                self._waiting -= 1
            self._held.append(need)
            self._turn(0 if is_far else 1)
        self._here.is_open = True
        try:
            yield
        finally:
            self._here.is_open = False
            try:
                if self._most * need > room:
                    release_unused()  # allocators keep for each thread what it had
            finally:
                with self._changed:
                    self._held.remove(need)
                    self._turn(0 if is_far else -1)

    def _turn(self, near: int) -> None:
        self._near += near
        self._turns += 1
        self._changed.notify_all()

    def _wait(self, need: int, room: int, is_far: bool) -> None:
        """Until there is a place, or nobody has come or gone for long."""
        while self._held:
            has_room = sum(self._held) + need <= min(_MOST, room)
            if has_room and (is_far or self._near < CPU_COUNT):
                return
            turns, patience = self._turns, _FOR_A_CORE if has_room else _FOR_MEMORY
            self._changed.wait_for(lambda: self._turns != turns, patience)  # noqa: B023
            if self._turns == turns:
                return


_open = _Open()


def _begin_anew() -> None:
    global _open
    _open = _Open()


in_children(_begin_anew)


def reads_here() -> bool:
    """Whether a task that reads has led to this call."""
    return _open.is_here()


@contextmanager
def place_to_read(need: int, room: int, is_far: bool) -> Iterator[None]:
    """Read only while a core is free, and memory has room for what a reader holds.

    Parameters
    ----------
    need : int
        Bytes that it holds.
    room : int
        Bytes for all readers of this process.
    is_far : bool
        Whether the reader may wait for something else than this machine: then it needs no core.
    """
    if reads_here():
        yield
        return
    with _open.one(need, room, is_far):
        yield
