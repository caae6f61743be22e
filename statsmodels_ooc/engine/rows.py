"""The door to the rows: what a model, its likelihood and its results ask questions of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.reductions.base import Reduction, check_cells


class Rows(Protocol):
    """Rows of a design, wherever they are."""

    def fold(self, name: str, *reductions: Reduction[Any]) -> tuple[Any, ...]:
        """Fold several reductions over the rows at once; the state of each."""
        ...


@dataclass(frozen=True)
class MemoryRows:
    """Blocks in memory: a sample, distinct rows, selected rows. No fold of them is a pass.

    Attributes
    ----------
    blocks : callable
        Gives the blocks, in order, as often as it is called.
    n : int
        How many rows they have.
    are_cells : bool
        Whether a row stands for several of the data, see `Block.cells`.
    """

    blocks: Callable[[], Iterable[Block]]
    n: int
    are_cells: bool = False

    def fold(self, name: str, *reductions: Reduction[Any]) -> tuple[Any, ...]:
        """Fold several reductions over the rows, here and now; the state of each.

        Raises
        ------
        TypeError
            A reduction is not right on rows that stand for several.
        """
        if self.are_cells:
            check_cells(*reductions)
        states = [reduction.init() for reduction in reductions]
        with one_blas_thread():
            for block in self.blocks():
                pairs = zip(reductions, states, strict=True)
                states = [reduction.update(state, block) for reduction, state in pairs]
        return tuple(states)
