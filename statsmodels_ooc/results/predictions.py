"""Predictions with their standard errors and intervals, of the data or of new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.predictions import (
    SHIFTS,
    prediction,
    shifted_predictor,
)

_PROBES = np.linspace(0, 1, 6)  # on which statsmodels tries whether a link is the identity


@dataclass(frozen=True)
class Predictor:
    """What is predicted of rows, and how sure that is.

    Attributes
    ----------
    params, cov : ndarray, (k,) and (k, k)
        The parameters and their covariance.
    kernel : Kernel or None
        The family and its link; None for linear models.
    which : {"mean", "linear", "var_unscaled"}
        What is predicted.
    noise : float
        The variance of a new observation about its mean, at weight one.
    weighted : bool
        Whether the weights of the rows divide it.
    own : tuple of str
        Which of offset and exposure of the rows count.
    shift : float
        What is added to the linear predictor of every row.

    Notes
    -----
    Of a row x with the linear predictor ``eta = x'b + offset`` the prediction is ``f(eta)``,
    and its variance by the delta method ``f'(eta)**2 x' cov x``.
    """

    params: FloatArray
    cov: FloatArray
    kernel: Kernel | None = None
    which: str = "mean"
    noise: float = np.nan
    weighted: bool = False
    own: tuple[str, ...] = SHIFTS
    shift: float = 0.0

    @property
    def by_endpoints(self) -> bool:
        """Whether intervals are those of the linear predictor, seen through the link."""
        return self.kernel is not None and self.which == "mean" and not self._is_identity

    @property
    def _is_identity(self) -> bool:
        assert self.kernel is not None
        with np.errstate(all="ignore"):
            return bool((self.kernel.family.link.inverse(_PROBES) == _PROBES).all())

    def of(self, block: Block) -> Predicted:
        """The predictions of the rows of a block."""
        return Predicted(self, block)


class Predicted:
    """Predictions of the b rows of a block and their variances, (b,) each, as they are asked for.

    Parameters
    ----------
    predictor : Predictor
        What is predicted.
    block : Block
        The rows.
    """

    def __init__(self, predictor: Predictor, block: Block) -> None:
        self._predictor, self._block = predictor, block

    @cached_property
    def linear(self) -> FloatArray:
        """The linear predictor."""
        p = self._predictor
        return shifted_predictor(self._block, p.params, p.own, p.shift)

    @cached_property
    def _value_and_slope(self) -> tuple[FloatArray, FloatArray]:
        return prediction(self._predictor.kernel, self._predictor.which, self.linear)

    @property
    def value(self) -> FloatArray:
        """The predictions."""
        return self._value_and_slope[0]

    @cached_property
    def linear_variance(self) -> FloatArray:
        """``x' cov x``."""
        x = self._block.dense()
        spread: FloatArray = (x * np.dot(x, self._predictor.cov)).sum(axis=1)
        return spread

    @property
    def variance(self) -> FloatArray:
        """The variances of the predictions."""
        return self._value_and_slope[1] ** 2 * self.linear_variance

    @property
    def noise(self) -> FloatArray:
        """The variances of new observations about their means."""
        noise = np.full(len(self.linear), self._predictor.noise)
        if not self._predictor.weighted:
            return noise
        weights = self._block.extras.beside.get("weights", self._block.weights)
        return noise if weights is None else noise / np.asarray(weights, dtype=np.float64)

    @property
    def se(self) -> FloatArray:
        """The standard errors of the predictions."""
        return np.sqrt(self.variance)

    @property
    def se_obs(self) -> FloatArray:
        """The standard errors of new observations."""
        return np.sqrt(self.variance + self.noise)


@dataclass(frozen=True)
class PredictedColumns:
    """Columns of predictions of a block's rows, (b, q), or (b,) for one name.

    Attributes
    ----------
    predictor : Predictor
        What is predicted.
    names : str or tuple of str
        Attributes of `Predicted`, or ends of intervals: ``lower``, ``upper``,
        ``lower_obs``, ``upper_obs``.
    quantile : float
        Half the width of intervals, in standard errors.
    method : {"endpoint", "delta"}
        How intervals of means are made.
    """

    predictor: Predictor
    names: str | tuple[str, ...]
    quantile: float = np.nan
    method: str = "endpoint"

    @property
    def dense(self) -> bool:
        """Whether it writes out the design: where it needs a variance."""
        names = (self.names,) if isinstance(self.names, str) else self.names
        return not set(names) <= {"value", "linear", "noise"}

    def __call__(self, block: Block) -> FloatArray:
        with np.errstate(invalid="ignore"):
            found = self.predictor.of(block)
            if isinstance(self.names, str):
                return self._column(found, self.names)
            return np.column_stack([self._column(found, name) for name in self.names])

    def _column(self, found: Predicted, name: str) -> FloatArray:
        sign = {"lower": -1.0, "upper": 1.0}.get(name.removesuffix("_obs"))
        if sign is None:
            column: FloatArray = getattr(found, name)
            return column
        reach = sign * self.quantile
        if name.endswith("_obs"):
            return found.value + reach * found.se_obs
        if self.method == "delta" or not self.predictor.by_endpoints:
            return found.value + reach * found.se
        end = found.linear + reach * np.sqrt(found.linear_variance)
        kernel = self.predictor.kernel
        return prediction(kernel, "mean", end)[0]


def quantile_of(results: Any, alpha: float) -> float:
    """The quantile that intervals of a level take, of Student's t or the normal distribution."""
    if results.use_t:
        return float(stats.t.ppf(1 - alpha / 2, results.df_resid))
    return float(stats.norm.ppf(1 - alpha / 2))
