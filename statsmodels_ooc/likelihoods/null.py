"""The model of a constant and an offset, fitted along the passes of the full model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.null import NullScoring, NullState

__all__ = ["NullModel"]

_SETTLED = 1e-12  # of the deviance: what the next step would take away
_MOST = 50


@dataclass
class NullModel:
    """Fisher scoring of one constant; every pass of the full model takes a step.

    Attributes
    ----------
    kernel : Kernel
        The family and its link.
    constant : float
        Where the next pass evaluates it.
    settled : bool
        Whether it has converged.
    best : float
        The best constant so far.
    steps : int
        How many passes it has seen.
    """

    kernel: Kernel
    constant: float
    settled: bool = False
    _deviance: float = np.inf
    best: float = np.nan
    steps: int = 0
    _tries: int = 0

    @property
    def is_possible(self) -> bool:
        """Whether a constant with possible means is known: `best`."""
        return bool(np.isfinite(self.best))

    def started(self, fold: Callable[..., tuple[Any, ...]]) -> NullModel:
        """One that starts where this one ends on a sample of the rows."""
        self.settle(fold)
        return NullModel(self.kernel, self.constant)

    def learn(self, state: NullState, within: float = 0.0) -> None:
        """Take what a pass found at the constant, and move on.

        Parameters
        ----------
        state : NullState
            What it found.
        within : float
            Deviance that comes on top.
        """
        self.steps += 1
        deviance = state.deviance + within
        if (state.outside or not np.isfinite(deviance)) and not self.is_possible:
            self._tries += 1
            self.constant += (-1) ** self._tries * 0.25 * self._tries  # left, right, further
            return
        if state.outside or not deviance <= self._deviance * (1 + 1e-10):
            self.constant = (self.constant + self.best) / 2
            return
        step = state.score / state.information if state.information > 0 else 0.0
        promise = step * state.score
        self._deviance, self.best = deviance, self.constant
        self.settled = promise <= _SETTLED * abs(deviance)
        self.constant += step
        if self.settled:
            self._deviance -= promise

    def settle(self, fold: Callable[..., tuple[Any, ...]], within: float = 0.0) -> float:
        """Its deviance; passes of its own where those of the full model did not do."""
        for _ in range(_MOST):
            if self.settled:
                break
            (state,) = fold("null model", NullScoring(self.kernel, self.constant))
            self.learn(state, within)
        return self._deviance if self.settled else np.nan
