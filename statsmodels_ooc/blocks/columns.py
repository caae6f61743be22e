"""Columns of a design from the values of its variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import OneArray


class Filler(Protocol):
    """What a lazily written design needs of a design's specification."""

    def fill(self, rows: Any, piece: slice, out: FloatArray) -> None: ...

    def keys(self, rows: Any, piece: slice) -> tuple[NDArray[Any], ...]: ...


class Scratch:
    """Memory for the designs of blocks that follow one another; none while nobody writes there.

    Parameters
    ----------
    rows : int
        Most rows of a block.
    k : int
        Columns of the design.
    """

    def __init__(self, rows: int, k: int) -> None:
        self._shape = rows, k
        self._array: FloatArray | None = None

    def first(self, rows: int, columns: int | None = None) -> FloatArray:
        """The first rows of the first columns, or of all, column-major, (rows, columns)."""
        most, k = self._shape
        count = k if columns is None else columns
        if self._array is None or self._array.shape[1] < count:
            self._array = np.empty((most, count), order="F")
        return self._array[:rows, :count]


class Filled(OneArray):
    """The columns of some rows, written into shared memory at the first look.

    Parameters
    ----------
    spec : DesignSpec
        What writes them.
    rows : Variables
        The variables of a frame.
    piece : slice
        Which of its rows.
    scratch : Scratch
        Memory for at least as many rows.

    Attributes
    ----------
    is_filled : bool
        Whether the columns are written.
    """

    __slots__ = ("_scratch", "_spec", "is_filled", "piece", "rows")

    def __init__(self, spec: Filler, rows: Any, piece: slice, scratch: Scratch) -> None:
        super().__init__()
        self._spec, self.rows, self.piece, self._scratch = spec, rows, piece, scratch
        self.is_filled = False

    def __len__(self) -> int:
        count: int = self.piece.stop - self.piece.start
        return count

    @property
    def memory(self) -> FloatArray:
        """Where the columns are written, (b, k)."""
        return self.place()

    def place(self, columns: int | None = None) -> FloatArray:
        """Where so many columns are written, or all, (b, columns)."""
        return self._scratch.first(len(self), columns)

    def dense(self) -> FloatArray:
        array = self.memory
        if not self.is_filled:
            self._spec.fill(self.rows, self.piece, array)
            self.is_filled = True
        return array

    def keys(self) -> tuple[NDArray[Any], ...]:
        return self._spec.keys(self.rows, self.piece)


@dataclass(frozen=True, slots=True)
class Piece:
    """One factor's part in one column of the design."""

    value: int  # which of the evaluated factors
    column: int = 0  # which of its columns, for a numerical factor
    contrast: FloatArray | None = None  # what each level contributes, (levels,), for a categorical
    level: int = -1  # the level that contributes 1 where all others contribute 0


ColumnPlan = tuple[Piece, ...]  # a column is the product of its pieces


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


@dataclass(frozen=True, slots=True)
class CodedTerm:
    """Columns of which a row has at most one 1, and else zeros.

    The table tells which of the columns is 1 in each cell of the factors, the last one varying
    fastest; c where none is.
    """

    factors: tuple[int, ...]  # the evaluated factors that they are indicators of
    levels: tuple[int, ...]  # their numbers of levels
    columns: NDArray[np.intp]  # where the columns stand in the design, (c,)
    table: NDArray[np.int32]  # (cells,)


def coded_terms(plans: Sequence[ColumnPlan], least: int) -> tuple[CodedTerm, ...]:
    """Find the indicators of the same factors, where there are at least so many."""
    found: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for j, plan in enumerate(plans):
        if plan and all(piece.level >= 0 for piece in plan):
            cells = found.setdefault(tuple(piece.value for piece in plan), {})
            cells.setdefault(tuple(piece.level for piece in plan), j)
    return tuple(
        _coded_term(factors, _levels(plans[min(cells.values())]), cells)
        for factors, cells in found.items()
        if len(cells) >= least
    )


def _levels(plan: ColumnPlan) -> tuple[int, ...]:
    return tuple(len(piece.contrast) for piece in plan if piece.contrast is not None)


def _coded_term(
    factors: tuple[int, ...], levels: tuple[int, ...], cells: dict[tuple[int, ...], int]
) -> CodedTerm:
    columns = np.fromiter(cells.values(), dtype=np.intp, count=len(cells))
    table = np.full(levels, len(columns), dtype=np.int32)
    for code, cell in enumerate(cells):
        table[cell] = code
    return CodedTerm(factors, levels, columns, table.ravel())


def term_codes(term: CodedTerm, values: Sequence[NDArray[Any]], rows: slice) -> NDArray[np.int32]:
    """Which of a term's columns is 1 in some rows, (b,); their number where none is."""
    cell, *others = (values[factor][rows] for factor in term.factors)
    for codes, levels in zip(others, term.levels[1:], strict=True):
        cell = cell * np.intp(levels) + codes
    return term.table.take(cell)
