"""Exact sums of columns and of their squares, the same in any order of rows."""

from __future__ import annotations

import math

import numpy as np

from statsmodels_ooc.arrays import FloatArray

POINT = 1074  # binary places of the smallest double: a sum times 2**POINT is a whole number
_ROWS = 2**15  # with pieces of 38 bits (or products of two of 19) no sum exceeds 2**53
_BITS = 76  # below the largest value that pieces reach
ORDINARY = 2.0**400  # between it and its inverse no piece overflows or underflows


def exact_sums(
    x: FloatArray, squares: bool = False, largest: float | None = None
) -> tuple[int, int]:
    """The exact sum and sum of squares of some values.

    Parameters
    ----------
    x : ndarray, (b,)
        The values. If one of them is not finite, the sums mean nothing.
    squares : bool
        Whether the sum of squares is wanted; zero otherwise.
    largest : float, optional
        No value is larger in size, where that is known.

    Returns
    -------
    total, square : int
        Times ``2**1074`` and ``2**2148``.
    """
    total = square = 0
    for start in range(0, len(x), _ROWS):
        one, two = _sums(x[start : start + _ROWS], squares, largest)
        total += one
        square += two
    return total, square


def _sums(x: FloatArray, squares: bool, largest: float | None = None) -> tuple[int, int]:
    if len(x) == 0:
        return 0, 0
    if largest is None:
        largest = max(-float(x.min()), float(x.max()))
    if largest == 0 or not math.isfinite(largest):
        return 0, 0
    if not 1 / ORDINARY < largest < ORDINARY:
        return _one_by_one(x, squares)
    exponent = math.frexp(largest)[1]
    pieces, units, rest = _pieces(x, exponent, 19 if squares else 38)
    if not rest.any():
        return _of_pieces(pieces, units, squares)
    # Some rows reach below the last piece. They are summed apart, against their own largest.
    small = np.abs(x) < math.ldexp(1.0, exponent - (_BITS - 52))
    one, two = _sums(x[small], squares)
    other, another = _sums(x[~small], squares)
    return one + other, two + another


def _pieces(x: FloatArray, exponent: int, bits: int) -> tuple[FloatArray, list[int], FloatArray]:
    """Columns that add up to x, multiples of ``2**unit`` each, and what is left of x.

    Few and large operations: between any two of them another thread may take over.
    """
    units = list(range(exponent - bits, exponent - _BITS - 1, -bits))
    pieces = np.empty((len(x), len(units)), order="F")
    rest = x.copy()
    for i, unit in enumerate(units):
        anchor = math.ldexp(1.5, unit + 52)  # adding it rounds to multiples of 2**unit
        piece = np.add(rest, anchor, out=pieces[:, i])
        piece -= anchor
        rest -= piece
    return pieces, units, rest


def _of_pieces(pieces: FloatArray, units: list[int], squares: bool) -> tuple[int, int]:
    """The sums from those of pieces and of their products, which are exact in any order."""
    total = square = 0
    for value, unit in zip(pieces.sum(axis=0).tolist(), units, strict=True):
        total += _whole(value, unit) << (unit + POINT)
    for i, unit in enumerate(units if squares else []):
        products = np.dot(pieces[:, i:].T, pieces[:, i]).tolist()
        for j, (value, other) in enumerate(zip(products, units[i:], strict=True)):
            twice = 0 if j == 0 else 1  # a product of two different pieces counts twice
            square += _whole(value, unit + other) << (unit + other + 2 * POINT + twice)
    return total, square


def _whole(value: float, unit: int) -> int:
    return int(math.ldexp(value, -unit))


def _one_by_one(x: FloatArray, squares: bool) -> tuple[int, int]:
    """The same for values near the ends of what doubles can be."""
    wholes = [_as_whole(value) for value in x.tolist()]
    return sum(wholes), sum(whole * whole for whole in wholes) if squares else 0


def _as_whole(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return (numerator << POINT) // denominator
