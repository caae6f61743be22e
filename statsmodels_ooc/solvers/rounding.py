"""How far rounding may have moved the columns of a triangular factor."""

from __future__ import annotations

import numpy as np

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.solvers.least_squares import LinearFit, noise

__all__ = ["column_rounding"]

_EPS = float(np.finfo(np.float64).eps)


def column_rounding(fit: LinearFit, rows: int) -> FloatArray:
    """How far rounding may have moved the columns of R, (k,).

    Parameters
    ----------
    fit : LinearFit
        Of k columns.
    rows : int
        How many rows went into it.

    Notes
    -----
    A fold moves each column in proportion to its own length. Where the rank is short,
    singular vectors stand in for the triangle, and they mix columns of all lengths.
    """
    k = len(fit.params)
    moved: FloatArray = noise(rows, k) * np.linalg.norm(fit.r_exog, axis=0)
    if fit.rank < k:
        moved = np.maximum(moved, k * _EPS * fit.singular_values.max(initial=0.0))
    return moved
