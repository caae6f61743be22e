"""A thread for a connection that belongs to the thread that opened it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

_PATIENCE = 2.0  # seconds that closing is waited for: whoever collects garbage may hold a lock


class OwnThread:
    """Makes calls in one thread, whoever asks for them, until it is ended.

    Notes
    -----
    A connection may be closed by the garbage collector, which runs in the middle of anything,
    also of what holds a lock: ending takes none, as pools of threads do, and waits for little.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Any] = SimpleQueue()
        thread = threading.Thread(
            target=_serve, args=(self._calls,), name="smo-connection", daemon=True
        )
        thread.start()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function returns, or raises."""
        answers: SimpleQueue[Any] = SimpleQueue()
        self._calls.put((function, arguments, answers))
        value, error = answers.get()
        if error is not None:
            raise error
        return value

    def attempt(self, function: Callable[[], Any]) -> None:
        """Call what closes something; what it raises does not matter."""
        answers: SimpleQueue[Any] = SimpleQueue()
        self._calls.put((function, (), answers))
        with suppress(Empty):
            answers.get(timeout=_PATIENCE)

    def end(self) -> None:
        """Let the thread end when it has done what was asked for before."""
        self._calls.put(None)


def _serve(calls: SimpleQueue[Any]) -> None:
    while (asked := calls.get()) is not None:
        function, arguments, answers = asked
        try:
            answers.put((function(*arguments), None))
        except BaseException as error:  # belongs to whoever asked
            answers.put((None, error))
        del asked, function, arguments, answers
