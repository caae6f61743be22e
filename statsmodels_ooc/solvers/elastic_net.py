"""Elastic net and ridge penalties on a likelihood, one evaluation a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.solvers.point import Point

_EPS = float(np.finfo(np.float64).eps)
_HALVINGS = 30
_ARMIJO = 1e-4  # of the promised fall
_ROUNDED = 1e-12  # of a step
_SINGULAR = 1e-12  # share of an eigenvalue, columns of one length, that counts as none
_ROUNDS = 200  # of ridge at a scale that follows from it


@dataclass(frozen=True)
class Penalty:
    """``l1 @ abs(b) + l2 @ b**2 / 2``, on minus the log-likelihood per row.

    A scaled one is multiplied by the scale at the answer, as where the likelihood is that at the
    estimated scale.
    """

    l1: FloatArray  # (k,)
    l2: FloatArray
    scaled: bool = False

    def at(self, beta: FloatArray) -> float:
        """Its value, before any scale."""
        return float(self.l1 @ np.abs(beta) + self.l2 @ beta**2 / 2)


@dataclass
class Penalized:
    """What the steps arrived at.

    The answer, `params`, (k,), is the last point's parameters with the last step added, which
    needs no pass.
    """

    point: Point  # the last one
    params: FloatArray
    iterations: int = 0  # steps that were tried out
    converged: bool = False  # whether the next step will be shorter than the tolerance
    reason: str = ""  # why not


def penalized_likelihood(
    evaluate: Callable[[FloatArray], Point],
    first: Point,
    penalty: Penalty,
    rows: float,
    *,
    scale_of: Callable[[Point], float],
    tolerance: float,
    maxiter: int,
    anchor: FloatArray | None = None,
    quadratic: bool = False,
) -> Penalized:
    """Minimise ``deviance / (2 * rows) + penalty`` by proximal Newton steps.

    Parameters
    ----------
    evaluate : callable
        Parameters to a point: one pass.
    first : Point
        Where to start.
    penalty : Penalty
        What is added.
    rows : float
        What the deviance is divided by.
    scale_of : callable
        The scale at a point.
    tolerance : float
        What the last step may leave, in standard errors.
    maxiter : int
        Most steps.
    anchor : ndarray, (k,), optional
        Parameters of valid means, where the first point has none.
    quadratic : bool
        Whether the deviance is quadratic, so that a step leaves nothing but rounding.

    Notes
    -----
    Every step minimises the quadratic model of the deviance at a point, with the
    expected information, plus the penalty itself. What a step leaves follows from the
    rate at which the steps have been shrinking.

    References
    ----------
    Lee, Sun, Saunders (2014). Proximal Newton-type methods for minimizing composite
    functions. SIAM Journal on Optimization 24, 1420-1443.
    """
    point, before = first, 0.0
    beta = np.zeros(len(first.score)) if first.beta is None else first.beta
    path = Penalized(first, beta)
    while True:
        target, factor = _target(point, penalty, rows, scale_of)
        step = target - beta
        length = float(np.linalg.norm(point.fit.r_exog @ step))
        path.point = point
        if point.beta is not None:
            path.params = beta
            shrinks = _ROUNDED if quadratic else min(1.0, length / before) if before else 1.0
            rests = bool((np.abs(step) <= 4 * _EPS * np.abs(beta)).all())
            if rests or shrinks * length <= tolerance * np.sqrt(scale_of(point)):
                path.params, path.converged = target, True
                return path
            before = length
        if path.iterations >= maxiter:
            path.reason = f"more than maxiter={maxiter} iterations are needed"
            return path
        new = _advance(evaluate, point, target, penalty, factor, rows, anchor)
        if new is None or new.beta is None:
            path.reason = "no step lowers the penalised deviance"
            return path
        path.iterations += 1
        point, beta = new, new.beta


def _target(
    point: Point, penalty: Penalty, rows: float, scale_of: Callable[[Point], float]
) -> tuple[FloatArray, float]:
    """The minimum of the model at a point, and the scale that its penalty takes."""
    r, k = point.fit.r_exog, len(point.score)
    base = np.zeros(k) if point.beta is None else point.beta
    information = r.T @ r
    linear = (point.score + information @ base) / rows
    factor = scale_of(point) if penalty.scaled else 1.0
    for _ in range(_ROUNDS):
        model = information / rows + np.diag(factor * penalty.l2)
        target = penalized_quadratic(model, linear, factor * penalty.l1, base)
        if not penalty.scaled or point.beta is None:
            break
        step = target - base
        ahead = _foreseen(point, step)
        found = scale_of(ahead)
        if abs(found - factor) <= 4 * _EPS * factor:
            break
        factor = found
    return target, factor


def _foreseen(point: Point, step: FloatArray) -> Point:
    """The point with the deviance that its quadratic model has after a step."""
    moved = point.fit.r_exog @ step
    fall = float(2 * point.score @ step - moved @ moved)
    share = max(1 - fall / point.deviance, 0.0) if point.deviance > 0 else 1.0
    return replace(point, deviance=share * point.deviance, pearson=share * point.pearson)


def _advance(
    evaluate: Callable[[FloatArray], Point],
    point: Point,
    target: FloatArray,
    penalty: Penalty,
    factor: float,
    rows: float,
    anchor: FloatArray | None,
) -> Point | None:
    """The next point, a halved step away where the whole one leads astray."""
    highest, promise = np.inf, 0.0
    base = np.zeros_like(target) if anchor is None else anchor
    if point.beta is not None:
        base = point.beta
        highest = point.deviance / (2 * rows) + factor * penalty.at(base)
        slope = -point.score / rows + factor * penalty.l2 * base
        shorter = np.abs(target) - np.abs(base)
        promise = float(slope @ (target - base) + factor * penalty.l1 @ shorter)
        highest += 1e-12 * abs(highest)
    for halvings in range(_HALVINGS):
        share = 0.5**halvings
        beta = target if halvings == 0 else base + share * (target - base)
        new = evaluate(beta)
        if new.outside is None and np.isfinite(new.deviance):
            value = new.deviance / (2 * rows) + factor * penalty.at(beta)
            if value <= highest + _ARMIJO * share * min(promise, 0.0):
                return new
    return None


def penalized_quadratic(
    hessian: FloatArray, linear: FloatArray, l1: FloatArray, start: FloatArray
) -> FloatArray:
    """Minimise ``b @ hessian @ b / 2 - linear @ b + l1 @ abs(b)``.

    Parameters
    ----------
    hessian : ndarray, (k, k)
        Positive semidefinite.
    linear : ndarray, (k,)
        In its range where `l1` is zero.
    l1 : ndarray, (k,)
        Not negative.
    start : ndarray, (k,)
        Its signs are tried first.

    Returns
    -------
    ndarray, (k,)
        Exact zeros where the penalty holds.

    Notes
    -----
    An active set of coefficients and their signs: the signs give a linear system, and
    the way to its solution ends where a change of sign serves better. It is finite,
    and unlike a descent along the coordinates no slower for correlated columns.

    References
    ----------
    Lee, Battle, Raina, Ng (2007). Efficient sparse coding algorithms. NIPS 19.
    """
    diagonal = np.diag(hessian)
    norms = np.sqrt(diagonal)
    norms = np.where(norms > 0, norms, 1.0)
    h, c, weight = hessian / np.outer(norms, norms), linear / norms, l1 / norms
    x, free = start * norms, l1 == 0
    x[(diagonal == 0) & ~free] = 0.0
    sign, active = np.where(free, 0.0, np.sign(x)), (x != 0) | free
    refused = np.zeros(len(x), dtype=bool)
    for _ in range(100 + 20 * len(x)):
        x, settled = _towards_solution(h, c, weight, x, sign, active)
        gone = active & (x == 0) & ~free
        if settled:
            refused |= gone
        active &= ~gone
        sign = np.where(free, 0.0, np.sign(x))
        if not settled:
            refused[:] = False
            continue
        slope = c - h @ x
        noise = 1e-14 * len(x) * (np.abs(c) + np.abs(h) @ np.abs(x))
        excess = np.where(active | refused, -np.inf, np.abs(slope) - weight - noise)
        worst = int(np.argmax(excess))
        if excess[worst] <= 0:
            break
        active[worst], sign[worst] = True, np.sign(slope[worst])
    solution: FloatArray = x / norms
    return solution


def _towards_solution(
    h: FloatArray,
    c: FloatArray,
    weight: FloatArray,
    x: FloatArray,
    sign: FloatArray,
    active: NDArray[np.bool_],
) -> tuple[FloatArray, bool]:
    """Go to the solution for these signs, or to the best change of sign on the way.

    Returns x, (k,), exactly zero where a sign is about to change, and whether the solution was
    reached, or nothing on the way is lower.
    """
    index = np.flatnonzero(active)
    x = x.copy()
    if len(index) == 0:
        return x, True
    ha, xa, wa = h[np.ix_(index, index)], x[index], weight[index]
    slope = c[index] - ha @ xa
    step, endless = _solve(ha, slope - wa * sign[index])
    with np.errstate(divide="ignore", invalid="ignore"):
        stops = np.where((wa > 0) & (step != 0), -xa / step, np.nan)
    crossing = (stops > 0) & (endless | (stops < 1))
    shares = np.append(np.unique(stops[crossing]), [] if endless else 1.0)
    if len(shares) == 0:
        return x, True
    ways = xa + shares[:, None] * step
    change = shares * (shares / 2 * (step @ ha @ step) - slope @ step)
    change += (np.abs(ways) - np.abs(xa)) @ wa
    best = int(np.argmin(change))
    whole = not endless and best == len(shares) - 1
    if not whole and not change[best] < 0:
        return x, True
    new = ways[best]
    if whole:
        wrong = (wa > 0) & (new * sign[index] < 0)
        x[index] = new
        return x, not wrong.any()
    new[crossing & (stops == shares[best])] = 0.0
    x[index] = new
    return x, False


def _solve(h: FloatArray, right: FloatArray) -> tuple[FloatArray, bool]:
    """``h^+ right``; or a direction of no curvature along which it falls for ever."""
    try:
        factor = cho_factor(h, lower=True)
        if np.diag(factor[0]).min() ** 2 > _SINGULAR * len(h):
            return cho_solve(factor, right), False
    except LinAlgError:
        pass
    values, vectors = np.linalg.eigh(h)
    counted = values > _SINGULAR * len(h) * values.max()
    along = vectors.T @ right
    lost = np.where(counted, 0.0, along)
    if np.linalg.norm(lost) > 1e-9 * np.linalg.norm(right):
        return vectors @ lost, True
    return vectors @ np.divide(along, values, out=np.zeros_like(along), where=counted), False
