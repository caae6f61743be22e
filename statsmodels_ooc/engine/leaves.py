"""The calls of a pass: partitions as tasks, or as chains of tasks that share one read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from heapq import heapreplace
from typing import Any

from statsmodels_ooc.engine.folding import Fold, FoldPiece, FoldRest, Merge, ReadPiece
from statsmodels_ooc.engine.pieces import divides, pieces_of, tree
from statsmodels_ooc.engine.sizes import BlockSpec, Sizes, are_light
from statsmodels_ooc.engine.tasks import TaskGraph, bound
from statsmodels_ooc.sources.base import Partition

_WAITING = 1.125  # times its share that a thread may work: tasks for pieces cost about as much


class Leaves:
    """Calls that give the states of each partition; closed, no reader is left open.

    Where the partitions go well into the threads, each is read and folded by one task. Where
    threads would wait for the last ones, each is a chain of tasks: one reads a piece, another
    one folds it while the next piece is read. Pieces, and the tree in which they merge, are the
    same both ways.

    A piece is not read before another one of the partition, so many pieces earlier, has been
    folded, nor is a chain begun before another one, as many partitions earlier as threads work,
    has been read: dask may have more threads.

    Parameters
    ----------
    graph : TaskGraph
        Gets the calls.
    fold : Fold
        What is done with frames.
    threads : int
        Threads of this process that work at a time; one where the tasks run elsewhere.
    """

    def __init__(self, graph: TaskGraph, fold: Fold, threads: int) -> None:
        self._fold, self._threads = fold, threads
        self.meter = fold.meter
        self._readers = ExitStack()
        self.merge = graph.calls_of(Merge(fold.reductions))
        self._whole = graph.calls_of(fold)
        self._read = graph.calls_of(ReadPiece(fold))
        self._piece = graph.calls_of(FoldPiece(fold))
        self._rest = graph.calls_of(FoldRest(fold))

    def close(self) -> None:
        """Close what was opened."""
        self._readers.close()

    def of(
        self,
        partitions: Sequence[Partition],
        chunks: Sequence[Sequence[Any]],
        wanted: Sequence[int],
    ) -> dict[int, str]:
        """The calls for some partitions, by their number, with what is put beside their rows."""
        fold, threads, count = self._fold, self._threads, len(partitions)
        calls: dict[int, str] = {}
        ends: list[str] = []  # of chains
        are_cut = divides(fold.reductions)
        several = fold.sizes.shares and are_shared(fold.spec, fold.sizes, partitions, threads)
        for i in wanted:
            partition = partitions[i]
            given = bound(partition, fold.spec.columns)
            pieces = pieces_of(partition, fold.sizes) if are_cut else 1
            if pieces > 1 and several and not fold.beside:
                before = (ends[-threads],) if len(ends) >= threads else ()
                ahead = self._ahead(i, count)
                folded = self._chain(given, i, pieces, partition.label, ahead, before)
                ends.append(folded[-1])
                calls[i] = tree(folded, self.merge)
            else:
                calls[i] = self._whole(given, i, pieces, *chunks[i])
        return calls

    def _ahead(self, index: int, count: int) -> int:
        """How many pieces of a partition may be in memory.

        Two, but for the partitions that are left in the end: all threads work on these.
        """
        last = count % self._threads or self._threads
        return 1 - -self._threads // last if index >= count - last else 2

    def _chain(
        self, given: Any, index: int, pieces: int, label: str, ahead: int, before: tuple[str, ...]
    ) -> list[str]:
        reader = self._readers.enter_context(closing(self._fold.reader()))
        folded: list[str] = []
        for number in range(pieces):
            after = (*before, folded[-ahead]) if number >= ahead else before
            if number == pieces - 1:
                folded.append(self._rest(reader, given, index, *after))
            else:
                before = (self._read(reader, given, index, *after),)
                folded.append(self._piece(*before, index, label))
        return folded


def are_shared(
    spec: BlockSpec, sizes: Sizes, partitions: Sequence[Partition], threads: int
) -> bool:
    """Whether several threads work on a partition: where they would wait for the last ones."""
    light = are_light(sizes, spec) or 2 * len(partitions) <= threads
    rows = [partition.rows or 0 for partition in partitions]
    return light and longest(rows, threads) > _WAITING


def longest(rows: Sequence[int], threads: int) -> float:
    """How long threads work that take partitions in turn, in shares of an even division."""
    loads = [0] * threads
    for count in rows:
        heapreplace(loads, loads[0] + count)
    return max(loads) * threads / max(sum(loads), 1)
