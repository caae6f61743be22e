"""Which rows of the source answers are about: their labels, and which rows were dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.reductions.base import FloatArray

__all__ = ["Gathered", "UsedRows", "used_rows"]

RowNumbers = NDArray[np.intp]


@dataclass(frozen=True)
class Gathered:
    """What a function gave for the rows of a partition, and which rows these are.

    Attributes
    ----------
    values : ndarray, (m,) or (m, width)
        The answer for the m rows that were kept.
    kept : ndarray of int, (m,)
        Their numbers among the rows that were read.
    read : int
        Rows that were read: those that a subset chose.
    numbers : ndarray of int, (m,)
        Their numbers among all rows of the partition, those not chosen counted.
    rows : int
        All rows of the partition.
    labels : Index or None
        Their labels, where the source has an index of its own.
    """

    values: FloatArray
    kept: RowNumbers
    read: int
    numbers: RowNumbers
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
    dropped : ndarray of int
        The numbers of the dropped rows among those that were read, as statsmodels counts
        them in ``missing_row_idx``.
    """

    labels: pd.Index[Any]
    dropped: RowNumbers


def used_rows(pieces: Sequence[Gathered]) -> UsedRows:
    """The rows of a source, from those of its partitions in order."""
    if all(piece.labels is not None for piece in pieces):
        labels = _joined([piece.labels for piece in pieces if piece.labels is not None])
    else:
        labels = _numbers(pieces)
    return UsedRows(labels, _dropped(pieces))


def _joined(labels: Sequence[pd.Index[Any]]) -> pd.Index[Any]:
    filled = [piece for piece in labels if len(piece)] or list(labels[:1])
    joined: pd.Index[Any] = filled[0].append(filled[1:]) if len(filled) > 1 else filled[0]
    return joined


def _numbers(pieces: Sequence[Gathered]) -> pd.Index[Any]:
    total = sum(piece.rows for piece in pieces)
    if sum(len(piece.numbers) for piece in pieces) == total:
        return pd.RangeIndex(total)
    starts = np.cumsum([0, *(piece.rows for piece in pieces)])
    numbers = [start + piece.numbers for start, piece in zip(starts, pieces, strict=False)]
    labels: pd.Index[Any] = pd.Index(np.concatenate(numbers))
    return labels


def _dropped(pieces: Sequence[Gathered]) -> RowNumbers:
    starts = np.cumsum([0, *(piece.read for piece in pieces)])
    lost = [
        start + np.setdiff1d(np.arange(piece.read), piece.kept, assume_unique=True)
        for start, piece in zip(starts, pieces, strict=False)
        if len(piece.kept) < piece.read
    ]
    return np.concatenate(lost) if lost else np.empty(0, dtype=np.intp)
