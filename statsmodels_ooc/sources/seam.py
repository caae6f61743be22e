"""The seam between this package and what may fail: file systems, servers, databases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import pyarrow as pa

Operation = Literal[
    "connect", "fetch", "list", "open", "query", "read", "remove", "rename", "stat", "sync", "write"
]


class Watcher(Protocol):
    """What sees every call that leaves the process before it is made, and may let it fail."""

    def touch(self, operation: Operation, place: str) -> None:
        """Return, and the call is made; or raise what the call would raise."""

    def granted(self, place: str, size: int) -> int:
        """How many bytes a read of ``size`` bytes gives: fewer are a short read."""


_watcher: Watcher | None = None


def touch(operation: Operation, place: str | os.PathLike[str]) -> None:
    """Say that a call is about to leave the process.

    Parameters
    ----------
    operation : str
        What it does: "connect", "fetch", "list", "open", "query", "read", "remove",
        "rename", "stat", "sync" or "write".
    place : str or os.PathLike
        The file, the URL or the table. Never a password.
    """
    if _watcher is not None:
        _watcher.touch(operation, os.fspath(place))


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Let somebody see all calls of this process, as tests of faults do."""
    global _watcher
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before


def readable(file: Any, place: str) -> Any:
    """A file that is open for reading; where calls are watched, so are its reads."""
    return file if _watcher is None else pa.PythonFile(_WatchedFile(file, place), mode="r")


def created(path: str) -> Any:
    """A new local file, open for Arrow to write; where calls are watched, so are its writes."""
    touch("open", path)
    file = pa.OSFile(path, "wb")
    return file if _watcher is None else pa.PythonFile(_WatchedFile(file, path), mode="w")


def granted(place: str, size: int) -> int:
    """How many bytes a call to the system may give of those it is asked for."""
    return size if _watcher is None else _watcher.granted(place, size)


class _WatchedFile:
    """An open file whose reads and writes are seen first.

    As Arrow's own file does, it asks again for what the system has not given.
    """

    def __init__(self, file: Any, place: str) -> None:
        self._file, self._place = file, place

    def read(self, size: int = -1) -> bytes:
        touch("read", self._place)
        if size < 0:
            return bytes(self._file.read())
        data: bytes = self._file.read(granted(self._place, size))
        while len(data) < size and (more := self._file.read(size - len(data))):
            data += more
        return data

    def write(self, data: Any) -> int:
        touch("write", self._place)
        return int(self._file.write(data) or len(memoryview(data).cast("B")))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    @property
    def closed(self) -> bool:
        return bool(self._file.closed)
