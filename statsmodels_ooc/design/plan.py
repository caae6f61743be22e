"""Columns of a design from evaluated factors: the direct column builder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc._patsy import DesignInfo, subterm_columns
from statsmodels_ooc.design.block import FloatArray

__all__ = ["ColumnPlan", "Piece", "fill_columns", "plan_columns"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One factor's part in one column of the design.

    Attributes
    ----------
    value : int
        Which of the evaluated factors.
    column : int
        Which of its columns, for a numerical factor.
    contrast : ndarray, (levels,), or None
        What each level contributes, for a categorical factor.
    level : int
        The level that contributes 1 where all others contribute 0, else -1.
    """

    value: int
    column: int = 0
    contrast: FloatArray | None = None
    level: int = -1


ColumnPlan = tuple[Piece, ...]  # a column is the product of its pieces


def plan_columns(info: DesignInfo, factors: Sequence[Any]) -> tuple[ColumnPlan, ...]:
    """Plan every column of a design.

    Parameters
    ----------
    info : DesignInfo
        The learned design; its subterms and contrasts say what a column is.
    factors : sequence
        The factors in the order in which their values will come.
    """
    position = {factor: i for i, factor in enumerate(factors)}
    return tuple(
        tuple(
            _piece(position[factor], subterm.contrast_matrices.get(factor), column)
            for factor, column in zip(subterm.factors, columns, strict=True)
        )
        for subterms in info.term_codings.values()
        for subterm in subterms
        for columns in subterm_columns(info, subterm)
    )


def _piece(value: int, contrast: Any, column: int) -> Piece:
    if contrast is None:
        return Piece(value, column)
    weights = np.ascontiguousarray(contrast.matrix[:, column], dtype=np.float64)
    ones = np.flatnonzero(weights)
    is_indicator = len(ones) == 1 and weights[ones[0]] == 1
    return Piece(value, contrast=weights, level=int(ones[0]) if is_indicator else -1)


def fill_columns(
    plan: Sequence[ColumnPlan],
    values: Sequence[NDArray[np.generic]],
    rows: slice,
    out: FloatArray,
) -> None:
    """Write the planned columns of some rows into ``out``, (b, k), column-major.

    Products are taken in the order of the formula's factors, as patsy takes them,
    so that both give the same bits.
    """
    for j, pieces in enumerate(plan):
        column = out[:, j]
        if len(pieces) < 2:
            column[:] = _part(pieces[0], values, rows) if pieces else 1.0
            continue
        first, second, *others = pieces
        np.multiply(_part(first, values, rows), _part(second, values, rows), out=column)
        for piece in others:
            column *= _part(piece, values, rows)


def _part(
    piece: Piece, values: Sequence[NDArray[Any]], rows: slice
) -> NDArray[np.float64 | np.bool_]:
    """What a factor contributes to a column, (b,)."""
    if piece.contrast is None:
        column: FloatArray = values[piece.value][piece.column, rows]
        return column
    codes = values[piece.value][rows]
    if piece.level >= 0:
        indicator: NDArray[np.bool_] = codes == piece.level
        return indicator
    weights: FloatArray = piece.contrast.take(codes)
    return weights
