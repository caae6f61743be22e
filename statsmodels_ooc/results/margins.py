"""Marginal effects of streamed results."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsmodels.discrete.discrete_margins import DiscreteMargins

from statsmodels_ooc._statsmodels import Margins
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, Dense
from statsmodels_ooc.reductions.margins import (
    ColumnFacts,
    ColumnFactsState,
    MarginalEffects,
    MarginalEffectsState,
)
from statsmodels_ooc.results.lazy import require_design

_AT = ("overall", "mean", "median", "zero", "all")
_METHODS = ("dydx", "eyex", "dyex", "eydx")
_FOUND = ("margeff", "margeff_se", "margeff_cov")


class StreamedMargins(Margins):
    """Marginal effects, as statsmodels' `DiscreteMargins`, from one pass."""

    results: Any

    def get_margeff(
        self,
        at: str = "overall",
        method: str = "dydx",
        atexog: Any = None,
        dummy: bool = False,
        count: bool = False,
    ) -> None:
        """Find the effects; see `GLMResults.get_margeff`."""
        self.reset()
        at, method = at.lower(), method.lower()
        _check(at, method, discrete=dummy or count)
        self.margeff_options = {"method": method, "at": at}
        if at in ("median", "all"):
            self._find_in_memory(at, method, atexog, dummy, count)
        else:
            self._find(at, method, atexog, dummy, count)

    # --- from sums

    def _find(self, at: str, method: str, atexog: Any, dummy: bool, count: bool) -> None:
        low, high = self._extremes
        maybe_dummy, maybe_count = dummy & _dummies(low, high), count & _counts(low, high)
        given = _rows_of(atexog)
        fixed = {} if given is not None else _fixed(atexog, at)
        reduction = self._reduction(method, maybe_dummy, maybe_count, fixed)
        if at == "overall" and given is None:
            facts, sums = self._fold(ColumnFacts(len(low)), reduction)
        else:
            needed = (at == "mean" and given is None) or maybe_dummy.any() or maybe_count.any()
            facts = self._fold(ColumnFacts(len(low)))[0] if needed else None
            block = _block(self._rows(at, given, fixed, facts))
            sums = reduction.update(reduction.init(), block)
        is_dummy, is_count = _whole(maybe_dummy, facts), _whole(maybe_count, facts)
        self.dummy_idx, self.count_idx = _indices(is_dummy), _indices(is_count)
        self._set(reduction, sums, is_dummy | is_count)

    def _rows(
        self,
        at: str,
        given: FloatArray | None,
        fixed: Mapping[int, float],
        facts: ColumnFactsState | None,
    ) -> FloatArray:
        """The rows at which the effects are looked at, where these are not the data."""
        if at == "zero":
            return (~self._moving).astype(np.float64)[None, :]
        if given is not None:
            return given if at == "overall" else given.mean(axis=0)[None, :]
        assert facts is not None
        return _replaced(facts.mean, fixed)[None, :]

    def _reduction(
        self, method: str, dummies: Any, counts: Any, fixed: Mapping[int, float]
    ) -> MarginalEffects:
        return MarginalEffects(
            self.results.model.likelihood.kernel,
            np.asarray(self.results.params),
            method,
            tuple(np.flatnonzero(dummies).tolist()),
            tuple(np.flatnonzero(counts).tolist()),
            fixed,
        )

    def _fold(self, *reductions: Any) -> tuple[Any, ...]:
        return self.results.model.likelihood.stream.fold(  # type: ignore[no-any-return]
            "marginal effects", *reductions
        )

    def _set(
        self, reduction: MarginalEffects, sums: MarginalEffectsState, steps: NDArray[np.bool_]
    ) -> None:
        effects, jacobian = _of_small_changes(reduction, sums)
        for i, column in enumerate((*reduction.dummies, *reduction.counts)):
            if steps[column]:
                step = sums.steps[i] / sums.rows
                effects[column], jacobian[column] = step[0], step[1:]
        cov, moving = jacobian @ self.results.cov_params() @ jacobian.T, self._moving
        self.margeff = effects[moving]
        self.margeff_cov = cov[moving][:, moving]
        self.margeff_se = np.sqrt(np.diag(self.margeff_cov))

    # --- in memory

    def _find_in_memory(self, at: str, method: str, atexog: Any, dummy: bool, count: bool) -> None:
        """By statsmodels, while the design is smaller than ``array_limit``."""
        require_design(self.results.model, f"get_margeff(at={at!r}) reads the design into memory")
        seen = self.results.with_design(np.asarray(self.results.model.exog))
        found = DiscreteMargins(seen, (at, method, atexog, dummy, count))
        self.dummy_idx, self.count_idx = found.dummy_idx, found.count_idx
        for name in _FOUND:
            if hasattr(found, name):
                setattr(self, name, getattr(found, name))

    # --- tables

    def summary(self, alpha: float = 0.05) -> Any:
        """Table of the effects.

        Parameters
        ----------
        alpha : float
            Level of the confidence intervals.
        """
        return DiscreteMargins.summary(self._on_extremes(), alpha)

    def summary_frame(self, alpha: float = 0.05) -> Any:
        """DataFrame of the effects.

        Parameters
        ----------
        alpha : float
            Level of the confidence intervals.
        """
        return DiscreteMargins.summary_frame(self._on_extremes(), alpha)

    def _on_extremes(self) -> StreamedMargins:
        """The same effects of a design of two rows, which move where the columns do."""
        margins = copy.copy(self)
        margins.results = self.results.with_design(np.array(self._extremes))
        return margins

    @property
    def _extremes(self) -> tuple[FloatArray, FloatArray]:
        """The least and the largest value of each column."""
        facts = self.results.model.likelihood.facts
        return facts.low[:-1], facts.high[:-1]

    @property
    def _moving(self) -> NDArray[np.bool_]:
        low, high = self._extremes
        moving: NDArray[np.bool_] = low != high
        return moving


