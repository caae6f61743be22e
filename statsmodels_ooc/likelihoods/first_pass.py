"""What the passes of a generalised linear model bring along besides their points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.likelihoods.base import Asked, Question
from statsmodels_ooc.likelihoods.opening import check_facts, check_responses
from statsmodels_ooc.reductions.facts import RowFacts, RowFactsState
from statsmodels_ooc.reductions.responses import NullScoring, NullState, Responses, ResponsesState

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
        self._deviance, self.best = deviance, self.constant
        known = None
        if state.score + state.information > 0 < state.information:
            known = self.kernel.best_constant(state.score, state.information)
        if known is not None:
            self.best = self.constant = self.constant + known[0]
            self._deviance, self.settled = deviance - known[1], True
            return
        step = state.score / state.information if state.information > 0 else 0.0
        promise = step * state.score
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


@dataclass
class FirstPass:
    """The facts of the rows, sums of the responses, and the null model.

    The first pass finds the facts and the sums; every pass takes the null model a step
    further where an offset makes it a fit of its own.

    Parameters
    ----------
    asked : Asked
        All rows.
    stream, spec, kernel
        The rows, the design, the family and its link.
    has_offset : bool
        Whether an offset or an exposure goes with the rows.

    Attributes
    ----------
    null : NullModel or None
        The model of a constant and the offset, where there is one.
    reference : float
        The linear predictor that the deviance of the null model is measured from.
    """

    asked: Asked
    stream: StreamedRows
    spec: DesignSpec
    kernel: Kernel
    has_offset: bool
    null: NullModel | None = None
    reference: float = 0.0

    @property
    def made(self) -> bool:
        """Whether the rows have been read, and found sound."""
        return "responses" in self.asked.answers

    @property
    def facts(self) -> RowFactsState:
        """What the rows were; of a pass that has been made."""
        facts: RowFactsState = self.asked.answers["facts"]
        return facts

    @property
    def responses(self) -> ResponsesState:
        """What the responses were; of a pass that has been made."""
        responses: ResponsesState = self.asked.answers["responses"]
        return responses

    def questions(self) -> tuple[Question, ...]:
        """What goes along with a pass; what is known already costs nothing."""
        facts = Question("fit", "facts", RowFacts(self.spec.k), self._checked_facts)
        asked = Responses(self.kernel, self.reference)
        responses = Question("fit", "responses", asked, self._checked_responses)
        null = self.null
        if null is None or null.settled:
            return facts, responses
        key, step = ("null model", null.steps), NullScoring(self.kernel, null.constant)
        return facts, responses, Question("fit", key, step, null.learn)

    def learn(self, facts: RowFactsState, responses: ResponsesState) -> None:
        """Take what another's pass found, and refuse rows that no fit can be made of."""
        self.check(facts, responses)
        self.asked.remember("facts", facts)
        self.asked.remember("responses", responses)

    def refer_to(
        self, mean: float | None, started: Callable[[NullModel], NullModel] | None = None
    ) -> None:
        """Choose what the null model is measured from, before the first pass.

        Parameters
        ----------
        mean : float or None
            The mean response, or nearly.
        started : callable, optional
            A null model to one that starts nearer to its end.
        """
        if self.made or self.null is not None or mean is None:
            return
        eta = self.kernel.start(np.array([mean]), mean)
        self.reference = float(eta[0]) if np.isfinite(eta).all() else 0.0
        if self.has_offset:
            null = NullModel(self.kernel, self.reference)
            self.null = null if started is None else started(null)

    def mean_of_y(self) -> float:
        """The mean response: a pass, unless it is known."""
        if self.made:
            return self.responses.mean
        facts, found = self.stream.fold(
            "mean response", RowFacts(self.spec.k), Responses(self.kernel, 0.0)
        )
        self.check(facts, found)
        mean: float = found.mean
        return mean

    def check(self, facts: RowFactsState, responses: ResponsesState) -> None:
        """Refuse rows that no fit can be made of."""
        self._checked_facts(facts)
        self._check_responses(responses, facts.rows)

    def _checked_facts(self, facts: RowFactsState) -> RowFactsState:
        check_facts(facts, self.spec, self.stream.source, self.spec.k)
        return facts

    def _checked_responses(self, responses: ResponsesState) -> ResponsesState:
        self._check_responses(responses, self.facts.rows)
        return responses

    def _check_responses(self, responses: ResponsesState, rows: int) -> None:
        source = self.stream.source
        check_responses(responses.impossible, self.kernel.family, self.spec, source)
        if responses.weight == 0:
            raise DesignError(f"the weights of all {rows:,} rows of {source.name} are zero")
