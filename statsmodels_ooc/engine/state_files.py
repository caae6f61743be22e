"""States of reductions in files: written whole or not at all, and read without trust."""

from __future__ import annotations

import importlib
import io
import pickle
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xxhash import xxh3_64_intdigest

from statsmodels_ooc.errors import CheckpointError
from statsmodels_ooc.sources.seam import touch
from statsmodels_ooc.sources.whole_files import write_whole

_MAGIC, _VERSION = b"SMOSTATE", 1
_HEADER = struct.Struct("<8sIQQ")  # magic, version, bytes that follow, their XXH3

_OF_THIS_PACKAGE = tuple(
    f"statsmodels_ooc.{place}" for place in ("blocks.", "engine.ledger", "families.", "reductions.")
)
_NUMPY = {"dtype", "ndarray"}
_NUMPY_PARTS = {
    ("multiarray", "_reconstruct"),
    ("multiarray", "scalar"),
    ("numeric", "_frombuffer"),
}
_BUILTINS = {"complex", "frozenset", "set", "slice", "bytearray"}


def write_state(path: Path, state: Any) -> None:
    """Write a state so that the file is there completely, or not at all.

    Parameters
    ----------
    path : Path
        Of the file, which is replaced where it is there.
    state : object
        What a reduction has folded, or several such.

    Raises
    ------
    CheckpointError
        It cannot be written.
    """
    payload = pickle.dumps(state, protocol=5)
    header = _HEADER.pack(_MAGIC, _VERSION, len(payload), xxh3_64_intdigest(payload))
    write_kept(path, header + payload)


def write_kept(path: Path, content: bytes) -> None:
    """Replace a file of a checkpoint at once.

    Raises
    ------
    CheckpointError
        It cannot be written.
    """
    with kept_errors(path, "written"):
        write_whole(path, content)


def remove(path: Path) -> None:
    """Remove a file, where it is there.

    Raises
    ------
    CheckpointError
        It cannot be removed.
    """
    with kept_errors(path, "removed"):
        touch("remove", path)
        path.unlink(missing_ok=True)


@contextmanager
def kept_errors(path: Path, done: str) -> Iterator[None]:
    """Say of an error of the system what could not be done to which file or folder."""
    try:
        yield
    except OSError as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"{path} cannot be {done}: {error.strerror or error}",
            hint="make room there, or give a folder that may be written, and that the workers of "
            "a cluster see, too; what was kept before stays",
        ) from error


def read_state(path: Path) -> Any:
    """Read a state again.

    Raises
    ------
    CheckpointError
        The file cannot be read, is damaged, or holds what no state is made of.
    """
    content = _content(path)
    if len(content) < _HEADER.size:
        raise _damaged(path, "it is cut off")
    magic, version, length, checksum = _HEADER.unpack_from(content)
    payload = memoryview(content)[_HEADER.size :]
    if magic != _MAGIC or version != _VERSION:
        raise _damaged(path, f"it is no file of states of version {_VERSION}")
    if len(payload) != length:
        raise _damaged(path, f"it has {len(payload):,} bytes of {length:,}")
    if xxh3_64_intdigest(payload) != checksum:
        raise _damaged(path, "its checksum is another one")
    try:
        return _States(io.BytesIO(payload)).load()
    except CheckpointError:
        raise
    except Exception as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _content(path: Path) -> bytes:
    with kept_errors(path, "read"):
        touch("read", path)
        return path.read_bytes()


def _damaged(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is damaged: {why}", hint="remove this file, and its rows are read again"
    )


class _States(pickle.Unpickler):
    """Makes what states are made of, and nothing else: no file of states carries code."""

    def find_class(self, module: str, name: str) -> Any:
        """The class of this name, where states may have it."""
        if module.startswith(_OF_THIS_PACKAGE) and "." not in name:
            found = getattr(importlib.import_module(module), name, None)
            if isinstance(found, type) and found.__module__ == module:
                return found
        root, _, part = module.rpartition(".")
        is_numpy = (module == "numpy" and name in _NUMPY) or (
            root.startswith("numpy.") and (part, name) in _NUMPY_PARTS
        )
        if is_numpy or (module == "builtins" and name in _BUILTINS):
            return super().find_class(module, name)
        raise CheckpointError(f"{module}.{name} is nothing that states are made of")
