"""A checksum of values and of the places where they stand, however they are cut into blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["checksum"]

_LANES = 4_096  # rows; a value counts by its place in so many, which is one addition a value
_ODD = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio, rounded to an odd number


def _weights() -> NDArray[np.uint64]:
    """Odd numbers that look drawn by lot, (2 * lanes,), the second half like the first."""
    mixed = np.arange(1, _LANES + 1, dtype=np.uint64) * np.uint64(_ODD)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.tile(mixed ^ (mixed >> np.uint64(31)) | np.uint64(1), 2)


_WEIGHTS = _weights()


def checksum(values: NDArray[Any], before: int = 0) -> int:
    """The bit patterns of some values, added up modulo 2**64 with weights of their places.

    The checksums of consecutive pieces add up to that of the whole. Values that change
    places are noticed, unless by a multiple of 4,096 rows.

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
    kind = values.dtype.kind
    bits = np.ascontiguousarray(values)
    bits = (
        bits.view(np.uint64) if kind == "f" else bits.astype(np.int64, copy=False).view(np.uint64)
    )
    whole = len(bits) - len(bits) % _LANES
    lanes = bits[:whole].reshape(-1, _LANES).sum(axis=0)
    lanes[: len(bits) - whole] += bits[whole:]
    first = before % _LANES
    return int(np.dot(lanes, _WEIGHTS[first : first + _LANES]))
