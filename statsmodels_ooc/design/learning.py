"""What is known of each factor of a formula while it is being learned."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import EvalEnvironment, EvalFactor
from statsmodels_ooc.blocks.block import Where
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.evaluation import evaluate, unbox
from statsmodels_ooc.design.integers import evaluate_exactly, learn_sight
from statsmodels_ooc.design.levels import LevelScan, LevelScanState, Seen
from statsmodels_ooc.design.plain import PlainFrame, Sight
from statsmodels_ooc.design.rowwise import require_rowwise
from statsmodels_ooc.design.width import level_limit
from statsmodels_ooc.errors import DesignError, EmptyDataError, MemoryLimitError, SchemaError
from statsmodels_ooc.sources.base import NO_ROWS, Levels, Source
from statsmodels_ooc.sources.columns import picked
from statsmodels_ooc.sources.values import settled

Scan = Callable[[LevelScan, Sequence[str], Collection[str]], LevelScanState]
FramesOf = Callable[[str, Sequence[str]], Generator[pd.DataFrame]]

_NUMBERS = "iufbmM"  # kinds of dtypes that never come encoded
_HEAD = 1_000  # rows on which the kind of an expression is told
_PEEKS = 256  # small frames that may hold them; beyond, they are read in a pass
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
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
        Reads the columns named, all rows in order, under a name for that pass.
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
    sights : dict
        Factor that is an expression to how it sees whole numbers.
    """

    source: Source
    factors: tuple[EvalFactor, ...]
    env: EvalEnvironment
    frames: FramesOf
    memory_limit: int
    states: dict[EvalFactor, dict[str, Any]] = field(default_factory=dict)
    widths: dict[EvalFactor, int] = field(default_factory=dict)
    levels: dict[EvalFactor, tuple[tuple[Any, ...], Any]] = field(default_factory=dict)
    simple: dict[EvalFactor, str] = field(default_factory=dict)
    spelled: set[EvalFactor] = field(default_factory=set)
    sights: dict[EvalFactor, Sight] = field(default_factory=dict)
    _unsure: set[EvalFactor] = field(default_factory=set)  # text as declared, perhaps numbers

    def learn(self, scan: Scan) -> None:
        """Learn the factors, with as few reads of the data as they allow.

        Raises
        ------
        EmptyDataError
            A transform or a categorical factor has no value to learn from.
        """
        self._memorize()
        unknown = [factor for factor in self.factors if not self._know(factor)]
        if unknown:
            self._scan_levels(unknown, scan)
        for factor, (levels, _) in self.levels.items():
            if not levels:
                raise EmptyDataError(
                    f"{factor.name()!r} has no level: {self.source.no_rows}, or none in "
                    "which it is not missing",
                    hint=NO_ROWS,
                )

    def columns_of(self, factors: Sequence[EvalFactor]) -> tuple[str, ...]:
        """The source's columns that some factors read, in the source's order."""
        names = {name for factor in factors for name in _patsy.factor_names(factor)}
        return tuple(sorted(names & self._places.keys(), key=self._places.__getitem__))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {column: place for place, column in enumerate(self.source.columns)}

    @cached_property
    def _unclear(self) -> list[EvalFactor]:
        """Factors of which rows tell what they are: not mere columns, which C() makes none."""
        simple = {factor: self._simple(factor) for factor in self.factors}
        return [factor for factor, found in simple.items() if found is None or found[1]]

    def encodable(self, factors: Sequence[EvalFactor]) -> frozenset[str]:
        """Columns of text that are looked at through simple categorical factors only."""
        bare = [f for f in factors if f in self.simple and f in self.levels]
        others = self.columns_of([f for f in factors if f not in bare])
        names = dict.fromkeys(self.simple[f] for f in bare)
        dtypes = picked(self.source.dtypes, list(names), self.source.name)
        texts = {name for name, dtype in dtypes.items() if dtype.kind not in _NUMBERS}
        return frozenset(texts.difference(others))

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
        for frame in self.frames("transforms", self.columns_of(busy)):
            if len(frame):
                rows += len(frame)
                plain = PlainFrame(frame, sight=Sight(frozenset(frame.columns)))
                for factor in busy:
                    _patsy.memorize(factor, self.states[factor], which, plain)
                _check_memory({f.name(): self.states[f] for f in busy}, self.memory_limit)
        if not rows:
            raise EmptyDataError(self.source.no_rows, hint=NO_ROWS)
        for factor in busy:
            _patsy.finish_memorizing(factor, self.states[factor], which)

    # --- kinds and levels that dtypes, declarations and the first rows tell ---

    @cached_property
    def _first(self) -> pd.DataFrame:
        """The first rows of the columns that they tell something of."""
        columns = self.columns_of(self._unclear)
        frames = self.source.frames(columns, _HEAD)
        found = _top(islice(frames, _PEEKS))
        if len(found) < _HEAD and next(frames, None) is not None:
            with closing(self.frames("first rows", columns)) as larger:
                found = _top(larger)
        if not len(found):
            raise EmptyDataError(self.source.no_rows, hint=NO_ROWS)
        return found

    @cached_property
    def _telling(self) -> pd.DataFrame:
        """Further rows for expressions that see a column without a value in the first rows."""
        columns = self.columns_of(self._unclear) if len(self._first) == _HEAD else ()
        silent = {name for name in columns if self._first[name].isna().all()}
        expressions = [factor for factor in self.factors if self._simple(factor) is None]
        blind = [f for f in expressions if silent.intersection(self.columns_of([f]))]
        if not blind:
            return pd.DataFrame()
        columns = self.columns_of(blind)
        with closing(self.frames("first values", columns)) as frames:
            return _from_first_values(frames, silent.intersection(columns))

    def _head(self, factor: EvalFactor) -> pd.DataFrame:
        """The columns of a factor in the rows on which its kind is told."""
        columns = list(self.columns_of([factor]))
        pieces = [self._first[columns]]
        if columns and set(columns) <= set(self._telling.columns):
            pieces.append(self._telling[columns])
        return settled(pd.concat(pieces, ignore_index=True))

    @cached_property
    def _later(self) -> list[pd.DataFrame]:
        """First rows of the middle and of the last partition."""
        if len(self.source.partitions) < 2:
            return []
        return self.source.samples(self.columns_of(self._unclear), _HEAD)[1:]

    def _simple(self, factor: EvalFactor) -> tuple[str, bool] | None:
        return _patsy.simple_column(factor, self.states[factor], self.source.dtypes)

    def _know(self, factor: EvalFactor) -> bool:
        """Learn a factor without reading all rows; whether that can be done."""
        simple = self._simple(factor)
        if simple is None:
            return self._know_expression(factor)
        column, boxed = simple
        self.simple[factor] = column
        dtype = self.source.dtypes[column]
        if not boxed and (dtype.kind in "iufcm" or isinstance(dtype, pd.ArrowDtype)):
            self.widths[factor] = 1
            return True
        levels, contrast = None, None
        if boxed:
            box = evaluate(factor, self.states[factor], PlainFrame(self._head(factor)))
            levels, contrast = box.levels, box.contrast
        else:
            self._unsure.add(factor)
        if levels is not None:
            self.spelled.add(factor)
        if levels is None and dtype.kind == "b":
            levels = (False, True)
        if levels is None:
            levels = _declared_order(self.source.levels(column))
        return self._set_levels(factor, levels, contrast)

    def _know_expression(self, factor: EvalFactor) -> bool:
        """Tell the kind of an expression on the first rows."""
        state, head = self.states[factor], self._head(factor)
        first = Where(0, f"the first rows of {self.source.name}", 0)
        value = evaluate(factor, state, PlainFrame(head, first))
        is_number = not _patsy.guess_categorical(value)
        sight = self.sights[factor] = self._sight(factor, head, is_number)
        for sample in (head, *(rows[list(head)] for rows in self._later)):
            require_rowwise(factor, state, sample, sight)
        if is_number:
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

    def _sight(self, factor: EvalFactor, head: pd.DataFrame, is_number: bool) -> Sight:
        columns = self.columns_of([factor])
        incomplete = {name for name in columns if _holds_missing(self.source.dtypes[name])}
        return learn_sight(
            factor, self.states[factor], head, incomplete=incomplete, is_number=is_number
        )

    def _set_levels(self, factor: EvalFactor, levels: Any, contrast: Any) -> bool:
        self.levels[factor] = (() if levels is None else tuple(levels), contrast)
        return levels is not None

    # --- levels that only the rows tell ---

    def _scan_levels(self, unknown: Sequence[EvalFactor], scan: Scan) -> None:
        variables = {self._variable(factor): self._evaluator(factor) for factor in unknown}
        declares = {self._variable(factor) for factor in unknown if self._declares(factor)}
        unsure = {self._variable(factor) for factor in unknown if factor in self._unsure}
        unsure -= {self._variable(factor) for factor in unknown if factor not in self._unsure}
        most = level_limit(self.memory_limit)
        found = scan(
            LevelScan(variables, frozenset(declares), most, frozenset(unsure)),
            self.columns_of(unknown),
            self.encodable(unknown),
        )
        for factor in unknown:
            seen = found[self._variable(factor)]
            if factor in self._unsure and seen.is_number:
                del self.levels[factor]
                self.widths[factor] = 1
            else:
                if factor in self._unsure:
                    _check_kinds(self.simple[factor], seen)
                    if self.source.makes_text:
                        _check_text(self.simple[factor], seen)
                self.levels[factor] = (seen.levels(), self.levels[factor][1])

    def _variable(self, factor: EvalFactor) -> str:
        return self.simple.get(factor) or str(factor.name())

    def _evaluator(self, factor: EvalFactor) -> Callable[[pd.DataFrame], Any]:
        if factor in self.simple:
            return itemgetter(self.simple[factor])
        return partial(_evaluate, factor, self.states[factor], self.sights[factor])

    def _declares(self, factor: EvalFactor) -> bool:
        """Whether Categoricals declare levels, or are a mere encoding of values."""
        column = self.simple.get(factor)
        return column is None or isinstance(self.source.dtypes[column], pd.CategoricalDtype)


