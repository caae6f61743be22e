"""Pieces of a partition: folded apart, by several threads or by one, and merged in one tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from statsmodels_ooc.engine.ledger import Spent
from statsmodels_ooc.engine.reader import StartedChunk
from statsmodels_ooc.engine.sizes import Sizes
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.sources.base import Partition
from statsmodels_ooc.sources.frames import reader_bytes

_STATES = 16  # more than wait for each worker: together they take no more than a frame

Node = TypeVar("Node")


def pieces_of(partition: Partition, sizes: Sizes) -> int:
    """Into how many pieces a partition is cut; one where its rows are not known."""
    return max(1, -(-(partition.rows or 0) // sizes.piece_rows))


def divides(reductions: Sequence[Reduction[Any]]) -> bool:
    """Whether partitions may be cut: all states merge within them, and are small."""
    small = _STATES * sum(reduction.nbytes() for reduction in reductions) <= reader_bytes()
    return small and all(reduction.is_divisible for reduction in reductions)


def tree(nodes: Sequence[Node], merge: Callable[[Node, Node], Node]) -> Node:
    """Merge neighbours until one is left: the shape depends on their number alone."""
    level = list(nodes)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [merge(left, right) for left, right in pairs] + odd
    return level[0]


def merged(nodes: Iterable[Node], merge: Callable[[Node, Node], Node]) -> Node:
    """The same tree as nodes come, so that few wait; there is one at least."""
    waiting: list[tuple[int, Node]] = []  # with how many each stands for, fewer and fewer
    for node in nodes:
        count = 1
        while waiting and waiting[-1][0] == count:
            node = merge(waiting.pop()[1], node)
            count *= 2
        waiting.append((count, node))
    _, last = waiting.pop()
    while waiting:
        last = merge(waiting.pop()[1], last)
    return last


@dataclass(eq=False)
class Taken:
    """A piece that was read: its frames, which go as they are folded, or the states of them."""

    frames: list[StartedChunk] = field(default_factory=list)
    states: list[Any] | None = None
    spent: Spent = field(default_factory=Spent)

    def each(self, more: Iterable[StartedChunk] = ()) -> Iterator[StartedChunk]:
        """The frames in order, of which none is left afterwards, and more."""
        self.frames.reverse()
        while self.frames:
            yield self.frames.pop()
        yield from more

    def fill(self, frames: Iterator[StartedChunk]) -> bool:
        """Take all frames, or those up to twice the bytes of a frame of numbers."""
        room = 2 * reader_bytes()
        for found in frames:
            self.frames.append(found)
            room -= found[1].nbytes
            if room < 0:
                return False
        return True
