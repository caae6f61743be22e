"""Iteratively reweighted least squares, one evaluation a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.scoring import Outside
from statsmodels_ooc.reductions.triangle import triangularize
from statsmodels_ooc.solvers.dependence import noise
from statsmodels_ooc.solvers.least_squares import LinearFit

__all__ = [
    "Criterion",
    "Path",
    "Point",
    "Step",
    "corrected",
    "irls",
    "scoring_step",
    "spanned_root",
]

_EPS = float(np.finfo(np.float64).eps)
_HALVINGS = 30
_REMAINS = 3e-10  # of a standard error: what the last step may leave to all that would follow
_SETTLED = 5e-10  # root mean square change of eta after which the weights stand still
_ROUNDING = 1e-5  # of a standard error: steps below that no longer shrink have lost the score
_PERFECT = 1e-8  # distance of responses from their means that counts as none
_CORRECTIONS = 8  # rounds, each a look at the sample
_CORRECTED = 1e-5  # of a step: corrections that small are the last
_EDGE = 5  # steps in a row, each cut to an eighth or less by the family's domain
_PREDICTED = 0.5  # distance of responses from their means that tells zeros from ones
_BRINK = 1e-10  # distance of eta from impossible means that counts as none
_ON_THE_EDGE = "the optimum lies where means become impossible for the family"
_GROWS = "the parameters grow without a limit, as in separated data"
_PATIENCE = 12  # steps in a row that flatten the likelihood and do not get shorter
_FLATTER = 0.7  # of the curvature one step before, with a deviance at rest: no optimum ahead


@dataclass(frozen=True)
class Point:
    """What one pass found at k parameters.

    Attributes
    ----------
    beta : ndarray, (k,), or None
        The parameters; None for means that follow from the responses.
    deviance, pearson : float
        At scale one.
    score : ndarray, (k,)
        Gradient of the log-likelihood at scale one; ``X'Wz`` of the working response z
        where there are no parameters yet.
    gap : float
        The largest distance of a response from its mean.
    outside : Outside or None
        A row whose mean the family cannot have; nothing else counts then.
    fit : LinearFit
        Of the weighted design, without a response.
    factor : ndarray, (k + 2, k + 2)
        R of ``sqrt(w) * [1 | X | 0]``.
    edge : float
        The smallest distance of a linear predictor from where means become impossible.
    """

    beta: FloatArray | None
    deviance: float
    pearson: float
    score: FloatArray
    gap: float
    outside: Outside | None
    fit: LinearFit
    factor: FloatArray
    edge: float = np.inf

    @property
    def usable(self) -> bool:
        """Whether all means are possible and the deviance is finite."""
        return self.outside is None and bool(np.isfinite(self.deviance))

    @property
    def weight(self) -> float:
        """Sum of the weights."""
        return float(self.factor[0, 0] ** 2)


@dataclass(frozen=True)
class Step:
    """The next step of Fisher scoring.

    Attributes
    ----------
    direction : ndarray, (k,)
        What is added to the parameters.
    decrement : float
        The fall of the deviance that the step promises, ``score @ direction``; its root
        is the length of the step in standard errors.
    """

    direction: FloatArray
    decrement: float


@dataclass(frozen=True)
class Criterion:
    """When statsmodels takes an iteration for converged.

    Attributes
    ----------
    name : {"deviance", "params"}
        What must stand still.
    atol, rtol : float
        How still.
    """

    name: str
    atol: float
    rtol: float

    def holds(self, history: dict[str, list[Any]]) -> bool:
        """Whether the last two entries are close; a deviance up to its rounding."""
        before, after = history[self.name][-2:]
        atol = self.atol
        if self.name == "deviance":
            atol += 4 * _EPS * abs(after)
        return bool(np.allclose(before, after, atol=atol, rtol=self.rtol))

    def will_hold(self, point: Point, step: Step, scale: float) -> bool:
        """Whether the step will not move what must stand still: no pass has to try."""
        if self.name == "params":
            assert point.beta is not None
            after = point.beta + step.direction
            return bool(np.allclose(point.beta, after, atol=self.atol, rtol=self.rtol))
        return step.decrement <= self.atol * scale + self.rtol * abs(point.deviance)


@dataclass
class Path:
    """Where the iterations went.

    Attributes
    ----------
    point : Point
        The last point.
    params : ndarray, (k,)
        The answer: the last point's parameters, or those with the last step added,
        which needs no pass.
    history : dict
        ``params`` and scaled ``deviance`` of every iteration, as statsmodels has them.
    iterations : int
        Steps that were tried out.
    converged : bool
        Whether the criterion and the score say so.
    perfect : bool
        Whether all responses were predicted.
    reason : str
        Why not converged.
    score_norm : float
        Length of the remaining step in standard errors.
    suspect : int or None
        The parameter that grows most, where some grow without a limit.
    """

    point: Point
    params: FloatArray
    history: dict[str, list[Any]]
    iterations: int = 0
    converged: bool = False
    perfect: bool = False
    reason: str = ""
    score_norm: float = np.inf
    suspect: int | None = None


def irls(
    evaluate: Callable[[FloatArray], Point],
    first: Point,
    start_params: FloatArray,
    *,
    scale_of: Callable[[Point], float],
    criterion: Criterion,
    maxiter: int,
    anchor: FloatArray | None = None,
    span: FloatArray | None = None,
    literal: bool = False,
    rough: bool = False,
    correct: Callable[[Point, Step], Step] | None = None,
) -> Path:
    """Fisher scoring from a first point, with steps halved where they go wrong.

    Parameters
    ----------
    evaluate : callable
        Parameters to a point: one pass.
    first : Point
        Where to start.
    start_params : ndarray, (k,)
        What the history gives for it.
    scale_of : callable
        The scale at a point.
    criterion : Criterion
        When statsmodels would stop.
    maxiter : int
        Most steps.
    anchor : ndarray, (k,), optional
        Parameters of valid means, where the first point has none.
    span : ndarray, (k, q), optional
        Columns that the steps must be combinations of.
    literal : bool
        Stop where statsmodels would, with two deviances that are close, and leave the
        parameters there. Otherwise stop as soon as the score says that the next
        deviance will be close, and add that last step.
    rough : bool
        Leave it at the criterion, as does for a start.
    correct : callable, optional
        A point and its step to a better step: see `corrected`.

    Notes
    -----
    The deviance falls by the decrement ``s'(X'WX)^-1 s`` up to third order, so that the
    criterion on the next deviance is known without its pass. Three conditions must
    hold: the criterion; a last step that leaves less than 3e-10 standard errors by the
    rate at which the steps have been shrinking; and weights that stand still.
    """
    point, scale = first, scale_of(first)
    history: dict[str, list[Any]] = {
        "params": [np.inf, start_params],
        "deviance": [np.inf, _over(first.deviance, scale)],
    }
    path = Path(first, start_params, history)
    before: tuple[Point, Step] | None = None
    cut = flat = 0
    while True:
        step = scoring_step(point, span)
        path.point, path.score_norm = point, float(np.sqrt(_over(step.decrement, scale)))
        if point.beta is not None:
            path.params = point.beta
            path.perfect |= point.gap <= _PERFECT
            rests = criterion.will_hold(point, step, scale) or _is_noise(point, step)
            stops = rests and (not literal or (path.iterations > 0 and criterion.holds(history)))
            flat = flat + 1 if _diverges(point, step, before) else 0
            patience = 1 if stops or path.perfect else _PATIENCE
            if flat >= patience and (stops or not literal):
                path.reason, path.suspect = _GROWS, int(np.argmax(np.abs(step.direction)))
                path.perfect |= point.gap < _PREDICTED  # on the way to certainty everywhere
                return path
            if stops and point.edge <= _BRINK:
                path.reason = _ON_THE_EDGE
                return path
            if stops and literal:
                path.converged = True
                return path
            if stops and (rough or _settled(point, step, before, scale)):
                path.converged, path.params = True, point.beta + step.direction
                return path
        if path.iterations >= maxiter:
            path.reason = f"more than maxiter={maxiter} iterations are needed"
            return path
        taken = step if correct is None else correct(point, step)
        new, halvings = _advance(evaluate, point, taken, anchor)
        if new is None:
            path.reason = "no step along the direction of the score lowers the deviance"
            return path
        cut = cut + 1 if halvings >= 3 else 0
        if cut == _EDGE:
            path.reason = _ON_THE_EDGE
            return path
        path.iterations += 1
        history["params"].append(new.beta)
        history["deviance"].append(_over(new.deviance, scale))
        point, scale, before = new, scale_of(new), (point, step)


def scoring_step(point: Point, span: FloatArray | None = None) -> Step:
    """The step to the least-squares solution of the working response."""
    root = point.fit.root if span is None else spanned_root(point.fit, span)
    length = root.T @ point.score
    return Step(root @ length, float(length @ length))


def corrected(
    point: Point, step: Step, remainder: Callable[[FloatArray, FloatArray], FloatArray]
) -> Step:
    """The step to where the score vanishes, not only its linear part.

    A sample of the rows tells what the score is beyond its linear part well enough to
    take most of a step's error away: that of Newton's method, and what Fisher scoring
    leaves because the information it uses is the expected one. The step stays as it is
    where the correction is not small, or does not settle.

    Parameters
    ----------
    point, step : Point, Step
        Where the step starts, and the step of scoring.
    remainder : callable
        Parameters and a step d to an estimate of ``s(beta + d) - s(beta) + X'WX d``.

    References
    ----------
    Jordan, Lee, Yang (2019). Communication-efficient distributed statistical inference.
    J. Amer. Statist. Assoc. 114, 668-681, equation (4), here with the Hessian of all rows.
    """
    if point.beta is None:
        return step
    root = point.fit.root
    whole, direction, last = np.sqrt(step.decrement), step.direction, np.inf
    for _ in range(_CORRECTIONS):
        with np.errstate(over="ignore", invalid="ignore"):  # a step that leads far astray
            length = root.T @ remainder(point.beta, direction)
        new = step.direction + root @ length
        moved = float(np.linalg.norm(point.fit.r_exog @ (new - direction)))
        if not (moved < last and np.linalg.norm(length) < whole / 2):
            return step
        direction, last = new, moved
        if moved <= _CORRECTED * whole:
            break
    return Step(direction, step.decrement)


def spanned_root(fit: LinearFit, span: FloatArray) -> FloatArray:
    """A root of ``T (T'X'WXT)^+ T'`` for a span T, (k, q)."""
    factor = triangularize(fit.r_exog @ span)
    _, values, vt = np.linalg.svd(factor)
    counted = values > values.max(initial=0.0) * noise(len(factor), len(factor))
    root: FloatArray = span @ (vt[counted].T / values[counted])
    return root


