"""An auxiliary regression, and what tests ask of it, from its triangular factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.solvers.dependence import scaled_rank
from statsmodels_ooc.solvers.least_squares import LinearFit, solve
from statsmodels_ooc.solvers.submodels import gain


@dataclass(frozen=True)
class Regression:
    """A regression by least squares, with statsmodels' names.

    Attributes
    ----------
    fit : LinearFit
        What least squares found.
    nobs : int
        Number of rows.
    k_constant : int
        1 where a column of ones is in the span of the design, else 0.
    ess : float
        Explained sum of squares, about the mean where there is a constant.
    tss : float
        Total sum of squares, likewise.
    uncentered_ess : float
        Sum of the squared fitted values.
    """

    fit: LinearFit
    nobs: int
    k_constant: int
    ess: float
    tss: float
    uncentered_ess: float

    @property
    def params(self) -> FloatArray:
        """The coefficients, (q,)."""
        return self.fit.params

    @property
    def ssr(self) -> float:
        """Sum of squared residuals."""
        return self.fit.ssr

    @property
    def df_model(self) -> int:
        """The rank, without the constant."""
        return self.fit.rank - self.k_constant

    @property
    def df_resid(self) -> int:
        """Rows less the rank."""
        return self.nobs - self.fit.rank

    @property
    def mse_resid(self) -> float:
        """``ssr / df_resid``."""
        return ratio(self.ssr, self.df_resid)

    @property
    def rsquared(self) -> float:
        """Share of the total sum of squares that is explained."""
        return ratio(self.ess, self.tss)

    @property
    def fvalue(self) -> float:
        """F statistic of all slopes."""
        return ratio(ratio(self.ess, self.df_model), self.mse_resid)

    @property
    def f_pvalue(self) -> float:
        """Its p-value."""
        return float(stats.f.sf(self.fvalue, self.df_model, self.df_resid))

    @cached_property
    def cov_params(self) -> FloatArray:
        """Covariance of the coefficients, (q, q)."""
        return self.mse_resid * self.fit.normalized_cov_params

    @property
    def bse(self) -> FloatArray:
        """Standard errors, (q,)."""
        return np.sqrt(np.diag(self.cov_params))

    @property
    def tvalues(self) -> FloatArray:
        """Coefficients by their standard errors, (q,)."""
        return self.params / self.bse

    @property
    def pvalues(self) -> FloatArray:
        """Two-sided, of Student's t, (q,)."""
        found: FloatArray = 2 * stats.t.sf(np.abs(self.tvalues), self.df_resid)
        return found

    def f_test(self, added: Sequence[int]) -> tuple[float, int]:
        """F statistic of some columns after all others, and how many directions they add."""
        base = [j for j in range(len(self.params)) if j not in set(added)]
        found = gain(self.fit, base, added)
        return ratio(ratio(found.sum_sq, found.df), self.mse_resid), found.df


def ratio(numerator: float, denominator: float) -> float:
    """A quotient, infinite or NaN where the denominator is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(numerator) / np.float64(denominator))


def regress(r: FloatArray, nobs: int) -> Regression:
    """Solve a regression, constant or not, from R of ``[1 | X | y]``, (q + 2, q + 2).

    Notes
    -----
    The explained sum of squares is that of the fitted values, ``|R b|**2``, without the first
    row of R, that of the ones, for those about the mean: no digits of a small share are lost to
    a difference of two large sums.
    """
    fit = solve(r, nobs)
    constant = scaled_rank(r[:, :-1], nobs) == scaled_rank(r[:, 1:-1], nobs)
    fitted = r[:, 1:-1] @ fit.params
    uncentered = float(fitted @ fitted)
    ess = float(fitted[1:] @ fitted[1:]) if constant else uncentered
    tss = fit.centered_tss if constant else fit.uncentered_tss
    return Regression(fit, nobs, int(constant), ess, tss, uncentered)


def has_constant_column(r: FloatArray) -> bool:
    """Whether a column of X is a constant other than zero, from R of ``[1 | X | y]``."""
    return bool(((r[0, 1:-1] != 0) & ~r[1:, 1:-1].any(axis=0)).any())
