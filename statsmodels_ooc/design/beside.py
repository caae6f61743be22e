"""Columns and expressions beside the rows of a design that has been learned."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import EvalEnvironment, EvalFactor
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Design, Where
from statsmodels_ooc.blocks.columns import Scratch
from statsmodels_ooc.design.evaluation import unbox, values_by_row
from statsmodels_ooc.design.formula import check_names, quoted
from statsmodels_ooc.design.integers import evaluate_exactly
from statsmodels_ooc.design.labels import Labels, in_their_order, is_ordered, keys_of
from statsmodels_ooc.design.plain import PlainFrame, Sight
from statsmodels_ooc.design.rowwise import require_rowwise
from statsmodels_ooc.design.spec import DesignSpec, Variables
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    DesignError,
    MissingGroupError,
    OptionError,
)
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.chunk import Chunk, as_chunk

_ROWS = 1_000  # of some partitions, on which an expression is tried
_ENVIRONMENT = EvalEnvironment([{"np": np, "pd": pd}])


@dataclass(frozen=True)
class Beside:
    """A column, or an expression in columns, that has been learned.

    Attributes
    ----------
    factor, state : EvalFactor, dict
        The expression, and what it remembers.
    sight : Sight
        How it sees whole numbers.
    as_labels : bool
        Whether only the equality of its values counts.
    code : str
        The column's name, or the expression.
    dtype : dtype, optional
        What the source declares of a column.
    """

    factor: EvalFactor
    state: dict[str, Any]
    sight: Sight
    as_labels: bool
    code: str
    dtype: Any = None

    def of(self, frame: pd.DataFrame, where: Where) -> pd.Series | NDArray[Any]:
        """The values for the rows of a frame, (n,), to the last digit."""
        column = _patsy.simple_column(self.factor, self.state, frame.columns)
        if column is not None:
            found: pd.Series = frame[column[0]]
            return found
        read = [name for name in frame if name in self.sight.columns]
        part = PlainFrame(pd.DataFrame({name: _decoded(frame[name]) for name in read}))
        given = evaluate_exactly(self.factor, self.state, part, self.sight)
        values = values_by_row(unbox(given))
        if values.shape != (len(frame), 1):
            raise DesignError(
                f"{self.code!r} has shape {values.shape} where {where} has {len(frame)} rows"
            )
        return np.asarray(values[:, 0])


class BesideSpec(_patsy.Remade, DesignSpec):
    """A design whose blocks have more beside each row, in `Extras.beside`.

    Parameters
    ----------
    inner : DesignSpec
        The design.
    factors : mapping
        By name: what stands beside the rows.
    """

    def __init__(self, inner: DesignSpec, factors: Mapping[str, Beside]) -> None:
        self._inner, self._factors = inner, dict(factors)
        more = (name for factor in factors.values() for name in sorted(factor.sight.columns))
        self.columns = tuple(dict.fromkeys((*inner.columns, *more)))
        self.encoded = inner.encoded
        self.endog_names, self.exog_names = inner.endog_names, inner.exog_names
        self.has_intercept = inner.has_intercept
        self.block_rows = inner.block_rows

    def compiled(self) -> BesideSpec:
        return BesideSpec(self._inner.compiled(), self._factors)

    @property
    def width(self) -> int:
        return self._inner.width

    @property
    def widest(self) -> str:
        return self._inner.widest

    def rows(self, frame: Chunk | pd.DataFrame, where: Where) -> Variables:
        rows, frame = self._inner.rows(frame, where), as_chunk(frame).frame
        kept = np.arange(len(frame)) if rows.kept is None else rows.kept
        beside = {}
        for name, factor in self._factors.items():
            chosen = frame[[column for column in frame if column in factor.sight.columns]]
            if rows.kept is not None:
                chosen = chosen.take(kept).reset_index(drop=True)
            values = factor.of(chosen, where)
            absent = np.asarray(pd.isna(values))
            if absent.any():
                raise MissingGroupError(
                    f"missing value of {factor.code!r} at "
                    f"{where.row(int(kept[np.argmax(absent)]))}",
                    _without(factor.code),
                    factor.code,
                )
            beside[name] = keys_of(values) if factor.as_labels else _times(values, factor, where)
        return replace(rows, extras=replace(rows.extras, beside=beside))

    def fill(self, rows: Variables, piece: slice, out: FloatArray) -> None:
        self._inner.fill(rows, piece, out)

    def design(self, rows: Variables, piece: slice, scratch: Scratch) -> Design:
        return self._inner.design(rows, piece, scratch)

    def keys(self, rows: Variables, piece: slice) -> tuple[NDArray[Any], ...]:
        return self._inner.keys(rows, piece)

    def from_keys(self, keys: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        return self._inner.from_keys(keys)

    def made_of(self) -> tuple[Any, ...]:
        return self._inner, self._factors


def _without(code: str) -> str:
    """How rows without a label are left out of a model."""
    condition = f"{code}.notna()" if code.isidentifier() else "..."
    return (
        f"leave such rows out of the model by subset={condition!r}, as model.fit(cov_type=...) "
        'does where missing="drop"'
    )


def _decoded(column: pd.Series) -> pd.Series:
    """A column that an expression can work with: what comes encoded for the design is not."""
    is_encoded = isinstance(column.dtype, pd.CategoricalDtype)
    return column.astype(object) if is_encoded else column


def _times(values: Any, factor: Beside, where: Where) -> NDArray[Any]:
    """Values that compare as they are meant to: of ordered categories their numbers.

    Raises
    ------
    DesignError
        The categories are not those that the source declares for all rows.
    """
    if not isinstance(values, pd.Series):
        return _exactly(values)
    if not is_ordered(values.dtype):
        return _exactly(in_their_order(values))
    if is_ordered(factor.dtype):
        places = factor.dtype.categories.get_indexer(values)
        if (places >= 0).all():
            return np.asarray(places, dtype=np.float64)
    raise DesignError(
        f"{factor.code!r} is an ordered categorical, and {where} has other categories than the "
        "data declare for all rows",
        hint="give it one dtype in all parts, or numbers or dates",
    )


def _exactly(column: pd.Series | NDArray[Any]) -> NDArray[Any]:
    """The values of a column as they are, (n,): objects where no dtype of NumPy holds them."""
    if isinstance(column.dtype, np.dtype):
        return np.asarray(column)
    if column.dtype.kind in "mM":
        return column.to_numpy()
    return column.astype(object).to_numpy()


def spec_beside(spec: DesignSpec, source: Source, codes: Mapping[str, str | Labels]) -> BesideSpec:
    """A design with columns, or expressions in columns, beside its rows.

    Parameters
    ----------
    spec : DesignSpec
        The design.
    source : Source
        The data.
    codes : mapping
        By name: a column, or a Python expression in columns, `np` and `pd`, or `Labels` of
        one. Never a stranger's.

    Raises
    ------
    ColumnNotFoundError
        A name in an expression is no column.
    DesignError
        An expression does not work row by row.
    """
    factors = {name: learned_expression(code, source) for name, code in codes.items()}
    return BesideSpec(spec, factors)


def require_named(columns: Sequence[str], source: Source) -> None:
    """Refuse columns of arrays, which have no names.

    Raises
    ------
    ColumnNotFoundError
        There is one.
    """
    made = [column for column in columns if column in source.nameless]
    if made:
        raise ColumnNotFoundError(
            f"{made[0]!r} is no column of {source.name}: arrays have no names",
            hint="give an array that is aligned with the rows, or a dask DataFrame for the design",
        )


_WAYS = re.compile(r"[+*:^,#]")


def _require_one_way(code: str) -> None:
    """Refuse labels by what elsewhere means several ways, or a formula.

    Raises
    ------
    OptionError
        It is several names, or begins as a formula.
    """
    names = [name.strip() for name in _WAYS.split(code.strip().removeprefix("~"))]
    if not all(name.isidentifier() for name in names):
        return
    if len(names) > 1:
        raise OptionError(
            f"groups={code!r} is no column; groups={names} are {len(names)} ways, and one way by "
            "pairs is a column of its own"
        )
    if code.strip().startswith("~"):
        raise OptionError(f"groups={code!r} is a formula; the column is groups={names[0]!r}")


def learned_expression(given: str | Labels, source: Source) -> Beside:
    """A column or an expression, learned; see `spec_beside`.

    Parameters
    ----------
    given : str or Labels
        The column or the expression.
    source : Source
        The data.
    """
    as_labels = isinstance(given, Labels)
    code = given.of if isinstance(given, Labels) else given
    code = code if code in source.columns else code.strip()
    if as_labels and code not in source.columns:
        _require_one_way(code)
    text = quoted(code) if code in source.columns else code
    try:
        ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise DesignError(
            f"{code!r} is neither a column of {source.name} nor an expression: {error.msg}",
            hint=f"the columns are {', '.join(map(repr, source.columns))}",
        ) from None
    factor = EvalFactor(text)
    check_names([factor], _ENVIRONMENT, source)
    names = set(_patsy.factor_names(factor))
    columns = [column for column in source.columns if column in names]
    require_named(columns, source)
    source.look_at(columns)
    state, passes = _patsy.start_memorizing(factor, _ENVIRONMENT, source.dtypes)
    if passes:
        raise DesignError(
            f"{factor.name()!r} would have to be learned in a pass",
            hint="write what it learns as a number into the expression",
        )
    if code in source.columns:
        sight, dtype = Sight(columns=frozenset(columns)), source.dtypes[code]
        return Beside(factor, state, sight, as_labels, code, dtype)
    sight = Sight(columns=frozenset(columns))
    for head in source.samples(columns, _ROWS):
        require_rowwise(factor, state, head, sight)
    return Beside(factor, state, sight, as_labels, code)
