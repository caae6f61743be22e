"""What turns a frame into blocks: shared by formula and column designs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.design.block import Block, FloatArray, Where
from statsmodels_ooc.errors import DesignError, MissingDataError

__all__ = ["DesignSpec", "Missing", "Rows", "check_weights", "keep_rows"]

Missing = Literal["none", "drop", "raise"]


@dataclass(frozen=True, slots=True)
class Rows:
    """The variables of a frame's rows that are kept, before they become columns.

    Attributes
    ----------
    endog : ndarray, (n,)
        The response.
    values : tuple of ndarray
        What `DesignSpec.fill` makes the columns from, row-aligned.
    weights : ndarray, (n,), or None
        None for unit weights.
    kept : ndarray of int, (n,), or None
        Positions in the frame, None when every row was kept.
    missing : dict
        Dropped rows by variable.
    """

    endog: FloatArray
    values: tuple[NDArray[np.generic], ...]
    weights: FloatArray | None = None
    kept: NDArray[np.intp] | None = None
    missing: Mapping[str, int] | None = None


class DesignSpec(ABC):
    """Immutable, picklable, learned once: from frames to blocks.

    Attributes
    ----------
    columns : tuple of str
        The source's columns that are read.
    encoded : frozenset of str
        Those of them that may come as Categoricals.
    endog_name : str
        Name of the response.
    exog_names : tuple of str
        Names of the k columns of the design.
    has_intercept : bool
        Whether a column of ones is known to be in the design.
    """

    columns: tuple[str, ...]
    encoded: frozenset[str]
    endog_name: str
    exog_names: tuple[str, ...]
    has_intercept: bool

    @property
    def k(self) -> int:
        """The number of columns of the design."""
        return len(self.exog_names)

    @abstractmethod
    def rows(self, frame: pd.DataFrame, where: Where) -> Rows:
        """Evaluate the variables on a frame and drop rows with missing ones."""

    @abstractmethod
    def fill(self, rows: Rows, piece: slice, out: FloatArray) -> None:
        """Write the design of ``rows[piece]`` into ``out``, (b, k), column-major."""

    def blocks(
        self, frame: pd.DataFrame, partition: int, label: str, start: int, block_rows: int
    ) -> Iterator[Block]:
        """Cut a frame into blocks of at most ``block_rows`` rows.

        A frame without a row left gives one empty block that accounts for the rows
        that were dropped. Blocks share their design's memory.

        Parameters
        ----------
        frame : DataFrame
            With the columns that the design reads.
        partition, label, start : int, str, int
            Number and label of the partition, and the number in it of the frame's
            first row.
        block_rows : int
            The largest number of rows of a block.
        """
        where = Where(partition, label, start)
        rows = self.rows(frame, where)
        n = len(rows.endog)
        scratch = np.empty((min(n, block_rows), self.k), order="F")
        for first in range(0, max(n, 1), block_rows):
            piece = slice(first, min(first + block_rows, n))
            exog = scratch[: piece.stop - piece.start]
            if n:
                self.fill(rows, piece, exog)
            yield Block(
                endog=rows.endog[piece],
                exog=exog,
                weights=None if rows.weights is None else rows.weights[piece],
                partition=partition,
                start=start + first,
                kept=None if rows.kept is None else rows.kept[piece] + start,
                rows_read=len(frame) if first == 0 else 0,
                missing=dict(rows.missing or {}) if first == 0 else {},
            )


def keep_rows(
    absent: Mapping[str, NDArray[np.bool_]], missing: Missing, where: Where
) -> tuple[NDArray[np.intp] | None, dict[str, int]]:
    """Which rows of a frame stay.

    Parameters
    ----------
    absent : mapping
        Variable name to the mask of its missing rows, only for those that have one.
    missing : {"none", "drop", "raise"}
        What to do about them.
    where : Where
        For the message.

    Returns
    -------
    kept : ndarray of int or None
        Positions of the rows that stay, None for all of them.
    counts : dict
        Missing rows by variable.

    Raises
    ------
    MissingDataError
        `missing` is "raise".
    """
    if not absent or missing == "none":
        return None, {}
    if missing == "raise":
        name, mask = next(iter(absent.items()))
        raise MissingDataError(
            f"missing value in {name!r} at {where.row(int(np.argmax(mask)))}",
            hint="missing='drop' leaves out the rows with missing values",
        )
    gone = np.logical_or.reduce(list(absent.values()))
    return np.flatnonzero(~gone), {name: int(mask.sum()) for name, mask in absent.items()}


def check_weights(
    weights: FloatArray, name: str, where: Where, kept: NDArray[np.intp] | None
) -> None:
    """Refuse weights that are negative or infinite."""
    bad = ~((weights >= 0) & np.isfinite(weights))
    if bad.any():
        i = int(np.argmax(bad))
        row = where.row(i if kept is None else int(kept[i]))
        raise DesignError(f"the weight {name!r} is {weights[i]} at {row}; weights are >= 0")
