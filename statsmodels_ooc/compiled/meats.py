"""Sums of products of rows in memory, by several weights at once."""

from __future__ import annotations

import numpy as np
from numba import njit

from statsmodels_ooc.arrays import FloatArray

SLICE = 256  # rows that stay in the first cache

_SUMS = {"reassoc", "contract", "nsz"}


@njit(nogil=True, cache=True, fastmath=_SUMS)
def squares(g: FloatArray, out: FloatArray) -> None:
    """``g'g`` of n rows of r values, (r, n); (n,)."""
    n = len(out)
    for first in range(0, n, SLICE):
        m = min(SLICE, n - first)
        here = out[first : first + m]
        for i in range(m):
            here[i] = 0.0
        for j in range(len(g)):
            a = g[j, first : first + m]
            for i in range(m):
                here[i] += a[i] * a[i]


@njit(nogil=True, cache=True, fastmath=_SUMS)
def products(
    g: FloatArray,
    first_weight: FloatArray,
    second_weight: FloatArray,
    third_weight: FloatArray,
    out: FloatArray,
) -> None:
    """Add products of n rows of r values, (r, n), by three weights, (n,), to (3, r, r).

    They are symmetric; what is above the diagonal is not all there while they are added.
    """
    r, n = g.shape
    near = np.empty((r + 3, SLICE))  # rows that lie 2**20 bytes apart would share few cache lines
    for first in range(0, n, SLICE):
        m = min(SLICE, n - first)
        for j in range(r):
            for i in range(m):
                near[j, i] = g[j, first + i]
        u, v, w = near[r], near[r + 1], near[r + 2]
        for i in range(m):
            u[i] = first_weight[first + i]
            v[i] = second_weight[first + i]
            w[i] = third_weight[first + i]
        for j in range(r):
            a = near[j]
            for k in range(j + 1):
                b, by_u, by_v, by_w = near[k], 0.0, 0.0, 0.0
                for i in range(m):
                    product = a[i] * b[i]
                    by_u += product * u[i]
                    by_v += product * v[i]
                    by_w += product * w[i]
                out[0, j, k] += by_u
                out[1, j, k] += by_v
                out[2, j, k] += by_w
    for j in range(r):
        for k in range(j):
            for each in range(3):
                out[each, k, j] = out[each, j, k]
