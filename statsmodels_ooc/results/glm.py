"""Results of streamed generalised linear models: the familiar class, without the rows."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import statsmodels.genmod.generalized_linear_model as glm
from statsmodels.base.covtype import get_robustcov_results
from statsmodels.base.model import LikelihoodModelResults
from statsmodels.genmod import families
from statsmodels.genmod.families import links

from statsmodels_ooc.engine import PassRecord, RowArray
from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.results.covariance import refuse_unavailable, sandwich
from statsmodels_ooc.solvers.irls import Point

__all__ = ["GLMResults"]

_ROWS = (
    *("mu", "fittedvalues", "null", "resid_response", "resid_pearson", "resid_working"),
    *("resid_deviance", "resid_anscombe", "resid_anscombe_scaled", "resid_anscombe_unscaled"),
)


class GLMResults(glm.GLMResults):  # type: ignore[misc]
    """Results of a streamed GLM; see statsmodels' `GLMResults`.

    Sums come from the last point of the fit, rows come lazily, and what needs another
    pass makes it once, when it is first asked for.
    """

    def __init__(
        self,
        model: Any,
        params: Any,
        normalized_cov_params: Any,
        scale: float,
        cov_type: str = "nonrobust",
        cov_kwds: dict[str, Any] | None = None,
        use_t: bool | None = None,
        point: Point | None = None,
    ) -> None:
        refuse_unavailable(cov_type)
        LikelihoodModelResults.__init__(
            self, model, params, normalized_cov_params=normalized_cov_params, scale=scale
        )
        self.family = model.family
        self.df_resid = model.df_resid
        self.df_model = model.df_model
        self._cache: dict[str, Any] = {}
        self.use_t = bool(use_t)
        if point is not None:
            self._point = point
        if cov_type == "nonrobust":
            self.cov_type = "nonrobust"
            self.cov_kwds = {
                "description": "Standard Errors assume that the covariance matrix of "
                "the errors is correctly specified."
            }
        else:
            get_robustcov_results(
                self, cov_type=cov_type, use_self=True, use_t=use_t, **dict(cov_kwds or {})
            )

    # --- sums of the fit

    @cached_property
    def _point(self) -> Point:
        point: Point = self.model._at(self.params)
        return point

    @property
    def nobs(self) -> int:
        """Number of rows."""
        return int(self.model.nobs)

    @property
    def passes(self) -> list[PassRecord]:
        """Every pass over the data so far: name, rows, seconds, bytes."""
        records: list[PassRecord] = self.model.passes
        return records

    @cached_property
    def deviance(self) -> float:
        """Twice the log-likelihood lost against means that are the responses, at scale one."""
        return self._point.deviance

    @cached_property
    def pearson_chi2(self) -> float:
        """Sum of the squared Pearson residuals."""
        return self._point.pearson

    @cached_property
    def null_deviance(self) -> float:
        """Deviance of the model of a constant, and the offset where there is one."""
        return float(self.model._planner.null_deviance)

    @cached_property
    def llnull(self) -> float:
        """Log-likelihood of the model of a constant, at the scale of this one."""
        return float(
            self.model._planner.loglike_null(
                np.asarray(self.params), self.null_deviance, self.scale
            )
        )

    def llf_scaled(self, scale: float | None = None) -> float:
        """Log-likelihood at a scale; see statsmodels.

        Parameters
        ----------
        scale : float, optional
            By default the estimate; for a Gaussian family with an identity link the one
            that maximises the likelihood.
        """
        if scale is None:
            scale = self.scale
            link = self.family.link
            is_identity = isinstance(link, links.Power) and link.power == 1.0
            if isinstance(self.family, families.Gaussian) and is_identity:
                scale = self.deviance / self.model.wnobs
        return float(
            self.model._planner.loglike(np.asarray(self.params), self.deviance, float(scale))
        )

    @cached_property
    def llf(self) -> float:
        """Log-likelihood at the parameters."""
        return self.llf_scaled()

    # --- one more pass

    @cached_property
    def _cov_white(self) -> FloatArray:
        sums = self.model._planner.meat(np.asarray(self.params))
        return sandwich(np.linalg.inv(sums.observed), sums.meat)

    @property
    def cov_HC0(self) -> FloatArray:
        """Robust covariance, White (1982)."""
        return self._cov_white

    @property
    def cov_HC1(self) -> FloatArray:
        """`cov_HC0`: statsmodels makes no small-sample correction for a GLM."""
        return self._cov_white

    @property
    def cov_HC2(self) -> FloatArray:
        """`cov_HC0`: statsmodels makes no small-sample correction for a GLM."""
        return self._cov_white

    @property
    def cov_HC3(self) -> FloatArray:
        """`cov_HC0`: statsmodels makes no small-sample correction for a GLM."""
        return self._cov_white

    # --- rows

    def _row(self, kind: str, scale: float = 1.0) -> RowArray:
        rows: RowArray = self.model._row(kind, self.params, scale)
        return rows

    @cached_property
    def mu(self) -> RowArray:
        """The means, (n,)."""
        return self._row("mean")

    @property
    def fittedvalues(self) -> RowArray:
        """The means, (n,)."""
        return self.mu

    @cached_property
    def resid_response(self) -> RowArray:
        """``y - mu``, times the number of trials, (n,)."""
        return self._row("resid_response")

    @cached_property
    def resid_pearson(self) -> RowArray:
        """``(y - mu) / sqrt(V(mu))`` with the weights, (n,)."""
        return self._row("resid_pearson")

    @cached_property
    def resid_working(self) -> RowArray:
        """``(y - mu) / (dmu/deta)`` as statsmodels weighs them, (n,)."""
        return self._row("resid_working")

    @cached_property
    def resid_deviance(self) -> RowArray:
        """Signed roots of the deviances of the rows, (n,)."""
        return self._row("resid_deviance")

    @property
    def resid_anscombe(self) -> RowArray:
        """Anscombe's residuals, scaled, (n,)."""
        return self.resid_anscombe_scaled

    @cached_property
    def resid_anscombe_scaled(self) -> RowArray:
        """Anscombe's residuals at the estimated scale, (n,)."""
        return self._row("resid_anscombe", float(self.scale))

    @cached_property
    def resid_anscombe_unscaled(self) -> RowArray:
        """Anscombe's residuals at scale one, (n,)."""
        return self._row("resid_anscombe")

    @cached_property
    def null(self) -> RowArray:
        """The means of the null model, (n,)."""
        constant = self.model._planner.null_constant
        rows: RowArray = self.model._row("null", np.array([constant]))
        return rows

    # --- keeping and losing data

    def remove_data(self) -> None:
        """Let go of the data.

        What needs no rows stays, predictions of new data among it; robust covariances
        stay if they have been asked for, and so does what the summary asks for.
        """
        _ = self.llf, self.llnull
        self.model._forget()
        for name in _ROWS:
            self.__dict__.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key not in _ROWS}
