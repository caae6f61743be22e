"""Covariances that are robust to correlation within clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
from statsmodels.base.covtype import descriptions

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.keys import Keys
from statsmodels_ooc.checks import flag
from statsmodels_ooc.engine.shelf import Shelf
from statsmodels_ooc.errors import CovarianceWarning, DesignError, OptionError, warn_caller
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.options import options as settings
from statsmodels_ooc.reductions.closing import (
    Closed,
    ClusterScores,
    CountedScores,
    FirstRow,
    LeftOut,
    Payload,
)
from statsmodels_ooc.reductions.cluster import ClusterState, ClusterSums, added_up
from statsmodels_ooc.results.covariance.base import Robust, ScoredFit, sandwich
from statsmodels_ooc.results.covariance.groups import Given, ways_of

_SHARE = 128  # of the memory limit: the sums of a way in a state, of which several are alive
_TAKEN = 16  # of the memory limit: a share of the sums that went to disk
_KEY = 16  # bytes
_LEAST = 1_000  # clusters


@dataclass(frozen=True)
class ClusterOptions:
    """Keywords of the cluster covariances.

    Attributes
    ----------
    groups : str or array_like or dask Array, (n,) or (n, q), or a list of q of them
        A column's name, an expression in columns, or a label for each row that the model
        uses, in their order; of q ways at once, where there are several.
    use_correction : bool
        Whether the covariance is corrected for the number of clusters.
    df_correction : bool
        Whether tests have G - 1 residual degrees of freedom, of the way with the fewest
        clusters.
    """

    groups: Any
    use_correction: bool = True
    df_correction: bool | None = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", ways_of(self.groups))
        for name in ("use_correction", "df_correction"):
            object.__setattr__(self, name, flag(name, getattr(self, name)))


@dataclass(frozen=True)
class Summed:
    """What the clusters of a way gave; None where they came back after they had been closed."""

    ways: tuple[Closed, ...] | None


@dataclass(frozen=True)
class Cluster:
    """Robust to correlation within clusters, of one or several ways, CRV1.

    The meat is the sum over the G clusters of the outer products of their scores, Liang and
    Zeger (1986). Of several ways it is the sum over all their combinations, intersections of
    an even number of ways subtracted, Cameron, Gelbach and Miller (2011), each with its own
    correction ``G / (G - 1) * (n - 1) / (n - k)``.
    """

    name: str = "cluster"
    Options: ClassVar[type[ClusterOptions]] = ClusterOptions

    def questions(self, fit: ScoredFit, options: ClusterOptions) -> tuple[Question, ...]:
        """The sums over the clusters of each combination of ways."""
        payload = ClusterScores(fit.scores, fit.axes)
        return (_question(self.name, payload, fit, options.groups),)

    def of(self, fit: ScoredFit, options: ClusterOptions) -> Robust:
        """The covariance; one pass, two where clusters come back that had seemed complete.

        Raises
        ------
        ColumnNotFoundError, DesignError, MissingDataError
            The groups are none of the data's columns, not one label a row, or fewer than
            two.
        SpoolError
            There are so many clusters that their sums go to disk, and they cannot.
        """
        payload = ClusterScores(fit.scores, fit.axes)
        found = _summed(fit, payload, self.name, options.groups)
        n, k = fit.nobs, fit.free
        if options.use_correction:
            fit.require_spare_rows()
        meat = np.zeros_like(found[0].meat)
        for way, closed in zip(combined(options.groups), found, strict=True):
            sign = 1.0 if len(way) % 2 else -1.0
            count = closed.count
            factor = count / (count - 1) * ((n - 1) / (n - k)) if options.use_correction else 1.0
            meat += sign * factor * closed.meat
        cov = sandwich(fit.bread(), meat)
        negative = int(np.count_nonzero(np.diag(cov) < 0))
        if negative:
            warn_caller(
                f"{negative:,} of {len(cov):,} variances are negative, as differences of "
                "several ways may be; their standard errors are NaN",
                CovarianceWarning,
            )
        return _robust(self.name, cov, found, options)

    def scatter(self, fit: ScoredFit, options: ClusterOptions) -> FloatArray:
        """Of each cluster with itself."""
        if len(options.groups.names) > 1:
            raise OptionError("scores of clusters of several ways have no covariance of their own")
        payload = CountedScores(fit.scores, fit.axes)
        return _summed(fit, payload, "counted cluster", options.groups)[0].meat


@dataclass(frozen=True)
class Jackknife:
    """Robust to correlation within clusters, one way, by leaving out one at a time.

    CRV3 is the sum over the G clusters of the outer products of what the parameters change by
    when the cluster is left out, times ``(G - 1) / G``; the cluster jackknife takes the
    changes about their mean. MacKinnon, Nielsen and Webb (2023).

    Parameters
    ----------
    name : {"cluster-crv3", "cluster-jk"}
        Which of them.
    """

    name: str
    Options: ClassVar[type[ClusterOptions]] = ClusterOptions

    def questions(self, fit: ScoredFit, options: ClusterOptions) -> tuple[Question, ...]:
        """The changes by each cluster."""
        self._require_one_way(options)
        payload = LeftOut(fit.scores, fit.axes)
        return (_question(self.name, payload, fit, options.groups),)

    def _require_one_way(self, options: ClusterOptions) -> None:
        if len(options.groups.names) > 1:
            raise OptionError(
                f"cov_type={self.name!r} takes groups of one way: sums and differences of "
                "jackknife covariances need not be a covariance",
                hint="cov_type='cluster' takes several ways",
            )

    def of(self, fit: ScoredFit, options: ClusterOptions) -> Robust:
        """The covariance; one pass, two where clusters come back that had seemed complete.

        Raises
        ------
        DesignError
            There are fewer than two clusters, or without one of them the parameters are not
            determined.
        """
        self._require_one_way(options)
        found = _summed(fit, LeftOut(fit.scores, fit.axes), self.name, options.groups)
        (closed,) = found
        if len(closed.lost):
            raise DesignError(
                f"cov_type={self.name!r}: without the cluster of "
                f"{_first_row(fit, options.groups, closed.lost)}, one of {closed.count:,}, the "
                "rank of the design is short, so there are no parameters to compare with",
                hint="is a column constant within a cluster, or a level in one cluster alone?",
            )
        meat = closed.meat
        if self.name == "cluster-jk":
            meat = meat - np.outer(closed.total, closed.total) / closed.count
        if options.use_correction:
            meat = meat * ((closed.count - 1) / closed.count)
        return _robust(self.name, sandwich(fit.bread(), meat), found, options)


def combined(ways: Given) -> list[tuple[str, ...]]:
    """All combinations of ways, by their names beside the rows, those of one way first."""
    sizes = range(1, len(ways.names) + 1)
    return [chosen for size in sizes for chosen in combinations(ways.names, size)]


def _question(
    name: str, payload: Payload, fit: ScoredFit, ways: Given, carries: bool = True
) -> Question:
    row_bytes = 8 * payload.width + _KEY
    shelf = Shelf(fit.nobs * row_bytes, settings.memory_limit / _TAKEN)
    room = settings.memory_limit // (_SHARE * (2 ** len(ways.names) - 1))
    sums = ClusterSums(
        payload, tuple(combined(ways)), max(room // row_bytes, _LEAST), shelf, carries
    )
    return Question(
        f"{name} covariance",
        fit.key(name, *ways.names, carries),
        sums,
        partial(_finished, sums, shelf),
        beside=ways.needed(),
        release=shelf.remove,
    )


def _finished(sums: ClusterSums, shelf: Shelf, state: list[ClusterState]) -> Summed:
    """What all clusters give; None of sums that are of no use."""
    settled = sums.settled(state)
    if any(own.came_back() for own in settled):
        return Summed(None)
    return Summed(tuple(_all_closed(sums.payload, shelf, own) for own in settled))


def _all_closed(payload: Payload, shelf: Shelf, state: ClusterState) -> Closed:
    if not state.shelved:
        return state.closed.plus(payload.closed(state.keys, state.sums))
    paths = [*state.shelved, shelf.put(state.keys, state.sums)]
    whole = state.closed
    for pieces in shelf.shares(paths):
        whole = whole.plus(payload.closed(*added_up(pieces)))
    return whole


def _summed(fit: ScoredFit, payload: Payload, name: str, ways: Given) -> tuple[Closed, ...]:
    """What the clusters of each combination of ways give, of two or more each."""
    found: Summed = fit.ask(_question(name, payload, fit, ways))[0]
    if found.ways is None:
        found = fit.ask(_question(name, payload, fit, ways, carries=False))[0]
    assert found.ways is not None
    if min(closed.count for closed in found.ways) < 2:
        raise DesignError("the groups are one cluster; a cluster covariance needs two or more")
    return found.ways


def _first_row(fit: ScoredFit, ways: Given, key: Keys) -> str:
    """Where a cluster of one way begins, in words; a pass."""
    (name,) = ways.names
    asked = fit.key("cluster", name, key.tobytes())
    question = Question("cluster", asked, FirstRow(name, key), beside=ways.needed())
    (place,) = fit.ask(question)
    return f"row {place.row} of {fit.likelihood.stream.source.partitions[place.partition].label}"


def _robust(name: str, cov: FloatArray, found: Sequence[Closed], options: ClusterOptions) -> Robust:
    told: dict[str, Any] = {"use_correction": options.use_correction, **options.groups.told}
    if options.df_correction is False:
        return Robust(cov, descriptions[name], told)
    counts = tuple(closed.count for closed in found[: len(options.groups.names)])
    n_groups = counts if len(counts) > 1 else counts[0]
    inference = {"n_groups": n_groups, "df_resid_inference": min(counts) - 1}
    return Robust(cov, descriptions[name], told, inference)
