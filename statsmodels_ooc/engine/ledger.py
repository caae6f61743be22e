"""What was read of the rows, and whether it is the same the next time."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from xxhash import xxh3_64

from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.forks import Lock
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.chunk import Chunk, as_chunk
from statsmodels_ooc.sources.values import EXACT

_WIDE = 8  # bytes
_MISSING = np.float64(np.nan).view(np.int64)
_OBJECTS = ("mixed", "mixed-integer", "decimal")  # which pieces may show as something else


@dataclass
class Read:
    """What a pass has read of a partition.

    Attributes
    ----------
    rows : int
        How many rows.
    values : dict
        Column to the checksum of its values, XXH3 of 64 bits, however they come in pieces;
        columns of Python objects have none, nor have texts that came encoded.
    repeats : int
        How often reading was interrupted and began again.
    """

    rows: int = 0
    values: dict[Hashable, int] = field(default_factory=dict)
    repeats: int = 0
    _running: dict[Hashable, xxh3_64] = field(default_factory=dict, repr=False, compare=False)

    def add(self, rows: Chunk | pd.DataFrame, encoded: Collection[str] = ()) -> None:
        """Note the next rows.

        Parameters
        ----------
        rows : Chunk or DataFrame
            The rows.
        encoded : collection of str
            Columns of text of which the codes are compared.
        """
        chunk = as_chunk(rows)
        if not self.rows:
            self._running = {name: xxh3_64() for name in chunk.names}
        running, self._running = self._running, {}
        for name in chunk.names:
            numbers = _numbers(chunk.array(name), name in encoded) if name in running else None
            if numbers is not None:
                running[name].update(np.ascontiguousarray(numbers).data)
                self._running[name] = running[name]
        self.values = {name: checksum.intdigest() for name, checksum in self._running.items()}
        self.rows += len(chunk)

    def __reduce__(self) -> tuple[type[Read], tuple[int, dict[Hashable, int], int]]:
        return Read, (self.rows, self.values, self.repeats)  # what has been read is complete


def _numbers(values: Any, is_encoded: bool) -> NDArray[Any] | None:
    """What stands for the values of a column, see `_numbers_of`."""
    kind = values.dtype.kind
    if isinstance(values, np.ndarray) and kind in "fiub":
        return _whole_numbers(values) if kind in "iu" else values.astype(np.float64, copy=False)
    return _numbers_of(pd.Series(values, copy=False), is_encoded)


def _numbers_of(column: pd.Series, is_encoded: bool) -> NDArray[Any] | None:
    """What stands for the values of a column: numbers, times, hashes of text; None for objects.

    The same values give the same, whatever type a frame has them in: integers are floats
    in some frames of some sources, text comes as categories, and a piece without a value
    has no type.
    """
    dtype = column.dtype
    is_plain, kind = isinstance(dtype, np.dtype), dtype.kind
    if is_plain and kind in "mM":
        return column.to_numpy().view(np.int64)
    if is_plain and kind in "fb":
        return column.to_numpy().astype(np.float64, copy=False)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _numbers_of(column.dt.tz_convert(None), is_encoded)
    if isinstance(dtype, pd.ArrowDtype) or kind in "fb":
        return column.to_numpy(np.float64, na_value=np.nan)
    if kind in "iu":
        return _whole_numbers(column)
    if is_encoded:
        return None
    if isinstance(dtype, pd.CategoricalDtype):
        levels = _numbers_of(dtype.categories.to_series(), False)
        if levels is None:
            return None
        return np.append(levels, _MISSING.view(levels.dtype)).take(column.cat.codes)
    if is_plain and pd.api.types.infer_dtype(column, skipna=True) in _OBJECTS:
        return None
    hashes: NDArray[Any] = pd.util.hash_pandas_object(column, index=False).to_numpy(np.int64)
    hashes[column.isna()] = _MISSING
    return hashes


def _whole_numbers(column: pd.Series | NDArray[Any]) -> NDArray[Any]:
    """Doubles, and where these are not exact the integers, bit by bit."""
    if isinstance(column.dtype, np.dtype):
        whole = np.asarray(column)
        numbers = whole.astype(np.float64)
    else:
        whole = column.to_numpy(column.dtype.type, na_value=0)
        numbers = column.to_numpy(np.float64, na_value=np.nan)
    if whole.dtype.itemsize < _WIDE or not len(whole):
        return numbers
    if max(int(whole.max()), -int(whole.min())) > EXACT:
        far = (whole > EXACT) | (whole < -EXACT if whole.dtype.kind == "i" else False)
        numbers.view(np.int64)[far] = whole[far].view(np.int64)
    return numbers


class Spent(NamedTuple):
    """Seconds that the threads of a pass took, added up.

    Attributes
    ----------
    read : float
        To get the rows from where they are, and to compare them with earlier passes.
    build : float
        To evaluate the variables of the design, and to cut blocks. Columns that are written at
        the first look at them, or by the loops that multiply them, are not among this.
    fold : float
        To fold the blocks.
    """

    read: float = 0.0
    build: float = 0.0
    fold: float = 0.0

    def plus(self, other: Spent) -> Spent:
        """The time of both."""
        return Spent(self.read + other.read, self.build + other.build, self.fold + other.fold)


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
    note : str
        How it was made, where there are several ways.
    spent : Spent or None
        What its threads did, where that was told: seconds to read, build and fold.
    kernels : str
        "numpy" or "numba", where a design was multiplied.
    repeats : int
        How often reading a partition failed with what may pass by itself, and was repeated.
    memory : int or None
        About how many bytes of this process it was planned to take at its peak.
    """

    name: str
    rows: int
    seconds: float
    nbytes: int | None
    partitions: int
    note: str = ""
    spent: Spent | None = None
    kernels: str = ""
    repeats: int = 0
    memory: int | None = None

    def __repr__(self) -> str:
        stored = "" if self.nbytes is None else f", {self.nbytes:,} bytes stored"
        note = f", {self.note}" if self.note else ""
        note += ", numba" if self.kernels == "numba" else ""
        note += f", {_repeated(self.repeats)}" if self.repeats else ""
        return (
            f"<pass {self.name!r}: {self.rows:,} rows, {self.seconds:.3g} s{self._shares()}, "
            f"{self.partitions:,} partitions{stored}{note}>"
        )

    def _shares(self) -> str:
        if self.spent is None or not sum(self.spent):
            return ""
        read, build, fold = (f"{100 * part / sum(self.spent):.0f} %" for part in self.spent)
        return f" (read {read}, build {build}, fold {fold})"


