"""The tasks of a pass: read and fold partitions, whole or in pieces, and merge the states."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.engine.beside import Beside
from statsmodels_ooc.engine.ledger import Read, Spent
from statsmodels_ooc.engine.pieces import Taken, merged
from statsmodels_ooc.engine.progress import at_work, tick
from statsmodels_ooc.engine.reader import PartitionReader, StartedChunk
from statsmodels_ooc.engine.sizes import BlockSpec, Sizes, reading, working
from statsmodels_ooc.engine.tasks import blocks_of, one_blas_thread, released
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.sources.base import Partition
from statsmodels_ooc.sources.files import contents_are_compared

# What was read of partitions, a state a reduction, and the time it took.
Folded = tuple[dict[int, Read], list[Any], Spent]
_NOTHING = Spent()


class Clock:
    """Where the time of a task goes: `build` and `fold`, in seconds."""

    def __init__(self) -> None:
        self.build = self.fold = 0.0

    def spent(self, read: float = 0.0) -> Spent:
        """What it shows, with the time for reading."""
        return Spent(read, self.build, self.fold)


@dataclass(frozen=True)
class Merge:
    """The inner node of the tree: the states of neighbours, left before right."""

    reductions: tuple[Reduction[Any], ...]

    def __call__(self, left: Folded, right: Folded) -> Folded:
        states = [
            reduction.merge(a, b)
            for reduction, a, b in zip(self.reductions, left[1], right[1], strict=True)
        ]
        return left[0] | right[0], states, left[2].plus(right[2])


@dataclass(frozen=True)
class Fold:
    """What a pass does with frames: one state a reduction, for a piece or a whole partition.

    As a task it reads a partition and folds it, piece by piece.
    """

    spec: BlockSpec
    reductions: tuple[Reduction[Any], ...]
    sizes: Sizes
    meter: str
    compared: bool = False
    beside: tuple[str, ...] = ()

    def __call__(self, bound: Any, index: int, pieces: int, *chunks: NDArray[Any]) -> Folded:
        partition = released(bound)
        with reading(partition, self.spec, self.sizes):
            return self._whole(partition, index, pieces, chunks)

    def _whole(
        self, partition: Partition, index: int, pieces: int, chunks: Sequence[NDArray[Any]]
    ) -> Folded:
        reader, beside = self.reader(), Beside(self.beside, chunks, partition.label)
        clock = Clock()
        with self.at_work(), closing(reader):
            frames = reader.rest(partition)
            found = self.folded(frames, index, partition.label, clock, pieces, beside)
            parts: Iterator[Folded] = (({}, states, _NOTHING) for states in found)
            _, states, _ = merged(parts, Merge(self.reductions))
        pairs = zip(self.reductions, states, strict=True)
        states = [reduction.complete(state, index) for reduction, state in pairs]
        return {index: reader.read}, states, clock.spent(reader.seconds)

    def reader(self) -> PartitionReader:
        """What gives the frames of a partition."""
        return PartitionReader(self.spec, self.sizes, self.meter)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """What must hold while rows are read or folded."""
        with (
            at_work(self.meter),
            one_blas_thread(),
            np.errstate(over="ignore"),  # the facts name what is too large
            contents_are_compared() if self.compared else nullcontext(),
        ):
            yield

    def folded(
        self,
        frames: Iterable[StartedChunk],
        index: int,
        label: str,
        clock: Clock,
        pieces: int = 1,
        beside: Beside | None = None,
    ) -> Iterator[list[Any]]:
        """The states of each piece of some frames of a partition; the last one takes the rest."""
        states, stop = self._init(), self.sizes.piece_rows
        order = sorted(enumerate(self.reductions), key=lambda one: one[1].goes_last)
        for start, frame in frames:
            if pieces > 1 and start >= stop:
                yield states
                states, stop, pieces = self._init(), start + self.sizes.piece_rows, pieces - 1
            began = time.perf_counter()
            blocks = blocks_of(self.spec, frame, index, label, start, self.sizes)
            for block in blocks if beside is None else beside.put(blocks):
                built = time.perf_counter()
                for i, reduction in order:
                    states[i] = reduction.update(states[i], block)
                clock.build += built - began
                began = time.perf_counter()
                clock.fold += began - built
            tick(self.meter, len(frame))
        yield states
        for _ in range(pieces - 1):
            yield self._init()

    def _init(self) -> list[Any]:
        return [reduction.init() for reduction in self.reductions]


@dataclass(frozen=True)
class ReadPiece:
    """The task that reads the next piece of a partition, after others have been done."""

    fold: Fold

    def __call__(self, reader: PartitionReader, bound: Any, index: int, *after: Any) -> Taken:
        partition, taken, clock = released(bound), Taken(), Clock()
        with working(self.fold.sizes, partition.is_far), self.fold.at_work():
            frames = reader.piece(partition)
            if not taken.fill(frames):  # too heavy to be handed on
                frames = taken.each(frames)
                (taken.states,) = self.fold.folded(frames, index, partition.label, clock)
                taken.spent = clock.spent()
        return taken


@dataclass(frozen=True)
class FoldPiece:
    """The task that folds a piece that was read."""

    fold: Fold

    def __call__(self, taken: Taken, index: int, label: str) -> Folded:
        if taken.states is not None:
            return {}, taken.states, taken.spent
        clock = Clock()
        with working(self.fold.sizes), self.fold.at_work():
            (states,) = self.fold.folded(taken.each(), index, label, clock)
        return {}, states, clock.spent()


@dataclass(frozen=True)
class FoldRest:
    """The task that reads and folds the last piece of a partition."""

    fold: Fold

    def __call__(self, reader: PartitionReader, bound: Any, index: int, *after: Any) -> Folded:
        partition, clock = released(bound), Clock()
        place = working(self.fold.sizes, partition.is_far)
        with place, self.fold.at_work(), closing(reader):
            (states,) = self.fold.folded(reader.rest(partition), index, partition.label, clock)
        return {index: reader.read}, states, clock.spent(reader.seconds)
