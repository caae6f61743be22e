"""Tables that pandas wrote into HDF5 files, read by pandas, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import pandas as pd

from statsmodels_ooc.errors import MissingExtraError, SourceError
from statsmodels_ooc.sources.base import Levels, Lookup
from statsmodels_ooc.sources.columns import ColumnSource, check_unique
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.frames import reader_bytes
from statsmodels_ooc.sources.hdf5_keys import PandasTable
from statsmodels_ooc.sources.hdf5_layout import ranges_of_chunks
from statsmodels_ooc.sources.hdf5_opening import cache_bytes, opened
from statsmodels_ooc.sources.hive import beside_keys, hive_keys
from statsmodels_ooc.sources.schema import check_same_columns
from statsmodels_ooc.sources.stored import FileRows
from statsmodels_ooc.sources.values import check_kinds, joined_dtype, settled

_SEEN = 1_000  # first rows, which tell the types of the columns
_UNNAMED = "values"  # how pandas calls the column of a Series without a name
_COPIES = 4  # of rows: PyTables' own, and what pandas makes of them


@dataclass(frozen=True)
class PandasColumn:
    """A column of pandas' tables.

    Attributes
    ----------
    name : object
        Its name.
    dtype : dtype
        That of every frame.
    """

    name: Any
    dtype: Any

    @property
    def levels(self) -> Levels | None:
        """The categories of a Categorical."""
        if not isinstance(self.dtype, pd.CategoricalDtype):
            return None
        return Levels(tuple(self.dtype.categories.tolist()), is_categorical=True)


@dataclass(frozen=True)
class _Piece:
    """The table of one of the files: its first rows, and the sizes of all of them."""

    file: StoredFile
    table: _Stored
    rows: int
    chunk_rows: int
    first: pd.DataFrame


@dataclass(frozen=True)
class _Stored:
    """Where rows are, and how pandas has them.

    Attributes
    ----------
    key : str
        The path of the group.
    row_bytes : int
        What a row takes.
    series : str or None
        The name of the column of a Series; None of a DataFrame.
    labelled : tuple
        The names of the labels of rows, which are columns here.
    """

    key: str
    row_bytes: int = 0
    series: Any = None
    labelled: tuple[Any, ...] = ()

    def read(self, start: int, stop: int, names: Sequence[Any] | None) -> Callable[[Any], Any]:
        """The question for some rows of some columns, or all."""
        return lambda store: self._read(store, start, stop, names)

    def _read(self, store: Any, start: int, stop: int, names: Sequence[Any] | None) -> pd.DataFrame:
        columns = None
        if names is not None and self.series is None:
            columns = [name for name in names if name not in self.labelled]
        found: Any = store.select(self.key, start=start, stop=stop, columns=columns)
        if isinstance(found, pd.Series):
            found = found.to_frame(found.name if self.series is None else self.series)
        for at, name in enumerate(self.labelled):
            found.insert(at, name, found.index.get_level_values(name))
        frame: pd.DataFrame = found if names is None else found[list(names)]
        return frame


def _look(file: StoredFile, table: PandasTable) -> _Piece:
    """What pandas and PyTables say of a table.

    Raises
    ------
    SourceError
        It is in the format that can only be read as a whole.
    MissingExtraError
        PyTables is not installed.
    """
    place = f"{file}:{table.key}"
    if table.is_fixed:
        raise SourceError(
            f"{place} is of pandas in the format 'fixed' ({table.kind}), which can only be read as "
            "a whole",
            hint=f"write it again: pd.read_hdf(path, {table.key!r}).to_hdf(other, "
            f"key={table.key!r}, format='table')",
        )
    if find_spec("tables") is None:
        raise MissingExtraError(
            f"{place} is a table of pandas, which reads it with PyTables",
            hint="pip install 'statsmodels_ooc[hdf5]'",
        )
    with opened(file, _open) as open_:
        rows, chunk_rows, row_bytes = open_.ask(partial(_sizes, key=table.key))
        found = open_.ask(lambda store: store.select(table.key, start=0, stop=_SEEN))
    series = None
    if isinstance(found, pd.Series):
        series = _UNNAMED if found.name is None else found.name
        found = found.to_frame(series)
    check_unique([*found.columns, *(n for n in found.index.names if n is not None)], place)
    labelled = tuple(name for name in found.index.names if name is not None)
    for at, name in enumerate(labelled):
        found.insert(at, name, found.index.get_level_values(name))
    stored = _Stored(table.key, row_bytes, series, labelled)
    return _Piece(file, stored, rows, chunk_rows, settled(found))


def _open(path: str) -> pd.HDFStore:
    return pd.HDFStore(path, "r", chunk_cache_size=cache_bytes())


def _sizes(store: Any, key: str) -> tuple[int, int, int]:
    stored = store.get_storer(key).table
    return int(stored.nrows), int(stored.chunkshape[0]), int(stored.dtype.itemsize)


@dataclass(frozen=True)
class PandasHdfPartition(FileRows):
    """Consecutive rows of a table of pandas in one file."""

    file: StoredFile
    table: _Stored
    columns: Mapping[Any, Any]
    start: int
    stop: int

    @property
    def label(self) -> str:
        return f"{self.file}:{self.table.key}, rows {self.start}-{max(self.stop - 1, self.start)}"

    @property
    def rows(self) -> int:
        return self.stop - self.start

    @property
    def nbytes(self) -> int:
        return self.rows * self.table.row_bytes

    @property
    def labels(self) -> pd.Index[Any]:
        """The labels of the rows, as pandas stored them."""
        read = _Stored(self.table.key, series=self.table.series).read(self.start, self.stop, [])
        with opened(self.file, _open) as open_:
            frame: pd.DataFrame = open_.ask(read)
        return frame.index

    def reading_bytes(self, columns: Sequence[Any], max_rows: int) -> int:
        """What PyTables reads at a time, and what pandas makes of it."""
        rows = min(self._step(max_rows), max(self.rows, 1))
        return _COPIES * self.table.row_bytes * rows + min(cache_bytes(), self.nbytes)

    def _step(self, max_rows: int) -> int:
        return max(1, min(max_rows, reader_bytes() // max(self.table.row_bytes, 1)))

    def stored(
        self, columns: Sequence[Any], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pd.DataFrame]:
        names = [column.name for column in columns]
        dtypes = {column.name: column.dtype for column in columns}
        step = self._step(max_rows)
        with opened(self.file, _open) as open_:
            for start in range(self.start, self.stop, step):
                stop = min(start + step, self.stop)
                frame = open_.ask(self.table.read(start, stop, names))
                frame.index = pd.RangeIndex(len(frame))
                found = settled(frame, dtypes)
                check_kinds(found, dtypes, f"{self.file}:{self.table.key}, rows from {start}")
                yield found


class PandasHdfSource(ColumnSource):
    """Tables of pandas in HDF5 files as one table; see `read_hdf`."""

    def __init__(self, tables: Sequence[tuple[StoredFile, PandasTable]], name: str) -> None:
        pieces = [_look(file, table) for file, table in tables]
        first = pieces[0]
        for piece in pieces[1:]:
            check_same_columns(
                str(first.file), first.first.columns, str(piece.file), piece.first.columns
            )
        keys = hive_keys([piece.file for piece in pieces], [piece.rows for piece in pieces])
        stored: Lookup[Any] = Lookup(first.first.columns, partial(_found, pieces))
        columns = beside_keys(stored, keys)
        partitions = [part for piece in pieces for part in _partitions(piece, columns)]
        super().__init__(name, columns, partitions)


def _found(pieces: Sequence[_Piece], names: Sequence[Any]) -> dict[Any, PandasColumn]:
    return {
        name: PandasColumn(
            name, joined_dtype(name, [(str(p.file), p.first[name].dtype) for p in pieces])
        )
        for name in names
    }


def _partitions(piece: _Piece, columns: Mapping[Any, Any]) -> Iterator[PandasHdfPartition]:
    for start, stop in ranges_of_chunks(piece.rows, piece.chunk_rows, piece.table.row_bytes):
        yield PandasHdfPartition(piece.file, piece.table, columns, start, stop)