class Passes(list[PassRecord]):
    """The passes over some data, in order: one a line, or in a notebook a table."""

    def __repr__(self) -> str:
        return f"[{(',' + chr(10) + ' ').join(map(repr, self))}]"

    def _repr_html_(self) -> str:
        rows = [
            (
                *(r.name, f"{r.rows:,}", f"{r.seconds:.3g}", *_each(r.spent)),
                *(r.partitions, r.kernels, _with_repeats(r)),
            )
            for r in self
        ]
        columns = ["pass", "rows", "seconds", "read", "build", "fold", "partitions", "kernels"]
        columns.append("note")
        table: str = pd.DataFrame(rows, columns=columns).to_html(index=False)
        return table


def _with_repeats(record: PassRecord) -> str:
    """The note on a pass, and what was repeated."""
    repeated = _repeated(record.repeats) if record.repeats else ""
    return "; ".join(filter(None, (record.note, repeated)))


def _repeated(count: int) -> str:
    return f"{count:,} read{'s' if count > 1 else ''} repeated"


def _each(spent: Spent | None) -> list[str]:
    """The seconds of the threads, in words."""
    return ["", "", ""] if spent is None else [f"{part:.3g}" for part in spent]


_LAZY = "lazy answer"
_ledgers: WeakValueDictionary[str, Ledger] = WeakValueDictionary()
_lock = Lock()


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
    passes : Passes
        In order.
    first : dict
        Partition to what was read of it first.
    """

    passes: Passes = field(default_factory=Passes)
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

    def record(
        self,
        name: str,
        began: float,
        rows: int,
        nbytes: int | None,
        partitions: int,
        note: str = "",
        spent: Spent | None = None,
        kernels: str = "",
        repeats: int = 0,
        memory: int | None = None,
    ) -> None:
        """Record a pass that began at a time of `perf_counter` and ends now."""
        known = name, rows, time.perf_counter() - began, nbytes, partitions
        self.passes.append(PassRecord(*known, note, spent, kernels, repeats, memory))

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
            Passes(self.passes), {i: Read(r.rows, dict(r.values)) for i, r in self.first.items()}
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
