"""HDF5 files, opened by one of two libraries, by one thread of the process at a time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from typing import Any, Literal, Protocol, TypeVar

from statsmodels_ooc.errors import (
    MissingExtraError,
    OutOfCoreError,
    ParseError,
    SourceAccessError,
    SourceInterruptedError,
)
from statsmodels_ooc.forks import held_over_forks
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.frames import reader_bytes
from statsmodels_ooc.sources.hdf5_layout import Stored
from statsmodels_ooc.sources.listing import access_errors
from statsmodels_ooc.sources.seam import touch

NodeKind = Literal["group", "array", "other"]
Answer = TypeVar("Answer")

_LOCK = threading.RLock()
held_over_forks(_LOCK)
_CACHE = 2**24  # bytes of chunks, as PyTables has it


@contextmanager
def hdf5_lock() -> Iterator[None]:
    """Inside, no other thread of this package is inside of HDF5.

    Notes
    -----
    PyTables lets go of the interpreter's lock while it reads and has no lock of its own;
    h5py has one, ``phil``, for its own calls. The two come with an HDF5 library each, or
    share one that is mostly not built for threads, as in conda's environments. So there
    is one lock for both, and that of h5py is taken as well where h5py is loaded, which
    keeps a user's own calls of h5py out of a library that is shared. No thread that
    holds h5py's lock waits for this one, forks neither, which take both.
    """
    phil = getattr(sys.modules.get("h5py.h5d"), "phil", None)
    if phil is not None:
        _forks_take_it_first()
    with ExitStack() as held:
        held.enter_context(_LOCK)
        if phil is not None:
            held.enter_context(phil)
        yield


@cache
def _forks_take_it_first() -> None:
    """Have forks take this lock before that of h5py, which is given to them with its import."""
    held_over_forks(_LOCK)


class Reader(Protocol):
    """An open file, as far as tables are looked for and read in it; not for two threads."""

    def kind(self, path: str) -> NodeKind | None:
        """What is at a path, None where there is nothing."""
        ...

    def names(self, path: str) -> list[str]:
        """What is in a group, in the order that the file keeps."""
        ...

    def stored(self, path: str) -> Stored:
        """What an array or a table holds."""
        ...

    def pandas_type(self, path: str) -> str | None:
        """What pandas says of a group that it wrote."""
        ...

    def read(
        self, path: str, start: int, stop: int, columns: slice, fields: Sequence[str] | None
    ) -> Any:
        """Rows of an array: the span of columns of two dimensions, the fields of a table."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def cache_bytes() -> int:
    """Bytes of chunks of an array that a library keeps to read from them again."""
    return min(_CACHE, reader_bytes())


class OpenFile:
    """An open file whose calls are made under the lock, and whose errors have names."""

    def __init__(self, file: StoredFile, reader: Any) -> None:
        self.file, self._reader = file, reader

    def ask(self, question: Callable[[Any], Answer]) -> Answer:
        """What somebody makes of the open file in one go."""
        with hdf5_errors(self.file.path), hdf5_lock():
            touch("read", self.file.path)
            return question(self._reader)


@contextmanager
def opened(file: StoredFile, make: Callable[[str], Any]) -> Iterator[OpenFile]:
    """Open a file for reading, by its path.

    Parameters
    ----------
    file : StoredFile
        As it was when the source was opened.
    make : callable
        From a path to something with ``close``: a `Reader`, or a store of pandas.

    Raises
    ------
    SourceChangedError
        The file is another than when the source was opened: before, after, or when what
        was read makes no sense.
    SourceAccessError, ParseError
        It cannot be opened.
    """
    file.now()
    try:
        with hdf5_errors(file.path), hdf5_lock():
            touch("open", file.path)
            reader = make(file.path)
        try:
            yield OpenFile(file, reader)
        finally:
            with hdf5_lock():
                reader.close()
    except Exception:
        file.now()
        raise
    file.now()


@contextmanager
def hdf5_errors(path: str) -> Iterator[None]:
    """Name the file that a library of HDF5 cannot read, and say why.

    Raises
    ------
    SourceAccessError, SourceInterruptedError
        The system, or another program that writes into the file, is in the way.
    MissingExtraError
        It is compressed in a way that the library does not know.
    ParseError
        The file is damaged, or no HDF5.
    """
    try:
        yield
    except OutOfCoreError:
        raise
    except Exception as error:
        named = _named(error, path)
        with access_errors(path):
            if named is error:
                raise
            raise named from error


def looked_over(path: str) -> None:
    """Have h5py, where it is installed, find its way through a file that PyTables will open.

    The HDF5 that comes with PyTables ends the process over some damaged files, of which
    that of h5py tells.

    Raises
    ------
    ParseError
        The file is damaged, or no HDF5.
    """
    if find_spec("h5py") is None:
        return
    import h5py

    with hdf5_errors(path), hdf5_lock():
        touch("open", path)
        with h5py.File(path, "r") as file:
            for node in (file, *(file[name] for name in file)):
                dict(node.attrs)


_IN_USE = ("unable to lock file", "already open", "file is already opened")
_FILTERS = ("required filter", "filter not available", "filter is not", "can't open directory")


def _named(error: Exception, path: str) -> Exception:
    """What to raise instead; an error of the system stays what it is."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    cause = [line.strip() for line in lines if not line.startswith(("End of", "HDF5 error"))]
    said = ": ".join(dict.fromkeys((*cause[-1:], *cause[-2:-1])))
    text = str(error).lower()
    if any(words in text for words in _IN_USE):
        return SourceAccessError(
            f"{path} is open for writing: {said}",
            hint="close it where it is written, in this program or another, and read it then",
        )
    if any(words in text for words in _FILTERS):
        return MissingExtraError(
            f"{path} is compressed in a way that the library which reads it does not know: {said}",
            hint="pip install 'statsmodels_ooc[hdf5]' has PyTables, which knows blosc, lzo and "
            "bzip2; pip install hdf5plugin has more for h5py: import it first",
        )
    if isinstance(error, ConnectionError):
        return SourceInterruptedError(
            f"{path} cannot be read: {said or type(error).__name__}", hint="read it again"
        )
    if isinstance(error, OSError) and error.errno is not None:
        return error
    return ParseError(
        f"{path} cannot be read as HDF5: {type(error).__name__}: {said}",
        hint="memory has run out, or the file is damaged and asks for more than there is"
        if isinstance(error, MemoryError)
        else "the file may be truncated, damaged, still being written, or of another format",
    )
