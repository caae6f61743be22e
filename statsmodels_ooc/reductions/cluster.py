"""Sums over the rows of each cluster, however many clusters there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.blocks.keys import KEY, Keys, all_different, count_runs, distinct, together
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.closing import Closed, Payload

_LOOSE = 4_096  # sums that wait at least before they are added up
_COPIES = 3  # of what is added up, where each row is a cluster: of rows, sums, and more sums
_KEYS = 12  # numbers: labels as they come, sorted, and where each is found
_RUN = 1.25  # rows; where runs are shorter on average, rows do not come cluster by cluster


class Shelf(Protocol):
    """Where sums go that memory has no room for."""

    def put(self, keys: Keys, sums: FloatArray) -> str:
        """Store sums, (m, q), of clusters in the order of their keys; where they are found."""
        ...


@dataclass(slots=True)
class ClusterState:
    """Sums over the rows so far, of the clusters of one way.

    Clusters are open, closed or shelved. Where rows come cluster by cluster, those between the
    first and the last of some rows are complete and can be closed.
    """

    keys: Keys  # of the open clusters, each once, in their order, (m,)
    sums: FloatArray  # of their rows, (m, q)
    closed: Closed
    closed_keys: list[Keys] = field(default_factory=list)
    shelved: tuple[str, ...] = ()
    broken: bool = False  # clusters have been closed of which more rows may come
    runs: int = 0  # of rows of one cluster
    rows: int = 0
    ends: tuple[Any, Any] | None = None  # keys of the first and the last row
    loose: list[tuple[Keys, FloatArray]] = field(default_factory=list)  # not yet added

    @property
    def tier(self) -> str:
        """How the sums were held, in words."""
        if self.broken:
            return "clusters came back"
        if self.shelved:
            return "on disk"
        return "carried" if self.closed_keys else "in memory"

    def came_back(self) -> bool:
        """Whether rows came of clusters that had been closed: then the sums are of no use."""
        if self.broken or not self.closed_keys:
            return self.broken
        return not all_different(np.concatenate([*self.closed_keys, self.keys]))


@dataclass(frozen=True)
class ClusterSums(Reduction[list[ClusterState]]):
    """Add up what the rows of each cluster tell, for several ways to form clusters at once.

    Parameters
    ----------
    payload : Payload
        What is added up of a row, (q,), and what a complete cluster is worth.
    ways : tuple of tuple of str
        For each way the names under which labels stand beside the rows, as keys; clusters are
        the rows with equal labels under all of them.
    most : int
        So many clusters of a way are open at the most.
    shelf : Shelf
        Takes the sums of more.
    carries : bool
        Whether clusters may be closed whose rows seem to come one after the other.

    Notes
    -----
    Sums are added in the order of the rows, and which clusters are closed or shelved follows
    from the rows alone, so that the bits do not depend on the number of workers.

    References
    ----------
    Liang, Zeger (1986). Longitudinal data analysis using generalized linear models.
    Biometrika 73, 13-22.
    """

    can_be_kept = False  # the shelf is a temporary folder

    payload: Payload
    ways: tuple[tuple[str, ...], ...]
    most: int
    shelf: Shelf
    carries: bool = True

    def compiled(self) -> ClusterSums:
        return replace(self, payload=self.payload.compiled())

    def row_values(self) -> int:
        return len(self.ways) * (_COPIES * self.payload.width + _KEYS)

    def init(self) -> list[ClusterState]:
        keys, sums = np.empty(0, dtype=KEY), np.zeros((0, self.payload.width))
        return [ClusterState(keys, sums, self.payload.closed(keys, sums)) for _ in self.ways]

    def update(self, state: list[ClusterState], block: Block) -> list[ClusterState]:
        counts = block.extras.freq_weights  # a row of frequency zero is none
        there = np.arange(len(block.endog)) if counts is None else np.flatnonzero(counts)
        if len(there) == 0:
            return state
        beside = block.extras.beside
        keys = [together([beside[name][there] for name in way]) for way in self.ways]
        coded = [self.payload.tally.distinct(each) for each in keys]
        sums = self.payload.sums(block, there, [(codes, len(found)) for found, codes in coded])
        for own, (found, _), total, each in zip(state, coded, sums, keys, strict=True):
            follows = own.ends is not None and own.ends[1] == each[0]
            own.runs += count_runs(each) - follows
            own.rows += len(each)
            own.ends = (own.ends or (each[0],))[0], each[-1]
            own.loose.append((found, total))
            if sum(len(k) for k, _ in own.loose) >= max(len(own.keys), _LOOSE):
                self._settle(own)
        return state

    def merge(self, left: list[ClusterState], right: list[ClusterState]) -> list[ClusterState]:
        return [self._merged(one, other) for one, other in zip(left, right, strict=True)]

    def _merged(self, left: ClusterState, right: ClusterState) -> ClusterState:
        ends = left.ends or right.ends
        follows = False
        if left.ends is not None and right.ends is not None:
            ends = left.ends[0], right.ends[1]
            follows = left.ends[1] == right.ends[0]
        closed, shelved = left.closed_keys + right.closed_keys, left.shelved + right.shelved
        merged = ClusterState(
            left.keys,
            left.sums,
            left.closed.plus(right.closed),
            closed,
            shelved,
            left.broken or right.broken or bool(closed and shelved),
            left.runs + right.runs - follows,
            left.rows + right.rows,
            ends,
            [*left.loose, (right.keys, right.sums), *right.loose],
        )
        self._settle(merged)
        return merged

    def settled(self, state: list[ClusterState]) -> list[ClusterState]:
        """The states with all that waits added up."""
        found = [replace(own, loose=list(own.loose)) for own in state]
        for own in found:
            _add_loose(own)
        return found

    def note(self, state: list[ClusterState]) -> str:
        """How the clusters of each way were held."""
        return ", ".join(own.tier for own in state)

    def _settle(self, state: ClusterState) -> None:
        """Add up what waits; make room where there are too many clusters."""
        _add_loose(state)
        if state.broken:
            state.keys, state.sums = state.keys[:0], state.sums[:0]
        elif len(state.keys) > self.most:
            self._make_room(state)

    def _make_room(self, state: ClusterState) -> None:
        one_each = state.runs == len(state.keys) + state.closed.count
        if self.carries and not state.shelved and one_each and state.rows >= _RUN * state.runs:
            self._close(state)
        elif state.closed_keys:
            state.broken = True
        else:
            state.shelved += (self.shelf.put(state.keys, state.sums),)
            state.keys, state.sums = state.keys[:0], state.sums[:0]

    def _close(self, state: ClusterState) -> None:
        """Close all clusters but those of the first and the last row."""
        assert state.ends is not None
        is_end = (state.keys == state.ends[0]) | (state.keys == state.ends[1])
        state.closed = state.closed.plus(
            self.payload.closed(state.keys[~is_end], state.sums[~is_end])
        )
        state.closed_keys = [*state.closed_keys, state.keys[~is_end]]
        state.keys, state.sums = state.keys[is_end], state.sums[is_end]


def _add_loose(state: ClusterState) -> None:
    pieces = [(state.keys, state.sums), *state.loose]
    state.loose = []
    state.keys, state.sums = added_up([p for p in pieces if len(p[0])] or pieces[:1])


def added_up(pieces: Sequence[tuple[Keys, FloatArray]]) -> tuple[Keys, FloatArray]:
    """The clusters of several pieces, each once, and the sums of their sums, in order."""
    if len(pieces) == 1:
        return pieces[0]
    keys, codes = distinct(np.concatenate([keys for keys, _ in pieces]))
    sums = np.concatenate([sums for _, sums in pieces])
    return keys, sums_by(codes, len(keys), sums)


def sums_by(codes: NDArray[np.intp], count: int, rows: FloatArray) -> FloatArray:
    """Sums of rows, (b, q), with equal codes, (count, q)."""
    b = len(codes)
    ones = sparse.csr_array((np.ones(b), (codes, np.arange(b))), shape=(count, b))
    return np.asarray(ones @ rows)
