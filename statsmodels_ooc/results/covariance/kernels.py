"""Kernels of HAC covariances, corrections for small samples, and what results say of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from statsmodels.stats.sandwich_covariance import kernel_dict
from statsmodels.tools.sm_exceptions import SpecificationWarning

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import whole_number
from statsmodels_ooc.errors import CovarianceWarning, DesignError, OptionError, warn_caller
from statsmodels_ooc.results.covariance.base import ScoredFit

_MOST_LAGS = 2**26
_FEW = 4  # periods, of which random series have three rows and more

Kernel = str | Callable[[int], Any]


class WithKernel(Protocol):
    """Options that name a kernel."""

    @property
    def maxlags(self) -> int | None: ...

    @property
    def kernel(self) -> Kernel: ...

    @property
    def weights_func(self) -> Kernel | None: ...


def check_correction(correction: Any) -> None:
    """Refuse what is no correction of a panel.

    Raises
    ------
    OptionError
        It is none of "hac", "cluster" and False.
    """
    if isinstance(correction, np.bool_):
        correction = bool(correction)
    if correction is not False and correction not in ("hac", "cluster", "clu", "c"):
        raise OptionError(f"use_correction={correction!r}; it is 'hac', 'cluster' or False")


def lags_of(options: WithKernel, fit: ScoredFit) -> Any:
    """How many there are, L: as given, or by rule."""
    if options.maxlags is not None:
        return options.maxlags
    return int(np.floor(4 * (fit.nobs / 100.0) ** (2.0 / 9.0)))


def weights_of(options: WithKernel, fit: ScoredFit) -> FloatArray:
    """The weights of the kernel, (L + 1,); where there are fewer rows, as many."""
    lags, kernel = lags_of(options, fit), options.weights_func or options.kernel
    lags = whole_number("maxlags", lags, 0)
    if lags > _MOST_LAGS:
        raise OptionError(f"maxlags={lags:,}; a kernel gives weights of {_MOST_LAGS:,} at the most")
    told = _function(kernel)(lags)
    if np.iscomplexobj(told):
        raise OptionError(f"the kernel gives {told!r}, which is complex")
    try:
        weights = np.asarray(told, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"the kernel gives {told!r}, not weights: {error}") from error
    if weights.shape != (lags + 1,) or not np.isfinite(weights).all():
        raise OptionError(f"the kernel gives {told} for {lags} lags, not {lags + 1} weights")
    return weights[: max(int(fit.likelihood.facts.rows), 1)]  # no rows are further apart


def _function(kernel: Kernel) -> Callable[[int], Any]:
    if callable(kernel):
        return kernel
    found: Callable[[int], Any] | None = kernel_dict.get(str(kernel))
    if found is None:
        names = ", ".join(map(repr, kernel_dict))
        raise OptionError(f"kernel={kernel!r}; it is {names} or a function")
    return found


def told_of(options: Any) -> dict[str, Any]:
    """What `cov_kwds` of the results says of a kernel."""
    return {
        "maxlags": options.maxlags,
        "weights_func": _function(options.weights_func or options.kernel),
        "use_correction": options.use_correction,
    }


def small_sample_factor(correction: str | bool, fit: ScoredFit, groups: int) -> float:
    """``n / (n - k)``, or ``G / (G - 1) * (n - 1) / (n - k)`` with "cluster", or one.

    Raises
    ------
    DesignError
        There are no more rows than parameters, or fewer than two groups.
    """
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


def require_order(fit: ScoredFit, name: str) -> None:
    """Refuse rows whose order means nothing."""
    fit.likelihood.stream.require_order(f"cov_type={name!r}")


def warn_of_frequencies(fit: ScoredFit) -> None:
    """Of rows that stand for several nobody knows which follow which."""
    if "freq_weights" in getattr(fit.likelihood, "roles", ()):
        warn_caller("cov_type not fully supported with freq_weights", SpecificationWarning)


def inference_of(name: str, series: int, corrected: bool | None) -> dict[str, Any]:
    """The degrees of freedom of tests, where they are to be those of the series of a panel.

    Warns
    -----
    CovarianceWarning
        There is one series.
    """
    if corrected is False:
        return {}
    if series == 1:
        warn_caller(
            f"cov_type={name!r}: there is one series, as time never goes back or there is one "
            "group, and t tests have no degrees of freedom; df_correction=False takes those of the "
            "rows",
            CovarianceWarning,
        )
    return {"df_resid_inference": series - 1}


_SHUFFLED = 2.75  # rows: longer are the series of a panel, unless its order is random


def warn_of_series(fit: ScoredFit, name: str, series: int, periods: int) -> None:
    """Warn where time goes back as often as in random order.

    Parameters
    ----------
    fit : ScoredFit
        Whose rows they are.
    name : str
        The covariance.
    series : int
        How often time goes back, and one.
    periods : int
        How many there are, or rows of the longest series: of few nothing can be told.
    """
    if periods > _FEW and fit.nobs < _SHUFFLED * series:
        warn_caller(
            f"cov_type={name!r} takes time going back for the start of a series, which it does "
            f"{series - 1:,} times in {fit.nobs:,.0f} rows, as often as in random order; rows are "
            "to stand series by series, in order of time",
            CovarianceWarning,
        )
