"""Rows that a design leaves out, counted by why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Reduction


class FirstUnseen(NamedTuple):
    """The first row with a level that was not learned."""

    partition: int
    row: int
    variable: str
    level: Any


@dataclass(slots=True)
class LostRowsState:
    """Counts of the rows so far."""

    read: int = 0  # of the source
    kept: int = 0  # by the design
    missing: dict[str, int] = field(default_factory=dict)  # by variable
    unseen: dict[str, int] = field(default_factory=dict)  # likewise; a row may count twice
    first: FirstUnseen | None = None


@dataclass(frozen=True)
class LostRows(Reduction[LostRowsState]):
    """Count the rows that a design leaves out, and find the first one of an unseen level."""

    def init(self) -> LostRowsState:
        return LostRowsState()

    def update(self, state: LostRowsState, block: Block) -> LostRowsState:
        state.read += block.rows_read
        state.kept += len(block.endog)
        for name, count in block.missing.items():
            state.missing[name] = state.missing.get(name, 0) + count
        for lost in block.lost:
            if lost.levels is None:
                continue
            state.unseen[lost.variable] = state.unseen.get(lost.variable, 0) + len(lost.rows)
            found = FirstUnseen(block.partition, int(lost.rows[0]), lost.variable, lost.levels[0])
            if state.first is None or found[:2] < state.first[:2]:
                state.first = found
        return state

    def merge(self, left: LostRowsState, right: LostRowsState) -> LostRowsState:
        first = [one for one in (left.first, right.first) if one is not None]
        return LostRowsState(
            left.read + right.read,
            left.kept + right.kept,
            _sums(left.missing, right.missing),
            _sums(left.unseen, right.unseen),
            min(first, key=lambda one: one[:2], default=None),
        )


def _sums(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    return {name: left.get(name, 0) + right.get(name, 0) for name in (left | right)}
