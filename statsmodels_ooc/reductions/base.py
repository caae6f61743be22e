"""What every reduction is: a mergeable fold over blocks."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

__all__ = ["Reduction"]

State = TypeVar("State")


class Reduction(Protocol[State]):
    """A mergeable fold: one reduction per question.

    The laws, proven for every reduction by one test: ``merge`` is associative,
    ``init()`` is neutral, and any split of the rows gives the state of the whole
    up to rounding. ``update`` owns the state that it is given and may change it
    in place; ``merge`` leaves both of its arguments as they were.
    """

    def init(self) -> State:
        """The state of no rows at all."""
        ...

    def update(self, state: State, block: Any) -> State:
        """The state after the rows of ``block`` too."""
        ...

    def merge(self, left: State, right: State) -> State:
        """The state of the rows of ``left`` followed by those of ``right``."""
        ...
