"""Sums of squares and products of rows, whichever way they are added."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from statsmodels_ooc.arrays import FloatArray


class RowSums:
    """Of rows g, (b, r), with NumPy."""

    def squares(self, g: FloatArray) -> FloatArray:
        """``g'g`` of each row, (b,)."""
        summed: FloatArray = np.square(g).sum(axis=1)
        return summed

    def products(self, g: FloatArray, weights: Sequence[FloatArray]) -> Sequence[FloatArray]:
        """The sums of ``w g g'``, (r, r), for each of three weights, (b,)."""
        return [products(g, w) for w in weights]


NUMPY = RowSums()


def products(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted sum of the products of rows (b, r) with themselves, (r, r)."""
    summed: FloatArray = np.dot((rows * weights[:, None]).T, rows)
    return summed
