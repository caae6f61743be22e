"""Arrays of somebody else, cut where the partitions of the rows are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
from dask.delayed import Delayed
from numpy.typing import NDArray

from statsmodels_ooc.engine.ledger import changed
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.sources.values import EXACT


def aligned(values: Any, counts: Sequence[int], what: str) -> Any:
    """Values as long as the rows, as a dask array with a chunk for each partition.

    Parameters
    ----------
    values : dask, NumPy or pandas, (n,) or (n, q)
        The values, in the order of the rows.
    counts : sequence of int
        Rows of each partition.
    what : str
        What the values are, for messages.

    Raises
    ------
    DesignError
        There are not as many values as rows.
    """
    if hasattr(values, "to_dask_array"):
        if isinstance(getattr(values, "dtype", None), pd.StringDtype):
            values = values.astype(object)
        values = values.to_dask_array(lengths=True)
    elif not isinstance(values, da.Array):
        values = _as_numbers(np.asarray(values))
        values = da.from_array(values, chunks=values.shape)
    if np.isnan(values.shape[0]):
        values = values.compute_chunk_sizes()
    if values.shape[0] != sum(counts):
        raise DesignError(
            f"{what} has {values.shape[0]:,} rows, the model has {sum(counts):,}",
            hint="rows that were dropped for missing values are none of the model's; of a column "
            "of the data the name will do",
        )
    return values.rechunk({0: tuple(counts), **({1: -1} if values.ndim == 2 else {})})


def _as_numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Numbers as doubles; text, times and whole numbers that doubles do not tell apart as is."""
    if values.dtype.kind in "iu" and values.size and max(values.max(), -int(values.min())) > EXACT:
        return values
    return values.astype(np.float64) if values.dtype.kind in "biuf" else values


def chunks_of(given: Mapping[str, Any], partitions: int) -> list[list[Delayed]]:
    """Of each partition the chunks of aligned arrays, in the order of their names."""
    cut = [values.to_delayed().ravel() for values in given.values()]
    return [[chunks[i] for chunks in cut] for i in range(partitions)]


class Beside:
    """What belongs to the rows of a partition, handed to its blocks one after the other.

    Parameters
    ----------
    names : sequence of str
        What it is called.
    chunks : sequence of ndarray, (m,) or (m, q) each
        What belongs to the m rows that are kept of the partition.
    label : str
        The partition, for messages.
    """

    def __init__(self, names: Sequence[str], chunks: Sequence[NDArray[Any]], label: str) -> None:
        self._chunks = dict(zip(names, chunks, strict=True))
        self._label, self._rows = label, 0

    def put(self, blocks: Iterable[Any]) -> Iterator[Any]:
        """The next blocks, with what belongs to their rows."""
        return self._put(blocks) if self._chunks else iter(blocks)

    def _put(self, blocks: Iterable[Any]) -> Iterator[Any]:
        for block in blocks:
            start, self._rows = self._rows, self._rows + len(block.endog)
            beside = {name: values[start : self._rows] for name, values in self._chunks.items()}
            for name, values in self._chunks.items():
                if self._rows > len(values):
                    what = f"{name!r} was put beside the rows"
                    raise changed(self._label, what, len(values), self._rows)
            extras = replace(block.extras, beside={**block.extras.beside, **beside})
            yield replace(block, extras=extras)
