"""A checksum of values and of the places where they stand, however they are cut into blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["checksum"]

_LANES = 2_048  # rows; a value counts by its place in so many, which is one addition a value
_ODD = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio, rounded to an odd number


def _weights() -> NDArray[np.uint64]:
    """Odd numbers that look drawn by lot, (4 * lanes,), the second half like the first."""
    mixed = np.arange(1, 2 * _LANES + 1, dtype=np.uint64) * np.uint64(_ODD)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.tile(mixed ^ (mixed >> np.uint64(31)) | np.uint64(1), 2)


_WEIGHTS = _weights()


def checksum(values: NDArray[Any], before: int = 0) -> int:
    """The halves of values of 64 bits, added up modulo 2**64 with weights of their places.

    The checksums of consecutive pieces add up to that of the whole. Values that change
    places are noticed, unless by a multiple of 2,048 rows. Halves add up without a carry
    out of 64 bits before they are weighted: modulo 2**64 two changes of sign would cancel
    whatever odd numbers weigh them.

    Parameters
    ----------
    values : ndarray of float64 or integers, (b,)
        The values.
    before : int
        How many values of the whole come before them.

    References
    ----------
    Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014), for
    the mixing of the weights.
    """
    wide = values if values.dtype.kind == "f" else values.astype(np.int64, copy=False)
    halves = np.ascontiguousarray(wide).view(np.uint32)
    whole = len(halves) - len(halves) % (2 * _LANES)
    lanes = halves[:whole].reshape(-1, 2 * _LANES).sum(axis=0, dtype=np.uint64)
    lanes[: len(halves) - whole] += halves[whole:]
    first = 2 * (before % _LANES)
    return int(np.dot(lanes, _WEIGHTS[first : first + 2 * _LANES]))
