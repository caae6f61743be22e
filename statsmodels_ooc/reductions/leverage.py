"""Rows whose leverage is one: what rounding leaves of 1 - h, and what such rows determine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import BoolArray, FloatArray

_LOOK = 0.99  # leverage; only rows above it are looked at more closely, at most k / 0.99 of them
_MARGIN = 4.0  # of the rounding that is expected of 1 - h; the largest seen was 1.7
_SHARE = 1e-12  # of a coefficient's variance; a row that gives less does not determine it


@dataclass(frozen=True)
class LeverageOne:
    """Tell rows of leverage one, which determine a combination of the coefficients alone.

    Parameters
    ----------
    root : ndarray, (k, r)
        A root of the normalised covariance, ``(X'WX)^+ == root @ root.T``.
    rounding : ndarray, (k,)
        How far rounding may have moved the columns of the factor of ``sqrt(W) X``.
    tolerance : float
        What else ``1 - h`` may be off by.

    Notes
    -----
    Of whitened rows x, ``g = root.T x`` and the leverage is ``h = |g|**2``. Columns of the factor
    that are off by ``d_j`` move it by at most ``2 |g| sum_j d_j |u_j|``, where ``u = root g`` is
    the influence of the response on the coefficients. Where 1 - h is within a few times that,
    none of its digits is right.
    """

    root: FloatArray
    rounding: FloatArray
    tolerance: float = 0.0

    def near(self, leverage: FloatArray) -> NDArray[np.intp]:
        """The few rows that are looked at."""
        return np.flatnonzero(leverage > _LOOK)

    def among(self, g: FloatArray, leverage: FloatArray) -> BoolArray:
        """Which rows have leverage one, (b,), of g, (b, r), and their leverages, (b,)."""
        alone = np.zeros(len(g), dtype=np.bool_)
        near = self.near(leverage)
        if len(near):
            moved = np.dot(np.abs(np.dot(g[near], self.root.T)), self.rounding)
            expected = np.linalg.norm(g[near], axis=1) * moved + self.tolerance
            alone[near] = 1 - leverage[near] <= _MARGIN * expected
        return alone

    def determined(self, influence: FloatArray) -> BoolArray:
        """The coefficients that rows of influences u, (b, k), determine, if they are alone."""
        variances = np.square(self.root).sum(axis=1)
        determined: BoolArray = influence**2 > _SHARE * variances
        return determined
