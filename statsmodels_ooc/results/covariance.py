"""Robust covariances: one registry of meats, the bread comes from the fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.sandwich import WhiteMeatState

__all__ = ["AVAILABLE", "MEATS", "inverse_on", "refuse_unavailable", "sandwich"]

Meat = Callable[[WhiteMeatState, float, float], FloatArray]  # state, n, df_resid

MEATS: dict[str, Meat] = {
    "HC0": lambda state, n, df: state.hc0,
    "HC1": lambda state, n, df: state.hc0 * (n / df),
    "HC2": lambda state, n, df: state.hc2,
    "HC3": lambda state, n, df: state.hc3,
}
AVAILABLE = ("nonrobust", "fixed scale", *MEATS)
_NOT_BUILT = {
    "hac",
    "cluster",
    "cluster-jk",
    "cluster-crv3",
    "hac-panel",
    "nw-panel",
    "hac-groupsum",
    "nw-groupsum",
}


def sandwich(bread: FloatArray, meat: FloatArray) -> FloatArray:
    """``bread @ meat @ bread``, symmetric to the last bit, (k, k)."""
    product = bread @ meat @ bread
    return (product + product.T) / 2


def inverse_on(root: FloatArray, matrix: FloatArray) -> FloatArray:
    """The inverse of a symmetric matrix on what the columns of a root span, (k, k).

    Parameters
    ----------
    root : ndarray, (k, rank)
        A root of the covariance of the parameters: it spans the rows of the design.
    matrix : ndarray, (k, k)
        An information, or a covariance of scores. A short rank makes it singular, but
        not on the rows of the design.
    """
    inverse: FloatArray = root @ np.linalg.inv(root.T @ matrix @ root) @ root.T
    return inverse


def refuse_unavailable(cov_type: str, available: Sequence[str] = AVAILABLE) -> None:
    """Raise for covariance types that are not folded here, or that nobody knows.

    Raises
    ------
    NotImplementedError
        Statsmodels has it, but its sums over groups or lags are missing here.
    ValueError
        There is no such covariance.
    """
    name = cov_type.lower().replace("_", "-").replace(" ", "-")
    if name in {known.lower().replace(" ", "-") for known in available}:
        return
    listed = ", ".join(available)
    if name in _NOT_BUILT:
        raise NotImplementedError(
            f"cov_type={cov_type!r} is not available out of memory: its sums over groups or lags "
            f"are missing; available are {listed}"
        )
    raise ValueError(f"cov_type {cov_type!r} not recognized; available are {listed}")
