"""pyarrow Datasets: partitions are fragments, Parquet ones by row group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads

from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.sources.base import Lookup, Source
from statsmodels_ooc.sources.columns import Column, ColumnSource, Narrow, select
from statsmodels_ooc.sources.frames import foreign_bytes, frames_of
from statsmodels_ooc.sources.memory import ArrowTableSource
from statsmodels_ooc.sources.parquet_footer import holds_nulls
from statsmodels_ooc.sources.schema import CommonSchema, delivered
from statsmodels_ooc.sources.spooling import spool


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
        with foreign_bytes(self.label, "a fragment of the Dataset"):
            batches = self.fragment.to_batches(
                schema=self.schema,
                columns=list(columns),
                batch_size=max_rows,
                use_threads=False,
                batch_readahead=1,
                fragment_readahead=0,
            )
            yield from frames_of(batches, chosen, max_rows, encoded)


class DatasetSource(ColumnSource):
    """A pyarrow Dataset of files."""

    def __init__(self, schema: pa.Schema, fragments: Sequence[Any]) -> None:
        self._schema = schema
        self._fragments = list(fragments)
        self._common = CommonSchema([("the Dataset", schema)])
        name, more = "empty Dataset", len(self._fragments) - 1
        if self._fragments:  # the first file
            name = f"{self._fragments[0].path}" + (f" and {more} more" if more else "")
        super().__init__(name, Lookup(self._common.names, self._found))

    def _found(self, names: Sequence[str]) -> dict[str, Column]:
        return {name: self._column(self._common.field(name)) for name in names}

    def _column(self, field: pa.Field) -> Column:
        flags = [_holds_nulls(fragment, field) for fragment in self._fragments]
        nullable = True if True in flags else None if None in flags else False
        if field.name not in self._common.declared:
            return delivered(field, nullable)
        dictionaries = (
            batch.column(0).dictionary
            for fragment in self._fragments
            for batch in fragment.to_batches(
                schema=self._schema, columns=[field.name], use_threads=False
            )
        )
        return delivered(field, nullable, dictionaries)

    @cached_property
    def partitions(self) -> Sequence[FragmentPartition]:
        """Row groups of Parquet fragments, whole fragments of other formats."""
        return [
            FragmentPartition(piece, self._schema, label, rows, self.known)
            for fragment in self._fragments
            for piece, label, rows in _pieces(fragment)
        ]


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
