"""What turns a frame into blocks: shared by formula and column designs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, Design, Extras, Lost, Where
from statsmodels_ooc.blocks.columns import Filled, Scratch
from statsmodels_ooc.errors import DesignError, MissingDataError
from statsmodels_ooc.sources.chunk import Chunk

Missing = Literal["none", "drop", "raise"]


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a frame's rows that are kept, before they become columns.

    Attributes
    ----------
    endog : ndarray, (n,)
        The response.
    values : tuple of ndarray
        What `DesignSpec.fill` makes the columns from, row-aligned.
    extras : Extras
        Weights, offset and the like, (n,) each.
    kept : ndarray of int, (n,), or None
        Positions in the frame, None when every row was kept.
    missing : dict
        Dropped rows by variable.
    lost : tuple of Lost
        Which rows these are, those of unseen levels among them.
    """

    endog: FloatArray
    values: tuple[NDArray[np.generic], ...]
    extras: Extras = field(default_factory=Extras)
    kept: NDArray[np.intp] | None = None
    missing: Mapping[str, int] | None = None
    lost: tuple[Lost, ...] = ()


class DesignSpec(ABC):
    """Immutable, picklable, learned once: from frames to blocks.

    Attributes
    ----------
    columns : tuple of str
        The source's columns that are read.
    encoded : frozenset of str
        Those of them that may come as Categoricals.
    endog_names : tuple of str
        Name of the response; two where it is a pair of successes and failures.
    exog_names : tuple of str
        Names of the k columns of the design.
    has_intercept : bool
        Whether a column of ones is known to be in the design.
    block_rows : int
        Most rows of a block, where memory has room.
    """

    columns: tuple[str, ...]
    encoded: frozenset[str]
    endog_names: tuple[str, ...]
    exog_names: tuple[str, ...]
    has_intercept: bool
    block_rows = 65_536  # threads wait for one another where calls are many and short

    @property
    def endog_name(self) -> str:
        """Name of the response."""
        return " + ".join(self.endog_names)

    @property
    def k(self) -> int:
        """The number of columns of the design."""
        return len(self.exog_names)

    @property
    def width(self) -> int:
        """How many of the columns a block writes out."""
        return self.k

    @property
    def widest(self) -> str:
        """What makes most of the columns, for a message; empty where there is nothing to say."""
        return ""

    @abstractmethod
    def rows(self, frame: Chunk | pd.DataFrame, where: Where) -> Variables:
        """Evaluate the variables on a frame and drop rows with missing ones."""

    @abstractmethod
    def fill(self, rows: Variables, piece: slice, out: FloatArray) -> None:
        """Write the design of ``rows[piece]`` into ``out``, (b, k), column-major."""

    @abstractmethod
    def keys(self, rows: Variables, piece: slice) -> tuple[NDArray[Any], ...]:
        """The variables that the design of ``rows[piece]`` is made of, (b,) each."""

    @property
    def capacities(self) -> tuple[int | None, ...]:
        """How many codes each of the keys can have, None for numbers."""
        return (None,) * self.k

    @abstractmethod
    def from_keys(self, keys: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """The `Variables.values` that give these keys: `keys`, backwards."""

    def compiled(self) -> DesignSpec:
        """The same design, whose blocks multiply in machine code where it knows how."""
        return self

    def design(self, rows: Variables, piece: slice, scratch: Scratch) -> Design:
        """The design of ``rows[piece]``, which may use the scratch memory."""
        return Filled(self, rows, piece, scratch)

    def blocks(
        self,
        frame: Chunk | pd.DataFrame,
        partition: int,
        label: str,
        start: int,
        block_rows: int,
    ) -> Iterator[Block]:
        """Cut a frame into blocks of at most ``block_rows`` rows.

        A frame without a row left gives one empty block that accounts for the rows
        that were dropped. Blocks share their design's memory.

        Parameters
        ----------
        frame : Chunk or DataFrame
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
        scratch = Scratch(min(n, block_rows), self.k)
        for first in range(0, max(n, 1), block_rows):
            piece = slice(first, min(first + block_rows, n))
            yield Block(
                endog=rows.endog[piece],
                design=self.design(rows, piece, scratch),
                extras=rows.extras.piece(piece),
                partition=partition,
                start=start + first,
                kept=None if rows.kept is None else rows.kept[piece] + start,
                rows_read=len(frame) if first == 0 else 0,
                missing=dict(rows.missing or {}) if first == 0 else {},
                lost=rows.lost if first == 0 else (),
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


def lost_rows(absent: Mapping[str, NDArray[np.bool_]], where: Where) -> tuple[Lost, ...]:
    """The rows of a frame without a value, by variable.

    Parameters
    ----------
    absent : mapping
        As for `keep_rows`.
    where : Where
        Where the frame stands.
    """
    return tuple(Lost(name, where.start + np.flatnonzero(mask)) for name, mask in absent.items())


def checked_extra(
    role: str, values: FloatArray, name: str, where: Where, kept: NDArray[np.intp] | None
) -> FloatArray:
    """Weights, an offset or an exposure that make sense; of an exposure the logarithm.

    Raises
    ------
    DesignError
        A weight is negative, an exposure not positive, or a value not finite.
    """
    finite = np.isfinite(values)
    match role:
        case "exposure":
            bad, rule = ~(finite & (values > 0)), "exposures are > 0"
        case "offset":
            bad, rule = ~finite, "offsets are finite"
        case _:
            bad, rule = ~(finite & (values >= 0)), "weights are >= 0"
    if bad.any():
        i = int(np.argmax(bad))
        row = where.row(i if kept is None else int(kept[i]))
        what = "weight" if role.endswith("weights") else role
        raise DesignError(f"the {what} {name!r} is {values[i]} at {row}; {rule}")
    return np.log(values) if role == "exposure" else values


def proportions(
    successes: FloatArray,
    failures: FloatArray,
    names: Sequence[str],
    where: Where,
    kept: NDArray[np.intp] | None,
) -> tuple[FloatArray, FloatArray]:
    """Successes and failures as proportions and numbers of trials, (n,) each.

    Raises
    ------
    DesignError
        A count is negative or not finite, or there are no trials in a row.
    """
    trials = successes + failures
    bad = ~((successes >= 0) & (failures >= 0) & (trials > 0) & np.isfinite(trials))
    if bad.any():
        i = int(np.argmax(bad))
        row = where.row(i if kept is None else int(kept[i]))
        raise DesignError(
            f"{names[0]!r} = {successes[i]} successes and {names[1]!r} = {failures[i]} failures "
            f"at {row} are no binomial counts: both are >= 0, their sum > 0"
        )
    return successes / trials, trials
