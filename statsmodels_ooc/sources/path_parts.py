"""What the parts of a path say: patterns, ``key=value`` folders, numbers in names."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

_MISSING_KEY = "__HIVE_DEFAULT_PARTITION__"

FolderKeys: TypeAlias = tuple[tuple[str, str | None], ...]
"""What ``key=value`` folders say, None for missing."""


def split_at_pattern(parts: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The parts before the first one that is a pattern, and the parts from there on."""
    at = next(at for at, part in enumerate(parts) if glob.has_magic(part))
    return parts[:at], parts[at:]


def keys_below(root: str, path: str) -> FolderKeys:
    """What the folders between a root and a file say."""
    below = path[len(root) :]
    return folder_keys(Path(below).parts[:-1]) if "=" in below else ()


def folder_keys(parts: Iterable[str]) -> FolderKeys:
    """What folders say, those that say something."""
    pairs = [part.split("=", 1) for part in parts if "=" in part]
    return tuple(
        (unquote(key), None if value == _MISSING_KEY else unquote(value)) for key, value in pairs
    )


def natural(path: str) -> list[Any]:
    """Sort key under which part-10 follows part-9."""
    pieces = re.split(r"([0-9]+)", path)  # every second one is a number
    return [(0, int(piece), piece) if at % 2 else (1, 0, piece) for at, piece in enumerate(pieces)]
