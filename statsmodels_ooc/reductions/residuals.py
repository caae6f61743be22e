"""Moments and serial dependence of the residuals, in row order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Reduction


@dataclass(slots=True)
class ResidualMomentsState:
    """Central moments and squared steps of the whitened residuals so far, of n rows."""

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0  # sums of the second to fourth powers of the deviations from the mean
    m3: float = 0.0
    m4: float = 0.0
    steps: float = 0.0  # sum of (e_t - e_{t-1})**2 over neighbouring rows
    first: float = np.nan  # the residuals at both ends, for the step across a merge
    last: float = np.nan


@dataclass(frozen=True)
class ResidualMoments(Reduction[ResidualMomentsState]):
    """Fold ``sqrt(w) * (y - X beta)`` into what the residual tests need.

    References
    ----------
    Pébay (2008). Formulas for robust, one-pass parallel computation of covariances
    and arbitrary-order statistical moments. Sandia report SAND2008-6212, section 2.
    """

    beta: FloatArray  # (k,)

    def init(self) -> ResidualMomentsState:
        return ResidualMomentsState()

    def update(self, state: ResidualMomentsState, block: Block) -> ResidualMomentsState:
        b = len(block.endog)
        if b == 0:
            return state
        e = block.endog - block.matvec(self.beta)
        if block.weights is not None:
            e *= np.sqrt(block.weights)
        mean = float(e.mean())
        d = e - mean
        d2 = d * d
        step = np.diff(e)
        piece = ResidualMomentsState(
            n=b,
            mean=mean,
            m2=float(d2.sum()),
            m3=float(d2 @ d),
            m4=float(d2 @ d2),
            steps=float(step @ step),
            first=float(e[0]),
            last=float(e[-1]),
        )
        return self.merge(state, piece)

    def merge(
        self, left: ResidualMomentsState, right: ResidualMomentsState
    ) -> ResidualMomentsState:
        if right.n == 0:
            return left
        if left.n == 0:
            return right
        na, nb = left.n, right.n
        n = na + nb
        delta = right.mean - left.mean
        between = delta * delta * na * nb / n
        m3 = left.m3 + right.m3 + delta * between * (na - nb) / n
        m3 += 3 * delta * (na * right.m2 - nb * left.m2) / n
        m4 = left.m4 + right.m4
        m4 += delta * delta * between * (na * na - na * nb + nb * nb) / (n * n)
        m4 += 6 * delta * delta * (na * na * right.m2 + nb * nb * left.m2) / (n * n)
        m4 += 4 * delta * (na * right.m3 - nb * left.m3) / n
        return ResidualMomentsState(
            n=n,
            mean=left.mean + delta * nb / n,
            m2=left.m2 + right.m2 + between,
            m3=m3,
            m4=m4,
            steps=left.steps + right.steps + (right.first - left.last) ** 2,
            first=left.first,
            last=right.last,
        )
