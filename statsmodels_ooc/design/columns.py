"""Designs from plain columns: what arrays and frames without a formula give."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Design, Extras, Where
from statsmodels_ooc.blocks.columns import Piece, Scratch
from statsmodels_ooc.blocks.split import split_columns
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.plain import array_values
from statsmodels_ooc.design.spec import (
    DesignSpec,
    Missing,
    Variables,
    checked_extra,
    keep_rows,
    lost_rows,
    proportions,
)
from statsmodels_ooc.sources.chunk import Chunk, as_chunk


class ColumnSpec(DesignSpec):
    """The columns of a source as they are.

    Parameters
    ----------
    endog : sequence of str
        The column of the response; two for successes and failures, none for new data.
    exog : sequence of str
        The columns of the design.
    extras : mapping, optional
        Weights, offset and the like by role: a column, or one value for every row.
    missing : {"none", "drop", "raise"}
        What happens to rows with missing values.
    """

    has_intercept = False
    is_compiled = False

    def __init__(
        self,
        endog: Sequence[str],
        exog: Sequence[str],
        extras: Mapping[str, str | float] | None = None,
        missing: Missing = "none",
    ) -> None:
        self.endog_names = tuple(endog)
        self.exog_names = tuple(exog)
        self.extras = dict(extras or {})
        self.missing = missing
        self.columns = (
            *self.endog_names,
            *self.exog_names,
            *(name for name in self.extras.values() if isinstance(name, str)),
        )
        self.encoded = frozenset()
        self.held = self.exog_names  # what is read of the design, and where its columns stand there
        self.places: tuple[int, ...] = tuple(range(len(self.held)))

    def part(self, columns: Sequence[int]) -> ColumnSpec:
        """The same rows, read and told apart by the same variables, with some of the columns."""
        part = copy.copy(self)
        part.__dict__.pop("_recipe", None)
        part.exog_names = tuple(self.exog_names[j] for j in columns)
        part.places = tuple(self.places[j] for j in columns)
        return part

    def rows(self, frame: Chunk | pd.DataFrame, where: Where) -> Variables:
        chunk = as_chunk(frame)
        columns = {name: array_values(chunk, name, where) for name in self.columns}
        absent = {
            name: mask for name, values in columns.items() if (mask := _absent(values)) is not None
        }
        kept, counts = keep_rows(absent, self.missing, where)
        if kept is not None:
            columns = {name: values.take(kept) for name, values in columns.items()}
        n = len(frame) if kept is None else len(kept)
        endog = columns[self.endog_names[0]] if self.endog_names else np.zeros(n)
        extras = {
            role: checked_extra(role, values, name, where, kept)
            for role, name, values in self._extras(columns, n)
        }
        if len(self.endog_names) == 2:
            failures = columns[self.endog_names[1]]
            endog, extras["trials"] = proportions(endog, failures, self.endog_names, where, kept)
        values = tuple(columns[name] for name in self.held)
        lost = lost_rows(absent, where) if counts else ()
        return Variables(endog, values, Extras.of(extras), kept, counts, lost)

    def _extras(
        self, columns: Mapping[str, FloatArray], n: int
    ) -> Iterator[tuple[str, str, FloatArray]]:
        for role, given in self.extras.items():
            if isinstance(given, str):
                yield role, given, columns[given]
            else:
                yield role, role, np.full(n, float(given))

    def compiled(self) -> ColumnSpec:
        spec = copy.copy(self)
        spec.is_compiled = True
        return spec

    @cached_property
    def _recipe(self) -> Any:
        from statsmodels_ooc.blocks.compiled import Recipe

        return Recipe(split_columns([(Piece(at),) for at in self.places]))

    def design(self, rows: Variables, piece: slice, scratch: Scratch) -> Design:
        if self.is_compiled:
            design: Design = self._recipe.design(self, rows, piece, scratch)
            return design
        return super().design(rows, piece, scratch)

    def fill(self, rows: Variables, piece: slice, out: FloatArray) -> None:
        for j, at in enumerate(self.places):
            out[:, j] = rows.values[at][piece]

    def keys(self, rows: Variables, piece: slice) -> tuple[NDArray[Any], ...]:
        return tuple(values[piece] for values in rows.values)

    @property
    def capacities(self) -> tuple[int | None, ...]:
        return (None,) * len(self.held)

    def from_keys(self, keys: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        return tuple(keys)


def _absent(values: FloatArray) -> NDArray[np.bool_] | None:
    mask = np.isnan(values)
    return mask if mask.any() else None
