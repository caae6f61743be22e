"""Which passes the fits of a generalised linear model make, and what they found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.families.elementwise import gamma_at_mean
from statsmodels_ooc.families.kernels import Canonical, Kernel, loglike_form
from statsmodels_ooc.likelihoods.base import Asked, Question, one_at_a_time
from statsmodels_ooc.likelihoods.evaluation import Evaluation
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.facts import RowFactsState
from statsmodels_ooc.reductions.glm_meat import ScoreMeat, ScoreMeatState
from statsmodels_ooc.reductions.loglike import LogLike
from statsmodels_ooc.reductions.responses import ResponsesState
from statsmodels_ooc.solvers.dependence import find_constant
from statsmodels_ooc.solvers.irls import Path, irls
from statsmodels_ooc.solvers.least_squares import LinearFit
from statsmodels_ooc.solvers.point import Criterion, Gaps, Point, ScaleRule

_SOLVING = 16  # matrices, (k, k): of the points that steps lead from and to, and of the start
_THIN = 1e-10  # weight; a row with less may be lost to the rank


def meat_question(kernel: Kernel, beta: FloatArray, axes: Axes | None) -> Question:
    """What `GLMLikelihood.meat` asks the rows, in axes where columns are far from zero."""
    axes = None if axes is None or not axes.centre.any() else axes
    key = ("meat", beta.tobytes(), None if axes is None else axes.root.tobytes())
    return Question("robust covariance", key, ScoreMeat(kernel, beta, axes))


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
    evaluation: Evaluation = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.stream.solving = _SOLVING
        has_offset = bool(self.roles & {"offset", "exposure"})
        self.evaluation = Evaluation(
            self.stream, self.spec, self.kernel, has_offset, self.starts_from_mean
        )

    @property
    def asked(self) -> Asked:
        """What all rows have told so far."""
        return self.evaluation.all_rows.asked

    def ask(self, *questions: Question, compress: bool = False) -> tuple[Any, ...]:
        """Answers of the rows, see `Asked.ask`; of the distinct ones where they will do."""
        return self.evaluation.active(compress).asked.ask(*questions)

    # --- what is known of the rows

    @property
    def facts(self) -> RowFactsState:
        """What the rows were."""
        self._read()
        return self.evaluation.first_pass.facts

    @property
    def responses(self) -> ResponsesState:
        """What the responses were."""
        self._read()
        return self.evaluation.first_pass.responses

    def _read(self) -> None:
        if not self.evaluation.first_pass.made:
            self.first()

    @property
    def constant(self) -> tuple[int, int | None]:
        """`k_constant` and `const_idx`."""
        found: tuple[int, int | None] = self.asked.once(
            "constant", lambda: find_constant(self.facts, self.first().factor, self.hasconst)
        )
        return found

    @property
    def rank(self) -> int:
        """How many columns are independent."""
        rank: int = self.asked.once("rank", lambda: self.design_fit(self.first()).rank)
        return rank

    @one_at_a_time
    def design_fit(self, point: Point, *, compress: bool = True) -> LinearFit:
        """A factor of the rows that tells the rank of the design itself.

        That of a point does, unless weights have vanished. Then it may be the first point,
        or the start of statsmodels, which weighs all rows.
        """
        fit = point.fit
        if fit.rank < self.spec.k and point.lowest < _THIN:
            fit = max(fit, self.first(compress=compress).fit, key=lambda found: found.rank)
            if fit.rank < self.spec.k:
                mean = self.evaluation.mean_of_y()
                start = self.evaluation.active(compress).start(mean)
                fit = max(fit, start.fit, key=lambda found: found.rank)
        return fit

    # --- fits

    @one_at_a_time
    def first(self, *, compress: bool = True) -> Point:
        """The first point on all rows that is known, or a pass at the default start."""
        if "first point" not in self.asked.answers:
            found, _ = self._start("pilot", compress)
            if not found.usable:
                raise self.evaluation.no_start(found, self.evaluation.active(compress))
        point: Point = self.asked.answers["first point"]
        return point

    def _start(self, start: str | FloatArray, compress: bool) -> tuple[Point, FloatArray]:
        point, params = self.evaluation.start(start, compress)
        if point.usable:
            self.asked.once("first point", lambda: point)
        return point, params

    @one_at_a_time
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
        first, params = self._start(start, compress)
        active = self.evaluation.active(compress)
        if not first.usable:
            raise self.evaluation.no_start(first, active)
        if maxiter == 0:
            return Path(first, params, {"params": [np.inf, params], "deviance": [np.inf]})
        literal = isinstance(start, str) and start == "statsmodels"
        follows = literal or span is not None
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
            correct=None if follows else partial(self.evaluation.correct, active),
        )
        if path.stuck and span is None and not isinstance(start, str):  # there are better starts
            return self.path(
                "pilot",
                maxiter=maxiter,
                criterion=criterion,
                rule=rule,
                compress=compress,
            )
        self.evaluation.release_sample()
        if path.point.beta is None and maxiter > 0:
            raise DesignError(
                "no parameters were found whose means the "
                f"{type(self.kernel.family).__name__} family can have",
                hint="give some by start_params",
            )
        return path

    @one_at_a_time
    def at(self, beta: FloatArray, *, compress: bool = True) -> Point:
        """The point of some parameters: a pass, unless it is known."""
        return self.evaluation.active(compress).at(beta)

    def anchor(self) -> FloatArray | None:
        """Parameters of constant means, where a column can give them."""
        index, null = self.constant[1], self.evaluation.first_pass.null
        has_offset = self.evaluation.has_offset
        if index is None or (has_offset and (null is None or not null.is_possible)):
            return None
        beta = np.zeros(self.spec.k)
        constant = self.null_constant if null is None else null.best
        beta[index] = constant / self.facts.low[index]
        return beta

    # --- what fits ask for

    def meat(
        self, beta: FloatArray, axes: Axes | None = None, *, compress: bool = True
    ) -> ScoreMeatState:
        """Squared scores and the observed information at some parameters: a pass.

        Parameters
        ----------
        beta : ndarray, (k,)
            The parameters.
        axes : Axes, optional
            In which the rows are measured, so that their columns are nearly orthonormal.
        compress : bool
            Whether the distinct rows will do.
        """
        if axes is not None and not axes.centre.any():
            return self.meat(beta, compress=compress).on(axes.root)
        state: ScoreMeatState
        (state,) = self.ask(meat_question(self.kernel, beta, axes), compress=compress)
        return state

    def information(
        self, point: Point, *, observed: bool = True, compress: bool = True
    ) -> FloatArray:
        """The observed or the expected information at a point, at scale one, (k, k)."""
        if observed and point.beta is not None and not isinstance(self.kernel, Canonical):
            return self.meat(point.beta, compress=compress).observed
        return point.fit.r_exog.T @ point.fit.r_exog

    @property
    @one_at_a_time
    def null_deviance(self) -> float:
        """The deviance of the model of a constant and the offset."""
        self._read()
        return self.evaluation.null_deviance()

    @property
    def null_constant(self) -> float:
        """The linear predictor of the null model, without the offset."""
        found, null = self.responses, self.evaluation.first_pass.null
        if null is None:
            return float(self.kernel.family.link(found.weighted / found.weight))
        _ = self.null_deviance
        return null.constant

    def scale(
        self, rule: ScaleRule, gaps: Callable[[], Gaps], df_resid: float | None = None
    ) -> float:
        """The scale by a rule; the residual degrees of freedom are those of the design's rank."""
        if rule.kind == "fixed":
            return rule.value
        rows = self.responses.freq
        return rule.of(gaps, rows, rows - self.rank if df_resid is None else df_resid)

    def forget(self) -> None:
        """Let go of the distinct rows, and of the sample."""
        self.evaluation.forget()


