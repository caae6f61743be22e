"""What a streamed GLM has a value of for every row."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.genmod.families import links
from statsmodels.tools.validation import string_like

from statsmodels_ooc.engine import RowFunction, row_answer, row_method
from statsmodels_ooc.likelihoods.glm import GLMLikelihood
from statsmodels_ooc.models.glm_values import scale_at
from statsmodels_ooc.results.glm_rows import Extra, GLMRow, Predict, PriorWeights, Shift, glm_row

__all__ = ["GLMAnswers"]


class GLMAnswers:
    """Offset, weights, factors of the score and the Hessian, and predictions."""

    likelihood: GLMLikelihood
    family: Any
    scaletype: str | float | None

    @row_answer
    def offset(self) -> RowFunction | None:
        """The offset, (n,); None where there is none."""
        return RowFunction(Extra("offset")) if "offset" in self.likelihood.roles else None

    @row_answer
    def exposure(self) -> RowFunction | None:
        """The logarithm of the exposure, as statsmodels keeps it, (n,)."""
        return RowFunction(Extra("exposure")) if "exposure" in self.likelihood.roles else None

    @row_answer
    def _offset_exposure(self) -> RowFunction | float:
        return RowFunction(Shift()) if self.likelihood.evaluation.has_offset else 0.0

    @row_answer
    def freq_weights(self) -> RowFunction:
        """How many times each row counts, (n,)."""
        return RowFunction(Extra("freq_weights"))

    @row_answer
    def var_weights(self) -> RowFunction:
        """The variance weights, (n,)."""
        return RowFunction(Extra("var_weights"))

    @row_answer
    def n_trials(self) -> RowFunction:
        """The numbers of trials, (n,)."""
        return RowFunction(Extra("trials"))

    @row_answer
    def iweights(self) -> RowFunction:
        """The product of frequency and variance weights, (n,)."""
        return RowFunction(PriorWeights())

    @row_method
    def score_factor(self, params: Any, scale: float | None = None) -> Any:
        """The derivative of each row's log-likelihood in its predictor, (n,)."""
        return glm_row(
            self.likelihood.kernel, "score_factor", params, scale_at(self, params, scale)
        )

    @row_method
    def score_obs(self, params: Any, scale: float | None = None) -> Any:
        """The scores of the rows, (n, k)."""
        scale = scale_at(self, params, scale)
        return glm_row(
            self.likelihood.kernel, "score_obs", params, scale, width=self.likelihood.spec.k
        )

    @row_method
    def hessian_factor(self, params: Any, scale: float | None = None, observed: bool = True) -> Any:
        """The information of each row about its predictor, (n,)."""
        kind = "observed_information" if observed else "information"
        return glm_row(self.likelihood.kernel, kind, params, scale_at(self, params, scale))

    @row_method
    def _deriv_mean_dparams(self, params: Any) -> Any:
        return glm_row(self.likelihood.kernel, "mean_dparams", params, width=self.likelihood.spec.k)

    @row_method
    def _deriv_score_obs_dendog(self, params: Any, scale: float | None = None) -> Any:
        scale = scale_at(self, params, scale)
        return glm_row(
            self.likelihood.kernel, "score_dendog", params, scale, width=self.likelihood.spec.k
        )

    @row_method
    def predict(
        self,
        params: Any,
        exog: Any = None,
        exposure: Any = None,
        offset: Any = None,
        which: str = "mean",
    ) -> Any:
        """Predicted values, of a new design or of the data.

        Parameters
        ----------
        params : array_like, (k,)
            The parameters.
        exog : array_like, (m, k), optional
            A design; the data's own by default.
        exposure, offset : array_like or dask Array, optional
            For the rows of the design; for the data those of the model by default.
        which : {"mean", "linear", "var_unscaled"}
            What is predicted.
        """
        if exog is not None:
            return super().predict(  # type: ignore[misc]
                params, exog, exposure, offset, which
            )
        kind = string_like(which, "which", options=("mean", "linear", "var_unscaled"), lower=False)
        if exposure is not None and not isinstance(self.family.link, links.Log):
            raise ValueError("exposure can only be used with the log link function")
        if exposure is None and offset is None:
            return glm_row(self.likelihood.kernel, kind, params)
        given = {
            "offset": offset,
            "exposure": None if exposure is None else np.log(exposure),
        }
        constants = {role: v for role, v in given.items() if v is not None and np.ndim(v) == 0}
        arrays = {role: v for role, v in given.items() if np.ndim(v)}
        row = GLMRow(kind, self.likelihood.kernel, np.asarray(params, dtype=np.float64))
        return RowFunction(Predict(row, constants), beside=arrays)
