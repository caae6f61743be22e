"""Rows of a file: what stands in it, and what its folders and pandas say of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import ClassVar

import pandas as pd
import pyarrow as pa

from statsmodels_ooc.sources.chunk import Chunk
from statsmodels_ooc.sources.columns import Column, Narrow, select
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.frames import chunks_of, foreign_bytes, frames_of
from statsmodels_ooc.sources.hive import HiveKey, with_keys
from statsmodels_ooc.sources.schema import StoredIndex


class FileRows(Narrow):
    """Rows of one file, the keys of its folders among their columns."""

    file: StoredFile
    columns: Mapping[str, Column | HiveKey]

    @property
    @abstractmethod
    def label(self) -> str: ...

    @property
    def is_far(self) -> bool:
        """Whether the file is on a server."""
        return not self.file.local

    @property
    def version(self) -> str:
        """Size, time and marks of the file; nothing of one that is temporary."""
        if self.file.owner is not None:
            return ""
        return f"{self.file.size} {self.file.modified} {self.file.marks}"

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        chosen = select(self.columns, columns, str(self.file))
        stored = [column for column in chosen if not isinstance(column, HiveKey)]
        yield from with_keys(self.stored(stored, max_rows, encoded), chosen, self.file)

    @abstractmethod
    def stored(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pd.DataFrame]:
        """Frames of columns that stand in the file."""


class ArrowRows(FileRows):
    """Rows of a file that holds Arrow's types, and perhaps an index of pandas."""

    format: ClassVar[str]  # what the file should be, for messages
    rows: int | None
    before: int  # how many rows of the file come before these
    index: StoredIndex | None

    @property
    def labels(self) -> pd.Index | None:
        if self.index is None:
            return None
        with foreign_bytes(self.label, self.format):
            return self.index.labels(self.before, self.rows, self.table)

    @abstractmethod
    def table(self, names: Sequence[str]) -> pa.Table:
        """All of the rows, of some columns."""

    def stored(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pd.DataFrame]:
        with foreign_bytes(self.label, self.format):
            batches = self.batches(columns, max_rows, encoded)
            yield from frames_of(batches, columns, max_rows, encoded)

    def chunks(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[Chunk]:
        chosen = select(self.columns, columns, str(self.file))
        if any(isinstance(column, HiveKey) for column in chosen):
            yield from super().chunks(columns, max_rows, encoded)
            return
        labels = pd.Index(list(columns), dtype=object)
        with foreign_bytes(self.label, self.format):
            batches = self.batches(chosen, max_rows, encoded)
            yield from chunks_of(batches, chosen, max_rows, encoded, labels)

    @abstractmethod
    def batches(
        self, columns: Sequence[Column], max_rows: int, encoded: Collection[str]
    ) -> Iterator[pa.RecordBatch]:
        """The rows of just these columns."""
