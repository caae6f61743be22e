"""Where and on which rows the likelihood of a generalised linear model is evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.families.kernels import Kernel, response_bounds
from statsmodels_ooc.likelihoods.base import Asked
from statsmodels_ooc.likelihoods.first_pass import FirstPass
from statsmodels_ooc.likelihoods.points import Pilot, Points
from statsmodels_ooc.likelihoods.repeats import (
    Repetition,
    cell_rows,
    distinct_rows,
    keeps_digits,
    repetition,
)
from statsmodels_ooc.reductions.base import Together
from statsmodels_ooc.reductions.facts import Extremes, RowFacts
from statsmodels_ooc.reductions.responses import DevianceAbout, Responses
from statsmodels_ooc.solvers.irls import corrected
from statsmodels_ooc.solvers.point import Point, Step


@dataclass
class Evaluation:
    """Points of the likelihood of all rows or of the distinct ones, and where to start.

    Parameters
    ----------
    stream, spec, kernel
        The rows, the design, the family and its link.
    has_offset : bool
        Whether an offset or an exposure goes with the rows.
    starts_from_mean : bool
        Whether the means that statsmodels starts from need the mean response.

    Attributes
    ----------
    all_rows : Points
        Of all rows.
    distinct : Points or None
        Of the distinct rows, where they have been folded.
    first_pass : FirstPass
        What the first pass finds besides.
    """

    stream: StreamedRows
    spec: DesignSpec
    kernel: Kernel
    has_offset: bool
    starts_from_mean: bool
    all_rows: Points = field(init=False, repr=False)
    distinct: Points | None = field(default=None, init=False, repr=False)
    first_pass: FirstPass = field(init=False, repr=False)
    _sample: Pilot | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        asked = Asked.of_matrices(self.stream, self.spec.k)
        self.first_pass = FirstPass(asked, self.stream, self.spec, self.kernel, self.has_offset)
        self.all_rows = self._points(asked, first_pass=self.first_pass)

    def _points(self, asked: Asked, **more: Any) -> Points:
        return Points(asked, self.kernel, self.spec.k, self.spec.has_intercept, **more)

    @property
    def pilot(self) -> Pilot:
        """A sample of the rows, drawn where there is none."""
        if self._sample is None:
            self._sample = Pilot(self.stream, self.spec, self.kernel)
        return self._sample

    def active(self, compress: bool) -> Points:
        """The points of the distinct rows, where they are known and wanted, or of all."""
        return self.distinct if self.distinct is not None and compress else self.all_rows

    # --- where the iterations start

    def start(self, start: str | FloatArray, compress: bool) -> tuple[Point, FloatArray]:
        """The first point of a fit, and what its history calls the parameters."""
        nowhere = np.zeros(self.spec.k)
        if not isinstance(start, str):
            self._refer_to_sample()
            return self.active(compress).at(start), start
        if start == "pilot":
            distinct = self._compressed() if compress else None
            if distinct is not None:
                return distinct.start(self.first_pass.mean_of_y()), nowhere
            params = self.pilot.params
            if params is not None:
                self._refer_to_sample()
                self.all_rows.exact |= self.pilot.exact
                point = self.all_rows.at(params)
                if point.usable:
                    return point, params
        mean = self.mean_of_y()
        self.first_pass.refer_to(mean)
        return self.all_rows.start(mean), nowhere

    def mean_of_y(self) -> float:
        """What statsmodels' start needs of the mean response."""
        return self.first_pass.mean_of_y() if self.starts_from_mean else 0.5

    def _refer_to_sample(self) -> None:
        if not self.first_pass.made:
            mean = self.pilot.mean
            self.first_pass.refer_to(self.mean_of_y() if mean is None else mean, self.pilot.started)

    def correct(self, active: Points, point: Point, step: Step) -> Step:
        """A step corrected by the sample; the same whenever it is asked for."""
        sample, asked = self._sample, self.all_rows.asked
        if point.beta is None:
            return step
        key = "corrected step " + point.beta.tobytes().hex()  # a vector: kept for good
        if active is self.all_rows and sample is not None and sample.rows > 0:
            rows = self.first_pass.facts.rows
            asked.once(
                key,
                lambda: corrected(
                    point, step, lambda beta, direction: rows * sample.remainder(beta, direction)
                ),
            )
        found: Step = asked.answers.get(key, step)
        return found

    def release_sample(self) -> None:
        """Let go of the rows of the sample."""
        if self._sample is not None and not self._sample.release():
            self._sample = None

    # --- rows that repeat

    def _compressed(self) -> Points | None:
        """The points of the distinct rows, folded where nobody has looked yet."""
        if self.distinct is None and not self.first_pass.made:
            rows = self.stream.source.rows
            found = repetition(self.spec, rows, self.has_offset, lambda: self.pilot.cells)
            if found is not None and (found.bounded or self.pilot.params is not None):
                self._compress(found)
        return self.distinct

    def _compress(self, found: Repetition) -> None:
        """One pass that folds the rows into distinct ones, or into the pilot's point."""
        shift = 0.0
        if not found.bounded or self.starts_from_mean or self.has_offset:
            self._refer_to_sample()
            shift = self.pilot.shift
        self.first_pass.refer_to(0.5)
        bounds = response_bounds(self.kernel.family)
        reference = self.first_pass.reference
        beside = (DevianceAbout(self.kernel, reference), Extremes(self.spec.k))
        fallback = None
        if not found.bounded:
            self.all_rows.exact |= self.pilot.exact
            fallback = Together((self.all_rows.scoring(self.pilot.params), *beside))
        facts, responses, distinct = self.stream.fold(
            "distinct rows",
            RowFacts(self.spec.k, design=False),
            Responses(self.kernel, reference),
            distinct_rows(found, self.spec, fallback, shift, bounds),
        )
        if not facts.rows or responses.weight == 0:
            facts.low[:] = facts.high[:] = 0.0
            self.first_pass.check(facts, responses)
        cells = distinct.cells
        state: Any = None
        if cells is None:
            state, seen, design = distinct.fallback
        else:
            seen, design = cell_rows(self.spec, cells, bounds).fold("distinct rows", *beside)
        if not design.finite or facts.not_finite is not None:
            return  # a pass over the rows will say where
        facts.low[:-1], facts.high[:-1] = design.low, design.high
        self.first_pass.learn(facts, responses)
        within = responses.deviance - seen
        if cells is not None:
            if not keeps_digits(cells, self.kernel.family, bounds, responses.deviance, within):
                return  # the rows will do
            rows = cell_rows(self.spec, cells, bounds)
            asked = Asked.of_matrices(rows, self.spec.k)
            self.distinct = self._points(asked, rows=len(cells.a), within=within)
        elif self.pilot.params is not None:
            state.deviance += within
            self.all_rows.absorb(self.pilot.params, state)

    # --- the null model

    def null_deviance(self) -> float:
        """The deviance of the model of a constant and the offset."""
        found, null = self.first_pass.responses, self.first_pass.null
        if null is None:
            mean = np.array([found.weighted / found.weight])
            eta = np.array([self.first_pass.reference])
            at_mean = self.kernel.deviance(mean, eta, self.kernel.mean(eta), None)
            return found.deviance - found.weight * at_mean
        active = self.active(compress=True)  # which rows tell does not matter
        return null.settle(active.asked.rows.fold, active.within)

    def no_start(self, first: Point, active: Points) -> DesignError:
        """Why a point is no start."""
        hint = "leave start_params out, or choose others"
        bad = first.outside
        if bad is None:
            return DesignError("the deviance at the start is not finite: a mean overflows", hint)
        where = "some row"
        if active is self.all_rows:
            where = f"row {bad.row} of {self.stream.source.partitions[bad.partition].label}"
        return DesignError(
            f"the start gives {where} the mean {bad.mean:g}, which the "
            f"{type(self.kernel.family).__name__} family cannot have",
            hint,
        )

    # --- losing data

    def forget(self) -> None:
        """Let go of the distinct rows, and of the sample; what they have told stays."""
        self._settle()
        self.distinct = self._sample = None

    def __getstate__(self) -> dict[str, Any]:
        self._settle()
        return {**self.__dict__, "distinct": None, "_sample": None}

    def _settle(self) -> None:
        if self.distinct is None:
            return
        with self.all_rows.asked.lock:
            self.null_deviance()
            for key, meat in self.distinct.asked.kind("meat").items():
                self.all_rows.asked.remember(key, meat)
