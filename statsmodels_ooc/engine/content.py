"""What a pass reads of the columns, as checksums that are held against one another."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from xxhash import xxh3_64

from statsmodels_ooc.sources.values import EXACT

__all__ = ["Read", "noted"]

_WIDE = 8  # bytes
_MISSING = np.float64(np.nan).view(np.int64)
_OBJECTS = ("mixed", "mixed-integer", "decimal")  # which pieces may show as something else


@dataclass
class Read:
    """What a pass has read of a partition.

    Attributes
    ----------
    rows : int
        How many rows.
    values : dict
        Column to the checksum of its values, XXH3 of 64 bits, however they come in pieces;
        columns of Python objects have none, nor have texts that came encoded.
    """

    rows: int = 0
    values: dict[Hashable, int] = field(default_factory=dict)
    _running: dict[Hashable, xxh3_64] = field(default_factory=dict, repr=False, compare=False)

    def add(self, frame: pd.DataFrame, encoded: Collection[str] = ()) -> None:
        """Note the next rows.

        Parameters
        ----------
        frame : DataFrame
            The rows.
        encoded : collection of str
            Columns of text of which the codes are compared.
        """
        if not self.rows:
            self._running = {name: xxh3_64() for name in frame.columns}
        running, self._running = self._running, {}
        for name, column in frame.items():
            numbers = _numbers(column, name in encoded) if name in running else None
            if numbers is not None:
                running[name].update(np.ascontiguousarray(numbers).data)
                self._running[name] = running[name]
        self.values = {name: checksum.intdigest() for name, checksum in self._running.items()}
        self.rows += len(frame)

    def __reduce__(self) -> tuple[type[Read], tuple[int, dict[Hashable, int]]]:
        return Read, (self.rows, self.values)  # what has been read is complete


def noted(
    read: Read, frames: Iterator[pd.DataFrame], encoded: Collection[str] = ()
) -> Iterator[pd.DataFrame]:
    """The frames of a partition, noted as they pass, with labels that are looked up fast."""
    for frame in frames:
        # pandas' own labels are Arrow's, and slow to read one by one
        frame = frame.set_axis(pd.Index(frame.columns.to_list(), dtype=object), axis=1)
        read.add(frame, encoded)
        yield frame


def _numbers(column: pd.Series, is_encoded: bool) -> NDArray[Any] | None:
    """What stands for the values of a column: numbers, times, hashes of text; None for objects.

    The same values give the same, whatever type a frame has them in: integers are floats
    in some frames of some sources, text comes as categories, and a piece without a value
    has no type.
    """
    dtype = column.dtype
    is_plain, kind = isinstance(dtype, np.dtype), dtype.kind
    if is_plain and kind in "mM":
        return column.to_numpy().view(np.int64)
    if is_plain and kind in "fb":
        return column.to_numpy().astype(np.float64, copy=False)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _numbers(column.dt.tz_convert(None), is_encoded)
    if isinstance(dtype, pd.ArrowDtype) or kind in "fb":
        return column.to_numpy(np.float64, na_value=np.nan)
    if kind in "iu":
        return _whole_numbers(column)
    if is_encoded:
        return None
    if isinstance(dtype, pd.CategoricalDtype):
        levels = _numbers(dtype.categories.to_series(), False)
        if levels is None:
            return None
        return np.append(levels, _MISSING.view(levels.dtype)).take(column.cat.codes)
    if is_plain and pd.api.types.infer_dtype(column, skipna=True) in _OBJECTS:
        return None
    hashes: NDArray[Any] = pd.util.hash_pandas_object(column, index=False).to_numpy(np.int64)
    hashes[column.isna()] = _MISSING
    return hashes


def _whole_numbers(column: pd.Series) -> NDArray[Any]:
    """Doubles, and where these are not exact the integers, bit by bit."""
    if isinstance(column.dtype, np.dtype):
        whole = column.to_numpy()
        numbers = whole.astype(np.float64)
    else:
        whole = column.to_numpy(column.dtype.type, na_value=0)
        numbers = column.to_numpy(np.float64, na_value=np.nan)
    if whole.dtype.itemsize < _WIDE or not len(whole):
        return numbers
    if max(int(whole.max()), -int(whole.min())) > EXACT:
        far = (whole > EXACT) | (whole < -EXACT if whole.dtype.kind == "i" else False)
        numbers.view(np.int64)[far] = whole[far].view(np.int64)
    return numbers
