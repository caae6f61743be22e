"""Sources one after the other, as one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any

from statsmodels_ooc.sources.base import Levels, Lookup, Partition, Source
from statsmodels_ooc.sources.columns import select
from statsmodels_ooc.sources.values import joined_dtype


class ChainedSource(Source):
    """The rows of several sources, in their order.

    Parameters
    ----------
    parts : sequence of Source
        At least one, of chained ones their parts; a source whose rows are gone may be among
        them, until they are read.
    columns : sequence of str
        The columns that all of them have.
    """

    def __init__(self, parts: Sequence[Source], columns: Sequence[str]) -> None:
        flat = [part._parts if isinstance(part, type(self)) else (part,) for part in parts]
        self._parts: tuple[Source, ...] = tuple(chain.from_iterable(flat))
        self._dtypes = Lookup(columns, partial(_dtypes, self._parts))

    @property
    def name(self) -> str:
        return " and ".join(dict.fromkeys(part.name for part in self._parts))

    @property
    def dtypes(self) -> Lookup[Any]:
        return self._dtypes

    @property
    def partitions(self) -> Sequence[Partition]:
        return [partition for part in self._parts for partition in part.partitions]

    @property
    def slow(self) -> bool:
        return any(part.slow for part in self._parts)

    @property
    def makes_text(self) -> bool:
        return any(part.makes_text for part in self._parts)

    @property
    def unordered(self) -> str | None:
        return next((part.unordered for part in self._parts if part.unordered), None)

    @property
    def nameless(self) -> frozenset[str]:
        return frozenset().union(*(part.nameless for part in self._parts))

    @property
    def is_recipe(self) -> bool:
        return all(part.is_recipe for part in self._parts)

    def levels(self, column: str) -> Levels | None:
        """Those that all declare alike."""
        found = [part.levels(column) for part in self._parts]
        return found[0] if all(levels == found[0] for levels in found) else None


def _dtypes(parts: Sequence[Source], names: Sequence[Any]) -> dict[Any, Any]:
    found = [(part.name, select(part.dtypes, names, part.name)) for part in parts]
    return {
        name: joined_dtype(name, [(place, dtypes[at]) for place, dtypes in found])
        for at, name in enumerate(names)
    }
