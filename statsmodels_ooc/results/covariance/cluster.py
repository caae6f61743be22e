"""The covariance that is robust to correlation within clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from statsmodels.base.covtype import descriptions

from statsmodels_ooc.engine.sizes import states_alive
from statsmodels_ooc.errors import DesignError, MissingDataError, OptionError
from statsmodels_ooc.options import options as settings
from statsmodels_ooc.reductions.cluster import ClusterScores, ClusterState
from statsmodels_ooc.results.covariance.base import Robust, ScoredFit, sandwich
from statsmodels_ooc.sources.dask_array import is_lazy

_SHARE = 4  # of the memory limit
_LABEL = 200  # bytes: a label, and its place in a dict


@dataclass(frozen=True)
class ClusterOptions:
    """Keywords of the cluster covariance.

    Attributes
    ----------
    groups : str or array_like or dask Array, (n,)
        A column's name, an expression in columns, or a label for each row that the model
        uses, in their order.
    use_correction : bool
        Whether the covariance is multiplied by ``G / (G - 1) * (n - 1) / (n - k)``.
    df_correction : bool
        Whether tests have G - 1 residual degrees of freedom.
    """

    groups: Any
    use_correction: bool = True
    df_correction: bool | None = True


@dataclass(frozen=True)
class Cluster:
    """Robust to correlation within G clusters, one way, CRV1.

    The meat is the sum over clusters of the outer products of their scores, Liang and Zeger
    (1986), Cameron and Miller (2015). Sums of each cluster are held in memory.
    """

    name: str = "cluster"
    Options: ClassVar[type[ClusterOptions]] = ClusterOptions

    def of(self, fit: ScoredFit, options: ClusterOptions) -> Robust:
        """The covariance; one pass.

        Raises
        ------
        ColumnNotFoundError, DesignError, MissingDataError
            The groups are none of the data's columns, not one label a row, or fewer than
            two.
        MemoryLimitError
            There are too many clusters.
        """
        groups = _one_way(options.groups)
        row_bytes = 8 * fit.root.shape[1] + _LABEL
        most = settings.memory_limit // (_SHARE * states_alive() * row_bytes)
        scores = ClusterScores(fit.scores, fit.axes, most)
        key = groups if isinstance(groups, str) else None
        state: ClusterState = fit.fold("cluster covariance", scores, key=key, groups=groups)
        count = len(state.clusters)
        if count < 2:
            raise DesignError("the groups are one cluster; a cluster covariance needs two or more")
        cov = sandwich(fit.bread(), state.sums.T @ state.sums)
        if options.use_correction:
            n, k = fit.nobs, fit.free
            cov *= count / (count - 1) * ((n - 1) / (n - k))
        told: dict[str, Any] = {"use_correction": options.use_correction}
        if isinstance(groups, str):  # others are as long as the data
            told["groups"] = groups
        corrected = options.df_correction is not False
        inference = {"n_groups": count, "df_resid_inference": count - 1} if corrected else {}
        return Robust(cov, descriptions["cluster"], told, inference)


def _one_way(groups: Any) -> Any:
    """What gives labels by the rows, or a number for the label of each row."""
    if isinstance(groups, str) or is_lazy(groups):
        if isinstance(groups, str) or groups.ndim == 1:
            return groups
        if groups.shape[1] != 1:
            raise _two_ways()
        return groups.iloc[:, 0] if hasattr(groups, "iloc") else groups[:, 0]
    if isinstance(groups, list | tuple) and len(groups) < 3:  # names, not labels
        if len(groups) == 1 and isinstance(groups[0], str):
            return groups[0]
        raise _two_ways()
    if isinstance(groups, pd.DataFrame):
        groups = groups.iloc[:, 0] if groups.shape[1] == 1 else groups.to_numpy()
    if not isinstance(groups, pd.Series | pd.Index | np.ndarray):
        if not isinstance(groups, list | tuple) and not hasattr(groups, "__array__"):
            raise OptionError(
                f"groups={groups!r}; they are a column's name, an expression in columns, or a "
                "label for each row"
            )
        groups = np.asarray(groups) if hasattr(groups, "__array__") else pd.Series(list(groups))
    if np.ndim(groups) == 2 and groups.shape[1] == 1:
        groups = groups[:, 0]
    if np.ndim(groups) != 1 or _holds_sequences(groups):
        raise _two_ways()
    codes, _ = pd.factorize(pd.Series(groups))
    if (codes < 0).any():
        raise MissingDataError(f"missing value of groups at position {int(np.argmin(codes))}")
    return codes.astype(np.float64)


def _holds_sequences(groups: Any) -> bool:
    first = next(iter(groups), None)
    return isinstance(first, list | dict | set | np.ndarray | pd.Series)


def _two_ways() -> NotImplementedError:
    return NotImplementedError(
        "cov_type='cluster' takes groups of one way out of memory, a label for each row"
    )
