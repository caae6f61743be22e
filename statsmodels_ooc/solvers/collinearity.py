"""How near the columns of a design are to depending on one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.reductions.least_squares import triangularize
from statsmodels_ooc.solvers.dependence import above_noise, lengths, noise


class Collinearity(NamedTuple):
    """Condition indices, (k,), and what each component has of each variance, (k, k).

    Of the proportions the rows are components, the largest singular value first, and the columns
    those of the design; each column sums to one.
    """

    indices: FloatArray
    proportions: FloatArray


def collinearity(r_exog: FloatArray, rows: int) -> Collinearity:
    """Condition indices and variance proportions.

    Parameters
    ----------
    r_exog : ndarray, (k, k)
        Upper triangular factor of the design, the constant among its columns and none centred.
    rows : int
        How many rows went into it.

    Notes
    -----
    With the columns at unit length and ``X = U D V'``, the condition index of component j is
    ``d_1 / d_j``, and its share of the variance of coefficient i is ``v_ij**2 / d_j**2`` over the
    sum of these. A component that is zero up to rounding has an infinite index and all of the
    variance of the columns that take part in it.

    References
    ----------
    Belsley, Kuh, Welsch (1980). Regression Diagnostics. Wiley, chapter 3.
    Belsley (1991). Conditioning Diagnostics. Wiley.
    """
    _, values, vt = np.linalg.svd(r_exog / lengths(r_exog))
    k, rank = len(values), above_noise(values, rows)
    parts = vt**2
    part_of_null = _takes_part(vt[rank:], rows, k)
    shares = np.zeros((k, k))
    shares[:rank] = np.where(part_of_null, 0.0, parts[:rank] / values[:rank, None] ** 2)
    shares[rank:] = np.where(part_of_null, parts[rank:], 0.0)
    indices = np.full(k, np.inf)
    indices[:rank] = values[0] / values[:rank]
    return Collinearity(indices, shares / shares.sum(axis=0))


def variance_inflation(
    r: FloatArray, rows: int, constant: int | None, *, has_constant: bool
) -> FloatArray:
    """By what the variances of coefficients exceed those of columns orthogonal to the others, (k,).

    Parameters
    ----------
    r : ndarray, (k + 2, k + 2)
        Upper triangular factor of ``sqrt(w) * [1 | X | y]``.
    rows : int
        How many rows went into it.
    constant : int or None
        The column of a constant.
    has_constant : bool
        Whether a constant is in the span of the columns, with or without such a column.

    Returns
    -------
    ndarray, (k,)
        ``1 / (1 - R_j**2)`` of each column regressed on the others, about the mean where the
        others span a constant; infinite for a column that follows from others.

    Notes
    -----
    The squares of column j that the others leave are the reciprocal of the diagonal of
    ``(X'X)^-1``. With a constant column, the others are taken about their means first.
    """
    x = r[:, 1:-1]
    k = x.shape[1]
    found: FloatArray = np.sum(x**2, axis=0) * _inverse_diagonal(x, rows)
    if constant is not None:
        others = np.delete(np.arange(k), constant)
        centred = x[1:, others]
        found[others] = np.sum(centred**2, axis=0) * _inverse_diagonal(centred, rows)
    elif has_constant:
        sizes = lengths(x)
        shares = np.linalg.lstsq(x / sizes, r[:, 0], rcond=noise(rows, k))[0]
        without = np.abs(shares) <= 1e-8 * np.abs(shares).max()
        ratio = np.sum(x[1:] ** 2, axis=0) / np.sum(x**2, axis=0)
        found = np.where(without, found * ratio, found)
    return found


def _inverse_diagonal(x: FloatArray, rows: int) -> FloatArray:
    """The diagonal of ``(X'X)^-1``, infinite for columns that follow from others, (k,)."""
    sizes, k = lengths(x), x.shape[1]
    if k == 0:
        return np.zeros(0)
    _, values, vt = np.linalg.svd(x / sizes, full_matrices=len(x) < k)
    rank = above_noise(values, rows)
    found = np.sum((vt[:rank] / values[:rank, None]) ** 2, axis=0)
    diagonal: FloatArray = np.where(_takes_part(vt[rank:], rows, k), np.inf, found / sizes**2)
    return diagonal


def _takes_part(null: FloatArray, rows: int, k: int) -> BoolArray:
    """Which columns take part in combinations that are zero, (k,)."""
    found: BoolArray = np.linalg.norm(null, axis=0) > max(1e-8, noise(rows, k))
    return found


def generalized_inflation(r: FloatArray, terms: Sequence[Sequence[int]]) -> FloatArray:
    """What the volume of the confidence region of each term has grown by, squared, (t,).

    Parameters
    ----------
    r : ndarray, (m, k)
        A factor of the columns but a constant, about their means where there is one.
    terms : sequence of sequence of int
        Columns of each term; all columns are in one of them, and of full rank.

    Notes
    -----
    ``det(C_11) det(C_22) / det(C)`` for the correlations C of all columns, those among the
    term's C_11 and those among the others C_22: for one column its variance inflation factor.
    It is the determinant of ``C_11 (C^-1)_11``.

    References
    ----------
    Fox, Monette (1992). Generalized collinearity diagnostics. JASA 87, 178-183.
    """
    scaled = r / lengths(r)
    k = scaled.shape[1]
    padded = np.vstack((scaled, np.zeros((max(k - len(scaled), 0), k))))
    root = solve_triangular(triangularize(padded), np.eye(k))
    found = []
    for columns in terms:
        own = np.linalg.slogdet(scaled[:, columns].T @ scaled[:, columns])[1]
        part = root[list(columns)]
        found.append(np.exp(own + np.linalg.slogdet(part @ part.T)[1]))
    return np.array(found)
