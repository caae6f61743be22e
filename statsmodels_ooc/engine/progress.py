"""A pass that runs: its bar, the tasks that work for it, and its end."""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm.auto import tqdm

from statsmodels_ooc.errors import OutOfCoreError
from statsmodels_ooc.forks import in_children
from statsmodels_ooc.options import options

_process = uuid.uuid4().hex  # tells passes of this process from those of others
_PATIENCE = 1.5  # seconds that a pass which failed waits for the frames that its tasks work on


class PassOverError(OutOfCoreError, RuntimeError):
    """A task works for a pass that has ended: it failed elsewhere, or was interrupted."""


class _Running:
    """A pass of this process."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar
        self.over = threading.Event()
        self._tasks, self._changed = 0, threading.Condition()

    def enter(self, count: int) -> None:
        """So many tasks more work for it."""
        with self._changed:
            self._tasks += count
            self._changed.notify_all()

    def end(self) -> None:
        """Let its tasks end with the frame at which they are, and wait for them."""
        self.over.set()
        with self._changed:
            self._changed.wait_for(lambda: not self._tasks, _PATIENCE)


_running: dict[str, _Running] = {}


def _begin_anew() -> None:
    global _process
    _process = uuid.uuid4().hex
    _running.clear()


in_children(_begin_anew)


@contextmanager
def progress(name: str, rows: int | None) -> Iterator[str]:
    """Show a bar for a pass that lasts; silent where there is no terminal.

    Yields
    ------
    str
        What its tasks know it by. When it ends, be it by an error or an interruption, no
        task of this process goes on.
    """
    _let_signals_interrupt()
    shown = options.progress
    meter = f"{_process}-{uuid.uuid4().hex}"
    bar = tqdm(
        desc=name,
        total=rows,
        unit=" rows",
        unit_scale=True,
        delay=0 if shown else 1.0,
        disable=None if shown is None else not shown,
        leave=bool(shown),
    )
    _running[meter] = _Running(bar)
    try:
        yield meter
    finally:
        _running.pop(meter).end()
        bar.close()


def _let_signals_interrupt() -> None:
    """Let Ctrl-C wake whoever waits for tasks, whatever a library made of its handler.

    Polars has calls of the system begin again; Python then learns of a signal when a task ends.
    """
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "siginterrupt"):
        signal.siginterrupt(signal.SIGINT, True)


@contextmanager
def at_work(meter: str | None) -> Iterator[None]:
    """Inside, a task works for a pass; a worker elsewhere knows nothing of it."""
    running = _of(meter)
    if running is None:
        yield
        return
    running.enter(1)
    try:
        yield
    finally:
        running.enter(-1)


def tick(meter: str | None, rows: int) -> None:
    """Advance the bar of this process; a worker elsewhere has none.

    Raises
    ------
    PassOverError
        The pass has ended.
    """
    running = _of(meter)
    if running is not None:
        running.bar.update(rows)


def pause(meter: str | None, seconds: float) -> None:
    """Wait before something is tried again, no longer than the pass lasts.

    Raises
    ------
    PassOverError
        The pass has ended.
    """
    running = _of(meter)
    if running is None:
        time.sleep(seconds)
    elif running.over.wait(seconds):
        raise _over()


def _of(meter: str | None) -> _Running | None:
    """The pass, where it is one of this process."""
    running = None if meter is None else _running.get(meter)
    if running is None and meter is not None and meter.startswith(_process):
        raise _over()
    return running


def _over() -> PassOverError:
    return PassOverError("the pass is over: another of its tasks failed, or it was interrupted")
