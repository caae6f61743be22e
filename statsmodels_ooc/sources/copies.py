"""Where copies of rows are written to: a temporary folder, or memory."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.forks import Lock
from statsmodels_ooc.sources.files import Expected, StoredFile
from statsmodels_ooc.sources.seam import created
from statsmodels_ooc.sources.temporary import TemporaryFolder, spool_errors


class Copies(Protocol):
    """Files that are written once, and go with the last that reads them."""

    def create(self, name: str) -> Any:
        """A new file, open for Arrow to write."""

    def check(self, name: str) -> None:
        """Refuse to go on with a file where it has grown too large."""

    def stored(self, name: str) -> StoredFile:
        """A file that has been closed, to be read."""

    def errors(self) -> AbstractContextManager[None]:
        """Say of an error of the system that it is the copy that cannot be written."""

    def remove(self) -> None:
        """Remove all files now."""


class FolderCopies:
    """Copies in a temporary folder, which is removed with the last of its files.

    Parameters
    ----------
    folder : TemporaryFolder, optional
        By default one of their own.
    """

    def __init__(self, folder: TemporaryFolder | None = None) -> None:
        self._folder = TemporaryFolder() if folder is None else folder

    def create(self, name: str) -> Any:
        return created(self._path(name))

    def check(self, name: str) -> None:
        """A full disk tells by itself."""

    def stored(self, name: str) -> StoredFile:
        return spooled_file(self._path(name), self._folder)

    def errors(self) -> AbstractContextManager[None]:
        return spool_errors(self._folder.path)

    def remove(self) -> None:
        self._folder.remove()

    def _path(self, name: str) -> str:
        return os.path.join(self._folder.path, name)


def spooled_file(path: str, folder: TemporaryFolder) -> StoredFile:
    """A file of a temporary folder, which it keeps alive."""
    found = os.stat(path)
    return StoredFile(path, found.st_size, found.st_mtime_ns, owner=folder)


_in_memory: weakref.WeakSet[MemoryCopies] = weakref.WeakSet()
_lock = Lock()


def copied_bytes() -> int:
    """What all copies in memory take."""
    with _lock:
        return sum(copies.nbytes for copies in _in_memory)


class MemoryCopies:
    """Copies in memory, which go with the last of them.

    Parameters
    ----------
    limit : int
        So many bytes at most.
    what : str
        What is copied, for a message.
    """

    def __init__(self, limit: int, what: str) -> None:
        self._limit, self._what = limit, what
        self._sinks: dict[str, pa.BufferOutputStream] = {}
        self._sizes: dict[str, int] = {}
        with _lock:
            _in_memory.add(self)

    @property
    def nbytes(self) -> int:
        """Bytes so far."""
        return sum(self._sizes.copy().values())

    def create(self, name: str) -> Any:
        self._sinks[name] = pa.BufferOutputStream()
        return self._sinks[name]

    def check(self, name: str) -> None:
        """Refuse to go on where all copies take more than the limit.

        Raises
        ------
        MemoryLimitError
            They do.
        """
        self._sizes[name] = self._sinks[name].tell()
        if self.nbytes > self._limit:
            raise MemoryLimitError(
                f"a copy of {self._what} in memory takes more than {self._limit:,} bytes, which is "
                "what memory_limit leaves for copies",
                hint="smo.options.cache = 'disk' copies to temporary files; "
                "smo.options.memory_limit = '8 GiB' raises the limit",
            )

    def stored(self, name: str) -> StoredFile:
        buffer = self._sinks.pop(name).getvalue()
        self._sizes[name] = buffer.size
        return _MemoryFile(f"{name} in memory", buffer.size, None, owner=self, buffer=buffer)

    def errors(self) -> AbstractContextManager[None]:
        return nullcontext()

    def remove(self) -> None:
        self._sinks.clear()
        self._sizes.clear()


@dataclass(frozen=True, repr=False)
class _MemoryFile(StoredFile):
    buffer: Any = field(default=None, compare=False)

    @contextmanager
    def opened(self, mapped: bool = False, expected: Expected = tuple) -> Iterator[pa.NativeFile]:
        with pa.BufferReader(self.buffer) as file:
            yield file
