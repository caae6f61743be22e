"""Whether parameters stay what they are from the first row to the last."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats import diagnostic as sd

from statsmodels_ooc.diagnostics.subject import require_ddof, subject
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.cumulative import CumulatedScores, CumulatedScoresState, Cusum

# The critical values that statsmodels tabulates.
_CUSUM = [(1, 1.63), (5, 1.36), (10, 1.22)]
_HANSEN = [(2, 1.01), (6, 1.9), (15, 3.75), (19, 4.52)]


def breaks_cusumolsresid(res: Any, ddof: int = 0) -> tuple[float, float, list[tuple[int, float]]]:
    r"""Ploberger and Krämer's test of the cumulated residuals: one pass, in order.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS, whose ``resid`` are tested; in memory they are handed to statsmodels.
    ddof : int
        Degrees of freedom that the residuals have used up.

    Returns
    -------
    sup_b : float
        The largest absolute cumulated residual, scaled.
    pval : float
        Its p-value, by the limit, a Brownian bridge.
    crit : list of (int, float)
        Levels in percent, and critical values.

    Raises
    ------
    RowOrderError
        The order of rows means nothing.

    Notes
    -----
    .. math:: \max_t \Bigl|\sum_{i \le t} e_i\Bigr| \Big/ \sqrt{n s^2}, \qquad
       s^2 = \frac{1}{n - d} \sum e_i^2.

    Residuals of WLS are :math:`y - X\hat\beta`; the limit is that of a model with a constant.

    References
    ----------
    Ploberger, Krämer (1992). The CUSUM test with OLS residuals. Econometrica 60, 271-285.
    """
    about = subject(res, "breaks_cusumolsresid", "residuals")
    if about is None:
        found: tuple[float, float, list[tuple[int, float]]] = sd.breaks_cusumolsresid(
            res.resid, ddof
        )
        return found
    require_ddof(about, ddof)
    about.require_order()
    state = about.ask(Cusum(about.params), lambda state: state)
    squares = state.squares
    if ddof > 0:
        squares = squares / (about.nobs - ddof) * about.nobs
    with np.errstate(divide="ignore", invalid="ignore"):
        sup_b = float(max(state.highest, -state.lowest) / np.sqrt(np.float64(squares)))
    return sup_b, float(stats.kstwobign.sf(sup_b)), list(_CUSUM)


def breaks_hansen(res: Any) -> tuple[float, Any]:
    r"""Hansen's test that parameters and variance are stable: one pass, in order.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory it is handed to statsmodels.

    Returns
    -------
    teststat : float
        The statistic.
    crit : ndarray
        Numbers of parameters, and critical values at the level of five percent, as statsmodels
        has them.

    Raises
    ------
    RowOrderError
        The order of rows means nothing.

    Notes
    -----
    With :math:`f_t = (x_t e_t, e_t^2 - \overline{e^2})` and :math:`S_t = \sum_{i \le t} f_i`,

    .. math:: H = \operatorname{tr}\Bigl[\bigl(n \sum f_t f_t'\bigr)^{-1} \sum S_t S_t'\Bigr].

    The scores of WLS are :math:`w_t x_t e_t` and :math:`w_t e_t^2`, which add up to zero;
    statsmodels takes them without weights, where they do not. Of a design of short rank, what it
    determines is tested; scores that are zero in all rows, such as those of a coefficient that
    one row determines alone, are left out, where statsmodels divides rounding by rounding.

    References
    ----------
    Hansen (1992). Testing for parameter instability in linear models. J. Policy Modeling 14,
    517-533.
    """
    about = subject(res, "breaks_hansen")
    if about is None:
        found: tuple[float, Any] = sd.breaks_hansen(res)
        return found
    about.require_order()
    axes = Axes(about.fit.root, about.fit.centre)
    variance = float(about.results.ssr) / about.nobs
    state = about.ask(CumulatedScores(about.params, axes, variance), lambda state: state)
    kind = [("nobs", int), ("crit", float)]
    facts = about.results.model.likelihood.facts
    largest = max(abs(facts.low[-1]), abs(facts.high[-1]))
    return _hansen(state, variance, largest), np.array(_HANSEN, dtype=kind)


_EPS = float(np.finfo(np.float64).eps)
_ROUNDING = 64 * _EPS  # of a residual, by the largest response


def _hansen(state: CumulatedScoresState, variance: float, largest: float) -> float:
    """The trace over directions in which there are scores, of which sums are about one."""
    if variance == 0:
        return float("nan")
    units = np.full(len(state.total), np.sqrt(variance))
    units[-1] = np.sqrt(state.products[-1, -1]) or 1.0
    values, vectors = np.linalg.eigh(state.products / np.outer(units, units))
    decomposition = 4 * len(values) * _EPS * values[-1]
    kept = values > max((_ROUNDING * largest) ** 2 / variance, decomposition)
    paths = vectors.T @ (state.squares / np.outer(units, units)) @ vectors
    return float(np.sum(np.diag(paths)[kept] / values[kept])) / state.n
