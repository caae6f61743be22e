"""Exact sums of a column and of its squares: pieces of its values are added as whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray

SLICE = 256  # rows that stay in the first cache
BITS = 22  # of a piece: 256 products of two are below 2**53, and any sum of them is a double
PIECES = 3
ROWS = 2**18  # of which sums of products are below 2**63

_HIGH, _LOW = 2.0 ** (2 * BITS), 2.0**BITS  # units of the first two pieces
_ONES = 1.5 * 2.0**52  # adding it rounds to whole numbers

# Sums of whole numbers are the same in any order; rounding, in `_split`, has to stay as it is.
_SUMS = {"reassoc", "contract", "nsz"}


@njit(nogil=True, cache=True)
def _split(x: FloatArray, m: int, scale: float, a: FloatArray, b: FloatArray, c: FloatArray) -> int:
    """Cut m values, times a scale, into whole numbers; of how many something is left."""
    high, low, others = _ONES * _HIGH, _ONES * _LOW, 0
    for i in range(m):
        rest = x[i] * scale
        piece = (rest + high) - high
        rest -= piece
        a[i] = piece * (1.0 / _HIGH)
        piece = (rest + low) - low
        rest -= piece
        b[i] = piece * (1.0 / _LOW)
        piece = (rest + _ONES) - _ONES
        c[i] = piece
        others += rest != piece
    return others


@njit(nogil=True, cache=True)
def _set_aside(
    x: FloatArray,
    m: int,
    scale: float,
    pieces: FloatArray,
    small: FloatArray,
    count: int,
) -> int:
    """Move values that their pieces do not add up to among the small ones."""
    for i in range(m):
        rest = ((x[i] * scale - pieces[0, i] * _HIGH) - pieces[1, i] * _LOW) - pieces[2, i]
        if rest != 0.0:
            small[count] = x[i]
            pieces[:, i] = 0.0
            count += 1
    return count


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _total(a: FloatArray, m: int) -> np.int64:
    total = 0.0
    for i in range(m):
        total += a[i]
    return np.int64(total)


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _products(pieces: FloatArray, m: int, out: NDArray[np.int64]) -> None:
    a, b, c = pieces[0], pieces[1], pieces[2]
    aa, ab, ac, bb, bc, cc = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(m):
        aa += a[i] * a[i]
        ab += a[i] * b[i]
        ac += a[i] * c[i]
        bb += b[i] * b[i]
        bc += b[i] * c[i]
        cc += c[i] * c[i]
    out[0] += np.int64(aa)
    out[1] += np.int64(ab)
    out[2] += np.int64(ac)
    out[3] += np.int64(bb)
    out[4] += np.int64(bc)
    out[5] += np.int64(cc)


@njit(nogil=True, cache=True)
def sums(
    x: FloatArray,
    scale: float,
    squares: bool,
    totals: NDArray[np.int64],
    products: NDArray[np.int64],
    small: FloatArray,
) -> Any:
    """Add the pieces of some values, and their products.

    Parameters
    ----------
    x : ndarray, (n,)
        Not more values than `ROWS`.
    scale : float
        A power of two: values times it are below ``2**66`` in size.
    squares : bool
        Whether products are wanted.
    totals : ndarray of int, (3,)
        Get the sums of the pieces, the highest first, each in units of its own: one unit is
        ``2**22`` times the next one, and the last one is 1.
    products : ndarray of int, (6,)
        Get the sums of products of the first piece with each, the second with itself and the
        third, and the third with itself.
    small : ndarray, (n,)
        Gets the values that have digits below the last piece, and are in no sum.

    Returns
    -------
    int
        How many these are.
    """
    pieces, count = np.empty((PIECES, SLICE)), 0
    for first in range(0, len(x), SLICE):
        m = min(SLICE, len(x) - first)
        here = x[first : first + m]
        if _split(here, m, scale, pieces[0], pieces[1], pieces[2]):
            count = _set_aside(here, m, scale, pieces, small, count)
        for j in range(PIECES):
            totals[j] += _total(pieces[j], m)
        if squares:
            _products(pieces, m, products)
    return count
