"""The covariance that is robust to autocorrelation of sums over the rows of a period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from statsmodels.base.covtype import descriptions

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import flag
from statsmodels_ooc.engine.sizes import states_alive
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.options import options as settings
from statsmodels_ooc.reductions.periods import PeriodState, PeriodSums, period_products
from statsmodels_ooc.results.covariance.base import Robust, ScoredFit, sandwich
from statsmodels_ooc.results.covariance.groups import times_of
from statsmodels_ooc.results.covariance.kernels import (
    Kernel,
    check_correction,
    inference_of,
    small_sample_factor,
    told_of,
    warn_of_series,
    weights_of,
)

_SHARE = 4  # of the memory limit


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
        check_correction(self.use_correction)
        object.__setattr__(self, "df_correction", flag("df_correction", self.df_correction))


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
        weights = weights_of(options, fit)
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
            Time never goes back, so that the degrees of freedom are none, or so often that they
            mean nothing.
        """
        meat, periods, back = fit.ask(*self.questions(fit, options))[0]
        cov = sandwich(fit.bread(), meat) * small_sample_factor(
            options.use_correction, fit, periods
        )
        told = {**told_of(options), **options.time.told}
        if options.df_correction is False:
            return Robust(cov, descriptions["HAC-Groupsum"], told)
        warn_of_series(fit, self.name, back + 1, periods)
        inference = {
            "n_groups": back + 1,
            **inference_of(self.name, back + 1, options.df_correction),
        }
        return Robust(cov, descriptions["HAC-Groupsum"], told, inference)
