"""A block: consecutive rows of the design, made and dropped inside one task."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Block", "FloatArray", "Where"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Where:
    """Where a frame stands, for blocks and for messages.

    Attributes
    ----------
    partition : int
        Number of the partition.
    label : str
        Its label, such as ``"a.parquet, row group 3"``.
    start : int
        Number in the partition of the frame's first row.
    """

    partition: int
    label: str
    start: int

    def __str__(self) -> str:
        return self.label

    def row(self, i: int) -> str:
        """Row ``i`` of the frame, in words."""
        return f"row {self.start + i} of {self.label}"


@dataclass(frozen=True, slots=True)
class Block:
    """b rows of a design with k columns.

    The arrays may share memory that the next block overwrites: whoever keeps rows
    copies them.

    Attributes
    ----------
    endog : ndarray, (b,)
        The response.
    exog : ndarray, (b, k)
        The design, column-major.
    weights : ndarray, (b,), or None
        None for unit weights.
    partition : int
        Number of the partition that the rows come from.
    start : int
        Number in the partition of the first row, when no row was dropped.
    kept : ndarray of int, (b,), or None
        Numbers in the partition of the rows, where some were dropped.
    rows_read : int
        Rows of the source that this block accounts for, dropped ones included.
    missing : dict
        Dropped rows by the name of the variable that was missing.
    """

    endog: FloatArray
    exog: FloatArray
    weights: FloatArray | None = None
    partition: int = 0
    start: int = 0
    kept: NDArray[np.intp] | None = None
    rows_read: int = 0
    missing: dict[str, int] = field(default_factory=dict)

    def row(self, i: int) -> int:
        """Number in the partition of row ``i`` of the block."""
        return self.start + i if self.kept is None else int(self.kept[i])

    def dense(self) -> FloatArray:
        """The design as one array, (b, k)."""
        return self.exog

    def matvec(self, beta: FloatArray) -> FloatArray:
        """``X beta``, (b,)."""
        return self.exog @ beta

    def rmatvec(self, v: FloatArray) -> FloatArray:
        """``X'v``, (k,)."""
        return self.exog.T @ v

    def sandwich(self, w: FloatArray) -> FloatArray:
        """``X' diag(w) X``, (k, k)."""
        return self.exog.T @ (self.exog * w[:, None])
