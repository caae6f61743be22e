"""What the fit of a generalised linear model has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.solvers.point import Point, ScaleRule
from statsmodels_ooc.solvers.separation import Separation


@dataclass(frozen=True)
class GLMFit:
    """One fit of k parameters, and how it came about.

    Attributes
    ----------
    params : ndarray, (k,)
        The parameters.
    point : Point
        What the last pass found, at the parameters or a step before them.
    root : ndarray, (k, r)
        A root of the covariance of the parameters at scale one, whose columns span what
        the parameters may differ by.
    cov : ndarray, (k, k), or None
        That covariance; None where it is not known.
    scale, rule : float, ScaleRule
        The scale, and how it came about.
    df_model, df_resid : number
        Degrees of freedom.
    method : str
        "IRLS", or the name of another optimizer.
    history : mapping
        As statsmodels' ``fit_history``.
    converged : bool or None
        Whether the iterations did; None where nobody knows.
    score_norm : float
        The length of the step that is left, in standard errors.
    separation : Separation or None
        The proof that the parameters grow without a limit.
    compress : bool
        Whether rows that repeat might be folded into distinct ones.
    constrained : int
        How many parameters constraints or a penalty have taken.
    attributes : mapping
        What else statsmodels sets on results, by name.
    """

    params: FloatArray
    point: Point
    root: FloatArray
    cov: FloatArray | None
    scale: float
    rule: ScaleRule
    df_model: Any
    df_resid: Any
    method: str
    history: Mapping[str, Any]
    converged: bool | None
    score_norm: float = np.nan
    separation: Separation | None = None
    compress: bool = True
    constrained: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
