"""How far rounding may have moved the columns of a triangular factor."""

from __future__ import annotations

import numpy as np

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.solvers.dependence import noise
from statsmodels_ooc.solvers.least_squares import LinearFit

__all__ = ["column_rounding"]


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
    A fold moves each column in proportion to its own length.
    """
    moved: FloatArray = noise(rows, len(fit.params)) * np.linalg.norm(fit.r_exog, axis=0)
    return moved
