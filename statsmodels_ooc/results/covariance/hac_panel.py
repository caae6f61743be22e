"""The covariance that is robust to autocorrelation within the series of a panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from statsmodels.base.covtype import descriptions

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.keys import all_different, distinct
from statsmodels_ooc.checks import flag
from statsmodels_ooc.engine.sizes import states_alive
from statsmodels_ooc.errors import DesignError, OptionError
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.options import options as settings
from statsmodels_ooc.reductions.kernel import KernelMeat, KernelState
from statsmodels_ooc.results.covariance.base import Robust, ScoredFit, sandwich
from statsmodels_ooc.results.covariance.groups import Given, times_of, ways_of
from statsmodels_ooc.results.covariance.kernels import (
    Kernel,
    check_correction,
    inference_of,
    require_order,
    small_sample_factor,
    told_of,
    warn_of_frequencies,
    warn_of_series,
    weights_of,
)

_SHARE = 4  # of the memory limit
_LABEL = 16  # bytes


@dataclass(frozen=True)
class PanelOptions:
    """Keywords of the HAC covariance of a panel whose series stand one after the other.

    Attributes
    ----------
    maxlags, kernel, weights_func
        As for the HAC covariance.
    groups : str or array_like or dask Array, (n,), optional
        Labels of the series: a column, an expression, or one for each row.
    time : str or array_like or dask Array, (n,), optional
        Times, where there are no groups: a series begins where time goes back.
    use_correction : {"hac", "cluster", False}
        Whether the covariance is multiplied by ``n / (n - k)``, or, with G series, by
        ``G / (G - 1) * (n - 1) / (n - k)``.
    df_correction : bool
        Whether tests have G - 1 residual degrees of freedom.
    """

    maxlags: int | None
    groups: Any = None
    time: Any = None
    kernel: Kernel = "bartlett"
    weights_func: Kernel | None = None
    use_correction: str | bool = "hac"
    df_correction: bool | None = True

    def __post_init__(self) -> None:
        if self.groups is None and self.time is None:
            raise OptionError("cov_type='hac-panel' needs groups or time in cov_kwds")
        if self.groups is not None:
            groups = ways_of(self.groups)
            if len(groups.names) > 1:
                raise OptionError("cov_type='hac-panel' takes groups of one way")
            object.__setattr__(self, "groups", groups)
        else:
            object.__setattr__(self, "time", times_of(self.time))
        check_correction(self.use_correction)
        object.__setattr__(self, "df_correction", flag("df_correction", self.df_correction))


@dataclass(frozen=True)
class PanelHAC:
    """Robust to heteroscedasticity and autocorrelation within the series of a panel.

    The meat is the sum of those of the series, which stand one after the other, each in the
    order of time.
    """

    name: str = "hac-panel"
    Options: ClassVar[type[PanelOptions]] = PanelOptions

    def questions(self, fit: ScoredFit, options: PanelOptions) -> tuple[Question, ...]:
        """The weighted products of the scores within series."""
        require_order(fit, self.name)
        weights = weights_of(options, fit)
        given: Given = options.time if options.groups is None else options.groups
        (name,) = given.names
        by_time = options.groups is None
        groups, time = (None, name) if by_time else (name, None)
        most = settings.memory_limit // (_SHARE * states_alive() * _LABEL)
        meat = KernelMeat(fit.scores, fit.axes, weights, groups, time, most_runs=most)
        key = fit.key("hac-panel", weights.tobytes(), by_time, name)
        return (Question("hac-panel covariance", key, meat, _series, beside=given.needed()),)

    def of(self, fit: ScoredFit, options: PanelOptions) -> Robust:
        """The covariance; one pass.

        Raises
        ------
        RowOrderError
            The rows have no order.
        DesignError
            The rows of a group are not together, or no series is longer than `maxlags`.
        """
        warn_of_frequencies(fit)
        meat, runs, longest = fit.ask(*self.questions(fit, options))[0]
        lags = len(weights_of(options, fit)) - 1
        if longest <= lags:
            raise DesignError(
                f"cov_type='hac-panel': the longest of {runs:,} series has {longest:,} rows, so "
                f"none are {lags:,} rows apart",
                hint="maxlags must be less; series stand one after the other, in order of time",
            )
        cov = sandwich(fit.bread(), meat) * small_sample_factor(options.use_correction, fit, runs)
        given: Given = options.time if options.groups is None else options.groups
        told = {**told_of(options), **given.told}
        if options.groups is None:
            warn_of_series(fit, self.name, runs, longest + 1)
        inference = inference_of(self.name, runs, options.df_correction)
        return Robust(cov, descriptions["HAC-Panel"], told, {"n_groups": runs, **inference})


def _series(state: KernelState) -> tuple[FloatArray, int, int]:
    """The meat, how many series there are, and how long the longest of them is."""
    if state.labels:
        labels = np.concatenate(state.labels)
        again = 0 if all_different(labels) else len(labels) - len(distinct(labels)[0])
        if again:
            raise DesignError(
                f"cov_type='hac-panel': {again:,} times rows of a group come back after those of "
                "others, so its series is in pieces",
                hint="sort the rows by groups and time; 'hac-groupsum' takes them in any order",
            )
    return state.meat, state.runs, state.longest
