"""What makes a row informative: the scores of D- and T-optimality, and none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.selection.ordering import IntArray, Offer, Order

Criterion = Literal["D", "T", "uniform"]
CRITERIA = ("D", "T", "uniform")
Slots = Literal["exact", "floor"]


@dataclass(frozen=True)
class Steps:
    """The steps of a selection, in the order in which they take their rows."""

    slots: tuple[int, ...]  # how many rows each step takes

    @property
    def needs(self) -> tuple[int, ...]:
        """How many rows of its order each step must know.

        The rows taken before are as many as the slots before. However many of them head
        the order of a step, its own slots are filled from the rows behind them.
        """
        return tuple(accumulate(self.slots))

    def crowd(self, n: int) -> str:
        """A warning where several steps take more than half of n rows; else empty."""
        k = sum(self.slots)
        if len(self.slots) == 1 or k <= n / 2:
            return ""
        return (
            f"{k:,} of {n:,} rows are selected, more than half: the steps run into one another, "
            "and a fit of all rows costs hardly more"
        )


def deal(criterion: Criterion, k: int, p: int, slots: Slots = "exact") -> Steps:
    """Share k rows between the steps of a criterion.

    Parameters
    ----------
    criterion : {"D", "T", "uniform"}
        D has two steps for each of p columns, the lower side and the upper; the others
        have one.
    k, p : int
        Rows to select, and columns.
    slots : {"exact", "floor"}
        What happens to the remainder of ``k / 2p``: dealt out one by one, or dropped.

    Raises
    ------
    ValueError
        There is less than a row for each side of each column.
    """
    if criterion != "D":
        return Steps((k,))
    each = k // (2 * p)
    if each == 0:
        raise ValueError(
            f"k = {k:,} is less than two rows for each of {p:,} columns; D-optimality takes rows "
            f"from both sides of every column: k must be {2 * p:,} or more, or criterion='T'"
        )
    rest = k - 2 * p * each if slots == "exact" else 0
    return Steps(tuple(each + (step < rest) for step in range(2 * p)))


def scores(
    criterion: Criterion,
    columns: Sequence[FloatArray],
    psi: FloatArray | None,
    mean: FloatArray | None,
    scale: FloatArray | None,
) -> Iterator[FloatArray]:
    """Scores of b rows, (b,) for each step; the smallest are taken.

    Every operation works on one row and goes through the columns in order, so that a row
    has the same bits in whatever company it comes.

    Parameters
    ----------
    criterion : {"D", "T"}
        D: ``psi**((p + 1) / 2p) * (x_j - mean_j)`` for the lower side of column j and its
        negative for the upper one; ``x_j`` where psi is None. T: minus
        ``psi * sum_j ((x_j - mean_j) / scale_j)**2``.
    columns : sequence of ndarray, (b,)
        The p columns.
    psi : ndarray, (b,), or None
        The information of each row; None for a constant one. Rows where it is NaN have no
        score, and come last.
    mean, scale : ndarray, (p,), or None
        Of the columns over all rows; scale with ``ddof=0``.
    """
    if criterion == "T":
        assert mean is not None
        assert scale is not None
        yield _distances(columns, psi, mean, scale)
        return
    weight = side_weights(psi, len(columns))
    for j, x in enumerate(columns):
        z = centred(x, 0.0 if mean is None else mean[j], weight)
        yield z
        yield -z


def _distances(
    columns: Sequence[FloatArray], psi: FloatArray | None, mean: FloatArray, scale: FloatArray
) -> FloatArray:
    total = np.zeros(len(columns[0]))
    with np.errstate(over="ignore", invalid="ignore"):
        for x, m, s in zip(columns, mean, scale, strict=True):
            z = (x - m) / s
            total -= z * z
        return total if psi is None else total * psi


def offers(
    criterion: Criterion,
    columns: Sequence[FloatArray],
    psi: FloatArray | None,
    mean: FloatArray | None,
    scale: FloatArray | None,
    orders: Sequence[Order],
) -> Iterator[Offer]:
    """The rows that the order of each step may let in, with their `scores`."""
    return map(Offer.to, orders, scores(criterion, columns, psi, mean, scale))


def side_weights(psi: FloatArray | None, p: int) -> FloatArray | None:
    """What the sides of p columns are weighted with by D-optimality, (b,)."""
    return psi if psi is None or p == 1 else _power(psi, (p + 1) / (2 * p))


def centred(x: FloatArray, mean: float, weight: FloatArray | None) -> FloatArray:
    """``(x - mean) * weight``, and x itself where there are no weights."""
    if weight is None:
        return x
    with np.errstate(over="ignore", invalid="ignore"):
        z: FloatArray = (x - mean) * weight
    return z


def _power(x: FloatArray, exponent: float) -> FloatArray:
    # NumPy may compute one number with other instructions, and other bits, than many.
    many = np.repeat(x, 2) if len(x) == 1 else x
    with np.errstate(over="ignore", invalid="ignore"):
        powers: FloatArray = np.power(many, exponent)[: len(x)]
    return powers


def take(orders: Sequence[IntArray], slots: Sequence[int]) -> list[IntArray]:
    """Run the steps: each takes the first rows of its order that are still free.

    Parameters
    ----------
    orders : sequence of ndarray of int64
        Rows in the order of each step; of step t at least the first
        ``slots[0] + ... + slots[t]``, or all of them.
    slots : sequence of int
        How many rows each step takes.

    Returns
    -------
    list of ndarray of int64
        The rows that each step took, sorted.
    """
    taken: list[IntArray] = []
    gone = np.empty(0, dtype=np.int64)
    for order, count in zip(orders, slots, strict=True):
        new = order[~np.isin(order, gone)][:count]
        gone = np.concatenate((gone, new))
        taken.append(np.sort(new))
    return taken
