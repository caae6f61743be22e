"""Distinct rows of a design as blocks of weighted rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from statsmodels_ooc.design.block import Block, FloatArray
from statsmodels_ooc.design.spec import DesignSpec, Rows
from statsmodels_ooc.reductions.distinct import Cells

__all__ = ["cell_blocks"]


def cell_blocks(
    spec: DesignSpec,
    cells: Cells,
    block_rows: int,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Iterator[Block]:
    """Blocks with a row for each cell.

    With m for the mean of the responses of a cell's rows by their prior weights a, and c
    as in `Cells`, the response is m, and the roles of the extras are

    - ``var_weights``: the sum of a; there are no other weights and no trials,
    - ``offset``, where there is one, the exposure included,
    - ``spread``: the sum of ``a (y - m)**2``, which is >= 0,
    - ``squares``, ``squares_lean`` and ``squares_spread``: the sums of c, ``c (y - m)`` and
      ``c (y - m)**2``, only where c differs from a; otherwise they would be the sum of a,
      zero, and the spread.

    So ``sum a (y - mu)**2 = var_weights (m - mu)**2 + spread`` over the rows of a cell, and
    ``sum c (y - mu)**2 = squares (m - mu)**2 + 2 squares_lean (m - mu) + squares_spread``.

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
    rows = _rows(spec, cells, bounds)
    n = len(rows.endog)
    scratch = np.empty((min(n, block_rows), spec.k), order="F")
    for first in range(0, n, block_rows):
        piece = slice(first, min(first + block_rows, n))
        yield Block(
            endog=rows.endog[piece],
            design=spec.design(rows, piece, scratch),
            extras={role: values[piece] for role, values in rows.extras.items()},
        )


def _rows(spec: DesignSpec, cells: Cells, bounds: tuple[float, float]) -> Rows:
    lean = cells.ay / cells.a
    extras = {"var_weights": cells.a, "spread": _spread(cells.a, cells.ay, cells.ayy, lean)}
    if cells.offset is not None:
        extras["offset"] = cells.offset
    if cells.c is not cells.a:
        extras["squares"] = cells.c
        extras["squares_lean"] = cells.cy - lean * cells.c
        extras["squares_spread"] = _spread(cells.c, cells.cy, cells.cyy, lean)
    endog = np.clip(cells.shift + lean, *bounds)
    return Rows(endog, spec.from_keys(cells.keys), extras)


def _spread(w: FloatArray, wz: FloatArray, wzz: FloatArray, mean: FloatArray) -> FloatArray:
    """Sums of ``w (z - mean)**2`` from those of w, w z and w z**2."""
    return np.maximum(wzz - mean * (2 * wz - mean * w), 0.0)
