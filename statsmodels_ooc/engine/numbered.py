"""Which rows of the source answers are about: their labels, and which rows were dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["KeptRows", "UsedRows", "used_rows"]

RowNumbers = NDArray[np.intp]


@dataclass(frozen=True)
class KeptRows:
    """Which rows of a partition an answer is about.

    Attributes
    ----------
    kept : ndarray of int, (m,), or None
        The numbers of the m rows that were kept among those that were read; None for all.
    read : int
        Rows that were read: those that a subset chose.
    numbers : ndarray of int, (m,), or None
        Their numbers among all rows of the partition, those not chosen counted; None for
        all.
    rows : int
        All rows of the partition.
    labels : Index or None
        Their labels, where the source has an index of its own.
    """

    kept: RowNumbers | None
    read: int
    numbers: RowNumbers | None
    rows: int
    labels: pd.Index[Any] | None


@dataclass(frozen=True)
class UsedRows:
    """The rows of a source that a model uses.

    Attributes
    ----------
    labels : Index, (n,)
        The labels that the source's own index gives them, or else their numbers in the
        source, rows that were dropped or not chosen counted.
    kept : sequence of (int, ndarray or None)
        Of each partition: rows read, and the numbers among them of those that were kept,
        None for all.
    """

    labels: pd.Index[Any]
    kept: Sequence[tuple[int, RowNumbers | None]]

    @property
    def dropped(self) -> RowNumbers:
        """The numbers of the dropped rows among those that were read.

        As statsmodels counts them in ``missing_row_idx``.
        """
        lost, start = [np.empty(0, dtype=np.intp)], 0
        for read, kept in self.kept:
            if kept is not None:
                is_lost = np.ones(read, dtype=np.bool_)
                is_lost[kept] = False
                lost.append(start + np.flatnonzero(is_lost))
            start += read
        return np.concatenate(lost)


def used_rows(pieces: Sequence[KeptRows]) -> UsedRows:
    """The rows of a source, from those of its partitions in order."""
    if all(piece.labels is not None for piece in pieces):
        labels = _joined([piece.labels for piece in pieces if piece.labels is not None])
    else:
        labels = _numbers(pieces)
    return UsedRows(labels, [(piece.read, piece.kept) for piece in pieces])


def _joined(labels: Sequence[pd.Index[Any]]) -> pd.Index[Any]:
    filled = [piece for piece in labels if len(piece)] or list(labels[:1])
    joined: pd.Index[Any] = filled[0].append(filled[1:]) if len(filled) > 1 else filled[0]
    return joined


def _numbers(pieces: Sequence[KeptRows]) -> pd.Index[Any]:
    total = sum(piece.rows for piece in pieces)
    if all(piece.numbers is None for piece in pieces):
        return pd.RangeIndex(total)
    counts = [piece.rows if piece.numbers is None else len(piece.numbers) for piece in pieces]
    numbers = np.empty(sum(counts), dtype=np.intp)
    start = filled = 0
    for piece, count in zip(pieces, counts, strict=True):
        own = np.arange(piece.rows) if piece.numbers is None else piece.numbers
        np.add(own, start, out=numbers[filled : filled + count])
        start, filled = start + piece.rows, filled + count
    labels: pd.Index[Any] = pd.Index(numbers, copy=False)
    return labels
