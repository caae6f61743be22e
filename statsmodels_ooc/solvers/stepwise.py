"""Models by adding and leaving out one term after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from statsmodels_ooc.arrays import BoolArray
from statsmodels_ooc.solvers.criteria import Criterion
from statsmodels_ooc.solvers.term_blocks import Fitted, TermBlocks

Direction = Literal["both", "forward", "backward"]

_BETTER = 1e-9  # of a criterion, at the least: rounding adds no term, nor goes round in circles


class Step(NamedTuple):
    """A model, (p,) terms, and the term that came or went; none at the start."""

    chosen: BoolArray
    fit: Fitted
    term: int = -1
    added: bool = False


def steps(
    blocks: TermBlocks,
    criterion: Criterion,
    start: BoolArray,
    direction: Direction,
    *,
    most: int | None = None,
) -> Iterator[Step]:
    """The models of a stepwise selection, from the first to the one that no step makes better.

    Parameters
    ----------
    blocks : TermBlocks
        The terms.
    criterion : Criterion
        What a step has to make smaller.
    start : ndarray of bool, (p,)
        The terms of the first model.
    direction : {"both", "forward", "backward"}
        Whether terms may come, go, or both. One goes only if no other in the model needs it, and
        comes only if what it needs is there.
    most : int, optional
        Most terms that a model may come to.
    """
    now = Step(start.copy(), blocks.fit(start))
    yield now
    while True:
        loss = float(criterion.loss(*now.fit))
        tried = [
            (float(criterion.loss(*step.fit)), i, step)
            for i, step in enumerate(
                _next(blocks, now.chosen, direction, blocks.count if most is None else most)
            )
        ]
        if not tried:
            return
        found, _, best = min(tried, key=lambda each: each[:2])
        if np.isfinite(loss) and not found < loss - _BETTER * max(1.0, abs(loss)):
            return
        now = best
        yield now


def _next(blocks: TermBlocks, chosen: BoolArray, direction: Direction, most: int) -> Iterator[Step]:
    """The models that are one term away."""
    for j in range(blocks.count):
        if chosen[j] if direction == "forward" else not chosen[j] and direction == "backward":
            continue
        if not chosen[j] and chosen.sum() >= most:
            continue
        other = chosen.copy()
        other[j] = not chosen[j]
        if blocks.is_closed(other):
            yield Step(other, blocks.fit(other), j, not chosen[j])
