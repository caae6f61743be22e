"""A sample of the rows, fitted in memory, from which the fit of all rows starts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.weights import prior_weights
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import MemoryRows, StreamedRows
from statsmodels_ooc.errors import OutOfCoreError
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.likelihoods.base import Asked
from statsmodels_ooc.likelihoods.null import NullModel
from statsmodels_ooc.likelihoods.points import Points
from statsmodels_ooc.likelihoods.repeats import expected_cells
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.remainder import Remainder
from statsmodels_ooc.solvers.irls import irls
from statsmodels_ooc.solvers.point import Criterion

__all__ = ["Pilot"]

_ROWS = 2**17
_BYTES = 2**26  # of the design of the sample
_STEPS = 100
_ROWS_A_COLUMN = 3  # with fewer the sample tells nothing
_NO_ROWS = MemoryRows(list, 0)
_CRITERION = Criterion("deviance", 1e-2, 0.0)  # the sample's own error is larger


@dataclass
class Pilot:
    """A sample of the rows, and what it tells. Nothing of it enters the answer.

    Parameters
    ----------
    stream : StreamedRows
        The rows.
    spec : DesignSpec
        The design.
    kernel : Kernel
        The family and its link.
    """

    stream: StreamedRows
    spec: DesignSpec
    kernel: Kernel

    @cached_property
    def sample(self) -> MemoryRows:
        """The sample; no row where some are faulty, which a pass will name."""
        fitting = min(_BYTES, options.memory_limit // 16) // (8 * max(self.spec.k, 1))
        try:
            sample = self.stream.sample(min(_ROWS, fitting))
        except OutOfCoreError:
            return _NO_ROWS
        return sample if all(_is_sound(b, self.kernel) for b in sample.blocks()) else _NO_ROWS

    @property
    def rows(self) -> int:
        """How many rows the sample has."""
        return self.sample.n

    @cached_property
    def mean(self) -> float | None:
        """The mean response."""
        total = sum(float(block.endog.sum()) for block in self.sample.blocks())
        return total / self.rows if self.rows else None

    @property
    def shift(self) -> float:
        """A number near the mean response, from which sums over equal rows are measured.

        Where responses of zero are an end of the means, their sums must stay exact, or
        nobody could tell that a level has no others.
        """
        mean = self.mean or 0.0
        if not self.kernel.side(np.zeros(1)).any():
            return mean
        return float(np.rint(mean)) if all(map(_is_whole, self.sample.blocks())) else 0.0

    @cached_property
    def cells(self) -> float:
        """How many distinct rows all the data seem to have."""
        return expected_cells(list(self.sample.blocks()))

    @cached_property
    def _fitted(self) -> tuple[FloatArray | None, bool]:
        if self.mean is None or self.rows < _ROWS_A_COLUMN * self.spec.k:
            return None, False
        asked = Asked.of_matrices(self.sample, self.spec.k)
        likelihood = Points(
            asked, self.kernel, self.spec.k, self.spec.has_intercept, rows=self.rows
        )
        path = irls(
            likelihood.at,
            likelihood.start(self.mean),
            np.zeros(self.spec.k),
            scale_of=lambda point: 1.0,
            criterion=_CRITERION,
            maxiter=_STEPS,
            rough=True,
        )
        good = path.converged and not path.perfect and bool(np.isfinite(path.params).all())
        return path.params if good else None, likelihood.exact

    @property
    def params(self) -> FloatArray | None:
        """The parameters of the sample, (k,); None where it has no good ones."""
        return self._fitted[0]

    @property
    def exact(self) -> bool:
        """Whether its Gram matrix could not give the digits that are wanted."""
        return self._fitted[1]

    def remainder(self, beta: FloatArray, direction: FloatArray) -> FloatArray:
        """What a step leaves of the score per row of the sample, see `Remainder`."""
        (state,) = self.sample.fold("pilot", Remainder(self.kernel, beta, direction))
        per_row: FloatArray = state / self.rows
        return per_row

    def started(self, null: NullModel) -> NullModel:
        """A null model that starts where this one ends on the sample."""
        return null.started(self.sample.fold) if self.rows else null

    def release(self) -> bool:
        """Let go of the rows of the sample; whether its parameters are known."""
        self.__dict__["sample"] = _NO_ROWS
        return "_fitted" in self.__dict__


def _is_sound(block: Any, kernel: Kernel) -> bool:
    """Whether the rows of a block are finite, and what the family can have."""
    with np.errstate(invalid="ignore", over="ignore"):
        sums = block.design.rmatvec(np.ones(len(block.endog)))
    finite = np.isfinite(sums).all() and np.isfinite(block.endog).all()
    return bool(finite) and kernel.impossible(block.endog) is None


def _is_whole(block: Any) -> bool:
    """Whether responses and weights are whole numbers."""
    values = [block.endog, prior_weights(block)]
    return all(bool((np.rint(v) == v).all()) for v in values if v is not None)
