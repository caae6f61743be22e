"""A block: consecutive rows of the design, made and dropped inside one task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Block", "Dense", "Design", "FloatArray", "Where"]

FloatArray = NDArray[np.float64]

_SPREAD = 0.25  # of the squares about zero: with so much about the mean nothing cancels


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


class Design(Protocol):
    """The design of a block of b rows and k columns, however it is held."""

    def dense(self) -> FloatArray:
        """The design as one column-major array, (b, k)."""
        ...

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        """Smallest and largest value of every column, (k,) each; there are rows."""
        ...

    def keys(self) -> tuple[NDArray[Any], ...]:
        """The variables that the columns are made of, (b,) each."""
        ...

    def matvec(self, beta: FloatArray) -> FloatArray:
        """``X beta``, (b,)."""
        ...

    def rmatvec(self, v: FloatArray) -> FloatArray:
        """``X'v``, (k,)."""
        ...

    def sandwich(self, w: FloatArray) -> FloatArray:
        """``X' diag(w) X``, (k, k)."""
        ...

    def comoment(
        self, w: FloatArray | None, mean: FloatArray, endog: FloatArray | None = None
    ) -> FloatArray:
        """``(Z - 1 mean')' diag(w) (Z - 1 mean')`` for the weighted means of Z.

        Z is the design, (k, k), or the design and the response, (k + 1, k + 1).
        """
        ...


@dataclass(slots=True)
class Dense:
    """A design held as one array.

    Attributes
    ----------
    array : ndarray, (b, k)
        The design, column-major.
    """

    array: FloatArray
    _extremes: tuple[FloatArray, FloatArray] | None = field(default=None, init=False, repr=False)

    def dense(self) -> FloatArray:
        return self.array

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        if self._extremes is None:  # several reductions of a pass ask for them
            design = self.dense()
            self._extremes = design.min(axis=0), design.max(axis=0)
        return self._extremes

    def keys(self) -> tuple[NDArray[Any], ...]:
        return tuple(self.array.T)

    def matvec(self, beta: FloatArray) -> FloatArray:
        # np.dot lets go of the GIL; for one matrix np.matmul does not.
        eta: FloatArray = np.dot(self.dense(), beta)
        return eta

    def rmatvec(self, v: FloatArray) -> FloatArray:
        product: FloatArray = np.dot(self.dense().T, v)
        return product

    def sandwich(self, w: FloatArray) -> FloatArray:
        design = self.dense()
        products: FloatArray = np.dot(design.T, design * w[:, None])
        return products

    def comoment(
        self, w: FloatArray | None, mean: FloatArray, endog: FloatArray | None = None
    ) -> FloatArray:
        design = self.dense()
        b, k = design.shape
        z = np.empty((b, len(mean)), order="F")
        if endog is None and w is not None:
            np.multiply(design, np.sqrt(w)[:, None], out=z)
            raw: FloatArray = np.dot(z.T, z)
            apart: FloatArray = raw - w.sum() * np.outer(mean, mean)
            if (apart.diagonal() >= _SPREAD * raw.diagonal()).all():
                return apart
        np.subtract(design, mean[:k], out=z[:, :k])
        if endog is not None:
            np.subtract(endog, mean[k], out=z[:, k])
        if w is not None:
            z *= np.sqrt(w)[:, None]
        products: FloatArray = np.dot(z.T, z)
        return products


@dataclass(frozen=True, slots=True)
class Block:
    """b rows of a design with k columns.

    The arrays may share memory that the next block overwrites: whoever keeps rows
    copies them.

    Attributes
    ----------
    endog : ndarray, (b,)
        The response.
    design : Design
        The design, (b, k).
    extras : mapping
        What goes with the rows, (b,) each: ``weights``; for a GLM ``freq_weights``,
        ``var_weights``, ``offset``, ``exposure`` (its logarithm) and ``trials``.
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
    design: Design
    extras: Mapping[str, FloatArray] = field(default_factory=dict)
    partition: int = 0
    start: int = 0
    kept: NDArray[np.intp] | None = None
    rows_read: int = 0
    missing: dict[str, int] = field(default_factory=dict)

    @property
    def weights(self) -> FloatArray | None:
        """The weights, (b,); None for unit weights."""
        return self.extras.get("weights")

    def row(self, i: int) -> int:
        """Number in the partition of row ``i`` of the block."""
        return self.start + i if self.kept is None else int(self.kept[i])

    @property
    def row_numbers(self) -> NDArray[np.intp]:
        """Numbers in the partition of the rows, (b,)."""
        if self.kept is not None:
            return self.kept
        return np.arange(self.start, self.start + len(self.endog))

    def dense(self) -> FloatArray:
        """The design as one column-major array, (b, k)."""
        return self.design.dense()

    def matvec(self, beta: FloatArray) -> FloatArray:
        """``X beta``, (b,)."""
        return self.design.matvec(beta)

    def rmatvec(self, v: FloatArray) -> FloatArray:
        """``X'v``, (k,)."""
        return self.design.rmatvec(v)

    def sandwich(self, w: FloatArray) -> FloatArray:
        """``X' diag(w) X``, (k, k)."""
        return self.design.sandwich(w)
