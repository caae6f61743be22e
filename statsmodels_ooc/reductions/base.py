"""What every reduction is: a question to the rows, answered by a mergeable fold over blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

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
    is_divisible : bool
        Whether states of parts of a partition merge. Where they do not, a partition is folded
        as a whole.
    goes_last : bool
        Whether it wants what a design finds while others have it multiplied.
    can_be_kept : bool
        Whether another process can go on with its states: not where they name temporary files.
    """

    takes_cells: ClassVar[bool] = False
    is_divisible: ClassVar[bool] = True
    goes_last: ClassVar[bool] = False
    can_be_kept: ClassVar[bool] = True

    @abstractmethod
    def init(self) -> State:
        """The state of no rows at all."""

    @abstractmethod
    def update(self, state: State, block: Any) -> State:
        """The state after the rows of ``block`` too."""

    @abstractmethod
    def merge(self, left: State, right: State) -> State:
        """The state of the rows of ``left`` followed by those of ``right``."""

    def complete(self, state: State, partition: int) -> State:
        """The same state, of all rows of a partition: rows that wait for others of it may go."""
        return state

    def compiled(self) -> Reduction[State]:
        """The same question with the same states, answered in machine code where it can be."""
        return self

    def is_sliced(self) -> bool:
        """Whether machine code answers it without a design that is written out."""
        return False

    def nbytes(self) -> int:
        """How many bytes the arrays of a state take at the most; 0 where that is little."""
        return 0

    def row_values(self) -> int:
        """About how many numbers of a row it holds, beside the design, while it folds a block."""
        return 2

    def note(self, state: State) -> str:
        """What the record of the pass says of the state beside its name; mostly nothing."""
        return ""


class Additive(Reduction[State]):
    """A reduction whose states add up, see `added`."""

    def merge(self, left: State, right: State) -> State:
        merged: State = added(left, right)
        return merged


def added(left: Any, right: Any) -> Any:
    """The sum of two states: of numbers or arrays, or of the fields of a dataclass.

    A flag is set where either is; of the first row of a kind, a `Place` or another named tuple with
    its ``row``, or None, the first stays.

    Raises
    ------
    TypeError
        Something else is in a state.
    """
    if isinstance(left, bool):
        return left or right
    if _is_first(left) and _is_first(right):
        return right if left is None else left
    if is_dataclass(left):
        kind: Any = type(left)
        names = [field.name for field in fields(left)]
        return kind(*(added(getattr(left, name), getattr(right, name)) for name in names))
    if not isinstance(left, int | float | np.number | np.ndarray):
        raise TypeError(f"{type(left).__name__} of a state do not add up: write merge")
    return left + right


class Place(NamedTuple):
    """Where a row stands."""

    partition: int
    row: int  # in the partition


def _is_first(value: Any) -> bool:
    return value is None or (isinstance(value, tuple) and hasattr(value, "row"))


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


@dataclass(frozen=True)
class Together(Reduction[list[Any]]):
    """Fold several reductions as one, whose state is the list of theirs.

    Parameters
    ----------
    parts : tuple of Reduction
        The reductions, which take cells.
    """

    takes_cells = True

    parts: tuple[Reduction[Any], ...]

    def __post_init__(self) -> None:
        check_cells(*self.parts)

    def init(self) -> list[Any]:
        return [part.init() for part in self.parts]

    def update(self, state: list[Any], block: Any) -> list[Any]:
        return [part.update(s, block) for part, s in zip(self.parts, state, strict=True)]

    def merge(self, left: list[Any], right: list[Any]) -> list[Any]:
        pairs = zip(self.parts, left, right, strict=True)
        return [part.merge(a, b) for part, a, b in pairs]

    def complete(self, state: list[Any], partition: int) -> list[Any]:
        pairs = zip(self.parts, state, strict=True)
        return [part.complete(s, partition) for part, s in pairs]

    def compiled(self) -> Together:
        return Together(tuple(part.compiled() for part in self.parts))

    def is_sliced(self) -> bool:
        return all(part.is_sliced() for part in self.parts)

    def nbytes(self) -> int:
        return sum(part.nbytes() for part in self.parts)

    def row_values(self) -> int:
        return sum(part.row_values() for part in self.parts)
