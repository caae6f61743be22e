"""Sums of the scores of each cluster."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.errors import MemoryLimitError, MissingDataError
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.sandwich import RowScores


@dataclass(slots=True)
class ClusterState:
    """Sums over the rows so far."""

    sums: FloatArray  # the score of each of G clusters, (G, r)
    clusters: dict[Hashable, int] = field(default_factory=dict)  # rows of `sums`, as found


@dataclass(frozen=True)
class ClusterScores(Reduction[ClusterState]):
    """Add up the scores of each cluster; its label stands beside the rows as "groups".

    Parameters
    ----------
    scores : RowScores
        The scores of the rows by their linear predictors.
    axes : Axes
        In which the rows are measured: g, (r,).
    most : int
        So many clusters there may be.

    Raises
    ------
    MemoryLimitError
        There are more clusters.
    MissingDataError
        A row has no label.

    References
    ----------
    Liang, Zeger (1986). Longitudinal data analysis using generalized linear models.
    Biometrika 73, 13-22.
    """

    scores: RowScores
    axes: Axes
    most: int

    def init(self) -> ClusterState:
        return ClusterState(np.zeros((0, self.axes.root.shape[1])))

    def update(self, state: ClusterState, block: Block) -> ClusterState:
        if len(block.endog) == 0:
            return state
        counts = block.extras.freq_weights  # a row of frequency zero is none
        there = np.arange(len(block.endog)) if counts is None else np.flatnonzero(counts)
        labels, codes = _coded(block, there)
        one_each = sparse.csr_array(
            (self.scores.of(block)[there], (codes, there)), shape=(len(labels), len(block.endog))
        )
        return self._add(state, labels, one_each @ self.axes.rows(block))

    def merge(self, left: ClusterState, right: ClusterState) -> ClusterState:
        own = ClusterState(left.sums.copy(), dict(left.clusters))
        return self._add(own, list(right.clusters), right.sums)

    def nbytes(self) -> int:
        return 0  # of no cluster; `most` is chosen so that all have room

    def _add(self, state: ClusterState, labels: list[Hashable], sums: FloatArray) -> ClusterState:
        """Add the sums, (m, r), of m labels, each of which is there once."""
        known = state.clusters
        at = np.array([known.setdefault(label, len(known)) for label in labels], dtype=np.intp)
        if len(known) > self.most:
            raise MemoryLimitError(
                f"there are more than {self.most:,} clusters, and for each of them "
                f"{sums.shape[1]:,} sums are kept",
                hint="smo.options.memory_limit = '8 GiB' raises the limit",
            )
        new = len(known) - len(state.sums)
        if new:
            state.sums = np.concatenate([state.sums, np.zeros((new, sums.shape[1]))])
        state.sums[at] += sums
        return state


def _is(same: Any) -> bool:
    """Whether a label equals itself: not a number, a time that is none, and pandas' NA do not."""
    return isinstance(same, bool | np.bool_) and bool(same)


def _coded(block: Block, there: NDArray[np.intp]) -> tuple[list[Hashable], NDArray[np.intp]]:
    """The labels of some rows, each once, and the position of each row's among them."""
    values = block.extras.beside["groups"][there]
    if values.dtype.kind == "O":
        found: dict[Hashable, int] = {}
        codes = np.array([found.setdefault(v, len(found)) for v in values.tolist()], dtype=np.intp)
        labels = list(found)
    else:
        unique, codes = np.unique(values, return_inverse=True)
        labels = unique.tolist()
    for position, label in enumerate(labels):
        if label is None or not _is(label == label):
            row = block.row(int(there[np.argmax(codes == position)]))
            raise MissingDataError(
                f"missing value of groups at row {row} of partition {block.partition}",
                hint="leave such rows out of the model by subset=...",
            )
    return labels, codes
