"""Whether the variance of the residuals depends on something."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats import diagnostic as sd
from statsmodels.stats.diagnostic import GoldfeldQuandtResult, ResultsStore

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import number_between
from statsmodels_ooc.diagnostics.rows import (
    SpecWhiteRows,
    SquaredResiduals,
    Standard,
    WhiteRows,
    Within,
)
from statsmodels_ooc.diagnostics.subject import Subject, column_values, position, subject
from statsmodels_ooc.diagnostics.tuples import changing_tuple
from statsmodels_ooc.errors import DesignError, OptionError
from statsmodels_ooc.reductions.auxiliary import Auxiliary
from statsmodels_ooc.reductions.exact import Means
from statsmodels_ooc.reductions.least_squares import Triangle, TriangleState, triangularize
from statsmodels_ooc.solvers.auxiliary import Regression, has_constant_column, ratio, regress
from statsmodels_ooc.solvers.dependence import lengths, noise


def het_breuschpagan(
    res: Any, exog_het: Any = None, robust: bool = True
) -> tuple[float, float, float, float]:
    r"""Breusch and Pagan's Lagrange multiplier test of heteroscedasticity: one pass.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory it is handed to statsmodels.
    exog_het : str, list of str, or array_like, (n, q), optional
        What the variance may depend on; by default the design. Columns of the data, or
        expressions in them, which stand beside a constant that is put before them; or an
        array, also of dask, with a row for each row of the model and a constant column.
    robust : bool
        Whether Koenker's version, for errors of any distribution, or the original for
        normal ones.

    Returns
    -------
    lm, lm_pvalue, fvalue, f_pvalue : float
        The Lagrange multiplier statistic, the F statistic, and their p-values.

    Raises
    ------
    ValueError
        There is no constant column, or nothing beside it.

    Notes
    -----
    Squared residuals are regressed on Z,

    .. math:: e_i^2 = \alpha_0 + z_i'\alpha + u_i, \qquad H_0: \alpha = 0.

    The statistic is :math:`n R^2`, or half the explained sum of squares of
    :math:`e_i^2 / \overline{e^2}`. Degrees of freedom are the rank less one; statsmodels
    counts columns. Of WLS the residuals are :math:`y - X\hat\beta`, without weights, as where
    ``res.resid`` and ``res.model.exog`` are given to statsmodels. The order of rows plays no part.

    References
    ----------
    Breusch, Pagan (1979). A simple test for heteroscedasticity and random coefficient
    variation. Econometrica 47, 1287-1294. Koenker (1981). A note on studentizing a test for
    heteroscedasticity. J. Econometrics 17, 107-112.
    """
    about = subject(res, "het_breuschpagan", "residuals")
    if about is None:
        given = res.model.exog if exog_het is None else exog_het
        found: tuple[float, float, float, float] = sd.het_breuschpagan(res.resid, given, robust)
        return found
    if exog_het is None:
        about.require_constant("The Breusch-Pagan")
        rows = SquaredResiduals(about.params)
        r: FloatArray = about.ask(Auxiliary(rows, Triangle(about.k), about.k), attrgetter("r"))
    else:
        r = _factor_beside(about, exog_het)
        if not has_constant_column(r) or r.shape[1] < 4:
            raise ValueError(
                "The Breusch-Pagan test requires exog_het to have at least two columns where one "
                "is a constant."
            )
    fit = regress(r, about.nobs)
    mean = r[0, -1] / r[0, 0]
    lm = about.nobs * fit.rsquared if robust else ratio(fit.ess, mean**2) / 2
    return lm, _chi2(lm, fit.df_model), fit.fvalue, fit.f_pvalue


def _factor_beside(about: Subject, exog_het: Any) -> FloatArray:
    codes = [exog_het] if isinstance(exog_het, str) else exog_het
    if isinstance(exog_het, str) and exog_het.lstrip().startswith("~"):
        raise OptionError(
            f"exog_het={exog_het!r} is a formula; it is a column, an expression, or a list of them",
            hint="['a', 'b'] for '~ a + b'",
        )
    if isinstance(codes, list | tuple) and not len(codes):
        raise OptionError(f"exog_het={exog_het!r} has no column")
    if isinstance(codes, list | tuple) and all(isinstance(code, str) for code in codes):
        given: dict[str, Any] = {f"exog_het {i}": code for i, code in enumerate(codes)}
        q, options = len(given) + 1, tuple(codes)
    else:
        values = exog_het if hasattr(exog_het, "shape") else np.asarray(exog_het)
        if len(values.shape) not in (1, 2):
            raise OptionError(
                f"exog_het={exog_het!r}; it is an array with a row for each row of the model, or "
                "columns of the data"
            )
        given, options = {"exog_het": values}, None
        q = 1 if len(values.shape) == 1 else int(values.shape[1])
    rows = SquaredResiduals(about.params, tuple(given), ones=options is not None)

    def read() -> FloatArray:
        state: TriangleState
        (state,) = about.rows(**given).fold(about.name, Auxiliary(rows, Triangle(q), q))
        return state.r

    r: FloatArray = read() if options is None else about.once(read, options)
    return r


def het_white(res: Any, interaction_terms: bool = True) -> tuple[float, float, float, float]:
    r"""White's Lagrange multiplier test of heteroscedasticity: one pass.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory it is handed to statsmodels.
    interaction_terms : bool
        Whether products of different columns belong to the auxiliary regression, beside squares.

    Returns
    -------
    lm, lm_pvalue, fvalue, f_pvalue : float
        The Lagrange multiplier statistic, the F statistic, and their p-values.

    Raises
    ------
    MemoryLimitError
        The products of k columns, k (k + 1) / 2 of them, do not fit; before the first read.
    ValueError
        There is no constant column, or nothing beside it.

    Notes
    -----
    Squared residuals are regressed on all products :math:`x_{ij} x_{il}`, and
    :math:`n R^2` is chi-squared with the rank less one degrees of freedom. With interactions the
    products are those of columns about their means, which span the same. Of WLS
    the residuals are :math:`y - X\hat\beta`, without weights, as where ``res.resid`` and
    ``res.model.exog`` are given to statsmodels. The order of rows plays no part.

    References
    ----------
    White (1980). A heteroskedasticity-consistent covariance matrix estimator and a direct test
    for heteroskedasticity. Econometrica 48, 817-838.
    """
    about = subject(res, "het_white", "residuals")
    if about is None:
        found: tuple[float, float, float, float] = sd.het_white(
            res.resid, res.model.exog, interaction_terms
        )
        return found
    about.require_constant("White's heteroskedasticity")
    rows: Any = SquaredResiduals(about.params, squared=True)
    q = about.k
    if interaction_terms:
        rows, q = WhiteRows(about.params, _standard(about)), q * (q + 1) // 2
    triangle = Auxiliary(rows, Triangle(q), q)
    answer: tuple[float, float, float, float] = about.ask(
        triangle, partial(_white, nobs=about.nobs), interaction_terms
    )
    return answer


def _white(state: TriangleState, nobs: int) -> tuple[float, float, float, float]:
    fit = regress(state.r, nobs)
    lm = nobs * fit.rsquared
    return lm, _chi2(lm, fit.df_model), fit.fvalue, fit.f_pvalue


def spec_white(res: Any) -> tuple[float, float, int]:
    r"""White's test of the first two moments: one pass; of WLS two.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory it is handed to statsmodels.

    Returns
    -------
    stat, pval : float
        The statistic, and its p-value.
    dof : int
        Degrees of freedom.

    Raises
    ------
    MemoryLimitError
        The products of k columns, k (k + 1) / 2 of them, do not fit; before the first read.
    ValueError
        There is no constant column, or nothing beside it.

    Notes
    -----
    With the products :math:`p_i` of all pairs of columns, and :math:`v_i = (p_i - \bar p)
    (e_i^2 - \overline{e^2})`,

    .. math:: \Bigl(\sum v_i\Bigr)' \Bigl(\sum v_i v_i'\Bigr)^{-} \Bigl(\sum v_i\Bigr),

    is the explained sum of squares of ones regressed on v: a triangular factor tells it.
    Degrees of freedom are the rank. Statsmodels leaves out the first product, which is the
    constant's where that comes first; here it is the constant's wherever it stands. The null
    hypothesis is that errors are homoscedastic and the mean is right. Residuals of WLS
    are those without weights. The order of rows plays no part.

    References
    ----------
    White (1980). A heteroskedasticity-consistent covariance matrix estimator and a direct test
    for heteroskedasticity. Econometrica 48, 817-838, theorem 2.
    """
    about = subject(res, "spec_white")
    if about is None:
        found: tuple[float, float, int] = sd.spec_white(res.resid, res.model.exog)
        return found
    if about.constant is None or about.k < 2:
        raise ValueError(
            "White's specification test requires at least two columns where one is a constant."
        )
    standard, q = _standard(about), about.k * (about.k + 1) // 2
    means, mean_square = _means_of_products(about, standard)
    rows = SpecWhiteRows(about.params, standard, means, mean_square)
    triangle = Auxiliary(rows, Triangle(q), q)
    answer: tuple[float, float, int] = about.ask(triangle, partial(_spec_white, nobs=about.nobs))
    return answer


def _spec_white(state: TriangleState, nobs: int) -> tuple[float, float, int]:
    fit = regress(_ones_on_columns(state.r, nobs), nobs)
    stat, rank = fit.uncentered_ess, fit.fit.rank
    return stat, _chi2(stat, rank), rank


def _ones_on_columns(r: FloatArray, nobs: int) -> FloatArray:
    """R of ``[1 | V | 1]`` from that of ``[1 | V | d]``, where V has d times columns of size one.

    What rounding leaves of columns that are zero, those of pairs that never meet, is taken out.
    """
    turned = r[:, [*range(r.shape[1] - 1), 0]]
    rounding = 8 * noise(nobs, r.shape[1]) * np.linalg.norm(r[:, -1])
    turned[:, 1:-1] *= np.linalg.norm(turned[:, 1:-1], axis=0) > rounding
    return triangularize(turned)


def het_goldfeldquandt(
    res: Any,
    idx: int | str | None = None,
    split: float | None = None,
    drop: float | None = None,
    alternative: str = "increasing",
    store: bool = False,
    *,
    result_object: bool | None = None,
) -> Any:
    r"""Goldfeld and Quandt's test that two groups of rows have one variance.

    One pass, of rows in order; two with `idx`, and a number of each row in memory.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory it is handed to statsmodels.
    idx : int or str, optional
        Number or name of a column of the design by whose values the rows are sorted; the order of
        rows by default. Rows of one value stay in their order, where statsmodels' is arbitrary.
    split : number, optional
        How many rows the first group has, or which share of them; half of them by default.
    drop : number, optional
        How many rows after those are left out, or which share of all.
    alternative : {"increasing", "decreasing", "two-sided"}
        How the variance of the second group differs.
    store : bool
        Whether the answer holds both regressions, as `resols1` and `resols2` of `res_store`.
    result_object : bool, optional
        Whether to give a named tuple; a plain one is statsmodels' default, which warns.

    Returns
    -------
    fval, pval : float
        The ratio of the residual variances, second to first, and its p-value.
    ordering : str
        The alternative.
    res_store : ResultsStore
        With `store`.

    Raises
    ------
    DesignError
        A group has no more rows than columns.
    RowOrderError
        Without `idx`: the order of rows means nothing.

    Notes
    -----
    :math:`F = s_2^2 / s_1^2` of two fits has the degrees of freedom of the second and the first;
    statsmodels takes them the other way round unless the test is two-sided, which matters where
    groups differ in size. Weights of WLS play no part, as in statsmodels.

    References
    ----------
    Goldfeld, Quandt (1965). Some tests for homoscedasticity. J. Am. Stat. Assoc. 60, 539-547.
    """
    about = subject(res, "het_goldfeldquandt")
    if about is None:
        return sd.het_goldfeldquandt(
            res.model.endog,
            res.model.exog,
            idx,
            split,
            drop,
            alternative,
            store,
            result_object=result_object,
        )
    if alternative not in _ALTERNATIVES:
        raise ValueError(f"alternative is one of {', '.join(_ALTERNATIVES)}, not {alternative!r}")
    n = about.nobs
    first = n // 2 if split is None else _count("split", split, n)
    second = first + (0 if drop is None else _count("drop", drop, n))
    if min(first, n - second) <= about.k:
        raise DesignError(
            f"het_goldfeldquandt: groups of {first:,} and {max(n - second, 0):,} rows, and "
            f"{about.k:,} columns; both need more rows than columns",
            hint="split and drop say where the groups end",
        )
    at = None if idx is None else position(about, idx)
    if at is None:
        about.require_order()
    low, high = about.once(lambda: _fits_of_groups(about, at, first, second), at, first, second)
    fval = ratio(high.mse_resid, low.mse_resid)
    larger, smaller = (f(fval, high.df_resid, low.df_resid) for f in (stats.f.sf, stats.f.cdf))
    pval = {
        "increasing": larger,
        "decreasing": smaller,
        "two-sided": 2 * min(larger, smaller),
    }[alternative]
    kept = None
    if store:
        kept = ResultsStore()
        kept.fval, kept.fpval, kept.ordering, kept.split = fval, pval, alternative, first
        kept.df_fval = (high.df_resid, low.df_resid)
        kept.resols1, kept.resols2 = low, high
    found = GoldfeldQuandtResult(fval, float(pval), alternative, kept)
    return changing_tuple("het_goldfeldquandt", found, 3, store, result_object)


_ALTERNATIVES = ("increasing", "decreasing", "two-sided")


def _count(name: str, given: Any, n: int) -> int:
    """A number of rows, or a share of them."""
    given = number_between(name, given, 0, n, f"from 0 to {n:,} rows, or a share of them")
    return int(n * given) if 0 < given < 1 else int(given)


def _fits_of_groups(
    about: Subject, idx: int | None, first: int, second: int
) -> tuple[Regression, Regression]:
    """The fits of the first rows of an order, and of those from another on."""
    n = about.nobs
    if idx is None:
        rows = about.rows().numbered("place")
    else:
        place = np.empty(n)
        place[np.argsort(column_values(about, idx), kind="stable")] = np.arange(n)
        rows = about.rows(place=place)
    triangle = Triangle(about.k)
    groups = [Within("place", 0, first), Within("place", second, n)]
    states = rows.fold(about.name, *(Auxiliary(group, triangle, about.k) for group in groups))
    low, high = (state.r for state in states)
    return regress(low, first), regress(high, n - second)


def _standard(about: Subject) -> Standard:
    """Columns about their means, as far as these are far from zero, in units of their lengths."""
    fit, constant = about.fit, about.constant
    assert constant is not None
    facts = about.results.model.likelihood.facts
    centre = fit.centre.copy()
    value, centre[constant] = facts.low[constant], 0.0
    shift = np.outer(fit.r_exog[:, constant], centre / value)
    unit = lengths(fit.r_exog - shift) / np.sqrt(about.nobs)
    unit[constant] = value
    return Standard(centre, unit)


def _means_of_products(about: Subject, standard: Standard) -> tuple[FloatArray, float]:
    """Means of the products of pairs of columns, and of the squared residuals."""
    n, fit, constant = about.nobs, about.fit, about.constant
    left, right = np.triu_indices(about.k)
    if about.weighted:
        q = len(left)
        rows = WhiteRows(about.params, standard)
        means: FloatArray = about.ask(
            Auxiliary(rows, Means(q), q), lambda state: state.mean(), "means"
        )
        return means[:-1], float(means[-1])
    shift = np.outer(fit.r_exog[:, constant], standard.centre / standard.unit[constant])
    factor = (fit.r_exog - shift) / standard.unit
    found = factor.T @ factor / n
    found[constant, constant] = 1.0  # exactly: nothing of it is left then
    return found[left, right], float(about.results.ssr) / n


def _chi2(statistic: float, df: int) -> float:
    return float(stats.chi2.sf(statistic, df))
