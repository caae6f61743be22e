"""Files that are complete or absent: parts in a hidden folder, joined and named at the end."""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from statsmodels_ooc.errors import SchemaError, WriteError
from statsmodels_ooc.sources.columns import common_type, is_text
from statsmodels_ooc.sources.seam import created, readable, touch

_GROUP = 131_072  # rows of a row group
_PART = "part-{}.parquet"  # a file of a folder, by its number
_LONG = 100  # characters of a name, which file systems do not have without end
_ATTEMPTS, _PAUSE = 50, 0.1  # at a folder into which a task that was given up still writes
_HINT = "leave the column out of keep=, or give it one type"


@dataclass(frozen=True)
class Part:
    """The files of a partition.

    Attributes
    ----------
    paths : tuple of str
        In order; none where the partition has no rows.
    start : int or None
        How many rows of the source come before; None where that is not known, and the rows
        are counted from the first of the partition.
    rows : int
        How many rows the partition has, those that a subset did not choose among them.
    label : str
        The partition, for messages.
    """

    paths: tuple[str, ...]
    start: int | None
    rows: int
    label: str


@contextmanager
def write_errors(path: str) -> Iterator[None]:
    """Say that it is this file that cannot be written.

    Raises
    ------
    WriteError
        For an OSError: no room, no permission.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        raise WriteError(
            f"{path} cannot be written: {error}",
            hint="make room where it is written, or write it elsewhere; nothing of it is left",
        ) from error


@contextmanager
def parquet_writer(path: str, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A writer that looks for repeated values where these are text: doubles hardly repeat."""
    text = [field.name for field in schema if is_text(field.type)]
    with (
        created(path) as file,
        pq.ParquetWriter(file, schema, use_dictionary=text or False) as writer,
    ):
        yield writer


@contextmanager
def _part_read(path: str) -> Iterator[pq.ParquetFile]:
    touch("open", path)
    with pa.OSFile(path) as file, pq.ParquetFile(readable(file, path)) as part:
        yield part


@dataclass(frozen=True)
class Target:
    """What is written in the end.

    Attributes
    ----------
    path : str
        The file or the folder, absolute.
    kind : {"parquet", "csv", "folder"}
        One file, or a folder of Parquet files.
    overwrite : bool
        Whether what is there is replaced.
    """

    path: str
    kind: str
    overwrite: bool

    @classmethod
    def of(cls, path: str | os.PathLike[str], overwrite: bool) -> Target:
        """From what a user says.

        Raises
        ------
        WriteError
            There is something of this name, nothing is known of its suffix, it is a URL or empty.
        """
        given = os.fspath(path)
        if not given:
            raise WriteError("the path is empty", hint="name a file or a folder")
        if "://" in given:
            raise WriteError(f"{given}: rows are written to local files", hint="copy them then")
        suffix = os.path.splitext(given.rstrip("/"))[1].lower()
        kinds = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", "": "folder"}
        if suffix not in kinds:
            raise WriteError(
                f"{given}: nothing is known of the suffix {suffix!r}",
                hint="rows are written to .parquet or .csv, or to a folder of Parquet files, "
                "whose name has no suffix",
            )
        found = cls(os.path.abspath(given), kinds[suffix], overwrite)
        found.check()
        return found

    def check(self) -> None:
        """Refuse what would replace something that it must not.

        Raises
        ------
        WriteError
            It says what.
        """
        if not os.path.lexists(self.path):
            return
        if not self.overwrite:
            raise WriteError(
                f"{self.path} is there already", hint="overwrite=True replaces it, when all is read"
            )
        if os.path.isdir(self.path) != (self.kind == "folder"):
            what = "a folder" if os.path.isdir(self.path) else "a file"
            raise WriteError(
                f"{self.path} is {what}, which would be replaced by something else",
                hint="give another name, or remove it",
            )
        others = [name for name in _listed(self) if not re.fullmatch(_PART.format(r"\d{5,}"), name)]
        if others:
            raise WriteError(
                f"{self.path} has {others[0]!r}, which is no file of rows and would be gone",
                hint="a folder is replaced where it has nothing but part-00000.parquet and so on",
            )

    @contextmanager
    def opened(self) -> Iterator[str]:
        """A hidden folder beside the target, which goes with all that is in it.

        Raises
        ------
        WriteError
            It cannot be made.
        """
        parent, name = os.path.split(self.path)
        if not os.path.isdir(parent):
            raise WriteError(
                f"{self.path} cannot be written: there is no folder {parent}", hint="make it first"
            )
        folder = os.path.join(parent, f".{name[:_LONG]}.{uuid.uuid4().hex}.tmp")
        with write_errors(self.path):
            touch("write", folder)
            os.mkdir(folder)
        try:
            yield folder
        finally:
            _remove(folder)

    def finish(self, folder: str, parts: Sequence[Part], counted: str) -> None:
        """Join the parts, and give them their name.

        Parameters
        ----------
        folder : str
            The hidden folder.
        parts : sequence of Part
            In order.
        counted : str
            The column that counts rows.

        Raises
        ------
        SchemaError
            A column has no common type.
        WriteError
            There is no room, or something has taken the name meanwhile.
        """
        placed = list(_placed(parts))
        whole = os.path.join(folder, "whole")
        with write_errors(self.path):
            schema = _common_schema(parts)
            if self.kind == "folder":
                touch("write", whole)
                os.mkdir(whole)
                for number, one in enumerate(placed):
                    path = os.path.join(whole, _PART.format(f"{number:05d}"))
                    _join([one], schema, counted, path)
            elif self.kind == "parquet":
                _join(placed, schema, counted, whole)
            else:
                _join_text(placed, schema, counted, whole)
            self.check()
            self._name(whole, os.path.join(folder, "before"))

    def _name(self, whole: str, before: str) -> None:
        if self.kind != "folder":
            _renamed(whole, self.path)
            return
        is_there = os.path.isdir(self.path)
        if is_there:
            _renamed(self.path, before)
        try:
            _renamed(whole, self.path)
        except BaseException:
            if is_there:
                os.replace(before, self.path)
            raise