def _over(value: float, scale: float) -> float:
    """A quotient of sums; the scale of a perfect fit may be zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(value, scale))


def _is_noise(point: Point, step: Step) -> bool:
    """Whether the step is no longer than what rounding leaves of eta."""
    if point.beta is None:
        return False
    eta = np.linalg.norm(point.fit.r_exog @ point.beta)
    return bool(np.sqrt(step.decrement) <= 4 * _EPS * eta)


def _settled(point: Point, step: Step, before: tuple[Point, Step] | None, scale: float) -> bool:
    """Whether neither the parameters nor the weights will move after this step."""
    length, shrinks = np.sqrt(step.decrement), 1.0
    if before is not None and before[1].decrement > 0:
        shrinks = min(1.0, length / np.sqrt(before[1].decrement))
        if shrinks == 1.0 and length <= _ROUNDING * np.sqrt(scale):
            return True
    remains = shrinks * length <= _REMAINS * max(1 - shrinks, 0.1) * np.sqrt(scale)
    return _is_noise(point, step) or bool(remains and length <= _SETTLED * np.sqrt(point.weight))


def _diverges(point: Point, step: Step, before: tuple[Point, Step] | None) -> bool:
    """Whether the likelihood goes on to flatten along steps that do not get shorter."""
    if before is None or before[0].beta is None or point.beta is None or _is_noise(point, step):
        return False
    metric = before[0].fit.r_exog
    ahead = np.linalg.norm(metric @ step.direction)
    behind = np.linalg.norm(metric @ (point.beta - before[0].beta))
    return bool(step.decrement < _FLATTER * ahead**2 and ahead > behind / 2)


def _advance(
    evaluate: Callable[[FloatArray], Point],
    point: Point,
    step: Step,
    anchor: FloatArray | None,
) -> tuple[Point | None, int]:
    """The next point, a halved step away where the whole one leads astray, and how often."""
    base, direction = point.beta, step.direction
    if base is None:  # the step leads from nowhere to the solution itself
        base = np.zeros_like(direction) if anchor is None else anchor
        direction = direction - base
    highest = np.inf if point.beta is None else point.deviance
    highest += 1e-10 * abs(highest) if np.isfinite(highest) else 0.0
    for halvings in range(_HALVINGS):
        new = evaluate(base + direction / 2**halvings)
        if new.usable and new.deviance <= highest:
            return new, halvings
    return None, _HALVINGS
