"""Temporary folders that do not outlive their process, however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from statsmodels_ooc.errors import SpoolError
from statsmodels_ooc.sources.dask_frame import temporary_directory
from statsmodels_ooc.sources.seam import touch

_PREFIX = "statsmodels-ooc-"
_LOCK = "owner.lock"
_ATTEMPTS = 20  # at a folder into which another thread still writes

_alive: dict[str, int] = {}  # folders, and the processes that made them
_cleaned: set[str] = set()


class TemporaryFolder:
    """A folder that is removed with its last owner, or when Python ends.

    It lies where dask's ``temporary-directory`` says, or where `tempfile` does.
    A pickled copy of what owns it does not own it.

    Raises
    ------
    SpoolError
        It cannot be made.

    Notes
    -----
    Where SIGTERM has nobody who handles it, folders are removed before it ends the
    process. Of a process that was killed outright (SIGKILL, power), the next one removes
    the folders: their lock, which the owner holds as long as it lives, is free.
    """

    def __init__(self) -> None:
        with spool_errors(temporary_directory()):
            place = temporary_directory() or tempfile.gettempdir()
            _remove_orphans(place)
            touch("open", place)
            self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=place)
            lock = _locked(self.path)
        _alive[self.path] = os.getpid()
        _remove_at_sigterm()
        self._finalizer = weakref.finalize(self, _remove, self.path, lock)

    def remove(self) -> None:
        """Remove the folder now."""
        self._finalizer()

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return (type(None), ())


@contextmanager
def spool_errors(place: str | None) -> Iterator[None]:
    """Say that it is the temporary copy that cannot be written.

    Raises
    ------
    SpoolError
        For an OSError: no room, no permission, a limit on the size of files.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, SpoolError):
            raise
        raise SpoolError(
            f"no temporary copy can be written in {place or 'the temporary directory'}: {error}"
            + _room(place),
            hint="set TMPDIR, or dask.config.set({'temporary-directory': ...}), to a folder "
            "with room for the columns of the formula",
        ) from error


def _room(place: str | None) -> str:
    try:
        free = shutil.disk_usage(place or tempfile.gettempdir()).free
    except OSError:
        return ""
    return f" ({free:,} bytes are free there)"


def _lock(handle: int) -> None:
    """Lock an open file, or raise OSError: another process has, or there are no locks."""
    try:
        import fcntl
    except ImportError:  # Windows, where nobody can remove a folder whose files are open
        raise OSError("this system has no flock") from None
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _locked(folder: str) -> int:
    """A file of the folder, locked until it is closed or the process ends."""
    new, final = (os.path.join(folder, name) for name in ("new.lock", _LOCK))
    lock = os.open(new, os.O_CREAT | os.O_RDWR)
    with suppress(OSError):  # then nobody can lock it, and the folder is not taken for an orphan
        _lock(lock)
        os.rename(new, final)  # never seen unlocked
    return lock


def _remove(path: str, lock: int) -> None:
    os.close(lock)
    if _alive.pop(path) == os.getpid():
        _remove_all(path)


def _remove_all(path: str) -> None:
    """Remove a folder into which another thread may still write."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.exists(path):
            return


def _remove_orphans(place: str) -> None:
    """Remove the folders of dead processes, once a process and place."""
    if place in _cleaned:
        return
    _cleaned.add(place)
    for folder in Path(place).glob(_PREFIX + "*"):
        with suppress(OSError), open(folder / _LOCK, "rb") as lock:
            _lock(lock.fileno())  # fails while the owner lives
            shutil.rmtree(folder, ignore_errors=True)


def _remove_at_sigterm() -> None:
    """Take SIGTERM, unless somebody has, or this is not the thread that may."""
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    """Remove this process' folders and end as if nobody had taken the signal."""
    mine = [path for path, owner in list(_alive.items()) if owner == os.getpid()]
    for path in mine:
        _remove_all(path)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
