"""Coordinates in which sums of products of rows keep their digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.cached import cached_property


@dataclass(frozen=True)
class Axes:
    """Rows x as ``root.T x``: nearly orthonormal columns.

    Products of columns far from zero lose twice as many digits to their means as the
    columns themselves do. In these coordinates the means are gone.

    Parameters
    ----------
    root : ndarray, (k, r)
        A root of the normalised covariance of the parameters, ``(X'WX)^+ == root @ root.T``.
    centre : ndarray, (k,)
        A point near the rows, zero in columns that are not far from zero.
    """

    root: FloatArray
    centre: FloatArray

    def rows(self, block: Block) -> FloatArray:
        """``X root``, (b, r)."""
        if self.centre.any():
            rows: FloatArray = np.dot(block.dense() - self.centre, self.root)
            return rows + self._origin
        rows = np.dot(block.dense(), self.root)
        return rows

    def columns(self, block: Block) -> FloatArray:
        """The same column-major, for sums of squares and products."""
        if self.centre.any():
            columns: FloatArray = np.dot(self.root.T, (block.dense() - self.centre).T)
            return (columns + self._origin[:, None]).T
        columns = np.dot(self.root.T, block.dense().T)
        return columns.T

    def fitted(self, block: Block, beta: FloatArray) -> FloatArray:
        """``X beta``, (b,)."""
        if not self.centre.any():
            fitted: FloatArray = block.matvec(beta)
            return fitted
        moved: FloatArray = (block.dense() - self.centre) @ beta
        return moved + exactly(self.centre, beta)

    @cached_property
    def _origin(self) -> FloatArray:
        return exactly(self.centre, self.root)


def exactly(left: FloatArray, right: FloatArray) -> FloatArray:
    """A product whose terms cancel, in more digits than those of its factors."""
    return np.asarray(left.astype(np.longdouble) @ right, dtype=np.float64)
