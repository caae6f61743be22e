"""Marginal effects of a generalised linear model, and their Jacobian."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Additive


@dataclass(slots=True)
class ColumnFactsState:
    """What the columns of the rows so far were."""

    rows: int
    total: FloatArray  # sums of the columns, (k,)
    fractions: FloatArray  # how many values of each column are no whole numbers, (k,)

    @property
    def mean(self) -> FloatArray:
        """Means of the columns, (k,)."""
        return self.total / self.rows


@dataclass(frozen=True)
class ColumnFacts(Additive[ColumnFactsState]):
    """Fold the sums of the k columns of the design, and whether they hold whole numbers."""

    k: int

    def init(self) -> ColumnFactsState:
        return ColumnFactsState(0, np.zeros(self.k), np.zeros(self.k))

    def update(self, state: ColumnFactsState, block: Block) -> ColumnFactsState:
        x = block.dense()
        state.rows += len(x)
        state.total += x.sum(axis=0)
        state.fractions += (x % 1.0 != 0).sum(axis=0)
        return state


@dataclass(slots=True)
class MarginalEffectsState:
    """Sums over the rows so far.

    `slope` is of the derivatives of the mean in the predictor, times the column where its change
    is a relative one, and `curve` of the derivatives of that in the parameters. A row of `steps`
    is of the effect of a step of a column, and of its derivatives in the parameters.
    """

    rows: int
    slope: FloatArray  # (k,)
    curve: FloatArray  # (k, k)
    steps: FloatArray  # (s, k + 1)


@dataclass(frozen=True)
class MarginalEffects(Additive[MarginalEffectsState]):
    """Fold the marginal effects of the columns, and their derivatives in the parameters.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,)
        The parameters.
    method : {"dydx", "eyex", "dyex", "eydx"}
        Absolute or relative changes of the mean and of the columns.
    dummies : tuple of int
        Columns that may step from zero to one.
    counts : tuple of int
        Columns that may step by one to either side.
    fixed : mapping
        Columns that are held at a value.
    """

    kernel: Kernel
    beta: FloatArray
    method: str
    dummies: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    fixed: Mapping[int, float] = field(default_factory=dict)

    def init(self) -> MarginalEffectsState:
        k = len(self.beta)
        steps = len(self.dummies) + len(self.counts)
        return MarginalEffectsState(0, np.zeros(k), np.zeros((k, k)), np.zeros((steps, k + 1)))

    def update(self, state: MarginalEffectsState, block: Block) -> MarginalEffectsState:
        if len(block.endog) == 0:
            return state
        x = _held(block.dense(), self.fixed)
        eta = x @ self.beta
        state.rows += len(x)
        self._add_slopes(state, x, eta)
        columns = (*self.dummies, *self.counts)
        for i, column in enumerate(columns):
            state.steps[i] += self._step(x, eta, column, is_dummy=i < len(self.dummies))
        return state

    def _add_slopes(self, state: MarginalEffectsState, x: FloatArray, eta: FloatArray) -> None:
        slope, curve = self._derivatives(eta)
        if "ex" in self.method:
            state.slope += x.T @ slope
            state.curve += x.T @ (x * curve[:, None])
        else:
            state.slope += slope.sum()
            state.curve += x.T @ curve

    def _derivatives(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """First and second derivative of the mean, or of its logarithm, (b,) each."""
        mean = self.kernel.mean(eta)
        with np.errstate(divide="ignore", invalid="ignore"):
            bend = self.kernel.inverse.bend(eta)
            if "ey" not in self.method:
                return mean.slope, mean.slope * bend
            slope = mean.slope / mean.mu
            return slope, slope * (bend - slope)

    def _step(self, x: FloatArray, eta: FloatArray, column: int, is_dummy: bool) -> FloatArray:
        """The effect of a step of one column and its derivatives, (k + 1,)."""
        value, weight = x[:, column], self.beta[column]
        low, high, size = value - 1, value + 1, 2.0
        if is_dummy:
            low, high, size = np.zeros_like(value), np.ones_like(value), 1.0
        before, after = eta + (low - value) * weight, eta + (high - value) * weight
        slope0, slope1 = self._derivatives(before)[0], self._derivatives(after)[0]
        found = np.empty(len(self.beta) + 1)
        found[0] = (self._level(after) - self._level(before)).sum()
        found[1:] = x.T @ (slope1 - slope0)
        found[1 + column] = slope1 @ high - slope0 @ low
        return found / size

    def _level(self, eta: FloatArray) -> FloatArray:
        mu = self.kernel.mean(eta).mu
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(mu) if "ey" in self.method else mu

    def nbytes(self) -> int:
        return 8 * len(self.beta) * (len(self.beta) + len(self.dummies) + len(self.counts))


def _held(x: FloatArray, fixed: Mapping[int, float]) -> FloatArray:
    if not fixed:
        return x
    x = x.copy()
    for column, value in fixed.items():
        x[:, column] = value
    return x
