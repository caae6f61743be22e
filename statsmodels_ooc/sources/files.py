"""Finding the files behind a path, list of paths, glob, directory or URL."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

import pyarrow as pa

from statsmodels_ooc.errors import (
    RepeatedFileWarning,
    SourceChangedError,
    SourceError,
    SourceNotFoundError,
    warn_caller,
)
from statsmodels_ooc.machine import address_limit
from statsmodels_ooc.sources.filesystems import Storage
from statsmodels_ooc.sources.listing import (
    LocalTree,
    absent,
    access_errors,
    system_errors,
)
from statsmodels_ooc.sources.path_parts import (
    FolderKeys,
    folder_keys,
    split_at_pattern,
)
from statsmodels_ooc.sources.places import files_in_folder, files_matching
from statsmodels_ooc.sources.remote import Version, opened_remotely, tree_of, version_of
from statsmodels_ooc.sources.seam import readable, touch
from statsmodels_ooc.sources.secrets import without_keys, without_secrets

_NOT_REGULAR = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

Expected: TypeAlias = Callable[[], Iterable[tuple[int, int]]]  # where pieces begin and end

_compared: ContextVar[bool] = ContextVar("compared", default=False)


@contextmanager
def contents_are_compared() -> Iterator[None]:
    """Inside, a file may have another time: whoever reads it compares all that it holds."""
    token = _compared.set(True)
    try:
        yield
    finally:
        _compared.reset(token)


@dataclass(frozen=True, repr=False)
class StoredFile:
    """One file, as it was when the source was opened.

    The server of a URL gives ``marks`` of the version: etag, checksum, times. The ``owner``,
    a temporary folder, is kept alive as long as the file is needed.
    """

    path: str  # local, or an fsspec URL
    size: int  # bytes
    modified: int | None  # nanoseconds of the last change; None for a URL
    keys: FolderKeys = ()
    marks: tuple[tuple[str, str], ...] = ()
    storage: Storage = field(default_factory=dict, compare=False)
    owner: Any = field(default=None, compare=False)

    def __str__(self) -> str:
        return without_secrets(self.path)

    def without_keys(self) -> StoredFile:
        """The same file, to be reached without what opens doors, as a saved result has it."""
        storage = self.storage
        bare = without_keys(storage) if isinstance(storage, Mapping) else storage
        return replace(self, path=self.path if self.local else str(self), storage=bare)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}: {self.size:,} bytes>"

    @property
    def name(self) -> str:
        """The path without what stands behind it in a URL, such as a signature."""
        last = self.path.rpartition("::")[2]  # of a chain of file systems
        is_web = last.startswith(("http://", "https://"))
        return self.path.partition("?")[0] if is_web else self.path

    @property
    def local(self) -> bool:
        """Whether the file is on a mounted file system."""
        return "://" not in self.path

    @contextmanager
    def opened(self, mapped: bool = False, expected: Expected = tuple) -> Iterator[pa.NativeFile]:
        """Open for reading, memory-mapped where that is possible and asked for.

        Not where addresses are counted: a map takes as many as the file has bytes.

        Mapping saves copies, but a file that is cut short while it is mapped ends the
        process: it is for files that nobody else knows of. Of files on servers, ranges are
        fetched ahead that ``expected`` gives.

        Raises
        ------
        SourceChangedError
            The file is another than when the source was opened, now or when what was
            read makes no sense or is over.
        SourceAccessError
            It cannot be opened.
        """
        self.as_read()
        try:
            with self._raw(mapped, expected) as file, system_errors(self.path):
                yield file
        except Exception:
            self._check_same(self.as_found())
            raise
        self.now()

    @contextmanager
    def _raw(self, mapped: bool, expected: Expected) -> Iterator[pa.NativeFile]:
        if self.local:
            with access_errors(self.path):
                touch("open", self.path)
                is_mapped = mapped and self.size and address_limit() is None
                raw = pa.memory_map(self.path) if is_mapped else pa.OSFile(self.path)
            with readable(raw, self.path) as file:
                yield file
            return
        with (
            opened_remotely(self.path, self.size, self.storage) as ranges,
            pa.PythonFile(ranges, mode="r") as file,
        ):
            ranges.expect(expected())
            yield file

    def as_read(self) -> StoredFile:
        """The file whose bytes will be read.

        Of a file on a server, what tells afterwards that it is the same suffices: to ask before
        as well costs a request.
        """
        return self.now() if self.local or _compared.get() else self

    def now(self) -> StoredFile:
        """The file as it is now.

        Raises
        ------
        SourceChangedError
            It is not the one that was opened first. Where `contents_are_compared`, only
            its size tells.
        """
        found = self.as_found()
        if found is not self and (found.size != self.size or not _compared.get()):
            self._check_same(found)
        return found

    def as_found(self) -> StoredFile:
        """The file as it is now, be it another; this one itself where a stat says no other."""
        try:
            if self.local:
                with access_errors(self.path):
                    touch("stat", self.path)
                    known = os.stat(self.path)
                if known.st_size == self.size and known.st_mtime_ns == self.modified:
                    return self
                return replace(self, size=known.st_size, modified=known.st_mtime_ns)
            version = version_of(*tree_of(self.path, self.storage), fresh=True)
            return replace(self, size=version.size, marks=version.marks)
        except SourceNotFoundError:
            raise SourceChangedError(
                f"{self} was removed after the source was opened, or is not on this machine",
                hint="keep the files in place until the last result has been asked for; the "
                "workers of a cluster need them under the same path",
            ) from None

    def _check_same(self, found: StoredFile) -> None:
        was, is_ = Version(self.size, self.marks), Version(found.size, found.marks)
        if was.differs(is_) or found.modified != self.modified:
            raise SourceChangedError(
                f"{self} changed after the source was opened "
                f"({self.size:,} bytes then, {found.size:,} now)",
                hint="open the source again and fit again",
            )


def find_files(
    where: Any,
    suffixes: Collection[str],
    storage: Storage = None,
) -> tuple[StoredFile, ...]:
    """Every file meant by ``where``, in natural order; a list keeps its own order.

    Parameters
    ----------
    where : str, os.PathLike, a list of them, or Listed
        Path, glob, directory or fsspec URL.
    suffixes : collection of str
        What a file inside a directory must end with to belong to the source.
    storage : Storage, optional
        How the files of URLs are reached.

    Returns
    -------
    tuple of StoredFile
        Each file once, however many links or items of the list lead to it; hard links in
        folders for other keys are other rows.

    Raises
    ------
    SourceNotFoundError
        When nothing matches, or a link leads nowhere; the message says what was looked
        for.
    SourceAccessError
        When a folder cannot be listed.
    TableFormatError
        When a folder is, or is inside, a Delta, Iceberg or Hudi table.
    SourceError
        When something is neither a file nor a folder: a pipe, a socket, a device.

    Warns
    -----
    RepeatedFileWarning
        A file came more than once.
    """
    listed = where if isinstance(where, Listed) else list_files(where, suffixes, storage)
    if listed.repeats:
        (again, first), *others = listed.repeats.items()
        more = f", and so are {len(others):,} more" if others else ""
        warn_caller(
            f"{again} is {'named twice' if again == first else f'the same as {first}'}{more}: "
            "what is reached more than once counts once",
            RepeatedFileWarning,
        )
    return listed.files


@dataclass(frozen=True)
class Listed:
    """The files that a path means, looked up, for whoever opens them.

    Attributes
    ----------
    where : str, os.PathLike, or a list of them
        The path.
    files : tuple of StoredFile
        Each file once.
    repeats : dict
        What else leads to one of them, and to which.
    """

    where: Any
    files: tuple[StoredFile, ...]
    repeats: Mapping[str, str]


def list_files(
    where: Any,
    suffixes: Collection[str],
    storage: Storage = None,
) -> Listed:
    """As `find_files`, but nothing is warned of."""
    storage = {} if storage is None else storage
    listed = isinstance(where, (list, tuple))
    repeats: dict[str, str] = {}
    found: list[_Found] = []
    for item in where if listed else [where]:
        text = os.fspath(item)
        if not text:
            raise SourceNotFoundError("the path is empty", hint="'.' is the current folder")
        if "\0" in text:
            raise SourceNotFoundError(
                f"the path {text!r} holds a NUL character, which no path has",
                hint="a backslash and a zero in quotes is one: write r'...', or /",
            )
        if text.startswith("file://"):
            text = unquote(text[len("file://") :])
        there = (
            _remote(text, suffixes, storage, repeats)
            if "://" in text or not isinstance(storage, Mapping)
            else _local(text, suffixes, repeats)
        )
        if not there:
            raise _nothing_at(text, suffixes)
        found += there
    files = _once(found, repeats)
    if listed:
        files = [replace(file, keys=folder_keys(Path(file.path).parts[:-1])) for file in files]
    return Listed(where, tuple(files), repeats)


@dataclass(frozen=True)
class _Found:
    """A file, and what is the same under every path that leads to it."""

    file: StoredFile
    identity: object


def _once(found: Sequence[_Found], repeats: dict[str, str]) -> list[StoredFile]:
    """Each file under one path, the one with the fewest links."""
    chosen: dict[object, StoredFile] = {}
    for item in found:
        known, file = chosen.setdefault(item.identity, item.file), item.file
        if known is file:
            continue
        if _links(file.path) < _links(known.path):
            chosen[item.identity] = file
            known, file = file, known
        repeats[file.path] = known.path
    return [item.file for item in found if chosen[item.identity] is item.file]


def _links(path: str) -> int:
    """How many of the folders and the file of a local path are links."""
    return sum(map(os.path.islink, (path, *map(str, Path(path).parents))))


def stored_file(path: str, storage: Storage = None) -> StoredFile:
    """One file by its path or URL, as it is now.

    Raises
    ------
    SourceAccessError
        It is not there, or cannot be asked.
    """
    if "://" not in path:
        return _stat(path).file
    tree, place = tree_of(path, storage or {})
    version = version_of(tree, place)
    return StoredFile(path, version.size, None, (), version.marks, storage or {})


def shown(where: Any) -> str:
    """The path, or the first of a list, for messages."""
    if isinstance(where, Listed):
        return shown(where.where)
    if isinstance(where, (list, tuple)):
        return shown(where[0]) + (f" and {len(where) - 1} more" if len(where) > 1 else "")
    return without_secrets(str(os.fspath(where)))


def _nothing_at(text: str, suffixes: Collection[str]) -> SourceNotFoundError:
    text = without_secrets(text)
    if "://" not in text and os.path.isdir(text):
        return SourceNotFoundError(
            f"no data file in directory {text!r}",
            hint=f"looked, in all its folders, for files ending in {', '.join(suffixes)}",
        )
    what = "no file matches the pattern" if glob.has_magic(text) else "there is no file"
    where = f"relative paths start from {os.getcwd()}"
    return SourceNotFoundError(
        f"{what} {text!r}",
        hint="look at the address and storage_options=" if "://" in text else where,
    )


def _local(text: str, suffixes: Collection[str], repeats: dict[str, str]) -> list[_Found]:
    tree, path = LocalTree(), _absolute(os.path.expanduser(text))
    kind = tree.kind(path)
    if kind == "nothing":
        raise absent(path)
    if kind == "file":
        return [_stat(path)]
    places: dict[str, FolderKeys] = {}
    if kind == "folder":
        places = files_in_folder(tree, path, path, suffixes, repeats)
    elif glob.has_magic(path):
        fixed, pattern = split_at_pattern(Path(path).parts)
        places = files_matching(tree, os.path.join(*fixed), pattern, suffixes, repeats)
    return [_stat(place, keys) for place, keys in places.items()]


def _absolute(path: str) -> str:
    """A path that is right wherever a worker, or whoever loads a saved fit, stands."""
    upwards = ".." in Path(path).parts  # of a link, it leads out of what the link leads to
    return os.path.realpath(path) if upwards else os.path.abspath(path)


def _remote(
    url: str, suffixes: Collection[str], storage: Storage, repeats: dict[str, str]
) -> list[_Found]:
    tree, path = tree_of(url, storage)
    if glob.has_magic(path.replace("?", "")):  # which begins a query
        fixed, pattern = split_at_pattern(path.split("/"))
        places = files_matching(tree, "/".join(fixed), pattern, suffixes, repeats)
    elif tree.kind(path) == "folder":
        tree.learn(path)
        places = files_in_folder(tree, path.rstrip("/"), path.rstrip("/"), suffixes, repeats)
    elif tree.kind(path) is None:
        return []
    else:
        places = {path: ()}
    found = []
    for place, keys in places.items():
        version = version_of(tree, place)
        address = url if place == path and "://" in url else tree.url(place)
        file = StoredFile(address, version.size, None, keys, version.marks, storage)
        found.append(_Found(file, address))
    return found


def _stat(path: str, keys: FolderKeys = ()) -> _Found:
    with access_errors(path):
        touch("stat", path)
        found = os.stat(path)
    special = next((name for is_, name in _NOT_REGULAR if is_(found.st_mode)), None)
    if special is not None:
        raise SourceError(
            f"{path} is {special}, not a file, and cannot be read more than once",
            hint="copy what comes out of it into a file, or hand over an iterator of DataFrames",
        )
    return _Found(StoredFile(path, found.st_size, found.st_mtime_ns, keys), _identity(path, found))


def _identity(path: str, found: os.stat_result) -> object:
    """What all paths of a file have in common; of hard links those in folders for the same keys.

    What folders say of its rows belongs to them: under other keys they are other rows.
    """
    if not found.st_ino:
        return os.path.realpath(path)
    linked = found.st_nlink > 1
    keys = folder_keys(Path(os.path.realpath(path)).parts[:-1]) if linked else ()
    return found.st_dev, found.st_ino, keys
