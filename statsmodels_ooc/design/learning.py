"""What is known of each factor of a formula while it is being learned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import EvalEnvironment, EvalFactor
from statsmodels_ooc.design.factors import evaluate, unbox
from statsmodels_ooc.design.levels import LevelScan, LevelScanState
from statsmodels_ooc.design.plain import PlainFrame
from statsmodels_ooc.design.rowwise import require_rowwise
from statsmodels_ooc.design.width import level_limit
from statsmodels_ooc.errors import DesignError, EmptyDataError, MemoryLimitError
from statsmodels_ooc.sources.base import Levels, Source

__all__ = ["Lesson", "Scan"]

Scan = Callable[[LevelScan, Sequence[str], Collection[str]], LevelScanState]

_HEAD = 1_000  # rows on which the kind of an expression is told
_COPIES = 4  # of its values that a spline makes while it looks for knots


@dataclass
class Lesson:
    """From the factors of a formula to what patsy must know of them.

    Parameters
    ----------
    source : Source
        The data.
    factors : tuple of EvalFactor
        What is to be learned, each once.
    env : EvalEnvironment
        Where names that are not columns are looked up.
    frames : callable
        Reads the columns named, in order, for stateful transforms.
    memory_limit : int
        Bytes that learning may take.

    Attributes
    ----------
    states : dict
        Factor to its stateful transforms.
    widths : dict
        Numerical factor to its number of columns.
    levels : dict
        Categorical factor to (levels, contrast).
    simple : dict
        Factor that is nothing but a column to its name.
    spelled : set
        Categorical factors whose levels the formula itself gives.
    """

    source: Source
    factors: tuple[EvalFactor, ...]
    env: EvalEnvironment
    frames: Callable[[Sequence[str]], Iterable[pd.DataFrame]]
    memory_limit: int
    states: dict[EvalFactor, dict[str, Any]] = field(default_factory=dict)
    widths: dict[EvalFactor, int] = field(default_factory=dict)
    levels: dict[EvalFactor, tuple[tuple[Any, ...], Any]] = field(default_factory=dict)
    simple: dict[EvalFactor, str] = field(default_factory=dict)
    spelled: set[EvalFactor] = field(default_factory=set)

    def learn(self, scan: Scan) -> None:
        """Learn the factors, with as few reads of the data as they allow."""
        self._memorize()
        unknown = [factor for factor in self.factors if not self._know(factor)]
        if unknown:
            self._scan_levels(unknown, scan)

    def columns_of(self, factors: Sequence[EvalFactor]) -> tuple[str, ...]:
        """The source's columns that some factors read, in the source's order."""
        names = {name for factor in factors for name in _patsy.factor_names(factor)}
        return tuple(column for column in self.source.columns if column in names)

    def encodable(self, factors: Sequence[EvalFactor]) -> frozenset[str]:
        """Columns that are looked at through simple categorical factors only."""
        bare = [f for f in factors if f in self.simple and f in self.levels]
        others = self.columns_of([f for f in factors if f not in bare])
        return frozenset(self.simple[f] for f in bare) - set(others)

    # --- stateful transforms see all rows, in order, as often as they are nested ---

    def _memorize(self) -> None:
        passes: dict[EvalFactor, int] = {}
        for factor in self.factors:
            started = _patsy.start_memorizing(factor, self.env, self.source.dtypes)
            self.states[factor], passes[factor] = started
        for which in range(max(passes.values(), default=0)):
            busy = [factor for factor in self.factors if passes[factor] > which]
            self._memorize_pass(busy, which)

    def _memorize_pass(self, busy: Sequence[EvalFactor], which: int) -> None:
        rows = 0
        for frame in self.frames(self.columns_of(busy)):
            if len(frame):
                rows += len(frame)
                plain = PlainFrame(frame)
                for factor in busy:
                    _patsy.memorize(factor, self.states[factor], which, plain)
                self._check_memory(busy)
        if not rows:
            raise EmptyDataError(f"{self.source.name} has no rows")
        for factor in busy:
            _patsy.finish_memorizing(factor, self.states[factor], which)

    def _check_memory(self, busy: Sequence[EvalFactor]) -> None:
        held = {factor.name(): _patsy.memorized_bytes(self.states[factor]) for factor in busy}
        if _COPIES * sum(held.values()) > self.memory_limit:
            names = ", ".join(name for name, nbytes in held.items() if nbytes)
            raise MemoryLimitError(
                f"the quantiles for the knots of {names} need all values in memory, more than "
                f"memory_limit = {self.memory_limit:,} bytes",
                hint="give the knots: bs(x, knots=[...], degree=3)",
            )

    # --- kinds and levels that dtypes, declarations and the first rows tell ---

    @cached_property
    def _head(self) -> pd.DataFrame:
        columns = self.columns_of(self.factors)
        pieces, found = [], 0
        for frame in self.source.frames(columns, _HEAD):
            pieces.append(frame.iloc[: _HEAD - found])
            found += len(pieces[-1])
            if found >= _HEAD:
                break
        if not found:
            raise EmptyDataError(f"{self.source.name} has no rows")
        return pd.concat([piece for piece in pieces if len(piece)], ignore_index=True)

    @cached_property
    def _later(self) -> list[pd.DataFrame]:
        """First rows of the middle and of the last partition."""
        if len(self.source.partitions) < 2:
            return []
        return self.source.samples(self.columns_of(self.factors), _HEAD)[1:]

    def _know(self, factor: EvalFactor) -> bool:
        """Learn a factor without reading all rows; whether that can be done."""
        simple = _patsy.simple_column(factor, self.states[factor], self.source.dtypes)
        if simple is None:
            return self._know_expression(factor)
        column, boxed = simple
        self.simple[factor] = column
        dtype = self.source.dtypes[column]
        if not boxed and dtype.kind in "iufcm":
            self.widths[factor] = 1
            return True
        levels, contrast = None, None
        if boxed:
            box = evaluate(factor, self.states[factor], PlainFrame(self._head))
            levels, contrast = box.levels, box.contrast
        if levels is not None:
            self.spelled.add(factor)
        if levels is None and dtype.kind == "b":
            levels = (False, True)
        if levels is None:
            levels = _declared_order(self.source.levels(column))
        return self._set_levels(factor, levels, contrast)

    def _know_expression(self, factor: EvalFactor) -> bool:
        """Tell the kind of an expression on the first rows."""
        state = self.states[factor]
        for sample in (self._head, *self._later):
            require_rowwise(factor, state, sample)
        value = evaluate(factor, state, PlainFrame(self._head))
        if not _patsy.guess_categorical(value):
            array = np.asarray(value)
            if array.ndim > 2:
                raise DesignError(f"{factor.name()!r} has {array.ndim} dimensions, not one or two")
            self.widths[factor] = array.shape[1] if array.ndim == 2 else 1
            return True
        inner = unbox(value)
        if np.ndim(inner) > 1:
            raise DesignError(f"{factor.name()!r}: categorical data has one dimension")
        levels = getattr(value, "levels", None)
        if levels is not None:
            self.spelled.add(factor)
        if levels is None and getattr(inner, "dtype", None) == np.bool_:
            levels = (False, True)
        return self._set_levels(factor, levels, getattr(value, "contrast", None))

    def _set_levels(self, factor: EvalFactor, levels: Any, contrast: Any) -> bool:
        self.levels[factor] = (() if levels is None else tuple(levels), contrast)
        return levels is not None

    # --- levels that only the rows tell ---

    def _scan_levels(self, unknown: Sequence[EvalFactor], scan: Scan) -> None:
        variables = {self._variable(factor): self._evaluator(factor) for factor in unknown}
        declares = {self._variable(factor) for factor in unknown if self._declares(factor)}
        found = scan(
            LevelScan(variables, frozenset(declares), level_limit(self.memory_limit)),
            self.columns_of(unknown),
            self.encodable(unknown),
        )
        for factor in unknown:
            contrast = self.levels[factor][1]
            self.levels[factor] = (found[self._variable(factor)].levels(), contrast)

    def _variable(self, factor: EvalFactor) -> str:
        return self.simple.get(factor) or str(factor.name())

    def _evaluator(self, factor: EvalFactor) -> Callable[[pd.DataFrame], Any]:
        if factor in self.simple:
            return partial(_column, self.simple[factor])
        return partial(_evaluate, factor, self.states[factor])

    def _declares(self, factor: EvalFactor) -> bool:
        """Whether Categoricals declare levels, or are a mere encoding of values."""
        column = self.simple.get(factor)
        return column is None or isinstance(self.source.dtypes[column], pd.CategoricalDtype)


def _declared_order(declared: Levels | None) -> tuple[Any, ...] | None:
    if declared is None or declared.is_categorical:
        return None if declared is None else declared.values
    return _patsy.sorted_levels(v for v in declared.values if not _patsy.is_missing(v))


def _column(name: str, frame: pd.DataFrame) -> pd.Series:
    return frame[name]


def _evaluate(factor: EvalFactor, state: dict[str, Any], frame: pd.DataFrame) -> Any:
    return evaluate(factor, state, PlainFrame(frame))
