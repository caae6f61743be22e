"""The likelihood of a generalised linear model point by point, and the sample it starts from."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import prior_weights
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import MemoryRows, StreamedRows
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.errors import OutOfCoreError
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.likelihoods.base import Asked, Question
from statsmodels_ooc.likelihoods.first_pass import FirstPass, NullModel
from statsmodels_ooc.likelihoods.repeats import expected_cells
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.base import Reduction, Together
from statsmodels_ooc.reductions.glm_meat import ObservedInformation
from statsmodels_ooc.reductions.least_squares import Moments, MomentsState, Triangle
from statsmodels_ooc.reductions.recession import Recession
from statsmodels_ooc.reductions.scoring import Remainder, Scoring, ScoringState
from statsmodels_ooc.solvers.irls import irls
from statsmodels_ooc.solvers.least_squares import factor_of_gram, solve
from statsmodels_ooc.solvers.point import Criterion, Point, Watch


class _TooFewDigits(Exception):
    """A Gram matrix was folded that does not tell enough."""


@dataclass
class Points:
    """Points of a likelihood; what is known already is not read again.

    Parameters
    ----------
    asked : Asked
        The rows: of a stream, or blocks in memory.
    kernel : Kernel
        The family and its link.
    k : int
        Columns of the design.
    centred : bool
        Whether the design has an intercept.
    exact : bool
        Whether the triangular factor is folded, not a Gram matrix; set once a Gram matrix
        has turned out not to give nine digits.
    rows : int
        How many rows there are, where no first pass tells.
    within : float
        Deviance that comes on top, where blocks stand for several rows each.
    first_pass : FirstPass, optional
        What it asks goes along with every pass, and is answered before the point.
    """

    asked: Asked
    kernel: Kernel
    k: int
    centred: bool
    exact: bool = False
    rows: int = 1
    within: float = 0.0
    first_pass: FirstPass | None = None

    def at(self, beta: FloatArray, watch: Watch = Watch()) -> Point:  # noqa: B008 - frozen
        """The point of some parameters, (k,), with what else is asked for."""
        beta = np.ascontiguousarray(beta, dtype=np.float64)
        key = ("point", beta.tobytes())
        known: Point | None = self.asked.answers.get(key)
        if known is None or not watch.is_answered_by(known):
            self.asked.answers.pop(key, None)
            known = self._found(key, beta, 0.0, watch)
        return known

    def start(self, mean_of_y: float) -> Point:
        """The point of the means that statsmodels starts from."""
        key = ("start", mean_of_y)
        known: Point | None = self.asked.answers.get(key)
        return self._found(key, None, mean_of_y, Watch()) if known is None else known

    def known(self) -> list[Point]:
        """The last points that are of use, in the order in which they were found."""
        return [point for point in self.asked.kind("point").values() if point.usable]

    def scoring(self, beta: FloatArray | None, mean_of_y: float = 0.0) -> Scoring:
        """The reduction that gives the point of some parameters."""
        inner = Triangle(self.k) if self.exact else Moments(self.k, response=False)
        return Scoring(self.kernel, beta, inner, self.k, mean_of_y)

    def absorb(self, beta: FloatArray, state: ScoringState) -> None:
        """Take the point of some parameters from the state of another's pass."""
        try:
            self.asked.remember(("point", beta.tobytes()), self._point(beta, state))
        except _TooFewDigits:
            self.exact = True

    def _found(
        self, key: Hashable, beta: FloatArray | None, mean_of_y: float, watch: Watch
    ) -> Point:
        """What a pass finds of all that is asked for now; two where a Gram matrix will not do."""
        watched = self._watched(beta, watch)

        def finish(states: list[Any]) -> Point:
            point = self._point(beta, states[0])
            return replace(point, **dict(zip(watched, states[1:], strict=True)))

        more = () if self.first_pass is None else self.first_pass.questions()
        together = Together((self.scoring(beta, mean_of_y), *watched.values()))
        try:
            point: Point = self.asked.ask(*more, Question("fit", key, together, finish))[-1]
        except _TooFewDigits:
            self.exact = True
            return self._found(key, beta, mean_of_y, watch)
        return point

    def _watched(self, beta: FloatArray | None, watch: Watch) -> dict[str, Reduction[Any]]:
        """What is folded beside, by the field of the point that it goes to."""
        watched: dict[str, Reduction[Any]] = {}
        if watch.observed and beta is not None:
            watched["observed"] = ObservedInformation(self.kernel, beta)
        search = watch.search
        if search is not None:
            watched["recession"] = Recession(
                self.kernel, search.direction, search.units, search.losers
            )
        return watched

    def _point(self, beta: FloatArray | None, state: ScoringState) -> Point:
        """What a pass found.

        Raises
        ------
        _TooFewDigits
            A Gram matrix was folded that does not tell enough.
        """
        rows = self.rows if self.first_pass is None else self.first_pass.facts.rows
        state.deviance += self.within
        with one_blas_thread():  # the same bits on every machine
            return self._of(beta, state, rows)

    def _of(self, beta: FloatArray | None, state: ScoringState, rows: int) -> Point:
        if state.outside is not None or not _is_finite(state):
            return self._useless(beta, state, rows)
        if self.exact:
            try:
                return point_of(beta, state, state.design.r, rows)
            except np.linalg.LinAlgError:  # weights over more magnitudes than numbers have
                return self._useless(beta, state, rows)
        moments: MomentsState = state.design
        _, factor = factor_of_gram(moments, centred=self.centred)
        if factor is None:
            raise _TooFewDigits
        return point_of(beta, state, factor, rows)

    def _useless(self, beta: FloatArray | None, state: ScoringState, rows: int) -> Point:
        """A point of which nothing will be made."""
        state.deviance = np.inf
        return point_of(beta, state, np.zeros((self.k + 2, self.k + 2)), rows)


def _is_finite(state: ScoringState) -> bool:
    """Whether no sum has overflowed."""
    sums = state.design.comoment if isinstance(state.design, MomentsState) else state.design.r
    return bool(np.isfinite(sums).all() and np.isfinite(state.score).all())


def point_of(beta: FloatArray | None, state: ScoringState, factor: FloatArray, rows: int) -> Point:
    """What a pass found, from its sums and the factor of ``sqrt(w) * [1 | X | 0]``."""
    return Point(
        beta=beta,
        deviance=state.deviance,
        pearson=state.pearson,
        score=state.score,
        gap=state.gap,
        edge=state.edge,
        lowest=state.lowest,
        faint=state.faint,
        outside=state.outside,
        fit=solve(factor, rows),
        factor=factor,
    )


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
