"""Whether the mean is linear in the columns: RESET, and the Lagrange multiplier test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats import diagnostic as sd
from statsmodels.stats.contrast import ContrastResults

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import whole_number
from statsmodels_ooc.diagnostics.robust import CLASSIC, robust_covariance, wald
from statsmodels_ooc.diagnostics.rows import Directions, WithPowers, WithTransformed
from statsmodels_ooc.diagnostics.subject import Subject, factor_of_design, subject
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.reductions.auxiliary import Auxiliary
from statsmodels_ooc.reductions.between import Between
from statsmodels_ooc.reductions.least_squares import Triangle, triangularize
from statsmodels_ooc.results.covariance.registry import LINEAR, checked
from statsmodels_ooc.solvers.auxiliary import Regression, regress
from statsmodels_ooc.solvers.dependence import noise

_KINDS = ("fitted", "exog", "princomp")


def linear_reset(
    res: Any,
    power: int | Sequence[int] = 3,
    test_type: str = "fitted",
    use_f: bool = False,
    cov_type: str = CLASSIC,
    cov_kwds: Any = None,
) -> Any:
    r"""Ramsey's RESET test of neglected nonlinearity: one pass, two with a robust covariance.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory it is handed to statsmodels.
    power : int or list of int
        The largest power, from 2 on, or all of them.
    test_type : {"fitted", "exog", "princomp"}
        What is raised to the powers: fitted values, the columns that have more than two values,
        or the first principal component of the columns but the constant.
    use_f : bool
        Whether to use the F distribution, not the chi-squared one.
    cov_type, cov_kwds : str, dict
        The covariance of the augmented regression, as for `OLS.fit`.

    Returns
    -------
    ContrastResults
        The Wald test of the powers.

    Raises
    ------
    DesignError
        All powers follow from the design.
    ValueError
        A covariance that there is not, powers, or a design, of which there is no test.

    Notes
    -----
    .. math:: y = X\beta + Z\gamma + u, \qquad H_0: \gamma = 0,

    with the powers Z. Where all from 2 on are asked for and the design holds a constant, they are
    those of values about the middle of the range, which span the same and keep their digits.
    Principal components are exact, where statsmodels iterates to 5e-8; those of a design with
    weights take one pass more. The augmented regression has no weights, as in statsmodels. The
    order of rows plays no part.

    References
    ----------
    Ramsey (1969). Tests for specification errors in classical linear least-squares regression
    analysis. J. R. Stat. Soc. B 31, 350-371.
    """
    about = subject(res, "linear_reset")
    if about is None:
        return sd.linear_reset(res, power, test_type, use_f, cov_type, cov_kwds)
    if about.results.model.k_constant and about.k == 1:
        raise ValueError(
            "exog contains only a constant column. The RESET test requires exog to have at least "
            "1 non-constant column."
        )
    if test_type not in _KINDS:
        raise ValueError(f"test_type is one of {', '.join(_KINDS)}, not {test_type!r}")
    checked(LINEAR, cov_type, cov_kwds)
    powers = _powers(power)
    rows, fit = _augmented(about, test_type, powers)
    added = range(about.k, len(fit.params))
    f, df = fit.f_test(added)
    _require_directions(about, df)
    if cov_type == CLASSIC:
        return _contrast(f * df, df, fit.df_resid, use_f)
    kind, options = (cov_type, cov_kwds), (about.name, test_type, powers)
    robust = robust_covariance(about, fit, rows, kind, options)
    df_resid = robust.attributes.get("df_resid_inference", fit.df_resid)
    return _contrast(*wald(fit.params, robust.cov, added), df_resid, use_f)


def _require_directions(about: Subject, df: int) -> None:
    """Refuse added columns that all follow from the design.

    Raises
    ------
    DesignError
        They do.
    """
    if df == 0:
        raise DesignError(
            f"{about.name}: the added columns are combinations of those of the design, which "
            "leaves nothing to test",
            hint="powers of columns of two values are the columns again",
        )


def _powers(power: Any) -> tuple[int, ...]:
    if isinstance(power, int | np.integer):
        if power < 2:
            raise ValueError("power must be >= 2")
        return tuple(range(2, int(power) + 1))
    if isinstance(power, str) or not isinstance(power, Iterable):
        raise ValueError("power must be an integer or list of integers")
    powers = tuple(whole_number("power", each, 2) for each in power)
    if not powers or len(set(powers)) < len(powers):
        raise ValueError("power must contains distinct integers all >= 2")
    return powers


def _augmented(about: Subject, kind: str, powers: tuple[int, ...]) -> tuple[WithPowers, Regression]:
    """The rows of the augmented regression, and its fit."""
    k = about.k
    centred = bool(about.results.model.k_constant) and powers == tuple(range(2, len(powers) + 2))
    if kind != "exog":
        scores = _fitted(about, centred) if kind == "fitted" else _component(about)
        rows, q = WithPowers(scores, powers), k + len(powers)
        found = about.ask(Auxiliary(rows, Triangle(q), q), _solved(about.nobs), kind, powers)
        return rows, found
    facts = about.results.model.likelihood.facts
    low, high = facts.low[:-1], facts.high[:-1]
    moving = np.flatnonzero(low < high)
    rows = WithPowers(_columns(about, moving, centred), powers)
    q = k + len(moving) * len(powers)
    between, r = about.ask_all(
        about.question(Between(low, high), lambda state: state, kind),
        about.question(Auxiliary(rows, Triangle(q), q), lambda state: state.r, kind, powers),
    )
    kept = between[moving]
    if not kept.any():
        raise ValueError("Model contains only constant or binary data")
    columns = np.concatenate((np.ones(k, dtype=bool), np.tile(kept, len(powers))))
    chosen = triangularize(r[:, np.concatenate(([True], columns, [True]))])
    rows = WithPowers(_columns(about, moving[kept], centred), powers)
    return rows, regress(chosen, about.nobs)


def _solved(nobs: int) -> Callable[[Any], Regression]:
    return lambda state: regress(state.r, nobs)


def _fitted(about: Subject, centred: bool) -> Directions:
    """Fitted values, in units of the range of the response."""
    facts = about.results.model.likelihood.facts
    origin, unit = _range(facts.low[-1:], facts.high[-1:], centred)
    return Directions(about.params[:, None] / unit, origin / unit, about.fit.centre)


def _columns(about: Subject, at: NDArray[np.intp], centred: bool) -> Directions:
    """Some columns, in units of their range."""
    facts = about.results.model.likelihood.facts
    origin, unit = _range(facts.low[at], facts.high[at], centred)
    chosen = np.zeros((about.k, len(at)))
    chosen[at, np.arange(len(at))] = 1 / unit
    return Directions(chosen, origin / unit, np.zeros(about.k))


def _range(low: FloatArray, high: FloatArray, centred: bool) -> tuple[FloatArray, FloatArray]:
    """From where values are measured, and in which units."""
    if centred:
        origin, unit = (low + high) / 2, (high - low) / 2
    else:
        origin, unit = np.zeros(len(low)), np.maximum(np.abs(low), np.abs(high))
    return origin, np.where(unit > 0, unit, 1.0)


def _component(about: Subject) -> Directions:
    """The first principal component: of standardised columns where there is a constant."""
    k, n, centre = about.k, about.nobs, about.fit.centre
    if not about.results.model.k_constant:
        r = about.fit.r_exog if not about.weighted else factor_of_design(about)[:, 1:]
        component = np.linalg.svd(r)[2][0]
        unit = np.linalg.norm(r @ component) / np.sqrt(n)
        return Directions(component[:, None] / unit, np.zeros(1), centre)
    r = factor_of_design(about)
    at, others = np.zeros(k), [j for j in range(k) if j != about.constant]
    columns = r[1:, [1 + j for j in others]]
    spread = np.linalg.norm(columns, axis=0)
    moves = spread > noise(n, k) * np.linalg.norm(r[:, [1 + j for j in others]], axis=0)
    others, columns, spread = list(np.array(others)[moves]), columns[:, moves], spread[moves]
    at[others] = np.linalg.svd(columns / spread)[2][0] / spread * np.sqrt(n)
    means = r[0, 1:] / r[0, 0]
    return Directions(at[:, None], np.array([means @ at]), centre)


def _contrast(statistic: float, df: int, df_resid: int, use_f: bool) -> Any:
    """Statsmodels' answer to a chi-squared statistic."""
    if use_f:
        return ContrastResults(F=statistic / df, df_denom=df_resid, df_num=df)
    return ContrastResults(
        chi2=statistic, df_denom=df, statistic=statistic, distribution="chi2", distargs=(df,)
    )


