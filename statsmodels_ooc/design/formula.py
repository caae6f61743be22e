"""Designs from patsy formulas, learned once over the whole data."""

from __future__ import annotations

import builtins
import difflib
import keyword
from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import patsy.builtins

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import DesignInfo, EvalEnvironment, EvalFactor, PatsyError, Term
from statsmodels_ooc.design.learned import FormulaSpec, Learned
from statsmodels_ooc.design.learning import FramesOf, Lesson, Scan
from statsmodels_ooc.design.response import CategoricalResponse, check_endog
from statsmodels_ooc.design.spec import Missing
from statsmodels_ooc.design.width import check_width
from statsmodels_ooc.errors import ColumnNotFoundError, DesignError
from statsmodels_ooc.sources.base import Source

__all__ = [
    "FormulaSpec",
    "Scan",
    "check_names",
    "formula_columns",
    "learn_formula",
    "quoted",
]


def learn_formula(
    formula: Any,
    source: Source,
    *,
    env: EvalEnvironment,
    scan: Scan,
    frames: FramesOf | None = None,
    missing: Missing = "drop",
    extras: Mapping[str, str] | None = None,
    max_endog: int = 1,
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
    frames : callable, optional
        Reads the columns named, all rows in order, under a name for that pass; by
        default ``source.frames``.
    missing : {"drop", "raise"}
        What happens to rows with missing values.
    extras : mapping, optional
        Weights, offset and the like by role: a column, or a Python expression in the
        columns.
    max_endog : int
        How many columns the response may have.
    drop_cols : sequence of str, optional
        Columns to leave out of the design.
    memory_limit : int
        Bytes that learning may take.

    Returns
    -------
    FormulaSpec
        The learned design.

    Raises
    ------
    ColumnNotFoundError
        A name is neither a column nor in scope.
    DesignError
        A factor does not work row by row; the response or the weights are not one
        number a row.
    EmptyDataError
        A transform cannot be learned: there are no rows.
    MemoryLimitError
        There are too many levels or columns, or too many rows for a spline's quantiles.
    """
    lhs, rhs, third_terms = _terms(formula, extras, source.dtypes)
    factors = _factors(lhs, rhs, third_terms)
    columns = _columns(factors, env, source)
    lesson = Lesson(source, factors, env, frames or partial(_frames, source), memory_limit)
    lesson.learn(scan)
    sides = (lhs, rhs, list(dict.fromkeys(third_terms)))  # two roles may be of one column
    check_width(sides, lesson.widths, lesson.levels, lesson.simple, memory_limit)

    def info(side: Sequence[Term]) -> DesignInfo:
        return _patsy.design_info(side, lesson.states, lesson.widths, lesson.levels)

    left, right, third = map(info, sides)
    response = _response(lhs, left.column_names, lesson, max_endog)
    learned = Learned(
        formula,
        (left, right),
        left.factor_infos | right.factor_infos | third.factor_infos,
        dict(zip(extras or {}, _extra_factors(third_terms, lesson), strict=True)),
        columns,
        lesson.encodable(factors),
        lesson.simple,
        lesson.sights,
        missing,
        response,
        contrasts={
            f: contrast for f, (_, contrast) in lesson.levels.items() if contrast is not None
        },
    )
    spec = FormulaSpec(learned)
    return _drop_columns(spec, drop_cols) if drop_cols is not None else spec


def _frames(source: Source, _: str, columns: Sequence[str]) -> Generator[pd.DataFrame]:
    yield from source.frames(columns)


def formula_columns(
    formula: Any,
    source: Source,
    *,
    env: EvalEnvironment,
    extras: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """The source's columns that a formula and its extras read.

    Raises
    ------
    ColumnNotFoundError
        A name is neither a column nor in scope.
    """
    return _columns(_factors(*_terms(formula, extras, source.dtypes)), env, source)


def _columns(
    factors: Sequence[EvalFactor], env: EvalEnvironment, source: Source
) -> tuple[str, ...]:
    """The source's columns that factors read, looked at."""
    check_names(factors, env, source)
    names = {name for factor in factors for name in _patsy.factor_names(factor)}
    columns = tuple(column for column in source.columns if column in names)
    source.look_at(columns)
    return columns


def _terms(
    formula: Any, extras: Mapping[str, str] | None, dtypes: Mapping[str, Any]
) -> tuple[list[Term], list[Term], list[Term]]:
    """The terms of the response, of the design, and one for each of the extras."""
    desc = _patsy.model_desc(formula)
    if not desc.lhs_termlist:
        raise PatsyError("model is missing required outcome variables")
    third = [_extra_term(code, dtypes) for code in (extras or {}).values()]
    return desc.lhs_termlist, desc.rhs_termlist, third


def _factors(*sides: Sequence[Term]) -> tuple[EvalFactor, ...]:
    """The factors of some terms, each once."""
    terms = (term for side in sides for term in side)
    return tuple(dict.fromkeys(factor for term in terms for factor in term.factors))


def _extra_term(code: str, dtypes: Mapping[str, Any]) -> Term:
    if code in dtypes:
        is_flag = pd.api.types.is_bool_dtype(dtypes[code])
        code = quoted(code)
        code = f"{code} * 1.0" if is_flag else code
    return _patsy.expression_term(code)


def quoted(column: str) -> str:
    """A column's name, as a formula can have it."""
    plain = column.isidentifier() and not keyword.iskeyword(column)
    return column if plain else f"Q({column!r})"


def _extra_factors(terms: Sequence[Term], lesson: Lesson) -> list[EvalFactor]:
    factors = [factor for term in terms for factor in term.factors]
    for factor in factors:
        if lesson.widths.get(factor) != 1:
            raise DesignError(
                f"{factor.name()!r} is not one number a row", hint="text and dates are no numbers"
            )
    return factors


def check_names(factors: Sequence[EvalFactor], env: EvalEnvironment, source: Source) -> None:
    """Refuse factors that look up what is neither a column nor in scope.

    Raises
    ------
    ColumnNotFoundError
        It says what may have been meant.
    """
    columns = source.columns
    known = set(columns)
    always = {*dir(builtins), *patsy.builtins.__all__}
    for factor in factors:
        for name in _patsy.factor_names(factor):
            if name in known or name in always:
                continue
            if name in env.namespace:
                _refuse_array(name, factor, env, source)
                continue
            near = [str(c) for c in columns if str(c).lower() == name.lower()]
            near = near or difflib.get_close_matches(name, map(str, columns), n=3)
            raise ColumnNotFoundError(
                f"{name!r} in {factor.name()!r} is neither a column of {source.name} nor a "
                "variable in scope",
                hint=f"did you mean {' or '.join(map(repr, near))}?"
                if near
                else "import numpy as np"
                if name == "np"
                else f"the columns are {', '.join(map(repr, columns))}",
            )


def _refuse_array(name: str, factor: EvalFactor, env: EvalEnvironment, source: Source) -> None:
    """Refuse an array from outside that stands where a column is meant."""
    if factor.code == name and np.ndim(env.namespace[name]):
        raise ColumnNotFoundError(
            f"{name!r} is no column of {source.name}, but an array in scope",
            hint="arrays from outside cannot follow the rows of a chunk: make it a column; the "
            f"columns are {', '.join(map(repr, source.columns))}",
        )


def _response(
    terms: Sequence[Term], columns: Sequence[str], lesson: Lesson, max_endog: int
) -> CategoricalResponse | None:
    """What a categorical response stands for, None where it is a number or spelled out."""
    factors = _factors(terms)
    levels = lesson.levels[factors[0]][0] if factors and factors[0] in lesson.levels else None
    if len(factors) != 1:
        levels = None
    check_endog(columns, levels, factors[0].name() if factors else "", max_endog)
    if levels is None or factors[0] in lesson.spelled:
        return None
    column = lesson.simple.get(factors[0])
    return CategoricalResponse(factors[0].name() if column is None else quoted(column), levels)


def _drop_columns(spec: FormulaSpec, drop_cols: Sequence[str]) -> FormulaSpec:
    """Leave out columns of the design, as statsmodels does.

    A term that is one of the columns goes with it; a column of a larger term leaves
    `design_info` as it is. Names that no column has are passed over.
    """
    columns = set(drop_cols) & set(spec.exog_names)
    terms = [name for name in spec.design_info.term_names if name not in columns]
    return spec.subset(terms, frozenset(columns - set(spec.design_info.term_names)))
