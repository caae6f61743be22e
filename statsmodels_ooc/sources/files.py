"""Finding the files behind a path, list of paths, glob, directory or URL."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from statsmodels_ooc.errors import (
    MissingExtraError,
    SourceChangedError,
    SourceNotFoundError,
)

__all__ = ["StoredFile", "find_files", "is_path", "shown"]

_MISSING_KEY = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class StoredFile:
    """One file, as it was when the source was opened.

    Attributes
    ----------
    path : str
        The local path or the fsspec URL.
    size : int
        Bytes.
    modified : int or None
        Nanoseconds of the last change; None for a URL.
    keys : tuple of (str, str or None)
        What ``key=value`` folders say of every row of the file.
    storage : mapping
        fsspec's storage options.
    owner : object
        Kept alive as long as the file is needed (a temporary folder).
    """

    path: str
    size: int
    modified: int | None
    keys: tuple[tuple[str, str | None], ...] = ()
    storage: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    owner: Any = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return self.path

    @property
    def local(self) -> bool:
        """Whether the file is on a mounted file system."""
        return "://" not in self.path

    @contextmanager
    def opened(self, mapped: bool = False) -> Iterator[pa.NativeFile]:
        """Open for reading, memory-mapped where that is possible and asked for.

        Mapping saves copies, but a file that is cut short while it is mapped ends the
        process.
        """
        if not self.local:
            filesystem, path = _filesystem(self.path, self.storage)
            with filesystem.open(path, "rb") as raw, pa.PythonFile(raw, mode="r") as file:
                yield file
            return
        self.check_unchanged()
        opener = pa.memory_map if mapped and self.size else pa.OSFile
        with opener(self.path) as file:
            yield file

    def check_unchanged(self) -> None:
        """Refuse a local file that is not the one that was opened first."""
        if not self.local:
            return
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            raise SourceChangedError(
                f"{self.path} was removed after the source was opened",
                hint="keep the files in place until the last result has been asked for",
            ) from None
        if found.st_size != self.size or found.st_mtime_ns != self.modified:
            raise SourceChangedError(
                f"{self.path} changed after the source was opened "
                f"({self.size:,} bytes then, {found.st_size:,} now)",
                hint="open the source again and fit again",
            )


def is_path(x: object) -> bool:
    """Whether ``x`` is a path, or a list of nothing but paths."""
    if isinstance(x, (list, tuple)):
        return bool(x) and all(isinstance(item, (str, os.PathLike)) for item in x)
    return isinstance(x, (str, os.PathLike))


def find_files(
    where: Any,
    suffixes: Collection[str],
    storage_options: Mapping[str, Any] | None = None,
) -> tuple[StoredFile, ...]:
    """Every file meant by ``where``, in natural order; a list keeps its own order.

    Parameters
    ----------
    where : str, os.PathLike, or a list of them
        Path, glob, directory or fsspec URL.
    suffixes : collection of str
        What a file inside a directory must end with to belong to the source.
    storage_options : mapping, optional
        Handed to fsspec for URLs.

    Raises
    ------
    SourceNotFoundError
        When nothing matches; the message says what was looked for.
    """
    storage = dict(storage_options or {})
    listed = isinstance(where, (list, tuple))
    files: list[StoredFile] = []
    for item in where if listed else [where]:
        text = os.fspath(item)
        if text.startswith("file://"):
            text = unquote(text[len("file://") :])
        found = _remote(text, suffixes, storage) if "://" in text else _local(text, suffixes)
        if not found:
            raise _nothing_at(text, suffixes)
        files += found
    if listed:
        files = [replace(file, keys=_keys(Path(file.path).parts[:-1])) for file in files]
    # A worker, or whoever loads a saved fit, may stand in another directory.
    return tuple(
        replace(file, path=os.path.abspath(file.path)) if file.local else file for file in files
    )


def shown(where: Any) -> str:
    """The path, or the first of a list, for messages."""
    if isinstance(where, (list, tuple)):
        return os.fspath(where[0]) + (f" and {len(where) - 1} more" if len(where) > 1 else "")
    return str(os.fspath(where))


def _nothing_at(text: str, suffixes: Collection[str]) -> SourceNotFoundError:
    if "://" not in text and os.path.isdir(text):
        return SourceNotFoundError(
            f"no data file in directory {text!r}",
            hint=f"looked, in all its folders, for files ending in {', '.join(suffixes)}",
        )
    what = "no file matches the pattern" if glob.has_magic(text) else "there is no file"
    place = "" if "://" in text else f"relative paths start from {os.getcwd()}"
    return SourceNotFoundError(f"{what} {text!r}", hint=place or None)


def _local(text: str, suffixes: Collection[str]) -> list[StoredFile]:
    text = os.path.expanduser(text)
    if os.path.isfile(text):
        return [_stat(text)]
    if os.path.isdir(text):
        return _in_directory(text, text, suffixes)
    root = _fixed_part(text)
    files: list[StoredFile] = []
    for match in sorted(glob.glob(text, recursive=True), key=_natural):
        if os.path.isdir(match):
            if not text.rstrip("/").endswith("**"):
                files += _in_directory(match, root, suffixes)
        else:
            files.append(_stat(match, _keys(Path(os.path.relpath(match, root)).parts[:-1])))
    return list({file.path: file for file in files}.values())


def _in_directory(folder: str, root: str, suffixes: Collection[str]) -> list[StoredFile]:
    paths = [
        os.path.join(place, name)
        for place, folders, names in _walk(folder)
        for name in names
        if _visible(name) and name.lower().endswith(tuple(suffixes))
    ]
    return [
        _stat(path, _keys(Path(os.path.relpath(path, root)).parts[:-1]))
        for path in sorted(paths, key=_natural)
    ]


def _walk(folder: str) -> Iterator[tuple[str, list[str], list[str]]]:
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if _visible(name)]
        yield place, folders, names


def _visible(name: str) -> bool:
    return not name.startswith(".") and ("=" in name or not name.startswith("_"))


def _stat(path: str, keys: tuple[tuple[str, str | None], ...] = ()) -> StoredFile:
    found = os.stat(path)
    return StoredFile(path, found.st_size, found.st_mtime_ns, keys)


def _fixed_part(pattern: str) -> str:
    parts = []
    for part in Path(pattern).parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return os.path.join(*parts) if parts else "."


def _keys(parts: Iterable[str]) -> tuple[tuple[str, str | None], ...]:
    pairs = [part.split("=", 1) for part in parts if "=" in part]
    return tuple(
        (unquote(key), None if value == _MISSING_KEY else unquote(value)) for key, value in pairs
    )


def _natural(path: str) -> list[Any]:
    """Sort key under which part-10 follows part-9."""
    return [
        (0, int(piece), piece) if piece.isdigit() else (1, 0, piece)
        for piece in re.split(r"([0-9]+)", path)
    ]


def _filesystem(url: str, storage: Mapping[str, Any]) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError(
            f"reading {url} needs fsspec",
            hint="pip install fsspec (and s3fs, gcsfs, adlfs …)",
        ) from None
    try:
        filesystem, path = fsspec.core.url_to_fs(url, **storage)
    except ImportError as error:
        raise MissingExtraError(f"reading {url}: {error}") from None
    return filesystem, path


def _remote(url: str, suffixes: Collection[str], storage: dict[str, Any]) -> list[StoredFile]:
    filesystem, path = _filesystem(url, storage)
    scheme = url.split("://", 1)[0]
    if glob.has_magic(path):
        root, paths = _fixed_part(path), filesystem.glob(path)
    elif filesystem.isdir(path):
        root = path
        paths = [
            item
            for item in filesystem.find(path)
            if item.lower().endswith(tuple(suffixes))
            and all(map(_visible, item[len(path) :].strip("/").split("/")))
        ]
    elif filesystem.exists(path):
        return [StoredFile(url, int(filesystem.info(path)["size"]), None, (), storage)]
    else:
        return []
    return [
        StoredFile(
            item if "://" in item else f"{scheme}://{item}",
            int(filesystem.info(item)["size"]),
            None,
            _keys(Path(item[len(root) :]).parts[:-1]),
            storage,
        )
        for item in sorted(paths, key=_natural)
    ]
