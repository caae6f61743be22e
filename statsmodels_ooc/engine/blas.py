"""One BLAS thread for each of dask's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["one_blas_thread"]

_blas_lock = threading.Lock()
_blas_users: list[Any] = []


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _take_control() -> None:
    """Let this thread set OpenBLAS's limit, which threadpoolctl leaves to one thread."""
    for library in _blas().lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread while anyone in this process is inside.

    Parallelism comes from the partitions, and a sum that BLAS splits between threads
    would have other bits on another machine.
    """
    with _blas_lock:
        # The first to come sets the limit; the last to go lifts it.
        if _blas_users:
            _blas_users.append(None)
        else:
            _take_control()
            _blas_users.append(_blas().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _blas_lock:
            limiter = _blas_users.pop()
            if limiter is not None:
                _take_control()
                limiter.restore_original_limits()
                _take_control()
