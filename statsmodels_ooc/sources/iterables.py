"""Functions and iterators that give frames."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from statsmodels_ooc.errors import SchemaError, SourceChangedError, SourceError
from statsmodels_ooc.sources.base import Levels, Source
from statsmodels_ooc.sources.columns import Column, check_unique, select
from statsmodels_ooc.sources.foreign import arrow_table, is_arrow_like
from statsmodels_ooc.sources.frames import frames_of
from statsmodels_ooc.sources.schema import common_schema, delivered
from statsmodels_ooc.sources.spool import spool
from statsmodels_ooc.sources.threads import works_in_threads

__all__ = ["IterableSource", "from_iterable"]


def from_iterable(x: Any) -> Source:
    """A source from a function that gives an iterator of frames, or from an iterator.

    Parameters
    ----------
    x : callable, iterable or iterator
        Of pandas DataFrames, pyarrow RecordBatches or Tables. A callable (and an
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
        return _from_function(x, getattr(x, "__name__", type(x).__name__))
    raise TypeError(f"{type(x).__name__} is neither callable nor iterable")


def _from_function(make: Callable[[], Iterable[Any]], name: str) -> Source:
    source = IterableSource(make, name)
    if works_in_threads(make):
        return source
    pieces = iter(make())
    is_spent = pieces is source.partitions[0].peeked  # reading says so
    return source if is_spent else spool(pieces, name)


class IterableSource(Source):
    """Frames of a function that is called for every pass; see `from_iterable`."""

    def __init__(self, make: Callable[[], Iterable[Any]], name: str) -> None:
        self._name = name
        pieces = iter(make())
        first = _first(pieces, name)
        if isinstance(first, pd.DataFrame):
            check_unique(list(first.columns), f"frame 0 of {name}")
            self._dtypes = {column: first.dtypes[column] for column in first.columns}
        else:
            self._dtypes = {item.name: item.dtype for item in _arrow_columns(first)}
        self._partitions = [IterablePartition(make, name, self._dtypes, pieces)]

    @property
    def is_recipe(self) -> bool:
        """False: a pickle would hold the rows."""
        return False

    @property
    def name(self) -> str:
        """The function's name."""
        return self._name

    @property
    def dtypes(self) -> Mapping[str, Any]:
        """Column name to the dtype that the first frame has."""
        return self._dtypes

    @property
    def partitions(self) -> Sequence[IterablePartition]:
        """One partition."""
        return self._partitions

    def levels(self, column: str) -> Levels | None:
        """The categories of the first frame, which every frame has to share."""
        dtype = select(self._dtypes, [column], self._name)[0]
        if not isinstance(dtype, pd.CategoricalDtype):
            return None
        return Levels(tuple(dtype.categories.tolist()), is_categorical=True)


def _first(pieces: Iterator[Any], name: str) -> Any:
    try:
        first = next(pieces, None)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
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


def _arrow_columns(piece: Any) -> list[Column]:
    schema = common_schema([("the first batch", piece.schema)])
    return [delivered(field, piece.column(field.name).null_count > 0) for field in schema]


@dataclass(frozen=True, eq=False)
class IterablePartition:
    """All frames of one call."""

    make: Callable[[], Iterable[Any]]
    label: str
    dtypes: Mapping[Any, Any]
    peeked: Iterator[Any] | None

    def __reduce__(self) -> tuple[Any, ...]:
        return IterablePartition, (self.make, self.label, self.dtypes, None)

    @property
    def rows(self) -> None:
        """Only reading can tell."""

    @property
    def nbytes(self) -> None:
        """Only reading can tell."""

    def frames(
        self,
        columns: Sequence[str],
        max_rows: int,
        encoded: Collection[str] = (),
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows as frames of at most ``max_rows`` rows."""
        wanted = dict(zip(columns, select(self.dtypes, columns, self.label), strict=True))
        pieces = iter(self.make())
        if pieces is self.peeked:
            raise SourceChangedError(
                f"{self.label} gives the same iterator at every call, so the frames that were "
                "taken from it are lost",
                hint="return a new iterator at every call, or hand over the iterator itself",
            )
        for number, piece in enumerate(pieces):
            frame = _pandas(piece, columns, f"frame {number} of {self.label}")
            frame = _conformed(frame, wanted, f"frame {number} of {self.label}")
            for start in range(0, len(frame), max_rows):
                yield frame.iloc[start : start + max_rows].reset_index(drop=True)


def _pandas(piece: Any, columns: Sequence[str], place: str) -> pd.DataFrame:
    if isinstance(piece, pd.DataFrame):
        select(dict.fromkeys(piece.columns), columns, place)
        return piece[list(columns)]
    if is_arrow_like(piece):
        table = arrow_table(piece)
        chosen = select({item.name: item for item in _arrow_columns(table)}, columns, place)
        batches = table.select(list(columns)).to_batches()
        frames = list(frames_of(batches, chosen, max(table.num_rows, 1), ()))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    raise TypeError(f"{place} is a {type(piece).__name__}, not a DataFrame")


def _conformed(frame: pd.DataFrame, wanted: Mapping[Any, Any], place: str) -> pd.DataFrame:
    """The frame with the first frame's dtypes, where that loses nothing."""
    if not len(frame):
        return frame
    changed = {}
    for name, dtype in wanted.items():
        found = frame.dtypes[name]
        if found == dtype or _is_wider(found, dtype):
            continue
        if not _is_wider(dtype, found):
            raise SchemaError(
                f"{place}: column {name!r} is {found}, it was {dtype} in the first frame",
                hint="give every frame the same dtypes (and the same categories, or str)",
            )
        changed[name] = dtype
    return frame.astype(changed) if changed else frame


def _is_wider(dtype: Any, than: Any) -> bool:
    """Whether values of the one dtype can all be held by the other: int by float."""
    number = pd.api.types.is_numeric_dtype
    boolean = pd.api.types.is_bool_dtype
    if not (number(dtype) and number(than)) or boolean(dtype) or boolean(than):
        return False
    return bool(pd.api.types.is_float_dtype(dtype) or pd.api.types.is_integer_dtype(than))
