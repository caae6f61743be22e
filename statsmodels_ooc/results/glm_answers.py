"""What the results of a streamed GLM have a value of for every row."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.genmod import families

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine import RowFunction, row_answer, row_method
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.results.covariance.glm import GLMScored
from statsmodels_ooc.results.fits import GLMFit
from statsmodels_ooc.results.glm_rows import GLMRow, InformationAxes, Leverage, glm_row
from statsmodels_ooc.results.lazy import HasRows


def _row(kind: str, doc: str, *, is_scaled: bool = False) -> row_answer:
    """A property: one of `KINDS` at the parameters, and at the scale of the fit or at one."""

    def ask(self: GLMRowAnswers) -> RowFunction:
        scale = float(self.scale) if is_scaled else 1.0
        return glm_row(self.model.likelihood.kernel, kind, self.params, scale)

    ask.__doc__ = doc
    return row_answer(ask)


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

    mu = _row("mean", "The means, (n,).")
    fittedvalues = _row("mean", "The means, (n,).")
    resid_response = _row("resid_response", "``y - mu``, times the number of trials, (n,).")
    resid_pearson = _row("resid_pearson", "``(y - mu) / sqrt(V(mu))`` with the weights, (n,).")
    resid_working = _row(
        "resid_working", "``(y - mu) / (dmu/deta)`` as statsmodels weighs them, (n,)."
    )
    resid_deviance = _row("resid_deviance", "Signed roots of the deviances of the rows, (n,).")
    resid_anscombe = _row("resid_anscombe", "Anscombe's residuals, scaled, (n,).", is_scaled=True)
    resid_anscombe_scaled = _row(
        "resid_anscombe", "Anscombe's residuals at the estimated scale, (n,).", is_scaled=True
    )
    resid_anscombe_unscaled = _row("resid_anscombe", "Anscombe's residuals at scale one, (n,).")

    @row_answer
    def null(self) -> RowFunction:
        """The means of the null model, (n,)."""
        likelihood = self.model.likelihood
        return RowFunction(GLMRow("null", likelihood.kernel, np.array([likelihood.null_constant])))

    # What statsmodels keeps of the model's rows, and its functions read.

    _endog = property(lambda self: self.model.endog)
    _freq_weights = property(lambda self: self.model.freq_weights)
    _var_weights = property(lambda self: self.model.var_weights)
    _iweights = property(lambda self: self.model.iweights)

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
        return RowFunction(Leverage(kernel, params, self.information_axes(observed)))

    def information_axes(
        self, observed: bool = True, root: FloatArray | None = None
    ) -> InformationAxes:
        """In which leverages are measured; the observed information is a pass, where it is another.

        Parameters
        ----------
        observed : bool
            Whether the weights are those of the observed information, or of the expected.
        root : ndarray, (k, r), optional
            What the parameters may differ by, where it is less than all columns give.
        """
        fit = self.glm_fit.point.fit
        axes = Axes(fit.root if root is None else root, fit.centre)
        information: FloatArray = np.eye(axes.root.shape[1])
        is_expected = root is None and self.model.likelihood.kernel.is_canonical
        if observed and not is_expected:
            information = self.scored.meat(axes.root).observed
        elif root is not None:
            factor = fit.r_exog @ root
            information = factor.T @ factor
        inverse = np.asarray(np.linalg.inv(information), dtype=np.float64)
        return InformationAxes(axes, inverse, observed)
