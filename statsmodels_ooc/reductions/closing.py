"""What the rows of a cluster add up to, and what complete clusters give a covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.blocks.keys import Keys
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.base import Additive, Place
from statsmodels_ooc.reductions.sandwich import RowScores
from statsmodels_ooc.reductions.tally import NUMPY, Codes, Tally

_LOOK = 0.99  # of a trace; clusters above it are looked at more closely
_SINGULAR = 1e-8  # of the information of all rows; where the others have less, it is none


@dataclass(slots=True)
class Closed:
    """Sums over complete clusters, each of which gives a vector u, (r,).

    Attributes
    ----------
    meat : ndarray, (r, r)
        Of ``u u'``.
    total : ndarray, (r,)
        Of u.
    count : int
        How many clusters.
    lost : ndarray of `KEY`, (0,) or (1,)
        A cluster without which the parameters are not determined, where there is one.
    """

    meat: FloatArray
    total: FloatArray
    count: int
    lost: Keys

    def plus(self, other: Closed) -> Closed:
        """The sums over both."""
        lost = self.lost if len(self.lost) else other.lost
        count = self.count + other.count
        return Closed(self.meat + other.meat, self.total + other.total, count, lost)


class Payload(Protocol):
    """What is added up of the rows of a cluster."""

    @property
    def width(self) -> int:
        """How many sums a cluster has, q."""
        ...

    @property
    def tally(self) -> Tally:
        """What tells clusters apart and adds up their rows."""
        ...

    def compiled(self) -> Self:
        """The same in machine code."""
        ...

    def sums(
        self, block: Block, there: NDArray[np.intp], ways: Sequence[Codes]
    ) -> list[FloatArray]:
        """For each way the sums of some rows of a block by cluster, (m, q)."""
        ...

    def closed(self, keys: Keys, sums: FloatArray) -> Closed:
        """What complete clusters give, of their sums, (m, q)."""
        ...


@dataclass(frozen=True)
class _OfScores:
    """Of scores of rows, in axes.

    Attributes
    ----------
    scores : RowScores
        The scores of the rows by their linear predictors.
    axes : Axes
        In which the rows are measured: g, (r,).
    tally : Tally
        What tells clusters apart and adds up their rows.
    """

    scores: RowScores
    axes: Axes
    tally: Tally = NUMPY

    def compiled(self) -> Self:
        from statsmodels_ooc.reductions.compiled import CompiledTally

        return replace(self, scores=self.scores.compiled(), tally=CompiledTally())


class ClusterScores(_OfScores):
    """The score of a cluster, u, of CRV1."""

    @property
    def width(self) -> int:
        return int(self.axes.root.shape[1])

    def sums(
        self, block: Block, there: NDArray[np.intp], ways: Sequence[Codes]
    ) -> list[FloatArray]:
        scores, rows = self.scores.of(block), self.axes.rows(block)
        return [self.tally.sums(codes, there, scores, rows) for codes in ways]

    def closed(self, keys: Keys, sums: FloatArray) -> Closed:
        return Closed(sums.T @ sums, sums.sum(axis=0), len(sums), keys[:0])


class CountedScores(ClusterScores):
    """The score of a cluster and the number of its rows, u, (r + 1,)."""

    @property
    def width(self) -> int:
        return super().width + 1

    def sums(
        self, block: Block, there: NDArray[np.intp], ways: Sequence[Codes]
    ) -> list[FloatArray]:
        scores = super().sums(block, there, ways)
        counts = (np.bincount(codes, minlength=m) for codes, m in ways)
        return [np.column_stack(pair) for pair in zip(scores, counts, strict=True)]


class LeftOut(_OfScores):
    """What the parameters change by when a cluster is left out, u, of CRV3.

    Of each cluster the score s, (r,), and the information M, (r, r), are added up, in axes in
    which the information of all rows is the identity: then ``u = (I - M)^-1 s``, and the
    parameters without the cluster are ``beta - root u``.

    References
    ----------
    MacKinnon, Nielsen, Webb (2023). Fast and reliable jackknife and bootstrap methods for
    cluster-robust inference. J. Applied Econometrics 38, 671-694, section 2.
    """

    @property
    def width(self) -> int:
        r = int(self.axes.root.shape[1])
        return r + r * (r + 1) // 2

    def sums(
        self, block: Block, there: NDArray[np.intp], ways: Sequence[Codes]
    ) -> list[FloatArray]:
        scores, rows = self.scores.of(block), self.axes.rows(block)
        weights = self.scores.information(block)
        found = []
        for codes in ways:
            parts = [self.tally.sums(codes, there, scores, rows)]
            for i in range(rows.shape[1]):
                of_column = weights * rows[:, i]
                parts.append(self.tally.sums(codes, there, of_column, rows[:, i:]))
            found.append(np.column_stack(parts))
        return found

    def closed(self, keys: Keys, sums: FloatArray) -> Closed:
        r = self.axes.root.shape[1]
        rest = np.empty((len(sums), r, r))
        rest[:, *np.triu_indices(r)] = -sums[:, r:]
        rest[:, *np.tril_indices(r)] = rest.transpose(0, 2, 1)[:, *np.tril_indices(r)]
        rest[:, np.arange(r), np.arange(r)] += 1.0
        alone = np.flatnonzero(r - np.trace(rest, axis1=1, axis2=2) > _LOOK)
        lost = alone[np.linalg.eigvalsh(rest[alone])[:, :1].min(axis=1, initial=1) < _SINGULAR]
        rest[lost] = np.eye(r)
        u = np.linalg.solve(rest, sums[:, :r, None])[:, :, 0]
        return Closed(u.T @ u, u.sum(axis=0), len(sums), keys[lost][:1])


@dataclass(frozen=True)
class FirstRow(Additive[Place | None]):
    """Find the first row of a cluster.

    Parameters
    ----------
    name : str
        Under which labels stand beside the rows, as keys.
    key : ndarray of `KEY`, (1,)
        That of the cluster.
    """

    name: str
    key: Keys

    def init(self) -> None:
        return None

    def update(self, state: Place | None, block: Block) -> Place | None:
        found = np.flatnonzero(block.extras.beside[self.name] == self.key[0])
        if state is not None or len(found) == 0:
            return state
        return Place(block.partition, block.row(int(found[0])))
