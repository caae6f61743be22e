"""Whether a design holds a constant."""

from __future__ import annotations

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.reductions.facts import RowFactsState
from statsmodels_ooc.solvers.dependence import scaled_rank

__all__ = ["find_constant"]


def find_constant(
    facts: RowFactsState, r: FloatArray, hasconst: bool | None
) -> tuple[int, int | None]:
    """Whether the design holds a constant, and in which column.

    The rules of statsmodels' ``ModelData._handle_constant``: of several constant
    columns the first column of ones, else the first that is not zero; without one,
    an implicit constant where a column of ones does not raise the rank.

    Parameters
    ----------
    facts : RowFactsState
        Extremes of the k columns.
    r : ndarray, (k + 2, k + 2)
        Triangular factor of ``sqrt(w) * [1 | X | y]``.
    hasconst : bool or None
        The user's word, None to find out.

    Returns
    -------
    k_constant : int
        0 or 1.
    const_idx : int or None
        The column of an explicit constant.
    """
    if hasconst is False:
        return 0, None
    low, high = facts.low[:-1], facts.high[:-1]
    constant = np.flatnonzero(low == high)
    values = low[constant]
    ones = constant[values == 1]
    if len(constant) > 1 and len(ones):
        return 1, int(ones[0])
    if (values != 0).any():
        return 1, int(constant[values != 0][0])
    if hasconst:
        return 1, None
    return int(_implicit_constant(r[:, :-1], facts.rows)), None


def _implicit_constant(r: FloatArray, n: int) -> bool:
    """Whether ``rank([1 | X]) == rank(X)``."""
    # Statsmodels counts singular values above ``max * n * eps``, which calls any design
    # with one huge column over many rows constant.
    return scaled_rank(r, n) == scaled_rank(r[:, 1:], n)
