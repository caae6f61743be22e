"""A graph of dask, written down task by task."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph
from dask.typing import Key

__all__ = ["TaskGraph"]


class TaskGraph:
    """Calls of a few tasks on one another's values, which stand for them by their keys.

    `dask.delayed` would make a graph for every call, and search its arguments for values
    of dask.
    """

    def __init__(self) -> None:
        self._name = uuid.uuid4().hex
        self._tasks: dict[Key, Any] = {}
        self._outside: list[Any] = []  # of Delayed

    def calls_of(self, task: Callable[..., Any]) -> Callable[..., str]:
        """What notes a call of a task and gives its key; the task itself travels once.

        The arguments are keys of other calls, a `Delayed` each, or what dask leaves alone.
        """
        name = f"{type(task).__name__.strip('_').lower()}-{self._name}"
        self._tasks[name] = task
        numbers = count()

        def call(*arguments: Any) -> str:
            key = f"{name}-{next(numbers)}"
            self._tasks[key] = (_called, name, *map(self._known, arguments))
            return key

        return call

    def _known(self, argument: Any) -> Any:
        if not isinstance(argument, Delayed):
            return argument
        self._outside.append(argument)
        return argument.key

    def values(self, keys: Sequence[str]) -> list[Delayed]:
        """The values of some calls; what is called later is in none of them."""
        graph = HighLevelGraph.from_collections(self._name, dict(self._tasks), self._outside)
        return [Delayed(key, graph, layer=self._name) for key in keys]


def _called(task: Callable[..., Any], *arguments: Any) -> Any:
    return task(*arguments)
