"""The covariance that is robust to autocorrelation of one series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from statsmodels.base.covtype import descriptions

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import flag
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.reductions.kernel import KernelMeat, KernelState
from statsmodels_ooc.results.covariance.base import Robust, ScoredFit, sandwich
from statsmodels_ooc.results.covariance.kernels import (
    Kernel,
    lags_of,
    require_order,
    small_sample_factor,
    told_of,
    warn_of_frequencies,
    weights_of,
)


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "use_correction", flag("use_correction", self.use_correction))


@dataclass(frozen=True)
class HAC:
    """Robust to heteroscedasticity and autocorrelation, Newey and West (1987).

    The meat is ``sum_t sum_s w(|t - s|) u_t u_s'`` over the scores of rows in their order.
    """

    name: str = "HAC"
    Options: ClassVar[type[HACOptions]] = HACOptions

    def questions(self, fit: ScoredFit, options: HACOptions) -> tuple[Question, ...]:
        """The weighted products of the scores."""
        require_order(fit, self.name)
        weights = weights_of(options, fit)
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
        warn_of_frequencies(fit)
        (meat,) = fit.ask(*self.questions(fit, options))
        cov = sandwich(fit.bread(), meat) * small_sample_factor(
            bool(options.use_correction), fit, 1
        )
        description = descriptions["HAC"].format(
            maxlags=lags_of(options, fit),
            correction="with" if options.use_correction else "without",
        )
        return Robust(cov, description, told_of(options))

    def scatter(self, fit: ScoredFit, options: HACOptions) -> FloatArray:
        """Of each row with those that are at most L rows apart."""
        require_order(fit, self.name)
        weights = weights_of(options, fit)
        meat = KernelMeat(fit.scores, fit.axes, weights, is_counted=True)
        key = fit.key("counted HAC", weights.tobytes())
        found: FloatArray = fit.ask(Question("counted HAC covariance", key, meat, _meat))[0]
        return found


def _meat(state: KernelState) -> FloatArray:
    return state.meat
