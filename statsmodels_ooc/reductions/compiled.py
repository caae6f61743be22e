"""Sums over rows in machine code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.compiled import meats as loops
from statsmodels_ooc.reductions.row_sums import RowSums


class CompiledRowSums(RowSums):
    """Of rows g, (b, r), best column-major."""

    def squares(self, g: FloatArray) -> FloatArray:
        out = np.empty(len(g))
        loops.squares(np.ascontiguousarray(g.T), out)
        return out

    def products(self, g: FloatArray, weights: Sequence[FloatArray]) -> Sequence[FloatArray]:
        out = np.zeros((3, g.shape[1], g.shape[1]))
        one, two, three = map(np.ascontiguousarray, weights)
        loops.products(np.ascontiguousarray(g.T), one, two, three, out)
        return list(out)
