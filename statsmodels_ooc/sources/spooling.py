"""A source that is slow, or can be read only once, read once into local Arrow files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc

from statsmodels_ooc.errors import SchemaError, SourceError
from statsmodels_ooc.sources.base import Levels, Partition, Recipe, Source
from statsmodels_ooc.sources.columns import ListedSource, common_type
from statsmodels_ooc.sources.copies import Copies, FolderCopies
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.foreign import arrow_table, is_arrow_like
from statsmodels_ooc.sources.ipc import IpcSource
from statsmodels_ooc.sources.schema import DECLARED, check_same_columns, declared_categories
from statsmodels_ooc.sources.temporary import TemporaryFolder
from statsmodels_ooc.sources.values import CONVERT, settled, with_columns

COPIED_ROWS = 131_072


def spool(
    pieces: Iterable[Any], name: str, copies: Copies | None = None, stem: str = "part"
) -> IpcSource:
    """Write the pieces to temporary files of Arrow, one at a time, and open these.

    Parameters
    ----------
    pieces : iterable of pandas.DataFrame, pyarrow.RecordBatch or pyarrow.Table
        The rows in order.
    name : str
        The name of the source.
    copies : Copies, optional
        Where; by default in a folder of their own, which is removed when something fails.
    stem : str
        What the names of the files begin with.

    Returns
    -------
    IpcSource
        The same rows. Each file has the types that its values had; Categoricals whose
        categories disagree are plain values.

    Raises
    ------
    SchemaError
        When a piece lacks a column; when a column is asked for that changes its kind, or
        whose values are of several. It names the frames.
    SpoolError
        When the files cannot be written.
    """
    if copies is None:
        copies = FolderCopies()
        with removed_on_failure(copies):
            return spool(pieces, name, copies, stem)
    parts = _Parts(copies, stem)
    try:
        numbers = count()  # enumerate would hold on to a piece while the next one is made
        for piece in pieces:
            parts.write(piece, f"frame {next(numbers)}")
            del piece
        parts.close()
    except BaseException:
        with suppress(OSError):  # a full disk is told once
            parts.close()
        raise
    if not parts.names:
        raise SourceError(
            f"{name} ended before its first frame, so its columns are unknown",
            hint="an iterator can be read once: was it used before?",
        )
    return IpcSource([copies.stored(part) for part in parts.names], name, parts.refused)


@contextmanager
def removed_on_failure(copies: Copies) -> Iterator[None]:
    """Remove copies at once where something fails: a traceback may keep their owners alive."""
    try:
        yield
    except BaseException:
        copies.remove()
        raise


def _as_table(piece: Any, place: str) -> tuple[pa.Table, dict[str, SchemaError]]:
    """A piece of an iterable as an Arrow table, and why some of its columns are left out."""
    if is_arrow_like(piece) and not isinstance(piece, pd.DataFrame):
        table = _marked(arrow_table(piece))
        return _without_types(table, _has_no_words), {}
    if not isinstance(piece, pd.DataFrame):
        raise TypeError(
            f"{place} is a {type(piece).__name__}, not a DataFrame or an Arrow RecordBatch"
        )
    frame = with_columns(settled(piece), _without_long_integers)
    refused: dict[Any, SchemaError] = {}
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, OverflowError):
        refused = _refused(frame, place)
        table = pa.Table.from_pandas(frame.drop(columns=list(refused)), preserve_index=False)
    errors = {str(name): error for name, error in refused.items()}
    return _without_types(_marked(table), _has_no_value), errors


def _refused(frame: pd.DataFrame, place: str) -> dict[Any, SchemaError]:
    """The columns that Arrow has no type for."""
    found = {}
    for name, column in frame.items():
        try:
            pa.array(column, from_pandas=True)
        except (pa.ArrowException, OverflowError) as error:
            found[name] = SchemaError(
                f"column {name!r} of {place} has values of several types: {error}",
                hint="give it one type",
            )
    return found


def _with_special_categories(table: pa.Table, place: str) -> dict[str, SchemaError]:
    """The columns whose categories Arrow cannot read again: periods and intervals."""
    return {
        field.name: SchemaError(
            f"column {field.name!r} of {place} has categories of type {field.type.value_type}, "
            "which a temporary Arrow file cannot hold",
            hint="make text of them, .cat.rename_categories(str), or give a list of the frames "
            "or a function that returns their iterator",
        )
        for field in table.schema
        if pa.types.is_dictionary(field.type)
        and isinstance(field.type.value_type, pa.BaseExtensionType)
    }


def _without_long_integers(_: Any, column: pd.Series) -> pd.Series:
    """Integers of more than 64 bits as decimals, which Arrow has."""
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "integer":
        return column.map(Decimal, na_action="ignore")
    return column


def _marked(table: pa.Table) -> pa.Table:
    """The table, the fields whose categories are declared marked as such."""
    declared = declared_categories(table.schema)
    fields = [
        field.with_metadata({DECLARED: b""} if field.name in declared else None)
        for field in table.schema
    ]
    return table.cast(pa.schema(fields)) if declared else table.replace_schema_metadata(None)


def _has_no_words(column: pa.ChunkedArray) -> bool:
    """Whether it is a dictionary in which nothing is."""
    is_dictionary = pa.types.is_dictionary(column.type)
    return is_dictionary and not any(len(chunk.dictionary) for chunk in column.chunks)


def _has_no_value(column: pa.ChunkedArray) -> bool:
    """Whether nothing tells its type: pandas makes doubles or objects of such columns."""
    if pa.types.is_dictionary(column.type):
        return _has_no_words(column)
    return bool(column.null_count == len(column))


def _without_types(table: pa.Table, is_open: Callable[[pa.ChunkedArray], bool]) -> pa.Table:
    """A table some of whose columns, without a value, have no type."""
    fields, columns = list(table.schema), list(table.columns)
    for at, (field, column) in enumerate(zip(fields, columns, strict=True)):
        if is_open(column):
            fields[at], columns[at] = pa.field(field.name, pa.null()), pa.nulls(len(column))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


class _Parts:
    """IPC files of one schema each; a new one begins where a type changes."""

    def __init__(self, copies: Copies, stem: str) -> None:
        self._stem = stem
        self.names: list[str] = []
        self.refused: dict[str, SchemaError] = {}
        self._copies = copies
        self._writer: Any = None
        self._file: Any = None
        self._schema: pa.Schema | None = None
        self._seen: dict[str, tuple[str, pa.DataType]] = {}
        self._dictionaries: dict[str, pa.Array] = {}
        self._plain: set[str] = set()

    def write(self, piece: Any, place: str) -> None:
        table, refused = _as_table(piece, place)
        refused |= _with_special_categories(table, place)
        table = table.select([name for name in table.column_names if name not in refused])
        table = self._decoded(table.unify_dictionaries())
        if self._schema is not None:
            known = {**self._seen, **self.refused}
            check_same_columns("the frames before", known, place, [*table.schema.names, *refused])
        self.refused = {**refused, **self.refused}
        for field in table.schema:
            self._see(field, place)
        fields = [field for field in table.schema if field.name not in self.refused]
        columns = [self._as_before(field, table.column(field.name)) for field in fields]
        kinds = [field.with_type(c.type) for field, c in zip(fields, columns, strict=True)]
        table = pa.Table.from_arrays(columns, schema=pa.schema(kinds))
        if table.schema != self._schema:
            self._begin(table.schema)
        with self._copies.errors():
            self._writer.write_table(table, max_chunksize=COPIED_ROWS)
        self._copies.check(self.names[-1])

    def _see(self, field: pa.Field, place: str) -> None:
        """Note the type of a column, or that no type suits all frames."""
        before = self._seen.setdefault(field.name, (place, field.type))
        if field.name in self.refused:
            return
        try:
            kind = common_type([before, (place, field.type)], field.name, CONVERT)
        except SchemaError as error:
            self.refused[field.name] = error
        else:
            self._seen[field.name] = (place if pa.types.is_null(before[1]) else before[0], kind)

    def _as_before(self, field: pa.Field, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """A column in the type of the frames before, where that holds each of its values."""
        kind = self._seen[field.name][1]
        if column.type == kind or pa.types.is_dictionary(column.type):
            return column
        if pa.types.is_dictionary(kind):
            return column  # of nothing: its dictionary would be another one
        if pa.types.is_decimal(column.type):
            return column
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            return column

    def _decoded(self, table: pa.Table) -> pa.Table:
        for at, field in enumerate(table.schema):
            if not pa.types.is_dictionary(field.type):
                continue
            column = table.column(at)
            words = column.chunk(0).dictionary if column.num_chunks else None
            known = self._dictionaries.get(field.name)
            if known is None and words is not None:
                known = self._dictionaries[field.name] = words
            if words is not None and not words.equals(known):
                if _same_words(field.type, words, known):
                    column = _recoded(column, known)
                    table = table.set_column(at, field, column)
                else:
                    self._plain.add(field.name)
            if field.name in self._plain:
                table = table.set_column(at, field.name, column.cast(field.type.value_type))
        return table

    def _begin(self, schema: pa.Schema) -> None:
        self.close()
        self._schema = schema
        self.names.append(f"{self._stem}-{len(self.names)}.arrow")
        with self._copies.errors():
            self._file = self._copies.create(self.names[-1])
            self._writer = ipc.new_file(self._file, schema)

    def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with self._copies.errors(), self._file:
                writer.close()


def _same_words(kind: pa.DataType, words: pa.Array, known: pa.Array) -> bool:
    """Whether two dictionaries declare the same levels, in an order that says nothing."""
    same_type = words.type == known.type and len(words) == len(known)
    return not kind.ordered and same_type and pc.all(pc.is_in(words, known)).as_py() is not False


def _recoded(column: pa.ChunkedArray, words: pa.Array) -> pa.ChunkedArray:
    """The same values as positions in other words."""
    plain = column.cast(words.type).combine_chunks()
    indices = pc.index_in(plain, words).cast(column.type.index_type)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, words)])


_EXPANSION = 12  # bytes in a local copy for a byte of a compressed text file, at most


def has_room(source: Source) -> bool:
    """Whether the temporary directory can hold a copy of a source twice over.

    Raises
    ------
    SpoolError
        Nothing can be written there.
    """
    folder = TemporaryFolder()
    if source.nbytes is None:
        return True
    return shutil.disk_usage(folder.path).free > _EXPANSION * source.nbytes


class SpooledSource(ListedSource):
    """The copies of a slow source's partitions, which go by its name and its labels."""

    def __init__(self, original: Source, copies: Sequence[IpcSource]) -> None:
        # One source over all files: a column that widened anywhere is wide everywhere.
        refused = {name: error for copy in copies for name, error in copy.refused.items()}
        files = [file for copy in copies for file in copy.files]
        copied = IpcSource(files, original.name, refused)
        pieces: dict[StoredFile, list[Partition]] = {file: [] for file in files}
        for piece in copied.partitions:
            pieces[piece.file].append(piece)
        # A partition for each of the original's, so that both give the same bits.
        partitions = [
            SpooledPartition(
                before.label,
                before.version,
                tuple(piece for file in copy.files for piece in pieces[file]),
            )
            for before, copy in zip(original.partitions, copies, strict=True)
        ]
        super().__init__(original.name, copied.dtypes, partitions)
        self._original, self._copy = original, copied

    is_recipe = False  # a temporary copy goes with this process

    @property
    def unordered(self) -> str | None:
        return self._original.unordered

    @property
    def nameless(self) -> frozenset[str]:
        return self._original.nameless

    def levels(self, column: str) -> Levels | None:
        return self._original.levels(column) or self._copy.levels(column)


@dataclass(frozen=True)
class SpooledPartition(Recipe):
    """The copy of a partition, under its label."""

    label: str
    version_copied: str
    pieces: tuple[Any, ...]

    is_far = False

    @property
    def version(self) -> str:
        """That of the original."""
        return self.version_copied

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)

    @property
    def nbytes(self) -> int:
        return sum(piece.nbytes for piece in self.pieces)

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        for piece in self.pieces:
            yield from piece.frames(columns, max_rows, encoded)
