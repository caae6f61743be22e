"""What every reduction is: a mergeable fold over blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockLike", "DesignLike", "FloatArray", "Reduction"]

FloatArray = NDArray[np.float64]
State = TypeVar("State")


class DesignLike(Protocol):
    """What a reduction may ask of the design of a block of b rows and k columns."""

    def dense(self) -> FloatArray: ...  # (b, k), column-major

    def extremes(self) -> tuple[FloatArray, FloatArray]: ...  # of every column, (k,) each

    def keys(self) -> tuple[NDArray[Any], ...]: ...  # what the columns are made of, (b,) each

    def matvec(self, beta: FloatArray) -> FloatArray: ...  # (k,) -> (b,)

    def rmatvec(self, v: FloatArray) -> FloatArray: ...  # (b,) -> (k,)

    def sandwich(self, w: FloatArray) -> FloatArray: ...  # (b,) -> (k, k)

    def comoment(  # of [X | y] about their weighted means
        self, w: FloatArray | None, mean: FloatArray, endog: FloatArray | None = None
    ) -> FloatArray: ...


class BlockLike(Protocol):
    """What a reduction may ask of a block of b rows and k columns."""

    @property
    def endog(self) -> FloatArray: ...  # (b,)

    @property
    def design(self) -> DesignLike: ...

    @property
    def extras(self) -> Mapping[str, FloatArray]: ...  # what goes with the rows, by role

    @property
    def weights(self) -> FloatArray | None: ...  # (b,), None for unit weights

    @property
    def partition(self) -> int: ...  # the number of the block's partition

    @property
    def rows_read(self) -> int: ...  # rows of the source, dropped ones included

    @property
    def missing(self) -> dict[str, int]: ...  # dropped rows by the variable to blame

    def row(self, i: int) -> int: ...  # row number in the partition of row i

    def dense(self) -> FloatArray: ...  # (b, k), column-major

    def matvec(self, beta: FloatArray) -> FloatArray: ...  # (k,) -> (b,)

    def rmatvec(self, v: FloatArray) -> FloatArray: ...  # (b,) -> (k,)

    def sandwich(self, w: FloatArray) -> FloatArray: ...  # (b,) -> (k, k)


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