def _check(at: str, method: str, discrete: bool) -> None:
    if at not in _AT:
        raise ValueError(f"{at} not a valid option for `at`.")
    if method not in _METHODS:
        raise ValueError(f"method is not understood.  Got {method}")
    if discrete and method in ("dyex", "eyex"):
        raise ValueError(f"{method} not allowed for discrete variables")
    if discrete and at in ("median", "zero"):
        raise ValueError(f"{at} not allowed for discrete variables")


def _dummies(low: FloatArray, high: FloatArray) -> NDArray[np.bool_]:
    is_dummy: NDArray[np.bool_] = (low == 0) & (high == 1)
    return is_dummy


def _counts(low: FloatArray, high: FloatArray) -> NDArray[np.bool_]:
    is_count: NDArray[np.bool_] = (low >= 0) & (low != high) & ~_dummies(low, high)
    return is_count


def _whole(candidate: NDArray[np.bool_], facts: ColumnFactsState | None) -> NDArray[np.bool_]:
    return candidate if facts is None else candidate & (facts.fractions == 0)


def _indices(chosen: NDArray[np.bool_]) -> Any:
    """Numbers of the columns, None for none."""
    return np.flatnonzero(chosen) if chosen.any() else None


def _rows_of(atexog: Any) -> FloatArray | None:
    """The rows that take the place of the data."""
    if atexog is None or isinstance(atexog, Mapping):
        return None
    return np.atleast_2d(np.asarray(atexog, dtype=np.float64))


def _fixed(atexog: Mapping[int, Any] | None, at: str) -> dict[int, float]:
    """Values of columns; of a column as long as the data nothing counts but its mean."""
    given = dict(atexog or {})
    if at == "overall" and any(np.ndim(value) > 0 for value in given.values()):
        raise NotImplementedError(
            "atexog: values as long as the data; out of memory every column has one value"
        )
    return {column: float(np.mean(value)) for column, value in given.items()}


def _replaced(row: FloatArray, fixed: Mapping[int, float]) -> FloatArray:
    row = row.copy()
    for column, value in fixed.items():
        row[column] = value
    return row


def _block(rows: FloatArray) -> Block:
    return Block(np.zeros(len(rows)), Dense(np.asfortranarray(rows)))


def _of_small_changes(
    reduction: MarginalEffects, sums: MarginalEffectsState
) -> tuple[FloatArray, FloatArray]:
    """The effects of small changes, (k,), and their Jacobian, (k, k)."""
    slope = sums.slope / sums.rows
    jacobian = reduction.beta[:, None] * (sums.curve / sums.rows)
    return reduction.beta * slope, jacobian + np.diag(slope)
