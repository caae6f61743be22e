"""Functions and iterators that give frames."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import pandas as pd

from statsmodels_ooc.errors import SourceChangedError, SourceError
from statsmodels_ooc.sources.base import Lookup, Source
from statsmodels_ooc.sources.columns import ListedSource, Narrow, check_unique, picked, select
from statsmodels_ooc.sources.foreign import arrow_table, is_arrow_like
from statsmodels_ooc.sources.memory import ArrowTableSource, FramePartition
from statsmodels_ooc.sources.schema import CommonSchema
from statsmodels_ooc.sources.spooling import spool
from statsmodels_ooc.sources.values import UNTYPED, check_kinds, dtype_of, joined_dtype


class Peeked(NamedTuple):
    """The first piece of what a function gives, None where there is none."""

    pieces: Any  # what it was taken from; closed, if it can be
    first: Any
    elsewhere: bool  # whether a thread of its own could have it


def peeked(make: Callable[[], Iterable[Any]]) -> Peeked:
    """The first piece, from a thread of its own where that can be.

    Notes
    -----
    Connections of sqlite3 belong to the thread that made them, and SQLAlchemy gives
    each thread a database in memory of its own. What fails there is tried again here,
    and an error of the function is then its own.

    Examples
    --------
    >>> import sqlite3
    >>> from statsmodels_ooc.sources.iterables import peeked
    >>> connection = sqlite3.connect(":memory:")
    >>> peeked(lambda: connection.execute("select 1")).elsewhere
    False
    >>> peeked(lambda: [1]).elsewhere
    True
    >>> connection.close()
    """
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(_peek, make)
        if trial.exception() is None:
            return Peeked(*trial.result(), elsewhere=True)
    return Peeked(*_peek(make), elsewhere=False)


def _peek(make: Callable[[], Iterable[Any]]) -> tuple[Any, Any]:
    pieces: Any = iter(make())
    try:
        return pieces, next(pieces, None)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()


_FRAMES = 2  # that are there at a time
_PEEKED = 1_000  # first rows that tell the columns' dtypes


def from_iterable(x: Any) -> Source:
    """A source from a function that gives an iterator of frames, or from an iterator.

    Parameters
    ----------
    x : callable, iterable or iterator
        Of pandas DataFrames, pyarrow RecordBatches or Tables; one that a callable gives
        is all the rows. A callable (and an
        iterable that can be iterated again) is asked anew for every pass and has to
        give the same rows. An iterator can be read only once: it is written to a
        temporary Arrow file first, one frame at a time, which is removed with the
        source.

        What only the thread that made it can read, such as a query over SQLite, is
        copied as well.

    Returns
    -------
    Source
        One partition per file of the copy, or one in all.

    Raises
    ------
    TypeError
        When ``x`` gives something else than frames.
    SourceError
        When ``x`` gives nothing that can be iterated, or no frame.
    SchemaError
        When a frame lacks a column or changes its kind; it names the frame.

    Examples
    --------
    >>> import pandas as pd
    >>> from statsmodels_ooc.sources.iterables import from_iterable
    >>> def frames():
    ...     for i in range(3):
    ...         yield pd.DataFrame({"y": [float(i)], "x": [1.0]})
    >>> from_iterable(frames).head(2)
         y    x
    0  0.0  1.0
    1  1.0  1.0
    >>> from_iterable(frames()).rows  # one-shot: copied
    3
    """
    if isinstance(x, Iterator):
        return spool(x, type(x).__name__)
    if isinstance(x, Iterable):
        return _from_function(x.__iter__, type(x).__name__)
    if callable(x):
        name = getattr(x, "__name__", type(x).__name__)
        return _from_function(_Pieces(x, name), name)
    raise TypeError(f"{type(x).__name__} is neither callable nor iterable")


@dataclass(frozen=True)
class _Pieces:
    """What a function gives, as frames; one frame is all of them."""

    make: Callable[[], Any]
    name: str

    def __call__(self) -> Iterable[Any]:
        found = self.make()
        if isinstance(found, Iterator):
            return found
        if isinstance(found, pd.DataFrame) or is_arrow_like(found):
            return [found]
        if isinstance(found, (str, Mapping)) or not isinstance(found, Iterable):
            raise SourceError(
                f"the function {self.name} gives a {type(found).__name__}, not DataFrames",
                hint="it returns an iterator of DataFrames, or one DataFrame, at every call",
            )
        return found


def _from_function(make: Callable[[], Iterable[Any]], name: str) -> Source:
    peek = peeked(make)
    source = IterableSource(make, name, peek)
    if peek.elsewhere:
        return source
    pieces = iter(make())
    return source if pieces is peek.pieces else spool(pieces, name)  # spent: reading says so


class IterableSource(ListedSource):
    """Frames of a function that is called for every pass; see `from_iterable`."""

    def __init__(self, make: Callable[[], Iterable[Any]], name: str, peek: Peeked) -> None:
        first = _checked(peek.first, name)
        names = _names(first, f"frame 0 of {name}")
        dtypes = Lookup(names, self._told)  # of the first values
        self._first = _pandas(first[:_PEEKED], names, f"frame 0 of {name}").copy()
        self._partition = IterablePartition(make, name, dtypes, peek.pieces, _nbytes(first))
        super().__init__(name, dtypes, [self._partition])

    def _told(self, names: Sequence[Any]) -> dict[Any, Any]:
        """What the first frame says, and the others where that is open."""
        found = {name: dtype_of(self._first[name]) for name in names}
        left = [name for name in names if _is_open(found[name])]
        pieces = self._partition.pieces(left) if left else ()
        for place, frame in pieces:
            for name in left:
                both = [("the frames before", found[name]), (place, dtype_of(frame[name]))]
                found[name] = joined_dtype(name, both)
            left = [name for name in left if _is_open(found[name])]
            if not left:
                break
        return {
            name: self._first[name].dtype if dtype is UNTYPED else dtype
            for name, dtype in found.items()
        }

    is_recipe = False  # a pickle would hold the rows

    def levels(self, column: str) -> None:
        """None: frames that come later may have other categories."""


def _is_open(dtype: Any) -> bool:
    """Whether further frames may make something else of a column."""
    is_category = isinstance(dtype, pd.CategoricalDtype)
    return dtype is UNTYPED or (is_category and dtype.categories.dtype.kind in "iuf")


def _checked(first: Any, name: str) -> Any:
    if first is None:
        raise SourceError(
            f"{name} gives no frame, so its columns are unknown",
            hint="give at least one DataFrame, empty if there are no rows",
        )
    if not isinstance(first, pd.DataFrame) and is_arrow_like(first):
        return arrow_table(first)
    if not isinstance(first, pd.DataFrame):
        raise TypeError(
            f"{name} gives a {type(first).__name__}, not a DataFrame or an Arrow RecordBatch"
        )
    return first


def _nbytes(piece: Any) -> int:
    """Bytes in memory, what Python objects point to not counted."""
    if isinstance(piece, pd.DataFrame):
        return int(piece.memory_usage(index=False).sum())
    return int(piece.nbytes)


def _names(piece: Any, place: str) -> list[Any]:
    if isinstance(piece, pd.DataFrame):
        check_unique(list(piece.columns), place)
        return list(piece.columns)
    return [str(name) for name in CommonSchema([(place, piece.schema)]).names]


@dataclass(frozen=True, eq=False)
class IterablePartition(Narrow):
    """All frames of one call."""

    make: Callable[[], Iterable[Any]]
    label: str
    columns: Mapping[Any, Any]  # and their dtypes
    peeked: Iterator[Any] | None
    first_bytes: int = 0  # of the first frame, all of its columns

    def __reduce__(self) -> tuple[Any, ...]:
        return IterablePartition, (self.make, self.label, self.columns, None, self.first_bytes)

    rows = nbytes = None  # only reading can tell

    def reading_bytes(self, columns: Sequence[str], max_rows: int) -> int:
        """The frame that was given, of which what is read may be a copy, and the next one."""
        return _FRAMES * self.first_bytes

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows as frames of at most ``max_rows`` rows.

        Raises
        ------
        SchemaError
            When a frame lacks a column or changes its kind.
        """
        dtypes = picked(self.columns, columns, self.label)
        for place, piece in self.pieces(columns):
            yield from _frames(piece, place, dtypes, max_rows)
            del piece  # before the next one is made

    def pieces(self, columns: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield every frame as the function gives it, and where it stands."""
        pieces = iter(self.make())
        if pieces is self.peeked:
            raise SourceChangedError(
                f"{self.label} gives the same iterator at every call, so the frames that were "
                "taken from it are lost",
                hint="return a new iterator at every call, or hand over the iterator itself",
            )
        numbers = count()  # enumerate would hold on to a piece while the next one is made
        for piece in pieces:
            place = f"frame {next(numbers)} of {self.label}"
            yield place, _pandas(piece, columns, place)
            del piece


def _frames(
    piece: pd.DataFrame, place: str, dtypes: Mapping[Any, Any], max_rows: int
) -> Iterator[pd.DataFrame]:
    for frame in FramePartition(piece, place, dtypes).frames(list(dtypes), max_rows):
        check_kinds(frame, dtypes, place)
        yield frame


def _pandas(piece: Any, columns: Sequence[str], place: str) -> pd.DataFrame:
    if isinstance(piece, pd.DataFrame):
        select(dict.fromkeys(piece.columns), columns, place)
        return piece[list(columns)]
    if is_arrow_like(piece):
        table = arrow_table(piece)
        source = ArrowTableSource(table)
        empty = pd.DataFrame({name: pd.Series(dtype=source.dtypes[name]) for name in columns})
        return pd.concat(source.frames(columns), ignore_index=True) if table.num_rows else empty
    raise TypeError(f"{place} is a {type(piece).__name__}, not a DataFrame")
