"""dask DataFrames: one partition per dask partition."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dask.config
import dask.utils
import pandas as pd
from dask.delayed import delayed as to_delayed

from statsmodels_ooc.errors import SourceError
from statsmodels_ooc.sources.base import Levels, Source
from statsmodels_ooc.sources.columns import check_unique, select
from statsmodels_ooc.sources.memory import FramePartition

__all__ = ["DaskFrameSource", "DaskPartition", "parse_bytes", "temporary_directory"]


_STR = pd.Series(["text"]).dtype


def temporary_directory() -> str | None:
    """Where dask is told to put temporary files, None for the system's place."""
    place: str | None = dask.config.get("temporary-directory", None)
    return place


def parse_bytes(size: int | str) -> int:
    """Bytes from 123 or "16 MiB", as dask reads them."""
    return int(dask.utils.parse_bytes(size))


@dataclass(frozen=True, eq=False)
class DaskPartition:
    """One dask partition.

    Attributes
    ----------
    delayed : dask.delayed.Delayed
        The pandas DataFrame to come.
    label : str
        Which partition it is.
    dtypes : mapping
        What each column is delivered as.
    """

    delayed: Any
    label: str
    dtypes: Mapping[str, Any]

    @property
    def rows(self) -> None:
        """Only computing can tell."""

    @property
    def nbytes(self) -> None:
        """Only computing can tell."""

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Compute this partition, where dask computes, and yield its rows."""
        select(self.dtypes, columns, self.label)
        frame = self.delayed[list(columns)].compute()
        yield from _in_memory(frame, self.label, self.dtypes).frames(columns, max_rows, encoded)

    def bind(self) -> Any:
        """A dask Delayed of an equal partition whose rows are in memory.

        It can become part of a larger graph, so that persisted and distributed
        collections are read where they are.
        """
        return to_delayed(_in_memory, pure=True)(self.delayed, self.label, self.dtypes)


def _in_memory(frame: pd.DataFrame, label: str, dtypes: Mapping[str, Any]) -> FramePartition:
    return FramePartition(frame, label, dtypes)


class DaskFrameSource(Source):
    """A dask DataFrame.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        The rows, in the order of its partitions.
    """

    def __init__(self, frame: Any) -> None:
        check_unique(list(frame.columns), "the dask DataFrame")
        self._frame = frame
        self._unknown = {name for name in frame.columns if _is_unknown(frame._meta[name].dtype)}
        self._dtypes = {name: _dtype(frame._meta[name].dtype) for name in frame.columns}
        self._partitions = [
            DaskPartition(delayed, f"dask partition {number}", self._dtypes)
            for number, delayed in enumerate(frame.to_delayed())
        ]

    @property
    def is_recipe(self) -> bool:
        """False: a pickle would hold the rows."""
        return False

    @property
    def name(self) -> str:
        """What the source is."""
        return "dask DataFrame"

    @property
    def dtypes(self) -> Mapping[str, Any]:
        """Column name to pandas dtype."""
        return self._dtypes

    @property
    def partitions(self) -> Sequence[DaskPartition]:
        """The dask partitions."""
        return self._partitions

    def levels(self, column: str) -> Levels | None:
        """The categories, where dask knows them."""
        dtype = select(self._dtypes, [column], self.name)[0]
        if column in self._unknown:
            raise SourceError(
                f"dask does not know the categories of {column!r}, nor their order",
                hint=f"use frame[{column!r}].cat.as_known(), which reads the column once, or "
                "astype(str)",
            )
        if not isinstance(dtype, pd.CategoricalDtype):
            return None
        return Levels(tuple(dtype.categories.tolist()), is_categorical=True)


def _dtype(dtype: Any) -> Any:
    """The dtype of a column; plain values where dask does not know the categories."""
    if isinstance(dtype, pd.StringDtype):
        return _STR
    if not isinstance(dtype, pd.CategoricalDtype):
        return dtype
    return _STR if _is_unknown(dtype) else dtype


def _is_unknown(dtype: Any) -> bool:
    """Whether the categories are only known partition by partition."""
    return isinstance(dtype, pd.CategoricalDtype) and "__UNKNOWN_CATEGORIES__" in list(
        dtype.categories
    )
