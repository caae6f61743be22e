"""What every reduction is: a question to the rows, answered by a mergeable fold over blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

__all__ = ["Reduction", "check_cells"]

State = TypeVar("State")


class Reduction(ABC, Generic[State]):
    """A mergeable fold: one reduction for each question.

    The laws, proven for every reduction by one test: ``merge`` is associative,
    ``init()`` is neutral, and any split of the rows gives the state of the whole
    up to rounding. ``update`` owns the state that it is given and may change it
    in place; ``merge`` leaves both of its arguments as they were.

    Attributes
    ----------
    takes_cells : bool
        Whether it is right on rows that stand for several, which `Block.cells` tells.
        Where it is not, it is refused there.
    """

    takes_cells: ClassVar[bool] = False

    @abstractmethod
    def init(self) -> State:
        """The state of no rows at all."""

    @abstractmethod
    def update(self, state: State, block: Any) -> State:
        """The state after the rows of ``block`` too."""

    @abstractmethod
    def merge(self, left: State, right: State) -> State:
        """The state of the rows of ``left`` followed by those of ``right``."""

    def nbytes(self) -> int:
        """How many bytes the arrays of a state take at the most; 0 where that is little."""
        return 0


def check_cells(*reductions: Reduction[Any]) -> None:
    """Refuse reductions that are not right on rows that stand for several.

    Raises
    ------
    TypeError
        There is one.
    """
    for reduction in reductions:
        if not reduction.takes_cells:
            raise TypeError(f"{type(reduction).__name__} is not right on cells of rows")
