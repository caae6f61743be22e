"""Row-level answers of a GLM: what a block gives."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, linear_predictor, prior_weights, total_offset
from statsmodels_ooc.engine import RowFunction
from statsmodels_ooc.families.inverse_links import Mean
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.axes import Axes


@dataclass(frozen=True)
class Extra:
    """What goes with the rows in some role, (b,); ones where nothing does."""

    role: str

    def __call__(self, block: Block) -> FloatArray:
        values = getattr(block.extras, self.role)
        return np.ones(len(block.endog)) if values is None else values


@dataclass(frozen=True)
class PriorWeights:
    """``freq_weights * var_weights``, (b,)."""

    def __call__(self, block: Block) -> FloatArray:
        product = prior_weights(block, ("freq_weights", "var_weights"))
        return np.ones(len(block.endog)) if product is None else product


@dataclass(frozen=True)
class Shift:
    """What is added to the linear predictors: offset and logarithm of the exposure, (b,)."""

    def __call__(self, block: Block) -> FloatArray:
        offset = total_offset(block)
        return np.zeros(len(block.endog)) if offset is None else offset


@dataclass(frozen=True)
class GLMRow:
    """One of `KINDS` at given parameters, (b,) or (b, k).

    Attributes
    ----------
    kind : str
        Which.
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,)
        The parameters.
    scale : float
        The scale, where it matters.
    """

    kind: str
    kernel: Kernel
    beta: FloatArray
    scale: float = 1.0

    def __call__(self, block: Block) -> FloatArray:
        return KINDS[self.kind](self, block)

    def eta(self, block: Block) -> FloatArray:
        return linear_predictor(block, self.beta)

    def mu(self, block: Block) -> FloatArray:
        return self.kernel.mean(self.eta(block)).mu

    def family(self, block: Block) -> Any:
        """The family with the numbers of trials of these rows."""
        family = copy.copy(self.kernel.family)
        if block.extras.trials is not None:
            family.n = block.extras.trials
        return family


@dataclass(frozen=True)
class InformationAxes:
    """In which leverages are measured: ``h = w g'inverse g`` of rows ``g = root.T x``.

    Attributes
    ----------
    axes : Axes
        With a root of about the inverse of the information, (k, r).
    inverse : ndarray, (r, r)
        The inverse of the information of the rows g.
    observed : bool
        Whether it is the observed information, or the expected.
    """

    axes: Axes
    inverse: FloatArray
    observed: bool

    def weights(self, kernel: Kernel, block: Block, eta: FloatArray, mean: Mean) -> FloatArray:
        """What rows have of the information at scale one, w, (b,)."""
        of_row = kernel.working(block.endog, eta, mean)[0]
        if self.observed:
            of_row = kernel.observed(block.endog, eta, mean)
        return _weighted(of_row, block)


@dataclass(frozen=True)
class Leverage:
    """The diagonal of the hat matrix, (b,).

    Attributes
    ----------
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,)
        The parameters.
    axes : InformationAxes
        In which it is measured.
    """

    kernel: Kernel
    beta: FloatArray
    axes: InformationAxes

    def __call__(self, block: Block) -> FloatArray:
        eta = linear_predictor(block, self.beta)
        g = self.axes.axes.rows(block)
        weights = self.axes.weights(self.kernel, block, eta, self.kernel.mean(eta))
        leverage: FloatArray = weights * (np.dot(g, self.axes.inverse) * g).sum(axis=1)
        return leverage


def _ones(block: Block, role: str) -> FloatArray:
    return Extra(role)(block)


def _resid_response(row: GLMRow, block: Block) -> FloatArray:
    return _ones(block, "trials") * (block.endog - row.mu(block))


def _resid_pearson(row: GLMRow, block: Block) -> FloatArray:
    mean = row.kernel.mean(row.eta(block))
    weights = _ones(block, "trials") * _ones(block, "var_weights")
    return np.sqrt(weights) * (block.endog - mean.mu) / np.sqrt(mean.variance)


def _resid_working(row: GLMRow, block: Block) -> FloatArray:
    mean = row.kernel.mean(row.eta(block))
    trials = _ones(block, "trials")
    return trials * trials * (block.endog - mean.mu) / mean.slope


def _resid_deviance(row: GLMRow, block: Block) -> FloatArray:
    var = _ones(block, "var_weights")
    resid: FloatArray = row.family(block).resid_dev(block.endog, row.mu(block), var, 1.0)
    return resid


def _resid_anscombe(row: GLMRow, block: Block) -> FloatArray:
    var = _ones(block, "var_weights")
    resid: FloatArray = row.family(block).resid_anscombe(
        block.endog, row.mu(block), var_weights=var, scale=row.scale
    )
    return resid


def _score_factor(row: GLMRow, block: Block) -> FloatArray:
    eta = row.eta(block)
    _, score = row.kernel.working(block.endog, eta, row.kernel.mean(eta))
    return _weighted(score, block) / row.scale


def _information(row: GLMRow, block: Block) -> FloatArray:
    eta = row.eta(block)
    weight, _ = row.kernel.working(block.endog, eta, row.kernel.mean(eta))
    return _weighted(weight, block) / row.scale


def _observed_information(row: GLMRow, block: Block) -> FloatArray:
    eta = row.eta(block)
    factor = row.kernel.observed(block.endog, eta, row.kernel.mean(eta))
    return _weighted(factor, block) / row.scale


def _weighted(values: FloatArray, block: Block) -> FloatArray:
    a = prior_weights(block)
    return values if a is None else values * a


def _score_obs(row: GLMRow, block: Block) -> FloatArray:
    return block.dense() * _score_factor(row, block)[:, None]


def _mean_dparams(row: GLMRow, block: Block) -> FloatArray:
    return block.dense() * row.kernel.mean(row.eta(block)).slope[:, None]


def _score_dendog(row: GLMRow, block: Block) -> FloatArray:
    mean = row.kernel.mean(row.eta(block))
    factor = _weighted(mean.slope / mean.variance, block) / row.scale
    return block.dense() * factor[:, None]


def _variance(row: GLMRow, block: Block) -> FloatArray:
    return row.kernel.mean(row.eta(block)).variance


def _null(row: GLMRow, block: Block) -> FloatArray:
    eta = np.full(len(block.endog), row.beta[0])
    offset = total_offset(block)
    if offset is not None:
        eta += offset
    return row.kernel.mean(eta).mu


KINDS: dict[str, Callable[[GLMRow, Block], FloatArray]] = {
    "linear": GLMRow.eta,
    "mean": GLMRow.mu,
    "null": _null,
    "var_unscaled": _variance,
    "resid_response": _resid_response,
    "resid_pearson": _resid_pearson,
    "resid_working": _resid_working,
    "resid_deviance": _resid_deviance,
    "resid_anscombe": _resid_anscombe,
    "score_factor": _score_factor,
    "score_obs": _score_obs,
    "information": _information,
    "observed_information": _observed_information,
    "mean_dparams": _mean_dparams,
    "score_dendog": _score_dendog,
}


def glm_row(
    kernel: Kernel, kind: str, params: Any, scale: float = 1.0, width: int | None = None
) -> RowFunction:
    """A `GLMRow` of a kind at some parameters, (k,), as a question to every row."""
    return RowFunction(GLMRow(kind, kernel, np.asarray(params, dtype=np.float64), scale), width)
