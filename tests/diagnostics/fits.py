"""Fits in pieces beside the same fits in memory, for diagnostics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import statsmodels.formula.api as smf
from models.pairs import CHUNK, FRAME, Pair

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

# Name of the case to formula and weights.
CASES: dict[str, tuple[str, str | None]] = {
    "factor and interaction": ("y ~ a * b + C(g)", None),
    "dropped rows": ("y ~ m + b", None),
    "far from zero": ("I(y + 1e4) ~ I(a * 1e3) + I(b + 1e3)", None),
    "weights": ("y ~ a + b", "w"),
    "weights, dropped rows": ("y ~ m + C(h)", "w ** 2 + 1"),
    "other": ("y ~ b + np.exp(m)", None),
    "leverage one": ("y ~ a + I(1.0 * (a > 2.4))", None),
}
# No constant, or none of its own column.
WITHOUT_CONSTANT: dict[str, tuple[str, str | None]] = {
    "no constant": ("y ~ 0 + a + b", None),
    "implicit constant": ("y ~ 0 + g + a", None),
}
LINEAR = 1e-8  # promised of what follows from linear models


@cache
def pair(case: str, chunk: int = CHUNK) -> Pair:
    formula, weights = (CASES | WITHOUT_CONSTANT)[case]
    source = smo.as_source(FRAME, chunk_rows=chunk)
    if weights is None:
        return Pair(smof.ols(formula, source).fit(), smf.ols(formula, FRAME).fit())
    ours = smof.wls(formula, source, weights=weights)
    return Pair(ours.fit(), smf.wls(formula, FRAME, weights=FRAME.eval(weights)).fit())


def arrays(results: Any) -> tuple[Any, Any]:
    """What statsmodels' functions take of results: residuals and the design."""
    return np.asarray(results.resid), np.asarray(results.model.exog)


def assert_close(found: Any, wanted: Any, rtol: float = LINEAR) -> None:
    np.testing.assert_allclose(
        np.asarray(found, dtype=float), np.asarray(wanted, dtype=float), rtol=rtol
    )


@contextmanager
def passes(results: Any) -> Iterator[list[str]]:
    """The names of the passes that are made within."""
    names: list[str] = []
    before = len(results.passes)
    yield names
    names += [record.name for record in results.passes[before:]]
