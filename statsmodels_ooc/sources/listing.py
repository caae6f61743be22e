"""What lies below a folder or matches a pattern; what cannot be listed is an error."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from statsmodels_ooc.errors import (
    OutOfCoreError,
    SourceAccessError,
    SourceNotFoundError,
    SourcePermissionError,
)
from statsmodels_ooc.sources.seam import touch

Kind = Literal["file", "folder", "nothing"]  # nothing: a link that leads nowhere


@dataclass(frozen=True)
class Entry:
    """What a folder says of one thing in it; a link is what it leads to."""

    name: str
    kind: Kind
    is_link: bool = False


class Tree(Protocol):
    """A file system, as far as finding files needs it."""

    def entries(self, folder: str) -> Sequence[Entry]:
        """What lies in a folder; an error where that cannot be told."""
        ...

    def join(self, folder: str, name: str) -> str:
        """The path of what lies in a folder."""
        ...

    def kind(self, path: str) -> Kind | None:
        """What is under a path, None where there is nothing."""
        ...

    def identity(self, folder: str) -> object:
        """What all paths of a folder have in common."""
        ...


class LocalTree:
    """The mounted file systems."""

    def entries(self, folder: str) -> Sequence[Entry]:
        with access_errors(folder):
            touch("list", folder)
        with access_errors(folder), os.scandir(folder) as found:
            return [Entry(item.name, _kind(item), item.is_symlink()) for item in found]

    def join(self, folder: str, name: str) -> str:
        return os.path.join(folder, name)

    def kind(self, path: str) -> Kind | None:
        try:
            with access_errors(path):
                os.stat(path)
        except SourceNotFoundError:
            return "nothing" if os.path.islink(path) else None
        return "folder" if os.path.isdir(path) else "file"

    def identity(self, folder: str) -> object:
        with access_errors(folder):
            found = os.stat(folder)
        return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(folder)


def _kind(item: os.DirEntry[str]) -> Kind:
    try:
        if item.is_dir():
            return "folder"
    except OSError as error:
        if error.errno != errno.ELOOP:  # a link to itself
            raise
    return "nothing" if item.is_symlink() and not os.path.exists(item.path) else "file"


_OTHERS = "mend it, or name the other files, so that it is clear that its rows are left out"


@contextmanager
def access_errors(place: str, hint: str = _OTHERS) -> Iterator[None]:
    """Turn what the system says against reading a path into an error of this package.

    ``hint`` is what to do about anything but a missing permission or file.

    Raises
    ------
    SourcePermissionError, SourceNotFoundError, SourceAccessError
        It may not be read; it is not there; anything else.
    """
    try:
        yield
    except OutOfCoreError:
        raise
    except PermissionError as error:
        raise SourcePermissionError(
            f"permission denied: {_blamed(error, place)} may not be read",
            hint="get the right to read it (of a folder, also the right to enter it), or name the "
            "other files, so that it is clear that its rows are left out",
        ) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise absent(_blamed(error, place)) from error
    except OSError as error:
        raise SourceAccessError(
            f"{_blamed(error, place)} cannot be read: {error.strerror or error}", hint=hint
        ) from error


@contextmanager
def system_errors(place: str) -> Iterator[None]:
    """As `access_errors`, of errors of the system: Arrow says OSError of damaged files, too."""
    try:
        yield
    except OutOfCoreError:
        raise
    except OSError as error:
        if error.errno is None and not isinstance(error, (ConnectionError, TimeoutError)):
            raise
        with access_errors(place):
            raise


def _blamed(error: OSError, place: str) -> str:
    return error.filename if isinstance(error.filename, str) else place


def absent(path: str) -> SourceNotFoundError:
    """The error for a path under which nothing is, or a link that leads nowhere."""
    if os.path.islink(path):
        return SourceNotFoundError(
            f"{path} is a link to {os.readlink(path)}, which is not there",
            hint="mend the link, mount what it leads to, or remove it",
        )
    return SourceNotFoundError(f"{path} is not there")


def is_visible(name: str) -> bool:
    """Whether what has this name belongs to the data; logs and leftovers do not."""
    return not name.startswith(".") and ("=" in name or not name.startswith("_"))


def folders(
    tree: Tree, root: str, repeats: dict[str, str], *, underscored: bool = False
) -> Iterator[tuple[str, Sequence[Entry]]]:
    """A folder and all below it, each once, with what lies in them.

    ``repeats`` gets the links to folders that come under another path already; folders whose
    names begin with "_" count only where ``underscored``.
    """
    told: dict[object, str] = {}
    waiting = deque([root])
    while waiting:
        folder = waiting.popleft()
        identity = tree.identity(folder)
        if identity in told:
            repeats[folder] = told[identity]
            continue
        told[identity] = folder
        entries = tree.entries(folder)
        yield folder, entries
        for entry in entries:
            path = tree.join(folder, entry.name)
            if not (is_visible(entry.name) or (underscored and not entry.name.startswith("."))):
                continue
            if entry.kind == "nothing":
                raise absent(path)  # nobody can tell whether it was a folder of data
            if entry.kind == "folder" and entry.is_link:
                waiting.append(path)  # later than any path without a link
            elif entry.kind == "folder":
                waiting.appendleft(path)


def matches(
    tree: Tree, root: str, pattern: Sequence[str], repeats: dict[str, str]
) -> Iterator[tuple[str, Kind]]:
    """What matches a pattern below a root, as `glob.glob` has it.

    "**" stands for any number of folders. A name that begins with a dot is matched by a
    part that does. The last part of the pattern is a file or folder, the others are folders.
    """
    part, *rest = pattern
    if part == "**":
        for folder, entries in folders(tree, root, repeats, underscored=True):
            if rest:
                yield from matches(tree, folder, rest, repeats)
                continue
            for entry in entries:
                if entry.kind == "file" and not entry.name.startswith("."):
                    yield tree.join(folder, entry.name), "file"
        return
    for path, kind in _matching(tree, root, part):
        if kind == "nothing":
            raise absent(path)
        if not rest:
            yield path, kind
        elif kind == "folder":
            yield from matches(tree, path, rest, repeats)


def _matching(tree: Tree, folder: str, part: str) -> Iterator[tuple[str, Kind]]:
    if not glob.has_magic(part):
        kind = tree.kind(tree.join(folder, part))
        if kind is not None:
            yield tree.join(folder, part), kind
        return
    for entry in tree.entries(folder):
        dotted = entry.name.startswith(".") and not part.startswith(".")
        if not dotted and fnmatch.fnmatch(entry.name, part):
            yield tree.join(folder, entry.name), entry.kind
