"""pyarrow Datasets: partitions are fragments, Parquet ones by row group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
from pyarrow.fs import LocalFileSystem
from xxhash import xxh3_64_hexdigest

from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.sources.base import Lookup, Source
from statsmodels_ooc.sources.columns import Column, ColumnSource, Narrow, select
from statsmodels_ooc.sources.frames import foreign_bytes, frames_of
from statsmodels_ooc.sources.listing import access_errors
from statsmodels_ooc.sources.memory import ArrowTableSource
from statsmodels_ooc.sources.parquet_footer import holds_nulls
from statsmodels_ooc.sources.schema import CommonSchema, delivered, hold_nulls
from statsmodels_ooc.sources.spooling import spool

_TYPED = (pads.ParquetFileFormat, pads.IpcFileFormat)  # whose files say what their bytes are


def from_dataset(dataset: pads.Dataset) -> Source:
    """A source from a pyarrow Dataset.

    A filtered dataset is written to a temporary copy, since it cannot be pickled, and tells
    nobody what its filter is; one in memory is used as the table that it is.
    """
    fragments = _fragments(dataset)
    if fragments is None:
        return spool(dataset.to_batches(use_threads=False), "filtered Dataset")
    if all(isinstance(fragment, pads.FileFragment) for fragment in fragments):
        return DatasetSource(dataset.schema, fragments)
    return ArrowTableSource(dataset.to_table())


def _fragments(dataset: pads.Dataset) -> list[Any] | None:
    """The pieces of a Dataset; None where it is filtered, of which pyarrow gives none."""
    try:
        return list(dataset.get_fragments())
    except pa.ArrowInvalid:  # a ValueError, too
        raise
    except ValueError:
        return None


@dataclass(frozen=True, eq=False)
class FragmentPartition(Narrow):
    """A fragment of a dataset, or one of its row groups."""

    fragment: Any
    schema: pa.Schema
    label: str
    rows: int | None
    columns: Mapping[str, Column]
    found: str  # of its file, when the source was opened; nothing where nothing tells
    read_as: str  # nothing for formats of whose options nothing tells

    @property
    def version(self) -> str:
        """Size and time of the file, the types that are made of it, and the keys of its folders."""
        if not self.found or not self.read_as:
            return ""
        return f"{self.found} {self.read_as} {self.fragment.partition_expression}"

    @property
    def nbytes(self) -> int | None:
        """Stored bytes where the footer tells."""
        groups = getattr(self.fragment, "row_groups", None)
        return sum(group.total_byte_size for group in groups) if groups else None

    @property
    def file(self) -> str:
        """The path of the file."""
        return str(self.fragment.path)

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        chosen: list[Column] = select(self.columns, columns, self.label)
        with self._unchanged(), foreign_bytes(self.label, "a fragment of the Dataset"):
            batches = self.fragment.to_batches(
                schema=self.schema,
                columns=list(columns),
                batch_size=max_rows,
                use_threads=False,
                batch_readahead=1,
                fragment_readahead=0,
            )
            yield from frames_of(batches, chosen, max_rows, encoded)

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        """Refuse a file that is another than when the source was opened.

        Of one on a server, what tells afterwards suffices.
        """
        if isinstance(self.fragment.filesystem, LocalFileSystem):
            self._check()
        try:
            yield
        except Exception:
            self._check()
            raise
        self._check()

    def _check(self) -> None:
        if self.found and _files_of([self.fragment]) != [self.found]:
            raise SourceChangedError(
                f"{self.fragment.path} changed after the source was opened",
                hint="open the source again and fit again",
            )


class DatasetSource(ColumnSource):
    """A pyarrow Dataset of files."""

    def __init__(self, schema: pa.Schema, fragments: Sequence[Any]) -> None:
        self._schema = schema
        self._fragments = list(fragments)
        self._common = CommonSchema([("the Dataset", schema)])
        self._files = _files_of(self._fragments)
        self._read_as = xxh3_64_hexdigest(str(schema.remove_metadata()).encode())
        name, more = "empty Dataset", len(self._fragments) - 1
        if self._fragments:  # the first file
            name = f"{self._fragments[0].path}" + (f" and {more} more" if more else "")
        super().__init__(name, Lookup(self._common.names, self._found))

    def _found(self, names: Sequence[str]) -> dict[str, Column]:
        return {name: self._column(self._common.field(name)) for name in names}

    def _column(self, field: pa.Field) -> Column:
        nullable = hold_nulls(_holds_nulls(fragment, field) for fragment in self._fragments)
        if field.name not in self._common.declared:
            return delivered(field, nullable)
        with foreign_bytes(f"column {field.name!r}", "one of the Dataset"):
            return delivered(field, nullable, self._dictionaries(field.name))

    def _dictionaries(self, name: str) -> Iterator[pa.Array]:
        for fragment in self._fragments:
            for batch in fragment.to_batches(
                schema=self._schema, columns=[name], use_threads=False
            ):
                yield batch.column(0).dictionary

    @cached_property
    def partitions(self) -> Sequence[FragmentPartition]:
        """Row groups of Parquet fragments, whole fragments of other formats."""
        return [
            FragmentPartition(piece, self._schema, label, rows, self.known, found, read_as)
            for fragment, found in zip(self._fragments, self._files, strict=True)
            for read_as in [self._read_as if isinstance(fragment.format, _TYPED) else ""]
            for piece, label, rows in _pieces(fragment)
        ]


def _files_of(fragments: Sequence[Any]) -> list[str]:
    """Size and time of the file of each, nothing where the file system does not tell."""
    found = []
    for system, some in groupby(fragments, attrgetter("filesystem")):
        paths = [fragment.path for fragment in some]
        if system is None:  # bytes in memory
            found += [""] * len(paths)
            continue
        with access_errors(paths[0]):
            infos = system.get_file_info(paths)
        found += ["" if one.mtime_ns is None else f"{one.size} {one.mtime_ns}" for one in infos]
    return found


def _pieces(fragment: Any) -> Iterator[tuple[Any, str, int | None]]:
    if not isinstance(fragment, pads.ParquetFileFragment):
        yield fragment, str(fragment.path), None
        return
    for piece in fragment.split_by_row_group():
        group = piece.row_groups[0]
        yield piece, f"{fragment.path}, row group {group.id}", group.num_rows


def _holds_nulls(fragment: Any, field: pa.Field) -> bool | None:
    """None for formats that do not tell: each frame is then delivered as found."""
    keys = pads.get_partition_keys(fragment.partition_expression)
    if field.name in keys:
        return keys[field.name] is None
    if isinstance(fragment, pads.ParquetFileFragment):
        return holds_nulls([fragment.metadata], {field.name: field.type}, {})[field.name]
    return None
