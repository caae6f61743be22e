"""Designs from patsy formulas, learned once over the whole data."""

from __future__ import annotations

import builtins
import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
import patsy.builtins

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import (
    DesignInfo,
    EvalEnvironment,
    EvalFactor,
    ModelDesc,
    PatsyError,
    Term,
)
from statsmodels_ooc.design.block import FloatArray, Where
from statsmodels_ooc.design.factors import (
    Categorical,
    Factor,
    Numeric,
    evaluate,
    plain,
    require_rowwise,
)
from statsmodels_ooc.design.levels import LevelScan, LevelScanState
from statsmodels_ooc.design.plan import ColumnPlan, fill_columns, plan_columns
from statsmodels_ooc.design.spec import DesignSpec, Missing, Rows, check_weights, keep_rows
from statsmodels_ooc.errors import ColumnNotFoundError, DesignError, MemoryLimitError
from statsmodels_ooc.sources.base import Levels, Source

__all__ = ["FormulaSpec", "Scan", "learn_formula"]

Scan = Callable[[LevelScan, Sequence[str], Collection[str]], LevelScanState]

_HEAD = 1_000  # rows on which the kind of an expression is told


class FormulaSpec(DesignSpec):
    """A learned formula.

    Attributes
    ----------
    formula : str
        As the user wrote it.
    design_info : DesignInfo
        patsy's description of the right-hand side: terms, slices, contrasts.
    missing : {"drop", "raise"}
        What happens to rows with missing values.
    """

    def __init__(
        self,
        formula: Any,
        sides: tuple[DesignInfo, DesignInfo],
        weights: Any,
        columns: tuple[str, ...],
        encoded: frozenset[str],
        simple: Mapping[Any, str],
        missing: Missing,
    ) -> None:
        self.formula = formula
        self.design_info = sides[1]
        self.columns = columns
        self.encoded = encoded
        self.missing = missing
        self.endog_name = sides[0].column_names[0]
        self.exog_names = tuple(sides[1].column_names)
        self.has_intercept = _patsy.INTERCEPT in sides[1].terms
        self._sides = sides
        self._weights = weights
        self._simple = dict(simple)

    @cached_property
    def _factors(self) -> tuple[tuple[Any, Factor], ...]:
        infos: dict[Any, Any] = {}
        for info in self._sides:
            infos |= info.factor_infos
        if self._weights is not None:
            infos |= self._weights.factor_infos
        return tuple((f, _factor(f, info, self._simple.get(f))) for f, info in infos.items())

    @cached_property
    def _plans(self) -> tuple[tuple[ColumnPlan, ...], tuple[ColumnPlan, ...]]:
        factors = [factor for factor, _ in self._factors]
        return plan_columns(self._sides[0], factors), plan_columns(self._sides[1], factors)

    def rows(self, frame: pd.DataFrame, where: Where) -> Rows:
        values, absent = [], {}
        for _, factor in self._factors:
            value = factor.values(frame, where)
            mask = factor.absent(value)  # type: ignore[arg-type]
            if mask is not None:
                absent[factor.name] = mask
            values.append(value)
        kept, counts = keep_rows(absent, self.missing, where)
        if kept is not None:
            values = [value.take(kept, axis=-1) for value in values]
        n = len(frame) if kept is None else len(kept)
        endog = np.empty((n, 1), order="F")
        fill_columns(self._plans[0], values, slice(None), endog)
        return Rows(endog[:, 0], tuple(values), self._weight(values, kept, where), kept, counts)

    def _weight(self, values: Sequence[Any], kept: Any, where: Where) -> FloatArray | None:
        if self._weights is None:
            return None
        (target,) = self._weights.factor_infos
        position = [factor for factor, _ in self._factors].index(target)
        weights: FloatArray = values[position][0]
        check_weights(weights, target.name(), where, kept)
        return weights

    def fill(self, rows: Rows, piece: slice, out: FloatArray) -> None:
        fill_columns(self._plans[1], rows.values, piece, out)

    def subset(self, terms: Sequence[str]) -> FormulaSpec:
        """The same design with some of its terms only."""
        sides = (self._sides[0], self.design_info.subset(list(terms)))
        return FormulaSpec(
            self.formula,
            sides,
            self._weights,
            self.columns,
            self.encoded,
            self._simple,
            self.missing,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (
            self.formula,
            self._sides,
            self._weights,
            self.columns,
            self.encoded,
            self._simple,
            self.missing,
        )
        return _load_spec, (_patsy.dumps(parts),)


def _load_spec(data: bytes) -> FormulaSpec:
    return FormulaSpec(*_patsy.loads(data))


def _factor(factor: Any, info: Any, column: str | None) -> Factor:
    if info.type == "numerical":
        return Numeric(factor.name(), factor, info.state, column, info.num_columns)
    return Categorical(factor.name(), factor, info.state, column, info.categories)


@dataclass
class _Lesson:
    """What is known of each factor while a formula is being learned."""

    source: Source
    env: EvalEnvironment
    memory_limit: int
    states: dict[Any, dict[str, Any]] = field(default_factory=dict)
    widths: dict[Any, int] = field(default_factory=dict)
    levels: dict[Any, tuple[tuple[Any, ...], Any]] = field(default_factory=dict)
    simple: dict[Any, str] = field(default_factory=dict)

    def columns_of(self, factors: Sequence[Any]) -> tuple[str, ...]:
        """The source's columns that some factors read, in the source's order."""
        names = {name for factor in factors for name in _patsy.factor_names(factor)}
        return tuple(column for column in self.source.columns if column in names)

    @cached_property
    def head(self) -> pd.DataFrame:
        return self.source.head(_HEAD)


def learn_formula(
    formula: Any,
    source: Source,
    *,
    env: EvalEnvironment,
    scan: Scan,
    missing: Missing = "drop",
    weights: str | None = None,
    drop_cols: Sequence[str] | None = None,
    memory_limit: int,
) -> FormulaSpec:
    """Learn a formula over the whole data.

    Parameters
    ----------
    formula : str or ModelDesc
        With a left-hand side.
    source : Source
        The data.
    env : EvalEnvironment
        Where names that are not columns are looked up.
    scan : callable
        Folds a `LevelScan` over frames with the columns named, of which some may
        come encoded. Not called when every level is declared.
    missing : {"drop", "raise"}
        What happens to rows with missing values.
    weights : str, optional
        A Python expression in the source's columns.
    drop_cols : sequence of str, optional
        Terms to leave out of the design.
    memory_limit : int
        Bytes that learning may take.

    Raises
    ------
    ColumnNotFoundError
        A name is neither a column nor in scope.
    DesignError
        A factor does not work row by row; the response has several columns.
    MemoryLimitError
        There are too many levels, or too many rows for a spline's quantiles.
    """
    desc = formula if isinstance(formula, ModelDesc) else ModelDesc.from_formula(formula)
    if not desc.lhs_termlist:
        raise PatsyError("model is missing required outcome variables")
    weight_terms = [_patsy.expression_term(weights)] if weights is not None else []
    terms = [*desc.lhs_termlist, *desc.rhs_termlist, *weight_terms]
    factors = list(dict.fromkeys(factor for term in terms for factor in term.factors))
    lesson = _Lesson(source, env, memory_limit)

    _check_names(factors, lesson)
    _memorize(factors, lesson)
    unknown = [factor for factor in factors if not _learn_without_scan(factor, lesson)]
    if unknown:
        _learn_by_scan(unknown, lesson, scan)

    def info(side: Sequence[Term]) -> DesignInfo:
        return _patsy.design_info(side, lesson.states, lesson.widths, lesson.levels)

    sides = (info(desc.lhs_termlist), info(desc.rhs_termlist))
    _check_endog(sides[0])
    spec = FormulaSpec(
        formula,
        sides,
        info(weight_terms) if weight_terms else None,
        lesson.columns_of(factors),
        _encodable(factors, lesson),
        lesson.simple,
        missing,
    )
    return _drop_columns(spec, drop_cols) if drop_cols is not None else spec


def _check_names(factors: Sequence[EvalFactor], lesson: _Lesson) -> None:
    columns = lesson.source.columns
    always = {*dir(builtins), *patsy.builtins.__all__}
    for factor in factors:
        for name in _patsy.factor_names(factor):
            if name in columns or name in lesson.env.namespace or name in always:
                continue
            near = difflib.get_close_matches(name, columns, n=3)
            raise ColumnNotFoundError(
                f"{name!r} in {factor.name()!r} is neither a column of {lesson.source.name} nor a "
                "variable in scope",
                hint=f"did you mean {' or '.join(map(repr, near))}?"
                if near
                else f"the columns are {', '.join(map(repr, columns))}",
            )


def _memorize(factors: Sequence[EvalFactor], lesson: _Lesson) -> None:
    """Let stateful transforms see all rows, in order, as often as they are nested."""
    passes: dict[EvalFactor, int] = {}
    for factor in factors:
        lesson.states[factor], passes[factor] = _patsy.start_memorizing(factor, lesson.env)
    for which in range(max(passes.values(), default=0)):
        busy = [factor for factor in factors if passes[factor] > which]
        for frame in _plain_frames(lesson.source, lesson.columns_of(busy)):
            for factor in busy:
                _patsy.memorize(factor, lesson.states[factor], which, frame)
            held = sum(_patsy.memorized_bytes(lesson.states[factor]) for factor in busy)
            if 2 * held > lesson.memory_limit:
                raise MemoryLimitError(
                    f"the quantiles for the knots of {', '.join(f.name() for f in busy)} need all "
                    f"values in memory, more than memory_limit = {lesson.memory_limit:,} bytes",
                    hint="give the knots: bs(x, knots=[...], degree=3)",
                )
        for factor in busy:
            factor.memorize_finish(lesson.states[factor], which)


def _plain_frames(source: Source, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    for frame in source.frames(columns):
        if len(frame):
            yield plain(frame)


def _learn_without_scan(factor: EvalFactor, lesson: _Lesson) -> bool:
    """Learn a factor from dtypes, declarations and the first rows where they tell all."""
    simple = _patsy.simple_column(factor)
    if simple is None or simple[0] not in lesson.source.columns:
        return _learn_expression(factor, lesson)
    column, boxed = simple
    dtype = lesson.source.dtypes[column]
    if not boxed and pd.api.types.is_numeric_dtype(dtype) and dtype.kind in "iuf":
        lesson.simple[factor], lesson.widths[factor] = column, 1
        return True
    lesson.simple[factor] = column
    contrast, levels = None, None
    if boxed:
        box = evaluate(factor, lesson.states[factor], lesson.head)
        contrast, levels = box.contrast, box.levels
    if levels is None and dtype.kind == "b":
        levels = (False, True)
    if levels is None:
        declared = lesson.source.levels(column)
        levels = None if declared is None else _declared_order(declared)
    lesson.levels[factor] = (tuple(levels) if levels is not None else (), contrast)
    return levels is not None


def _declared_order(declared: Levels) -> tuple[Any, ...]:
    return declared.values if declared.is_categorical else _patsy.sorted_levels(declared.values)


def _learn_expression(factor: EvalFactor, lesson: _Lesson) -> bool:
    """Tell the kind of an expression on the first rows."""
    state, head = lesson.states[factor], lesson.head
    value = evaluate(factor, state, head)
    require_rowwise(factor, state, head)
    inner = value.data if isinstance(value, _patsy.Box) else value
    if not _patsy.guess_categorical(value):
        array = np.asarray(value)
        if array.ndim > 2:
            raise PatsyError(f"factor {factor.name()!r} has {array.ndim} dimensions", factor)
        lesson.widths[factor] = array.shape[1] if array.ndim == 2 else 1
        return True
    levels = getattr(value, "levels", None)
    if levels is None and getattr(inner, "dtype", None) == np.bool_:
        levels = (False, True)
    contrast = getattr(value, "contrast", None)
    lesson.levels[factor] = (tuple(levels) if levels is not None else (), contrast)
    return levels is not None


def _learn_by_scan(unknown: Sequence[EvalFactor], lesson: _Lesson, scan: Scan) -> None:
    """Find the levels of the factors whose levels nobody declares."""
    variables: dict[str, Callable[[pd.DataFrame], Any]] = {}
    declares = set()
    for factor in unknown:
        column = lesson.simple.get(factor)
        name = factor.name() if column is None else column
        if column is None:
            variables[name] = partial(evaluate, factor, lesson.states[factor])
            declares.add(name)
        else:
            variables[name] = partial(_column, column)
            if isinstance(lesson.source.dtypes[column], pd.CategoricalDtype):
                declares.add(name)
    most = int((lesson.memory_limit / 32) ** 0.5)
    found = scan(
        LevelScan(variables, frozenset(declares), most),
        lesson.columns_of(unknown),
        _encodable(unknown, lesson),
    )
    for factor in unknown:
        seen = found[lesson.simple.get(factor) or factor.name()]
        lesson.levels[factor] = (seen.levels(), lesson.levels[factor][1])


def _column(name: str, frame: pd.DataFrame) -> pd.Series:
    return frame[name]


def _encodable(factors: Sequence[EvalFactor], lesson: _Lesson) -> frozenset[str]:
    """Columns that are looked at through simple categorical factors only."""
    bare = {lesson.simple[f] for f in factors if f in lesson.simple and f in lesson.levels}
    others = [f for f in factors if f not in lesson.simple or f not in lesson.levels]
    return frozenset(bare - set(lesson.columns_of(others)))


def _check_endog(info: DesignInfo) -> None:
    k = len(info.column_names)
    if k != 1:
        raise DesignError(
            "endog has evaluated to an array with multiple columns that has shape "
            f"(n, {k}). This occurs when the variable converted to endog is non-numeric "
            "(e.g., bool or str)."
        )


def _drop_columns(spec: FormulaSpec, drop_cols: Sequence[str]) -> FormulaSpec:
    """Leave out terms; names that the design does not have are fine, as in statsmodels."""
    names = list(spec.design_info.term_names)
    for name in drop_cols:
        if name in names:
            names.remove(name)
        elif name in spec.exog_names:
            raise DesignError(
                f"drop_cols: {name!r} is one column of a term of several",
                hint=f"whole terms can be dropped: {', '.join(map(repr, names))}",
            )
    return spec.subset(names)
