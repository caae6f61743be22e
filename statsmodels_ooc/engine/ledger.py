"""The passes over a source, and what they read: each is held against the first."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from statsmodels_ooc.engine.content import Read
from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.sources.base import Source

__all__ = ["Ledger", "PassRecord", "changed", "check_read"]


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
        Wall time; of lazy answers, that of their tasks.
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


_LAZY = "lazy answer"
_ledgers: WeakValueDictionary[str, Ledger] = WeakValueDictionary()
_lock = threading.Lock()


def note_lazy_read(token: str, partition: int, rows: int, seconds: float) -> None:
    """Record that a task of a lazy answer has read a partition, where the ledger is here.

    Reads that follow one another make one record, until a partition is read again; its
    seconds are those of the tasks. What workers elsewhere read is in no ledger.
    """
    ledger = _ledgers.get(token)
    if ledger is not None:
        with _lock:
            ledger.lazy_read(partition, PassRecord(_LAZY, rows, seconds, None, 1))


@dataclass(eq=False)
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
    _token: str | None = field(default=None, init=False, repr=False)
    _lazily: set[int] = field(default_factory=set, init=False, repr=False)

    @property
    def token(self) -> str:
        """What tasks of lazy answers find the ledger by."""
        if self._token is None:
            self._token = uuid.uuid4().hex
            _ledgers[self._token] = self
        return self._token

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_token": None, "_lazily": set()}

    def lazy_read(self, partition: int, record: PassRecord) -> None:
        """Record the read of one partition for a lazy answer."""
        last = self.passes[-1] if self.passes else None
        if last is None or last.name != record.name or partition in self._lazily:
            self.passes.append(record)
            self._lazily = {partition}
            return
        self._lazily.add(partition)
        rows, seconds = last.rows + record.rows, last.seconds + record.seconds
        self.passes[-1] = PassRecord(last.name, rows, seconds, None, last.partitions + 1)

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
