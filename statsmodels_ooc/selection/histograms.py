"""How all rows lie in planes of two columns: counts in cells, folded in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Additive
from statsmodels_ooc.selection.ordering import IntArray

# Six cells for each of 40 hexagons along a plane, and eight for each of the 23 up it: every
# hexagon then covers the same 24 centres of cells, and none of them is on an edge.
CELLS = (240, 184)

Limits = tuple[float, float]
Plane = tuple[int, int]  # columns of [X | y]


@dataclass(frozen=True)
class Histograms(Additive[IntArray]):
    """Count the rows in the cells of planes of two columns each.

    Parameters
    ----------
    planes : tuple of (int, int)
        The columns of ``[X | y]`` along and up each of m planes.
    spans : tuple of (Limits, Limits)
        Where the cells of both begin and end. Rows beyond count in the outermost cells.
    """

    planes: tuple[Plane, ...]
    spans: tuple[tuple[Limits, Limits], ...]

    def init(self) -> IntArray:
        return np.zeros((len(self.planes), *CELLS), dtype=np.int64)

    def update(self, state: IntArray, block: Block) -> IntArray:
        for counts, columns, spans in zip(state, self.planes, self.spans, strict=True):
            along, up = (
                _cells(column(block, j), span, cells)
                for j, span, cells in zip(columns, spans, CELLS, strict=True)
            )
            flat = np.bincount(along * CELLS[1] + up, minlength=CELLS[0] * CELLS[1])
            counts += flat.reshape(CELLS)
        return state

    def nbytes(self) -> int:
        return 8 * len(self.planes) * CELLS[0] * CELLS[1]


def column(block: Block, j: int) -> FloatArray:
    """A column of ``[X | y]``, (b,)."""
    design = block.dense()
    return block.endog if j == design.shape[1] else design[:, j]


def _cells(values: FloatArray, span: Limits, cells: int) -> IntArray:
    """The number of the cell of each of some values, (b,)."""
    low, high = span
    with np.errstate(over="ignore", invalid="ignore"):
        place = (values - low) * cells / (high - low)
    # fmax and fmin, unlike np.clip, leave no NaN.
    return np.fmin(np.fmax(place, 0.0), cells - 1).astype(np.int64)


def limits(low: float, high: float) -> Limits:
    """Where cells begin and end: at the extremes, or about them where they are one."""
    if low < high:
        return float(low), float(high)
    aside = max(1.0, abs(low)) / 2
    return float(low - aside), float(high + aside)
