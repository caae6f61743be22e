"""Which rows are of one cluster, and what they add up to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.keys import Keys, distinct

Codes = tuple[NDArray[np.intp], int]  # the cluster of each row, (b,), and how many there are


class Tally:
    """With NumPy and SciPy."""

    def distinct(self, keys: Keys) -> tuple[Keys, NDArray[np.intp]]:
        """The keys, each once, by their high words, (m,), and the position of each, (b,)."""
        return distinct(keys)

    def sums(
        self, codes: Codes, there: NDArray[np.intp], weights: FloatArray, rows: FloatArray
    ) -> FloatArray:
        """Sums by cluster, (m, q), of rows times their weights.

        Parameters
        ----------
        codes : (ndarray of int, int)
            Of the rows that are there.
        there : ndarray of int, (c,)
            These rows, in order.
        weights, rows : ndarray, (b,), (b, q)
            Of all rows.
        """
        of_rows, count = codes
        shape = count, len(weights)
        by_cluster = sparse.csr_array((weights[there], (of_rows, there)), shape=shape)
        return np.asarray(by_cluster @ rows)


NUMPY = Tally()
