"""Tests of streamed results against those of a restricted model."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from statsmodels_ooc.results.comparison import lm_statistic, same_columns
from statsmodels_ooc.results.covariance.linear import MEATS, LinearScored
from statsmodels_ooc.solvers.least_squares import LinearFit

__all__ = ["NestedTests"]


class NestedTests:
    """The Lagrange multiplier test, and how it knows that a model is nested."""

    model: Any
    params: Any
    nobs: Any
    df_resid: float
    cov_type: str
    ssr: Any
    _fit: LinearFit

    @property
    def scored(self) -> LinearScored:
        """What robust covariances ask of the fit."""
        raise NotImplementedError

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
                "compare_lm_test of a model out of memory and one in memory is not built; wrap "
                "the data of both in as_source"
            )
        if not self._is_nested(restricted):
            raise ValueError("Restricted model is not nested by full model.")
        n = self.nobs
        params = np.zeros(len(self._fit.params))
        params[self._positions(restricted)] = np.asarray(restricted.params)
        root = self._fit.root
        score = root.T @ self._fit.gradient_at(params) / n
        if self.cov_type == "nonrobust":
            covariance = restricted.ssr / n * np.eye(len(score)) / n
        elif self.cov_type in MEATS:
            at = np.asarray(self.params) if use_lr else params
            covariance = self.scored.white_at(at).hc0 / n
            if demean and not use_lr:
                covariance = covariance - np.outer(score, score)
        else:
            raise ValueError("Only nonrobust and HC are currently connected")
        df = float(restricted.df_resid - self.df_resid)
        statistic = lm_statistic(score, covariance, n)
        return statistic, float(stats.chi2.sf(statistic, df)), df
