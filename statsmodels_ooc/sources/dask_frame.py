"""dask DataFrames: one partition per dask partition."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import dask.config
import dask.utils
import pandas as pd
from dask.delayed import delayed as to_delayed

from statsmodels_ooc.sources.base import Lookup
from statsmodels_ooc.sources.columns import ListedSource, Narrow, check_unique, picked
from statsmodels_ooc.sources.memory import FramePartition
from statsmodels_ooc.sources.values import promised

_UNKNOWN = "__UNKNOWN_CATEGORIES__"  # dask's, for categories told by each partition alone

UNORDERED = (
    "dask does not know the divisions of the DataFrame, so its partitions may stand in any order; "
    "frame.set_index(...) sorts it, smo.as_source(frame, ordered=True) says that it is in order"
)


def temporary_directory() -> str | None:
    """Where dask is told to put temporary files, None for the system's place."""
    place: str | None = dask.config.get("temporary-directory", None)
    return place


def parse_bytes(size: int | str) -> int:
    """Bytes from 123 or "16 MiB", as dask reads them."""
    return int(dask.utils.parse_bytes(size))


@dataclass(frozen=True, eq=False)
class DaskPartition(Narrow):
    """One dask partition."""

    delayed: Any  # the pandas DataFrame to come
    label: str
    columns: Mapping[Any, Any]  # and their dtypes for dask, which stand where there is no value

    rows = nbytes = None  # only computing can tell

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Compute this partition, where dask computes, and yield its rows."""
        dtypes = picked(self.columns, columns, self.label)
        frame = self.delayed[list(columns)].compute()
        yield from FramePartition(frame, self.label, dtypes).frames(columns, max_rows, encoded)

    def bind(self, *made: Callable[[Any], Any]) -> Any:
        """A dask Delayed of an equal partition whose rows are in memory.

        It can become part of a larger graph, so that persisted and distributed
        collections are read where they are.
        """
        whole = to_delayed(FramePartition, pure=True)(self.delayed, self.label, self.columns)
        return bound_to(whole, made)


def bound_to(whole: Any, made: Sequence[Callable[[Any], Any]]) -> Any:
    """A Delayed, and what is made of it, one after the other."""
    for make in made:
        whole = to_delayed(make)(whole)
    return whole


class DaskFrameSource(ListedSource):
    """A dask DataFrame.

    What dask declares of a column is a hint: the values say what it is.

    Parameters
    ----------
    frame : dask DataFrame
        The rows.
    ordered : bool, optional
        Whether the order of its partitions means something; by default where dask knows their
        divisions.
    """

    def __init__(self, frame: Any, ordered: bool | None = None) -> None:
        self._ordered = bool(frame.known_divisions) if ordered is None else ordered
        names = tuple(frame.columns)
        check_unique(list(names), "the dask DataFrame")
        self._frame = frame
        dtypes = Lookup(names, partial(_dtypes, frame.dtypes))
        partitions = [
            DaskPartition(delayed, f"dask partition {number}", dtypes)
            for number, delayed in enumerate(frame.to_delayed())
        ]
        super().__init__("dask DataFrame", dtypes, partitions)

    makes_text = True  # dask makes text of Python objects, unless its ``convert-string`` is off.

    is_recipe = False  # a pickle would hold the rows

    @property
    def unordered(self) -> str | None:
        return None if self._ordered else UNORDERED


def _dtypes(dtypes: pd.Series, names: Sequence[Any]) -> dict[Any, Any]:
    return {name: _declared(dtypes[name]) for name in names}


def _declared(dtype: Any) -> Any:
    """The dtype that dask declares; no categories where it does not know them.

    Dask knows none of an Arrow dictionary, which stores values and declares nothing.
    """
    if not isinstance(dtype, pd.CategoricalDtype):
        return promised(dtype)
    if not len(dtype.categories):
        return dtype.categories.dtype
    return pd.CategoricalDtype() if _UNKNOWN in dtype.categories else dtype
