"""Tables of HDF5 files: partitions are ranges of rows, cut where HDF5's chunks begin."""

from __future__ import annotations

import codecs
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pkgutil import resolve_name
from typing import Any, Self

import pyarrow as pa

from statsmodels_ooc.errors import MissingExtraError, OptionError, SchemaError, SourceError
from statsmodels_ooc.sources.base import Lookup
from statsmodels_ooc.sources.columns import Column, ColumnSource, picked
from statsmodels_ooc.sources.files import StoredFile, find_files, shown
from statsmodels_ooc.sources.frames import reader_bytes
from statsmodels_ooc.sources.hdf5_keys import PandasTable, arrays_of, find_table, named
from statsmodels_ooc.sources.hdf5_layout import Field, Layout, arrow_of, ranges_of_chunks, values_of
from statsmodels_ooc.sources.hdf5_opening import OpenFile, Reader, cache_bytes, opened
from statsmodels_ooc.sources.hdf5_pandas import PandasHdfSource
from statsmodels_ooc.sources.hive import HiveKey, beside_keys, hive_keys
from statsmodels_ooc.sources.schema import CommonSchema, delivered
from statsmodels_ooc.sources.signatures import other_formats_named
from statsmodels_ooc.sources.stored import ArrowRows
from statsmodels_ooc.sources.told_options import options_told

SUFFIXES = (".h5", ".hdf5", ".hdf")

_LIBRARIES = {
    "tables": "statsmodels_ooc.sources.hdf5_tables:TablesReader",
    "h5py": "statsmodels_ooc.sources.hdf5_h5py:H5pyReader",
}


@options_told
def read_hdf(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    key: str | None = None,
    *,
    columns: Sequence[str] | None = None,
    encoding: str = "utf-8",
    storage_options: Mapping[str, Any] | None = None,
) -> Hdf5Source | PandasHdfSource:
    """Open a table of HDF5 files as a source; no row is read yet.

    Parameters
    ----------
    path : str, os.PathLike, or a list of them
        File, glob or directory (also hive-partitioned: ``year=2024/``). Files on servers
        are copied first: HDF5 reads what a local path leads to.
    key : str, optional
        The path of the table in each of the files. Needed where there are several.
    columns : sequence of str, optional
        Names for the columns of arrays. By default those of an array of two dimensions
        are ``x0``, ``x1``, …; of other arrays and tables they are what they are in the
        file.
    encoding : str
        Of text that is stored as bytes; pandas' tables know theirs.
    storage_options : mapping, optional
        Not used; other readers hand it to fsspec.

    Returns
    -------
    Hdf5Source or PandasHdfSource
        Partitions are ranges of some 131,072 rows, cut where HDF5's chunks begin.

    Raises
    ------
    SourceNotFoundError
        When no file matches.
    SourceError
        When there is no such key, none is given and there are several, which are then
        listed, or what is there is no table.
    SchemaError
        When the arrays of a group differ in length, or files in a column.
    ParseError
        When a file is no HDF5, is truncated or damaged.
    SourceAccessError
        When the file cannot be opened, for one since it is open for writing.
    MissingExtraError
        When neither PyTables nor h5py is installed, or not the one that can read it.

    Notes
    -----
    A table is

    - a table of PyTables, or a one-dimensional data set of h5py with fields. Fields of
      fields are ``outer/inner``; those with several values ``name_0``, ``name_1``, …
    - an array (Array, CArray, EArray, a data set of h5py) of one or two dimensions;
    - a group of such arrays of the same length, whose columns they are; those with two
      dimensions are ``name0``, ``name1``, …
    - what pandas wrote with ``format="table"``, which pandas reads here as well; its
      default format, "fixed", can only be read as a whole and is refused.

    Numbers are as they are stored. Text is decoded. An enumeration is a Categorical of its
    names, in the order of their numbers; truth values are truth values. Complex numbers
    and other values that no column of a model has are refused where they are used.

    PyTables reads what it has written, as pandas does; h5py reads the rest. Where only one
    of them is installed, it reads what it can. Neither reads in several threads at a time:
    one thread of a process is inside of HDF5, while the others work on what they have read.
    PyTables unpickles attributes of what it opens, as `pandas.read_hdf` does: open no file of
    a stranger whose programs you would not run.

    Examples
    --------
    >>> import os, tempfile, pandas as pd
    >>> from statsmodels_ooc.sources.hdf5 import read_hdf
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "t.h5")
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 4.0], "g": ["a", "b", "a"]})
    >>> frame.to_hdf(path, key="visits", format="table")
    >>> read_hdf(path, "visits").head(2)
         y  g
    0  1.0  a
    1  2.0  b
    >>> folder.cleanup()
    """
    _check_options(key, encoding)
    files = find_files(path, SUFFIXES, storage_options)
    for file in files:
        if not file.local:
            raise SourceError(
                f"{file} is on a server, and HDF5 files are read from a local path",
                hint=f"copy it first: fsspec.filesystem(...).get({file.path!r}, 'copy.h5')",
            )
    found = []
    for file in files:
        with other_formats_named(file, "HDF5"):
            found.append((file, *_look(file, key)))
    by_pandas = [table for _, _, table in found if isinstance(table, PandasTable)]
    if not by_pandas:
        pieces = [
            Piece(file, library, named(table, columns, str(file)), encoding)
            for file, library, table in found
            if isinstance(table, Layout)
        ]
        return Hdf5Source(pieces, shown(path))
    if len(by_pandas) < len(found):
        other = next(file for file, _, table in found if not isinstance(table, PandasTable))
        raise SchemaError(
            f"{by_pandas[0].key!r} is of pandas in some files, but not in {other}",
            hint="read them as two sources",
        )
    if columns is not None:
        raise SchemaError(
            f"{by_pandas[0].key!r} is a table of pandas, whose columns have names",
            hint="leave columns= out",
        )
    return PandasHdfSource(
        [(f, t) for (f, _, _), t in zip(found, by_pandas, strict=True)], shown(path)
    )


