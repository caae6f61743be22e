"""A mapping whose values are worked out when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
        Key to value.
    """

    def __init__(self, names: Iterable[Any], find: Callable[[Any], Value]) -> None:
        self._names = dict.fromkeys(names)
        self._find = find
        self._found: dict[Any, Value] = {}

    def __getitem__(self, name: Any) -> Value:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[Any]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def dtypes_of(columns: Mapping[str, Any]) -> Lookup[Any]:
    """The pandas dtype of each of some columns."""
    return Lookup(columns, _Dtype(columns))


class _Dtype:
    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.columns = columns

    def __call__(self, name: str) -> Any:
        return self.columns[name].dtype
