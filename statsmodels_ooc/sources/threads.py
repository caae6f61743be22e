"""Whether another thread than this one can read what a function gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

__all__ = ["Peeked", "peeked"]


class Peeked(NamedTuple):
    """The first piece of what a function gives.

    Attributes
    ----------
    pieces : iterator
        What it was taken from; closed, if it can be.
    first : object or None
        The piece, None where there is none.
    elsewhere : bool
        Whether a thread of its own could have it.
    """

    pieces: Any
    first: Any
    elsewhere: bool


def peeked(make: Callable[[], Iterable[Any]]) -> Peeked:
    """The first piece, from a thread of its own where that can be.

    Notes
    -----
    Connections of sqlite3 belong to the thread that made them, and SQLAlchemy gives
    each thread a database in memory of its own. What fails there is tried again here,
    and an error of the function is then its own.

    Examples
    --------
    >>> import sqlite3
    >>> from statsmodels_ooc.sources.threads import peeked
    >>> connection = sqlite3.connect(":memory:")
    >>> peeked(lambda: connection.execute("select 1")).elsewhere
    False
    >>> peeked(lambda: [1]).elsewhere
    True
    >>> connection.close()
    """
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(_peek, make)
        if trial.exception() is None:
            return Peeked(*trial.result(), elsewhere=True)
    return Peeked(*_peek(make), elsewhere=False)


def _peek(make: Callable[[], Iterable[Any]]) -> tuple[Any, Any]:
    pieces: Any = iter(make())
    try:
        return pieces, next(pieces, None)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
