"""What the rows of a pass were: counts, losses, extremes, a fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.segments import Checksum, segments_of


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

    goes_last = True

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

    def is_sliced(self) -> bool:
        return True

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


class SeenRows(NamedTuple):
    """What was seen of a partition: rows read, rows kept, and what these were."""

    read: int = 0
    kept: int = 0
    checksum: Checksum = Checksum()

    def entry(self) -> tuple[int, int, int]:
        """Rows read, rows kept, and the checksum of what was kept."""
        return self.read, self.kept, self.checksum.total

    def followed_by(self, later: SeenRows) -> SeenRows:
        """These rows and the ones after them."""
        checksum = self.checksum.followed_by(later.checksum)
        return SeenRows(self.read + later.read, self.kept + later.kept, checksum)

    def complete(self) -> SeenRows:
        """The same, of a partition of which nothing is missing."""
        return SeenRows(self.read, self.kept, Checksum(self.checksum.total))


@dataclass(slots=True)
class FingerprintState:
    """What the partitions were, by their number; one that gave no block has no entry."""

    partitions: dict[int, SeenRows] = field(default_factory=dict)

    def of(self, count: int) -> list[tuple[int, int, int]]:
        """The entries of partitions 0 to ``count - 1``, zeros for those without."""
        return [self.entry(number) for number in range(count)]

    def entry(self, partition: int) -> tuple[int, int, int]:
        """Rows read, rows kept, and a checksum of what was kept."""
        return self.partitions.get(partition, SeenRows()).entry()


@dataclass(frozen=True)
class Fingerprint(Reduction[FingerprintState]):
    """Tell whether two passes made the same of the rows, however they were cut into blocks.

    The first row that is kept of every 8,192 is looked at, of ``endog``, of what goes with the
    rows and of the variables: the columns that these are made of are compared where they are
    read.

    Parameters
    ----------
    encoded : bool
        Whether some columns come as codes and are not compared where they are read: then
        the checksum covers ``endog``, what goes with the rows, and all codes.
    """

    encoded: bool

    def is_sliced(self) -> bool:
        return True

    def init(self) -> FingerprintState:
        return FingerprintState()

    def update(self, state: FingerprintState, block: Block) -> FingerprintState:
        read, kept, checksum = state.partitions.get(block.partition, SeenRows())
        b = len(block.endog)
        if b:
            keys = block.design.keys()
            beside = (block.endog, *block.extras.given().values())
            codes = [*beside, *(key for key in keys if key.dtype.kind in "iu")]
            compared = codes if self.encoded else []
            checksum = checksum.with_segments(
                segments_of(block, (*beside, *keys), compared, checksum.last)
            )
        state.partitions[block.partition] = SeenRows(read + block.rows_read, kept + b, checksum)
        return state

    def complete(self, state: FingerprintState, partition: int) -> FingerprintState:
        if partition not in state.partitions:
            return state
        rows = state.partitions[partition].complete()
        return FingerprintState({**state.partitions, partition: rows})

    def merge(self, left: FingerprintState, right: FingerprintState) -> FingerprintState:
        found = dict(left.partitions)
        for number, later in right.partitions.items():
            found[number] = found[number].followed_by(later) if number in found else later
        for number, rows in found.items():
            if rows.checksum.open and min(found) < number < max(found):
                found[number] = rows.complete()
        return FingerprintState(found)
