"""What the responses of a generalised linear model tell without a design."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, prior_weights, total_offset
from statsmodels_ooc.families.elementwise import is_binary, tallied, total, total_of_weighted
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.base import Additive


class Impossible(NamedTuple):
    """The first response that the family cannot have."""

    partition: int
    row: int
    value: float


def _first_impossible(kernel: Kernel, block: Block) -> Impossible | None:
    impossible = kernel.impossible(block.endog)
    if impossible is None:
        return None
    i = int(np.argmax(impossible))
    return Impossible(block.partition, block.row(i), float(block.endog[i]))


@dataclass(frozen=True)
class ImpossibleResponses(Additive[Impossible | None]):
    """Find the first response that the family cannot have."""

    kernel: Kernel

    def init(self) -> Impossible | None:
        return None

    def update(self, state: Impossible | None, block: Block) -> Impossible | None:
        return state or _first_impossible(self.kernel, block)


def _about(kernel: Kernel, constant: float, y: FloatArray, a: FloatArray | None) -> float:
    """The deviance where every linear predictor is one number; of counts, by counting."""
    if is_binary(y):
        ones, rows = total(y, a), float(len(y) if a is None else a.sum())
        y, a = np.array([0.0, 1.0]), np.array([rows - ones, ones])
    else:
        y, a = tallied(y, a)
    eta = np.full(len(y), constant)
    return kernel.deviance(y, eta, kernel.mean(eta), a)


@dataclass(frozen=True)
class DevianceAbout(Additive[float]):
    """Fold the deviance where every linear predictor is one number, the constant.

    Of cells of rows it lacks what these differ in, which no mean changes.
    """

    takes_cells = True

    kernel: Kernel
    constant: float

    def init(self) -> float:
        return 0.0

    def update(self, state: float, block: Block) -> float:
        if len(block.endog) == 0:
            return state
        return state + _about(self.kernel, self.constant, block.endog, prior_weights(block))


@dataclass(slots=True)
class ResponsesState:
    """Sums over the rows so far."""

    rows: int = 0
    freq: float = 0.0  # of the frequency weights; the number of rows where there are none
    total: float = 0.0  # of the responses
    weight: float = 0.0  # of the prior weights
    weighted: float = 0.0  # of the prior weights times the responses
    saturated: float = 0.0  # the log-likelihood at scale one where the means are the responses
    deviance: float = 0.0  # where every linear predictor is the reference
    has_var_weights: bool = False  # other than one
    impossible: Impossible | None = None  # the first response that the family cannot have

    @property
    def mean(self) -> float:
        """The mean response."""
        return self.total / self.rows

    @property
    def unit_var_weights(self) -> bool:
        """Whether all variance weights are one."""
        return not self.has_var_weights


@dataclass(frozen=True)
class Responses(Additive[ResponsesState]):
    """Fold what the null model and the log-likelihood need of the responses.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    reference : float
        A linear predictor near that of the null model. A deviance is linear in the
        response, but for a part without the mean, so that the deviance about one
        constant gives that about any other.
    """

    kernel: Kernel
    reference: float

    def is_sliced(self) -> bool:
        return True

    def init(self) -> ResponsesState:
        return ResponsesState()

    def update(self, state: ResponsesState, block: Block) -> ResponsesState:
        y = block.endog
        b = len(y)
        if b == 0:
            return state
        state.impossible = state.impossible or _first_impossible(self.kernel, block)
        freq, a = block.extras.freq_weights, prior_weights(block)
        var = block.extras.var_weights
        saturated = self.kernel.saturated(y, var, block.extras.trials)
        state.rows += b
        state.freq += b if freq is None else float(freq.sum())
        state.total += float(y.sum())
        state.weight += b if a is None else float(a.sum())
        state.weighted += total(y, a)
        state.saturated += total_of_weighted(saturated, freq)
        state.deviance += _about(self.kernel, self.reference, y, a)
        if var is not None and state.unit_var_weights:
            state.has_var_weights = bool((var != 1).any())
        return state


@dataclass(slots=True)
class NullState:
    """Sums over the rows so far: deviance, score and expected information."""

    deviance: float = 0.0
    score: float = 0.0
    information: float = 0.0
    outside: bool = False


@dataclass(frozen=True)
class NullScoring(Additive[NullState]):
    """Fold the deviance of the model of a constant and an offset, and its next step."""

    takes_cells = True

    kernel: Kernel
    constant: float  # what is added to the offset

    def is_sliced(self) -> bool:
        return True

    def init(self) -> NullState:
        return NullState()

    def update(self, state: NullState, block: Block) -> NullState:
        y = block.endog
        if len(y) == 0:
            return state
        offset = total_offset(block)
        eta = np.full(len(y), self.constant) if offset is None else offset + self.constant
        found = self.kernel.scored(y, eta, prior_weights(block))
        if found.impossible is not None:
            state.outside = True
            return state
        state.deviance += found.sums.deviance
        state.score += float(found.score.sum())
        state.information += float(found.weight.sum())
        return state

    def compiled(self) -> NullScoring:
        from statsmodels_ooc.families.compiled import compiled_kernel

        return replace(self, kernel=compiled_kernel(self.kernel))
