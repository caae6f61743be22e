"""The scores of rows, and the meats of heteroscedasticity-robust covariances."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, linear_predictor, prior_weights, row_weights
from statsmodels_ooc.families.elementwise import times
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.base import Additive, Place
from statsmodels_ooc.reductions.leverage import LeverageOne
from statsmodels_ooc.reductions.row_sums import NUMPY, RowSums


class RowScores(Protocol):
    """The derivatives of the rows' log-likelihoods, by their linear predictors."""

    def of(self, block: Block) -> FloatArray:
        """At scale one, weights included, (b,): the score of a row is that times the row."""
        ...

    def information(self, block: Block) -> FloatArray:
        """The expected information, (b,): that of a row is that times ``x x'``."""
        ...

    def counts(self, block: Block) -> FloatArray | None:
        """How many times a row is in the data, (b,); None where each is once."""
        ...

    def compiled(self) -> Self:
        """The same in machine code, where it can be."""
        ...


@dataclass(frozen=True)
class LinearScores:
    """``w (y - x'beta)`` of least squares, in axes where fitted values keep their digits."""

    beta: FloatArray  # (k,)
    axes: Axes

    def of(self, block: Block) -> FloatArray:
        """The scores, (b,)."""
        e = block.endog - self.axes.fitted(block, self.beta)
        return times(e, block.weights)

    def information(self, block: Block) -> FloatArray:
        """The weights, (b,)."""
        return row_weights(block)

    def counts(self, block: Block) -> None:
        """Each row is once in the data."""

    def compiled(self) -> Self:
        return self


@dataclass(frozen=True)
class GLMScores:
    """``a (y - mu) / (V(mu) g'(mu))`` of a generalised linear model."""

    kernel: Kernel
    beta: FloatArray  # (k,)

    def of(self, block: Block) -> FloatArray:
        """The scores, (b,)."""
        if len(block.endog) == 0:
            return np.empty(0)
        eta = linear_predictor(block, self.beta)
        _, scores = self.kernel.working_at(block.endog, eta)
        return times(scores, prior_weights(block))

    def information(self, block: Block) -> FloatArray:
        """The weights of Fisher scoring, (b,)."""
        if len(block.endog) == 0:
            return np.empty(0)
        eta = linear_predictor(block, self.beta)
        weights, _ = self.kernel.working_at(block.endog, eta)
        return times(weights, prior_weights(block))

    def counts(self, block: Block) -> FloatArray | None:
        """The frequencies, (b,)."""
        return block.extras.freq_weights

    def compiled(self) -> Self:
        from statsmodels_ooc.families.compiled import compiled_kernel

        return replace(self, kernel=compiled_kernel(self.kernel))


@dataclass(slots=True)
class WhiteMeatState:
    """Sums over the rows so far.

    They are of ``w g g' e**2 / (1 - h)**d``, with ``g = root.T x``, (r, r) each for d = 0, 1, 2;
    the last two without the rows of leverage one.
    """

    hc0: FloatArray
    hc2: FloatArray
    hc3: FloatArray
    determined: NDArray[np.bool_]  # coefficients that the responses of such rows move, (k,)
    count: int = 0  # of such rows
    first: Place | None = None  # of them


@dataclass(frozen=True)
class WhiteMeat(Additive[WhiteMeatState]):
    """Fold the squared scores into the meats of HC0, HC2 and HC3.

    With whitened rows x, by the roots of the weights or of the expected information, the leverage
    is ``h = x' N x`` for the normalised covariance ``N = R^-1 R^-T``, that is
    ``h = |R^-T x|**2``. A row that is f times in the data counts as f rows.

    Parameters
    ----------
    scores : RowScores
        The scores of the rows by their linear predictors.
    axes : Axes
        With a root of the normalised covariance, (k, r).
    ones : LeverageOne
        What tells rows of leverage one.
    sums : RowSums
        How products of rows are added.

    Notes
    -----
    A row of leverage one determines a combination of the coefficients alone. Its
    residual is zero whatever its response, and ``e / (1 - h)`` is zero over zero. It has
    no influence on what the other rows determine, so it is left out.

    References
    ----------
    MacKinnon, White (1985). Some heteroskedasticity-consistent covariance matrix
    estimators with improved finite sample properties. J. Econometrics 29, 305-325.
    """

    scores: RowScores
    axes: Axes
    ones: LeverageOne
    sums: RowSums = NUMPY

    def compiled(self) -> WhiteMeat:
        from statsmodels_ooc.reductions.compiled import CompiledRowSums

        return replace(self, scores=self.scores.compiled(), sums=CompiledRowSums())

    def init(self) -> WhiteMeatState:
        k, r = self.axes.root.shape
        none = np.zeros(k, dtype=np.bool_)
        return WhiteMeatState(np.zeros((r, r)), np.zeros((r, r)), np.zeros((r, r)), none)

    def update(self, state: WhiteMeatState, block: Block) -> WhiteMeatState:
        if len(block.endog) == 0:
            return state
        w, g = self.scores.information(block), self.axes.columns(block)
        squares = self.scores.of(block) ** 2
        counts = self.scores.counts(block)
        if counts is not None:  # of one of so many rows
            known = np.where(counts > 0, counts, 1.0)
            w, squares = w / known, squares / known
        leverage = self.sums.squares(g) * w
        rest, shrunk = 1 - leverage, squares
        alone = self._alone(state, g, w, leverage)
        if len(alone):
            state.count += len(alone)
            state.first = state.first or Place(block.partition, block.row(int(alone[0])))
            shrunk, rest[alone] = squares.copy(), 1.0
            shrunk[alone] = 0.0
        shrunk = shrunk / rest
        hc0, hc2, hc3 = self.sums.products(g, (squares, shrunk, shrunk / rest))
        state.hc0 += hc0
        state.hc2 += hc2
        state.hc3 += hc3
        return state

    def _alone(
        self, state: WhiteMeatState, g: FloatArray, w: FloatArray, leverage: FloatArray
    ) -> NDArray[np.intp]:
        """The rows of leverage one; notes the coefficients that they determine."""
        near = self.ones.near(leverage)
        whitened = g[near] * np.sqrt(w[near])[:, None]
        is_alone = self.ones.among(whitened, leverage[near])
        influence = np.dot(whitened[is_alone], self.axes.root.T)
        state.determined |= self.ones.determined(influence).any(axis=0)
        return near[is_alone]

    def nbytes(self) -> int:
        return 3 * self.init().hc0.nbytes
