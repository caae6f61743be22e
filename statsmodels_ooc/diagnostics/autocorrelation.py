"""Whether residuals, or their squares, depend on those of the rows before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats import diagnostic as sd
from statsmodels.stats.diagnostic import LMTestResult, ResultsStore
from statsmodels.tsa.stattools import acf

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import whole_number
from statsmodels_ooc.diagnostics.robust import CLASSIC, check_covariance, covariance, wald
from statsmodels_ooc.diagnostics.rows import LaggedResiduals
from statsmodels_ooc.diagnostics.subject import Subject, require_ddof, subject
from statsmodels_ooc.diagnostics.tuples import changing_tuple
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.reductions.autocovariance import Autocovariance
from statsmodels_ooc.reductions.auxiliary import Lagged, LaggedState
from statsmodels_ooc.reductions.least_squares import Triangle, TriangleState
from statsmodels_ooc.solvers.auxiliary import Regression, ratio, regress


def acorr_breusch_godfrey(
    res: Any, nlags: int | None = None, store: bool = False, *, result_object: bool | None = None
) -> Any:
    r"""Breusch and Godfrey's Lagrange multiplier test of serial correlation: one pass, in order.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory it is handed to statsmodels.
    nlags : int, optional
        How many lags; at most ten, and a fifth of the rows, by default.
    store : bool
        Whether the answer holds the auxiliary regression, as `resols` of `res_store`.
    result_object : bool, optional
        Whether to give a named tuple; a plain one is statsmodels' default, which warns.

    Returns
    -------
    lm, lmpval, fval, fpval : float
        The Lagrange multiplier statistic, the F statistic of the lags, and their p-values.
    res_store : ResultsStore
        With `store`.

    Raises
    ------
    RowOrderError
        The order of rows means nothing.

    Notes
    -----
    Residuals are regressed on the design, a constant where it has none, and lags,

    .. math:: e_t = x_t'\gamma + \sum_{l=1}^{L} \rho_l e_{t-l} + u_t, \qquad H_0: \rho = 0,

    where residuals before the first are zero. Residuals of WLS are :math:`y - X\hat\beta`, and
    the design has no weights, as in statsmodels. Rows that were dropped leave no gap.

    References
    ----------
    Breusch (1978). Testing for autocorrelation in dynamic linear models. Australian Economic
    Papers 17, 334-355. Godfrey (1978). Testing against general autoregressive and moving average
    error models when the regressors include lagged dependent variables. Econometrica 46,
    1293-1301.
    """
    about = subject(res, "acorr_breusch_godfrey")
    if about is None:
        return sd.acorr_breusch_godfrey(res, nlags, store, result_object=result_object)
    lags = _lags(about, nlags)
    ones = not about.results.k_constant
    q = about.k + ones
    lagged = Lagged(
        LaggedResiduals(about.params, design=True, ones=ones), lags, Triangle(q + lags), q
    )
    about.require_order()
    fit: Regression = about.ask(
        lagged, lambda state: _regression(lagged, state, about.nobs, zeros_before=True), lags
    )
    fval, df = fit.f_test(range(q, q + lags))
    lm = about.nobs * fit.rsquared
    found = LMTestResult(
        lm,
        float(stats.chi2.sf(lm, lags)),
        fval,
        float(stats.f.sf(fval, df, fit.df_resid)),
        _stored(fit, lags, store),
    )
    return changing_tuple("acorr_breusch_godfrey", found, 4, store, result_object)


def acorr_lm(
    res: Any,
    nlags: int | None = None,
    store: bool = False,
    *,
    period: int | None = None,
    ddof: int = 0,
    cov_type: str = CLASSIC,
    cov_kwds: Any = None,
    result_object: bool | None = None,
) -> Any:
    r"""Lagrange multiplier test that residuals do not depend on their lags: one pass, in order.

    Two with a robust covariance.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS, whose ``resid`` are tested; in memory they are handed to statsmodels.
    nlags : int, optional
        How many lags; at most ten, and a fifth of the rows, by default.
    store : bool
        Whether the answer holds the auxiliary regression, as `resols` of `res_store`.
    period : int, optional
        Of a seasonal series: two of them are the lags by default, or a fifth of the rows.
    ddof : int
        Degrees of freedom that the residuals have used up.
    cov_type : {"nonrobust", "HC0", "HC1", "HC2", "HC3"}
        Of the auxiliary regression.
    cov_kwds : dict, optional
        None of these takes any.
    result_object : bool, optional
        Whether to give a named tuple; a plain one is statsmodels' default, which warns.

    Returns
    -------
    lm, lmpval, fval, fpval : float
        The Lagrange multiplier statistic, the F statistic of the lags, and their p-values.
    res_store : ResultsStore
        With `store`.

    Raises
    ------
    NotImplementedError
        Another covariance.
    RowOrderError
        The order of rows means nothing.

    Notes
    -----
    .. math:: e_t = \gamma + \sum_{l=1}^{L} \rho_l e_{t-l} + u_t, \qquad t = L + 1, \dots, n,

    and the statistic is :math:`(n - L - d) R^2`, or a Wald statistic of the lags where the
    covariance is robust. Residuals of WLS are :math:`y - X\hat\beta`. Rows that were dropped
    leave no gap.

    References
    ----------
    Breusch, Pagan (1980). The Lagrange multiplier test and its applications to model
    specification in econometrics. Review of Economic Studies 47, 239-253.
    """
    about = subject(res, "acorr_lm", "residuals")
    if about is None:
        return sd.acorr_lm(
            res.resid,
            nlags,
            store,
            period=period,
            ddof=ddof,
            cov_type=cov_type,
            cov_kwds=cov_kwds,
            result_object=result_object,
        )
    found = _lm_of_lags(about, _lags(about, nlags, period), 1, store, ddof, cov_type, cov_kwds)
    return changing_tuple("acorr_lm", found, 4, store, result_object)


def het_arch(
    res: Any,
    nlags: int | None = None,
    store: bool = False,
    ddof: int = 0,
    *,
    result_object: bool | None = None,
) -> Any:
    r"""Engle's test that the variance does not depend on residuals before: one pass, in order.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS, whose ``resid`` are tested; in memory they are handed to statsmodels.
    nlags : int, optional
        How many lags; at most ten, and a fifth of the rows, by default.
    store : bool
        Whether the answer holds the auxiliary regression, as `resols` of `res_store`.
    ddof : int
        Degrees of freedom that the residuals have used up.
    result_object : bool, optional
        Whether to give a named tuple; a plain one is statsmodels' default, which warns.

    Returns
    -------
    lm, lmpval, fval, fpval : float
        The Lagrange multiplier statistic, the F statistic of the lags, and their p-values.
    res_store : ResultsStore
        With `store`.

    Raises
    ------
    RowOrderError
        The order of rows means nothing.

    Notes
    -----
    `acorr_lm` of the squared residuals. Rows that were dropped leave no gap.

    References
    ----------
    Engle (1982). Autoregressive conditional heteroscedasticity with estimates of the variance of
    United Kingdom inflation. Econometrica 50, 987-1007.
    """
    about = subject(res, "het_arch", "residuals")
    if about is None:
        return sd.het_arch(res.resid, nlags, store, ddof, result_object=result_object)
    found = _lm_of_lags(about, _lags(about, nlags), 2, store, ddof, CLASSIC, None)
    return changing_tuple("het_arch", found, 4, store, result_object)


def _lm_of_lags(
    about: Subject, lags: int, power: int, store: bool, ddof: int, cov_type: str, cov_kwds: Any
) -> LMTestResult:
    """The regression of a power of the residuals on a constant and lags, and its tests."""
    check_covariance(about.name, cov_type, cov_kwds)
    require_ddof(about, ddof)
    about.require_order()
    rows = LaggedResiduals(about.params, power, ones=True)
    nobs, slopes = about.nobs - lags, range(1, lags + 1)
    lagged = Lagged(rows, lags, Triangle(1 + lags), 1)
    fit: Regression = about.ask(lagged, lambda state: _regression(lagged, state, nobs), lags)
    if cov_type == CLASSIC:
        lm = (nobs - ddof) * fit.rsquared
        lmpval = float(stats.chi2.sf(lm, lags))
        fval, fpval = fit.fvalue, fit.f_pvalue
    else:
        cov = covariance(
            fit,
            cov_type,
            lambda meat: about.ask(
                Lagged(rows, lags, meat, 1), lambda state: state.folded, lags, "meat"
            ),
        )
        lm, df = wald(fit.params, cov, slopes)
        fval = ratio(lm, df)
        lmpval = float(stats.chi2.sf(lm, df))
        fpval = float(stats.f.sf(fval, df, fit.df_resid))
    return LMTestResult(lm, lmpval, fval, fpval, _stored(fit, lags, store))


def _regression(
    lagged: Lagged[TriangleState],
    state: LaggedState[TriangleState],
    nobs: int,
    *,
    zeros_before: bool = False,
) -> Regression:
    return regress(lagged.folded(state, zeros_before=zeros_before).r, nobs)


def _stored(fit: Regression, lags: int, store: bool) -> Any:
    if not store:
        return None
    kept = ResultsStore()
    kept.resols, kept.usedlag = fit, lags
    return kept


def _lags(about: Subject, nlags: int | None, period: int | None = None) -> int:
    """How many lags are meant, as statsmodels has it.

    Raises
    ------
    DesignError
        None, or as many as leave no degrees of freedom.
    """
    most = 10 if period is None else 2 * whole_number("period", period, 1)
    lags = min(most, about.nobs // 5) if nlags is None else whole_number("nlags", nlags, 0)
    if lags < 1 or about.nobs < 2 * (lags + 1):
        raise DesignError(
            f"{about.name}: {lags:,} lags of {about.nobs:,} rows",
            hint="there is at least one lag, and more rows than twice as many",
        )
    return lags


def acorr_ljungbox(
    res: Any,
    lags: Any = None,
    boxpierce: bool = False,
    model_df: int = 0,
    period: int | None = None,
    return_df: bool = True,
    auto_lag: bool = False,
) -> pd.DataFrame:
    r"""Ljung and Box's test of serial correlation: one pass, in order.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS, whose ``resid`` are tested; in memory they are handed to statsmodels.
    lags : int or list of int, optional
        The largest lag, or all of interest; up to ten, and a fifth of the rows, by default.
    boxpierce : bool
        Whether Box and Pierce's statistic is told, too.
    model_df : int
        Degrees of freedom that the residuals have used up.
    period : int, optional
        Of a seasonal series: two of them are the lags by default, or a fifth of the rows.
    return_df : bool
        Not used, as in statsmodels.
    auto_lag : bool
        Whether to choose the lags by a threshold, as statsmodels does. That needs as many lags
        as rows, of residuals smaller than ``smo.options.array_limit``, which are read into memory.

    Returns
    -------
    DataFrame
        ``lb_stat`` and ``lb_pvalue``, also ``bp_stat`` and ``bp_pvalue``, for each lag.

    Raises
    ------
    NotImplementedError
        With `auto_lag`, for more residuals than that.
    RowOrderError
        The order of rows means nothing.

    Notes
    -----
    With the autocorrelations r of the residuals,

    .. math:: Q_L = n (n + 2) \sum_{l=1}^{L} \frac{r_l^2}{n - l},

    is chi-squared with L degrees of freedom, less `model_df`. Residuals of WLS are
    :math:`y - X\hat\beta`. Rows that were dropped leave no gap.

    References
    ----------
    Ljung, Box (1978). On a measure of a lack of fit in time series models. Biometrika 65,
    297-303.
    """
    about = subject(res, "acorr_ljungbox", "residuals")
    if about is None:
        given = (lags, boxpierce, model_df, period, return_df, auto_lag)
        in_memory: pd.DataFrame = sd.acorr_ljungbox(res.resid, *given)
        return in_memory
    if period is not None:
        period = whole_number("period", period, 2)
    model_df = whole_number("model_df", model_df, 0)
    about.require_order()
    if auto_lag:
        e = about.resid_in_memory("auto_lag=True needs as many lags as rows")
        correlations = acf(e, nlags=len(e) - 1, fft=True)
        chosen = _lags_by_threshold(correlations, boxpierce)
    else:
        chosen = _chosen_lags(about, lags, period)
        correlations = _autocorrelations(about, int(chosen.max()))
    n, most = about.nobs, int(chosen.max())
    squares = np.square(correlations[1 : most + 1])
    box = n * (n + 2) * np.cumsum(squares / (n - np.arange(1, most + 1)))
    df = (chosen - model_df).astype(np.float64)
    df[df <= 0] = np.nan
    table = {"lb_stat": box[chosen - 1], "lb_pvalue": stats.chi2.sf(box[chosen - 1], df)}
    if boxpierce:
        pierce = n * np.cumsum(squares)[chosen - 1]
        table |= {"bp_stat": pierce, "bp_pvalue": stats.chi2.sf(pierce, df)}
    return pd.DataFrame(table, index=chosen)


def _autocorrelations(about: Subject, most: int) -> FloatArray:
    """Those of the lags 0 to L, (L + 1,)."""
    state = about.ask(Autocovariance(about.params, most), lambda state: state, most)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = state.products / state.products[0]
    return found


def _lags_by_threshold(correlations: FloatArray, boxpierce: bool) -> Any:
    """The lags that statsmodels chooses, 1 to L, by a penalised statistic.

    References
    ----------
    Escanciano, Lobato (2009). An automatic portmanteau test for serial correlation. J.
    Econometrics 151, 140-149.
    """
    n, squares = len(correlations), np.square(correlations[1:])
    lags = np.arange(1, n)
    total = n * np.cumsum(squares) if boxpierce else n * (n + 2) * np.cumsum(squares / (n - lags))
    is_low = np.abs(correlations).max() * np.sqrt(n) <= np.sqrt(2.4 * np.log(n))
    penalised = total - lags * (np.log(n) if is_low else 2.0)
    return np.arange(1, max(1, int(np.argmax(penalised))) + 1)


def _chosen_lags(about: Subject, lags: Any, period: int | None) -> Any:
    n = about.nobs
    if period is not None:
        chosen = np.arange(1, min(n // 5, 2 * period) + 1)
    elif lags is None:
        chosen = np.arange(1, min(n // 5, 10) + 1)
    elif isinstance(lags, str) or not isinstance(lags, Iterable):
        chosen = np.arange(1, whole_number("lags", lags, 0) + 1)
    else:
        chosen = np.array([whole_number("lags", lag, 1) for lag in lags], dtype=np.intp)
    if len(chosen) == 0 or chosen.min() < 1 or chosen.max() >= n:
        raise DesignError(
            f"acorr_ljungbox: lags {lags!r} of {n:,} rows",
            hint="a lag is at least one, and smaller than the number of rows",
        )
    return chosen
