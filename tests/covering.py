"""Parameters of tests that cover all pairs of values, where a full cross costs much."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Any


def turns(values: Sequence[Any], *crossed: Collection[Any]) -> list[tuple[Any, ...]]:
    """All combinations of some parameters; those of one more take turns.

    Parameters
    ----------
    values : sequence
        Of the parameter that takes turns. One that comes twice has two turns of each round.
    *crossed : collection
        The values of the others, whose combinations are all there.

    Returns
    -------
    list of tuple
        Of each combination, and of what has its turn there. Each value of each parameter is there
        with each of ``values``.

    Raises
    ------
    ValueError
        Where a pair of values would be missing.

    Examples
    --------
    >>> turns((7, 1), "ab", (True, False))
    [('a', True, 7), ('a', False, 1), ('b', True, 1), ('b', False, 7)]
    """
    found, pairs = [], set()
    for places in itertools.product(*(range(len(one)) for one in crossed)):
        turn = sum(places) % len(values)
        chosen = [list(one)[place] for one, place in zip(crossed, places, strict=True)]
        found.append((*chosen, values[turn]))
        pairs |= {(number, place, turn) for number, place in enumerate(places)}
    if len(pairs) < len(values) * sum(len(one) for one in crossed):
        raise ValueError(f"{len(values)} values do not take their turns with all others")
    return found
