"""Iteratively reweighted least squares, one evaluation a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.solvers.dependence import lengths
from statsmodels_ooc.solvers.point import Criterion, Point, Step, Watch
from statsmodels_ooc.solvers.separation import Separation, SeparationSearch
from statsmodels_ooc.solvers.submodels import spanned

_EPS = float(np.finfo(np.float64).eps)
_TRIALS, _SHORTEST = 30, 1e-9  # shares of a step that are tried, and the last of them
_REMAINS = 3e-10  # of a standard error: what the last step may leave to all that would follow
_SETTLED = 5e-10  # root mean square change of eta after which the weights stand still
_ROUNDING = 1e-5  # of a standard error: steps below that no longer shrink have lost the score
_PERFECT = 1e-8  # distance of responses from their means that counts as none
_CORRECTIONS = 8  # rounds, each a look at the sample
_CORRECTED = 1e-5  # of a step: corrections that small are the last
_LOST = 3  # steps within rounding, after which deviances that differ do so by rounding only
_EDGE = 5  # steps in a row of which a quarter already leads to impossible means
_VANISHED = 1e-8  # of the information one step before: a step that leaves less went too far
_BRINK = 1e-10  # distance of eta from impossible means that counts as none
_ENOUGH = 14  # steps, after which what quasi-complete separation leaves finite stands still
_FLATTER = 0.7  # of the curvature one step before: the likelihood flattens
_SUSPECTED = 3  # steps in a row that flatten the likelihood and do not get shorter
_FARTHEST = 10  # doublings of a step
_CRAWLS = 0.3  # of the step before: steps that shrink no faster
_CRAWLED = 3  # such steps in a row, after which the observed information is folded, too
_CRAWLED_LITERALLY = 40  # likewise, where the steps are to be those of statsmodels
_DEFINITE = 1e-3  # least eigenvalue of the observed in terms of the expected information
_MISSED = 1e-6  # of the score: what rounding leaves where the design is deficient
_BLIND = "the weights of so many rows have vanished that the information does not see the score"
_ON_THE_EDGE = "the optimum lies where means become impossible for the family"
_GROWS = "the parameters grow without a limit: {} separation"


@dataclass
class Path:
    """Where the iterations went.

    The answer, `params`, (k,), is the last point's parameters, or those with the last step
    added, which needs no pass. The history has ``params`` and scaled ``deviance`` of every
    iteration, as statsmodels has them.
    """

    point: Point  # the last one
    params: FloatArray
    history: dict[str, list[Any]]
    iterations: int = 0  # steps that were tried out
    converged: bool = False  # whether the criterion and the score say so
    perfect: bool = False  # whether all responses were predicted
    reason: str = ""  # why not converged
    score_norm: float = np.inf  # length of the remaining step in standard errors
    stuck: bool = False  # whether no step led on from the last point, though it is no optimum
    separation: Separation | None = None  # the proof, where the parameters grow without a limit


def irls(
    evaluate: Callable[[FloatArray, Watch], Point],
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
        Parameters, and what else is asked for, to a point: one pass.
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
    criterion on the next deviance is known without its pass.

    The way of a step:

    1. Scoring gives it; where three steps in a row (forty, if `literal`) have each left more
       than 0.3 of the one before, Newton's step with the observed information does, if that
       is definite.
    2. The sample corrects it, where there is one.
    3. Where the likelihood has flattened along steps that do not get shorter, or they leave
       much and the observed information is not definite, the step is doubled as often as
       that has been seen in a row.
    4. It is shortened until the deviance does not rise, all means are possible, and weights
       have not vanished, on the whole or so that the score has a part without information:
       to the minimum of a parabola through both ends, at most to a half.

    The iterations end

    1. converged, where the criterion holds or the step is within the rounding of the linear
       predictors; unless `rough`, all that would follow must also stay below 3e-10 standard
       errors by the rate at which the steps have been shrinking, and the weights must
       stand still;
    2. converged, where no step lowers the deviance and the decrement is within its rounding;
    3. separated, where a direction is proven along which no row's likelihood ever falls; it
       is looked for as soon as the likelihood has flattened along three steps in a row, and
       where the iterations would end although it flattens, with a perfect fit, or with rows
       of no weight whose likelihood rises for ever. If some rows stay where they are, the
       steps go on for their sake, up to the fourteenth;
    4. on the edge, where a mean is within 1e-10 of an impossible one as the criterion holds,
       or a quarter of each of five steps in a row would have led there;
    5. with nothing found, where no step lowers the deviance, where weights have vanished so
       that the score has a part without information, or after `maxiter` steps.
    """
    point, scale = first, scale_of(first)
    history: dict[str, list[Any]] = {
        "params": [np.inf, start_params],
        "deviance": [np.inf, _over(first.deviance, scale)],
    }
    path = Path(first, start_params, history)
    before: tuple[Point, Step] | None = None
    search: SeparationSearch | None = None
    predicts: SeparationSearch | None = None
    cut = flat = slow = lost = 0
    while True:
        step = scoring_step(point, span)
        path.point, path.score_norm = point, float(np.sqrt(_over(step.decrement, scale)))
        if point.beta is not None:
            path.params = point.beta
            path.perfect |= point.gap <= _PERFECT
            flat = flat + 1 if _flattens(point, step, before) else 0
            slow = slow + 1 if _crawls(step, before) else 0
            if not _sees(point, span):
                path.reason, path.stuck = _BLIND, True
                return path
            lost = lost + 1 if _is_noise(point, step) else 0
            rests = lost > 0 or criterion.will_hold(point, step, scale)
            stood = lost > _LOST or (path.iterations > 0 and criterion.holds(history))
            stops = rests and (stood or not literal)
            odd = flat > 0 or path.perfect or point.faint
            if search is None and (flat >= _SUSPECTED or (stops and odd)):
                search = SeparationSearch(step.direction, lengths(first.fit.r_exog), span)
            if stops and path.perfect and predicts is None and span is None:
                # Parameters that predict every response are a direction themselves.
                predicts = search = SeparationSearch(point.beta, lengths(first.fit.r_exog))
            proof = None if search is None else search.found
            if proof is not None and (proof.complete or stops or path.iterations >= _ENOUGH):
                return _separated(path, proof)
            undecided = search is not None and search.open and (odd or not rough)
            if stops and point.edge <= _BRINK:
                path.reason = _ON_THE_EDGE
                return path
            if stops and literal and not undecided:
                path.converged = True
                return path
            if stops and not undecided and (rough or _settled(point, step, before, scale)):
                path.converged, path.params = True, point.beta + step.direction
                return path
        if path.iterations >= maxiter:
            path.reason = f"more than maxiter={maxiter} iterations are needed"
            return path
        watch = Watch(
            observed=slow >= (_CRAWLED_LITERALLY if literal else _CRAWLED),
            search=search if search is not None and search.open else None,
        )
        newton = _newton(point, step) if span is None else None
        taken = step if newton is None else newton
        if correct is not None:
            taken = correct(point, taken)
        bent = newton is None and point.observed is not None  # the wrong way, or hardly
        doublings = max(flat, slow - _CRAWLED) if bent else flat
        doublings = 0 if literal or (search and search.found) else min(doublings, _FARTHEST)
        new, barred = _advance(evaluate, point, taken, anchor, span, watch, doublings)
        if new is None:
            path.converged = step.decrement <= _deviance_rounding(point)
            path.reason = "no step along the direction of the score lowers the deviance"
            if search is None and not (path.converged or rough):
                search = SeparationSearch(step.direction, lengths(first.fit.r_exog), span)
            proof = _finished(evaluate, point, search)
            path.stuck = not path.converged and proof is None
            return path if proof is None else _separated(path, proof)
        cut = cut + 1 if barred <= 1 / 4 and np.isfinite(point.edge) else 0
        if cut == _EDGE:
            path.reason = _ON_THE_EDGE
            return path
        path.iterations += 1
        history["params"].append(new.beta)
        history["deviance"].append(_over(new.deviance, scale))
        point, scale, before = new, scale_of(new), (point, step)


