"""Total orders of rows: by a score, ties by row number or by a hash of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.reductions.base import FloatArray

__all__ = ["IntArray", "first", "hashes"]

IntArray = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)


def hashes(seed: int, rows: IntArray) -> NDArray[np.uint64]:
    """A hash of every row number, (b,); for one seed no two rows share one.

    Parameters
    ----------
    seed : int
        Whole and not negative, below 2**64.
    rows : ndarray of int64, (b,)
        Row numbers.

    References
    ----------
    Steele, Lea, Flood (2014). Fast splittable pseudorandom number generators. OOPSLA
    2014, 453-472: the generator SplitMix64, started at a mixed seed and asked for its
    number ``row + 1``.
    """
    start = _mixed(np.array([seed], dtype=np.uint64) + _GOLDEN)
    return _mixed(start + (rows.astype(np.uint64) + np.uint64(1)) * _GOLDEN)


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    for shift, factor in _MIX:
        z = (z ^ (z >> shift)) * factor
    return z ^ (z >> np.uint64(31))


def first(scores: FloatArray, ties: NDArray[np.generic], m: int) -> NDArray[np.intp]:
    """Positions of the first m rows of an order, in that order.

    Parameters
    ----------
    scores : ndarray, (b,)
        Smaller comes first; NaN comes last.
    ties : ndarray, (b,)
        What decides between equal scores, smaller first; no two are equal.
    m : int
        How many rows are wanted; all of them where there are fewer.
    """
    among = np.arange(len(scores))
    if m < len(scores):
        last = np.partition(scores, m - 1)[m - 1] if m else np.inf
        if not np.isnan(last):
            before, level = np.flatnonzero(scores < last), np.flatnonzero(scores == last)
            missing = m - len(before)
            if 0 < missing < len(level):
                level = level[np.argpartition(ties[level], missing - 1)[:missing]]
            among = np.concatenate((before, level[: max(missing, 0)]))
    order = np.lexsort((ties[among], scores[among]))
    return among[order][:m]
