"""Models of some columns, or of a span of them, from the factor of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.reductions.least_squares import triangularize
from statsmodels_ooc.solvers.dependence import above_noise, lengths, noise
from statsmodels_ooc.solvers.least_squares import LinearFit


class Seen(NamedTuple):
    """What rows tell of other columns than those that were folded."""

    r: FloatArray  # of sqrt(w) * [1 | X | y], (q + 2, q + 2)
    low: FloatArray  # what the columns lie between, (q,) each: equal for constant ones alone
    high: FloatArray


def seen_through(
    r: FloatArray, rows: int, low: FloatArray, high: FloatArray, span: FloatArray
) -> Seen:
    """What n rows tell of combinations of their columns.

    Parameters
    ----------
    r : ndarray, (k + 2, k + 2)
        Upper triangular factor of ``sqrt(w) * [1 | X | y]``.
    rows : int
        How many rows went into it.
    low, high : ndarray, (k,)
        Extremes of the columns of X.
    span : ndarray, (k, q)
        The other columns are ``X @ span``.

    Notes
    -----
    ``[1 | X span | y]`` has the cross products of R with its columns combined alike. What a
    combination varies by less than rounding, it does not vary.
    """
    combined = np.column_stack((r[:, 0], r[:, 1:-1] @ span, r[:, -1]))
    inner, sizes = combined[:, 1:-1], np.linalg.norm(r[:, 1:-1], axis=0) @ np.abs(span)
    spread = np.linalg.norm(inner[1:], axis=0)
    mixed = np.count_nonzero(span, axis=0) > 1
    constant = mixed & (spread <= noise(rows, len(span)) * sizes)
    inner[1:, constant] = 0.0
    ends = (
        np.where(span > 0, low[:, None], high[:, None]),
        np.where(span > 0, high[:, None], low[:, None]),
    )
    bottom, top = (np.sum(span * end, axis=0) for end in ends)
    if constant.any():
        values = inner[0, constant] / r[0, 0]
        whole = np.round(values)
        values = np.where(np.abs(values - whole) <= 1e-9, whole, values)
        inner[0, constant] = r[0, 0] * values
        bottom[constant] = top[constant] = values
    return Seen(triangularize(combined), bottom, top)


class Gain(NamedTuple):
    """What columns add to a model: the fall of the residual sum of squares, the rise of rank."""

    sum_sq: float
    df: int


def gain(fit: LinearFit, base: Sequence[int], added: Sequence[int]) -> Gain:
    """What some columns add to the model of others.

    Parameters
    ----------
    fit : LinearFit
        Of all columns; the rank may be short.
    base, added : sequence of int
        Columns that the smaller model has, and those that the larger one has besides.

    Notes
    -----
    With ``P`` the projection on the span of some columns of R, the residual sums of
    squares differ by ``|(P_larger - P_base) Q'y|**2``. The difference of the projections
    is one itself, of the rank ``df``; projecting loses no digits to large sums of squares
    that cancel. Ranks are counted on columns of one length, like those of the whole
    design: singular values within the noise of the fold are zero.
    """
    small = _span(fit.r_exog[:, list(base)], fit.rows)
    large = _span(fit.r_exog[:, [*base, *added]], fit.rows)
    df = max(large.shape[1] - small.shape[1], 0)
    if df == 0:
        return Gain(0.0, 0)
    beyond = large - small @ (small.T @ large)
    directions = np.linalg.svd(beyond, full_matrices=False)[0][:, :df]
    return Gain(float(np.square(directions.T @ fit.effects).sum()), df)


def _span(columns: FloatArray, rows: int) -> FloatArray:
    """An orthonormal basis of what the columns span, (m, rank)."""
    u, s, _ = np.linalg.svd(columns / lengths(columns), full_matrices=False)
    basis: FloatArray = u[:, : above_noise(s, rows)]
    return basis


@dataclass(frozen=True)
class Spanned:
    """What the design determines of parameters ``T z``, for a span T of q columns.

    The root, (k, rank), is one of the normalised covariance of the parameters, the shortest ones
    where several have the same fitted values.
    """

    root: FloatArray
    null: FloatArray  # orthonormal, (k, q - rank): directions that no fitted value depends on

    @property
    def rank(self) -> int:
        """How many directions of the span the design determines."""
        return int(self.root.shape[1])

    def shortest(self, params: FloatArray) -> FloatArray:
        """Of the parameters with these fitted values those of minimum norm, (k,)."""
        return params - self.null @ (self.null.T @ params)


def spanned(fit: LinearFit, span: FloatArray) -> Spanned:
    """What a design determines of parameters in the span of q independent columns, (k, q).

    Its rank is that of columns of one length.
    """
    factor = triangularize(fit.r_exog @ span)
    sizes = lengths(factor)
    _, values, vt = np.linalg.svd(factor / sizes)
    rank = above_noise(values, fit.rows)
    turned = span @ (vt.T / sizes[:, None])
    null, _ = np.linalg.qr(turned[:, rank:])
    root = turned[:, :rank] / values[:rank]
    return Spanned(root - null @ (null.T @ root), null)
