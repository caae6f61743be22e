"""IBOSS by its letter: Algorithms 1 (D) and 2 (T) in loops over rows, and how they go wrong.

Nothing here comes from the package. Two rows with almost the same score change places
with the last bit, so that the elementary operations are those that the algorithms name:
``(x - mean) * psi**((p + 1) / 2p)``, and ``((x - mean) / scale)**2`` added column by column.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

# What a hurried author would write:
UNCENTRED = "the mean is not taken off"
TAKEN_TWICE = "a row that an earlier step took is taken again, and counted once"
FLAT = "psi is 1"
CONSTANT_IS_A_COLUMN = "the constant has steps of its own"
CONSTANT_IN_THE_EXPONENT = "p counts the constant in the exponent"
ROOT = "the exponent is 1/2"
UNSTANDARDISED = "T does not divide by the standard deviations"
TIES_TURNED = "the upper side is the end of an ascending order"

VARIANTS = {
    "D": (
        UNCENTRED,
        TAKEN_TWICE,
        FLAT,
        CONSTANT_IS_A_COLUMN,
        CONSTANT_IN_THE_EXPONENT,
        ROOT,
        TIES_TURNED,
    ),
    "T": (UNCENTRED, FLAT, UNSTANDARDISED),
}

MASK = 2**64 - 1


def select(
    x: Any,
    k: int,
    criterion: str = "D",
    psi: Sequence[float] | None = None,
    mean: Sequence[float] | None = None,
    scale: Sequence[float] | None = None,
    slots: str = "exact",
    tie: Callable[[int], int] | None = None,
    *,
    variant: str | None = None,
) -> list[int]:
    """The rows of a design, (n, p), in the order in which they are handed out.

    Of rows with the same score the one with the smaller ``tie(row)`` comes first.
    """
    table = [[float(value) for value in row] for row in x]
    n = len(table)
    key = tie or (lambda row: row)
    columns = [[row[j] for row in table] for j in range(len(table[0]))]
    if criterion == "D" and k < 2 * sum(not constant(column) for column in columns):
        raise ValueError("k < 2p")
    if k >= n:
        return list(range(n))
    if criterion == "uniform":
        return sorted(sorted(range(n), key=key)[:k])
    means = [exact_mean(column) for column in columns] if mean is None else list(mean)
    scales = [exact_scale(column) for column in columns] if scale is None else list(scale)
    used = [j for j, c in enumerate(columns) if variant == CONSTANT_IS_A_COLUMN or not constant(c)]
    if variant == UNCENTRED:
        means = [0.0] * len(columns)
    if variant == UNSTANDARDISED:
        scales = [1.0] * len(columns)
    if variant == FLAT:
        psi = None
    if criterion == "T":
        by_t = t_scores(columns, used, psi, means, scales)
        return sorted(sorted(range(n), key=lambda row: (-by_t[row], key(row)))[:k])
    some_constant = any(constant(column) for column in columns)
    p = len(used)
    counted = p + 1 if variant == CONSTANT_IN_THE_EXPONENT and some_constant else p
    exponent = 0.5 if variant == ROOT else (counted + 1) / (2 * counted)
    weights = None if psi is None else powers(psi, exponent)
    if weights is None and variant != UNCENTRED:
        by_d = [columns[j] for j in used]
    else:
        w = weights or [1.0] * n
        by_d = [[(columns[j][i] - means[j]) * w[i] for i in range(n)] for j in used]
    return algorithm_1(by_d, k, slots, key, variant)


def algorithm_1(
    scores: list[list[float]],
    k: int,
    slots: str,
    key: Callable[[int], int],
    variant: str | None,
) -> list[int]:
    p, n = len(scores), len(scores[0])
    r = k // (2 * p)
    to_deal = k - 2 * p * r if slots == "exact" else 0
    taken: set[int] = set()
    found: list[int] = []
    for z in scores:
        lower = sorted(range(n), key=lambda row: (z[row], key(row)))
        upper = sorted(range(n), key=lambda row: (-z[row], key(row)))
        if variant == TIES_TURNED:
            upper = lower[::-1]
        for order in (lower, upper):
            wanted = r
            if to_deal > 0:
                wanted += 1
                to_deal -= 1
            if variant == TAKEN_TWICE:
                step = [row for row in order[:wanted] if row not in taken]
            else:
                step = [row for row in order if row not in taken][:wanted]
            taken.update(step)
            found.extend(sorted(step))
    return found


def t_scores(
    columns: list[list[float]],
    used: list[int],
    psi: Sequence[float] | None,
    means: Sequence[float],
    scales: Sequence[float],
) -> list[float]:
    found = []
    for row in range(len(columns[0])):
        total = 0.0
        for j in used:
            z = (columns[j][row] - means[j]) / scales[j]
            total += z * z
        found.append(total if psi is None else float(psi[row]) * total)
    return found


def powers(psi: Sequence[float], exponent: float) -> list[float]:
    """Powers of psi, by NumPy: those of libm differ from its own in the last bit."""
    if exponent == 1:
        return [float(value) for value in psi]
    return [float(value) for value in np.power(np.array(psi, dtype=float), exponent)]


def constant(column: list[float]) -> bool:
    return all(value == column[0] for value in column)


def exact_mean(column: Sequence[float]) -> float:
    """The mean, correctly rounded."""
    return float(sum(map(Fraction, column)) / len(column))


def exact_scale(column: Sequence[float]) -> float:
    """The root of the correctly rounded variance with ``ddof=0``."""
    exact = [Fraction(value) for value in column]
    mean = sum(exact) / len(exact)
    return math.sqrt(float(sum((value - mean) ** 2 for value in exact) / len(exact)))


def split_mix(state: int) -> tuple[int, int]:
    """The next state of SplitMix64, and its number."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return state, z ^ (z >> 31)


def row_hash(seed: int, row: int, purpose: int = 0) -> int:
    """Number ``row + 1`` of the generator that starts at a number of the seed's."""
    state = seed
    for _ in range(1 + purpose):
        state, start = split_mix(state)
    before = (start + row * 0x9E3779B97F4A7C15) & MASK
    return split_mix(before)[1]
