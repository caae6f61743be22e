"""Sources that know their name, their columns and their partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import pandas as pd

from statsmodels_ooc.sources.base import Levels, Partition, Recipe, Source
from statsmodels_ooc.sources.columns import picked, select
from statsmodels_ooc.sources.lookup import Lookup, dtypes_of

__all__ = ["ColumnSource", "ListedSource", "Narrow"]


class ListedSource(Source):
    """A source that is told what it is.

    Parameters
    ----------
    name : str
        A short name for messages and reprs, such as the path.
    dtypes : mapping
        Column name to pandas dtype, in column order; the categories of a Categorical are
        the column's levels.
    partitions : sequence of Partition
        In row order.
    """

    def __init__(
        self, name: str, dtypes: Mapping[Any, Any], partitions: Sequence[Partition]
    ) -> None:
        self._name, self._dtypes, self._partitions = name, dtypes, partitions

    @property
    def name(self) -> str:
        """What the source is made of."""
        return self._name

    @property
    def dtypes(self) -> Mapping[Any, Any]:
        """Column name to pandas dtype."""
        return self._dtypes

    @property
    def partitions(self) -> Sequence[Partition]:
        """In row order."""
        return self._partitions

    def levels(self, column: str) -> Levels | None:
        """All categories of a Categorical column."""
        dtype = select(self.dtypes, [column], self.name)[0]
        if not isinstance(dtype, pd.CategoricalDtype) or dtype.categories is None:
            return None
        return Levels(tuple(dtype.categories.tolist()), is_categorical=True)


class ColumnSource(Source):
    """A source whose columns are looked up when they are asked for.

    Parameters
    ----------
    name : str
        A short name for messages and reprs, such as the path.
    columns : Lookup
        Column name to what is known of it: its dtype, and its levels where they are declared.
    """

    def __init__(self, name: str, columns: Lookup[Any]) -> None:
        self._name, self.known = name, columns

    @property
    def name(self) -> str:
        """The path as it was given, or what the source is made of."""
        return self._name

    @cached_property
    def dtypes(self) -> Mapping[str, Any]:
        """Column name to pandas dtype."""
        return dtypes_of(self.known)

    def levels(self, column: str) -> Levels | None:
        """The levels that are declared."""
        levels: Levels | None = select(self.known, [column], self.name)[0].levels
        return levels


class Narrow(Recipe):
    """A partition that knows columns, and takes only those along that are read."""

    columns: Mapping[str, Any]

    def narrowed(self, columns: Sequence[str]) -> Self:
        """The same rows, knowing of these columns only."""
        partition: Any = self  # a frozen dataclass with a label
        narrowed: Self = replace(partition, columns=picked(self.columns, columns, partition.label))
        return narrowed
