"""A learned formula whose columns were written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import DesignInfo
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Design, Extras, Where
from statsmodels_ooc.blocks.columns import Filled, Piece, Scratch
from statsmodels_ooc.blocks.split import split_columns
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.learned import FormulaSpec, Learned
from statsmodels_ooc.design.plain import array_values
from statsmodels_ooc.design.spans import combinations
from statsmodels_ooc.design.spec import Variables, checked_extra
from statsmodels_ooc.sources.chunk import Chunk, as_chunk


class StoredSpec(FormulaSpec):
    """A formula that is not evaluated again: its columns are those of a table.

    New data go through the formula, as those of any other model do.

    Parameters
    ----------
    learned : Learned
        What was learned of the formula.
    endog : sequence of str
        The column of the response; of successes and failures that of the share of the former.
    exog : sequence of str
        The columns of the design, or those that it is made of.
    extras : mapping
        Weights, offset, trials and the like by role, to their columns.
    span : ndarray, (len(exog), k), optional
        What the columns of a smaller design are combinations of.
    """

    def __init__(
        self,
        learned: Learned,
        endog: Sequence[str],
        exog: Sequence[str],
        extras: Mapping[str, str],
        span: FloatArray | None = None,
    ) -> None:
        super().__init__(learned)
        self.held, self.response_column = tuple(exog), endog[0]
        self.stored_extras = dict(extras)
        self.span = span
        self.columns = (endog[0], *self.held, *self.stored_extras.values())
        self.encoded = frozenset()

    def rows(self, frame: Chunk | pd.DataFrame, where: Where) -> Variables:
        chunk = as_chunk(frame)
        columns = {name: array_values(chunk, name, where) for name in self.columns}
        extras = {
            role: columns[name]
            if role == "trials"
            else checked_extra(role, columns[name], name, where, None)
            for role, name in self.stored_extras.items()
        }
        values = tuple(columns[name] for name in self.held)
        return Variables(columns[self.response_column], values, Extras.of(extras), None, {}, ())

    def fill(self, rows: Variables, piece: slice, out: FloatArray) -> None:
        if self.span is None:
            for j, values in enumerate(rows.values):
                out[:, j] = values[piece]
            return
        out[:] = 0.0
        for values, weights in zip(rows.values, self.span, strict=True):
            for column in np.flatnonzero(weights):
                out[:, column] += weights[column] * values[piece]

    def compiled(self) -> StoredSpec:
        learned = self.learned._replace(compiled=True)
        return StoredSpec(
            learned, (self.response_column,), self.held, self.stored_extras, self.span
        )

    def design(self, rows: Variables, piece: slice, scratch: Scratch) -> Design:
        if self.learned.compiled and self.span is None:
            design: Design = self._of_columns.design(self, rows, piece, scratch)
            return design
        return Filled(self, rows, piece, scratch)

    @cached_property
    def _of_columns(self) -> Any:
        from statsmodels_ooc.blocks.compiled import Recipe

        return Recipe(split_columns([(Piece(at),) for at in range(len(self.held))]))

    def keys(self, rows: Variables, piece: slice) -> tuple[NDArray[Any], ...]:
        return tuple(values[piece] for values in rows.values)

    @property
    def width(self) -> int:
        return self.k

    @property
    def capacities(self) -> tuple[int | None, ...]:
        return (None,) * len(self.held)

    def from_keys(self, keys: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        return tuple(keys)

    def part(self, right: DesignInfo) -> StoredSpec:
        """The same rows in another design of them, whose columns are combinations of these."""
        whole = self.design_info
        if self.learned.dropped:
            whole = _patsy.with_columns(whole, set(self.exog_names))
        span = combinations(whole, right).coefs
        if self.span is not None:
            span = self.span @ span
        learned = self.learned._replace(sides=(self.learned.sides[0], right), dropped=frozenset())
        return StoredSpec(learned, (self.response_column,), self.held, self.stored_extras, span)

    def made_of(self) -> tuple[Any, ...]:
        endog = (self.response_column,)
        return (self.learned, endog, self.held, self.stored_extras, self.span)
