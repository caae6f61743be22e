"""How many tasks of a process read at a time: as many as memory has room for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dask.system import CPU_COUNT

from statsmodels_ooc.sources.frames import release_unused

_EASY = 2**29  # bytes for readers that are more than the cores, and so hardly help


def readers_at_once(need: int, room: int) -> int:
    """How many readers may be open together, where each holds some bytes: one at least.

    Parameters
    ----------
    need : int
        Bytes that one of them holds.
    room : int
        Bytes for all of them.
    """
    need = max(need, 1)
    return max(min(CPU_COUNT, room // need), min(_EASY, room) // need, 1)


class _Open:
    """The readers that are open in this process.

    Who holds a place waits for nobody, so that it comes back: a task reads one partition, and
    what is read inside of a task, such as by a function of a formula that fits a model, needs
    no place.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: list[int] = []
        self._waiting = 0
        self._here = threading.local()

    def is_here(self) -> bool:
        """Whether this thread has one of them."""
        return bool(getattr(self._here, "is_open", False))

    @contextmanager
    def one(self, need: int, room: int) -> Iterator[None]:
        """Wait until there is room for one more."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._fits(need, room))
            finally:
                self._waiting -= 1
            self._held.append(need)
        self._here.is_open = True
        try:
            yield
        finally:
            self._here.is_open = False
            if self._waiting:
                release_unused()  # an allocator keeps some for each thread, also while it waits
            with self._changed:
                self._held.remove(need)
                self._changed.notify_all()

    def _fits(self, need: int, room: int) -> bool:
        total, count = sum(self._held) + need, len(self._held) + 1
        return count == 1 or total <= (room if count <= CPU_COUNT else min(_EASY, room))


_open = _Open()


def reads_here() -> bool:
    """Whether a task that reads has led to this call."""
    return _open.is_here()


@contextmanager
def place_to_read(need: int, room: int) -> Iterator[None]:
    """Read only while memory has room for what a reader holds.

    Parameters
    ----------
    need : int
        Bytes that it holds.
    room : int
        Bytes for all readers of this process.
    """
    if reads_here():
        yield
        return
    with _open.one(need, room):
        yield
