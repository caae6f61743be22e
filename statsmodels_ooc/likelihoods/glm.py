"""Which passes the fits of a generalised linear model make, and what they found."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.families.lookup import CANONICAL, loglike_form, response_bounds
from statsmodels_ooc.likelihoods.first_pass import Companions
from statsmodels_ooc.likelihoods.points import Fold, Likelihood
from statsmodels_ooc.likelihoods.repeats import (
    Repetition,
    cell_rows,
    distinct_rows,
    keeps_digits,
    repetition,
)
from statsmodels_ooc.likelihoods.start import Pilot
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.facts import Extremes, RowFacts, RowFactsState
from statsmodels_ooc.reductions.glm_meat import ScoreMeat, ScoreMeatState
from statsmodels_ooc.reductions.loglike import LogLike
from statsmodels_ooc.reductions.responses import DevianceAbout, Responses, ResponsesState
from statsmodels_ooc.reductions.together import Together
from statsmodels_ooc.solvers.constant import find_constant
from statsmodels_ooc.solvers.irls import Criterion, Path, Point, Step, corrected, irls
from statsmodels_ooc.solvers.least_squares import LinearFit
from statsmodels_ooc.solvers.likelihood import loglike_at
from statsmodels_ooc.solvers.scale import Gaps, ScaleRule

__all__ = ["GLMLikelihood"]

_SOLVING = 16  # matrices, (k, k): of the points that steps lead from and to, and of the start
P = ParamSpec("P")
T = TypeVar("T")
_THIN = 1e-10  # weight; a row with less may be lost to the rank


def _one_at_a_time(method: Callable[P, T]) -> Callable[P, T]:
    """A method that waits for those of other threads: fits of one model share what they read."""

    @wraps(method)
    def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        likelihood: Any = args[0]
        with likelihood.lock:
            return method(*args, **kwargs)

    return waiting


@dataclass
class GLMLikelihood:
    """The fits of one model, each from as few passes as possible.

    Parameters
    ----------
    stream : StreamedRows
        The rows.
    spec : DesignSpec
        The design.
    kernel : Kernel
        The family and its link.
    roles : frozenset of str
        What goes with the rows: "offset", "exposure", "freq_weights", "var_weights".
    starts_from_mean : bool
        Whether the means that statsmodels starts from need the mean response.
    hasconst : bool or None
        The user's word on whether the design holds a constant.

    Notes
    -----
    ``compress``, an argument of what needs points, tells whether rows that repeat may be
    folded into distinct ones. It belongs to a fit, and to what is asked about that fit.
    """

    stream: StreamedRows
    spec: DesignSpec
    kernel: Kernel
    roles: frozenset[str]
    starts_from_mean: bool
    hasconst: bool | None
    _cells: Likelihood | None = None
    _first: Point | None = field(default=None, repr=False)
    _meat: tuple[tuple[bool, bytes], ScoreMeatState] | None = None
    _steps: dict[bytes, Step] = field(default_factory=dict, repr=False)
    _told: tuple[bytes, tuple[float, float]] | None = None
    lock: Any = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.stream.solving = _SOLVING

    @property
    def has_offset(self) -> bool:
        """Whether an offset or an exposure goes with the rows."""
        return bool(self.roles & {"offset", "exposure"})

    @cached_property
    def likelihood(self) -> Likelihood:
        """The likelihood of all rows."""
        return self._likelihood(self.stream.fold, companions=self._companions)

    @cached_property
    def _companions(self) -> Companions:
        return Companions(self.stream, self.spec, self.kernel, self.has_offset)

    @cached_property
    def _pilot(self) -> Pilot:
        return Pilot(self.stream, self.spec, self.kernel)

    def _likelihood(self, fold: Fold, **more: Any) -> Likelihood:
        return Likelihood(fold, self.kernel, self.spec.k, self.spec.has_intercept, **more)

    # --- what is known of the rows

    @property
    def facts(self) -> RowFactsState:
        """What the rows were."""
        if self._companions.facts is None:
            self.first()
        assert self._companions.facts is not None
        return self._companions.facts

    @property
    def responses(self) -> ResponsesState:
        """What the responses were."""
        if self._companions.responses is None:
            self.first()
        assert self._companions.responses is not None
        return self._companions.responses

    @cached_property
    def constant(self) -> tuple[int, int | None]:
        """`k_constant` and `const_idx`."""
        point = self.first()
        return find_constant(self.facts, point.factor, self.hasconst)

    @cached_property
    def rank(self) -> int:
        """How many columns are independent."""
        return self.design_fit(self.first()).rank

    @_one_at_a_time
    def design_fit(self, point: Point, *, compress: bool = True) -> LinearFit:
        """A factor of the rows that tells the rank of the design itself.

        That of a point does, unless weights have vanished. Then it may be the first point,
        or the start of statsmodels, which weighs all rows.
        """
        fit = point.fit
        if fit.rank < self.spec.k and point.lowest < _THIN:
            fit = max(fit, self.first(compress=compress).fit, key=lambda found: found.rank)
            if fit.rank < self.spec.k:
                start = self._active(compress).start(self._mean_of_y())
                fit = max(fit, start.fit, key=lambda found: found.rank)
        return fit

    # --- where the iterations start

    @_one_at_a_time
    def first(self, *, compress: bool = True) -> Point:
        """The first point on all rows that is known, or a pass at the default start."""
        if self._first is None:
            self.start_from("pilot", compress)
        assert self._first is not None
        return self._first

    def start_from(self, start: str | FloatArray, compress: bool) -> tuple[Point, FloatArray]:
        """The first point of a fit, and what its history calls the parameters."""
        point, params = self._start_from(start, compress)
        if point.usable:
            self._first = self._first or point
        return point, params

    def _start_from(self, start: str | FloatArray, compress: bool) -> tuple[Point, FloatArray]:
        nowhere = np.zeros(self.spec.k)
        if not isinstance(start, str):
            self._refer_to_sample()
            return self.at(start, compress=compress), start
        if start == "pilot":
            cells = self._compressed() if compress else None
            if cells is not None:
                return cells.start(self.responses.total / self.responses.rows), nowhere
            params = self._pilot.params
            if params is not None:
                self._refer_to_sample()
                self.likelihood.exact |= self._pilot.exact
                point = self.likelihood.at(params)
                if point.usable:
                    return point, params
        mean = self._mean_of_y()
        self._companions.refer_to(mean)
        return self.likelihood.start(mean), nowhere

    def _mean_of_y(self) -> float:
        """What statsmodels' start needs of the mean response."""
        return self._companions.mean_of_y() if self.starts_from_mean else 0.5

    def _refer_to_sample(self) -> None:
        if self._companions.facts is None:
            mean = self._pilot.mean
            self._companions.refer_to(self._mean_of_y() if mean is None else mean, self._pilot)

    # --- rows that repeat

    def _compressed(self) -> Likelihood | None:
        """The likelihood of the distinct rows, folded where nobody has looked yet."""
        if self._cells is None and self._companions.facts is None:
            rows = self.stream.source.rows
            found = repetition(self.spec, rows, self.has_offset, lambda: self._pilot.cells)
            if found is not None and (found.bounded or self._pilot.params is not None):
                self._compress(found)
        return self._cells

    def _compress(self, found: Repetition) -> None:
        """One pass that folds the rows into distinct ones, or into the pilot's point."""
        shift = 0.0
        if not found.bounded or self.starts_from_mean or self.has_offset:
            self._refer_to_sample()
            shift = self._pilot.shift
        self._companions.refer_to(0.5)
        bounds = response_bounds(self.kernel.family)
        reference = self._companions.reference
        beside = (DevianceAbout(self.kernel, reference), Extremes(self.spec.k))
        fallback = None
        if not found.bounded:
            self.likelihood.exact |= self._pilot.exact
            fallback = Together((self.likelihood.scoring(self._pilot.params), *beside))
        facts, responses, distinct = self.stream.fold(
            "distinct rows",
            RowFacts(self.spec.k, design=False),
            Responses(self.kernel, reference),
            distinct_rows(found, self.spec, fallback, shift, bounds),
        )
        if not facts.rows or responses.weight == 0:
            facts.low[:] = facts.high[:] = 0.0
            self._companions.check(facts, responses)
        cells = distinct.cells
        state: Any = None
        if cells is None:
            state, seen, design = distinct.fallback
        else:
            seen, design = cell_rows(self.spec, cells, bounds).fold("distinct rows", *beside)
        if not design.finite or facts.not_finite is not None:
            return  # a pass over the rows will say where
        facts.low[:-1], facts.high[:-1] = design.low, design.high
        self._companions.learn(facts, responses)
        within = responses.deviance - seen
        if cells is not None:
            if not keeps_digits(cells, self.kernel.family, bounds, responses.deviance, within):
                return  # the rows will do
            self._cells = self._likelihood(
                cell_rows(self.spec, cells, bounds).fold, rows=len(cells.a), within=within
            )
        elif self._pilot.params is not None:
            self.likelihood.absorb(self._pilot.params, state, within)

    # --- fits and what they ask for

    @_one_at_a_time
    def path(
        self,
        start: str | FloatArray,
        *,
        maxiter: int,
        criterion: Criterion,
        rule: ScaleRule,
        df_resid: float | None = None,
        span: FloatArray | None = None,
        compress: bool = True,
    ) -> Path:
        """Fisher scoring from a start."""
        first, params = self.start_from(start, compress)
        active = self._active(compress)
        if not first.usable:
            raise self._no_start(first, active)
        if maxiter == 0:
            return Path(first, params, {"params": [np.inf, params], "deviance": [np.inf]})
        literal = isinstance(start, str) and start == "statsmodels"
        path = irls(
            active.at,
            first,
            params,
            scale_of=lambda point: self.scale(rule, lambda: point, df_resid),
            criterion=criterion,
            maxiter=maxiter,
            anchor=self.anchor(),
            span=span,
            literal=literal,
            correct=None if literal or span is not None else partial(self._correct, active),
        )
        if path.stuck and span is None and not isinstance(start, str):  # there are better starts
            return self.path(
                "pilot",
                maxiter=maxiter,
                criterion=criterion,
                rule=rule,
                compress=compress,
            )
        if "_pilot" in self.__dict__ and not self._pilot.release():
            del self._pilot
        if path.point.beta is None and maxiter > 0:
            raise DesignError(
                "no parameters were found whose means the "
                f"{type(self.kernel.family).__name__} family can have",
                hint="give some by start_params",
            )
        return path

    def _no_start(self, first: Point, active: Likelihood) -> DesignError:
        """Why a point is no start."""
        hint = "leave start_params out, or choose others"
        bad = first.outside
        if bad is None:
            return DesignError("the deviance at the start is not finite: a mean overflows", hint)
        where = "some row"
        if active is self.likelihood:
            where = f"row {bad.row} of {self.stream.source.partitions[bad.partition].label}"
        return DesignError(
            f"the start gives {where} the mean {bad.mean:g}, which the "
            f"{type(self.kernel.family).__name__} family cannot have",
            hint,
        )

    def _correct(self, active: Likelihood, point: Point, step: Step) -> Step:
        """A step corrected by the sample; the same whenever it is asked for."""
        if point.beta is None:
            return step
        key = point.beta.tobytes()
        sampled = active is self.likelihood and "_pilot" in self.__dict__
        sampled = sampled and self._pilot.rows > 0
        if key not in self._steps and sampled:
            rows, sample = self.facts.rows, self._pilot
            self._steps[key] = corrected(
                point, step, lambda beta, direction: rows * sample.remainder(beta, direction)
            )
        return self._steps.get(key, step)

    @_one_at_a_time
    def at(self, beta: FloatArray, *, compress: bool = True) -> Point:
        """The point of some parameters: a pass, unless it is known."""
        return self._active(compress).at(beta)

    @_one_at_a_time
    def known(self, *, compress: bool = True) -> list[Point]:
        """The last points that are of use, in the order in which they were found."""
        return [point for point in self._active(compress).known() if point.usable]

    def _active(self, compress: bool) -> Likelihood:
        """The likelihood of the distinct rows, where they are known and wanted, or of all."""
        return self._cells if self._cells is not None and compress else self.likelihood

    def anchor(self) -> FloatArray | None:
        """Parameters of constant means, where a column can give them."""
        index, null = self.constant[1], self._companions.null
        if index is None or (self.has_offset and (null is None or not null.is_possible)):
            return None
        beta = np.zeros(self.spec.k)
        constant = self.null_constant if null is None else null.best
        beta[index] = constant / self.facts.low[index]
        return beta

    @_one_at_a_time
    def meat(self, beta: FloatArray, *, compress: bool = True) -> ScoreMeatState:
        """Squared scores and the observed information at some parameters: a pass."""
        key = (compress, beta.tobytes())
        if self._meat is None or self._meat[0] != key:
            (state,) = self._active(compress).fold(
                "robust covariance", ScoreMeat(self.kernel, beta)
            )
            self._meat = key, state
        return self._meat[1]

    @_one_at_a_time
    def meat_on(
        self, beta: FloatArray, fit: LinearFit, root: FloatArray, *, compress: bool = True
    ) -> ScoreMeatState:
        """The same for the rows ``root.T x``, whose columns are nearly orthonormal.

        Parameters
        ----------
        beta : ndarray, (k,)
            The parameters.
        fit : LinearFit
            Of the weighted design at them.
        root : ndarray, (k, r)
            A root of the covariance of the parameters.
        """
        if not fit.centre.any():
            return self.meat(beta, compress=compress).on(root)
        key = (compress, beta.tobytes() + root.tobytes())
        if self._meat is None or self._meat[0] != key:
            meat = ScoreMeat(self.kernel, beta, Axes(root, fit.centre))
            (state,) = self._active(compress).fold("robust covariance", meat)
            self._meat = key, state
        return self._meat[1]

    def loglike(self, beta: FloatArray, deviance: float, scale: float) -> float:
        """The log-likelihood at a scale, from the deviance where that tells it."""
        found = self.responses
        form = loglike_form(self.kernel.family, found.unit_var_weights)
        if form is None:
            return self._loglikes(beta, scale)[0]
        return loglike_at(form, found.saturated, deviance, scale, found.freq)

    def loglike_of(self, point: Point, scale: float) -> np.float64:
        """The log-likelihood at a point; minus infinity where a mean is impossible."""
        assert point.beta is not None
        if point.outside is not None:
            return np.float64(-np.inf)
        return np.float64(self.loglike(point.beta, point.deviance, scale))

    def information(
        self, point: Point, *, observed: bool = True, compress: bool = True
    ) -> FloatArray:
        """The observed or the expected information at a point, at scale one, (k, k)."""
        if observed and point.beta is not None and not isinstance(self.kernel, CANONICAL):
            return self.meat(point.beta, compress=compress).observed
        return point.fit.r_exog.T @ point.fit.r_exog

    @property
    @_one_at_a_time
    def null_deviance(self) -> float:
        """The deviance of the model of a constant and the offset."""
        found, null = self.responses, self._companions.null
        if null is None:
            mean = np.array([found.weighted / found.weight])
            eta = np.array([self._companions.reference])
            at_mean = self.kernel.deviance(mean, eta, self.kernel.mean(eta), None)
            return found.deviance - found.weight * at_mean
        active = self._active(compress=True)  # which rows tell does not matter
        return null.settle(active.fold, active.within)

    @property
    def null_constant(self) -> float:
        """The linear predictor of the null model, without the offset."""
        found, null = self.responses, self._companions.null
        if null is None:
            return float(self.kernel.family.link(found.weighted / found.weight))
        _ = self.null_deviance
        return null.constant

    def loglike_null(self, beta: FloatArray, deviance: float, scale: float) -> float:
        """The log-likelihood of the null model, beside that of some parameters."""
        found = self.responses
        form = loglike_form(self.kernel.family, found.unit_var_weights)
        if form is None:
            return self._loglikes(beta, scale)[1]
        return loglike_at(form, found.saturated, deviance, scale, found.freq)

    @_one_at_a_time
    def _loglikes(self, beta: FloatArray, scale: float) -> tuple[float, float]:
        """Of some parameters and of the null model, where only the rows tell: a pass."""
        key = beta.tobytes() + np.float64(scale).tobytes()
        if self._told is None or self._told[0] != key:
            null = LogLike(self.kernel, 0 * beta, scale, self.null_constant)
            full = LogLike(self.kernel, beta, scale)
            states: Any = self.stream.fold("log-likelihood", full, null)
            self._told = key, states
        return self._told[1]

    def scale(
        self, rule: ScaleRule, gaps: Callable[[], Gaps], df_resid: float | None = None
    ) -> float:
        """The scale by a rule; the residual degrees of freedom are those of the design's rank."""
        if rule.kind == "fixed":
            return rule.value
        rows = self.responses.freq
        return rule.of(gaps, rows, rows - self.rank if df_resid is None else df_resid)

    # --- keeping and losing data

    def forget(self) -> None:
        """Let go of the distinct rows, and of the sample."""
        if self._cells is not None:
            _ = self.null_deviance
        self._cells = None
        self.__dict__.pop("_pilot", None)

    def __getstate__(self) -> dict[str, Any]:
        if self._cells is not None:
            _ = self.null_deviance
        gone = ("_pilot", "lock")
        kept = {key: value for key, value in self.__dict__.items() if key not in gone}
        return {**kept, "_cells": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, lock=threading.RLock())