def _renamed(old: str, new: str) -> None:
    touch("rename", new)
    os.replace(old, new)


def _listed(target: Target) -> list[str]:
    return sorted(os.listdir(target.path)) if target.kind == "folder" else []


def _remove(folder: str) -> None:
    """Remove a folder, into which tasks that nobody waits for any more may still write."""
    for _ in range(_ATTEMPTS):
        with suppress(OSError):
            shutil.rmtree(folder)
        if not os.path.lexists(folder):
            return
        time.sleep(_PAUSE)


@dataclass(frozen=True)
class _Placed:
    """A part, and what is added to the numbers that its files count."""

    part: Part
    shift: int


def _placed(parts: Sequence[Part]) -> Iterator[_Placed]:
    before = 0
    for part in parts:
        if part.paths:
            yield _Placed(part, 0 if part.start is not None else before)
        before += part.rows


def _common_schema(parts: Sequence[Part]) -> pa.Schema:
    """The types that hold the values of all parts."""
    found: dict[str, dict[pa.DataType, str]] = {}
    for part in parts:
        for path in part.paths:
            for field in _schema_of(path):
                kind = pa.large_string() if is_text(field.type) else field.type
                found.setdefault(field.name, {}).setdefault(kind, part.label)
    kinds = {
        name: common_type([(place, kind) for kind, place in types.items()], name, _HINT)
        for name, types in found.items()
    }
    return pa.schema(list(kinds.items()))


def _schema_of(path: str) -> pa.Schema:
    with _part_read(path) as part:
        return part.schema_arrow


def _join(parts: Sequence[_Placed], schema: pa.Schema, counted: str, path: str) -> None:
    """Parts as one Parquet file; a single one that is as it should be is moved."""
    paths = [name for one in parts for name in one.part.paths]
    if len(paths) == 1 and not parts[0].shift and _schema_of(paths[0]).equals(schema):
        _renamed(paths[0], path)
        return
    with parquet_writer(path, schema) as writer:
        for table in _grouped(_tables(parts, schema, counted)):
            writer.write_table(table, row_group_size=_GROUP)


def _join_text(parts: Sequence[_Placed], schema: pa.Schema, counted: str, path: str) -> None:
    """Parts as one text file; what is NaN is empty."""
    nested = [field.name for field in schema if pa.types.is_nested(field.type)]
    if nested:
        raise SchemaError(f"column {nested[0]!r} has lists, which text files do not", hint=_HINT)
    spans = [i for i, field in enumerate(schema) if pa.types.is_duration(field.type)]
    as_text = schema
    for at in spans:
        as_text = as_text.set(at, as_text.field(at).with_type(pa.string()))
    with created(path) as file, csv.CSVWriter(file, as_text) as writer:
        for table in _grouped(_tables(parts, schema, counted)):
            for at in spans:
                table = table.set_column(at, as_text.field(at), _as_text(table.column(at)))
            writer.write_table(_without_nan(table))


def _as_text(spans: pa.ChunkedArray) -> pa.Array:
    """Spans of time as pandas writes them."""
    series = spans.to_pandas()
    return pa.array(series.astype(str).where(series.notna(), None), pa.string())


def _without_nan(table: pa.Table) -> pa.Table:
    for at, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            column = table.column(at)
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, field.type), column)
            table = table.set_column(at, field, column)
    return table


def _tables(parts: Sequence[_Placed], schema: pa.Schema, counted: str) -> Iterator[pa.Table]:
    """The rows of all parts, with common types and numbers, a bounded number at a time."""
    for one in parts:
        for path in one.part.paths:
            with _part_read(path) as file:
                for batch in file.iter_batches(_GROUP, use_threads=False):
                    table = pa.Table.from_batches([batch])
                    if one.shift:
                        at = table.schema.get_field_index(counted)
                        shifted = pc.add(table.column(at), one.shift)
                        table = table.set_column(at, table.schema.field(at), shifted)
                    yield _cast(table, schema, one.part.label)


def _cast(table: pa.Table, schema: pa.Schema, label: str) -> pa.Table:
    try:
        return table.select(schema.names).cast(schema)
    except pa.ArrowInvalid as error:
        raise SchemaError(
            f"a column of {label} has another type than elsewhere, and loses digits: {error}",
            hint=_HINT,
        ) from None


def _grouped(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Small tables put together until they make a row group."""
    held: list[pa.Table] = []
    rows = 0
    for table in tables:
        held.append(table)
        rows += table.num_rows
        if rows >= _GROUP:
            yield pa.concat_tables(held)
            held, rows = [], 0
    if held:
        yield pa.concat_tables(held)
