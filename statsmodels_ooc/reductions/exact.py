"""Moments from exact sums, the same in any order of rows; and plain means."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Additive, Reduction
from statsmodels_ooc.reductions.exact_sums import POINT, exact_sums


@dataclass(slots=True)
class ExactMomentsState:
    """Sums of ``[X | y]`` over the rows seen so far, without any rounding."""

    rows: int
    sums: list[int]  # times 2**1074, (k + 1,)
    squares: list[int]  # times 2**2148, (k + 1,); zeros where they were not asked for

    def mean(self) -> FloatArray:
        """Means, (k + 1,), correctly rounded; there are rows."""
        return np.array([total / (self.rows << POINT) for total in self.sums])

    def scale(self) -> FloatArray:
        """Standard deviations with ``ddof=0``, (k + 1,); nothing cancels or overflows."""
        n = self.rows
        return np.array(
            [
                _root(n * square - total**2, n**2 << 2 * POINT)
                for total, square in zip(self.sums, self.squares, strict=True)
            ]
        )


def _root(numerator: int, denominator: int) -> float:
    """The square root of a fraction; its own square need not be a double."""
    places = max(0, 64 + (denominator.bit_length() - numerator.bit_length() + 1) // 2)
    root = math.isqrt((numerator << 2 * places) // denominator)  # of 64 bits or so
    return root / (1 << places)


@dataclass(frozen=True)
class ExactMoments(Reduction[ExactMomentsState]):
    """Fold the columns of ``[X | y]`` into exact sums, and sums of squares.

    A floating-point sum depends on where blocks end; a whole number does not.

    References
    ----------
    Demmel, Nguyen (2015). Parallel reproducible summation. IEEE Transactions on
    Computers 64, 2060-2070: values are cut into pieces on a fixed grid, whose sums are
    exact. Here the sums of pieces are added up as whole numbers.
    """

    k: int
    squares: bool = False  # whether sums of squares are folded, too
    sums: Callable[[FloatArray, bool, float], tuple[int, int]] = exact_sums

    def init(self) -> ExactMomentsState:
        return ExactMomentsState(0, [0] * (self.k + 1), [0] * (self.k + 1))

    def update(self, state: ExactMomentsState, block: Block) -> ExactMomentsState:
        y = block.endog
        if len(y) == 0:
            return state
        state.rows += len(y)
        low, high = block.design.extremes()
        largest = [*np.maximum(-low, high).tolist(), float(np.abs(y).max())]
        for j, x in enumerate((*block.design.columns(), y)):
            total, square = self.sums(x, self.squares, largest[j])
            state.sums[j] += total
            state.squares[j] += square
        return state

    def compiled(self) -> ExactMoments:
        from statsmodels_ooc.reductions.compiled_exact import compiled_sums

        return replace(self, sums=compiled_sums)

    def merge(self, left: ExactMomentsState, right: ExactMomentsState) -> ExactMomentsState:
        return ExactMomentsState(
            left.rows + right.rows,
            [a + b for a, b in zip(left.sums, right.sums, strict=True)],
            [a + b for a, b in zip(left.squares, right.squares, strict=True)],
        )


@dataclass(slots=True)
class MeansState:
    """Sums over the rows seen so far."""

    rows: int
    sums: FloatArray  # of the columns of [X | y], (k + 1,)

    def mean(self) -> FloatArray:
        """Means, (k + 1,); there are rows."""
        return self.sums / self.rows


@dataclass(frozen=True)
class Means(Additive[MeansState]):
    """Fold the columns of ``[X | y]``, k and one, into sums: one product a block.

    The means are as exact as a sum of doubles is; rows in another order change the last digits.
    """

    k: int

    def init(self) -> MeansState:
        return MeansState(0, np.zeros(self.k + 1))

    def update(self, state: MeansState, block: Block) -> MeansState:
        with np.errstate(invalid="ignore"):  # infinities: the facts name them
            state.sums += np.append(block.design.sums(), block.endog.sum())
        state.rows += len(block.endog)
        return state
