"""A mapping whose values are worked out when they are asked for."""

from __future__ import annotations

from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    ValuesView,
)
from typing import Any, TypeVar

__all__ = ["Lookup", "dtypes_of"]

Value = TypeVar("Value")


class Lookup(Mapping[Any, Value]):
    """Names in order, and for each a value that is worked out once, when it is asked for.

    What a source says of its columns is one: a column that nobody asks for is not looked
    at, whether it costs time or is at odds with itself.

    Parameters
    ----------
    names : iterable
        The keys.
    find : callable
        Some of the keys to a mapping with their values; those that are asked for together
        are found together.
    """

    def __init__(
        self, names: Iterable[Any], find: Callable[[Sequence[Any]], Mapping[Any, Value]]
    ) -> None:
        self._names = dict.fromkeys(names)
        self._find = find
        self._found: dict[Any, Value] = {}

    def several(self, names: Sequence[Any]) -> list[Value]:
        """The values of some of the keys."""
        new = [name for name in dict.fromkeys(names) if name not in self._found]
        if new:
            self._found.update(self._find(new))
        return [self._found[name] for name in names]

    def items(self) -> ItemsView[Any, Value]:
        """All keys with their values, which are found together."""
        return self._all().items()

    def values(self) -> ValuesView[Value]:
        """All values, which are found together."""
        return self._all().values()

    def _all(self) -> dict[Any, Value]:
        return dict(zip(self._names, self.several(list(self._names)), strict=True))

    def __getitem__(self, name: Any) -> Value:
        if name not in self._names:
            raise KeyError(name)
        return self.several([name])[0]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[Any]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def dtypes_of(columns: Lookup[Any]) -> Lookup[Any]:
    """The pandas dtype of each of some columns."""
    return Lookup(columns, _Dtypes(columns))


class _Dtypes:
    def __init__(self, columns: Lookup[Any]) -> None:
        self.columns = columns

    def __call__(self, names: Sequence[Any]) -> dict[Any, Any]:
        known = zip(names, self.columns.several(names), strict=True)
        return {name: column.dtype for name, column in known}
