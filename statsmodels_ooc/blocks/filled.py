"""The design of a block, written when somebody asks for it."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Dense

__all__ = ["Filled", "Filler"]


class Filler(Protocol):
    """What a lazily written design needs of a design's specification."""

    def fill(self, rows: Any, piece: slice, out: FloatArray) -> None: ...

    def keys(self, rows: Any, piece: slice) -> tuple[NDArray[Any], ...]: ...


class Filled(Dense):
    """The columns of some rows, written into shared memory at the first look.

    Parameters
    ----------
    spec : DesignSpec
        What writes them.
    rows : Variables
        The variables of a frame.
    piece : slice
        Which of its rows.
    scratch : ndarray, (B, k)
        Column-major memory for at least as many rows.

    Attributes
    ----------
    is_filled : bool
        Whether the columns are written.
    """

    __slots__ = ("_spec", "is_filled", "piece", "rows")

    def __init__(self, spec: Filler, rows: Any, piece: slice, scratch: FloatArray) -> None:
        super().__init__(scratch[: piece.stop - piece.start])
        self._spec, self.rows, self.piece = spec, rows, piece
        self.is_filled = False

    def dense(self) -> FloatArray:
        if not self.is_filled:
            self._spec.fill(self.rows, self.piece, self.array)
            self.is_filled = True
        return self.array

    def keys(self) -> tuple[NDArray[Any], ...]:
        return self._spec.keys(self.rows, self.piece)
