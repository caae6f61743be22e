"""Cumulated residuals and scores, in row order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.base import Reduction


@dataclass(slots=True)
class CusumState:
    """Of the residuals so far: their sum, and the extremes of the sums of the first ones."""

    total: float = 0.0
    highest: float = -np.inf
    lowest: float = np.inf
    squares: float = 0.0


@dataclass(frozen=True)
class Cusum(Reduction[CusumState]):
    """Fold ``y - X beta`` into the extremes of its cumulative sums."""

    beta: FloatArray  # (k,)

    def init(self) -> CusumState:
        return CusumState()

    def update(self, state: CusumState, block: Block) -> CusumState:
        if len(block.endog) == 0:
            return state
        e = block.endog - block.matvec(self.beta)
        sums = e.cumsum()
        piece = CusumState(float(sums[-1]), float(sums.max()), float(sums.min()), float(e @ e))
        return self.merge(state, piece)

    def merge(self, left: CusumState, right: CusumState) -> CusumState:
        return CusumState(
            left.total + right.total,
            max(left.highest, left.total + right.highest),
            min(left.lowest, left.total + right.lowest),
            left.squares + right.squares,
        )


@dataclass(slots=True)
class CumulatedScoresState:
    """Of n rows f so far, (r + 1,): sums of f, of f f', and of the cumulated S and S S'."""

    n: int
    total: FloatArray
    products: FloatArray
    paths: FloatArray
    squares: FloatArray


@dataclass(frozen=True)
class CumulatedScores(Reduction[CumulatedScoresState]):
    r"""Fold the scores of a linear model and of its variance into sums of their paths.

    Parameters
    ----------
    beta : ndarray, (k,)
        The parameters.
    axes : Axes
        In which the rows of the design are measured: :math:`g_t`, (r,).
    variance : float
        The mean of the squared residuals.

    Notes
    -----
    :math:`f_t = (g_t w_t e_t, w_t e_t^2 - s^2)`, :math:`S_t = \sum_{i \le t} f_i`. What comes after
    S of n rows starts there: :math:`\sum (S + S_t)(S + S_t)'` follows from :math:`\sum S_t` and
    :math:`\sum S_t S_t'`.
    """

    beta: FloatArray
    axes: Axes
    variance: float

    def init(self) -> CumulatedScoresState:
        p = self.axes.root.shape[1] + 1
        return CumulatedScoresState(0, np.zeros(p), np.zeros((p, p)), np.zeros(p), np.zeros((p, p)))

    def update(self, state: CumulatedScoresState, block: Block) -> CumulatedScoresState:
        if len(block.endog) == 0:
            return state
        e = block.endog - self.axes.fitted(block, self.beta)
        scores = e if block.weights is None else e * block.weights
        rows = np.column_stack(
            (self.axes.rows(block) * scores[:, None], scores * e - self.variance)
        )
        paths = rows.cumsum(axis=0)
        piece = CumulatedScoresState(
            len(e), paths[-1].copy(), rows.T @ rows, paths.sum(axis=0), paths.T @ paths
        )
        return self.merge(state, piece)

    def merge(
        self, left: CumulatedScoresState, right: CumulatedScoresState
    ) -> CumulatedScoresState:
        across = np.outer(left.total, right.paths)
        start = right.n * np.outer(left.total, left.total)
        return CumulatedScoresState(
            left.n + right.n,
            left.total + right.total,
            left.products + right.products,
            left.paths + right.n * left.total + right.paths,
            left.squares + right.squares + across + across.T + start,
        )

    def nbytes(self) -> int:
        p = int(self.axes.root.shape[1]) + 1
        return 8 * 2 * p * (p + 1)
