"""Scores of D-optimality in machine code: only rows that may be candidates get one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.compiled.beyond import beyond
from statsmodels_ooc.selection.criteria import Criterion, centred, offers, side_weights
from statsmodels_ooc.selection.ordering import IntArray, Offer, Order, bound_of, sampled

_NONE = np.empty(0)


def compiled_offers(
    criterion: Criterion,
    columns: Sequence[FloatArray],
    psi: FloatArray | None,
    mean: FloatArray | None,
    scale: FloatArray | None,
    orders: Sequence[Order],
) -> Iterator[Offer]:
    """As `offers`, the same rows at least and the same bits; T-optimality has no loops."""
    if criterion == "D":
        return _of_sides(columns, psi, mean, orders)
    return offers(criterion, columns, psi, mean, scale, orders)


def _of_sides(
    columns: Sequence[FloatArray],
    psi: FloatArray | None,
    mean: FloatArray | None,
    orders: Sequence[Order],
) -> Iterator[Offer]:
    weight = side_weights(psi, len(columns))
    scratch: IntArray = np.empty((2, len(columns[0])), np.int64)
    for j, x in enumerate(columns):
        pair = orders[2 * j : 2 * j + 2]
        centre = 0.0 if mean is None else float(mean[j])
        x = np.ascontiguousarray(x)
        low, high = (_bound(o, x, centre, weight, s) for o, s in zip(pair, (1, -1), strict=True))
        if np.isnan(low) or np.isnan(high):  # too few rows for a bound
            z = centred(x, centre, weight)
            yield Offer.to(pair[0], z)
            yield Offer.to(pair[1], -z)
            continue
        counts = beyond(x, centre, _NONE if weight is None else weight, low, -high, scratch)
        lower, upper = (rows[:count].copy() for rows, count in zip(scratch, counts, strict=True))
        yield Offer(lower, _at(lower, x, centre, weight))
        yield Offer(upper, -_at(upper, x, centre, weight))


def _bound(order: Order, x: FloatArray, mean: float, weight: FloatArray | None, sign: int) -> float:
    """A score that is not exceeded by all that the order may let in; NaN where none is known.

    An order that lets all rows in is given the score of number m of some of the rows: m of
    all have no larger one.
    """
    if not np.isnan(order.last):
        return order.last
    some = slice(None, None, sampled(len(x), order.m))
    return bound_of(sign * _at(some, x, mean, weight), order.m)


def _at(
    rows: IntArray | slice, x: FloatArray, mean: float, weight: FloatArray | None
) -> FloatArray:
    return centred(x[rows], mean, None if weight is None else weight[rows])
