"""A source with some of its rows only."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.errors import SourceError
from statsmodels_ooc.sources.base import Levels, NumberedFrame, Partition, Recipe, Source
from statsmodels_ooc.sources.columns import ListedSource
from statsmodels_ooc.sources.values import widened

_UNFIT = (AttributeError, NotImplementedError, OverflowError, SyntaxError, TypeError, ValueError)
_SAMPLE = 1_000  # rows of a partition on which a condition is tried


def subset_source(source: Source, subset: Any) -> Source:
    """Keep the rows of a source that a condition selects.

    Parameters
    ----------
    source : Source
        The data.
    subset : str, callable or array_like of bool, (n,)
        An expression for `DataFrame.eval`, a function from a frame to a mask, or a
        mask of all rows.

    Raises
    ------
    SourceError
        A condition does not work row by row; a mask does not have one entry a row, or
        the number of rows is not known.
    """
    if isinstance(subset, str) or callable(subset):
        choose = Choose(subset, source.columns)
        _require_rowwise(choose, source)
        return _Subset(source, [choose] * len(source.partitions))
    mask = np.asarray(subset)
    if mask.dtype != np.bool_ or mask.ndim != 1:
        raise SourceError(
            f"subset is {type(subset).__name__} of {mask.dtype}",
            hint="rows out of memory are chosen by an expression such as 'x > 0', or a function "
            f"from a chunk to a mask{_or_a_mask(source)}",
        )
    if source.rows is None:
        raise SourceError(
            f"subset is a mask, but {source.name} does not tell its number of rows",
            hint="use an expression such as 'x > 0', or a function from a chunk to a mask",
        )
    if source.rows != len(mask):
        raise SourceError(f"subset has {len(mask):,} entries, {source.name} {source.rows:,} rows")
    ends = np.cumsum([0, *(partition.rows or 0 for partition in source.partitions)])
    pieces = [mask[start:end] for start, end in pairwise(ends)]
    return _Subset(source, [Choose(piece, source.columns) for piece in pieces])


def condition_columns(subset: Any, source: Source) -> tuple[str, ...]:
    """The columns that a condition of `subset_source` looks at."""
    is_condition = isinstance(subset, str) or callable(subset)
    return Choose(subset, source.columns).columns() if is_condition else ()


def _require_rowwise(choose: Choose, source: Source) -> None:
    """Refuse a condition that chooses other rows from a chunk than from the whole.

    Tried on the first rows of some partitions: in pieces, and shuffled.
    """
    for frame in source.samples(choose.columns() or source.columns, _SAMPLE):
        whole = choose.mask(frame, 0, source.name)
        order = np.random.default_rng(len(frame)).permutation(len(frame))
        for rows in np.array_split(order, 3):
            part = frame.iloc[rows].reset_index(drop=True)
            if len(rows) and not np.array_equal(choose.mask(part, 0, source.name), whole[rows]):
                raise SourceError(
                    f"subset={choose.condition!r} does not work row by row: what it says of a "
                    "row changes with the rows that are looked at together",
                    hint="write the constant into the condition, such as x > 1.5 for x > x.mean()"
                    + _or_a_mask(source),
                )


def _or_a_mask(source: Source) -> str:
    """Advice that helps only where the number of rows is known."""
    return "" if source.rows is None else ", or give an array of bool as long as the data"


class _Subset(ListedSource):
    """Of each partition of a source what is chosen there, in their order."""

    def __init__(self, source: Source, choices: Sequence[Choose]) -> None:
        super().__init__(f"{source.name} (subset)", source.dtypes, ())
        self._source, self._choices = source, choices

    @cached_property
    def partitions(self) -> Sequence[ChosenPartition]:
        """Made of those of the source, which knows what of them a pickle may hold."""
        pairs = zip(self._choices, self._source.partitions, strict=True)
        return [choose(partition) for choose, partition in pairs]

    def __getstate__(self) -> dict[str, Any]:
        return {name: kept for name, kept in self.__dict__.items() if name != "partitions"}

    @property
    def no_rows(self) -> str:
        if not self._choices:
            return self._source.no_rows
        condition = self._choices[0].condition
        what = f"subset={condition!r}" if isinstance(condition, str) else "subset"
        return f"{what} keeps none of the rows of {self._source.name}"

    @property
    def slow(self) -> bool:
        return self._source.slow

    @property
    def makes_text(self) -> bool:
        return self._source.makes_text

    @property
    def unordered(self) -> str | None:
        return self._source.unordered

    @property
    def nameless(self) -> frozenset[str]:
        return self._source.nameless

    @property
    def is_recipe(self) -> bool:
        named = all(isinstance(choose.condition, str) for choose in self._choices)
        return named and self._source.is_recipe

    def levels(self, column: str) -> Levels | None:
        """Declared levels stay; levels that were merely seen may be gone."""
        levels = self._source.levels(column)
        return levels if levels is not None and levels.is_categorical else None


@dataclass(frozen=True)
class Choose:
    """Turn a partition into one with the chosen rows only."""

    condition: str | Callable[[pd.DataFrame], Any] | np.ndarray
    all_columns: tuple[str, ...]

    def __call__(self, partition: Partition) -> ChosenPartition:
        return ChosenPartition(partition, self)

    def columns(self) -> tuple[str, ...]:
        """The columns that the condition looks at: all of them, where it is a function."""
        if isinstance(self.condition, np.ndarray):
            return ()
        if callable(self.condition):
            return self.all_columns
        return tuple(name for name in self.all_columns if str(name) in self.condition)

    def _chosen(self, frame: pd.DataFrame) -> Any:
        if callable(self.condition):
            return self.condition(frame)
        try:
            return frame.eval(str(self.condition), local_dict={}, global_dict={})
        except pd.errors.UndefinedVariableError as error:
            raise SourceError(
                f"subset={self.condition!r}: {error}", hint=self._hint_of_names(error)
            ) from None
        except _UNFIT as error:
            is_syntax = isinstance(error, (SyntaxError, NotImplementedError))
            raise SourceError(
                f"subset={self.condition!r} cannot be evaluated: {error}",
                hint="it is a Python expression of columns, such as x > 0 and g == 'a'"
                if is_syntax
                else "text, for one, is compared with text: x == 'a'",
            ) from error

    def _assigns(self, chosen: Any) -> bool:
        return isinstance(self.condition, str) and isinstance(chosen, pd.DataFrame)

    def _hint_of_names(self, error: Exception) -> str:
        if "local variable" in str(error):
            written = re.sub(r"@(\w+)", r"{\1}", str(self.condition))
            return f"names of your scope cannot be used; write the value, f{written!r}"
        if re.search(r"name '(np|pd)' is not defined", str(error)):
            return "it is an expression of pandas: x.notna(), or a function from a frame to a mask"
        return f"the columns are {', '.join(map(repr, self.all_columns))}"

    def mask(self, frame: pd.DataFrame, start: int, label: str) -> np.ndarray:
        """Which rows of a frame stay, (b,)."""
        if isinstance(self.condition, np.ndarray):
            return self.condition[start : start + len(frame)]
        chosen = self._chosen(widened(frame, exact=True))
        mask, is_open = _truth(chosen)
        if is_open is not None:  # missing numbers are doubles, which leave nothing open
            doubles, _ = _truth(self._chosen(widened(frame, exact=False)))
            mask = np.where(is_open, doubles, mask)
        if mask.shape != (len(frame),) or mask.dtype != np.bool_:
            raise SourceError(
                f"subset gives {mask.dtype} of shape {mask.shape} for {len(frame)} rows of "
                f"{label}, where a mask of bool is needed",
                hint="equality is written ==" if self._assigns(chosen) else None,
            )
        return mask


def _truth(chosen: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """A mask in which what is missing is not chosen, and where something is, if anywhere."""
    is_masked = isinstance(chosen, pd.Series) and not isinstance(chosen.dtype, np.dtype)
    if not is_masked or chosen.dtype.kind != "b":
        return np.asarray(chosen), None
    is_open = chosen.isna().to_numpy()
    return chosen.fillna(False).to_numpy(np.bool_), is_open if is_open.any() else None


@dataclass(frozen=True, eq=False)
class ChosenPartition(Recipe):
    """The chosen rows of a partition."""

    inner: Partition
    wrap: Choose

    rows = None  # only reading can tell

    def narrowed(self, columns: Sequence[str]) -> ChosenPartition:
        return ChosenPartition(self.inner.narrowed(self._needed(columns)), self.wrap)

    def reading_bytes(self, columns: Sequence[str], max_rows: int) -> int | None:
        return self.inner.reading_bytes(self._needed(columns), max_rows)

    def bind(self, *made: Callable[[Any], Any]) -> Any:
        return self.inner.bind(self.wrap, *made)

    @property
    def is_far(self) -> bool:
        return self.inner.is_far

    def _needed(self, columns: Sequence[str]) -> list[str]:
        return list(dict.fromkeys((*columns, *self.wrap.columns())))

    @property
    def label(self) -> str:
        return f"{self.inner.label} (subset)"

    @property
    def version(self) -> str:
        """That of all rows: what chooses among them is not stored."""
        return self.inner.version

    @property
    def nbytes(self) -> int | None:
        return self.inner.nbytes

    @property
    def labels(self) -> pd.Index[Any] | None:
        """The index of all rows, where the source has one of its own."""
        return self.inner.labels

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        for frame, _, _ in self.numbered(columns, max_rows, encoded):
            yield frame

    def numbered(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[NumberedFrame]:
        looked_at = self.wrap.columns()
        needed = self._needed(columns)
        start = 0
        for frame, rows, _ in self.inner.numbered(needed, max_rows, set(encoded) - set(looked_at)):
            mask = self.wrap.mask(frame, start, self.label)
            start += rows
            chosen = frame.loc[mask, list(columns)].reset_index(drop=True)
            yield chosen, rows, np.flatnonzero(mask)
