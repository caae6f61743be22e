"""What least squares need of the rows: a triangular factor, or centred cross products."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Reduction


@dataclass(slots=True)
class MomentsState:
    """First and second moments of the rows z of ``[X | y]`` seen so far."""

    total: float  # sum of the weights; the number of rows where there are none
    mean: FloatArray  # weighted means, (k + 1,)
    comoment: FloatArray  # weighted sum of (z - mean) (z - mean)', (k + 1, k + 1)
    rows: int = 0


@dataclass(frozen=True)
class Moments(Reduction[MomentsState]):
    """Fold ``[X | y]`` into means and centred cross products.

    Every block is shifted to the mean of its own rows before it is multiplied, so
    that large means cost no digits.

    Parameters
    ----------
    k : int
        The number of columns of the design.
    response : bool
        Whether the response is folded, or taken for zero.

    References
    ----------
    Chan, Golub, LeVeque (1983). Algorithms for computing the sample variance.
    The American Statistician 37, 242-247, equation (2.1).
    """

    k: int
    response: bool = True

    def init(self) -> MomentsState:
        q = self.k + 1
        return MomentsState(0.0, np.zeros(q), np.zeros((q, q)))

    def update(self, state: MomentsState, block: Block) -> MomentsState:
        weights = block.weights
        total = float(len(block.endog) if weights is None else weights.sum())
        if total == 0:
            return state
        with np.errstate(invalid="ignore"):  # infinities: the facts name them
            endog = block.endog if self.response else None
            found = block.design.moments(weights, endog)
        return self.merge(state, self.of(total, *found, len(block.endog)))

    def of(self, total: float, mean: FloatArray, comoment: FloatArray, rows: int) -> MomentsState:
        """The state of rows from their `Design.moments` and the sum of their weights."""
        width, q = len(mean), self.k + 1
        means, comoments = np.zeros(q), np.zeros((q, q))
        means[:width], comoments[:width, :width] = mean, comoment
        return MomentsState(total, means, comoments, rows)

    def merge(self, left: MomentsState, right: MomentsState) -> MomentsState:
        if right.total == 0:
            return left
        if left.total == 0:
            return right
        total = left.total + right.total
        with np.errstate(invalid="ignore"):
            delta = right.mean - left.mean
            mean = left.mean + delta * (right.total / total)
            comoment = left.comoment + right.comoment
            comoment += np.outer(delta, delta * (left.total * right.total / total))
        return MomentsState(total, mean, comoment, left.rows + right.rows)

    def is_sliced(self) -> bool:
        return True

    def nbytes(self) -> int:
        return 8 * (self.k + 1) ** 2


_FAR = 1.0  # mean distances from the mean: columns nearer to zero have no digit to lose


@dataclass(slots=True)
class TriangleState:
    """R of the rows seen so far, whose values are measured from a point near them.

    Attributes
    ----------
    shifted : ndarray, (k + 2, k + 2)
        Upper triangular, ``shifted.T @ shifted == A.T @ A`` for
        ``A = sqrt(w) * [1 | X - shift | y - shift]``. Signs of its rows are arbitrary.
    shift : ndarray, (k + 1,)
        A value of every column of ``[X | y]``, or zero.
    """

    shifted: FloatArray
    shift: FloatArray
    _scratch: FloatArray | None = field(default=None, repr=False)

    @property
    def r(self) -> FloatArray:
        """R of ``sqrt(w) * [1 | X | y]``, (k + 2, k + 2)."""
        return _moved(self.shifted, self.shift)

    def __reduce__(self) -> tuple[Any, ...]:
        return (TriangleState, (self.shifted, self.shift))  # the work space stays at home


@dataclass(frozen=True)
class Triangle(Reduction[TriangleState]):
    """Fold ``[1 | X | y]``, for X of k columns, into its triangular factor.

    Backward stable: the digits lost are those of the condition number, not of its
    square, which is what the normal equations lose.

    Notes
    -----
    A rounding is as large as what is rounded. Responses about 1e10 that vary by one
    would lose ten digits of their residuals, so the values of columns far from zero are
    measured from one of them, a value of the rows of most weight; with a column of ones in
    front, only the first row of R knows::

        [1 | Z - 1 s'] = [1 | Z] T,   R of [1 | Z] = (R of [1 | Z - 1 s']) inv(T)

    References
    ----------
    Demmel, Grigori, Hoemmen, Langou (2012). Communication-optimal parallel and
    sequential QR and LU factorizations. SIAM J. Sci. Comput. 34, A206-A239.
    """

    k: int

    def init(self) -> TriangleState:
        p = self.k + 2
        return TriangleState(np.zeros((p, p), order="F"), np.zeros(p - 1))

    def update(self, state: TriangleState, block: Block) -> TriangleState:
        b = len(block.endog)
        if b == 0:
            return state
        p = self.k + 2
        stacked = state._scratch
        if stacked is None or stacked.shape[0] != p + b:
            stacked = state._scratch = np.empty((p + b, p), order="F")
        rows, weights, dense = stacked[p:], block.weights, block.dense()
        weight = b if weights is None else float(weights.sum())
        if weight > state.shifted[0, 0] ** 2:  # more than all rows before
            response = _far_from_zero(block.endog[:, None], weights)
            shift = np.append(_far_from_zero(dense, weights), response)
            with np.errstate(invalid="ignore", over="ignore"):
                state.shifted = _moved(state.shifted, state.shift - shift)
            state.shift = shift
        stacked[:p] = state.shifted
        rows[:, 0] = 1.0
        with np.errstate(invalid="ignore", over="ignore"):  # infinities: the facts name them
            rows[:, 1:-1], rows[:, -1] = dense, block.endog
            for j in np.flatnonzero(state.shift):
                rows[:, j + 1] -= state.shift[j]
            if weights is not None:
                rows *= np.sqrt(weights)[:, None]
        state.shifted = triangularize(stacked, overwrite=True)
        return state

    def merge(self, left: TriangleState, right: TriangleState) -> TriangleState:
        shift = max(left, right, key=lambda state: abs(state.shifted[0, 0])).shift
        with np.errstate(invalid="ignore", over="ignore"):
            both = [_moved(state.shifted, state.shift - shift) for state in (left, right)]
        return TriangleState(triangularize(np.vstack(both)), shift)

    def nbytes(self) -> int:
        return 8 * (self.k + 2) ** 2


def _far_from_zero(rows: FloatArray, weights: FloatArray | None) -> FloatArray:
    """Of every column the value that is nearest to its mean, or zero where that is near.

    A column that is constant becomes exactly zero, and what is far from all other
    values is not chosen.
    """
    if weights is not None:
        counted = weights > 0
        rows, weights = rows[counted], weights[counted]
    if len(rows) == 0:
        return np.zeros(rows.shape[1])
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.average(rows, axis=0, weights=weights)
        gaps = np.abs(rows - mean)
        nearest = rows[gaps.argmin(axis=0), np.arange(rows.shape[1])]
        far = np.abs(mean) > _FAR * gaps.mean(axis=0)
    return np.where(far, nearest, 0.0)


def _moved(r: FloatArray, by: FloatArray) -> FloatArray:
    """R of ``[1 | Z + by]`` from R of ``[1 | Z]``."""
    moved = r.copy(order="F")
    with np.errstate(invalid="ignore", over="ignore"):
        moved[0, 1:] += r[0, 0] * by
    return moved


def triangularize(a: FloatArray, *, overwrite: bool = False) -> FloatArray:
    """R of the QR factorisation of ``a``: (m, p) with m >= p gives (p, p)."""
    # dgeqrf through SciPy releases the GIL, which its dtpqrt does not.
    p = a.shape[1]
    work = a if overwrite else np.asfortranarray(a)
    qr, _, _, info = lapack.dgeqrf(work, lwork=32 * p, overwrite_a=overwrite)
    if info != 0:
        raise ValueError(f"dgeqrf: argument {-info} is illegal")
    r = np.array(qr[:p], order="F")
    r[_below_diagonal(p)] = 0.0  # where the reflectors stand
    return r


@cache
def _below_diagonal(p: int) -> NDArray[np.bool_]:
    return np.tri(p, k=-1, dtype=np.bool_)
