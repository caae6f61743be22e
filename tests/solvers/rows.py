"""Designs for the solvers, folded in small blocks."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from statsmodels_ooc.blocks.block import Block, Dense, Extras
from statsmodels_ooc.reductions.facts import RowFacts
from statsmodels_ooc.reductions.least_squares import Moments, Triangle


def fold(reduction: Any, x: Any, y: Any, weights: Any = None, rows: int = 7) -> Any:
    """The state of all rows, in blocks of ``rows`` rows."""
    blocks = (
        Block(
            endog=y[i : i + rows],
            design=Dense(np.asfortranarray(x[i : i + rows])),
            extras=Extras(weights=None if weights is None else weights[i : i + rows]),
            rows_read=len(y[i : i + rows]),
        )
        for i in range(0, len(y), rows)
    )
    return reduce(reduction.update, blocks, reduction.init())


def triangle(x: Any, y: Any, weights: Any = None, rows: int = 7) -> Any:
    return fold(Triangle(x.shape[1]), x, y, weights, rows).r


def moments(x: Any, y: Any, weights: Any = None, rows: int = 7) -> Any:
    return fold(Moments(x.shape[1]), x, y, weights, rows)


def facts(x: Any, y: Any) -> Any:
    return fold(RowFacts(x.shape[1]), x, y)


def extended(x: Any, y: Any, weights: Any = None) -> tuple[Any, Any, float]:
    """Coefficients, diagonal of the normalised covariance and ssr, in long double.

    Modified Gram-Schmidt, twice: 19 digits less those of the condition number.
    """
    k = x.shape[1]
    q = np.column_stack((x, y)).astype(np.longdouble)
    if weights is not None:
        q *= np.sqrt(weights.astype(np.longdouble))[:, None]
    r = np.zeros((k + 1, k + 1), dtype=np.longdouble)
    for j in range(k + 1):
        for _ in range(3):
            c = (q[:, :j] * q[:, [j]]).sum(axis=0)
            q[:, j] -= (q[:, :j] * c).sum(axis=1)
            r[:j, j] += c
        r[j, j] = np.sqrt((q[:, j] ** 2).sum())
        q[:, j] /= r[j, j]
    inverse = np.zeros((k, k), dtype=np.longdouble)
    for j in range(k):
        for i in range(j, -1, -1):
            inverse[i, j] = ((i == j) - (r[i, i + 1 : k] * inverse[i + 1 :, j]).sum()) / r[i, i]
    params = (inverse * r[:k, k]).sum(axis=1)
    return params.astype(float), (inverse**2).sum(axis=1).astype(float), float(r[k, k] ** 2)
