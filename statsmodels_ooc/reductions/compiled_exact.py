"""Exact sums of columns in machine code: the same whole numbers as `exact_sums`."""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.compiled import exact as loops
from statsmodels_ooc.reductions.exact_sums import ORDINARY, POINT, exact_sums

_PLACES = [loops.BITS * (loops.PIECES - 1 - i) for i in range(loops.PIECES)]  # of pieces
_PAIRS = list(combinations_with_replacement(_PLACES, 2))

_MOST = 2.0 ** (loops.BITS * loops.PIECES)  # the scale of larger ones would make others vanish


def compiled_sums(
    x: FloatArray, squares: bool = False, largest: float | None = None
) -> tuple[int, int]:
    """As `exact_sums`."""
    x = np.ascontiguousarray(x)
    total = square = 0
    for start in range(0, len(x), loops.ROWS):
        one, two = _sums(x[start : start + loops.ROWS], squares, largest)
        total += one
        square += two
    return total, square


def _sums(x: FloatArray, squares: bool, largest: float | None) -> tuple[int, int]:
    if largest is None:
        largest = max(-float(x.min()), float(x.max()))
    if not 1 / ORDINARY < largest < _MOST:
        return exact_sums(x, squares, largest)
    unit = math.frexp(largest)[1] - loops.BITS * loops.PIECES
    totals, products = np.zeros(len(_PLACES), np.int64), np.zeros(len(_PAIRS), np.int64)
    small = np.empty(len(x))
    count = loops.sums(x, math.ldexp(1.0, -unit), squares, totals, products, small)
    total = sum(value << place for value, place in zip(totals.tolist(), _PLACES, strict=True))
    square = sum(
        value << (one + other + (one != other))  # a product of two different pieces counts twice
        for value, (one, other) in zip(products.tolist(), _PAIRS, strict=True)
    )
    total, square = total << (unit + POINT), square << (2 * (unit + POINT))
    if count:
        rest = _sums(small[:count], squares, None)
        total, square = total + rest[0], square + rest[1]
    return total, square