def linear_lm(
    res: Any, func: Callable[[FloatArray], FloatArray] | None = None
) -> tuple[float, float, Any]:
    r"""Lagrange multiplier test of linearity against functions of the columns: one pass.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory it is handed to statsmodels.
    func : callable, optional
        Columns of the design but the constant, (b, c) for any number of rows, to as many others;
        squares by default. Row by row, and picklable on a cluster. Each call reads the rows.

    Returns
    -------
    lm, lm_pval : float
        The Lagrange multiplier statistic, and its p-value.
    ftest : ContrastResults
        The F test of the same.

    Raises
    ------
    DesignError
        The function gives something else, values that are no numbers, or columns that follow
        from the design.

    Notes
    -----
    Residuals are regressed on the design and what the function makes of it; the statistic is
    :math:`n R^2`, and its degrees of freedom are those by which the rank rises. Statsmodels
    leaves out the first column, whatever it is; here it is the constant, wherever it stands.
    Residuals of WLS are :math:`y - X\hat\beta`, and rows have no weights, as where ``res.resid``
    and ``res.model.exog`` are given to statsmodels. The order of rows plays no part.

    References
    ----------
    Engle (1984). Wald, likelihood ratio, and Lagrange multiplier tests in econometrics. Handbook
    of Econometrics 2, 775-826.
    """
    about = subject(res, "linear_lm")
    if about is None:
        found: tuple[float, float, Any] = sd.linear_lm(res.resid, res.model.exog, func)
        return found
    at = np.array([j for j in range(about.k) if j != about.constant], dtype=np.intp)
    if len(at) == 0:
        raise ValueError("linear_lm needs a column beside the constant")
    q = about.k + len(at)
    if func is None:
        scores = _columns(about, at, bool(about.results.model.k_constant))
        squares = WithPowers(scores, (2,), about.params)
        fit: Regression = about.ask(Auxiliary(squares, Triangle(q), q), _solved(about.nobs))
    else:  # not remembered: nothing tells whether two functions are one
        made = WithTransformed(about.params, tuple(at.tolist()), func)
        (state,) = about.rows().fold(about.name, Auxiliary(made, Triangle(q), q))
        fit = regress(state.r, about.nobs)
    f, df = fit.f_test(range(about.k, q))
    _require_directions(about, df)
    lm = about.nobs * fit.rsquared
    test = ContrastResults(F=f, df_denom=fit.df_resid, df_num=df)
    return lm, float(stats.chi2.sf(lm, df)), test
