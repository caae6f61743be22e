"""Residual sums of squares of all rows but one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.families.elementwise import times
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.base import Additive


@dataclass(frozen=True)
class SumsWithout(Additive[FloatArray]):
    """Fold the weighted squares of the residuals at q parameters, each without a row, (q,).

    Parameters
    ----------
    params : ndarray, (q, k)
        Such as those of fits without the row.
    axes : Axes
        In which fitted values keep their digits.
    partitions, rows : ndarray of int, (q,)
        Where the rows stand.
    """

    params: FloatArray
    axes: Axes
    partitions: NDArray[np.int64]
    rows: NDArray[np.int64]

    def init(self) -> FloatArray:
        return np.zeros(len(self.params))

    def update(self, state: FloatArray, block: Block) -> FloatArray:
        for i, beta in enumerate(self.params):
            e = block.endog - self.axes.fitted(block, beta)
            squares = times(e**2, block.weights)
            if self.partitions[i] == block.partition:
                squares = squares[block.row_numbers != self.rows[i]]
            state[i] += squares.sum()
        return state

    def nbytes(self) -> int:
        return 8 * len(self.params)
