"""Whether another thread than this one can read what a function gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

__all__ = ["works_in_threads"]


def works_in_threads(make: Callable[[], Iterable[Any]]) -> bool:
    """Whether the first piece can be had in a thread of its own.

    Parameters
    ----------
    make : callable
        Gives an iterable; it has just given a first piece in this thread, so that
        whatever goes wrong now comes from the thread.

    Notes
    -----
    Connections of sqlite3 belong to the thread that made them, and SQLAlchemy gives
    each thread a database in memory of its own.

    Examples
    --------
    >>> import sqlite3
    >>> from statsmodels_ooc.sources.threads import works_in_threads
    >>> connection = sqlite3.connect(":memory:")
    >>> works_in_threads(lambda: connection.execute("select 1"))
    False
    >>> works_in_threads(lambda: [1])
    True
    >>> connection.close()
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_first_comes, make).result()


def _first_comes(make: Callable[[], Iterable[Any]]) -> bool:
    pieces: Any = None
    try:
        pieces = iter(make())
        next(pieces, None)
    except Exception:
        return False
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return True
