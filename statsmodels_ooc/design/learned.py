"""What has been learned of a formula: a design that makes blocks of frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import DesignInfo, EvalFactor, FactorInfo
from statsmodels_ooc.design.block import FloatArray, Where
from statsmodels_ooc.design.factors import Categorical, Factor, Numeric
from statsmodels_ooc.design.plain import PlainFrame
from statsmodels_ooc.design.plan import ColumnPlan, fill_columns, plan_columns
from statsmodels_ooc.design.spec import DesignSpec, Missing, Rows, check_weights, keep_rows

__all__ = ["FormulaSpec"]


class FormulaSpec(DesignSpec):
    """A learned formula.

    Parameters
    ----------
    formula : str or ModelDesc
        As the user wrote it.
    sides : tuple of DesignInfo
        What patsy would know of the left-hand and of the right-hand side.
    factors : mapping
        Every factor of the formula and of the weights to what was learned of it,
        those of dropped terms included: their missing values drop rows.
    weights : EvalFactor, optional
        The factor that gives the weights.
    columns : tuple of str
        The source's columns that are read.
    encoded : frozenset of str
        Those of them that may come as Categoricals.
    simple : mapping
        The factors that are nothing but a column, to its name.
    missing : {"drop", "raise"}
        What happens to rows with missing values.
    dropped : frozenset of str
        Columns of the right-hand side that are left out.

    Attributes
    ----------
    design_info : DesignInfo
        patsy's description of the right-hand side: terms, slices, contrasts.
    """

    def __init__(
        self,
        formula: Any,
        sides: tuple[DesignInfo, DesignInfo],
        factors: Mapping[EvalFactor, FactorInfo],
        weights: EvalFactor | None,
        columns: tuple[str, ...],
        encoded: frozenset[str],
        simple: Mapping[EvalFactor, str],
        missing: Missing,
        dropped: frozenset[str] = frozenset(),
    ) -> None:
        self._parts = (formula, sides, factors, weights, columns, encoded, simple, missing, dropped)
        self.formula = formula
        self.design_info = sides[1]
        self.columns = columns
        self.encoded = encoded
        self.missing = missing
        self.endog_name = sides[0].column_names[0]
        self.exog_names = tuple(n for n in sides[1].column_names if n not in dropped)
        self.has_intercept = _patsy.INTERCEPT in sides[1].terms
        self._weight = None if weights is None else list(factors).index(weights)

    @cached_property
    def _factors(self) -> tuple[Factor, ...]:
        _, _, factors, _, _, _, simple, *_ = self._parts
        return tuple(_factor(factor, info, simple.get(factor)) for factor, info in factors.items())

    @cached_property
    def _plans(self) -> tuple[tuple[ColumnPlan, ...], tuple[ColumnPlan, ...]]:
        _, sides, factors, *_, dropped = self._parts
        order = list(factors)
        named = zip(sides[1].column_names, plan_columns(sides[1], order), strict=True)
        right = tuple(plan for name, plan in named if name not in dropped)
        return plan_columns(sides[0], order), right

    def rows(self, frame: pd.DataFrame, where: Where) -> Rows:
        values = list(self._values(PlainFrame(frame), where))
        kept, counts = keep_rows(self._absent(values), self.missing, where)
        if kept is not None:
            values = [value.take(kept, axis=-1) for value in values]
        n = len(frame) if kept is None else len(kept)
        return Rows(
            self._endog(values, n), tuple(values), self._weights(values, kept, where), kept, counts
        )

    def _values(self, frame: PlainFrame, where: Where) -> Iterator[NDArray[Any]]:
        return (factor.values(frame, where) for factor in self._factors)

    def _absent(self, values: Sequence[Any]) -> dict[str, NDArray[np.bool_]]:
        return {
            factor.name: mask
            for factor, value in zip(self._factors, values, strict=True)
            if (mask := factor.absent(value)) is not None
        }

    def _endog(self, values: Sequence[NDArray[Any]], n: int) -> FloatArray:
        ((first, *others),) = self._plans[0]
        if first.contrast is None and not others:
            endog: FloatArray = values[first.value][first.column]
            return endog
        columns = np.empty((n, 1), order="F")
        fill_columns(self._plans[0], values, slice(None), columns)
        return columns[:, 0]

    def _weights(self, values: Sequence[Any], kept: Any, where: Where) -> FloatArray | None:
        if self._weight is None:
            return None
        weights: FloatArray = values[self._weight][0]
        check_weights(weights, self._factors[self._weight].name, where, kept)
        return weights

    def fill(self, rows: Rows, piece: slice, out: FloatArray) -> None:
        fill_columns(self._plans[1], rows.values, piece, out)

    def subset(self, terms: Sequence[str], dropped: frozenset[str]) -> FormulaSpec:
        """The same rows, with some of the design's terms only, and without some columns."""
        formula, (left, right), *others, _ = self._parts
        parts: Any = (formula, (left, right.subset(list(terms))), *others, dropped)
        return FormulaSpec(*parts)

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_spec, (_patsy.dumps(self._parts),)


def _load_spec(data: bytes) -> FormulaSpec:
    return FormulaSpec(*_patsy.loads(data))


def _factor(factor: EvalFactor, info: FactorInfo, column: str | None) -> Factor:
    if info.type == "numerical":
        return Numeric(factor.name(), factor, info.state, column, info.num_columns)
    return Categorical(factor.name(), factor, info.state, column, info.categories)
