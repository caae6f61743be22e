"""What the results of a streamed GLM have a value of for every row."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.genmod import families

from statsmodels_ooc.engine import RowFunction, row_answer, row_method
from statsmodels_ooc.results.covariance.glm import GLMScored
from statsmodels_ooc.results.fits import GLMFit
from statsmodels_ooc.results.glm_rows import GLMRow, Leverage, glm_row
from statsmodels_ooc.results.lazy import HasRows


class GLMRowAnswers(HasRows):
    """Means, residuals, leverages and predictions."""

    params: Any
    family: Any
    scale: Any
    glm_fit: GLMFit

    @property
    def scored(self) -> GLMScored:
        """What robust covariances ask of the fit."""
        raise NotImplementedError

    @row_answer
    def mu(self) -> RowFunction:
        """The means, (n,)."""
        return glm_row(self.model.likelihood.kernel, "mean", self.params)

    @row_answer
    def fittedvalues(self) -> RowFunction:
        """The means, (n,)."""
        return glm_row(self.model.likelihood.kernel, "mean", self.params)

    @row_answer
    def resid_response(self) -> RowFunction:
        """``y - mu``, times the number of trials, (n,)."""
        return glm_row(self.model.likelihood.kernel, "resid_response", self.params)

    @row_answer
    def resid_pearson(self) -> RowFunction:
        """``(y - mu) / sqrt(V(mu))`` with the weights, (n,)."""
        return glm_row(self.model.likelihood.kernel, "resid_pearson", self.params)

    @row_answer
    def resid_working(self) -> RowFunction:
        """``(y - mu) / (dmu/deta)`` as statsmodels weighs them, (n,)."""
        return glm_row(self.model.likelihood.kernel, "resid_working", self.params)

    @row_answer
    def resid_deviance(self) -> RowFunction:
        """Signed roots of the deviances of the rows, (n,)."""
        return glm_row(self.model.likelihood.kernel, "resid_deviance", self.params)

    @row_answer
    def resid_anscombe(self) -> RowFunction:
        """Anscombe's residuals, scaled, (n,)."""
        return glm_row(
            self.model.likelihood.kernel, "resid_anscombe", self.params, float(self.scale)
        )

    @row_answer
    def resid_anscombe_scaled(self) -> RowFunction:
        """Anscombe's residuals at the estimated scale, (n,)."""
        return glm_row(
            self.model.likelihood.kernel, "resid_anscombe", self.params, float(self.scale)
        )

    @row_answer
    def resid_anscombe_unscaled(self) -> RowFunction:
        """Anscombe's residuals at scale one, (n,)."""
        return glm_row(self.model.likelihood.kernel, "resid_anscombe", self.params)

    @row_answer
    def null(self) -> RowFunction:
        """The means of the null model, (n,)."""
        likelihood = self.model.likelihood
        return RowFunction(GLMRow("null", likelihood.kernel, np.array([likelihood.null_constant])))

    # What statsmodels keeps of the model's rows, and its functions read.

    @property
    def _endog(self) -> Any:
        return self.model.endog

    @property
    def _freq_weights(self) -> Any:
        return self.model.freq_weights

    @property
    def _var_weights(self) -> Any:
        return self.model.var_weights

    @property
    def _iweights(self) -> Any:
        return self.model.iweights

    @property
    def _n_trials(self) -> Any:
        return self.model.n_trials if isinstance(self.family, families.Binomial) else 1

    @row_method
    def get_hat_matrix_diag(self, observed: bool = True) -> Any:
        """The diagonal of the hat matrix, (n,).

        Parameters
        ----------
        observed : bool
            Whether the weights are those of the observed information, or of the expected.
        """
        params = np.asarray(self.params, dtype=np.float64)
        kernel = self.model.likelihood.kernel
        if observed:
            root = self.glm_fit.point.fit.root
            cov = root @ np.linalg.inv(self.scored.meat(root).observed) @ root.T
        else:
            cov = self.glm_fit.point.fit.normalized_cov_params
        kind = "observed_information" if observed else "information"
        return RowFunction(Leverage(GLMRow(kind, kernel, params), cov))
