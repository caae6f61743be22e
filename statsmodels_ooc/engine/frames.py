"""Lazy answers of several columns as a dask DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from dask.delayed import delayed
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.sizes import writes_out
from statsmodels_ooc.engine.streamed import StreamedRows


@dataclass(frozen=True)
class _Numbered:
    """The number of each row among those that are read, and what a function gives for it."""

    function: Callable[[Any], FloatArray]
    starts: NDArray[np.intp]

    @property
    def dense(self) -> bool:
        return writes_out(self.function)

    def __call__(self, block: Any) -> FloatArray:
        numbers = self.starts[block.partition] + block.row_numbers
        return np.column_stack((numbers, self.function(block)))


def lazy_frame(
    rows: StreamedRows, function: Callable[[Any], FloatArray], names: Sequence[str]
) -> Any:
    """What a function gives for every row as a dask DataFrame.

    Parameters
    ----------
    rows : StreamedRows
        The rows.
    function : callable
        Block of b rows to an array, (b, q); picklable.
    names : sequence of str
        The names of the q columns.

    Returns
    -------
    dask DataFrame
        Its index are the numbers of the rows in the source, where a subset chose some among
        these.
    """
    from dask.dataframe import from_delayed

    read = [seen[0] for seen in rows.seen]
    starts = np.concatenate([[0], np.cumsum(read)]).astype(np.intp)
    lazy = rows.lazy(_Numbered(function, starts), len(names) + 1)
    pieces = lazy.to_delayed().ravel()  # type: ignore[no-untyped-call]
    meta = _labelled(np.empty((0, len(names) + 1)), list(names))
    divisions = [int(start) for start in starts[:-1]] + [max(int(starts[-1]) - 1, 0)]
    known = tuple(divisions) if np.all(np.diff(divisions) > 0) else None
    frames = [delayed(_labelled)(piece, list(names)) for piece in pieces]
    return from_delayed(frames, meta=meta, divisions=known, verify_meta=False)


def _labelled(values: FloatArray, names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(values[:, 1:], index=values[:, 0].astype(np.int64), columns=names)
