"""Robust covariances: one registry of meats, the bread comes from the fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.reductions.glm_meat import ScoreMeatState
from statsmodels_ooc.reductions.sandwich import WhiteMeatState

__all__ = ["AVAILABLE", "MEATS", "refuse_unavailable", "robust", "sandwich"]

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


def sandwich(root: FloatArray, meat: FloatArray) -> FloatArray:
    """``root @ meat @ root.T``, symmetric to the last bit, (k, k)."""
    product = root @ meat @ root.T
    return (product + product.T) / 2


def robust(root: FloatArray, sums: ScoreMeatState) -> FloatArray:
    """Robust covariance of a GLM at scale one, (k, k), from sums of the rows ``root.T x``."""
    bread = root @ np.linalg.inv(sums.observed)
    return sandwich(bread, sums.meat)


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
