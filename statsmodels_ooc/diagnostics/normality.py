"""What the lowest table of a summary says of the residuals."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.stats import stattools

from statsmodels_ooc.diagnostics.subject import Subject, subject
from statsmodels_ooc.results.covariance.linear import residual_moments
from statsmodels_ooc.solvers.residual_tests import ResidualTests, residual_tests


def durbin_watson(res: Any) -> float:
    r"""Durbin and Watson's statistic of serial correlation, in order; the pass of the summary.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory its ``wresid`` are handed to statsmodels.

    Returns
    -------
    float
        Between 0 and 4, near 2 where neighbours are not correlated.

    Raises
    ------
    RowOrderError
        The order of rows means nothing.

    Notes
    -----
    :math:`\sum_{t=2}^n (e_t - e_{t-1})^2 / \sum e_t^2` of the whitened residuals, as in the
    summary.

    References
    ----------
    Durbin, Watson (1950). Testing for serial correlation in least squares regression: I.
    Biometrika 37, 409-428.
    """
    about = subject(res, "durbin_watson", "residuals")
    if about is None:
        return float(stattools.durbin_watson(np.asarray(res.wresid)))
    about.require_order()
    return _tests(about).durbin_watson


def jarque_bera(res: Any) -> tuple[float, float, float, float]:
    r"""Jarque and Bera's test of normality, in any order; the pass of the summary.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory its ``wresid`` are handed to statsmodels.

    Returns
    -------
    JB, JBpv, skew, kurtosis : float
        The statistic, its p-value, and the moments of the whitened residuals.

    Notes
    -----
    :math:`JB = n (S^2 / 6 + (K - 3)^2 / 24)`, chi-squared with two degrees of freedom.

    References
    ----------
    Jarque, Bera (1987). A test for normality of observations and regression residuals.
    International Statistical Review 55, 163-172.
    """
    about = subject(res, "jarque_bera", "residuals")
    if about is None:
        found: tuple[float, float, float, float] = stattools.jarque_bera(np.asarray(res.wresid))
        return found
    return _tests(about).jarque_bera


def omni_normtest(res: Any) -> tuple[float, float]:
    r"""D'Agostino and Pearson's test of normality, in any order; the pass of the summary.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory its ``wresid`` are handed to statsmodels.

    Returns
    -------
    statistic, pvalue : float
        NaN for fewer than eight rows, with a ``ValueWarning``.

    Notes
    -----
    The squares of skewness and kurtosis, each made normal, add up to a chi-squared statistic of
    two degrees of freedom.

    References
    ----------
    D'Agostino, Pearson (1973). Tests for departure from normality. Biometrika 60, 613-622.
    """
    about = subject(res, "omni_normtest", "residuals")
    if about is None:
        statistic, pvalue = stattools.omni_normtest(np.asarray(res.wresid))
        return float(statistic), float(pvalue)
    return _tests(about).omnibus


def _tests(about: Subject) -> ResidualTests:
    (moments,) = about.ask_all(residual_moments(about.params))
    return residual_tests(moments)
