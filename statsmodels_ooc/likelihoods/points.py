"""The likelihood of a generalised linear model, point by point, each from one pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.blas import one_blas_thread
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.likelihoods.gram_or_r import factor_of_gram
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.glm_meat import ObservedInformation
from statsmodels_ooc.reductions.moments import Moments, MomentsState
from statsmodels_ooc.reductions.recession import Recession
from statsmodels_ooc.reductions.scoring import Scoring, ScoringState
from statsmodels_ooc.reductions.triangle import Triangle
from statsmodels_ooc.solvers.irls import Point, Watch
from statsmodels_ooc.solvers.least_squares import solve

__all__ = ["Fold", "Likelihood", "point_of"]

Fold = Callable[..., tuple[Any, ...]]  # name, *reductions -> their states

_KEPT = 16  # points, for fits that follow one another
_KEPT_BYTES = 2**26


class Company(Protocol):
    """What passes take along besides a point."""

    facts: Any

    def reductions(self) -> tuple[Any, ...]: ...

    def receive(self, *states: Any) -> None: ...


@dataclass
class Likelihood:
    """Points of a likelihood; what is known already is not read again.

    Parameters
    ----------
    fold : callable
        Folds reductions over the rows: of a stream, or of blocks in memory.
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
        How many rows there are, where no companion tells.
    within : float
        Deviance that comes on top, where blocks stand for several rows each.
    companions : Company, optional
        What passes take along; it gets to know before anything is made of a pass.
    """

    fold: Fold
    kernel: Kernel
    k: int
    centred: bool
    exact: bool = False
    rows: int = 1
    within: float = 0.0
    companions: Company | None = None
    _points: dict[bytes, Point] = field(default_factory=dict)
    _start: tuple[float, Point] | None = None

    def at(self, beta: FloatArray, watch: Watch = Watch()) -> Point:  # noqa: B008 - frozen
        """The point of some parameters, (k,), with what else is asked for."""
        beta = np.ascontiguousarray(beta, dtype=np.float64)
        key = beta.tobytes()
        known = self._points.get(key)
        if known is None or not watch.is_answered_by(known):
            known = self._evaluate(beta, 0.0, watch)
            self._remember(key, known)
        return known

    def start(self, mean_of_y: float) -> Point:
        """The point of the means that statsmodels starts from."""
        if self._start is None or self._start[0] != mean_of_y:
            self._start = mean_of_y, self._evaluate(None, mean_of_y)
        return self._start[1]

    def known(self) -> list[Point]:
        """The last points, in the order in which they were found."""
        return list(self._points.values())

    def scoring(self, beta: FloatArray | None, mean_of_y: float = 0.0) -> Scoring:
        """The reduction that gives the point of some parameters."""
        inner = Triangle(self.k) if self.exact else Moments(self.k, response=False)
        return Scoring(self.kernel, beta, inner, self.k, mean_of_y)

    def absorb(self, beta: FloatArray, state: ScoringState, within: float) -> None:
        """Take the point of some parameters from the state of another's pass."""
        state.deviance += within
        with one_blas_thread():
            point = self._point(beta, state)
        if point is not None:
            self._remember(beta.tobytes(), point)

    def _remember(self, key: bytes, point: Point) -> None:
        self._points[key] = point
        most = max(2, min(_KEPT, _KEPT_BYTES // (24 * (self.k + 2) ** 2)))
        while len(self._points) > most:
            del self._points[next(iter(self._points))]

    def _evaluate(
        self,
        beta: FloatArray | None,
        mean_of_y: float,
        watch: Watch = Watch(),  # noqa: B008 - frozen
    ) -> Point:
        point = None
        watched = self._watched(beta, watch)
        while point is None:  # twice where a Gram matrix will not do
            more = () if self.companions is None else self.companions.reductions()
            scoring = self.scoring(beta, mean_of_y)
            state, *states = self.fold("fit", scoring, *watched.values(), *more)
            if self.companions is not None:
                self.companions.receive(*states[len(watched) :])
            state.deviance += self.within
            with one_blas_thread():  # the same bits on every machine
                point = self._point(beta, state)
        return replace(point, **dict(zip(watched, states[: len(watched)], strict=True)))

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

    def _point(self, beta: FloatArray | None, state: ScoringState) -> Point | None:
        """What a pass found; None where a Gram matrix was folded and does not tell."""
        rows = self.rows if self.companions is None else self.companions.facts.rows
        if state.outside is not None or not _is_finite(state):
            return self._useless(beta, state, rows)
        if self.exact:
            try:
                return point_of(beta, state, state.design.r, rows)
            except np.linalg.LinAlgError:  # weights over more magnitudes than numbers have
                return self._useless(beta, state, rows)
        moments: MomentsState = state.design
        _, factor = factor_of_gram(moments, centred=self.centred)
        if factor is not None:
            return point_of(beta, state, factor, rows)
        self.exact = True
        return None

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
