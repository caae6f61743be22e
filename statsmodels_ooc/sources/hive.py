"""Columns that come from ``key=value`` folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.base import Levels, Lookup
from statsmodels_ooc.sources.columns import Column
from statsmodels_ooc.sources.files import StoredFile

_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT32 = range(-(2**31), 2**31)


@dataclass(frozen=True)
class HiveKey:
    """A column whose value is the same in all rows of a file.

    It is int32 where every value is a 32-bit integer, as pyarrow infers; float64 if one of
    them is missing besides; otherwise str.
    """

    name: str
    dtype: Any
    seen: tuple[Any, ...]  # the values, in file order

    @property
    def levels(self) -> Levels:
        return Levels(self.seen, is_categorical=False)

    def values(self, file: StoredFile, rows: int) -> Any:
        """The column for ``rows`` rows of a file."""
        text = dict(file.keys)[self.name]
        if isinstance(self.dtype, np.dtype):
            return np.full(rows, np.nan if text is None else int(text), dtype=self.dtype)
        return pd.array([text] * rows, dtype=self.dtype)


def beside_keys(stored: Lookup[Column], keys: Sequence[HiveKey]) -> Lookup[Column | HiveKey]:
    """The columns of the files, then the keys of their folders that are no columns."""
    known = {key.name: key for key in keys if key.name not in stored}
    return Lookup((*stored, *known), partial(_found, stored, known))


def _found(
    stored: Lookup[Column], keys: Mapping[str, HiveKey], names: Sequence[str]
) -> dict[str, Column | HiveKey]:
    columns = [name for name in names if name not in keys]
    found = dict(zip(columns, stored.several(columns), strict=True))
    return found | {name: keys[name] for name in names if name in keys}


def with_keys(
    frames: Iterable[pd.DataFrame], chosen: Sequence[Any], file: StoredFile
) -> Iterator[pd.DataFrame]:
    """Frames of what stands in a file, with the keys among the columns chosen."""
    keys = [(at, key) for at, key in enumerate(chosen) if isinstance(key, HiveKey)]
    for frame in frames:
        for at, key in keys:
            frame.insert(at, key.name, key.values(file, len(frame)))
        yield frame


def hive_keys(files: Sequence[StoredFile], rows: Sequence[int]) -> list[HiveKey]:
    """The keys of the files' folders; what only files without rows say is not a value.

    Parameters
    ----------
    files : sequence of StoredFile
        The files in order.
    rows : sequence of int or bool
        Of each file the number of rows, or whether it may have any.

    Raises
    ------
    SchemaError
        The files are in folders for other keys; it names two.
    """
    first = [key for key, _ in files[0].keys]
    for file in files:
        if [key for key, _ in file.keys] != first:
            raise SchemaError(
                f"{files[0]} is in folders for {first or 'no key'}, but {file} is in "
                f"folders for {[key for key, _ in file.keys] or 'no key'}",
                hint="every file of a hive-partitioned source needs the same keys",
            )
    filled = [file for file, count in zip(files, rows, strict=True) if count]
    return [_typed(key, [dict(file.keys)[key] for file in filled]) for key in first]


def _typed(name: str, texts: Sequence[str | None]) -> HiveKey:
    known = list(dict.fromkeys(text for text in texts if text is not None))
    if known and all(_INTEGER.fullmatch(text) and int(text) in _INT32 for text in known):
        kind = np.dtype("float64" if None in texts else "int32")
        return HiveKey(name, kind, tuple(dict.fromkeys(kind.type(text).item() for text in known)))
    return HiveKey(name, pd.Series(["a"]).dtype, tuple(known))
