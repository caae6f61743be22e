"""Tasks that keep the settings of the process in which they were made, wherever they run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from statsmodels_ooc.forks import in_children
from statsmodels_ooc.options import all_settings, borrowed

_process = uuid.uuid4().hex  # numbers of processes repeat on other machines


def _begin_anew() -> None:
    global _process
    _process = uuid.uuid4().hex


in_children(_begin_anew)


@dataclass(frozen=True)
class AsSet:
    """A task with the settings of the process in which it was made.

    Where frames end follows from ``memory_limit``, and sums have other bits where they end
    elsewhere.
    """

    task: Callable[..., Any]
    settings: Mapping[str, Any]
    process: str

    def __call__(self, *arguments: Any) -> Any:
        if self.process == _process:
            return self.task(*arguments)
        with borrowed(self.settings):
            return self.task(*arguments)


def as_set_here(task: Callable[..., Any]) -> AsSet:
    """A task that has the settings of this process as they are now."""
    return AsSet(task, all_settings(), _process)
