"""Files behind fsspec URLs: what is there, and which version of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from statsmodels_ooc.errors import (
    OutOfCoreError,
    SourceAccessError,
    SourceError,
    SourceInterruptedError,
    SourceNotFoundError,
    SourcePermissionError,
)
from statsmodels_ooc.sources.filesystems import Storage, arrow_of, opened_filesystem
from statsmodels_ooc.sources.interruptions import is_unknown_host, passes, status_of
from statsmodels_ooc.sources.listing import Entry, Kind
from statsmodels_ooc.sources.ranged import RangedFile, fetchers
from statsmodels_ooc.sources.seam import granted, touch
from statsmodels_ooc.sources.secrets import without_secrets

_FLAT = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "cos"}  # list keys, not folders
_ADDRESS = "look at the address and storage_options="
_NETWORK = "look at the address, the network and storage_options="
_MARKS = (  # what servers call a mark that changes with the content, the surest first
    "etag", "md5hash", "content-md5", "content_md5", "crc32c", "generation", "versionid",
    "version_id", "lastmodified", "last-modified", "last_modified", "mtime", "modified",
    "updated", "created",
)  # fmt: skip


def tree_of(url: str, storage: Storage) -> tuple[RemoteTree, str]:
    """The file system of a URL, and the path there.

    Raises
    ------
    MissingExtraError
        A package that it needs is not installed.
    """
    with remote_errors(url, storage):
        filesystem, prefix, path = opened_filesystem(url, storage)
    return RemoteTree(filesystem, prefix, storage), path


@contextmanager
def remote_errors(url: str, storage: Storage = None) -> Iterator[None]:
    """Turn whatever a file system says against reading a URL into an error of this package.

    Messages have no secrets. What passes is a `SourceInterruptedError`: a connection that broke,
    a server that is down or too busy, an answer that took too long.
    """
    place = without_secrets(url, storage)
    try:
        yield
    except (OutOfCoreError, ImportError, MemoryError):
        raise
    except Exception as error:  # every client has errors of its own
        told = _described(error, place, storage)
    else:
        return
    raise told


def _described(error: Exception, place: str, storage: Storage) -> SourceError:
    """What to tell of an error of a client; its own words lead there, if they have no secrets."""
    said = f"{type(error).__name__}: {error}"
    shown = without_secrets(said, storage)
    harmless = shown == said and _is_free_of_secrets(error, storage)
    status = status_of(error)
    told: SourceError
    if is_unknown_host(error):
        told = SourceNotFoundError(f"{place}: there is no such host", hint=_NETWORK)
    elif passes(error):
        told = SourceInterruptedError(
            f"{place} cannot be read: {shown}",
            hint=f"the connection or the server failed, reading again may help; {_NETWORK}",
        )
    elif status in (401, 403) or isinstance(error, PermissionError):
        told = SourcePermissionError(
            f"permission denied: {place} may not be read: {shown}",
            hint="give the credentials in storage_options=",
        )
    elif status not in (None, 404):
        told = SourceAccessError(f"the server answers {status} to {place}: {shown}", hint=_NETWORK)
    elif status == 404 or isinstance(error, (FileNotFoundError, NotADirectoryError)):
        said = f" ({without_secrets(str(error), storage)})" if " " in str(error) else ""
        told = SourceNotFoundError(f"{place} is not there{said}", hint=_ADDRESS)
    else:
        told = SourceAccessError(f"{place} cannot be read: {shown}", hint=_NETWORK)
    told.__cause__ = error if harmless else None
    told.__suppress_context__ = True
    return told


def _is_free_of_secrets(error: BaseException, storage: Storage) -> bool:
    """Whether a traceback may be shown: causes are printed with it."""
    seen: BaseException | None = error
    while seen is not None:
        text = f"{seen}"
        if without_secrets(text, storage) != text:
            return False
        seen = seen.__cause__ or seen.__context__
    return True


@contextmanager
def opened_remotely(url: str, size: int, storage: Storage) -> Iterator[RangedFile]:
    """A file of a server, open for reading; its errors are those of this package."""
    with remote_errors(url, storage):
        touch("open", without_secrets(url, storage))
        tree, path = tree_of(url, storage)
        ranges = _Ranges(tree.filesystem, path, url, storage)
    file = RangedFile(ranges.coming, size)
    try:
        yield file
    finally:
        file.close()
        ranges.close()


class _Ranges:
    """Ranges of a file, which threads fetch."""

    def __init__(self, filesystem: Any, path: str, url: str, storage: Storage) -> None:
        self._url, self._storage = url, storage
        arrow = arrow_of(filesystem)
        self._file = None if arrow is None else arrow.open_input_file(path)
        self._filesystem, self._path = filesystem, path

    def _read(self, start: int, stop: int) -> bytes:
        if self._file is not None:
            return bytes(self._file.read_at(stop - start, start))
        return bytes(self._filesystem.cat_file(self._path, start=start, end=stop))

    def coming(self, start: int, stop: int) -> Future[bytes]:
        """Have a thread fetch a range."""
        with remote_errors(self._url, self._storage):
            touch("fetch", without_secrets(self._url, self._storage))
            return fetchers(os.getpid()).submit(self._fetch, start, stop)

    def _fetch(self, start: int, stop: int) -> bytes:
        with remote_errors(self._url, self._storage):
            pieces = [self._read(start, start + granted(self._url, stop - start))]
            missing = stop - start - len(pieces[0])
            while missing > 0 and pieces[-1]:
                pieces.append(self._read(stop - missing, stop))
                missing -= len(pieces[-1])
            if missing > 0:
                raise ConnectionError(f"{missing:,} of {stop - start:,} bytes did not come")
            if missing < 0:
                raise SourceAccessError(
                    f"the server gives all of {without_secrets(self._url, self._storage)} where a "
                    "part of it is asked for",
                    hint="download it first",
                )
        return b"".join(pieces)

    def close(self) -> None:
        """Close what is open."""
        if self._file is not None:
            self._file.close()


@dataclass(frozen=True)
class Version:
    """Which version of a file a server has."""

    size: int
    marks: tuple[tuple[str, str], ...]  # what else changes with the content, the surest first

    def differs(self, other: Version) -> bool:
        """Whether two versions are known to be different ones."""
        mine, others = dict(self.marks), dict(other.marks)
        shared = next((name for name in mine if name in others), None)
        return self.size != other.size or (shared is not None and mine[shared] != others[shared])


def version_of(tree: RemoteTree, path: str, *, fresh: bool = False) -> Version:
    """The version of a file: as listed, or fresh from the server.

    Raises
    ------
    SourceAccessError, SourceError
        It cannot be asked; the server does not say how long the file is.
    """
    found = tree.info(path, fresh=fresh)
    if found.get("size") is None:
        raise SourceError(
            f"the server does not tell the size of {without_secrets(tree.url(path))}",
            hint="download it first",
        )
    told = {str(key).lower(): str(value) for key, value in found.items() if value is not None}
    return Version(int(found["size"]), tuple((key, told[key]) for key in _MARKS if key in told))


class RemoteTree:
    """A file system of fsspec, and how its URLs begin."""

    def __init__(self, filesystem: Any, prefix: str, storage: Storage = None) -> None:
        self.filesystem = filesystem
        self.scheme = prefix.partition("://")[0]
        self._prefix, self._storage = prefix, storage
        self._known: dict[str, list[Entry]] = {}

    def url(self, path: str) -> str:
        """The URL of a path."""
        return path if "://" in path else f"{self._prefix}{path}"

    def learn(self, folder: str) -> None:
        """Look at all below a folder at once, where the store lists keys rather than folders."""
        if self.scheme not in _FLAT:
            return
        with remote_errors(self.url(folder), self._storage):
            touch("list", without_secrets(folder))
            found = self.filesystem.find(folder, detail=True)
        sizes = {
            key: info.get("size") if _kind(info) == "file" else 0 for key, info in found.items()
        }
        self._known = entries_of_keys(folder.rstrip("/"), sizes)

    def entries(self, folder: str) -> Sequence[Entry]:
        if folder in self._known:
            return self._known[folder]
        with remote_errors(self.url(folder), self._storage):
            touch("list", without_secrets(folder))
            found = self.filesystem.ls(folder, detail=True)
        here = folder.rstrip("/")
        paths = [(info["name"].rstrip("/"), _kind(info)) for info in found]
        return [Entry(path.rpartition("/")[2], kind) for path, kind in paths if path != here]

    def join(self, folder: str, name: str) -> str:
        return f"{folder.rstrip('/')}/{name}"

    def kind(self, path: str) -> Kind | None:
        if self.scheme in ("http", "https") and self._lists_links(path):
            return "folder"
        try:
            return _kind(self.info(path))
        except SourceNotFoundError:
            return None

    def _lists_links(self, path: str) -> bool:
        """Whether a page of links is a folder: no file has its name."""
        name = path.rpartition("/")[2]
        return not name or ("." not in name and bool(self.filesystem.isdir(path)))

    def identity(self, folder: str) -> object:
        return folder

    def info(self, path: str, *, fresh: bool = False) -> Mapping[str, Any]:
        """What the file system says of a path."""
        with remote_errors(self.url(path), self._storage):
            touch("stat", without_secrets(path))
            if fresh:
                self.filesystem.invalidate_cache()
            found: Mapping[str, Any] = self.filesystem.info(path)
        return found


def entries_of_keys(root: str, sizes: Mapping[str, int | None]) -> dict[str, list[Entry]]:
    """Folders below a root, as the keys of a store imply them, to what lies in each.

    Nothing stored under a key with others below it is the mark that some clients leave of a
    folder.
    """
    inside: dict[str, dict[Entry, int | None]] = {root: {}}
    for key, size in sizes.items():
        folder = root
        *parts, name = key[len(root) :].lstrip("/").split("/")
        for part in parts:
            inside[folder][Entry(part, "folder")] = None
            folder = f"{folder}/{part}"
            inside.setdefault(folder, {})
        if name:
            inside[folder][Entry(name, "file")] = size
    return {
        folder: [
            entry
            for entry, size in entries.items()
            if size != 0 or Entry(entry.name, "folder") not in entries
        ]
        for folder, entries in inside.items()
    }


def _kind(info: Mapping[str, Any]) -> Kind:
    return "folder" if info["type"] == "directory" else "file"
