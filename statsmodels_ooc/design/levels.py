"""Levels of categorical variables, found over the whole data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc._patsy import dumps, is_missing, loads, sorted_levels
from statsmodels_ooc.design.codes import as_categorical, as_series
from statsmodels_ooc.design.factors import unbox
from statsmodels_ooc.errors import DesignError, MemoryLimitError

__all__ = ["LevelScan", "LevelScanState", "Seen"]


@dataclass(slots=True)
class Seen:
    """The levels of one variable in the rows so far.

    Attributes
    ----------
    values : dict
        The levels as keys, in the order in which they turned up.
    is_float : bool
        Whether a chunk held floating-point numbers: then all of them are.
    categories : tuple or None
        The categories of pandas Categoricals while all chunks agree on them.
    disagree : bool
        Whether chunks did not agree.
    """

    values: dict[Any, None] = field(default_factory=dict)
    is_float: bool = False
    categories: tuple[Any, ...] | None = None
    disagree: bool = False

    def levels(self) -> tuple[Any, ...]:
        """The levels in the order in which patsy would have put them."""
        if self.categories is not None and not self.disagree:
            return self.categories
        values: Sequence[Any] = list(self.values)
        if any(value is True or value is False for value in values):
            values = [*(v for v in values if not isinstance(v, bool)), False, True]
        elif self.is_float:
            values = [float(v) if isinstance(v, int) else v for v in values]
        return sorted_levels(values)


LevelScanState = dict[str, Seen]


@dataclass(frozen=True)
class LevelScan:
    """Fold frames into the levels of their categorical variables.

    Parameters
    ----------
    variables : mapping
        Name to a function that evaluates the variable on a frame.
    declares : frozenset of str
        The variables whose Categoricals declare their levels; those of others are
        an encoding of plain values and differ from frame to frame.
    max_levels : int
        More levels than this are refused: the design could not hold them.
    """

    variables: Mapping[str, Callable[[pd.DataFrame], Any]]
    declares: frozenset[str]
    max_levels: int

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_scan, (dumps((dict(self.variables), self.declares, self.max_levels)),)

    def init(self) -> LevelScanState:
        return {name: Seen() for name in self.variables}

    def update(self, state: LevelScanState, frame: pd.DataFrame) -> LevelScanState:
        for name, evaluate in self.variables.items():
            seen = self._see(name, unbox(evaluate(frame)))
            state[name] = self._merge(name, state[name], seen)
        return state

    def merge(self, left: LevelScanState, right: LevelScanState) -> LevelScanState:
        return {name: self._merge(name, left[name], right[name]) for name in self.variables}

    def _see(self, name: str, evaluated: Any) -> Seen:
        uniques, categories = _uniques(evaluated, name)
        is_float = getattr(uniques, "dtype", np.dtype(object)).kind == "f"
        kept = categories if name in self.declares else None
        values = (value for value in uniques.tolist() if kept or not is_missing(value))
        return Seen(dict.fromkeys(values), is_float, kept)

    def _merge(self, name: str, left: Seen, right: Seen) -> Seen:
        values = left.values | right.values
        if len(values) > self.max_levels:
            raise MemoryLimitError(
                f"{name!r} has more than {self.max_levels:,} levels: a design with that many "
                "columns cannot fit into memory",
                hint="is the column meant to be numeric, or an identifier?",
            )
        declared = [seen.categories for seen in (left, right) if seen.values or seen.categories]
        disagree = left.disagree or right.disagree or len(set(declared)) > 1
        categories = declared[0] if declared and not disagree else None
        return Seen(values, left.is_float or right.is_float, categories, disagree)


def _load_scan(data: bytes) -> LevelScan:
    return LevelScan(*loads(data))


def _uniques(values: Any, name: str) -> tuple[Any, tuple[Any, ...] | None]:
    """Distinct values without missing ones, and the categories of a Categorical."""
    cat = as_categorical(values)
    if cat is not None:
        used = np.zeros(len(cat.categories) + 1, dtype=np.bool_)
        used[cat.codes] = True  # a missing value, -1, marks the last entry
        return cat.categories[used[:-1]], tuple(cat.categories)
    series = as_series(values, name)
    try:
        return pd.Series(series.unique(), dtype=series.dtype).dropna(), None
    except TypeError as error:
        raise DesignError(
            f"levels of {name!r} must be hashable: {error}",
            hint="a list or a struct is no level: give its elements columns of their own",
        ) from None
