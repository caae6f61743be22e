"""Means of the columns, as exact as a sum of doubles is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Reduction

__all__ = ["Means", "MeansState"]


@dataclass(slots=True)
class MeansState:
    """Sums over the rows seen so far.

    Attributes
    ----------
    rows : int
        How many rows.
    sums : ndarray, (k + 1,)
        Of the columns of ``[X | y]``.
    """

    rows: int
    sums: FloatArray

    def mean(self) -> FloatArray:
        """Means, (k + 1,); there are rows."""
        return self.sums / self.rows


@dataclass(frozen=True)
class Means(Reduction[MeansState]):
    """Fold the columns of ``[X | y]`` into sums: one product a block.

    Parameters
    ----------
    k : int
        The number of columns of the design.
    """

    k: int

    def init(self) -> MeansState:
        return MeansState(0, np.zeros(self.k + 1))

    def update(self, state: MeansState, block: Block) -> MeansState:
        with np.errstate(invalid="ignore"):  # infinities: the facts name them
            sums = block.design.rmatvec(np.ones(len(block.endog)))
            sums = np.append(sums, block.endog.sum())
        return self.merge(state, MeansState(len(block.endog), sums))

    def merge(self, left: MeansState, right: MeansState) -> MeansState:
        return MeansState(left.rows + right.rows, left.sums + right.sums)
