"""A zip of JSON and arrays: every size is known before anything is read into memory."""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from statsmodels_ooc.errors import SavedResultError
from statsmodels_ooc.sources.seam import touch
from statsmodels_ooc.sources.whole_files import unfinished, write_whole

FORMAT = 1
_KIND = "statsmodels_ooc results"
_ABOUT, _TREE = "about.json", "results.json"
_MOST_HEADER = 10_000  # bytes of an array's header
_ZIP, _NAME_AT = b"PK\x03\x04", 30  # how a zip file begins, and where its first name stands
_SAME_DAY = (1980, 1, 1, 0, 0, 0)  # the same results make the same bytes


def write_archive(
    path: str, about: Mapping[str, Any], tree: Any, arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write results so that the file is there completely, or as it was before.

    Parameters
    ----------
    path : str
        Of the file, which is replaced where it is there.
    about : mapping
        What it is, for people.
    tree : object
        What JSON has.
    arrays : mapping
        Arrays of numbers, times or truth values by the name of their file.

    Raises
    ------
    SavedResultError
        It cannot be written.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        told = {"kind": _KIND, "format": FORMAT, **about}
        _add(archive, _ABOUT, json.dumps(told, indent=1, ensure_ascii=False).encode())
        _add(archive, _TREE, json.dumps(tree, allow_nan=False, ensure_ascii=False).encode())
        for name, array in arrays.items():
            file = io.BytesIO()
            npy.write_array(file, array, allow_pickle=False)
            _add(archive, name, file.getvalue())
    _replace(Path(path), content.getvalue())


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _SAME_DAY), content)


def _replace(path: Path, content: bytes) -> None:
    left = unfinished(path)
    try:
        write_whole(path, content)
    except OSError as error:
        raise SavedResultError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="make room there, or give another path; what was there before stays",
        ) from error
    finally:
        for file in left:
            with suppress(OSError):
                file.unlink(missing_ok=True)


class Archive:
    """An archive that is read.

    Parameters
    ----------
    path : str
        Of the file.

    Raises
    ------
    SavedResultError
        It cannot be read, is damaged, or is no file of `write_archive`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._content = _read(path)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(self._content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise self.damaged(str(error)) from error
        if not {_ABOUT, _TREE} & set(self._zip.namelist()):
            raise _other(path)
        self._infos = {info.filename: info for info in self._zip.infolist()}
        if len(self._infos) != len(self._zip.infolist()):
            raise self.damaged("two of its files have one name")
        if sum(info.file_size for info in self._infos.values()) > len(self._content):
            raise self.damaged("its files are larger together than it is")
        self._given: set[str] = set()
        self.about = self._json(_ABOUT)
        if not isinstance(self.about, dict) or self.about.get("kind") != _KIND:
            raise _other(path)
        if self.about.get("format") != FORMAT:
            raise SavedResultError(
                f"{path} has format {self.about.get('format')}, and this version reads {FORMAT}",
                hint=f"it was written by statsmodels_ooc {self.about.get('version')}",
            )

    def about_list(self, name: str) -> list[Any]:
        """A list in what the file says of itself."""
        found = self.about.get(name)
        if not isinstance(found, list):
            raise self.damaged(f"{name} is no list")
        return found

    def tree(self) -> Any:
        """What JSON has of the results."""
        return self._json(_TREE)

    def array(self, name: str) -> NDArray[Any]:
        """An array, writable and in memory of its own.

        Raises
        ------
        SavedResultError
            Its header does not go with its size, or it would hold objects; or it was given
            before, since memory would not go with the size of the file.
        """
        if name in self._given:
            raise self.damaged(f"{name} has several places")
        self._given.add(name)
        content = self._member(name)
        shape, is_fortran, dtype = self._header(name, content)
        start = content.tell()
        size = math.prod(shape) * dtype.itemsize
        left = len(content.getbuffer()) - start
        if dtype.hasobject or any(length < 0 for length in shape) or size != left:
            raise self.damaged(f"the header of {name} promises {size:,} bytes of {left:,}")
        flat = np.frombuffer(content.getvalue(), dtype, math.prod(shape), start).copy()
        return flat.reshape(shape, order="F" if is_fortran else "C")

    def _header(self, name: str, content: io.BytesIO) -> tuple[tuple[int, ...], bool, Any]:
        try:
            major, _ = npy.read_magic(content)
            read = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
            shape, is_fortran, dtype = read(content, max_header_size=_MOST_HEADER)
        except Exception as error:  # whatever a damaged header makes of NumPy's reader
            raise self.damaged(f"{name}: {error}") from error
        return shape, is_fortran, dtype

    def _json(self, name: str) -> Any:
        content = self._member(name).getvalue()
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self.damaged(f"{name}: {error}") from error

    def _member(self, name: str) -> io.BytesIO:
        """A file of the archive, which is stored as it is: it cannot grow when it is read."""
        info = self._infos.get(name)
        if info is None:
            raise self.damaged(f"it has no {name}")
        is_plain = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1
        if not is_plain or info.file_size > len(self._content):
            raise self.damaged(f"{name} is compressed, encrypted, or larger than the file")
        try:
            return io.BytesIO(self._zip.read(info))
        except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
            raise self.damaged(str(error)) from error

    def damaged(self, why: str) -> SavedResultError:
        """The error of a file that is no more what was written."""
        return damaged(self.path, why)


def check_no_remains(path: str) -> None:
    """Refuse what was a zip file, and a folder; nothing is said of other files.

    Raises
    ------
    SavedResultError
        It is such a thing.
    """
    if os.path.isdir(path):
        raise SavedResultError(f"{path} is a folder", hint="give the file that smo.save wrote")
    content = _read(path)
    if not content:
        raise SavedResultError(f"{path} is empty", hint="save the results again")
    if content.startswith(_ZIP):
        name = content[_NAME_AT : _NAME_AT + len(_ABOUT)]
        if not _ABOUT.encode().startswith(name):
            raise SavedResultError(f"{path} is a zip file that is cut off, and not of smo.save")
        raise damaged(path, f"it is cut off after {len(content):,} bytes")


def damaged(path: str, why: str) -> SavedResultError:
    """The error of a file that is no more what was written."""
    return SavedResultError(f"{path} is damaged: {why}", hint="save the results again")


def _other(path: str) -> SavedResultError:
    return SavedResultError(
        f"{path} is a zip file, but of no results that smo.save wrote",
        hint="look at the path: smo.save(results, path) writes about.json, results.json and arrays",
    )


def _read(path: str) -> bytes:
    try:
        touch("read", path)
        return Path(path).read_bytes()
    except OSError as error:
        raise SavedResultError(f"{path} cannot be read: {error.strerror or error}") from error
