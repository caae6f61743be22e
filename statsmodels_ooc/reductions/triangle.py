"""The triangular factor of ``sqrt(w) * [1 | X | y]``, folded block by block (TSQR)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from statsmodels_ooc.reductions.base import BlockLike, FloatArray

__all__ = ["Triangle", "TriangleState", "triangularize"]


@dataclass(slots=True)
class TriangleState:
    """R of the rows seen so far.

    Attributes
    ----------
    r : ndarray, (k + 2, k + 2)
        Upper triangular, ``r.T @ r == A.T @ A`` for ``A = sqrt(w) * [1 | X | y]``.
        Signs of its rows are arbitrary.
    """

    r: FloatArray
    _scratch: FloatArray | None = field(default=None, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return (TriangleState, (self.r,))  # the work space stays at home


@dataclass(frozen=True)
class Triangle:
    """Fold ``[1 | X | y]`` into its triangular factor.

    Backward stable: the digits lost are those of the condition number, not of its
    square, which is what the normal equations lose.

    Parameters
    ----------
    k : int
        The number of columns of the design.

    References
    ----------
    Demmel, Grigori, Hoemmen, Langou (2012). Communication-optimal parallel and
    sequential QR and LU factorizations. SIAM J. Sci. Comput. 34, A206-A239.
    """

    k: int

    def init(self) -> TriangleState:
        p = self.k + 2
        return TriangleState(np.zeros((p, p), order="F"))

    def update(self, state: TriangleState, block: BlockLike) -> TriangleState:
        b = len(block.endog)
        if b == 0:
            return state
        p = self.k + 2
        stacked = state._scratch
        if stacked is None or stacked.shape[0] != p + b:
            stacked = state._scratch = np.empty((p + b, p), order="F")
        stacked[:p] = state.r
        rows = stacked[p:]
        if block.weights is None:
            rows[:, 0] = 1.0
            rows[:, 1:-1] = block.dense()
            rows[:, -1] = block.endog
        else:
            root = np.sqrt(block.weights)
            rows[:, 0] = root
            np.multiply(block.dense(), root[:, None], out=rows[:, 1:-1])
            np.multiply(block.endog, root, out=rows[:, -1])
        state.r = triangularize(stacked, overwrite=True)
        return state

    def merge(self, left: TriangleState, right: TriangleState) -> TriangleState:
        return TriangleState(triangularize(np.vstack((left.r, right.r))))


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
