"""A local copy, in Arrow IPC files, of rows that can be read only once or slowly."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.ipc as ipc

from statsmodels_ooc.errors import ParseError, SourceError
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.foreign import arrow_table, is_arrow_like
from statsmodels_ooc.sources.ipc import IpcSource
from statsmodels_ooc.sources.schema import common_schema
from statsmodels_ooc.sources.temporary import TemporaryFolder, spool_errors

__all__ = ["as_table", "spool", "spooled_file"]

_BATCH_ROWS = 131_072


def spool(pieces: Iterable[Any], name: str) -> IpcSource:
    """Write the pieces to temporary Arrow IPC files, one at a time, and open these.

    Parameters
    ----------
    pieces : iterable of pandas.DataFrame, pyarrow.RecordBatch or pyarrow.Table
        The rows in order.
    name : str
        The name of the source.

    Returns
    -------
    IpcSource
        The same rows. Columns whose type widens (int to float) are the wider type;
        Categoricals whose categories disagree are plain values.

    Raises
    ------
    SchemaError
        When a piece lacks a column or changes its kind; it names both frames.
    SpoolError
        When the files cannot be written.
    """
    folder = TemporaryFolder()
    parts = _Parts(folder)
    try:
        for number, piece in enumerate(pieces):
            parts.write(as_table(piece, f"frame {number}"), f"frame {number}")
        parts.close()
    except BaseException:
        with suppress(OSError):  # a full disk is told once
            parts.close()
        folder.remove()  # a traceback may keep this frame, and with it the folder, alive
        raise
    if not parts.paths:
        raise SourceError(
            f"{name} ended before its first frame, so its columns are unknown",
            hint="an iterator can be read once: was it used before?",
        )
    return IpcSource([spooled_file(path, folder) for path in parts.paths], name)


def spooled_file(path: str, folder: TemporaryFolder) -> StoredFile:
    """A file of a temporary folder, which it keeps alive."""
    found = os.stat(path)
    return StoredFile(path, found.st_size, found.st_mtime_ns, owner=folder)


def as_table(piece: Any, place: str) -> pa.Table:
    """A piece of an iterable as an Arrow table."""
    if is_arrow_like(piece) and not isinstance(piece, pd.DataFrame):
        return arrow_table(piece).replace_schema_metadata(None)
    if not isinstance(piece, pd.DataFrame):
        raise TypeError(
            f"{place} is a {type(piece).__name__}, not a DataFrame or an Arrow RecordBatch"
        )
    try:
        table = pa.Table.from_pandas(piece, preserve_index=False)
    except pa.ArrowException as error:
        raise ParseError(
            f"{place} has a column of mixed values: {error}", hint="give it one type"
        ) from error
    return table.replace_schema_metadata(None)


class _Parts:
    """IPC files of one schema each; a new one begins where the schema widens."""

    def __init__(self, folder: TemporaryFolder) -> None:
        self.paths: list[str] = []
        self._folder = folder
        self._writer: Any = None
        self._schema: pa.Schema | None = None
        self._dictionaries: dict[str, pa.Array] = {}
        self._plain: set[str] = set()

    def write(self, table: pa.Table, place: str) -> None:
        table = self._decoded(table.unify_dictionaries())
        if self._schema is None:
            schema = common_schema([(place, table.schema)])
        else:
            schema = common_schema([("the frames before", self._schema), (place, table.schema)])
            schema = pa.schema(
                [self._kept(new, old) for new, old in zip(schema, self._schema, strict=True)]
            )
        if schema != self._schema:
            self._begin(schema)
        table = table.select(schema.names).cast(schema, safe=False)
        with spool_errors(self._folder.path):
            self._writer.write_table(table, max_chunksize=_BATCH_ROWS)

    @staticmethod
    def _kept(new: pa.Field, old: pa.Field) -> pa.Field:
        """The old field, unless the new one is wider."""
        if pa.types.is_dictionary(old.type) and pa.types.is_dictionary(new.type):
            return old
        return new

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
                self._plain.add(field.name)
            if field.name in self._plain:
                table = table.set_column(at, field.name, column.cast(field.type.value_type))
        return table

    def _begin(self, schema: pa.Schema) -> None:
        self.close()
        self._schema = schema
        self.paths.append(os.path.join(self._folder.path, f"part-{len(self.paths)}.arrow"))
        with spool_errors(self._folder.path):
            self._writer = ipc.new_file(self.paths[-1], schema)

    def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with spool_errors(self._folder.path):
                writer.close()
