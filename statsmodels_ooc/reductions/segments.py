"""A checksum of rows in order that is a sum: however the rows are cut, it is the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64

from statsmodels_ooc.blocks.block import Block

SEGMENT = 8_192  # rows of a partition, by their numbers: 0 to 8,191, and so on


class Segment(NamedTuple):
    """Rows of one segment of a partition: all that were kept, or a run of them.

    Attributes
    ----------
    number : int
        The segment's.
    sample : bytes
        What the first of the rows is.
    runs : tuple of tuples of ndarray
        The values of all of them: runs of rows, each with a piece of every column.
    """

    number: int
    sample: bytes
    runs: tuple[tuple[NDArray[np.generic], ...], ...]

    def joined(self, later: Segment) -> Segment:
        """These rows, followed by others of the same segment."""
        return Segment(self.number, self.sample, self.runs + later.runs)

    def owned(self) -> Segment:
        """The same in memory of its own."""
        runs = tuple(
            tuple(values if values.base is None else values.copy() for values in run)
            for run in self.runs
        )
        return Segment(self.number, self.sample, runs)

    def checksum(self) -> int:
        """XXH3 of 64 bits, column by column, however the rows came in runs."""
        running = xxh3_64(self.sample, self.number)
        for column in zip(*self.runs, strict=True):
            for values in column:
                running.update(values.data)
        return running.intdigest()


@dataclass(frozen=True, slots=True)
class Checksum:
    """The sum of the checksums of segments, of which the first and the last may go on.

    Attributes
    ----------
    closed : int
        The sum over the segments between these two, modulo 2**64.
    open : tuple of Segment
        The first and the last segment, one that is both, or none.
    """

    closed: int = 0
    open: tuple[Segment, ...] = ()

    @property
    def total(self) -> int:
        """The sum over all segments."""
        return (self.closed + sum(segment.checksum() for segment in self.open)) % 2**64

    @property
    def last(self) -> int | None:
        """The number of the last segment."""
        return self.open[-1].number if self.open else None

    def followed_by(self, later: Checksum) -> Checksum:
        """Of these rows and the ones after them."""
        return Checksum(self.closed + later.closed, self.open).with_segments(later.open)

    def with_segments(self, segments: Iterable[Segment]) -> Checksum:
        """Of these rows and the ones after them, whose memory may be overwritten later."""
        closed, found = self.closed, list(self.open)
        for segment in segments:
            if found and found[-1].number == segment.number:
                found[-1] = found[-1].joined(segment)
                continue
            if len(found) > 1:
                closed += found.pop().checksum()
            found.append(segment)
        return Checksum(closed % 2**64, tuple(segment.owned() for segment in found))


def segments_of(
    block: Block,
    sampled: Sequence[NDArray[np.generic]],
    columns: Sequence[NDArray[np.generic]],
    last: int | None,
) -> Iterator[Segment]:
    """The rows of a block by segments, whose values share its memory; there are rows.

    Parameters
    ----------
    block : Block
        The rows.
    sampled : sequence of ndarray, (b,)
        What the first row of a segment is looked at for.
    columns : sequence of ndarray, (b,)
        What all rows are.
    last : int or None
        The segment of the row before: it has its sample.
    """
    b = len(block.endog)
    first, final = block.row(0) // SEGMENT, block.row(b - 1) // SEGMENT
    starts = SEGMENT * np.arange(first + 1, final + 1)
    inner = starts - block.start if block.kept is None else np.searchsorted(block.kept, starts)
    cuts = [0, *inner.tolist(), b]
    whole = [np.ascontiguousarray(values) for values in columns]
    firsts = [a for a, e in pairwise(cuts) if a < e]
    if first == last:
        del firsts[0]
    samples = iter(np.array([v[firsts] for v in sampled], dtype=np.float64).T)
    for number, (a, e) in enumerate(pairwise(cuts), first):
        if a < e:
            sample = b"" if number == last else next(samples).tobytes()
            yield Segment(number, sample, (tuple(values[a:e] for values in whole),))