def _check_options(key: Any, encoding: Any) -> None:
    if key is not None and not isinstance(key, str):
        raise OptionError(
            f"key={key!r} is of type {type(key).__name__}, not the path of a table in the file",
            hint="such as key='runs'; without a key, the error of a file with several lists them",
        )
    try:
        codecs.lookup(encoding)
    except (LookupError, TypeError):
        raise OptionError(
            f"encoding={encoding!r} is unknown", hint="such as 'utf8', 'latin-1', 'cp1252'"
        ) from None


def _look(file: StoredFile, key: str | None) -> tuple[str, Layout | PandasTable]:
    """The library that reads a file, and the table that is meant."""
    library = _library(file)
    with opened(file, resolve_name(_LIBRARIES[library])) as open_:
        return library, open_.ask(lambda reader: find_table(reader, key, str(file)))


def _library(file: StoredFile) -> str:
    """PyTables for what it has written, h5py for the rest; or the one that is installed."""
    installed = [name for name in _LIBRARIES if find_spec(name) is not None]
    if not installed:
        raise MissingExtraError(
            f"reading {file} needs PyTables or h5py", hint="pip install 'statsmodels_ooc[hdf5]'"
        )
    if len(installed) == 1:
        return installed[0]
    with opened(file, resolve_name(_LIBRARIES["h5py"])) as open_:
        return "tables" if open_.ask(lambda reader: reader.by_pytables) else "h5py"


@dataclass(frozen=True)
class Piece:
    """The table of one of the files.

    Attributes
    ----------
    file : StoredFile
        The file.
    library : {"tables", "h5py"}
        What reads it.
    layout : Layout
        The table.
    encoding : str
        Of its text.
    """

    file: StoredFile
    library: str
    layout: Layout
    encoding: str

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([field.arrow for field in self.layout.fields])


