"""Robust covariances: one registry of meats, the bread comes from the fit."""

from __future__ import annotations

from collections.abc import Callable

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.sandwich import WhiteMeatState

__all__ = ["AVAILABLE", "MEATS", "refuse_unavailable", "sandwich"]

Meat = Callable[[WhiteMeatState, float, float], FloatArray]  # state, n, df_resid

MEATS: dict[str, Meat] = {
    "HC0": lambda state, n, df: state.hc0,  # noqa: ARG005
    "HC1": lambda state, n, df: state.hc0 * (n / df),
    "HC2": lambda state, n, df: state.hc2,  # noqa: ARG005
    "HC3": lambda state, n, df: state.hc3,  # noqa: ARG005
}
AVAILABLE = ("nonrobust", "fixed scale", *MEATS)


def sandwich(bread: FloatArray, meat: FloatArray) -> FloatArray:
    """``bread @ meat @ bread``, symmetric to the last bit, (k, k)."""
    product = bread @ meat @ bread
    return (product + product.T) / 2


def refuse_unavailable(cov_type: str) -> None:
    """Raise for covariance types of statsmodels that need sums not yet folded here."""
    if cov_type.lower().replace("_", " ") not in {name.lower() for name in AVAILABLE}:
        raise NotImplementedError(
            f"cov_type={cov_type!r} is not available out of memory: its sums over groups or lags "
            f"are missing; available are {', '.join(AVAILABLE)}"
        )
