"""Iteratively reweighted least squares, one evaluation a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.scoring import Outside
from statsmodels_ooc.reductions.triangle import triangularize
from statsmodels_ooc.solvers.least_squares import LinearFit, noise

__all__ = ["Criterion", "Path", "Point", "Step", "irls", "scoring_step", "spanned_root"]

_EPS = float(np.finfo(np.float64).eps)
_HALVINGS = 30
_REMAINS = 1e-8  # of a standard error: what the last step may leave to the next
_SETTLED = 3e-8  # root mean square change of eta after which the weights stand still
_PERFECT = 1e-8  # distance of responses from their means that counts as none
_STRIDE = 0.1  # of eta, by a step that no longer moves the deviance: there is no optimum


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
    """

    beta: FloatArray | None
    deviance: float
    pearson: float
    score: FloatArray
    gap: float
    outside: Outside | None
    fit: LinearFit
    factor: FloatArray

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
    """

    point: Point
    params: FloatArray
    history: dict[str, list[Any]]
    iterations: int = 0
    converged: bool = False
    perfect: bool = False
    reason: str = ""
    score_norm: float = np.inf


def irls(
    evaluate: Callable[[FloatArray], Point],
    first: Point,
    start_params: FloatArray,
    *,
    scale_of: Callable[[Point], float],
    criterion: Criterion,
    maxiter: int,
    reach: FloatArray,
    anchor: FloatArray | None = None,
    span: FloatArray | None = None,
    literal: bool = False,
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
    reach : ndarray, (k,)
        Largest absolute values of the columns.
    anchor : ndarray, (k,), optional
        Parameters of valid means, where the first point has none.
    span : ndarray, (k, q), optional
        Columns that the steps must be combinations of.
    literal : bool
        Stop where statsmodels would, with two deviances that are close, and leave the
        parameters there. Otherwise stop as soon as the score says that the next
        deviance will be close, and add that last step.

    Notes
    -----
    The deviance falls by the decrement ``s'(X'WX)^-1 s`` up to third order, so that the
    criterion on the next deviance is known without its pass. Three conditions must
    hold: the criterion; a last step that leaves less than 1e-8 standard errors by the
    rate at which the steps have been shrinking; and weights that stand still.
    """
    point, scale = first, scale_of(first)
    history: dict[str, list[Any]] = {
        "params": [np.inf, start_params],
        "deviance": [np.inf, first.deviance / scale],
    }
    path = Path(first, start_params, history)
    before: Step | None = None
    while True:
        step = scoring_step(point, span)
        path.point, path.score_norm = point, float(np.sqrt(step.decrement / scale))
        if point.beta is not None:
            path.params = point.beta
            path.perfect |= point.gap <= _PERFECT
            still = criterion.will_hold(point, step, scale)
            if literal and path.iterations and criterion.holds(history) and still:
                path.converged = True
                return path
            if not literal and still and _settled(point, step, before, scale):
                path.converged, path.params = True, point.beta + step.direction
                return path
            if before is not None and _diverges(step, before, reach, still or path.perfect):
                path.reason = "the parameters grow without a limit, as in separated data"
                return path
        if path.iterations >= maxiter:
            path.reason = f"{maxiter} iterations were not enough"
            return path
        new = _advance(evaluate, point, step, anchor)
        if new is None:
            path.reason = "no step along the direction of the score lowers the deviance"
            return path
        path.iterations += 1
        history["params"].append(new.beta)
        history["deviance"].append(new.deviance / scale)
        point, scale, before = new, scale_of(new), step


def scoring_step(point: Point, span: FloatArray | None = None) -> Step:
    """The step to the least-squares solution of the working response."""
    root = point.fit.root if span is None else spanned_root(point.fit, span)
    length = root.T @ point.score
    return Step(root @ length, float(length @ length))


def spanned_root(fit: LinearFit, span: FloatArray) -> FloatArray:
    """A root of ``T (T'X'WXT)^+ T'`` for a span T, (k, q)."""
    factor = triangularize(fit.r_exog @ span)
    _, values, vt = np.linalg.svd(factor)
    counted = values > values.max(initial=0.0) * noise(len(factor), len(factor))
    root: FloatArray = span @ (vt[counted].T / values[counted])
    return root


def _settled(point: Point, step: Step, before: Step | None, scale: float) -> bool:
    """Whether neither the parameters nor the weights will move after this step."""
    length = np.sqrt(step.decrement)
    shrinks = 1.0
    if before is not None and before.decrement > 0:
        shrinks = min(1.0, length / np.sqrt(before.decrement))
    remains = shrinks * length <= _REMAINS * np.sqrt(scale)
    return bool(remains and length <= _SETTLED * np.sqrt(point.weight))


def _diverges(step: Step, before: Step, reach: FloatArray, deviance_rests: bool) -> bool:
    """Whether eta still strides where the deviance has come to rest."""
    stride = np.max(np.abs(step.direction) * reach, initial=0.0)
    last = np.max(np.abs(before.direction) * reach, initial=0.0)
    return bool(deviance_rests and stride > _STRIDE and stride > last / 2)


def _advance(
    evaluate: Callable[[FloatArray], Point],
    point: Point,
    step: Step,
    anchor: FloatArray | None,
) -> Point | None:
    """The next point, a halved step away where the whole one leads astray."""
    base, direction = point.beta, step.direction
    if base is None:  # the step leads from nowhere to the solution itself
        base = np.zeros_like(direction) if anchor is None else anchor
        direction = direction - base
    highest = np.inf if point.beta is None else point.deviance
    highest += 1e-10 * abs(highest) if np.isfinite(highest) else 0.0
    for halvings in range(_HALVINGS):
        new = evaluate(base + direction / 2**halvings)
        if new.outside is None and np.isfinite(new.deviance) and new.deviance <= highest:
            return new
    return None
