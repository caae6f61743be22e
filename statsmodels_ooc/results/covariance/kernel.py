"""Covariances that are robust to autocorrelation, of one series or of a panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from statsmodels.base.covtype import descriptions
from statsmodels.stats.sandwich_covariance import kernel_dict
from statsmodels.tools.sm_exceptions import SpecificationWarning

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.keys import all_different, distinct
from statsmodels_ooc.engine.sizes import states_alive
from statsmodels_ooc.errors import CovarianceWarning, DesignError, OptionError, warn_caller
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.options import options as settings
from statsmodels_ooc.reductions.kernel import KernelMeat, KernelState
from statsmodels_ooc.reductions.periods import PeriodState, PeriodSums, period_products
from statsmodels_ooc.results.covariance.base import Robust, ScoredFit, sandwich
from statsmodels_ooc.results.covariance.groups import Given, times_of, ways_of

_SHARE = 4  # of the memory limit
_LABEL = 16  # bytes
_MOST_LAGS = 2**26

Kernel = str | Callable[[int], Any]


class _WithKernel(Protocol):
    @property
    def maxlags(self) -> int | None: ...

    @property
    def kernel(self) -> Kernel: ...

    @property
    def weights_func(self) -> Kernel | None: ...


@dataclass(frozen=True)
class HACOptions:
    """Keywords of the HAC covariance.

    Attributes
    ----------
    maxlags : int or None
        How many rows apart scores may be correlated, L; None for
        ``floor(4 (n / 100)**(2 / 9))``.
    kernel, weights_func : {"bartlett", "uniform"} or callable
        From L to the weights of the lags 0 to L, (L + 1,); two names for the same.
    use_correction : bool
        Whether the covariance is multiplied by ``n / (n - k)``.
    """

    maxlags: int | None
    kernel: Kernel = "bartlett"
    weights_func: Kernel | None = None
    use_correction: bool = False


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
        _check_correction(self.use_correction)


@dataclass(frozen=True)
class PeriodOptions:
    """Keywords of the HAC covariance of sums over the rows of a period.

    Attributes
    ----------
    time : str or array_like or dask Array, (n,)
        Times: a column, an expression, or one for each row. Whole numbers are as far apart as
        they say; of other times each follows on the one before.
    maxlags, kernel, weights_func
        As for the HAC covariance, in periods.
    use_correction : {"hac", "cluster", False}
        As for a panel, with as many groups as there are periods.
    df_correction : bool
        Whether tests have G - 1 residual degrees of freedom, where G - 1 is how often time
        goes back: G series stand one after the other.
    """

    time: Any
    maxlags: int | None
    kernel: Kernel = "bartlett"
    weights_func: Kernel | None = None
    use_correction: str | bool = "cluster"
    df_correction: bool | None = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "time", times_of(self.time))
        _check_correction(self.use_correction)


def _check_correction(correction: Any) -> None:
    if isinstance(correction, np.bool_):
        correction = bool(correction)
    if correction is not False and correction not in ("hac", "cluster", "clu", "c"):
        raise OptionError(f"use_correction={correction!r}; it is 'hac', 'cluster' or False")


def _lags(options: _WithKernel, fit: ScoredFit) -> Any:
    """How many there are, L: as given, or by rule."""
    if options.maxlags is not None:
        return options.maxlags
    return int(np.floor(4 * (fit.nobs / 100.0) ** (2.0 / 9.0)))


def _weights(options: _WithKernel, fit: ScoredFit) -> FloatArray:
    """The weights of the kernel, (L + 1,); where there are fewer rows, as many."""
    lags, kernel = _lags(options, fit), options.weights_func or options.kernel
    given: Any = lags
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 0:
        raise OptionError(f"maxlags={given!r}; it is a whole number of rows, zero or more")
    if lags > _MOST_LAGS:
        raise OptionError(f"maxlags={lags:,}; a kernel gives weights of {_MOST_LAGS:,} at the most")
    told = _function(kernel)(int(lags))
    if np.iscomplexobj(told):
        raise OptionError(f"the kernel gives {told!r}, which is complex")
    try:
        weights = np.asarray(told, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"the kernel gives {told!r}, not weights: {error}") from error
    if weights.shape != (lags + 1,) or not np.isfinite(weights).all():
        raise OptionError(f"the kernel gives {told} for {lags} lags, not {lags + 1} weights")
    return weights[: max(int(fit.likelihood.facts.rows), 1)]  # no rows are further apart


def _is_name(kernel: Any) -> bool:
    return isinstance(kernel, str)


def _function(kernel: Kernel) -> Callable[[int], Any]:
    if callable(kernel):
        return kernel
    if not _is_name(kernel) or kernel not in kernel_dict:
        names = ", ".join(map(repr, kernel_dict))
        raise OptionError(f"kernel={kernel!r}; it is {names} or a function")
    found: Callable[[int], Any] = kernel_dict[kernel]
    return found


def _told(options: Any) -> dict[str, Any]:
    """What `cov_kwds` of the results says of a kernel."""
    return {
        "maxlags": options.maxlags,
        "weights_func": _function(options.weights_func or options.kernel),
        "use_correction": options.use_correction,
    }


def _factor(correction: str | bool, fit: ScoredFit, groups: int) -> float:
    if not correction:
        return 1.0
    n, k = fit.nobs, fit.free
    fit.require_spare_rows()
    if correction is True or correction == "hac":
        return n / (n - k)
    if groups < 2:
        raise DesignError(
            "there is one group or period, and the correction for their number needs two",
            hint="use_correction=False, or 'hac'",
        )
    return groups / (groups - 1) * ((n - 1) / (n - k))


def _require_order(fit: ScoredFit, name: str) -> None:
    fit.likelihood.stream.require_order(f"cov_type={name!r}")


def _warn_of_frequencies(fit: ScoredFit) -> None:
    """Of rows that stand for several nobody knows which follow which."""
    if "freq_weights" in getattr(fit.likelihood, "roles", ()):
        warn_caller("cov_type not fully supported with freq_weights", SpecificationWarning)


@dataclass(frozen=True)
class HAC:
    """Robust to heteroscedasticity and autocorrelation, Newey and West (1987).

    The meat is ``sum_t sum_s w(|t - s|) u_t u_s'`` over the scores of rows in their order.
    """

    name: str = "HAC"
    Options: ClassVar[type[HACOptions]] = HACOptions

    def questions(self, fit: ScoredFit, options: HACOptions) -> tuple[Question, ...]:
        """The weighted products of the scores."""
        _require_order(fit, self.name)
        weights = _weights(options, fit)
        meat = KernelMeat(fit.scores, fit.axes, weights)
        return (Question("HAC covariance", fit.key("HAC", weights.tobytes()), meat, _meat),)

    def of(self, fit: ScoredFit, options: HACOptions) -> Robust:
        """The covariance; one pass.

        Raises
        ------
        RowOrderError
            The rows have no order.
        OptionError
            The kernel does not give a weight for each lag.
        """
        _warn_of_frequencies(fit)
        (meat,) = fit.ask(*self.questions(fit, options))
        cov = sandwich(fit.bread(), meat) * _factor(bool(options.use_correction), fit, 1)
        description = descriptions["HAC"].format(
            maxlags=_lags(options, fit), correction="with" if options.use_correction else "without"
        )
        return Robust(cov, description, _told(options))

    def scatter(self, fit: ScoredFit, options: HACOptions) -> FloatArray:
        """Of each row with those that are at most L rows apart."""
        _require_order(fit, self.name)
        weights = _weights(options, fit)
        meat = KernelMeat(fit.scores, fit.axes, weights, is_counted=True)
        key = fit.key("counted HAC", weights.tobytes())
        found: FloatArray = fit.ask(Question("counted HAC covariance", key, meat, _meat))[0]
        return found


def _meat(state: KernelState) -> FloatArray:
    return state.meat


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
        _require_order(fit, self.name)
        weights = _weights(options, fit)
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
        _warn_of_frequencies(fit)
        meat, runs, longest = fit.ask(*self.questions(fit, options))[0]
        lags = len(_weights(options, fit)) - 1
        if longest <= lags:
            raise DesignError(
                f"cov_type='hac-panel': the longest of {runs:,} series has {longest:,} rows, so "
                f"none are {lags:,} rows apart",
                hint="maxlags must be less; series stand one after the other, in order of time",
            )
        cov = sandwich(fit.bread(), meat) * _factor(options.use_correction, fit, runs)
        given: Given = options.time if options.groups is None else options.groups
        told = {**_told(options), **given.told}
        if runs == 1 and options.df_correction is not False:
            warn_caller(
                "cov_type='hac-panel': there is one series, and t tests have no degrees of "
                "freedom; df_correction=False takes those of the rows",
                CovarianceWarning,
            )
        inference = _inference(options.df_correction, runs)
        return Robust(cov, descriptions["HAC-Panel"], told, {"n_groups": runs, **inference})


def _inference(corrected: bool | None, groups: int) -> dict[str, Any]:
    return {} if corrected is False else {"df_resid_inference": groups - 1}


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


@dataclass(frozen=True)
class PeriodHAC:
    """HAC covariance of the sums of scores over the rows of a period, Driscoll and Kraay (1998).

    Robust to heteroscedasticity, to autocorrelation, and to correlation within periods.
    """

    name: str = "hac-groupsum"
    Options: ClassVar[type[PeriodOptions]] = PeriodOptions

    def questions(self, fit: ScoredFit, options: PeriodOptions) -> tuple[Question, ...]:
        """The sums of the scores of each period."""
        if options.df_correction is not False:
            what = "cov_type='hac-groupsum', but with df_correction=False,"
            fit.likelihood.stream.require_order(what)
        weights = _weights(options, fit)
        (name,) = options.time.names
        row_bytes = 8 * (fit.root.shape[1] + 1)
        most = settings.memory_limit // (_SHARE * states_alive() * row_bytes)

        def finish(state: PeriodState) -> tuple[FloatArray, int, int]:
            return period_products(state.times, state.sums, weights), len(state.times), state.back

        key = fit.key("hac-groupsum", weights.tobytes(), name)
        sums = PeriodSums(fit.scores, fit.axes, name, most)
        return (
            Question("hac-groupsum covariance", key, sums, finish, beside=options.time.needed()),
        )

    def of(self, fit: ScoredFit, options: PeriodOptions) -> Robust:
        """The covariance; one pass.

        Raises
        ------
        RowOrderError
            The rows have no order, and degrees of freedom are counted by it.
        MemoryLimitError
            There are too many periods.

        Warns
        -----
        CovarianceWarning
            Time never goes back, so that the degrees of freedom are none.
        """
        _warn_of_frequencies(fit)
        meat, periods, back = fit.ask(*self.questions(fit, options))[0]
        cov = sandwich(fit.bread(), meat) * _factor(options.use_correction, fit, periods)
        told = {**_told(options), **options.time.told}
        if options.df_correction is False:
            return Robust(cov, descriptions["HAC-Groupsum"], told)
        if not back:
            warn_caller(
                "cov_type='hac-groupsum': time never goes back, so there is one series, and t "
                "tests have no degrees of freedom; df_correction=False takes those of the rows",
                CovarianceWarning,
            )
        inference = {"n_groups": back + 1, **_inference(True, back + 1)}
        return Robust(cov, descriptions["HAC-Groupsum"], told, inference)
