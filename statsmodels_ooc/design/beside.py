"""Columns and expressions beside the rows of a design that has been learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import EvalEnvironment, EvalFactor
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Design, Where
from statsmodels_ooc.design.evaluation import unbox, values_by_row
from statsmodels_ooc.design.formula import check_names, quoted
from statsmodels_ooc.design.integers import evaluate_exactly, learn_sight
from statsmodels_ooc.design.plain import PlainFrame, Sight
from statsmodels_ooc.design.rowwise import require_rowwise
from statsmodels_ooc.design.spec import DesignSpec, Variables
from statsmodels_ooc.errors import DesignError, MissingDataError
from statsmodels_ooc.sources.base import Source

__all__ = ["BesideSpec", "spec_beside"]

_ROWS = 1_000  # of some partitions, on which an expression is tried
_ENVIRONMENT = EvalEnvironment([{"np": np, "pd": pd}])


class BesideSpec(DesignSpec):
    """A design whose blocks have more beside each row, in `Extras.beside`.

    Parameters
    ----------
    inner : DesignSpec
        The design.
    factors : mapping
        By name: the expression, its state, and how it sees whole numbers.
    """

    def __init__(
        self, inner: DesignSpec, factors: Mapping[str, tuple[EvalFactor, dict[str, Any], Sight]]
    ) -> None:
        self._inner, self._factors = inner, dict(factors)
        self._read = {
            name: tuple(_patsy.factor_names(factor)) for name, (factor, _, _) in factors.items()
        }
        more = (column for _, _, sight in factors.values() for column in sorted(sight.columns))
        self.columns = tuple(dict.fromkeys((*inner.columns, *more)))
        self.encoded = inner.encoded
        self.endog_names, self.exog_names = inner.endog_names, inner.exog_names
        self.has_intercept = inner.has_intercept
        self.block_rows = inner.block_rows

    @property
    def width(self) -> int:
        return self._inner.width

    @property
    def widest(self) -> str:
        return self._inner.widest

    def rows(self, frame: pd.DataFrame, where: Where) -> Variables:
        rows = self._inner.rows(frame, where)
        beside = {name: self._values(name, frame, where, rows.kept) for name in self._factors}
        return replace(rows, extras=replace(rows.extras, beside=beside))

    def _values(
        self, name: str, frame: pd.DataFrame, where: Where, kept: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """What an expression gives for the rows that are kept, (n,)."""
        factor, state, sight = self._factors[name]
        part = frame[[column for column in frame if column in sight.columns]]
        for column in part:
            if isinstance(part[column].dtype, pd.CategoricalDtype):
                part[column] = part[column].astype(object)  # it comes encoded for the design
        value = unbox(evaluate_exactly(factor, state, PlainFrame(part, where), sight))
        values = values_by_row(value)
        if values.shape != (len(frame), 1):
            raise DesignError(
                f"{name} = {factor.name()!r} has shape {values.shape} where {where} has "
                f"{len(frame)} rows"
            )
        found: NDArray[Any] = values[:, 0] if kept is None else values[kept, 0]
        absent = pd.isna(found)
        if absent.any():
            i = int(np.argmax(absent))
            raise MissingDataError(
                f"missing value of {name} = {factor.name()!r} at "
                f"{where.row(i if kept is None else int(kept[i]))}",
                hint=f"subset={factor.name() + '.notna()'!r} leaves such rows out of the model",
            )
        return found

    def fill(self, rows: Variables, piece: slice, out: FloatArray) -> None:
        self._inner.fill(rows, piece, out)

    def design(self, rows: Variables, piece: slice, scratch: FloatArray) -> Design:
        return self._inner.design(rows, piece, scratch)

    def keys(self, rows: Variables, piece: slice) -> tuple[NDArray[Any], ...]:
        return self._inner.keys(rows, piece)

    def from_keys(self, keys: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        return self._inner.from_keys(keys)

    def __reduce__(self) -> tuple[Any, ...]:
        return _load, (_patsy.dumps((self._inner, self._factors)),)


def _load(data: bytes) -> BesideSpec:
    return BesideSpec(*_patsy.loads(data))


def spec_beside(spec: DesignSpec, source: Source, codes: Mapping[str, str]) -> BesideSpec:
    """A design with columns, or expressions in columns, beside its rows.

    Parameters
    ----------
    spec : DesignSpec
        The design.
    source : Source
        The data.
    codes : mapping
        By name: a column, or a Python expression in columns, `np` and `pd`. Never a
        stranger's.

    Raises
    ------
    ColumnNotFoundError
        A name in an expression is no column.
    DesignError
        An expression does not work row by row.
    """
    return BesideSpec(spec, {name: _learned(code, source) for name, code in codes.items()})


def _learned(code: str, source: Source) -> tuple[EvalFactor, dict[str, Any], Sight]:
    factor = EvalFactor(quoted(code) if code in source.columns else code)
    check_names([factor], _ENVIRONMENT, source)
    names = set(_patsy.factor_names(factor))
    columns = [column for column in source.columns if column in names]
    source.look_at(columns)
    state, passes = _patsy.start_memorizing(factor, _ENVIRONMENT, source.dtypes)
    if passes:
        raise DesignError(
            f"{factor.name()!r} would have to be learned in a pass",
            hint="write what it learns as a number into the expression",
        )
    if code in source.columns:
        return factor, state, Sight(columns=frozenset(columns))
    sight = Sight(columns=frozenset(columns))
    for i, head in enumerate(source.samples(columns, _ROWS)):
        if not i:
            sight = learn_sight(factor, state, head, incomplete=(), is_number=False)
        require_rowwise(factor, state, head, sight)
    return factor, state, sight
