"""Search for a direction that separates the responses, and the proof that there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog

from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.recession import ROUNDING, RecessionState
from statsmodels_ooc.reductions.triangle import triangularize
from statsmodels_ooc.solvers.least_squares import solve

__all__ = ["Separation", "SeparationSearch", "told"]

_ROUNDS = 40  # directions that are tried; each takes a pass that is made anyway
_MARGIN = 1e-8  # of a row of length one: what the linear programme calls above zero
_TOLD = 6  # columns of a direction that a message names
_UNHELD = 1e-10  # of a length: what rounding leaves of zero
_SNAPPED = 1e-11  # of the largest coefficient, in columns of one length: rounding


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
    lengths : ndarray, (k,)
        Lengths of the columns.

    Attributes
    ----------
    found : Separation or None
        The proof.
    refuted : bool
        Whether a few rows prove that no direction separates.

    Notes
    -----
    1. The direction is proven if no row loses by it and one gains.
    2. Otherwise the rows that lose most join the working rows. A direction by which all of
       them gain is tried next, the one of the largest margin: only complete separation has
       such directions.
    3. Where the working rows have none, the direction by which none of them loses and all
       rows together gain most: a vertex of a linear programme.
    4. If that programme has no value above zero, no direction separates: the data overlap.

    Rows without a side, which allow no change, confine all this to a subspace.

    References
    ----------
    Konis (2007). Linear programming algorithms for detecting separated data in binary
    logistic regression models. DPhil thesis, University of Oxford, chapter 4.
    """

    direction: FloatArray
    lengths: FloatArray
    found: Separation | None = None
    refuted: bool = False
    _root: FloatArray | None = field(default=None, repr=False)  # (k, rank)
    _allowed: FloatArray | None = field(default=None, repr=False)  # (rank, q)
    _cuts: list[FloatArray] = field(default_factory=list, repr=False)
    _overlaps: bool = False
    _rounds: int = 0

    @property
    def open(self) -> bool:
        """Whether there is something left to try."""
        return self.found is None and not self.refuted and self._rounds < _ROUNDS

    @property
    def losers(self) -> int:
        """How many rows that lose a pass shall return."""
        return 2 * len(self.direction) + 32

    def is_answered_by(self, state: RecessionState | None) -> bool:
        """Whether a pass has tried the direction."""
        return state is not None and np.array_equal(state.direction, self.direction)

    def learn(self, state: RecessionState) -> None:
        """Take what a pass found, and choose the next direction."""
        self._rounds += 1
        if state.least >= -ROUNDING and state.apart <= ROUNDING and state.most > ROUNDING:
            strict = state.least > ROUNDING and not state.held.r.any()
            scale = np.abs(state.direction).max()
            kind = "complete" if strict else "quasi-complete"
            self.found = Separation(kind, state.direction / scale)
            return
        if self._root is None or self._allowed is None:
            self._root, self._allowed = _sphered(state)
            self._overlaps = bool(state.held.r.any())
        losers = _unit(state.losers @ self._root, 0.0)
        self._cuts.append(_unit(losers @ self._allowed, _UNHELD))
        chosen = self._choose(self._root @ self._allowed, state.pull * self.lengths)
        if chosen is None:
            self.refuted = True
        else:
            self.direction = chosen

    def _choose(self, root: FloatArray, pull: FloatArray) -> FloatArray | None:
        if root.shape[1] == 0:
            return None
        cuts = np.vstack(self._cuts)
        if not self._overlaps:
            inner = _widest(cuts)
            if inner is not None:
                return self._snapped(root @ inner)
            self._overlaps = True
        vertex = _farthest(cuts, root.T @ pull)
        return None if vertex is None else self._snapped(root @ vertex)

    def _snapped(self, direction: FloatArray) -> FloatArray:
        """Coefficients that are rounding are zeros."""
        size = np.abs(direction * self.lengths)
        return np.where(size > _SNAPPED * size.max(), direction, 0.0)


def _sphered(state: RecessionState) -> tuple[FloatArray, FloatArray]:
    """Coordinates in which the rows are orthonormal columns, and what is left of them.

    Returns
    -------
    root : ndarray, (k, rank)
        From the coordinates to a direction.
    allowed : ndarray, (rank, q)
        Orthonormal columns that span what the rows without a side allow.
    """
    held, free = state.held.r, state.free.r
    rows = int(free[0, 0] ** 2 + held[0, 0] ** 2 + 0.5)
    root = solve(triangularize(np.vstack((held, free))), rows).root
    if not held.any():
        return root, np.eye(root.shape[1])
    kept = triangularize(np.ascontiguousarray(held[:, 1:-1] @ root))
    _, values, vt = np.linalg.svd(kept)
    rank = int(np.count_nonzero(values > values.max() * _UNHELD))
    return root, vt[rank:].T


def _unit(rows: FloatArray, least: float) -> FloatArray:
    """The rows that are longer than the least, at length one."""
    norms = np.linalg.norm(rows, axis=1)
    kept = norms > least
    unit: FloatArray = rows[kept] / norms[kept, None]
    return unit


def _widest(cuts: FloatArray) -> FloatArray | None:
    """The direction of the largest margin over the rows, None where none is above zero."""
    m, q = cuts.shape
    if m == 0:
        return None
    solved = linprog(
        np.append(np.zeros(q), -1.0),
        A_ub=np.column_stack((-cuts, np.ones(m))),
        b_ub=np.zeros(m),
        bounds=[(-1, 1)] * q + [(0, 1)],
        method="highs",
    )
    if solved.status != 0 or solved.x[-1] <= _MARGIN:
        return None
    direction: FloatArray = solved.x[:-1]
    return direction


def _farthest(cuts: FloatArray, pull: FloatArray) -> FloatArray | None:
    """The direction of the largest pull by which no row loses, None where that is zero."""
    scale = np.abs(pull).max(initial=0.0)
    if scale == 0:
        return None
    solved = linprog(
        -pull / scale,
        A_ub=-cuts if len(cuts) else None,
        b_ub=np.zeros(len(cuts)) if len(cuts) else None,
        bounds=(-1, 1),
        method="highs",
    )
    if solved.status != 0 or -solved.fun <= _MARGIN:
        return None
    vertex: FloatArray = solved.x
    return vertex
