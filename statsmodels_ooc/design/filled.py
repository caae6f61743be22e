"""The design of a block, written when somebody asks for it."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from statsmodels_ooc.design.block import Dense, FloatArray

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
    rows : Rows
        The variables of a frame.
    piece : slice
        Which of its rows.
    scratch : ndarray, (B, k)
        Column-major memory for at least as many rows.
    """

    __slots__ = ("_filled", "_piece", "_rows", "_spec")

    def __init__(self, spec: Filler, rows: Any, piece: slice, scratch: FloatArray) -> None:
        super().__init__(scratch[: piece.stop - piece.start])
        self._spec, self._rows, self._piece = spec, rows, piece
        self._filled = False

    def dense(self) -> FloatArray:
        if not self._filled:
            self._spec.fill(self._rows, self._piece, self.array)
            self._filled = True
        return self.array

    def keys(self) -> tuple[NDArray[Any], ...]:
        return self._spec.keys(self._rows, self._piece)
