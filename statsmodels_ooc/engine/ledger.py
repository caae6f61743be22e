"""The passes over a source, and what they read: each is held against the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.reductions.checksum import checksum
from statsmodels_ooc.sources.base import Source

__all__ = ["Ledger", "PassRecord", "Read", "changed", "check_read", "noted"]

_MODULUS = 2**64


@dataclass(frozen=True)
class PassRecord:
    """One read of the data.

    Attributes
    ----------
    name : str
        What it was for.
    rows : int
        Rows read.
    seconds : float
        Wall time.
    nbytes : int or None
        Stored bytes of the source, all of its columns, where they are known.
    partitions : int
        Partitions read.
    """

    name: str
    rows: int
    seconds: float
    nbytes: int | None
    partitions: int

    def __repr__(self) -> str:
        stored = "" if self.nbytes is None else f", {self.nbytes:,} bytes stored"
        return (
            f"<pass {self.name!r}: {self.rows:,} rows, {self.seconds:.3g} s, "
            f"{self.partitions:,} partitions{stored}>"
        )


@dataclass
class Read:
    """What a pass has read of a partition.

    Attributes
    ----------
    rows : int
        How many rows.
    values : dict
        Column to the checksum of its values; columns of text and objects have none.
    """

    rows: int = 0
    values: dict[Any, int] = field(default_factory=dict)

    def add(self, frame: pd.DataFrame) -> None:
        """Note the next rows."""
        numbers = {name: _numbers(column) for name, column in frame.items()}
        self.values = {
            name: (self.values.get(name, 0) + checksum(values, self.rows)) % _MODULUS
            for name, values in numbers.items()
            if values is not None and (name in self.values or not self.rows)
        }
        self.rows += len(frame)


def noted(read: Read, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The frames of a partition, noted as they pass."""
    for frame in frames:
        read.add(frame)
        yield frame


def _numbers(column: pd.Series) -> NDArray[Any] | None:
    """A column as float64, or as the integers of its times; None for text and objects.

    Integers are floats in some frames of some sources, so they are in all.
    """
    kind, is_plain = column.dtype.kind, isinstance(column.dtype, np.dtype)
    if is_plain and kind in "mM":
        return column.to_numpy().view(np.int64)
    if is_plain and kind in "iufb":
        return column.to_numpy().astype(np.float64, copy=False)
    if kind in "iufb" and not isinstance(column.dtype, pd.CategoricalDtype):
        return column.to_numpy(np.float64, na_value=np.nan)
    return None


@dataclass
class Ledger:
    """The passes over a source so far, and what the first of them read.

    Attributes
    ----------
    passes : list of PassRecord
        In order.
    first : dict
        Partition to what was read of it first.
    """

    passes: list[PassRecord] = field(default_factory=list)
    first: dict[int, Read] = field(default_factory=dict, repr=False)

    def check(self, reader: str, source: Source, found: Mapping[int, Read]) -> None:
        """Hold what a pass read against what earlier ones did.

        Parameters
        ----------
        reader : str
            What the pass was for.
        source : Source
            What was read.
        found : mapping
            Partition to what was read of it; of partitions that are not told, nothing
            is known.

        Raises
        ------
        SourceChangedError
            They differ.
        """
        for index, now in sorted(found.items()):
            was = self.first.setdefault(index, Read(now.rows))
            check_read(source.partitions[index].label, reader, was, now)
            was.values |= now.values

    def copy(self) -> Ledger:
        """A ledger of its own for passes to come."""
        return Ledger(
            list(self.passes), {i: Read(r.rows, dict(r.values)) for i, r in self.first.items()}
        )


def check_read(label: str, reader: str, was: Read, now: Read) -> None:
    """Refuse a partition of which an earlier pass read other rows."""
    if was.rows != now.rows:
        raise changed(label, reader, was.rows, now.rows)
    for column, value in now.values.items():
        if was.values.get(column, value) != value:
            raise changed(label, reader, was.rows, now.rows, f" of {column!r}")


def changed(label: str, reader: str, then: int, now: int, of: str = "") -> SourceChangedError:
    """The error for a partition that does not give what an earlier pass has seen of it."""
    what = (
        f"{then:,} rows then, {now:,} now"
        if then != now
        else f"as many rows, with other values{of}"
    )
    return SourceChangedError(
        f"the data changed before {reader}: {label} gave {what}",
        hint="every pass must see the same rows in the same order; copy changing data to a file "
        "first",
    )
