"""Which passes the fits of a generalised linear model make, and what they found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

import numpy as np

from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import Stream, sample_blocks
from statsmodels_ooc.engine.blas import one_blas_thread
from statsmodels_ooc.errors import DesignError, OutOfCoreError
from statsmodels_ooc.models.audited import check_audit
from statsmodels_ooc.models.compression import (
    Repetition,
    distinct_rows,
    fold_cells,
    repetition,
)
from statsmodels_ooc.models.families import loglike_form
from statsmodels_ooc.models.likelihood import Fold, Likelihood
from statsmodels_ooc.models.null_model import NullModel
from statsmodels_ooc.reductions.audit import RowAudit, RowAuditState
from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.glm_meat import ScoreMeat, ScoreMeatState
from statsmodels_ooc.reductions.kernels import Kernel
from statsmodels_ooc.reductions.loglike import LogLike
from statsmodels_ooc.reductions.null import NullScoring
from statsmodels_ooc.reductions.responses import Responses, ResponsesState
from statsmodels_ooc.reductions.together import Together
from statsmodels_ooc.solvers.constant import find_constant
from statsmodels_ooc.solvers.irls import Criterion, Path, Point, irls
from statsmodels_ooc.solvers.likelihood import loglike_at

__all__ = ["MaximumLikelihood"]

_PILOT_ROWS = 131_072
_PILOT_BYTES = 2**26
_PILOT_STEPS = 25
_PILOT_TOLERANCE = 1e-2  # of its deviance: its own error is larger


@dataclass
class MaximumLikelihood:
    """The fits of one model, each from as few passes as possible.

    Parameters
    ----------
    stream : Stream
        The rows.
    spec : DesignSpec
        The design.
    kernel : Kernel
        The family and its link.
    has_offset : bool
        Whether an offset or an exposure goes with the rows.
    starts_from_mean : bool
        Whether the means that statsmodels starts from need the mean response.
    hasconst : bool or None
        The user's word on whether the design holds a constant.
    """

    stream: Stream
    spec: DesignSpec
    kernel: Kernel
    has_offset: bool
    starts_from_mean: bool
    hasconst: bool | None
    _audit: RowAuditState | None = None
    _responses: ResponsesState | None = None
    _null: NullModel | None = None
    _reference: float = 0.0
    _cells: Likelihood | None = None
    _meat: tuple[bytes, ScoreMeatState] | None = None
    _told: tuple[bytes, tuple[float, float]] | None = None
    may_compress: bool = True
    _first: Point | None = field(default=None, repr=False)

    # --- what every pass brings along

    @cached_property
    def likelihood(self) -> Likelihood:
        """The likelihood of all rows."""
        return Likelihood(
            self.stream.fold,
            self.kernel,
            self.spec.k,
            self.spec.has_intercept,
            companions=self._companions,
            receive=self._receive,
        )

    def _companions(self) -> tuple[Any, ...]:
        more: tuple[Any, ...] = ()
        if self._audit is None:
            more += (RowAudit(self.spec.k), Responses(self.kernel, self._reference))
        if self._null is not None and not self._null.settled:
            more += (NullScoring(self.kernel, self._null.constant),)
        return more

    def _receive(self, *states: Any) -> None:
        left = list(states)
        if self._audit is None:
            audit, responses = left.pop(0), left.pop(0)
            self._check(audit, responses)
            self._audit, self._responses = audit, responses
            self.likelihood.rows = audit.rows
        if left and self._null is not None:
            self._null.learn(left[0])

    def _check(self, audit: RowAuditState, responses: ResponsesState) -> None:
        """Refuse rows that no fit can be made of."""
        check_audit(audit, self.spec, self.stream.source)
        bad = responses.impossible
        if bad is not None:
            label = self.stream.source.partitions[bad.partition].label
            family = type(self.kernel.family).__name__
            raise DesignError(
                f"{self.spec.endog_name!r} is {bad.value:g} at row {bad.row} of {label}, which "
                f"the {family} family cannot have"
            )
        if responses.weight == 0:
            raise DesignError(
                f"the weights of all {audit.rows:,} rows of {self.stream.source.name} are zero"
            )

    # --- what is known of the rows

    @property
    def audit(self) -> RowAuditState:
        """What the rows were."""
        if self._audit is None:
            self.first()
        assert self._audit is not None
        return self._audit

    @property
    def responses(self) -> ResponsesState:
        """What the responses were."""
        if self._responses is None:
            self.first()
        assert self._responses is not None
        return self._responses

    @cached_property
    def constant(self) -> tuple[int, int | None]:
        """`k_constant` and `const_idx`."""
        point = self.first()
        return find_constant(self.audit, point.factor, self.hasconst)

    @cached_property
    def rank(self) -> int:
        """How many columns are independent."""
        return self.first().fit.rank

    # --- where the iterations start

    def first(self) -> Point:
        """The first point on all rows that is known, or a pass at the default start."""
        if self._first is None:
            self._first = self.start_from("pilot")[0]
        return self._first

    def start_from(self, start: str | FloatArray) -> tuple[Point, FloatArray]:
        """The first point of a fit, and what its history calls the parameters."""
        if not isinstance(start, str):
            self._refer_to(self._sample_mean())
            return self._noted(self.likelihood.at(start)), start
        if start == "pilot" and self._compressed():
            assert self._cells is not None
            point = self._cells.start(self.responses.total / self.responses.rows)
            return self._noted(point), np.zeros(self.spec.k)
        if start == "pilot" and self.pilot is not None:
            point = self._noted(self.likelihood.at(self.pilot))
            if point.outside is None:
                return point, self.pilot
        mean = self._mean_of_y() if self.starts_from_mean else 0.5
        self._refer_to(mean)
        return self._noted(self.likelihood.start(mean)), np.zeros(self.spec.k)

    def _compressed(self) -> bool:
        """Whether there are few distinct rows, which are folded where nobody has looked yet."""
        if not self.may_compress:
            return False
        if self._cells is None and self._audit is None:
            rows = self.stream.source.rows
            found = repetition(self.spec, rows, self.has_offset, lambda: self.sample)
            if found is not None and (found.bounded or self.pilot is not None):
                self._compress(found)
        return self._cells is not None

    def _compress(self, found: Repetition) -> None:
        """One pass that folds the rows into distinct ones, or into the pilot's point."""
        fallback, shift = None, 0.0
        if not found.bounded or self.starts_from_mean:
            mean = self._sample_mean()
            self._refer_to(mean)
            shift = 0.0 if mean is None else mean
        facts = (Responses(self.kernel, self._reference), RowAudit(self.spec.k))
        if not found.bounded:
            fallback = Together((self.likelihood.scoring(self.pilot), *facts))
        audit, responses, distinct = self.stream.fold(
            "distinct rows",
            RowAudit(self.spec.k, design=False),
            facts[0],
            distinct_rows(found, self.spec, fallback, shift),
        )
        if not audit.rows or responses.weight == 0:
            audit.low[:] = audit.high[:] = 0.0
            self._check(audit, responses)
        cells = distinct.cells
        state: Any = None
        if cells is None:
            state, seen, design = distinct.fallback
        else:
            seen, design = fold_cells(self.spec, cells)("", *facts)
        if design.not_finite is not None:
            return  # a pass over the rows will say where
        audit.low[:-1], audit.high[:-1] = design.low[:-1], design.high[:-1]
        self._check(audit, responses)
        self._audit, self._responses = audit, responses
        within = responses.deviance - seen.deviance
        self.likelihood.rows = audit.rows
        if cells is None:
            assert self.pilot is not None
            self.likelihood.absorb(self.pilot, state, within)
        else:
            self._cells = Likelihood(
                fold_cells(self.spec, cells),
                self.kernel,
                self.spec.k,
                self.spec.has_intercept,
                rows=len(cells.a),
                within=within,
            )

    def _noted(self, point: Point) -> Point:
        if point.outside is None:
            self._first = self._first or point
        return point

    def _mean_of_y(self) -> float:
        """The mean response: a pass, unless it is known."""
        found = self._responses
        if found is None:
            kept = RowAudit(self.spec.k), Responses(self.kernel, 0.0)
            audit, found = self.stream.fold("mean response", *kept)
            self._check(audit, found)
        return found.total / found.rows

    @cached_property
    def sample(self) -> list[Any]:
        """Blocks of a sample of the rows; none where they are faulty, for a pass to name."""
        rows = max(min(_PILOT_ROWS, _PILOT_BYTES // (8 * self.spec.k)), 20 * self.spec.k)
        try:
            blocks = sample_blocks(self.stream.source, self.spec, rows, self.stream.passes)
        except OutOfCoreError:
            return []
        sound = all(_is_sound(block, self.kernel) for block in blocks)
        return [block for block in blocks if len(block.endog)] if sound else []

    @property
    def _sampled(self) -> bool:
        return bool(self.__dict__.get("sample"))

    def _sample_mean(self) -> float | None:
        rows = sum(len(block.endog) for block in self.sample)
        return sum(float(block.endog.sum()) for block in self.sample) / rows if rows else None

    @cached_property
    def pilot(self) -> FloatArray | None:
        """The parameters of a sample of the rows; None where it has no good ones."""
        rows, mean = sum(len(block.endog) for block in self.sample), self._sample_mean()
        if mean is None or rows <= self.spec.k:
            return None
        self._refer_to(mean)
        likelihood = Likelihood(
            _folder(self.sample), self.kernel, self.spec.k, self.spec.has_intercept, rows=rows
        )
        path = irls(
            likelihood.at,
            likelihood.start(mean),
            np.zeros(self.spec.k),
            scale_of=lambda point: 1.0,
            criterion=Criterion("deviance", _PILOT_TOLERANCE, 0.0),
            maxiter=_PILOT_STEPS,
            reach=np.zeros(self.spec.k),
        )
        self.likelihood.exact |= likelihood.exact
        good = path.converged and not path.perfect and bool(np.isfinite(path.params).all())
        return path.params if good else None

    def _refer_to(self, mean: float | None) -> None:
        """Choose what the null model is measured from, once."""
        if self._audit is not None or self._null is not None or mean is None:
            return
        eta = self.kernel.start(np.array([mean]), mean)
        self._reference = float(eta[0]) if np.isfinite(eta).all() else 0.0
        if self.has_offset:
            self._null = NullModel(self.kernel, self._reference)
            if self._sampled:
                self._null = self._null.started(_folder(self.sample))

    # --- fits and what they ask for

    def path(
        self,
        start: str | FloatArray,
        *,
        maxiter: int,
        criterion: Criterion,
        scale_of: Callable[[Point], float],
        span: FloatArray | None = None,
    ) -> Path:
        """Fisher scoring from a start."""
        first, params = self.start_from(start)
        if first.outside is not None:
            bad = first.outside
            label = self.stream.source.partitions[bad.partition].label
            raise DesignError(
                f"the start gives row {bad.row} of {label} the mean {bad.mean:g}, which the "
                f"{type(self.kernel.family).__name__} family cannot have",
                hint="leave start_params out, or choose others",
            )
        if maxiter == 0:
            return Path(first, params, {"params": [np.inf, params], "deviance": [np.inf]})
        audit = self.audit
        return irls(
            self.at,
            first,
            params,
            scale_of=scale_of,
            criterion=criterion,
            maxiter=maxiter,
            reach=np.maximum(np.abs(audit.low), np.abs(audit.high))[:-1],
            anchor=self._anchor(),
            span=span,
            literal=isinstance(start, str) and start == "statsmodels",
        )

    def at(self, beta: FloatArray) -> Point:
        """The point of some parameters: a pass, unless it is known."""
        return self.likelihood.at(beta) if self._cells is None else self._cells.at(beta)

    def known(self) -> list[Point]:
        """The last points, in the order in which they were found."""
        return (self.likelihood if self._cells is None else self._cells).known()

    @property
    def _fold(self) -> Fold:
        """Folds over the rows, or over the distinct ones."""
        return self.stream.fold if self._cells is None else self._cells.fold

    @property
    def _within(self) -> float:
        """The deviance that rows within the cells have on top."""
        return 0.0 if self._cells is None else self._cells.within

    def _anchor(self) -> FloatArray | None:
        """Parameters of constant means, where a column can give them."""
        index = self.constant[1]
        if index is None or self.has_offset:
            return None
        beta = np.zeros(self.spec.k)
        beta[index] = self.null_constant / self.audit.low[index]
        return beta

    def meat(self, beta: FloatArray) -> ScoreMeatState:
        """Squared scores and the observed information at some parameters: a pass."""
        key = beta.tobytes()
        if self._meat is None or self._meat[0] != key:
            (state,) = self._fold("robust covariance", ScoreMeat(self.kernel, beta))
            self._meat = key, state
        return self._meat[1]

    def loglike(self, beta: FloatArray, deviance: float, scale: float) -> float:
        """The log-likelihood at a scale, from the deviance where that tells it."""
        found = self.responses
        form = loglike_form(self.kernel.family, found.unit_var_weights)
        if form is None:
            return self._loglikes(beta, scale)[0]
        return loglike_at(form, found.saturated, deviance, scale, found.freq)

    @property
    def null_deviance(self) -> float:
        """The deviance of the model of a constant and the offset."""
        if self._null is None:
            found = self.responses
            mean, eta = np.array([found.weighted / found.weight]), np.array([self._reference])
            at_mean = self.kernel.deviance(mean, eta, self.kernel.mean(eta), None)
            return found.deviance - found.weight * at_mean
        return self._null.settle(self._fold) + self._within

    @property
    def null_constant(self) -> float:
        """The linear predictor of the null model, without the offset."""
        if self._null is None:
            found = self.responses
            return float(self.kernel.family.link(found.weighted / found.weight))
        self._null.settle(self._fold)
        return self._null.constant

    def loglike_null(self, beta: FloatArray, deviance: float, scale: float) -> float:
        """The log-likelihood of the null model, beside that of some parameters."""
        found = self.responses
        form = loglike_form(self.kernel.family, found.unit_var_weights)
        if form is None:
            return self._loglikes(beta, scale)[1]
        return loglike_at(form, found.saturated, deviance, scale, found.freq)

    def _loglikes(self, beta: FloatArray, scale: float) -> tuple[float, float]:
        """Of some parameters and of the null model, where only the rows tell: a pass."""
        key = beta.tobytes() + np.float64(scale).tobytes()
        if self._told is None or self._told[0] != key:
            null = LogLike(self.kernel, 0 * beta, scale, self.null_constant)
            full = LogLike(self.kernel, beta, scale)
            states: Any = self.stream.fold("log-likelihood", full, null)
            self._told = key, states
        return self._told[1]


def _folder(blocks: list[Any]) -> Callable[..., tuple[Any, ...]]:
    """Folds reductions over blocks in memory, as `Stream.fold` does over the rows."""

    def fold(name: str, *reductions: Any) -> tuple[Any, ...]:
        with one_blas_thread():
            return tuple(reduce(r.update, blocks, r.init()) for r in reductions)

    return fold


def _is_sound(block: Any, kernel: Kernel) -> bool:
    """Whether the rows of a block are finite, and what the family can have."""
    sums = block.design.rmatvec(np.ones(len(block.endog)))
    finite = np.isfinite(sums).all() and np.isfinite(block.endog).all()
    return bool(finite) and kernel.impossible(block.endog) is None
