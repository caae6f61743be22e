"""What the rows of a pass were: counts, losses, extremes, a fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from statsmodels_ooc.reductions.base import BlockLike, FloatArray

__all__ = ["Fingerprint", "FingerprintState", "NotFinite", "RowAudit", "RowAuditState"]

_SAMPLED = 512  # one row of so many is looked at as a whole


class NotFinite(NamedTuple):
    """Where the first value that is not finite stands."""

    partition: int
    row: int
    column: int  # of [X | y]
    value: float


@dataclass(slots=True)
class RowAuditState:
    """Counts and extremes of the rows seen so far.

    Attributes
    ----------
    rows_read, rows : int
        Rows of the source, and rows that are left after dropping.
    missing : dict
        Dropped rows by the name of the variable that had a missing value; a row
        counts for every one that had.
    low, high : ndarray, (k + 1,)
        Extremes of the columns of ``[X | y]``.
    log_weights : float
        Sum of the logarithms of the weights.
    total_weight : float
        Sum of the weights; the number of rows where there are none.
    not_finite : NotFinite or None
        The first NaN or infinity in ``[X | y]``.
    """

    rows_read: int
    rows: int
    missing: dict[str, int]
    low: FloatArray
    high: FloatArray
    log_weights: float = 0.0
    total_weight: float = 0.0
    not_finite: NotFinite | None = None


@dataclass(frozen=True)
class RowAudit:
    """Count rows and losses, and find the extremes of ``[X | y]``.

    Parameters
    ----------
    k : int
        The number of columns of the design.
    design : bool
        Whether the design is looked at, or the response only.
    """

    k: int
    design: bool = True

    def init(self) -> RowAuditState:
        q = self.k + 1
        return RowAuditState(0, 0, {}, np.full(q, np.inf), np.full(q, -np.inf))

    def update(self, state: RowAuditState, block: BlockLike) -> RowAuditState:
        b = len(block.endog)
        state.rows_read += block.rows_read
        state.rows += b
        for name, count in block.missing.items():
            state.missing[name] = state.missing.get(name, 0) + count
        if b == 0:
            return state
        low, high = _extremes(block) if self.design else _extremes_of_y(block, self.k)
        seen = self._looked_at
        if state.not_finite is None and not np.isfinite(low[seen] + high[seen]).all():
            state.not_finite = _first_not_finite(block)
        np.minimum(state.low, low, out=state.low)
        np.maximum(state.high, high, out=state.high)
        if block.weights is None:
            state.total_weight += b
        else:
            state.total_weight += float(block.weights.sum())
            with np.errstate(divide="ignore"):
                state.log_weights += float(np.log(block.weights).sum())
        return state

    @property
    def _looked_at(self) -> slice:
        return slice(None) if self.design else slice(self.k, None)

    def merge(self, left: RowAuditState, right: RowAuditState) -> RowAuditState:
        names = [*left.missing, *(name for name in right.missing if name not in left.missing)]
        return RowAuditState(
            rows_read=left.rows_read + right.rows_read,
            rows=left.rows + right.rows,
            missing={n: left.missing.get(n, 0) + right.missing.get(n, 0) for n in names},
            low=np.minimum(left.low, right.low),
            high=np.maximum(left.high, right.high),
            log_weights=left.log_weights + right.log_weights,
            total_weight=left.total_weight + right.total_weight,
            not_finite=left.not_finite or right.not_finite,
        )


def _extremes(block: BlockLike) -> tuple[FloatArray, FloatArray]:
    """Extremes of the columns of ``[X | y]``, (k + 1,) each."""
    low, high = block.design.extremes()
    return np.append(low, block.endog.min()), np.append(high, block.endog.max())


def _extremes_of_y(block: BlockLike, k: int) -> tuple[FloatArray, FloatArray]:
    """The same, for the response only."""
    low, high = np.full(k + 1, np.inf), np.full(k + 1, -np.inf)
    low[-1], high[-1] = block.endog.min(), block.endog.max()
    return low, high


def _first_not_finite(block: BlockLike) -> NotFinite | None:
    values = np.column_stack((block.dense(), block.endog))
    bad = ~np.isfinite(values)
    if not bad.any():  # the sum of two huge finite extremes overflowed
        return None
    i = int(np.argmax(bad.any(axis=1)))
    j = int(np.argmax(bad[i]))
    return NotFinite(block.partition, block.row(i), j, float(values[i, j]))


@dataclass(slots=True)
class FingerprintState:
    """What the partitions were, by their number.

    Attributes
    ----------
    seen : dict
        Rows read, rows kept, and a checksum of what was kept. A partition that gave
        no block has no entry.
    """

    seen: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def of(self, count: int) -> list[tuple[int, int, int]]:
        """The entries of partitions 0 to ``count - 1``, zeros for those without."""
        return [self.seen.get(number, (0, 0, 0)) for number in range(count)]


@dataclass(frozen=True)
class Fingerprint:
    """Tell whether two passes saw the same rows, however they were cut into blocks.

    The checksum adds up the bit patterns of ``endog`` and of what goes with the rows.
    One row of `_SAMPLED` is looked at as a whole, and its bits count by where the row
    stands in its partition, so that other values in the design, or another order of the
    rows, do not go unnoticed.
    """

    def init(self) -> FingerprintState:
        return FingerprintState()

    def update(self, state: FingerprintState, block: BlockLike) -> FingerprintState:
        read, kept, checksum = state.seen.get(block.partition, (0, 0, 0))
        b = len(block.endog)
        if b:
            checksum += _bits(block.endog) + _sampled_bits(block, kept)
            checksum += sum(_bits(values) for values in block.extras.values())
        state.seen[block.partition] = (read + block.rows_read, kept + b, checksum % 2**64)
        return state

    def merge(self, left: FingerprintState, right: FingerprintState) -> FingerprintState:
        return FingerprintState(left.seen | right.seen)


def _bits(values: FloatArray) -> int:
    """The bit patterns of the values, added up modulo 2**64."""
    return int(np.ascontiguousarray(values).view(np.uint64).sum())


def _sampled_bits(block: BlockLike, before: int) -> int:
    """The bits of every `_SAMPLED`-th row of the variables and y, each times an odd number.

    Parameters
    ----------
    block : BlockLike
        The rows.
    before : int
        Rows of the partition that earlier blocks held.
    """
    rows = slice(-before % _SAMPLED, None, _SAMPLED)
    keys = [key[rows] for key in block.design.keys()]  # noqa: SIM118 - not a mapping
    values = np.column_stack((*keys, block.endog[rows])).astype(np.float64, copy=False)
    positions = before + np.arange(len(block.endog), dtype=np.uint64)[rows]
    columns = np.arange(values.shape[1], dtype=np.uint64)
    odd = 2 * (positions[:, None] * np.uint64(values.shape[1]) + columns) + 1
    return int((values.view(np.uint64) * odd).sum())
