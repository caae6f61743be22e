"""A design that has been learned, for data that it was not learned from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import EvalFactor, FactorInfo
from statsmodels_ooc.design.beside import learned_expression
from statsmodels_ooc.design.columns import ColumnSpec
from statsmodels_ooc.design.learned import FormulaSpec, Learned
from statsmodels_ooc.design.plain import Sight
from statsmodels_ooc.design.spec import Missing
from statsmodels_ooc.errors import ColumnNotFoundError, DesignError
from statsmodels_ooc.sources.base import Source

Given = Mapping[str, str | float]


def formula_anew(
    spec: FormulaSpec,
    source: Source,
    given: Given,
    *,
    own: Collection[str] = (),
    response: bool = False,
) -> FormulaSpec:
    """A formula for new data: rows with missing values or unseen levels are dropped.

    Parameters
    ----------
    spec : FormulaSpec
        The formula.
    source : Source
        The new data.
    given : mapping
        Offset, exposure and weights of the new data, by role: a column, an expression in
        columns, `np` and `pd`, or one number for all rows.
    own : collection of str
        The roles that the model's own columns and expressions play, where `given` has no other.
    response : bool
        Whether the response is read as well.

    Raises
    ------
    ColumnNotFoundError
        The new data lack a column.
    DesignError
        An expression does not work row by row.
    """
    learned = spec.learned
    left, right = learned.sides
    if not response:
        left = right.subset([])
    kept = {
        role: factor for role, factor in learned.extras.items() if role in own and role not in given
    }
    wanted = {*left.factor_infos, *right.factor_infos, *kept.values()}
    seen = {factor: info for factor, info in learned.factors.items() if factor in wanted}
    anew = learned._replace(
        sides=(left, right),
        factors=seen,
        extras=kept,
        missing="drop",
        response=None,
        strict=False,
        constants=tuple((r, float(v)) for r, v in given.items() if not isinstance(v, str)),
    )
    names = {role: code for role, code in given.items() if isinstance(code, str)}
    for role, code in names.items():
        anew = _with_extra(anew, role, code, source)
    return FormulaSpec(_read_by(anew, source))


def _with_extra(learned: Learned, role: str, code: str, source: Source) -> Learned:
    """What has been learned, with a column or an expression in some role."""
    found = learned_expression(code, source)
    factor = found.factor
    simple, sights = dict(learned.simple), dict(learned.sights)
    if factor not in learned.factors:
        if code in source.columns:
            simple[factor] = code
        else:
            sights[factor] = found.sight
    info = learned.factors.get(factor, FactorInfo(factor, "numerical", found.state, num_columns=1))
    return learned._replace(
        factors={**learned.factors, factor: info},
        extras={**learned.extras, role: factor},
        simple=simple,
        sights=sights,
    )


def _read_by(learned: Learned, source: Source) -> Learned:
    """What has been learned, with the columns of the source that its factors read."""
    names = dict.fromkeys(
        name for factor in learned.factors for name in _names(learned, factor, source)
    )
    absent = [name for name in names if name not in source.columns]
    if absent:
        raise ColumnNotFoundError(
            f"{source.name} has no column {absent[0]!r}, which {_user(learned, absent[0])} needs",
            hint=f"its columns are {', '.join(map(repr, source.columns))}",
        )
    columns = tuple(names)
    source.look_at(columns)
    return learned._replace(columns=columns, encoded=learned.encoded & set(columns))


def _names(learned: Learned, factor: EvalFactor, source: Source) -> list[str]:
    """The columns that a factor reads, of the data that were learned or of the new ones."""
    if factor in learned.simple:
        return [learned.simple[factor]]
    known = {*learned.columns, *source.columns}
    sight = learned.sights.get(factor, Sight())
    names = sorted({*sight.columns, *(set(_patsy.factor_names(factor)) & known)})
    return [name for name in names if name in known]


def _user(learned: Learned, name: str) -> str:
    """The factor that reads a column, for a message."""
    for role, factor in learned.extras.items():
        if name in _patsy.factor_names(factor):
            return f"the {role} {factor.name()!r}"
    sides = zip(("the response", "the design"), learned.sides, strict=True)
    for what, side in sides:
        for factor in side.factor_infos:
            if learned.simple.get(factor) == name or name in _patsy.factor_names(factor):
                return f"{what} ({factor.name()!r})"
    return "the design"


def columns_anew(
    names: Sequence[Any],
    source: Source,
    given: Given,
    *,
    missing: Missing = "none",
    endog: Sequence[str] = (),
    places: Sequence[str] | None = None,
) -> ColumnSpec:
    """A design of plain columns for new data.

    Parameters
    ----------
    names : sequence of str
        The columns of the design, in order.
    source : Source
        The new data: columns of these names, or else as many columns as there are names,
        which count by their order.
    given : mapping
        As for `formula_anew`, but for expressions.
    missing : {"none", "drop"}
        Whether rows with missing values stay, and their predictions are missing.
    endog : sequence of str
        The columns of the response.
    places : sequence of str, optional
        The columns that count by their order, as those of an array do, whatever their names.

    Raises
    ------
    DesignError
        There are neither columns of these names nor as many columns.
    ColumnNotFoundError
        There is no such column for an offset, an exposure or weights.
    """
    by_name = places is None and set(names) <= set(source.columns)
    beside = {code for code in given.values() if isinstance(code, str)} | set(endog)
    columns = [name for name in places or source.columns if name not in beside]
    if not by_name and len(columns) != len(names):
        raise DesignError(
            f"{source.name} has {len(columns):,} columns where the design has {len(names):,}",
            hint=f"the columns of the design are {', '.join(map(repr, names))}",
        )
    for role, code in given.items():
        if isinstance(code, str) and code not in source.columns:
            raise ColumnNotFoundError(
                f"{source.name} has no column {code!r} for the {role}",
                hint=f"its columns are {', '.join(map(repr, source.columns))}",
            )
    chosen = list(names) if by_name else columns
    source.look_at([*chosen, *beside])
    return ColumnSpec(endog, chosen, dict(given), missing)
