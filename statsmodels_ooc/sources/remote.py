"""Files behind fsspec URLs: what is there, and which version of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from statsmodels_ooc.errors import (
    MissingExtraError,
    OutOfCoreError,
    SourceAccessError,
    SourceError,
    SourceInterruptedError,
    SourceNotFoundError,
    SourcePermissionError,
)
from statsmodels_ooc.sources.listing import Entry, Kind, access_errors
from statsmodels_ooc.sources.seam import granted, touch

_FLAT = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "cos"}  # list keys, not folders
_NETWORK = "look at the address, the network and storage_options="
_MARKS = (  # what servers call a mark that changes with the content, the surest first
    "etag", "md5hash", "content-md5", "content_md5", "crc32c", "generation", "versionid",
    "version_id", "lastmodified", "last-modified", "last_modified", "mtime", "modified",
    "updated", "created",
)  # fmt: skip


def tree_of(url: str, storage: Mapping[str, Any]) -> tuple[RemoteTree, str]:
    """The file system of a URL, and the path there.

    Raises
    ------
    MissingExtraError
        A package that it needs is not installed.
    """
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError(
            f"reading {url} needs fsspec",
            hint="pip install fsspec (and s3fs, gcsfs, adlfs …)",
        ) from None
    try:
        with remote_errors(url):
            filesystem, path = fsspec.core.url_to_fs(url, **storage)
    except ImportError as error:
        raise MissingExtraError(f"reading {url}: {error}") from None
    return RemoteTree(filesystem, url.split("://", 1)[0]), path


@contextmanager
def remote_errors(url: str) -> Iterator[None]:
    """Turn whatever a file system says against reading a URL into an error of this package."""
    try:
        with access_errors(url, _NETWORK):
            yield
    except SourceNotFoundError as error:
        status = getattr(_first_cause(error), "status", 404)  # of HTTP
        if status in (401, 403):
            raise SourcePermissionError(
                f"permission denied: the server answers {status} to {url}",
                hint="give the credentials in storage_options=",
            ) from error
        if status != 404:
            raise SourceAccessError(f"the server answers {status} to {url}") from error
        raise
    except (OutOfCoreError, ImportError):
        raise
    except Exception as error:  # every client has errors of its own
        raise SourceAccessError(
            f"{url} cannot be read: {type(error).__name__}: {error}", hint=_NETWORK
        ) from error


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


class RemoteFile:
    """An open file of a file system, whose errors while it is read are those of this package.

    It gives as many bytes as it is asked for, fewer only at its end: after ``length`` bytes.
    """

    def __init__(self, raw: Any, url: str, length: int) -> None:
        self._raw = raw
        self._url = url
        self._length = length

    def read(self, size: int) -> bytes:
        with remote_errors(self._url):
            touch("read", self._url)
            pieces = [self._raw.read(granted(self._url, size))]
            missing = size - len(pieces[0])
            while missing and pieces[-1]:
                pieces.append(self._raw.read(missing))
                missing -= len(pieces[-1])
            if missing and self._raw.tell() < self._length:
                raise SourceInterruptedError(
                    f"{self._url}: the server ended after {self._raw.tell():,} of "
                    f"{self._length:,} bytes"
                )
        return b"".join(pieces)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with remote_errors(self._url):
            return int(self._raw.seek(offset, whence))

    def tell(self) -> int:
        return int(self._raw.tell())

    def close(self) -> None:
        self._raw.close()

    @property
    def closed(self) -> bool:
        return bool(self._raw.closed)


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
            f"the server does not tell the size of {tree.url(path)}", hint="download it first"
        )
    told = {str(key).lower(): str(value) for key, value in found.items() if value is not None}
    return Version(int(found["size"]), tuple((key, told[key]) for key in _MARKS if key in told))


class RemoteTree:
    """A file system of fsspec, and how its URLs begin."""

    def __init__(self, filesystem: Any, scheme: str) -> None:
        self.filesystem = filesystem
        self.scheme = scheme
        self._known: dict[str, list[Entry]] = {}

    def url(self, path: str) -> str:
        """The URL of a path."""
        return path if "://" in path else f"{self.scheme}://{path}"

    def learn(self, folder: str) -> None:
        """Look at all below a folder at once, where the store lists keys rather than folders."""
        if self.scheme not in _FLAT:
            return
        with remote_errors(self.url(folder)):
            touch("list", folder)
            found = self.filesystem.find(folder, detail=True)
        sizes = {
            key: info.get("size") if _kind(info) == "file" else 0 for key, info in found.items()
        }
        self._known = entries_of_keys(folder.rstrip("/"), sizes)

    def entries(self, folder: str) -> Sequence[Entry]:
        if folder in self._known:
            return self._known[folder]
        with remote_errors(self.url(folder)):
            touch("list", folder)
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
        with remote_errors(self.url(path)):
            touch("stat", path)
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
