"""Rows of a column that are beyond two bounds; hardly any are, and slices without one are fast."""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray

SLICE = 64  # rows that are looked at one by one where one of them is beyond


@njit(nogil=True, cache=True)
def _some(x: FloatArray, low: float, high: float) -> bool:
    count = 0
    for i in range(len(x)):
        count += (x[i] <= low) | (x[i] >= high)
    return count > 0


@njit(nogil=True, cache=True)
def _some_weighted(x: FloatArray, mean: float, weight: FloatArray, low: float, high: float) -> bool:
    count = 0
    for i in range(len(x)):
        z = (x[i] - mean) * weight[i]
        count += (z <= low) | (z >= high)
    return count > 0


@njit(nogil=True, cache=True)
def beyond(
    x: FloatArray,
    mean: float,
    weight: FloatArray,
    low: float,
    high: float,
    rows: NDArray[Any],
) -> tuple[int, int]:
    """Where ``z = (x - mean) * weight`` is at a bound or beyond it, NaN nowhere.

    Parameters
    ----------
    x : ndarray, (n,)
        The values.
    mean, weight : float, and ndarray, (n,) or (0,)
        Without weights z is x.
    low, high : float
        The bounds.
    rows : ndarray of int, (2, n)
        Gets the positions where ``z <= low``, and those where ``z >= high``.

    Returns
    -------
    int, int
        How many there are of both.
    """
    lower, upper, has_weight = 0, 0, len(weight) > 0
    for first in range(0, len(x), SLICE):
        last = min(first + SLICE, len(x))
        if has_weight:
            found = _some_weighted(x[first:last], mean, weight[first:last], low, high)
        else:
            found = _some(x[first:last], low, high)
        if found:
            for i in range(first, last):
                z = (x[i] - mean) * weight[i] if has_weight else x[i]
                rows[0, lower] = i  # it stays only where the next one goes elsewhere
                rows[1, upper] = i
                lower += z <= low
                upper += z >= high
    return lower, upper