def _check_memory(states: Mapping[str, dict[str, Any]], memory_limit: int) -> None:
    """Refuse splines whose knots are quantiles of more values than memory has room for.

    Raises
    ------
    MemoryLimitError
        It names them.
    """
    held = {name: _patsy.memorized_bytes(state) for name, state in states.items()}
    need = _COPIES * sum(held.values())
    if need > memory_limit:
        names = ", ".join(name for name, nbytes in held.items() if nbytes)
        raise MemoryLimitError(
            f"the quantiles for the knots of {names} need all values in memory, more than "
            f"memory_limit = {memory_limit:,} bytes",
            hint="give the knots: bs(x, knots=[...], degree=3)",
        )


def _top(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Their first rows."""
    pieces: list[pd.DataFrame] = []
    wanted = _HEAD
    for frame in frames:
        if len(frame):
            pieces.append(frame.iloc[:wanted])
            wanted -= len(pieces[-1])
        if not wanted:
            break
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame()


def _from_first_values(frames: Iterable[pd.DataFrame], columns: Iterable[str]) -> pd.DataFrame:
    """So many rows from the first value of each of some columns on, however they are cut."""
    pieces: list[pd.DataFrame] = []
    wanted = dict.fromkeys(columns, _HEAD)
    for frame in frames:
        kept = np.zeros(len(frame), dtype=np.bool_)
        for name, rows in wanted.items():
            told = frame[name].notna().to_numpy(np.bool_) | (rows < _HEAD)
            start = int(told.argmax()) if told.any() else len(frame)
            kept[start : start + rows] = True
            wanted[name] = max(rows - (len(frame) - start), 0)
        wanted = {name: rows for name, rows in wanted.items() if rows}
        if kept.any() or not pieces:
            pieces.append(frame[kept])
        if not wanted:
            break
    return pd.concat(pieces, ignore_index=True)


def _declared_order(declared: Levels | None) -> tuple[Any, ...] | None:
    if declared is None or declared.is_categorical:
        return None if declared is None else declared.values
    return _patsy.sorted_levels(v for v in declared.values if not _patsy.is_missing(v))


def _check_kinds(column: str, seen: Seen) -> None:
    """Refuse a column that holds numbers in some chunks and something else in others."""
    others = [kind for kind in seen.kinds if kind != "numbers"]
    if "numbers" in seen.kinds and others:
        raise SchemaError(
            f"column {column!r} holds numbers in some chunks, such as {seen.kinds['numbers']!r}, "
            f"and others do not, such as {seen.kinds[others[0]]!r}",
            hint=f"give it one type, or write C({column}) for a category",
        )


def _check_text(column: str, seen: Seen) -> None:
    """Refuse text that was perhaps made of numbers: all of it reads as such, none as a code."""
    texts = list(map(str, seen.values)) if set(seen.kinds) == {"text"} else []
    is_number = bool(texts) and all(_NUMBER.fullmatch(text) for text in texts)
    is_code = any(text.startswith("0") and text.isdigit() and text != "0" for text in texts)
    if is_number and not is_code:
        raise DesignError(
            f"column {column!r} is text, and all of it reads as numbers, such as "
            f"{seen.kinds['text']!r}: as text it is a category",
            hint=f"convert it, as in astype(float), or write C({column}) for a category; dask "
            "makes text of Python objects such as Decimal, until "
            "dask.config.set({'dataframe.convert-string': False})",
        )


def _holds_missing(dtype: Any) -> bool:
    """Whether a column of whole numbers is declared to have missing ones."""
    return dtype.kind == "f" or (dtype.kind in "iu" and not isinstance(dtype, np.dtype))


def _evaluate(factor: EvalFactor, state: dict[str, Any], sight: Sight, frame: pd.DataFrame) -> Any:
    return evaluate_exactly(factor, state, PlainFrame(frame), sight)
