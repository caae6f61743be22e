"""Tests of streamed results against those of a restricted model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.results.covariance.base import Scattered
from statsmodels_ooc.results.covariance.linear import LinearScored
from statsmodels_ooc.solvers.least_squares import LinearFit

_ROUNDING = 1e-9


def same_columns(
    full: tuple[Sequence[str], LinearFit], restricted: tuple[Sequence[str], LinearFit]
) -> list[int] | None:
    """Where the columns of a restricted design stand in the full one.

    Names are not enough: the cross products of the columns, with one another and with
    the response, must agree, too.

    Parameters
    ----------
    full, restricted : (names, LinearFit)
        Of k and of fewer columns.

    Returns
    -------
    list of int, or None
        One position for each restricted column; None where one is missing or differs.
    """
    names, fit = full
    if not set(restricted[0]) <= set(names):
        return None
    positions = [list(names).index(name) for name in restricted[0]]
    whole = _cross_products(fit)
    picked = whole[np.ix_([*positions, -1], [*positions, -1])]
    size = np.sqrt(np.diag(picked))
    gap = np.abs(picked - _cross_products(restricted[1]))
    return positions if (gap <= _ROUNDING * np.outer(size, size)).all() else None


def _cross_products(fit: LinearFit) -> FloatArray:
    """Of the whitened ``[X | y]``, (k + 1, k + 1)."""
    k = len(fit.effects)
    r = np.zeros((k + 1, k + 1))
    r[:k, :k], r[:k, k], r[k, k] = fit.r_exog, fit.effects, fit.rho
    return r.T @ r


def require_same_rows(*results: Any) -> None:
    """Refuse to compare models of different rows.

    Raises
    ------
    DesignError
        They have not as many: a variable of one is missing where one of the other is not. Or
        their responses have different sums of squares.
    """
    counts = [int(one.nobs) for one in results]
    if min(counts) < max(counts):
        raise DesignError(
            f"the models have {' and '.join(f'{count:,}' for count in counts)} rows, and only "
            "models of the same rows are compared",
            hint="subset=... leaves out the rows in which a variable of the larger one is missing",
        )
    for name in ("uncentered_tss", "centered_tss"):
        totals = [float(getattr(one, name)) for one in results]
        if max(totals) - min(totals) > _ROUNDING * results[0].uncentered_tss:
            raise DesignError(
                f"the models are of different responses or weights: {name} is {min(totals):g} of "
                f"one and {max(totals):g} of another"
            )


def lm_statistic(score: FloatArray, covariance: FloatArray, n: float) -> float:
    """``n s' S^-1 s`` for the mean score and the covariance of the scores.

    Both in r coordinates that the rows of the design determine.

    Parameters
    ----------
    score : ndarray, (r,)
        The mean score.
    covariance : ndarray, (r, r)
        Of the scores.
    n : float
        Number of rows.

    References
    ----------
    Wooldridge (2010). Econometric Analysis of Cross Section and Panel Data, 2nd ed.,
    section 12.6.2.
    """
    return float(n * score @ np.linalg.solve(covariance, score))


def _require_nested(full: Any, restricted: Any) -> None:
    """Refuse models that cannot be nested.

    Raises
    ------
    DesignError
        They are of different rows, the restricted one has as many parameters, or fits better.
    """
    require_same_rows(full, restricted)
    if restricted.df_resid <= full.df_resid:
        raise DesignError(
            "the restricted model has no fewer parameters than the full one",
            hint="it is full.compare_f_test(restricted)",
        )
    if restricted.ssr < full.ssr - _ROUNDING * full.uncentered_tss:
        raise DesignError(
            "the restricted model is not nested: its sum of squared residuals is smaller, "
            f"{restricted.ssr:g} against {full.ssr:g}"
        )


class NestedTests:
    """The Lagrange multiplier test, and how it knows that a model is nested."""

    model: Any
    params: Any
    nobs: Any
    df_resid: float
    cov_type: str
    cov_estimator: tuple[Any, Any]
    ssr: Any
    _fit: LinearFit

    @property
    def scored(self) -> LinearScored:
        """What robust covariances ask of the fit."""
        raise NotImplementedError

    def compare_f_test(self, restricted: Any) -> Any:
        """F test against a nested model of the same rows; see statsmodels."""
        _require_nested(self, restricted)
        return super().compare_f_test(restricted)  # type: ignore[misc]

    def compare_lr_test(self, restricted: Any, large_sample: bool = False) -> Any:
        """Likelihood ratio test against a nested model of the same rows; see statsmodels."""
        _require_nested(self, restricted)
        return super().compare_lr_test(restricted, large_sample)  # type: ignore[misc]

    def _is_nested(self, restricted: Any) -> bool:
        """Whether the columns of a streamed model are among those of this one."""
        return (
            self.nobs == restricted.nobs
            and self.model.rank > restricted.model.rank
            and self._positions(restricted) is not None
        )

    def _positions(self, restricted: Any) -> list[int] | None:
        return same_columns(
            (self.model.exog_names, self._fit), (restricted.model.exog_names, restricted._fit)
        )

    def compare_lm_test(
        self, restricted: Any, demean: bool = True, use_lr: bool = False
    ) -> tuple[float, float, float]:
        """Lagrange multiplier test against a nested model; robust ones take a pass.

        Parameters
        ----------
        restricted : RegressionResults
            Of a model that streams, too, whose columns are columns of this one.
        demean : bool
            Whether robust covariances of the scores are taken about their mean.
        use_lr : bool
            Whether they are taken at the parameters of this model.

        Returns
        -------
        statistic, pvalue, df_diff : float
            Chi-squared with `df_diff` degrees of freedom.

        Raises
        ------
        NotImplementedError
            The restricted model does not stream.
        ValueError
            Its columns are not among those of this model.
        """
        if not isinstance(restricted, NestedTests):
            raise NotImplementedError(
                "compare_lm_test reads the rows of both models, and those of one are in memory; "
                "wrap the data of both in as_source"
            )
        if not self._is_nested(restricted):
            raise ValueError(
                "Restricted model is not nested by full model: it has other rows, as many "
                "parameters, or columns that are not among those of this model, by name and "
                "values; compare_f_test and compare_lr_test take any model that is nested"
            )
        n = self.nobs
        params = np.zeros(len(self._fit.params))
        params[self._positions(restricted)] = np.asarray(restricted.params)
        root = self._fit.root
        score = root.T @ self._fit.gradient_at(params) / n
        if self.cov_type == "nonrobust":
            covariance = restricted.ssr / n * np.eye(len(score)) / n
        else:
            covariance = self._covariance_of_scores(params, score, demean, use_lr)
        df = float(restricted.df_resid - self.df_resid)
        statistic = lm_statistic(score, covariance, n)
        return statistic, float(stats.chi2.sf(statistic, df)), df

    def _covariance_of_scores(
        self, params: FloatArray, score: FloatArray, demean: bool, use_lr: bool
    ) -> FloatArray:
        """As the covariance of these results has it, at the restricted parameters or their own."""
        entry, options = self.cov_estimator
        if not isinstance(entry, Scattered):
            raise ValueError("Only nonrobust, HC, HAC and cluster are currently connected")
        at = self.scored.at(np.asarray(self.params) if use_lr else params)
        sums = entry.scatter(at, options)
        meat = sums[:-1, :-1]
        if demean and not use_lr:
            cross = np.outer(score, sums[-1, :-1])
            meat = meat - cross - cross.T + sums[-1, -1] * np.outer(score, score)
        return np.asarray(meat / self.nobs)
