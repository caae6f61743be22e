"""Sums over rows in machine code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.keys import Keys, distinct
from statsmodels_ooc.compiled import cells, meats
from statsmodels_ooc.compiled import keys as key_loops
from statsmodels_ooc.reductions.row_sums import RowSums
from statsmodels_ooc.reductions.tally import Codes, Tally


class CompiledRowSums(RowSums):
    """Of rows g, (b, r), best column-major."""

    def squares(self, g: FloatArray) -> FloatArray:
        out = np.empty(len(g))
        meats.squares(np.ascontiguousarray(g.T), out)
        return out

    def products(self, g: FloatArray, weights: Sequence[FloatArray]) -> Sequence[FloatArray]:
        out = np.zeros((3, g.shape[1], g.shape[1]))
        one, two, three = map(np.ascontiguousarray, weights)
        meats.products(np.ascontiguousarray(g.T), one, two, three, out)
        return list(out)


class CompiledTally(Tally):
    """With a table of the keys that have come; the numbers and their order are the same."""

    def distinct(self, keys: Keys) -> tuple[Keys, NDArray[np.intp]]:
        n = len(keys)
        table = np.full(2 << n.bit_length(), -1)
        first, codes = np.empty(n, np.int64), np.empty(n, np.intp)
        words = np.ascontiguousarray(keys).view(np.int64).reshape(n, 2)
        count = key_loops.number(words, table, first, codes)
        if count < 0:
            return distinct(keys)
        found = keys[first[:count]]
        order = np.argsort(found["high"])
        place = np.empty(count, np.intp)
        place[order] = np.arange(count)
        return found[order], place[codes]

    def sums(
        self, codes: Codes, there: NDArray[np.intp], weights: FloatArray, rows: FloatArray
    ) -> FloatArray:
        of_rows, count = codes
        out = np.zeros((count, rows.shape[1]))
        if len(there) < len(weights):
            weights, rows = weights[there], rows[there]
        cells.add_rows(of_rows, np.ascontiguousarray(weights), np.ascontiguousarray(rows), out)
        return out
