"""Row-level answers: what a block gives, one function an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block


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
        return np.ones(len(block.endog)) if block.weights is None else block.weights


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


def _whiten(block: Block, rows: FloatArray) -> FloatArray:
    if block.weights is None:
        return rows
    root = np.sqrt(block.weights)
    return rows * (root[:, None] if rows.ndim == 2 else root)
