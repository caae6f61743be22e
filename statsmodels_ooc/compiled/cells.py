"""Sums by cell, of rows whose cells are told by the codes of several factors."""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray


@njit(nogil=True, cache=True)
def mix(codes: NDArray[Any], levels: int, cell: NDArray[Any]) -> None:
    """Make cells of cells, (n,), and one more factor: the last one varies fastest."""
    for i in range(len(cell)):
        cell[i] = cell[i] * levels + codes[i]


@njit(nogil=True, cache=True)
def add(
    cell: NDArray[Any], y: FloatArray, w: FloatArray, weights: FloatArray, products: FloatArray
) -> None:
    """Add weights, and weights times responses, to the cells that rows are in.

    Parameters
    ----------
    cell : ndarray of int, (n,)
        The cells.
    y, w : ndarray, (n,)
        Responses; prior weights, or nothing, (0,), for ones.
    weights, products : ndarray, (g,)
        Get the sums of w, and of w y.
    """
    if len(w):
        for i in range(len(y)):
            weights[cell[i]] += w[i]
            products[cell[i]] += w[i] * y[i]
    else:
        for i in range(len(y)):
            weights[cell[i]] += 1.0
            products[cell[i]] += y[i]


@njit(nogil=True, cache=True)
def add_rows(cell: NDArray[Any], weights: FloatArray, rows: FloatArray, sums: FloatArray) -> None:
    """Add rows, each times its weight, to the cells that they are in.

    Parameters
    ----------
    cell : ndarray of int, (n,)
        The cells.
    weights : ndarray, (n,)
        The weights.
    rows : ndarray, (n, r)
        The rows.
    sums : ndarray, (g, r)
        Get the sums, in the order of the rows.
    """
    for i in range(len(cell)):
        total, row, weight = sums[cell[i]], rows[i], weights[i]
        for j in range(len(row)):
            total[j] += row[j] * weight
