"""Means and centred cross products of ``[X | y]``: the shifted Gram matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.reductions.base import BlockLike, FloatArray

__all__ = ["Moments", "MomentsState"]


@dataclass(slots=True)
class MomentsState:
    """First and second moments of the rows seen so far.

    Attributes
    ----------
    total : float
        Sum of the weights; the number of rows where there are none.
    mean : ndarray, (k + 1,)
        Weighted means of the columns of ``[X | y]``.
    comoment : ndarray, (k + 1, k + 1)
        Weighted sum of ``(z - mean)(z - mean)'`` over the rows z of ``[X | y]``.
    """

    total: float
    mean: FloatArray
    comoment: FloatArray


@dataclass(frozen=True)
class Moments:
    """Fold ``[X | y]`` into means and centred cross products.

    Every block is shifted to the mean of its own rows before it is multiplied, so
    that large means cost no digits.

    Parameters
    ----------
    k : int
        The number of columns of the design.

    References
    ----------
    Chan, Golub, LeVeque (1983). Algorithms for computing the sample variance.
    The American Statistician 37, 242-247, equation (2.1).
    """

    k: int

    def init(self) -> MomentsState:
        q = self.k + 1
        return MomentsState(0.0, np.zeros(q), np.zeros((q, q)))

    def update(self, state: MomentsState, block: BlockLike) -> MomentsState:
        b = len(block.endog)
        if b == 0:
            return state
        design, weights = block.dense(), block.weights
        total = float(b) if weights is None else float(weights.sum())
        z = np.empty((b, self.k + 1), order="F")
        with np.errstate(invalid="ignore"):  # infinities: the row audit names them
            mean = _means(design, block.endog, weights, total)
            np.subtract(design, mean[:-1], out=z[:, :-1])
            np.subtract(block.endog, mean[-1], out=z[:, -1])
            if weights is not None:
                z *= np.sqrt(weights)[:, None]
            comoment = z.T @ z
        return self.merge(state, MomentsState(total, mean, comoment))

    def merge(self, left: MomentsState, right: MomentsState) -> MomentsState:
        if right.total == 0:
            return left
        if left.total == 0:
            return right
        total = left.total + right.total
        with np.errstate(invalid="ignore"):
            delta = right.mean - left.mean
            mean = left.mean + delta * (right.total / total)
            comoment = left.comoment + right.comoment
            comoment += np.outer(delta, delta * (left.total * right.total / total))
        return MomentsState(total, mean, comoment)


def _means(
    design: FloatArray, endog: FloatArray, weights: FloatArray | None, total: float
) -> FloatArray:
    """Weighted means of the columns of ``[X | y]``, (k + 1,); where no weight is left, row 0."""
    if weights is None:
        return np.append(design.mean(axis=0), endog.mean())
    if total > 0:
        return np.append(weights @ design, weights @ endog) / total
    return np.append(design[0], endog[0])
