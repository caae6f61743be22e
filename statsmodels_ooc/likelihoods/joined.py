"""Least squares of rows that were read apart: their factors are stacked and factored again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from statsmodels_ooc.engine import StreamedRows, joined_rows
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.likelihoods.least_squares import LeastSquares
from statsmodels_ooc.likelihoods.opening import check_facts
from statsmodels_ooc.reductions.facts import RowFacts, RowFactsState
from statsmodels_ooc.reductions.least_squares import Triangle, TriangleState

_States = tuple[RowFactsState, TriangleState]


def with_rows(fitted: LeastSquares, more: StreamedRows) -> LeastSquares:
    """The least squares of its rows and of more, which alone are read: one pass.

    Raises
    ------
    DesignError
        The rows together are none that can be fitted, see `check_facts`.
    """
    k = fitted.spec.k
    facts, triangle = more.fold("new rows", RowFacts(k), Triangle(k))
    if facts.rows:
        check_facts(facts, fitted.spec, more.source, least=1)
    return _joined(fitted, [fitted.stream, more], [_states(fitted), (facts, triangle)])


def joined(fitted: Sequence[LeastSquares]) -> LeastSquares:
    """The least squares of the rows of all, of the design of the first; nothing is read."""
    return _joined(fitted[0], [one.stream for one in fitted], list(map(_states, fitted)))


def _states(fitted: LeastSquares) -> _States:
    """What the rows were, and their factor as a state that merges with others."""
    facts, factor = fitted.facts, fitted.factor
    found: TriangleState | None = fitted.asked.answers.get("r")
    return facts, TriangleState(factor, np.zeros(len(factor) - 1)) if found is None else found


def _joined(
    first: LeastSquares, rows: Sequence[StreamedRows], states: Sequence[_States]
) -> LeastSquares:
    whole, k = replace(first, stream=joined_rows(rows)), first.spec.k
    with one_blas_thread():  # the same bits on every machine
        facts = reduce(RowFacts(k).merge, [facts for facts, _ in states])
        triangle = reduce(Triangle(k).merge, [triangle for _, triangle in states])
    check_facts(facts, first.spec, whole.stream.source, least=k + 1)
    whole.asked.remember("facts", facts)
    whole.asked.remember("r", triangle)
    return whole