def _separated(path: Path, proof: Separation) -> Path:
    """The end of parameters that grow without a limit."""
    path.converged, path.separation = False, proof
    path.reason = _GROWS.format(proof.kind)
    path.perfect |= proof.complete  # on the way to certainty everywhere
    return path


def _finished(
    evaluate: Callable[[FloatArray, Watch], Point], point: Point, search: SeparationSearch | None
) -> Separation | None:
    """What a search finds where the iterations stand still: a pass for every direction."""
    while search is not None and search.open and point.beta is not None:
        state = evaluate(point.beta, Watch(search=search)).recession
        if state is None:  # nothing is folded where means are impossible
            break
        search.learn(state)
    return None if search is None else search.found


def scoring_step(point: Point, span: FloatArray | None = None) -> Step:
    """The step to the least-squares solution of the working response."""
    root = point.fit.basic_root if span is None else spanned(point.fit, span).root
    with np.errstate(over="ignore", invalid="ignore"):  # far from any optimum
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
    root = point.fit.basic_root
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


def _over(value: float, scale: float) -> float:
    """A quotient of sums; the scale of a perfect fit may be zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(value, scale))


def _sees(point: Point, span: FloatArray | None) -> bool:
    """Whether the information reaches the score; weights that have underflowed lose it."""
    if point.weight == 0:
        return False
    if span is not None or point.fit.rank == len(point.score):
        return True
    sizes = lengths(point.fit.r_exog)
    _, _, vt = np.linalg.svd(point.fit.r_exog / sizes)
    rows, score = vt[: point.fit.rank], point.score / sizes
    with np.errstate(over="ignore", invalid="ignore"):  # far from any optimum
        missed = float(np.linalg.norm(score - rows.T @ (rows @ score)))
        return missed <= max(_noise_of_eta(point), _MISSED * float(np.linalg.norm(score)))


def _noise_of_eta(point: Point) -> float:
    """What rounding leaves of the linear predictors, as the length of a step."""
    assert point.beta is not None
    parts = float(np.linalg.norm(lengths(point.fit.r_exog) * point.beta))
    return 4 * _EPS * (parts + float(np.sqrt(point.weight)))


def _deviance_rounding(point: Point) -> float:
    """What rounding leaves of the deviance."""
    if point.beta is None:
        return 0.0
    noise_of_eta = _noise_of_eta(point)
    through_eta = noise_of_eta * (noise_of_eta + float(np.sqrt(abs(point.deviance))))
    return 1e-12 * abs(point.deviance) + through_eta


def _is_noise(point: Point, step: Step) -> bool:
    """Whether the step is no longer than what rounding leaves of eta."""
    return point.beta is not None and bool(np.sqrt(step.decrement) <= _noise_of_eta(point))


def _settled(point: Point, step: Step, before: tuple[Point, Step] | None, scale: float) -> bool:
    """Whether neither the parameters nor the weights will move after this step."""
    length, shrinks = np.sqrt(step.decrement), 1.0
    if before is not None and before[1].decrement > 0:
        shrinks = min(1.0, length / np.sqrt(before[1].decrement))
        if shrinks == 1.0 and length <= _ROUNDING * np.sqrt(scale):
            return True
    remains = shrinks * length <= _REMAINS * max(1 - shrinks, 0.1) * np.sqrt(scale)
    return _is_noise(point, step) or bool(remains and length <= _SETTLED * np.sqrt(point.weight))


def _flattens(point: Point, step: Step, before: tuple[Point, Step] | None) -> bool:
    """Whether the likelihood has flattened along a step, and the next is no shorter."""
    if before is None or before[0].beta is None or point.beta is None or _is_noise(point, step):
        return False
    metric = before[0].fit.r_exog
    ahead = np.linalg.norm(metric @ step.direction)
    taken, asked = point.beta - before[0].beta, before[1].direction  # doubled, or shortened
    behind = min(np.linalg.norm(metric @ taken), np.linalg.norm(metric @ asked))
    return bool(step.decrement < _FLATTER * ahead**2 and ahead > behind / 2)


def _crawls(step: Step, before: tuple[Point, Step] | None) -> bool:
    """Whether the step is hardly shorter than the one before."""
    return before is not None and step.decrement > _CRAWLS**2 * before[1].decrement


def _newton(point: Point, step: Step) -> Step | None:
    """Newton's step, where the observed information is known and definite enough."""
    if point.observed is None or not np.isfinite(point.observed).all():
        return None
    root = point.fit.basic_root
    inner = root.T @ point.observed @ root  # in terms of the expected information
    if np.linalg.eigvalsh(inner)[0] < _DEFINITE:
        return None
    return Step(root @ np.linalg.solve(inner, root.T @ point.score), step.decrement)


