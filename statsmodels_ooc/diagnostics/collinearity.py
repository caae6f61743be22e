"""How much the other columns of a design inflate the variance of a coefficient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats import outliers_influence as sm_influence

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.diagnostics.subject import Subject, factor_of_design, position, subject
from statsmodels_ooc.reductions.least_squares import triangularize
from statsmodels_ooc.solvers.auxiliary import ratio, regress
from statsmodels_ooc.solvers.dependence import lengths, scaled_rank


def variance_inflation_factor(
    res: Any, exog_idx: int | str | None = None, *, standardize: bool = True
) -> Any:
    r"""Variance inflation factors of all columns at once: no pass, or one.

    There is none for OLS with a column that is constant.

    Parameters
    ----------
    res : RegressionResults
        Of OLS, WLS or GLM; in memory its design is handed to statsmodels, column by column.
    exog_idx : int or str, optional
        One column, by its number or, of a streamed model, its name; all of them by default.
    standardize : bool
        Whether columns that vary are measured from their means before they are regressed on one
        another.

    Returns
    -------
    Series, (k,), or float
        The factors, by the names of the columns; one of them where it is asked for.

    Notes
    -----
    :math:`1 / (1 - R_j^2)`, with the :math:`R_j^2` of column j regressed on all others; about the
    mean where these span a constant or columns are measured from their means. Of columns that
    follow from others the factor is 1e15, as in statsmodels. Weights play no part, nor does the
    order of rows. Statsmodels warns of condition numbers above 1e4; the triangular factor that
    all is found from keeps its digits there.

    References
    ----------
    Belsley, Kuh, Welsch (1980). Regression Diagnostics, section 3.
    """
    about = subject(res, "variance_inflation_factor", "design")
    if about is None:
        exog = np.asarray(res.model.exog)
        columns = range(exog.shape[1])
        found = [
            sm_influence.variance_inflation_factor(exog, j, standardize=standardize)
            for j in (columns if exog_idx is None else [exog_idx])
        ]
        return _named(found, res.model.exog_names) if exog_idx is None else found[0]
    at = None if exog_idx is None else position(about, exog_idx)
    factor = about.once(lambda: factor_of_design(about), "factor")
    factors = _inflations(about, factor, standardize)
    return _named(factors, about.names) if at is None else float(factors[at])


_MOST = 1 / (1 - (1 - 1e-15))  # statsmodels' bound of R squared


def _named(factors: Any, names: Any) -> Any:
    return pd.Series(np.asarray(factors, dtype=np.float64), index=list(names))


def _inflations(about: Subject, r: FloatArray, standardize: bool) -> FloatArray:
    """All factors, (k,), from R of ``[1 | X]``: of full rank by one inverse."""
    varies = np.asarray(r[1:, 1:].any(axis=0))
    if standardize and (~varies).sum() <= 1:
        centred = r[1:, 1 + np.flatnonzero(varies)]
        sizes = lengths(centred)
        scaled = centred / sizes
        if centred.shape[1] and scaled_rank(scaled, about.nobs) == centred.shape[1]:
            found = np.ones(len(varies))
            inverse = np.linalg.inv(triangularize(scaled))
            found[varies] = np.square(inverse).sum(axis=1)
            return np.clip(found, 1.0, _MOST)
    return np.array([_inflation(about, r, j, standardize) for j in range(len(varies))])


def _inflation(about: Subject, r: FloatArray, j: int, standardize: bool) -> float:
    """The factor of one column."""
    columns = r.copy()
    if standardize:
        columns[0, 1:][r[1:, 1:].any(axis=0)] = 0.0
    others = np.delete(np.arange(1, r.shape[1]), [j])
    rows = np.vstack((columns[:, [0, *others, 1 + j]], np.zeros(r.shape[1])))
    fit = regress(triangularize(rows), about.nobs)
    return float(np.clip(ratio(fit.tss, fit.ssr), 1.0, _MOST))
