"""Recursive residuals: each row predicted from the rows before it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import solve_triangular

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.least_squares import Triangle, TriangleState, triangularize


@dataclass(slots=True)
class PartitionsState:
    """A triangular factor for each partition seen, in their order."""

    partitions: list[int]
    factors: list[TriangleState]


@dataclass(frozen=True)
class OfPartitions(Reduction[PartitionsState]):
    """Fold ``[1 | X | y]`` into a triangular factor for each partition.

    Parameters
    ----------
    k : int
        The number of columns of X.
    count : int
        How many partitions there are.
    """

    k: int
    count: int

    def init(self) -> PartitionsState:
        return PartitionsState([], [])

    def update(self, state: PartitionsState, block: Block) -> PartitionsState:
        triangle = Triangle(self.k)
        if len(block.endog) == 0:
            return state
        if state.partitions[-1:] != [block.partition]:
            state.partitions.append(block.partition)
            state.factors.append(triangle.init())
        state.factors[-1] = triangle.update(state.factors[-1], block)
        return state

    def merge(self, left: PartitionsState, right: PartitionsState) -> PartitionsState:
        triangle = Triangle(self.k)
        none = triangle.init()  # a merge with nothing is a copy, which updates may change
        partitions, factors = left.partitions + right.partitions, left.factors + right.factors
        factors = [triangle.merge(none, factor) for factor in factors]
        at = len(left.partitions)
        if left.partitions[-1:] == right.partitions[:1] != []:
            factors[at - 1 : at + 1] = [triangle.merge(factors[at - 1], factors[at])]
            del partitions[at]
        return PartitionsState(partitions, factors)

    def nbytes(self) -> int:
        return 8 * (self.k + 2) ** 2 * self.count


_ROUNDING = 8 * float(np.finfo(np.float64).eps)  # of a singular value that is zero, by the rows
_PIECE = 128  # rows that are predicted at a time


@dataclass(slots=True)
class RecursiveState:
    """Moments of the standardised recursive residuals so far, of n rows."""

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0  # sum of squared deviations from the mean
    singular: bool = False  # whether the rows at the start do not determine the parameters
    # Where the next row continues: its partition, the rows before it, and their factor.
    _partition: int = -1
    _before: int = 0
    _factor: FloatArray | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RecursiveResiduals(Reduction[RecursiveState]):
    r"""Fold the recursive residuals of least squares into their first two moments.

    Parameters
    ----------
    before : tuple of int
        How many rows stand before each partition.
    factors : tuple of ndarray, (k + 1, k + 1)
        R of ``[X | y]`` of the rows before each partition.
    skip : int
        How many rows the first parameters are fitted to.
    first : int
        The number of the first row whose residual counts, at least `skip`.

    Notes
    -----
    The recursive residual of row t is

    .. math:: w_t = \frac{y_t - x_t'b_{t-1}}{\sqrt{1 + x_t' (X_{t-1}'X_{t-1})^{-1} x_t}}.

    For b rows after those with the factor R and parameters b these are
    ``inv(L) (y - X b)``, with the lower triangular factor ``LL' = I + X inv(R'R) X'``: one by
    one, what is left of a row's error once it has been predicted from the errors before it.

    References
    ----------
    Brown, Durbin, Evans (1975). Techniques for testing the constancy of regression relationships
    over time. J. R. Stat. Soc. B 37, 149-192.
    """

    is_divisible = False  # the rows before are known where partitions begin

    before: tuple[int, ...]
    factors: tuple[FloatArray, ...]
    skip: int
    first: int

    def init(self) -> RecursiveState:
        return RecursiveState()

    def update(self, state: RecursiveState, block: Block) -> RecursiveState:
        if len(block.endog) == 0:
            return state
        if state._partition != block.partition or state._factor is None:
            state._partition = block.partition
            state._before = self.before[block.partition]
            state._factor = self.factors[block.partition]
            state.singular |= self._leaves_open(state)
        rows = np.column_stack((block.dense(), block.endog))
        start = min(max(self.skip - state._before, 0), len(rows))
        if start:
            self._pass_by(state, rows[:start])
            state.singular |= self._leaves_open(state)
        for at in range(start, len(rows), _PIECE):
            piece = rows[at : at + _PIECE]
            if not state.singular:
                found = predicted(state._factor, piece)[max(self.first - state._before, 0) :]
                _count(state, found)
            self._pass_by(state, piece)
        return state

    def _leaves_open(self, state: RecursiveState) -> bool:
        """Whether there are as many rows as should determine the parameters, and they do not."""
        return state._before >= self.skip and not _determined(state._factor, self.skip)

    def _pass_by(self, state: RecursiveState, rows: FloatArray) -> None:
        state._factor = triangularize(np.vstack((state._factor, rows)))  # type: ignore[arg-type]
        state._before += len(rows)

    def merge(self, left: RecursiveState, right: RecursiveState) -> RecursiveState:
        later = left if right._factor is None else right
        place = (later._partition, later._before, later._factor)
        singular = left.singular or right.singular
        merged = RecursiveState(left.n, left.mean, left.m2, singular, *place)
        _add(merged, right.n, right.mean, right.m2)
        return merged

    def nbytes(self) -> int:
        return 0 if not self.factors else self.factors[0].nbytes


def predicted(factor: FloatArray, rows: FloatArray) -> FloatArray:
    """Recursive residuals of rows ``[X | y]``, (b, k + 1), after those of a factor, (b,)."""
    k = factor.shape[1] - 1
    root = factor[:k, :k]
    params = solve_triangular(root, factor[:k, k])
    reach = solve_triangular(root, rows[:, :k].T, trans="T")
    spread = reach.T @ reach
    spread[np.diag_indices(len(rows))] += 1.0
    errors = rows[:, k] - rows[:, :k] @ params
    found: FloatArray = solve_triangular(np.linalg.cholesky(spread), errors, lower=True)
    return found


def _determined(factor: FloatArray | None, rows: int) -> bool:
    """Whether the columns of X are independent, once they have one length."""
    assert factor is not None
    root = factor[:-1, :-1]
    sizes = np.linalg.norm(root, axis=0)
    if not sizes.all():
        return False
    values = np.linalg.svd(root / sizes, compute_uv=False)
    return bool(values[-1] > values[0] * _ROUNDING * max(len(sizes), rows))


def _count(state: RecursiveState, values: FloatArray) -> None:
    if len(values):
        mean = float(values.mean())
        _add(state, len(values), mean, float(np.square(values - mean).sum()))


def _add(state: RecursiveState, n: int, mean: float, m2: float) -> None:
    """Moments of more values, as Chan, Golub and LeVeque add them."""
    if n == 0:
        return
    total, gap = state.n + n, mean - state.mean
    state.m2 += m2 + gap * gap * (state.n * n / total)
    state.mean += gap * (n / total)
    state.n = total
