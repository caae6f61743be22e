"""Row-level answers: what a block gives, one function an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, row_weights
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.leverage import LeverageOne


@dataclass(frozen=True)
class Design:
    """The design, (b, k), times the root of the weights if whitened."""

    whitened: bool = False

    def __call__(self, block: Block) -> FloatArray:
        return _whiten(block, block.dense()) if self.whitened else block.dense()


@dataclass(frozen=True)
class Response:
    """The response, (b,), times the root of the weights if whitened."""

    whitened: bool = False

    def __call__(self, block: Block) -> FloatArray:
        return _whiten(block, block.endog) if self.whitened else block.endog


@dataclass(frozen=True)
class Weights:
    """The weights, (b,)."""

    def __call__(self, block: Block) -> FloatArray:
        return row_weights(block)


@dataclass(frozen=True)
class Fitted:
    """``X params``, (b,)."""

    params: Any

    def __call__(self, block: Block) -> FloatArray:
        return block.matvec(np.asarray(self.params, dtype=np.float64))


@dataclass(frozen=True)
class Residuals:
    """``y - X params``, (b,), times the root of the weights if whitened."""

    params: Any
    whitened: bool = False
    divisor: float = 1.0

    def __call__(self, block: Block) -> FloatArray:
        resid = block.endog - block.matvec(np.asarray(self.params, dtype=np.float64))
        return (_whiten(block, resid) if self.whitened else resid) / self.divisor


@dataclass(frozen=True)
class HetScale:
    """``factor * w e**2 / (1 - h)**power``, (b,), which the meats of HC0 to HC3 sum.

    Attributes
    ----------
    params : ndarray, (k,)
        The parameters.
    axes : Axes
        With a root of the normalised covariance, (k, r).
    factor : float
        1, or ``n / df_resid`` of HC1.
    power : int
        0 of HC0 and HC1, 1 of HC2, 2 of HC3, which have NaN for rows of leverage one.
    ones : LeverageOne
        What tells such rows.
    """

    params: FloatArray
    axes: Axes
    factor: float
    power: int
    ones: LeverageOne

    def __call__(self, block: Block) -> FloatArray:
        e = _whiten(block, block.endog - self.axes.fitted(block, self.params))
        squares: FloatArray = self.factor * e**2
        if self.power == 0:
            return squares
        g = _whiten(block, self.axes.rows(block))
        h = np.square(g).sum(axis=1)
        squares[self.ones.among(g, h)] = np.nan
        return np.asarray(squares / (1 - h) ** self.power)


@dataclass(frozen=True)
class Whitened:
    """Values beside the rows, (b,) or (b, q), times the root of the weights."""

    name: str

    def __call__(self, block: Block) -> FloatArray:
        return _whiten(block, np.asarray(block.extras.beside[self.name], dtype=np.float64))


def _whiten(block: Block, rows: FloatArray) -> FloatArray:
    if block.weights is None:
        return rows
    root = np.sqrt(block.weights)
    return rows * (root[:, None] if rows.ndim == 2 else root)
