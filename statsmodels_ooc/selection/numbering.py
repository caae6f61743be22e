"""What rows are called while nobody knows how many rows came before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.selection.carried import RawBlock
from statsmodels_ooc.selection.ordering import IntArray, hashes

__all__ = ["Numbering", "partitions_of", "rows_of"]

_PARTITION = 40  # a row's code: the partition's number in the bits above its own
_ROW = np.int64(2**_PARTITION - 1)


@dataclass(frozen=True)
class Numbering:
    """Row numbers and codes; a code is a partition's number and that of a row in it.

    Codes are in the order of the rows, whether or not anybody knows how long the
    partitions are.

    Attributes
    ----------
    seed : int
        For hashes.
    purpose : int or None
        What row numbers in the source are hashed for; None where ties go by the numbers
        themselves.
    starts : ndarray of int64 or None
        The number in the source of each partition's first row; needed for hashes.
    """

    seed: int = 0
    purpose: int | None = None
    starts: IntArray | None = field(default=None, repr=False)

    def codes(self, block: RawBlock) -> IntArray:
        """The codes of the rows of a block, (b,)."""
        return block.numbers + np.int64(block.partition << _PARTITION)

    def ties(self, codes: IntArray) -> NDArray[Any]:
        """What decides between equal scores, smaller first."""
        if self.purpose is None:
            return codes
        assert self.starts is not None
        return hashes(self.seed, rows_of(codes, self.starts), self.purpose)


def rows_of(codes: IntArray, starts: IntArray) -> IntArray:
    """Row numbers in the source, by where partitions start."""
    rows: IntArray = starts[partitions_of(codes)] + (codes & _ROW)
    return rows


def partitions_of(codes: IntArray) -> IntArray:
    """Numbers of the partitions."""
    return codes >> _PARTITION
