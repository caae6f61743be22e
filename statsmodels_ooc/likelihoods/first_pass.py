"""What the passes of a generalised linear model bring along besides their points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.likelihoods.checks import check_facts, check_responses
from statsmodels_ooc.likelihoods.null import NullModel
from statsmodels_ooc.likelihoods.start import Pilot
from statsmodels_ooc.reductions.facts import RowFacts, RowFactsState
from statsmodels_ooc.reductions.null import NullScoring
from statsmodels_ooc.reductions.responses import Responses, ResponsesState

__all__ = ["Companions"]


@dataclass
class Companions:
    """The facts of the rows, sums of the responses, and the null model.

    The first pass finds the facts and the sums; every pass takes the null model a step
    further where an offset makes it a fit of its own.

    Parameters
    ----------
    stream, spec, kernel
        The rows, the design, the family and its link.
    has_offset : bool
        Whether an offset or an exposure goes with the rows.

    Attributes
    ----------
    facts, responses : RowFactsState, ResponsesState, or None
        What the first pass found.
    null : NullModel or None
        The model of a constant and the offset, where there is one.
    reference : float
        The linear predictor that the deviance of the null model is measured from.
    """

    stream: StreamedRows
    spec: DesignSpec
    kernel: Kernel
    has_offset: bool
    facts: RowFactsState | None = None
    responses: ResponsesState | None = None
    null: NullModel | None = None
    reference: float = 0.0

    def reductions(self) -> tuple[Any, ...]:
        """What the next pass takes along."""
        more: tuple[Any, ...] = ()
        if self.facts is None:
            more += (RowFacts(self.spec.k), Responses(self.kernel, self.reference))
        if self.null is not None and not self.null.settled:
            more += (NullScoring(self.kernel, self.null.constant),)
        return more

    def receive(self, *states: Any) -> None:
        """Take their states."""
        left = list(states)
        if self.facts is None:
            self.learn(left.pop(0), left.pop(0))
        if left and self.null is not None:
            self.null.learn(left[0])

    def learn(self, facts: RowFactsState, responses: ResponsesState) -> None:
        """Take what a pass found of all rows, and refuse rows that no fit can be made of."""
        self.check(facts, responses)
        self.facts, self.responses = facts, responses

    def refer_to(self, mean: float | None, pilot: Pilot | None = None) -> None:
        """Choose what the null model is measured from, before the first pass."""
        if self.facts is not None or self.null is not None or mean is None:
            return
        eta = self.kernel.start(np.array([mean]), mean)
        self.reference = float(eta[0]) if np.isfinite(eta).all() else 0.0
        if self.has_offset:
            null = NullModel(self.kernel, self.reference)
            self.null = null if pilot is None else pilot.started(null)

    def mean_of_y(self) -> float:
        """The mean response: a pass, unless it is known."""
        found = self.responses
        if found is None:
            facts, found = self.stream.fold(
                "mean response", RowFacts(self.spec.k), Responses(self.kernel, 0.0)
            )
            self.check(facts, found)
        return found.total / found.rows

    def check(self, facts: RowFactsState, responses: ResponsesState) -> None:
        """Refuse rows that no fit can be made of."""
        check_facts(facts, self.spec, self.stream.source, self.spec.k)
        family, source = self.kernel.family, self.stream.source
        check_responses(responses.impossible, family, self.spec, source)
        if responses.weight == 0:
            raise DesignError(
                f"the weights of all {facts.rows:,} rows of {self.stream.source.name} are zero"
            )
