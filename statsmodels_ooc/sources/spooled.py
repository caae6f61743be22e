"""A slow source, read once into local Arrow files, partition by partition."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from statsmodels_ooc.sources.base import Levels, Partition, Recipe, Source
from statsmodels_ooc.sources.ipc import IpcSource
from statsmodels_ooc.sources.spool import spool
from statsmodels_ooc.sources.temporary import TemporaryFolder

__all__ = ["SpooledSource", "has_room", "spool_partition"]

_FRAME_ROWS = 131_072
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


def spool_partition(
    partition: Partition,
    columns: Sequence[str],
    dtypes: Mapping[str, Any],
    seen: Callable[[int], None],
) -> IpcSource:
    """Copy some columns of a partition; ``seen`` is told the rows of every frame."""
    return spool(_frames(partition, columns, dtypes, seen), partition.label)


def _frames(
    partition: Partition,
    columns: Sequence[str],
    dtypes: Mapping[str, Any],
    seen: Callable[[int], None],
) -> Iterator[pd.DataFrame]:
    """The frames, and an empty one first, so that no rows still have columns."""
    yield pd.DataFrame({name: pd.Series(dtype=dtypes[name]) for name in columns})
    for frame in partition.frames(columns, _FRAME_ROWS):
        yield frame
        seen(len(frame))


class SpooledSource(Source):
    """The copy of a slow source, which goes by the original's name and labels.

    Parameters
    ----------
    original : Source
        What was copied.
    copies : sequence of IpcSource
        The copy of each of its partitions.
    """

    def __init__(self, original: Source, copies: Sequence[IpcSource]) -> None:
        self._original = original
        # One source over all files: a column that widened anywhere is wide everywhere.
        refused = {name: error for copy in copies for name, error in copy.refused.items()}
        files = [file for copy in copies for file in copy.files]
        self._copy = IpcSource(files, original.name, refused)
        pieces = {partition.file: [] for partition in self._copy.partitions}  # type: ignore[var-annotated]
        for piece in self._copy.partitions:
            pieces[piece.file].append(piece)
        # A partition for each of the original's, so that both give the same bits.
        self._partitions = [
            SpooledPartition(
                before.label,
                tuple(piece for file in copy.files for piece in pieces.get(file, [])),
            )
            for before, copy in zip(original.partitions, copies, strict=True)
        ]

    @property
    def name(self) -> str:
        return self._original.name

    @property
    def dtypes(self) -> Mapping[str, Any]:
        return self._copy.dtypes

    @property
    def partitions(self) -> Sequence[Partition]:
        return self._partitions

    @property
    def is_recipe(self) -> bool:
        return False

    def levels(self, column: str) -> Levels | None:
        return self._original.levels(column) or self._copy.levels(column)


@dataclass(frozen=True)
class SpooledPartition(Recipe):
    """The copy of a partition, under its label."""

    label: str
    pieces: tuple[Any, ...]

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
