"""Search for a direction that separates the responses, and the proof that there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import linprog

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.reductions.axes import exactly
from statsmodels_ooc.reductions.least_squares import triangularize
from statsmodels_ooc.reductions.recession import ROUNDING, RecessionState
from statsmodels_ooc.solvers.least_squares import solve

_ROUNDS = 40  # directions that are tried; each takes a pass that is made anyway
_MARGIN = 1e-8  # of a row of length one: what the linear programme calls above zero
_TOLD = 6  # columns of a direction that a message names
_UNHELD = 1e-10  # of a length: what rounding leaves of zero
_SNAPPED = 1e-11  # of the largest coefficient, in the units of the columns: rounding
_GUESSED = 1e-6  # likewise, of a direction that is only a guess
_FAR_OUT = 1e5  # ratio of units that differ from what is typical of the columns
_TIED = 1e-7  # of a row of length one: what the linear programme leaves of a row that holds it
_REFINED = 2  # times
_EXACT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True)
class Separation:
    """A proof that the likelihood grows without a limit.

    Attributes
    ----------
    kind : {"complete", "quasi-complete"}
        Whether every row gains along the direction, or some rows stay where they are.
    direction : ndarray, (k,)
        ``(2 y - 1) x'd >= 0`` in every row of a binary response, and not zero in all;
        likewise for other responses at a bound of the mean, such as counts of zero,
        and ``x'd = 0`` for all others. The largest coefficient is one.
    """

    kind: str
    direction: FloatArray

    @property
    def complete(self) -> bool:
        """Whether every row gains."""
        return self.kind == "complete"


def told(separation: Separation, names: Sequence[str]) -> str:
    """The direction in words: the columns that have a part in it, the largest ones first."""
    parts = np.flatnonzero(separation.direction)
    parts = parts[np.argsort(-np.abs(separation.direction[parts]), kind="stable")]
    some = [f"{separation.direction[j]:+.4g} {names[j]}" for j in parts[:_TOLD]]
    more = f" and {len(parts) - _TOLD} more" if len(parts) > _TOLD else ""
    return " ".join(some) + more


@dataclass
class SeparationSearch:
    """Cutting planes: each pass tries a direction and returns the rows that lose by it.

    Parameters
    ----------
    direction : ndarray, (k,)
        What to try first, such as a step of scoring.
    units : ndarray, (k,)
        What the columns are measured in, such as their lengths.
    span : ndarray, (k, q), optional
        Columns that a direction must be a combination of.

    Attributes
    ----------
    found : Separation or None
        The proof.
    refuted : bool
        Whether a few rows prove that no direction separates.

    Notes
    -----
    1. The direction is proven if no row loses by it and one gains.
    2. If the columns turn out to be typically much smaller than the units, as with one
       value far out, the geometric means of their entries are the units from then on.
    3. The rows that lose most join the working rows. A direction by which all of them gain
       is tried next, the one of the largest margin: only complete separation has such
       directions.
    4. Where the working rows have none, the direction by which none of them loses and all
       rows together gain most: a vertex of a linear programme. It is refined until the rows
       that hold it stay where they are to the last digit.
    5. If that programme has no value above zero, no direction separates: the data overlap.

    Rows without a side, which allow no change, confine all this to a subspace.

    References
    ----------
    Konis (2007). Linear programming algorithms for detecting separated data in binary
    logistic regression models. DPhil thesis, University of Oxford, chapter 4.
    """

    direction: FloatArray
    units: FloatArray
    span: FloatArray | None = None
    found: Separation | None = None
    refuted: bool = False
    _cuts: list[FloatArray] = field(default_factory=list, repr=False)
    _movers: list[FloatArray] = field(default_factory=list, repr=False)
    _overlaps: bool = False
    _rounds: int = 0

    def __post_init__(self) -> None:
        if self.span is None:
            self.direction = _snapped(self.direction, self.units, _GUESSED)

    @property
    def open(self) -> bool:
        """Whether there is something left to try."""
        return self.found is None and not self.refuted and self._rounds < _ROUNDS

    @property
    def losers(self) -> int:
        """How many rows that lose a pass shall return."""
        return 2 * len(self.direction) + 32

    def is_answered_by(self, state: RecessionState | None) -> bool:
        """Whether a pass has tried the direction, in these units."""
        return (
            state is not None
            and np.array_equal(state.direction, self.direction)
            and np.array_equal(state.units, self.units)
        )

    def learn(self, state: RecessionState) -> None:
        """Take what a pass found, and choose the next direction."""
        self._rounds += 1
        if state.least >= -ROUNDING and state.apart <= ROUNDING and state.most > ROUNDING:
            strict = state.least > ROUNDING and not state.held.r.any()
            scale = np.abs(state.direction).max()
            kind = "complete" if strict else "quasi-complete"
            self.found = Separation(kind, state.direction / scale)
            return
        self._cuts.append(state.losers)
        self._movers.append(state.movers)
        ratios = state.typical / self.units
        if ratios.max() > _FAR_OUT * ratios.min():
            self.units = state.typical
            return
        try:
            chosen = self._choose(state)
        except _UnsolvedError:
            chosen = self.direction
        if chosen is None:
            self.refuted = True
        elif np.array_equal(chosen, self.direction):
            self._rounds = _ROUNDS  # there is nothing new to try
        else:
            self.direction = chosen

    def _choose(self, state: RecessionState) -> FloatArray | None:
        """What to try next, None where the rows so far leave no direction."""
        whole = _coordinates(state, self.span)
        root = _allowed(whole, state.held.r)
        if root.shape[1] == 0:
            return None
        cuts = np.vstack(self._cuts)
        rows = cuts @ root
        norms = np.linalg.norm(rows, axis=1)
        kept = norms > _UNHELD * np.linalg.norm(cuts @ whole, axis=1)
        cuts, rows = cuts[kept], rows[kept] / norms[kept, None]
        if not (self._overlaps or state.held.r.any()):
            inner = _widest(rows)
            if inner is not None:
                return _snapped(root @ inner, self.units, _SNAPPED)
            self._overlaps = True
        vertex = _farthest(rows, root.T @ (state.pull * self.units))
        if vertex is None:
            return None
        ties = cuts[np.abs(rows @ vertex) <= _TIED * np.abs(vertex).max()]
        return _exact(root @ vertex, whole, np.vstack((ties, *self._movers)), self.units)


def _exact(
    direction: FloatArray, root: FloatArray, ties: FloatArray, units: FloatArray
) -> FloatArray:
    """A vertex along which the rows that hold it stay where they are to the last digit."""
    if len(ties) == 0:
        return _snapped(direction, units, _SNAPPED)
    rows = ties @ root
    norms = np.linalg.norm(rows, axis=1)
    inverse = np.linalg.pinv(rows / norms[:, None], rcond=_TIED)
    for _ in range(_REFINED):
        direction = direction - root @ (inverse @ (exactly(ties, direction) / norms))
    snapped = _snapped(direction, units, _SNAPPED)
    stay = np.abs(ties @ snapped) <= ROUNDING / 2 * (np.abs(ties) @ np.abs(snapped))
    return snapped if stay.all() else direction


def _snapped(direction: FloatArray, units: FloatArray, share: float) -> FloatArray:
    """A direction without the coefficients that are rounding."""
    size = np.abs(direction * units)
    return np.where(size > share * size.max(initial=0.0), direction, 0.0)


def _coordinates(state: RecessionState, span: FloatArray | None) -> FloatArray:
    """Directions in which the rows are orthonormal, (k, p)."""
    held, free = state.held.r, state.free.r
    design = triangularize(np.vstack((held, free)))
    if span is not None:
        inner = [design[:, :1], design[:, 1:-1] @ span, design[:, -1:]]
        design = triangularize(np.hstack(inner))
    root = solve(design, state.rows).root
    return root if span is None else span @ root


def _allowed(root: FloatArray, held: FloatArray) -> FloatArray:
    """Combinations of directions, (k, q), along which the rows of a factor stay, (k, p)."""
    if not held.any():
        return root
    _, values, vt = np.linalg.svd(held[:, 1:-1] @ root)
    rank = int(np.count_nonzero(values > values.max(initial=0.0) * _UNHELD))
    allowed: FloatArray = root @ vt[rank:].T
    return allowed


def _widest(cuts: FloatArray) -> FloatArray | None:
    """The direction of the largest margin over the rows, None where none is above zero."""
    m, q = cuts.shape
    if m == 0:
        return None
    margin = np.append(np.zeros(q), 1.0)
    best = _maximum(margin, np.column_stack((cuts, -np.ones(m))), [(-1, 1)] * q + [(0, 1)])
    return best[:-1] if best[-1] > _MARGIN else None


def _farthest(cuts: FloatArray, pull: FloatArray) -> FloatArray | None:
    """The direction of the largest pull by which no row loses, None where that is zero."""
    scale = np.abs(pull).max(initial=0.0)
    if scale == 0:
        return None
    vertex = _maximum(pull / scale, cuts, (-1, 1))
    return vertex if vertex @ pull > _MARGIN * scale else None


def _maximum(gain: FloatArray, rows: FloatArray, bounds: Any) -> FloatArray:
    """Where ``gain @ v`` is largest, for v within bounds and ``rows @ v >= 0``."""
    for options in (_EXACT, {}):  # the solver gives up on some with high demands
        solved = linprog(-gain, -rows, np.zeros(len(rows)), bounds=bounds, options=options)
        if solved.status == 0:
            vertex: FloatArray = solved.x
            return vertex
    raise _UnsolvedError(solved.message)


class _UnsolvedError(Exception):
    """The linear programme was not solved."""
