"""Levels of categorical variables, found over the whole data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc._patsy import Remade, is_missing, sorted_levels
from statsmodels_ooc.design.evaluation import unbox
from statsmodels_ooc.design.factors import as_categorical, as_level, as_series
from statsmodels_ooc.design.width import too_many_levels
from statsmodels_ooc.errors import DesignError, SchemaError
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.sources.values import EXACT


@dataclass(slots=True)
class Seen:
    """The levels of one variable in the rows so far.

    Attributes
    ----------
    values : dict
        The levels as keys, in the order in which they turned up.
    is_float : bool
        Whether a value came as a double: then all do that can.
    categories : tuple or None
        The categories of pandas Categoricals while all chunks agree on them.
    disagree : bool
        Whether chunks did not agree.
    kinds : dict
        Kind of data to a value of it; see `_kind`.
    far : dict
        Type to a number of it beyond 2**53, up to which doubles tell whole numbers apart.
    """

    values: dict[Any, None] = field(default_factory=dict)
    is_float: bool = False
    categories: tuple[Any, ...] | None = None
    disagree: bool = False
    kinds: dict[str, Any] = field(default_factory=dict)
    far: dict[type, Any] = field(default_factory=dict)

    @property
    def is_number(self) -> bool:
        """Whether all values are numbers."""
        return set(self.kinds) == {"numbers"}

    def levels(self) -> tuple[Any, ...]:
        """The levels in the order in which patsy would have put them."""
        if self.categories is not None and not self.disagree:
            return self.categories
        values: Sequence[Any] = list(self.values)
        if any(value is True or value is False for value in values):
            values = [*(v for v in values if not isinstance(v, bool)), False, True]
        elif int in self.far:
            values = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
        elif self.is_float:
            values = [float(v) if isinstance(v, int) else v for v in values]
        return sorted_levels(values)


LevelScanState = dict[str, Seen]


@dataclass(frozen=True)
class LevelScan(Remade, Reduction[LevelScanState]):
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
    unsure : frozenset of str
        The variables that are numbers, and have no levels, if their values are numbers.
    """

    variables: Mapping[str, Callable[[pd.DataFrame], Any]]
    declares: frozenset[str]
    max_levels: int
    unsure: frozenset[str] = frozenset()

    def made_of(self) -> tuple[Any, ...]:
        return dict(self.variables), self.declares, self.max_levels, self.unsure

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
        kept = categories if name in self.declares else None
        if kept is None:
            uniques = uniques[: self.max_levels + 1]  # with so many it is refused below
        values = [as_level(v) for v in uniques.tolist() if kept or not is_missing(v)]
        kind = "objects" if categories is not None else _kind(uniques)
        kinds = {kind: values[0]} if values else {}
        if name in self.unsure and "numbers" in kinds:
            values = []
        numbers = [value for value in values if isinstance(value, int | float)]
        is_float = uniques.dtype.kind == "f" or any(isinstance(v, float) for v in numbers)
        far = {type(value): value for value in numbers if abs(value) >= EXACT}
        return Seen(dict.fromkeys(values), is_float, kept, kinds=kinds, far=far)

    def _merge(self, name: str, left: Seen, right: Seen) -> Seen:
        values = left.values | right.values
        if len(values) > self.max_levels:
            raise too_many_levels(name, self.max_levels)
        kinds = left.kinds | right.kinds
        apart = {kind: value for kind, value in kinds.items() if kind != "objects"}
        if len(apart) > 1:
            (one, first), (other, second), *_ = apart.items()
            raise SchemaError(
                f"{name!r} is {one} in some chunks, such as {first!r}, and {other} in others, "
                f"such as {second!r}",
                hint="give all chunks one type: dtype= of pandas' readers, dtypes= of read_csv, "
                "or astype",
            )
        declared = [seen.categories for seen in (left, right) if seen.values or seen.categories]
        disagree = left.disagree or right.disagree or len(set(declared)) > 1
        categories = declared[0] if declared and not disagree else None
        is_float = left.is_float or right.is_float
        far = left.far | right.far
        _require_exact(name, far)
        return Seen(values, is_float, categories, disagree, kinds, far)


def _kind(uniques: Any) -> str:
    """What kind of data distinct values are; "objects" go with any."""
    dtype = uniques.dtype
    if dtype.kind == "b":
        return "truth values"
    if dtype.kind in "iuf" or isinstance(dtype, pd.ArrowDtype):
        return "numbers"
    if dtype.kind in "mM":
        return "times"
    if isinstance(dtype, pd.StringDtype):
        return "text"
    if dtype != np.dtype(object):
        return str(dtype)
    is_long = pd.api.types.infer_dtype(uniques, skipna=True) == "integer"
    return "numbers" if is_long else "objects"


def _require_exact(name: str, far: Mapping[type, Any]) -> None:
    """Refuse whole numbers that are levels and came as doubles too large to tell them apart."""
    if int in far and float in far:
        raise DesignError(
            f"{name!r} came as whole numbers in some chunks and as doubles in others, such as "
            f"{far[float]!r}, beyond the whole numbers that a double tells apart, 2**53",
            hint="pandas makes doubles of whole numbers where some are missing: read them as "
            "'Int64', or as text",
        )


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
