"""Raw rows: carried along with candidates, or gathered in a pass of their own."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.selection.carried import RawBlock
from statsmodels_ooc.selection.numbering import Numbering
from statsmodels_ooc.selection.ordering import IntArray

__all__ = ["Gather", "GatherState", "Pool"]


@dataclass(slots=True)
class Pool:
    """Raw rows, each with its code and its place among the rows that were kept.

    Attributes
    ----------
    codes, places : list of ndarray of int64
        Codes, and numbers of kept rows before in the partition; for each frame.
    frames : list of DataFrame
        The rows.
    nbytes : int
        About how much memory they take.
    """

    codes: list[IntArray] = field(default_factory=list)
    places: list[IntArray] = field(default_factory=list)
    frames: list[pd.DataFrame] = field(default_factory=list)
    nbytes: int = 0

    @property
    def size(self) -> int:
        """How many rows it has."""
        return sum(len(codes) for codes in self.codes)

    def add(self, codes: IntArray, places: IntArray, frame: pd.DataFrame, nbytes: int) -> None:
        self.codes.append(codes)
        self.places.append(places)
        self.frames.append(frame)
        self.nbytes += nbytes

    def only(self, codes: IntArray) -> Pool:
        """The rows of these codes, once each, in the order of the codes; all are there."""
        if not self.frames:
            return Pool()
        own = np.concatenate(self.codes)
        order = np.argsort(own, kind="stable")
        found = order[np.searchsorted(own[order], np.sort(codes))]
        frame = pd.concat(self.frames, ignore_index=True).take(found)
        places = np.concatenate(self.places)[found]
        share = self.nbytes * len(found) // max(len(own), 1)
        return Pool([own[found]], [places], [frame.reset_index(drop=True)], share)

    def joined(self, other: Pool) -> Pool:
        """The rows of both."""
        return Pool(
            self.codes + other.codes,
            self.places + other.places,
            self.frames + other.frames,
            self.nbytes + other.nbytes,
        )


@dataclass(slots=True)
class GatherState:
    """Raw rows that were found so far."""

    kept: dict[int, int] = field(default_factory=dict)
    pool: Pool = field(default_factory=Pool)


@dataclass(frozen=True)
class Gather(Reduction[GatherState]):
    """Find the raw rows of some codes.

    Parameters
    ----------
    codes : ndarray of int64
        Sorted.
    numbering : Numbering
        What rows are called.
    """

    codes: IntArray
    numbering: Numbering

    def init(self) -> GatherState:
        return GatherState()

    def update(self, state: GatherState, block: RawBlock) -> GatherState:
        codes = self.numbering.codes(block)
        before = state.kept.get(block.partition, 0)
        state.kept[block.partition] = before + len(codes)
        rows = np.flatnonzero(np.isin(codes, self.codes))
        if len(rows):
            state.pool.add(codes[rows], rows + before, *block.raw(rows))
        return state

    def merge(self, left: GatherState, right: GatherState) -> GatherState:
        return GatherState(left.kept | right.kept, left.pool.joined(right.pool))