def loglike(likelihood: GLMLikelihood, beta: FloatArray, deviance: float, scale: float) -> float:
    """The log-likelihood at a scale, from the deviance where that tells it."""
    told = _from_deviance(likelihood, deviance, scale)
    return _by_rows(likelihood, beta, scale)[0] if told is None else told


def loglike_null(likelihood: GLMLikelihood, beta: FloatArray, scale: float) -> float:
    """The log-likelihood of the null model, read along with that of some parameters."""
    told = _from_deviance(likelihood, likelihood.null_deviance, scale)
    return _by_rows(likelihood, beta, scale)[1] if told is None else told


def loglike_of(likelihood: GLMLikelihood, point: Point, scale: float) -> np.float64:
    """The log-likelihood at a point; minus infinity where a mean is impossible."""
    assert point.beta is not None
    if point.outside is not None:
        return np.float64(-np.inf)
    return np.float64(loglike(likelihood, point.beta, point.deviance, scale))


def _from_deviance(likelihood: GLMLikelihood, deviance: float, scale: float) -> float | None:
    found = likelihood.responses
    form = loglike_form(likelihood.kernel.family, found.unit_var_weights)
    if form is None:
        return None
    return loglike_at(form, found.saturated, deviance, scale, found.freq)


def _by_rows(likelihood: GLMLikelihood, beta: FloatArray, scale: float) -> tuple[float, float]:
    """Of some parameters and of the null model, where only the rows tell: a pass."""
    kernel, name = likelihood.kernel, "log-likelihood"
    full = LogLike(kernel, beta, scale)
    null = LogLike(kernel, 0 * beta, scale, likelihood.null_constant)
    found: tuple[float, float] = likelihood.ask(
        Question(name, (name, beta.tobytes(), scale), full),
        Question(name, ("null " + name, scale), null),
    )
    return found


def loglike_at(
    form: str, saturated: float, deviance: float, scale: float, freq_total: float
) -> float:
    """Log-likelihood as the families of statsmodels define it.

    Parameters
    ----------
    form : {"fixed", "linear", "dispersion", "gamma", "undefined"}
        How the scale enters: not at all, as a divisor, as the dispersion of a normal
        density, as that of a gamma density of unit weights, or in no way known.
    saturated : float
        Log-likelihood at scale one where the means are the responses.
    deviance : float
        Deviance at scale one.
    scale : float
        The scale.
    freq_total : float
        Sum of the frequency weights.
    """
    s = np.float64(scale)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        match form:
            case "fixed":
                return saturated - deviance / 2
            case "linear":
                return float((saturated - deviance / 2) / s)
            case "dispersion":
                return float(saturated - deviance / (2 * s) - freq_total / 2 * np.log(s))
            case "gamma":
                shape = 1 / s
                constant = 1 + gamma_at_mean(np.array([shape]))[0]
                return float(saturated + freq_total * constant - shape * deviance / 2)
            case "undefined":
                return float("nan")
    raise ValueError(f"unknown form of likelihood: {form!r}")
