"""What has been learned of a formula: a design that makes blocks of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import DesignInfo, EvalFactor, FactorInfo, subterm_columns
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Design, Extras, Lost, Where
from statsmodels_ooc.blocks.columns import ColumnPlan, Piece, Scratch, fill_columns
from statsmodels_ooc.blocks.split import Layout, Split, split_columns
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.factors import UNSEEN, Categorical, Factor, Numeric
from statsmodels_ooc.design.plain import PlainFrame, Sight
from statsmodels_ooc.design.response import CategoricalResponse
from statsmodels_ooc.design.spec import (
    DesignSpec,
    Missing,
    Variables,
    checked_extra,
    keep_rows,
    lost_rows,
    proportions,
)
from statsmodels_ooc.design.width import widest_term
from statsmodels_ooc.sources.chunk import Chunk


def plan_columns(info: DesignInfo, factors: Sequence[Any]) -> tuple[ColumnPlan, ...]:
    """Plan every column of a design.

    Parameters
    ----------
    info : DesignInfo
        The learned design; its subterms and contrasts say what a column is.
    factors : sequence
        The factors in the order in which their values will come.
    """
    position = {factor: i for i, factor in enumerate(factors)}
    return tuple(
        tuple(
            _piece(position[factor], subterm.contrast_matrices.get(factor), column)
            for factor, column in zip(subterm.factors, columns, strict=True)
        )
        for subterms in info.term_codings.values()
        for subterm in subterms
        for columns in subterm_columns(info, subterm)
    )


def _piece(value: int, contrast: Any, column: int) -> Piece:
    if contrast is None:
        return Piece(value, column)
    weights = np.ascontiguousarray(contrast.matrix[:, column], dtype=np.float64)
    ones = np.flatnonzero(weights)
    is_indicator = len(ones) == 1 and weights[ones[0]] == 1
    return Piece(value, contrast=weights, level=int(ones[0]) if is_indicator else -1)


class Learned(NamedTuple):
    """What has been learned of a formula.

    Attributes
    ----------
    formula : str or ModelDesc
        As the user wrote it.
    sides : tuple of DesignInfo
        What patsy would know of the left-hand and of the right-hand side.
    factors : mapping
        Every factor of the formula and of the extras to what was learned of it,
        those of dropped terms included: their missing values drop rows.
    extras : mapping
        The factors that give weights, offset and the like, by role.
    columns : tuple of str
        The source's columns that are read.
    encoded : frozenset of str
        Those of them that may come as Categoricals.
    simple : mapping
        The factors that are nothing but a column, to its name.
    sights : mapping
        The others, to how they see whole numbers.
    missing : {"drop", "raise"}
        What happens to rows with missing values.
    response : CategoricalResponse, optional
        A response that is a category, where the formula does not say which comes first.
    dropped : frozenset of str
        Columns of the right-hand side that are left out.
    strict : bool
        Whether a level that was not learned is an error; rows that have one are dropped
        otherwise.
    constants : tuple of (str, float)
        By role, what is the same for all rows: an offset, an exposure, weights.
    contrasts : mapping
        Categorical factors to what codes them, where the formula says so.
    watched : tuple of int, optional
        Factors by which rows are told to be the same in every pass; those of the design by
        default.
    compiled : bool
        Whether blocks multiply in machine code.
    """

    formula: Any
    sides: tuple[DesignInfo, DesignInfo]
    factors: Mapping[EvalFactor, FactorInfo]
    extras: Mapping[str, EvalFactor]
    columns: tuple[str, ...]
    encoded: frozenset[str]
    simple: Mapping[EvalFactor, str]
    sights: Mapping[EvalFactor, Sight]
    missing: Missing
    response: CategoricalResponse | None = None
    dropped: frozenset[str] = frozenset()
    strict: bool = True
    constants: tuple[tuple[str, float], ...] = ()
    contrasts: Mapping[EvalFactor, Any] = {}
    watched: tuple[int, ...] | None = None
    compiled: bool = False


class FormulaSpec(_patsy.Remade, DesignSpec):
    """A learned formula.

    Attributes
    ----------
    formula, response
        See `Learned`.
    design_info : DesignInfo
        patsy's description of the right-hand side: terms, slices, contrasts.
    """

    def __init__(self, learned: Learned) -> None:
        self.learned = learned
        self.formula, self.response = learned.formula, learned.response
        self.columns, self.encoded = learned.columns, learned.encoded
        self.missing = learned.missing
        left, right = learned.sides
        self.design_info = right
        self.endog_names = tuple(left.column_names)
        self.exog_names = tuple(n for n in right.column_names if n not in learned.dropped)
        self.has_intercept = _patsy.INTERCEPT in right.terms
        order = list(learned.factors)
        self._extras_at = {role: order.index(factor) for role, factor in learned.extras.items()}

    @cached_property
    def _factors(self) -> tuple[Factor, ...]:
        simple, sights = self.learned.simple, self.learned.sights
        return tuple(
            _factor(factor, info, simple.get(factor), sights.get(factor, Sight()))
            for factor, info in self.learned.factors.items()
        )

    @cached_property
    def _plans(self) -> tuple[tuple[ColumnPlan, ...], tuple[ColumnPlan, ...]]:
        left, right = self.learned.sides
        order = list(self.learned.factors)
        named = zip(right.column_names, plan_columns(right, order), strict=True)
        kept = tuple(plan for name, plan in named if name not in self.learned.dropped)
        return plan_columns(left, order), kept

    def rows(self, frame: Chunk | pd.DataFrame, where: Where) -> Variables:
        plain = PlainFrame(frame, where)
        values = self._values(plain, where)
        lost = () if self.learned.strict else _unseen(self._factors, plain, values, where)
        absent = _absent(self._factors, values)
        kept, counts = keep_rows(absent, self.missing, where)
        if kept is not None:
            values = [value.take(kept, axis=-1) for value in values]
        n = len(frame) if kept is None else len(kept)
        extras = {
            role: checked_extra(role, values[at][0], self._factors[at].name, where, kept)
            for role, at in self._extras_at.items()
        }
        for role, value in self.learned.constants:
            extras[role] = checked_extra(role, np.full(n, value), role, where, kept)
        endog, *failures = self._endog(values, n)
        if failures:
            endog, extras["trials"] = proportions(endog, failures[0], self.endog_names, where, kept)
        return Variables(
            endog, tuple(values), Extras.of(extras), kept, *_told(lost, absent, counts, where)
        )

    def _values(self, frame: PlainFrame, where: Where) -> list[NDArray[Any]]:
        strict = self.learned.strict
        return [
            factor.values(frame, where, strict=strict)
            if isinstance(factor, Categorical)
            else factor.values(frame, where)
            for factor in self._factors
        ]

    def _endog(self, values: Sequence[NDArray[Any]], n: int) -> list[FloatArray]:
        """The columns of the response, (n,) each; of new data without one, zeros."""
        plans = self._plans[0]
        if not plans:
            return [np.zeros(n)]
        if len(plans) == 1 and len(plans[0]) == 1 and plans[0][0].contrast is None:
            (piece,) = plans[0]
            return [values[piece.value][piece.column]]
        columns = np.empty((n, len(plans)), order="F")
        fill_columns(plans, values, slice(None), columns)
        return list(columns.T)

    def fill(self, rows: Variables, piece: slice, out: FloatArray) -> None:
        fill_columns(self._plans[1], rows.values, piece, out)

    def compiled(self) -> FormulaSpec:
        return FormulaSpec(self.learned._replace(compiled=True))

    def design(self, rows: Variables, piece: slice, scratch: Scratch) -> Design:
        if self.learned.compiled:
            design: Design = self._recipe.design(self, rows, piece, scratch)
            return design
        if not self._layout.terms:
            return super().design(rows, piece, scratch)
        return Split(self, rows, piece, scratch, self._layout)

    @cached_property
    def _layout(self) -> Layout:
        return split_columns(self._plans[1])

    @cached_property
    def _recipe(self) -> Any:
        from statsmodels_ooc.blocks.compiled import Recipe

        return Recipe(self._layout)

    def keys(self, rows: Variables, piece: slice) -> tuple[NDArray[Any], ...]:
        return tuple(
            column for at in self._used for column in np.atleast_2d(rows.values[at][..., piece])
        )

    @property
    def width(self) -> int:
        return len(self._layout.plans)

    @property
    def widest(self) -> str:
        slices = self.design_info.term_slices.items()
        columns = {term: piece.stop - piece.start for term, piece in slices}
        levels = {
            factor: len(info.categories)
            for factor, info in self.learned.factors.items()
            if info.type == "categorical"
        }
        return widest_term(columns, levels, self.learned.simple)

    @property
    def capacities(self) -> tuple[int | None, ...]:
        return tuple(c for at in self._used for c in self._factors[at].capacities)

    def from_keys(self, keys: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        values: list[NDArray[Any]] = [np.empty(0)] * len(self._factors)
        left = list(keys)
        for at in self._used:
            factor = self._factors[at]
            if isinstance(factor, Numeric):
                values[at] = np.stack([left.pop(0) for _ in range(factor.width)])
            else:
                values[at] = left.pop(0)
        return tuple(values)

    @cached_property
    def _used(self) -> tuple[int, ...]:
        """The factors that the design is made of, or of a part of one those of the whole."""
        if self.learned.watched is not None:
            return self.learned.watched
        return tuple(sorted({piece.value for plan in self._plans[1] for piece in plan}))

    def subset(self, terms: Sequence[str], dropped: frozenset[str]) -> FormulaSpec:
        """The same rows, with some of the design's terms only, and without some columns."""
        left, right = self.learned.sides
        sides = (left, right.subset(list(terms)))
        return FormulaSpec(self.learned._replace(sides=sides, dropped=dropped))

    def part(self, right: DesignInfo) -> FormulaSpec:
        """The same rows, read and told apart by the same variables, in another design of them."""
        sides = (self.learned.sides[0], right)
        learned = self.learned._replace(sides=sides, dropped=frozenset(), watched=self._used)
        return FormulaSpec(learned)

    def made_of(self) -> tuple[Any, ...]:
        return (self.learned,)


