"""What the rows of a pass were: counts, losses, extremes, a fingerprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Reduction

_SAMPLED = 8_192  # one row of so many is looked at as a whole


class NotFinite(NamedTuple):
    """Where the first value that is not finite stands."""

    partition: int
    row: int
    column: int  # of [X | y]
    value: float


@dataclass(slots=True)
class RowFactsState:
    """Counts and extremes of the rows seen so far."""

    rows_read: int  # of the source
    rows: int  # that are left after dropping
    missing: dict[str, int]  # dropped rows by variable; a row counts for every one it lacks
    low: FloatArray  # extremes of the columns of [X | y], (k + 1,) each
    high: FloatArray
    log_weights: float = 0.0  # sum of the logarithms of the weights
    total_weight: float = 0.0  # sum of the weights; the number of rows where there are none
    not_finite: NotFinite | None = None  # the first NaN or infinity in [X | y]


@dataclass(frozen=True)
class RowFacts(Reduction[RowFactsState]):
    """Count rows and losses, and find the extremes of ``[X | y]``, for X of k columns.

    Where `design` is false, only the response is looked at.
    """

    k: int
    design: bool = True

    def init(self) -> RowFactsState:
        q = self.k + 1
        return RowFactsState(0, 0, {}, np.full(q, np.inf), np.full(q, -np.inf))

    def update(self, state: RowFactsState, block: Block) -> RowFactsState:
        b = len(block.endog)
        state.rows_read += block.rows_read
        state.rows += b
        for name, count in block.missing.items():
            state.missing[name] = state.missing.get(name, 0) + count
        if b == 0:
            return state
        low, high = self._extremes(block)
        seen = slice(None) if self.design else slice(self.k, None)
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

    def _extremes(self, block: Block) -> tuple[FloatArray, FloatArray]:
        """Extremes of the columns of ``[X | y]`` that are looked at, (k + 1,) each."""
        low, high = np.full(self.k + 1, np.inf), np.full(self.k + 1, -np.inf)
        if self.design:
            low[:-1], high[:-1] = block.design.extremes()
        low[-1], high[-1] = block.endog.min(), block.endog.max()
        return low, high

    def merge(self, left: RowFactsState, right: RowFactsState) -> RowFactsState:
        names = [*left.missing, *(name for name in right.missing if name not in left.missing)]
        return RowFactsState(
            rows_read=left.rows_read + right.rows_read,
            rows=left.rows + right.rows,
            missing={n: left.missing.get(n, 0) + right.missing.get(n, 0) for n in names},
            low=np.minimum(left.low, right.low),
            high=np.maximum(left.high, right.high),
            log_weights=left.log_weights + right.log_weights,
            total_weight=left.total_weight + right.total_weight,
            not_finite=left.not_finite or right.not_finite,
        )


def _first_not_finite(block: Block) -> NotFinite | None:
    values = np.column_stack((block.dense(), block.endog))
    bad = ~np.isfinite(values)
    if not bad.any():  # the sum of two huge finite extremes overflowed
        return None
    i = int(np.argmax(bad.any(axis=1)))
    j = int(np.argmax(bad[i]))
    return NotFinite(block.partition, block.row(i), j, float(values[i, j]))


@dataclass(slots=True)
class ExtremesState:
    """Extremes of the columns of the design, (k,) each, and whether all values are finite."""

    low: FloatArray
    high: FloatArray
    finite: bool = True


@dataclass(frozen=True)
class Extremes(Reduction[ExtremesState]):
    """Find the extremes of the k columns of the design."""

    takes_cells = True

    k: int

    def init(self) -> ExtremesState:
        return ExtremesState(np.full(self.k, np.inf), np.full(self.k, -np.inf))

    def update(self, state: ExtremesState, block: Block) -> ExtremesState:
        if len(block.endog) == 0:
            return state
        low, high = block.design.extremes()
        return self.merge(state, ExtremesState(low, high, bool(np.isfinite(low + high).all())))

    def merge(self, left: ExtremesState, right: ExtremesState) -> ExtremesState:
        low, high = np.minimum(left.low, right.low), np.maximum(left.high, right.high)
        return ExtremesState(low, high, left.finite and right.finite)


@dataclass(slots=True)
class FingerprintState:
    """What the partitions were, by their number.

    Attributes
    ----------
    seen : dict
        Rows read, rows kept, and a checksum of what was kept (XXH3 of 64 bits). A
        partition that gave no block has no entry.
    """

    seen: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    _running: tuple[int, list[xxh3_64]] | None = field(default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[type[FingerprintState], tuple[dict[int, tuple[int, int, int]]]]:
        return FingerprintState, (self.seen,)  # its partitions are complete

    def running(self, partition: int, count: int) -> list[xxh3_64]:
        """The checksums of a partition whose blocks come one after another."""
        if self._running is None or self._running[0] != partition:
            if self.seen.get(partition, (0, 0, 0))[1]:
                raise ValueError(f"partition {partition} goes on after another, or a pickle")
            self._running = partition, [xxh3_64() for _ in range(count)]
        return self._running[1]

    def of(self, count: int) -> list[tuple[int, int, int]]:
        """The entries of partitions 0 to ``count - 1``, zeros for those without."""
        return [self.seen.get(number, (0, 0, 0)) for number in range(count)]


@dataclass(frozen=True)
class Fingerprint(Reduction[FingerprintState]):
    """Tell whether two passes made the same of the rows, however they were cut into blocks.

    One row in 8,192 is looked at, of ``endog``, of what goes with the rows and of the
    variables: the columns that these are made of are compared where they are read.

    Parameters
    ----------
    encoded : bool
        Whether some columns come as codes and are not compared where they are read: then
        the checksum covers ``endog``, what goes with the rows, and all codes.
    """

    encoded: bool

    def init(self) -> FingerprintState:
        return FingerprintState()

    def update(self, state: FingerprintState, block: Block) -> FingerprintState:
        read, kept, total = state.seen.get(block.partition, (0, 0, 0))
        b = len(block.endog)
        if b:
            keys = block.design.keys()
            beside = (block.endog, *block.extras.given().values())
            compared = [_sampled((*beside, *keys), b, kept)]
            if self.encoded:
                compared += [*beside, *(key for key in keys if key.dtype.kind in "iu")]
            running = state.running(block.partition, len(compared))
            for checksum, values in zip(running, compared, strict=True):
                checksum.update(np.ascontiguousarray(values).data)
            total = sum((2 * j + 1) * one.intdigest() for j, one in enumerate(running)) % 2**64
        state.seen[block.partition] = (read + block.rows_read, kept + b, total)
        return state

    def merge(self, left: FingerprintState, right: FingerprintState) -> FingerprintState:
        running = right._running or left._running
        if running is not None:  # a copy: what goes on is the merged state's own
            running = running[0], [checksum.copy() for checksum in running[1]]
        return FingerprintState(left.seen | right.seen, running)


def _sampled(keys: Sequence[NDArray[Any]], b: int, before: int) -> FloatArray:
    """Every `_SAMPLED`-th of b rows after so many others, (m, q), of q variables, (b,) each."""
    first = -before % _SAMPLED
    if first >= b:
        return np.empty((0, len(keys)))
    return np.array([key[first::_SAMPLED] for key in keys], dtype=np.float64).T
