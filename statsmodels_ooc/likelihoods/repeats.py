"""Whether the rows of a design repeat themselves, and its likelihood where they do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, CellSums, Extras, total_offset
from statsmodels_ooc.blocks.columns import Scratch
from statsmodels_ooc.design.spec import DesignSpec, Variables
from statsmodels_ooc.engine import MemoryRows
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.distinct import Cells, DistinctRows


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
    scratch = Scratch(min(n, block_rows), spec.k)
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


_BOUNDED = 2**18  # combinations of levels that are counted whatever a sample says
_MOST = 2**20  # cells
_GAIN = 8  # rows a cell, at the least, where there may be too many
_BLOCK_ROWS = 16_384
_LOST = 1e-11  # of what the rows within the cells tell, by rounding
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Repetition:
    """What is known of the distinct rows before the data are read.

    Attributes
    ----------
    capacities : tuple of int or None
        Levels of each variable, None for numbers.
    bounded : bool
        Whether there cannot be too many.
    """

    capacities: tuple[int | None, ...]
    bounded: bool


def repetition(
    spec: DesignSpec,
    rows: int | None,
    has_offset: bool,
    expected: Callable[[], float],
) -> Repetition | None:
    """Whether folding the data into its distinct rows promises to pay; None if not.

    Parameters
    ----------
    spec : DesignSpec
        The design.
    rows : int or None
        How many rows the data have, where that is known.
    has_offset : bool
        Whether an offset makes rows differ, too.
    expected : callable
        How many distinct rows a sample promises, where levels alone do not tell.
    """
    capacities = spec.capacities
    levels = [capacity for capacity in capacities if capacity is not None]
    if len(levels) == len(capacities) and not has_offset:
        combinations = math.prod(levels)
        if combinations <= _BOUNDED and (rows is None or 2 * combinations <= rows):
            return Repetition(capacities, bounded=True)
    most = _MOST if rows is None else min(_MOST, rows / _GAIN)
    return Repetition(capacities, bounded=False) if expected() <= most else None


def expected_cells(blocks: Sequence[Any]) -> float:
    """How many distinct rows there are in all, to judge by a sample.

    References
    ----------
    Chao (1984). Nonparametric estimation of the number of classes in a population.
    Scand. J. Statist. 11, 265-270, the bias-corrected form.
    """
    if not blocks or not _keys(blocks[0]):
        return np.inf
    columns = [_column(parts) for parts in zip(*(_keys(b) for b in blocks), strict=True)]
    if any(len(np.unique(column[:4_096])) > 2_048 for column in columns):  # a continuous one
        return np.inf
    rows = np.ascontiguousarray(np.column_stack(columns))
    _, counts = np.unique(rows.view(f"V{rows.dtype.itemsize * rows.shape[1]}"), return_counts=True)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return len(counts) + once * (once - 1) / (2 * (twice + 1))


def _keys(block: Any) -> tuple[NDArray[Any], ...]:
    offset = total_offset(block)
    return (*block.design.keys(), *([] if offset is None else [offset]))


def _column(parts: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])


def distinct_rows(
    found: Repetition,
    spec: DesignSpec,
    fallback: Reduction[Any] | None,
    shift: float,
    bounds: tuple[float, float],
) -> DistinctRows:
    """The reduction that folds rows into distinct ones."""
    return DistinctRows(
        found.capacities,
        None if found.bounded else fallback,
        partial(cell_blocks, spec, block_rows=_BLOCK_ROWS, bounds=bounds),
        max_cells=_BOUNDED if found.bounded else _MOST,
        shift=shift,
    )


def keeps_digits(
    cells: Cells, family: Any, bounds: tuple[float, float], about_one: float, within: float
) -> bool:
    """Whether sums by cells leave enough digits of what rows within a cell differ in.

    Parameters
    ----------
    cells : Cells
        The distinct rows.
    family : Family
        Whose variance function weighs the rows.
    bounds : (float, float)
        Between which all responses are.
    about_one, within : float
        Deviances about one constant, and about the means of the cells.
    """
    lean = cells.ay / cells.a
    mean = np.clip(cells.shift + lean, *bounds)
    some = np.abs(mean) > 8 * _EPS * abs(cells.shift)  # the others are zeros, up to rounding
    variance = family.variance(np.where(some, mean, 1.0))
    between = float(np.where(some, cells.a * lean**2 / variance, 0.0).sum())
    inside = float(np.where(some, cells.ayy / variance, 0.0).sum()) - between
    exact = within == 0 and inside <= _EPS * between  # cells of equal responses
    rests = inside * _LOST >= _EPS * between and within * _LOST >= _EPS * about_one
    return bool(exact or rests)


def cell_rows(spec: DesignSpec, cells: Cells, bounds: tuple[float, float]) -> MemoryRows:
    """The distinct rows, which stand for all rows of the data."""
    blocks = partial(cell_blocks, spec, cells, _BLOCK_ROWS, bounds)
    return MemoryRows(blocks, len(cells.a), are_cells=True)
