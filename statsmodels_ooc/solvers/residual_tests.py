"""Tests of the residuals' shape and serial dependence, from their moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.tools.sm_exceptions import ValueWarning

from statsmodels_ooc.errors import warn_caller
from statsmodels_ooc.reductions.residuals import ResidualMomentsState


@dataclass(frozen=True)
class ResidualTests:
    """What the lowest table of a summary says."""

    jarque_bera: tuple[float, float, float, float]  # statistic, p-value, skewness, kurtosis
    omnibus: tuple[float, float]  # D'Agostino and Pearson's statistic, p-value; NaN below 8 rows
    durbin_watson: float  # sum of squared steps over that of squares; NaN without order


def residual_tests(state: ResidualMomentsState, ordered: bool = True) -> ResidualTests:
    """Jarque-Bera, omnibus and, of rows in order, Durbin-Watson from moments of residuals."""
    n = state.n
    with np.errstate(divide="ignore", invalid="ignore"):
        m2 = np.float64(state.m2) / n
        skew = np.float64(state.m3) / n / m2**1.5
        kurtosis = np.float64(state.m4) / n / m2**2
        statistic = n / 6 * (skew**2 + (kurtosis - 3) ** 2 / 4)
        watson = np.float64(state.steps) / (state.m2 + n * state.mean**2)
    bera = (statistic, stats.chi2.sf(statistic, 2), skew, kurtosis)
    return ResidualTests(
        tuple(map(float, bera)),  # type: ignore[arg-type]
        _omnibus(float(skew), float(kurtosis), n),
        float(watson) if ordered else np.nan,
    )


def _omnibus(skew: float, kurtosis: float, n: int) -> tuple[float, float]:
    """Skewness and kurtosis made normal, squared and added.

    References
    ----------
    D'Agostino (1970), Biometrika 57, 679-681; Anscombe, Glynn (1983), Biometrika
    70, 227-234; as in `scipy.stats.skewtest` and `scipy.stats.kurtosistest`.
    """
    if n < 8:
        warn_caller(
            f"omni_normtest is not valid with less than 8 observations; {n} samples were given.",
            ValueWarning,
        )
        return np.nan, np.nan
    statistic = _normal_skew(skew, n) ** 2 + _normal_kurtosis(kurtosis, n) ** 2
    return float(statistic), float(stats.chi2.sf(statistic, 2))


def _normal_skew(skew: float, n: int) -> float:
    y = skew * np.sqrt((n + 1) * (n + 3) / (6.0 * (n - 2)))
    beta2 = 3.0 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3)
    beta2 /= (n - 2.0) * (n + 5) * (n + 7) * (n + 9)
    w2 = -1 + np.sqrt(2 * (beta2 - 1))
    delta = 1 / np.sqrt(0.5 * np.log(w2))
    alpha = np.sqrt(2.0 / (w2 - 1))
    y = 1.0 if y == 0 else y
    return float(delta * np.log(y / alpha + np.sqrt((y / alpha) ** 2 + 1)))


def _normal_kurtosis(kurtosis: float, n: int) -> float:
    expected = 3.0 * (n - 1) / (n + 1)
    variance = 24.0 * n * (n - 2) * (n - 3) / ((n + 1) * (n + 1.0) * (n + 3) * (n + 5))
    x = (kurtosis - expected) / np.sqrt(variance)
    root_beta1 = 6.0 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9))
    root_beta1 *= np.sqrt((6.0 * (n + 3) * (n + 5)) / (n * (n - 2) * (n - 3)))
    a = 6.0 + 8.0 / root_beta1 * (2.0 / root_beta1 + np.sqrt(1 + 4.0 / (root_beta1**2)))
    term = 1 - 2 / (9.0 * a)
    denominator = 1 + x * np.sqrt(2 / (a - 4.0))
    power = np.sign(denominator) * np.cbrt((1 - 2.0 / a) / np.abs(denominator))
    return float((term - power) / np.sqrt(2 / (9.0 * a)))