def _unseen(
    factors: Sequence[Factor], frame: PlainFrame, values: Sequence[NDArray[Any]], where: Where
) -> tuple[Lost, ...]:
    """The rows of a frame that have a level which was not learned, by variable."""
    found = []
    for factor, codes in zip(factors, values, strict=True):
        if isinstance(factor, Categorical) and (codes == UNSEEN).any():
            rows = np.flatnonzero(codes == UNSEEN)
            levels = factor.unseen(frame, rows)
            found.append(Lost(factor.name, where.start + rows, levels))
    return tuple(found)


def _absent(factors: Sequence[Factor], values: Sequence[Any]) -> dict[str, NDArray[np.bool_]]:
    return {
        factor.name: mask
        for factor, value in zip(factors, values, strict=True)
        if (mask := factor.absent(value)) is not None
    }


def _told(
    unseen: tuple[Lost, ...],
    absent: Mapping[str, NDArray[np.bool_]],
    counts: Mapping[str, int],
    where: Where,
) -> tuple[Mapping[str, int], tuple[Lost, ...]]:
    """How many rows have no value, by variable, and which rows are lost; codes tell both."""
    if not counts:
        return {}, ()
    if not unseen:
        return counts, lost_rows(absent, where)
    masks = dict(absent)
    for one in unseen:
        masks[one.variable] = masks[one.variable].copy()
        masks[one.variable][one.rows - where.start] = False
    missing = {name: int(mask.sum()) for name, mask in masks.items() if mask.any()}
    masks = {name: masks[name] for name in missing}
    return missing, (*lost_rows(masks, where), *unseen)


def _factor(factor: EvalFactor, info: FactorInfo, column: str | None, sight: Sight) -> Factor:
    known = (factor.name(), factor, info.state, column, sight)
    if info.type == "numerical":
        return Numeric(*known, info.num_columns)
    return Categorical(*known, info.categories)
