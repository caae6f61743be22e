"""Columns in dtypes that patsy and NumPy functions know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Where
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.sources.chunk import Chunk, as_chunk
from statsmodels_ooc.sources.values import doubles_of, plain_column, settled


class PlainFrame:
    """A frame whose columns are made plain when a factor looks them up.

    Text becomes object, as statsmodels does. Whole numbers have 64 bits, others are
    doubles, so that an expression does not overflow; whole numbers become doubles where
    some are missing.

    Parameters
    ----------
    frame : Chunk or DataFrame, (n, ...)
        Variables as a source gives them.
    where : Where, optional
        Where they stand, for messages.
    sight : Sight, optional
        How the expression that looks sees whole numbers.

    Attributes
    ----------
    raw : Chunk
        The rows themselves.
    """

    def __init__(
        self,
        frame: Chunk | pd.DataFrame,
        where: Where | None = None,
        sight: Sight | None = None,
    ) -> None:
        self.raw = as_chunk(frame)
        self.where = where or Where(0, "a chunk of the data", 0)
        self._sight = sight or Sight()
        self._changed: dict[str, pd.Series] = {}

    def through(self, sight: Sight) -> PlainFrame:
        """The same rows, as another expression sees them."""
        return self if sight == self._sight else PlainFrame(self.raw, self.where, sight)

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, name: str) -> pd.Series:
        column = self.raw[name]
        if name not in self._changed:
            self._changed[name] = self._plain(name, column)
        found = self._changed[name]
        return found if found is column else found.copy(deep=False)

    def _plain(self, name: str, column: pd.Series) -> pd.Series:
        found = plain_column(column)
        if isinstance(found.dtype, pd.StringDtype):
            return found.astype(object)
        if name in self._sight.as_floats and found.dtype.kind in "iu":
            return found.astype(np.float64)
        if name in self._sight.as_integers and found.dtype.kind == "f":
            row = self.where.row(int(np.argmax(column.isna())))
            raise DesignError(
                f"column {name!r} holds whole numbers in other rows, but not at {row}, and an "
                "expression makes something else of 1 than of 1.0",
                hint=f"convert it in the expression, such as {name}.astype(float)",
            )
        return found


@dataclass(frozen=True)
class Sight:
    """How an expression sees the whole numbers of a frame.

    Attributes
    ----------
    as_floats : frozenset of str
        Columns that are doubles in every frame, whatever a frame holds.
    as_integers : frozenset of str
        Columns that have to be whole numbers in every frame.
    columns : frozenset of str
        All that the expression looks at.
    """

    as_floats: frozenset[str] = frozenset()
    as_integers: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()


def plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """All columns of a frame as an expression sees them."""
    plain = PlainFrame(settled(frame))
    columns = {name: _without_masks(plain[name]) for name in frame.columns}
    return pd.DataFrame(columns, index=frame.index)


def _without_masks(column: pd.Series) -> pd.Series:
    """Truth values some of which are missing as objects, which patsy knows."""
    if not isinstance(column.dtype, pd.BooleanDtype):
        return column
    return column.astype(object).where(column.notna(), None)


def array_values(chunk: Chunk, name: str, where: Where) -> FloatArray:
    """A numeric column as floats, (n,), see `column_values`."""
    array = chunk.array(name)
    if isinstance(array, np.ndarray) and array.dtype.kind in "iufb":
        return array.astype(np.float64, copy=False)
    return column_values(chunk[name], name, where)


def column_values(column: pd.Series, name: str, where: Where) -> FloatArray:
    """A numeric column as floats, (n,), NaN where missing.

    Raises
    ------
    DesignError
        It holds something else than numbers; text is not read as numbers.
    """
    dtype = column.dtype
    if dtype == np.float64:
        return column.to_numpy()
    if isinstance(dtype, pd.ArrowDtype):
        return doubles_of(column).to_numpy()
    if dtype.kind not in "iufb" and not _holds_numbers(column):
        if column.isna().all():
            return np.full(len(column), np.nan)
        if dtype.kind == "m":
            hint = "a duration is a number of something: write its .dt.total_seconds()"
        else:
            hint = "a column has one type in all chunks; convert it, or write C(...) around it"
        raise DesignError(
            f"column {name!r} is {dtype} in {where}, where numbers are needed", hint=hint
        )
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _holds_numbers(column: pd.Series) -> bool:
    kinds = ("integer", "floating", "mixed-integer-float", "decimal", "empty")
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) in kinds
