"""Distinct rows of a design as blocks of weighted rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, CellSums, Extras
from statsmodels_ooc.design.spec import DesignSpec, Variables
from statsmodels_ooc.reductions.distinct import Cells

__all__ = ["cell_blocks"]


def cell_blocks(
    spec: DesignSpec,
    cells: Cells,
    block_rows: int,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Iterator[Block]:
    """Blocks with a row for each cell.

    The weights are ``var_weights`` alone, and the exposure is in the offset; see `CellSums`.

    Parameters
    ----------
    spec : DesignSpec
        The design whose keys the cells have.
    cells : Cells
        The distinct rows.
    block_rows : int
        The largest number of rows of a block.
    bounds : (float, float)
        Between which all responses are; rounding must not take a mean beyond them.

    Yields
    ------
    Block
        They share their design's memory, and do not know of partitions.
    """
    rows, sums = _rows(spec, cells, bounds), _sums(cells)
    n = len(rows.endog)
    scratch = np.empty((min(n, block_rows), spec.k), order="F")
    for first in range(0, n, block_rows):
        piece = slice(first, min(first + block_rows, n))
        yield Block(
            endog=rows.endog[piece],
            design=spec.design(rows, piece, scratch),
            extras=rows.extras.piece(piece),
            cells=sums.piece(piece),
        )


def _rows(spec: DesignSpec, cells: Cells, bounds: tuple[float, float]) -> Variables:
    endog = np.clip(cells.shift + cells.ay / cells.a, *bounds)
    extras = Extras(var_weights=cells.a, offset=cells.offset)
    return Variables(endog, spec.from_keys(cells.keys), extras)


def _sums(cells: Cells) -> CellSums:
    lean = cells.ay / cells.a
    spread = _spread(cells.a, cells.ay, cells.ayy, lean)
    if cells.c is cells.a:
        return CellSums(cells.a, spread)
    squares = _spread(cells.c, cells.cy, cells.cyy, lean)
    return CellSums(cells.a, spread, cells.c, cells.cy - lean * cells.c, squares)


def _spread(w: FloatArray, wz: FloatArray, wzz: FloatArray, mean: FloatArray) -> FloatArray:
    """Sums of ``w (z - mean)**2`` from those of w, w z and w z**2."""
    return np.maximum(wzz - mean * (2 * wz - mean * w), 0.0)
