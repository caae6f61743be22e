"""What every source is: a re-iterable, ordered table in partitions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import (
    Callable,
    Collection,
    Generator,
    ItemsView,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    ValuesView,
)
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.errors import SchemaError, SourceError
from statsmodels_ooc.sources.chunk import Chunk

Value = TypeVar("Value")

NO_ROWS = "check what chooses the rows: the path or the query, subset=, and missing values"


@dataclass(frozen=True)
class Levels:
    """The levels that a source declares for a column without being scanned.

    Attributes
    ----------
    values : tuple
        The levels, missing excluded, in the order in which they are declared.
    is_categorical : bool
        True for a pandas Categorical or an Arrow dictionary *type*: the order is
        the user's and is kept. False where the levels are merely known (the
        dictionary pages of a string column): they are sorted as patsy sorts.
    """

    values: tuple[Any, ...]
    is_categorical: bool


@runtime_checkable
class Partition(Protocol):
    """A cheap, picklable recipe for consecutive rows of a source; `Recipe` has defaults.

    Attributes
    ----------
    label : str
        Where the rows come from, for messages: ``"a.parquet, row group 3"``.
    rows : int or None
        The number of rows, None where only reading can tell.
    nbytes : int or None
        The stored size in bytes where it is known.
    is_far : bool
        Whether reading may wait for something else than this machine's cores and disks.
    version : str
        What changes when the stored rows do, such as size and time of a file; empty where
        nothing tells.
    """

    @property
    def label(self) -> str: ...

    @property
    def is_far(self) -> bool: ...

    @property
    def version(self) -> str: ...

    @property
    def rows(self) -> int | None: ...

    @property
    def nbytes(self) -> int | None: ...

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows in order as frames of at most ``max_rows`` rows.

        Parameters
        ----------
        columns : sequence of str
            The columns wanted, and the order in which they come.
        max_rows : int
            The largest number of rows of a frame.
        encoded : collection of str
            Columns that may come as pandas Categoricals, whose categories need
            not agree between frames, where that is cheaper than plain values.
        """
        ...

    def chunks(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[Chunk]:
        """The same rows as `frames` yields, before they are frames."""
        ...

    @property
    def labels(self) -> pd.Index[Any] | None: ...

    def numbered(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[NumberedFrame]: ...

    def reading_bytes(self, columns: Sequence[str], max_rows: int) -> int | None: ...

    def narrowed(self, columns: Sequence[str]) -> Any: ...

    def bind(self, *made: Callable[[Any], Any]) -> Any: ...


NumberedFrame = tuple[pd.DataFrame, int, NDArray[np.intp] | None]


class Recipe(ABC):
    """What a partition is unless it says otherwise: all rows, known by their numbers."""

    @abstractmethod
    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows in order, see `Partition.frames`."""

    def chunks(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[Chunk]:
        """The rows in order, see `Partition.chunks`."""
        frames = self.frames(columns, max_rows, encoded)
        try:
            for frame in frames:
                yield Chunk.of(frame)
        finally:
            if isinstance(frames, Generator):  # who stops early closes what is open
                frames.close()

    @property
    def is_far(self) -> bool:
        """Whether reading may wait for something else than this machine: nothing tells."""
        return True

    @property
    def version(self) -> str:
        """What changes when the stored rows do: nothing tells."""
        return ""

    @property
    def labels(self) -> pd.Index[Any] | None:
        """The labels of the rows, where pandas gave them any; None where rows are counted."""
        return None

    def numbered(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[NumberedFrame]:
        """The frames, and which rows of the partition they hold.

        Yields
        ------
        frame : DataFrame
            As `frames` yields it.
        rows : int
            How many rows of the partition it stands for.
        chosen : ndarray of int, (len(frame),), or None
            Which of these it holds; None for all.
        """
        for frame in self.frames(columns, max_rows, encoded):
            yield frame, len(frame), None

    def reading_bytes(self, columns: Sequence[str], max_rows: int) -> int | None:
        """About what is held while frames of so many rows are read; None where nothing tells."""
        return None

    def narrowed(self, columns: Sequence[str]) -> Any:
        """The same rows, for whoever reads these columns only."""
        return self

    def bind(self, *made: Callable[[Any], Any]) -> Any:
        """Of rows that dask computes: a Delayed of the partition, and of what is made of it.

        None where a task reads the rows itself.
        """
        return None


class Source(ABC):
    """A re-iterable, ordered table: column names and a list of partitions.

    A source knows nothing of models. Iterating twice gives the same rows in the
    same order; what breaks that promise is caught by the passes.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """A short name for messages and reprs, such as the path."""

    @property
    def no_rows(self) -> str:
        """What is said where there are none."""
        return f"{self.name} has no rows"

    @property
    @abstractmethod
    def dtypes(self) -> Mapping[str, Any]:
        """Column name to pandas dtype, in column order."""

    @property
    @abstractmethod
    def partitions(self) -> Sequence[Partition]:
        """The partitions in row order."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(self.dtypes)

    @property
    def rows(self) -> int | None:
        """The number of rows, None where only reading can tell."""
        counts = [partition.rows for partition in self.partitions]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    @property
    def nbytes(self) -> int | None:
        """The stored size in bytes, None where it is not known."""
        sizes = [partition.nbytes for partition in self.partitions]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @property
    def slow(self) -> bool:
        """Whether reading again costs so much that a local copy is worth it."""
        return False

    @property
    def makes_text(self) -> bool:
        """Whether text may be what somebody made of numbers, dates and other objects."""
        return False

    @property
    def unordered(self) -> str | None:
        """Why the order of the rows means nothing; None where it does."""
        return None

    @property
    def nameless(self) -> frozenset[str]:
        """Columns of arrays: nobody has named them, and so nobody can ask for them by name."""
        return frozenset()

    @property
    def is_recipe(self) -> bool:
        """Whether a pickle says where the rows are, rather than holding them."""
        return True

    def levels(self, column: str) -> Levels | None:
        """The levels of a column where they are known without a scan."""
        return None

    def look_at(self, columns: Sequence[str]) -> None:
        """Find the types of some columns, together, where that takes reading."""
        if isinstance(self.dtypes, Lookup):
            self.dtypes.several(columns)

    def frames(
        self, columns: Sequence[str] | None = None, max_rows: int = 131_072
    ) -> Iterator[pd.DataFrame]:
        """Yield all rows in order as frames of at most ``max_rows`` rows."""
        wanted = self.columns if columns is None else tuple(columns)
        for partition in self.partitions:
            yield from partition.frames(wanted, max_rows)

    def samples(self, columns: Sequence[str], rows: int) -> list[pd.DataFrame]:
        """The first rows of the first, the middle and the last partition, those that have any."""
        last = len(self.partitions) - 1
        chosen = [self.partitions[i] for i in sorted({0, last // 2, last}) if 0 <= i <= last]
        frames = (next(iter(p.frames(columns, rows)), None) for p in chosen)
        return [frame for frame in frames if frame is not None and len(frame)]

    def head(self, n: int = 5) -> pd.DataFrame:
        """The first ``n`` rows as a pandas DataFrame."""
        pieces: list[pd.DataFrame] = []
        found = 0
        for frame in self.frames(max_rows=max(n, 1)):
            pieces.append(frame.iloc[: n - found])
            found += len(pieces[-1])
            if found >= n:
                break
        if not pieces:
            return pd.DataFrame({name: [] for name in self.columns})
        return pd.concat(pieces, ignore_index=True)

    def __repr__(self) -> str:
        rows = "unknown" if self.rows is None else f"{self.rows:,}"
        pieces = len(self.partitions)
        return (
            f"<{type(self).__name__} {self.name}: {rows} rows, {len(self.columns)} columns, "
            f"{pieces} partition{'' if pieces == 1 else 's'}>"
        )

    def _kinds(self, columns: Sequence[Any]) -> list[str]:
        """The dtypes in words, found together where no column among them is at odds."""
        try:
            self.look_at(columns)
            return [str(self.dtypes[name]) for name in columns]
        except SchemaError:
            if len(columns) == 1:
                return ["of several kinds"]
            half = len(columns) // 2
            return self._kinds(columns[:half]) + self._kinds(columns[half:])

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><td>{escape(str(name))}</td><td>{escape(kind)}</td></tr>"
            for name, kind in zip(self.columns, self._kinds(self.columns), strict=True)
        )
        return (
            f"<p><b>{escape(repr(self)[1:-1])}</b></p>"
            f"<table><tr><th>column</th><th>dtype</th></tr>{cells}</table>"
        )


class ForgottenSource(Source):
    """What is left of a source whose rows were let go: its name, and whether they had an order."""

    def __init__(self, source: Source) -> None:
        self._name, self._unordered = source.name, source.unordered

    @property
    def name(self) -> str:
        return self._name

    @property
    def unordered(self) -> str | None:
        return self._unordered

    @property
    def dtypes(self) -> Mapping[str, Any]:
        return {}

    @property
    def partitions(self) -> Sequence[Partition]:
        raise SourceError(
            f"the rows of {self.name} are gone: they were removed, or not saved with the results",
            hint="fit the model again; of rows in files on disk, res.save(path), which writes a "
            "pickle, keeps the way to them, and smo.save(res, path) does not",
        )

    def __repr__(self) -> str:
        return f"<forgotten {self.name}>"


class Lookup(Mapping[Any, Value]):
    """Names in order, and for each a value that is worked out once, when it is asked for.

    What a source says of its columns is one: a column that nobody asks for is not looked
    at, whether it costs time or is at odds with itself. ``find`` gives some names their
    values; those that are asked for together are found together.
    """

    def __init__(
        self, names: Iterable[Any], find: Callable[[Sequence[Any]], Mapping[Any, Value]]
    ) -> None:
        self._names = dict.fromkeys(names)
        self._find = find
        self._found: dict[Any, Value] = {}

    def several(self, names: Sequence[Any]) -> list[Value]:
        """The values of some of the keys."""
        new = [name for name in dict.fromkeys(names) if name not in self._found]
        if new:
            self._found.update(self._find(new))
        return [self._found[name] for name in names]

    def items(self) -> ItemsView[Any, Value]:
        """All keys with their values, which are found together."""
        return self._all().items()

    def values(self) -> ValuesView[Value]:
        """All values, which are found together."""
        return self._all().values()

    def _all(self) -> dict[Any, Value]:
        return dict(zip(self._names, self.several(list(self._names)), strict=True))

    def __getitem__(self, name: Any) -> Value:
        if name not in self._names:
            raise KeyError(name)
        return self.several([name])[0]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[Any]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def dtypes_of(columns: Lookup[Any]) -> Lookup[Any]:
    """The pandas dtype of each of some columns."""
    return Lookup(columns, partial(_dtypes, columns))


def _dtypes(columns: Lookup[Any], names: Sequence[Any]) -> dict[Any, Any]:
    return {name: column.dtype for name, column in zip(names, columns.several(names), strict=True)}
