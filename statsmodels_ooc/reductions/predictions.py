"""The mean of predictions over rows, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Additive

SHIFTS = ("offset", "exposure")
"""What may be added to the linear predictor of a row, the exposure by its logarithm."""


def prediction(kernel: Kernel | None, which: str, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A prediction and its derivative in the linear predictor, (b,) each.

    Parameters
    ----------
    kernel : Kernel or None
        The family and its link; None for linear models.
    which : {"mean", "linear", "var_unscaled"}
        What is predicted: the mean mu, the linear predictor eta, or V(mu).
    eta : ndarray, (b,)
        The linear predictor.
    """
    if kernel is None or which == "linear":
        return eta, np.ones_like(eta)
    mean = kernel.mean(eta)
    if which == "mean":
        return mean.mu, mean.slope
    return mean.variance, _variance_slope(kernel, mean.mu) * mean.slope


def _variance_slope(kernel: Kernel, mu: FloatArray) -> FloatArray:
    """``dV/dmu``, (b,); from differences where the family's variance does not tell."""
    variance = kernel.family.variance
    if hasattr(variance, "deriv"):
        return np.asarray(variance.deriv(mu), dtype=np.float64)
    step = np.cbrt(np.finfo(np.float64).eps) * np.maximum(np.abs(mu), 1e-3)
    slope: FloatArray = (variance(mu + step) - variance(mu - step)) / (2 * step)
    return slope


@dataclass(slots=True)
class AveragePredictionState:
    """Sums over the rows so far, of predictions times weights, and of their gradients."""

    rows: int
    total: float
    gradient: FloatArray  # (k,)


@dataclass(frozen=True)
class AveragePrediction(Additive[AveragePredictionState]):
    """Fold predictions and their gradients in the parameters.

    Rows are weighted by ``agg_weights``, where these stand beside them.

    Parameters
    ----------
    kernel : Kernel or None
        The family and its link; None for linear models.
    beta : ndarray, (k,)
        The parameters.
    which : {"mean", "linear", "var_unscaled"}
        What is predicted.
    own : tuple of str
        Whether offset and exposure of the rows count, by name; what stands beside them does.
    shift : float
        What is added to the linear predictor of every row.
    """

    kernel: Kernel | None
    beta: FloatArray
    which: str = "mean"
    own: tuple[str, ...] = SHIFTS
    shift: float = 0.0

    def init(self) -> AveragePredictionState:
        return AveragePredictionState(0, 0.0, np.zeros(len(self.beta)))

    def update(self, state: AveragePredictionState, block: Block) -> AveragePredictionState:
        if len(block.endog) == 0:
            return state
        eta = shifted_predictor(block, self.beta, self.own, self.shift)
        value, slope = prediction(self.kernel, self.which, eta)
        weights = block.extras.beside.get("agg_weights")
        if weights is not None:
            weights = np.asarray(weights, dtype=np.float64)
            value, slope = value * weights, slope * weights
        state.rows += len(value)
        state.total += float(value.sum())
        state.gradient += block.design.rmatvec(slope)
        return state

    def nbytes(self) -> int:
        return 8 * len(self.beta)


def shifted_predictor(
    block: Block, beta: FloatArray, own: tuple[str, ...], shift: float
) -> FloatArray:
    """``X beta``, and what is added to it, (b,).

    Parameters
    ----------
    block : Block
        The rows.
    beta : ndarray, (k,)
        The parameters.
    own : tuple of str
        Which of offset and exposure of the rows are added. An ``offset`` beside them, and the
        logarithm of an ``exposure`` beside them, are added anyway.
    shift : float
        The same for all rows.
    """
    eta, beside = block.matvec(beta), block.extras.beside
    for role in own:
        values = getattr(block.extras, role)
        if values is not None:
            eta = eta + values
    if "offset" in beside:
        eta = eta + np.asarray(beside["offset"], dtype=np.float64)
    if "exposure" in beside:
        eta = eta + _log_exposure(block)
    return eta + shift if shift else eta


def _log_exposure(block: Block) -> FloatArray:
    """The logarithm of the exposure beside the rows of a block, (b,); NaN where it is missing."""
    exposure = np.asarray(block.extras.beside["exposure"], dtype=np.float64)
    bad = (exposure <= 0) | np.isinf(exposure)
    if bad.any():
        i = int(np.argmax(bad))
        raise DesignError(
            f"the exposure is {exposure[i]} at row {block.row(i)} of partition {block.partition}; "
            "exposures are > 0"
        )
    logarithm: FloatArray = np.log(exposure)
    return logarithm