@dataclass(frozen=True)
class Hdf5Partition(ArrowRows):
    """Consecutive rows of a table of one file."""

    file: StoredFile
    library: str
    key: str
    columns: Mapping[str, Column | HiveKey]
    fields: Mapping[str, Field]
    widths: Mapping[str, int]  # bytes of a row of each array
    encoding: str
    chunk_rows: int
    start: int
    stop: int

    format = "HDF5"
    index = None  # the rows are numbered

    @property
    def label(self) -> str:
        return f"{self.file}:{self.key}, rows {self.start}-{max(self.stop - 1, self.start)}"

    @property
    def before(self) -> int:  # type: ignore[override]
        """How many rows of the table come before these."""
        return self.start

    @property
    def rows(self) -> int:  # type: ignore[override]
        return self.stop - self.start

    @property
    def nbytes(self) -> int:
        return self.rows * sum(self.widths.values())

    def narrowed(self, columns: Sequence[str]) -> Self:
        own = [name for name in columns if name in self.fields]
        fields = {name: self.fields[name] for name in own}
        kept = {field.node: self.widths[field.node] for field in fields.values()}
        columns_ = picked(self.columns, columns, self.label)
        return replace(self, columns=columns_, fields=fields, widths=kept)

    def reading_bytes(self, columns: Sequence[str], max_rows: int) -> int:
        """What is read at a time, as HDF5 has it and as a frame has it."""
        fields = [self.fields[name] for name in columns if name in self.fields]
        width, arrays = self._width(fields), len(arrays_of(fields))
        widest = max((self.widths[node] for node in arrays_of(fields)), default=0)
        kept = min(self.chunk_rows * width, arrays * cache_bytes())
        rows = min(self._step(width, max_rows), self.rows)
        return 2 * (width * rows + widest * self.chunk_rows) + kept

    def _width(self, fields: Sequence[Field]) -> int:
        return sum(self.widths[node] for node in arrays_of(fields))

    def _step(self, width: int, max_rows: int) -> int:
        """How many rows are read at a time: whole chunks, where these are not too large."""
        rows = max(1, min(max_rows, reader_bytes() // max(width, 1)))
        if self.chunk_rows <= rows:
            return rows // self.chunk_rows * self.chunk_rows
        return self.chunk_rows if self.chunk_rows * width <= reader_bytes() else rows

    def table(self, names: Sequence[str]) -> pa.Table:
        """Nothing: no column holds labels."""
        raise NotImplementedError(f"{self.label} has no labels")

    def batches(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pa.RecordBatch]:
        fields = [self.fields[column.name] for column in columns]
        step = self._step(self._width(fields), max_rows)
        arrays = arrays_of(fields)
        with opened(self.file, resolve_name(_LIBRARIES[self.library])) as open_:
            for start in range(self.start, self.stop, step):
                stop = min(start + step, self.stop)
                read = self._read(open_, arrays, start, stop)
                yield _batch([read[field.name] for field in fields], fields, stop - start)

    def _read(
        self, open_: OpenFile, arrays: Mapping[str, Sequence[Field]], start: int, stop: int
    ) -> dict[str, pa.Array]:
        found = {}
        for node, fields in arrays.items():
            span, tops = _needed(fields)
            ask = partial(_rows, node=node, start=start, stop=stop, span=span, tops=tops)
            rows = open_.ask(ask)
            place = f"{self.file}:{node}"
            for field in fields:
                values = values_of(rows, field, span.start or 0)
                found[field.name] = arrow_of(values, field, self.encoding, place, start)
        return found


def _rows(
    reader: Reader, node: str, start: int, stop: int, span: slice, tops: Sequence[str] | None
) -> Any:
    return reader.read(node, start, stop, span, tops)


def _needed(fields: Sequence[Field]) -> tuple[slice, list[str] | None]:
    """The columns of two dimensions, or the outermost fields of a table, that are read."""
    tops = list(dict.fromkeys(field.inside[0] for field in fields if field.inside))
    places = [field.at for field in fields if field.at is not None]
    if tops or not places:
        return slice(None), tops or None
    return slice(min(places), max(places) + 1), None


def _batch(arrays: Sequence[pa.Array], fields: Sequence[Field], rows: int) -> pa.RecordBatch:
    if not arrays:  # read for its length
        return pa.RecordBatch.from_arrays([pa.nulls(rows)], [""])
    return pa.RecordBatch.from_arrays(list(arrays), [field.name for field in fields])


class Hdf5Source(ColumnSource):
    """Tables of HDF5 files as one table; see `read_hdf`."""

    def __init__(self, pieces: Sequence[Piece], name: str) -> None:
        common = CommonSchema([(str(piece.file), piece.schema) for piece in pieces])
        keys = hive_keys(
            [piece.file for piece in pieces], [piece.layout.rows > 0 for piece in pieces]
        )
        columns = beside_keys(Lookup(common.names, partial(_found, common, pieces)), keys)
        partitions = [part for piece in pieces for part in _partitions(piece, columns)]
        super().__init__(name, columns, partitions)


def _found(
    common: CommonSchema, pieces: Sequence[Piece], names: Sequence[str]
) -> dict[str, Column]:
    found = {}
    for name in names:
        fields = [(p, f) for p in pieces for f in p.layout.fields if f.name == name]
        for piece, field in fields:
            if field.kind.type is None:
                raise SchemaError(
                    f"column {name!r} of {piece.file}:{field.node} holds values of the type "
                    f"{field.kind.what}, which are no numbers, text, times or truth values",
                    hint="write what the model needs of them into a column of its own",
                )
        words = [
            pa.array([word for word, _ in field.kind.words])
            for _, field in fields
            if field.kind.words is not None
        ]
        found[name] = delivered(common.field(name), False, words or None)
    return found


def _partitions(piece: Piece, columns: Mapping[str, Any]) -> Iterator[Hdf5Partition]:
    layout = piece.layout
    fields = {field.name: field for field in layout.fields}
    widths = dict(layout.widths)
    for start, stop in ranges_of_chunks(layout.rows, layout.chunk_rows, sum(widths.values())):
        yield Hdf5Partition(
            piece.file,
            piece.library,
            layout.key,
            columns,
            fields,
            widths,
            piece.encoding,
            layout.chunk_rows,
            start,
            stop,
        )
