"""Meats of the heteroscedasticity-robust covariances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.reductions.base import BlockLike, FloatArray

__all__ = ["WhiteMeat", "WhiteMeatState"]


@dataclass(slots=True)
class WhiteMeatState:
    """Sums over the rows so far, each (k, k).

    Attributes
    ----------
    hc0, hc2, hc3 : ndarray, (k, k)
        Sum of ``w x x' e**2 / (1 - h)**d`` for d = 0, 1, 2.
    """

    hc0: FloatArray
    hc2: FloatArray
    hc3: FloatArray


@dataclass(frozen=True)
class WhiteMeat:
    """Fold the squared scores into the meats of HC0, HC2 and HC3.

    With whitened rows x and residuals e, the leverage is ``h = x' N x`` for the
    normalised covariance ``N = R^-1 R^-T``, that is ``h = |R^-T x|**2``.

    Parameters
    ----------
    beta : ndarray, (k,)
        The parameters.
    root : ndarray, (k, r)
        A root of the normalised covariance, ``root @ root.T``.

    References
    ----------
    MacKinnon, White (1985). Some heteroskedasticity-consistent covariance matrix
    estimators with improved finite sample properties. J. Econometrics 29, 305-325.
    """

    beta: FloatArray
    root: FloatArray

    def init(self) -> WhiteMeatState:
        k = len(self.beta)
        return WhiteMeatState(np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k)))

    def update(self, state: WhiteMeatState, block: BlockLike) -> WhiteMeatState:
        if len(block.endog) == 0:
            return state
        e = block.endog - block.matvec(self.beta)
        w = np.ones_like(e) if block.weights is None else block.weights
        h = np.square(np.dot(block.dense(), self.root)).sum(axis=1) * w
        # Whitening gives x'x and e**2 one w each.
        squares = (w * e) ** 2
        state.hc0 += block.sandwich(squares)
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = squares / (1 - h)
            state.hc2 += block.sandwich(squares)
            state.hc3 += block.sandwich(squares / (1 - h))
        return state

    def merge(self, left: WhiteMeatState, right: WhiteMeatState) -> WhiteMeatState:
        return WhiteMeatState(left.hc0 + right.hc0, left.hc2 + right.hc2, left.hc3 + right.hc3)