def _advance(
    evaluate: Callable[[FloatArray, Watch], Point],
    point: Point,
    step: Step,
    anchor: FloatArray | None,
    span: FloatArray | None,
    watch: Watch,
    doublings: int,
) -> tuple[Point | None, float]:
    """The next point, and the least share of the step that leads to impossible means.

    A doubled step must lower the deviance by what the step itself promises.
    """
    base, direction = point.beta, step.direction
    if base is None:  # the step leads from nowhere to the solution itself
        base = np.zeros_like(direction) if anchor is None else anchor
        direction = direction - base
    highest = np.inf if point.beta is None else point.deviance + _deviance_rounding(point)
    share, barred = 2.0**doublings, np.inf
    for _ in range(_TRIALS):
        new = evaluate(base + share * direction, watch)
        if watch.search is not None and watch.search.open and new.recession is not None:
            watch.search.learn(new.recession)
        bound = highest if share <= 1 else point.deviance - step.decrement
        blind = new.usable and not _sees(new, span)
        blind |= point.beta is not None and new.weight < _VANISHED * point.weight
        if new.usable and new.deviance <= bound and not blind:
            return new, barred
        if not new.usable:
            barred = share
        if blind:
            share /= 8
        else:
            share = _shorter(share, new.deviance - point.deviance, step.decrement)
        if share < _SHORTEST:
            break
    return None, barred


def _shorter(share: float, rise: float, decrement: float) -> float:
    """Where a parabola through both ends of a step has its minimum, at most half the share.

    The deviance falls by twice the decrement per step at the start, and rises by `rise`.
    """
    least = max(share / 16, 1.0) if share > 1 else share / 16
    best = decrement * share**2 / (rise + 2 * share * decrement) if np.isfinite(rise) else np.nan
    return float(np.clip(best, least, share / 2)) if np.isfinite(best) else share / 2
