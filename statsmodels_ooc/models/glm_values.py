"""What a streamed GLM tells of its likelihood at any parameters or means, and of every row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats
from scipy.interpolate import BarycentricInterpolator
from scipy.optimize import brentq
from statsmodels.genmod.families import links
from statsmodels.tools.validation import string_like

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine import RowFunction, StreamedRows, row_answer, row_method
from statsmodels_ooc.families.kernels import loglike_form
from statsmodels_ooc.likelihoods.glm import GLMLikelihood, loglike_at, loglike_of
from statsmodels_ooc.models.arguments import scale_rule
from statsmodels_ooc.reductions.loglike import (
    GivenMeans,
    GivenMeansState,
    PowerSums,
    PowerSumsState,
)
from statsmodels_ooc.reductions.predictions import SHIFTS
from statsmodels_ooc.results.glm_rows import Extra, GLMRow, PriorWeights, Shift, glm_row
from statsmodels_ooc.results.glm_scores import independent_sums, joint_statistic, score_sums
from statsmodels_ooc.results.predicting import shift_of
from statsmodels_ooc.results.predictions import PredictedColumns, Predictor
from statsmodels_ooc.solvers.point import Gaps, Point


class GLMValues:
    """Log-likelihood, score, Hessian and scale, by the scale rule of the last fit."""

    likelihood: GLMLikelihood
    family: Any
    scaletype: str | float | None
    df_resid: Any
    open_rows: Callable[[], StreamedRows]

    def _at(self, params: Any) -> Point:
        return self.likelihood.at(np.asarray(params, dtype=np.float64))

    def _scale_of(self, gaps: Callable[[], Gaps]) -> float:
        """The scale by the rule that the last fit was given."""
        return self.likelihood.scale(scale_rule(self.scaletype, self.family), gaps)

    def loglike(self, params: Any, scale: float | None = None) -> Any:
        """The log-likelihood; the scale estimated at the parameters where it is None."""
        point = self._at(params)
        return loglike_of(self.likelihood, point, scale_at(self, params, scale))

    def score(self, params: Any, scale: float | None = None) -> Any:
        """The gradient of `loglike`, (k,)."""
        point = self._at(params)
        return point.score / scale_at(self, params, scale)

    def hessian(self, params: Any, scale: float | None = None, observed: bool | None = None) -> Any:
        """The Hessian of `loglike`, (k, k); minus the expected information if not observed."""
        point = self._at(params)
        scale = scale_at(self, params, scale)
        observed = True if observed is None else observed
        return -self.likelihood.information(point, observed=observed) / scale

    def loglike_mu(self, mu: Any, scale: float = 1.0) -> Any:
        """The log-likelihood at means, (n,): an array, or lazy ones such as `results.mu`."""
        beta = self._params_of(mu)
        if beta is not None:
            return self.loglike(beta, float(scale))
        form, divisor = loglike_form(self.family, unit_var_weights=False), 1.0
        if form is None:  # the weights of the rows take the scale along
            form, divisor = "fixed", float(scale)
        found = self._at_means(mu, divisor)
        likelihood = loglike_at(form, found.saturated, found.deviance, float(scale), found.freq)
        return np.float64(likelihood)

    def _estimate_x2_scale(self, mu: Any) -> Any:
        return np.float64(np.divide(self._at_means(mu).pearson, self.df_resid))

    def estimate_scale(self, mu: Any) -> Any:
        """The scale at means, (n,), by the rule that `fit` was given."""
        beta = self._params_of(mu)
        return self._scale_of(lambda: self._at_means(mu) if beta is None else self._at(beta))

    def estimate_tweedie_power(
        self, mu: Any, method: str = "brentq", low: float = 1.01, high: float = 5.0
    ) -> Any:
        """The power of the variance, by Pearson's equation; two or three passes.

        Parameters
        ----------
        mu : array_like or dask Array, (n,)
            The means, such as `results.mu`.
        method : {"brentq"}
            As for statsmodels.
        low, high : float
            Where the power is sought.

        Raises
        ------
        ValueError
            It is not there.
        """
        if method != "brentq":
            raise NotImplementedError("Only brentq can currently be used")
        rows, beta = self.open_rows(), self._params_of(mu)
        rows = rows.beside(mu=mu) if beta is None else rows

        def sums(powers: FloatArray) -> FloatArray:
            reduction = PowerSums(self.likelihood.kernel, beta, powers)
            state: PowerSumsState = rows.fold("variance power", reduction)[0]
            return state.sums

        return solve_power(sums, self.df_resid, low, high)

    def _at_means(self, mu: Any, divisor: float = 1.0) -> GivenMeansState:
        """The sums at means, (n,); a pass."""
        rows = self.open_rows()
        reduction = GivenMeans(self.likelihood.kernel, divisor)
        state: GivenMeansState = rows.beside(mu=mu).fold("given means", reduction)[0]
        return state

    def _params_of(self, mu: Any) -> FloatArray | None:
        """The parameters of lazy means that this model has made itself."""
        stream, made_by = getattr(mu, "origin", None) or (None, None)
        if stream is not self.likelihood.stream or not isinstance(made_by, GLMRow):
            return None
        own = made_by.kind == "mean" and made_by.kernel is self.likelihood.kernel
        return made_by.beta if own else None

    def score_test(
        self,
        params_constrained: Any,
        k_constraints: int | None = None,
        exog_extra: Any = None,
        observed: bool = True,
    ) -> Any:
        """Score test of restrictions, or of omitted variables; one reading of the rows.

        Parameters
        ----------
        params_constrained : array_like, (k,)
            Parameters of the restricted model.
        k_constraints : int, optional
            How many restrictions there are; needed without `exog_extra`.
        exog_extra : array_like or dask Array, (n,) or (n, q), optional
            Variables to be tested, aligned with the rows.
        observed : bool
            Whether the information is the observed one, or the expected.

        Returns
        -------
        statistic, pvalue, df
            As statsmodels.
        """
        if exog_extra is None and k_constraints is None:
            raise ValueError("if exog_extra is None, then k_constraints needs to be given")
        params = np.asarray(params_constrained, dtype=np.float64)
        rule = scale_rule(self.scaletype, self.family)
        sums = score_sums(self.likelihood, params, rule, exog_extra, observed)
        sums, kept = independent_sums(self.likelihood, params, sums)
        statistic = joint_statistic(sums)
        count = (k_constraints or 0) + int(np.count_nonzero(kept[self.likelihood.spec.k :]))
        return statistic, stats.chi2.sf(statistic, count), count


def scale_at(model: Any, params: Any, scale: float | None) -> float:
    """The scale that is given, or the one at the parameters by the rule of the last fit."""
    if scale is not None:
        return float(scale)
    beta, rule = np.asarray(params, dtype=np.float64), scale_rule(model.scaletype, model.family)
    likelihood: GLMLikelihood = model.likelihood
    return likelihood.scale(rule, lambda: likelihood.at(beta))


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
        given = {r: v for r, v in (("offset", offset), ("exposure", exposure)) if v is not None}
        numbers = {role: value for role, value in given.items() if np.ndim(value) == 0}
        own = tuple(role for role in SHIFTS if role not in given)
        beta, none = np.asarray(params, dtype=np.float64), np.empty((0, 0))
        kernel, shift = self.likelihood.kernel, shift_of(numbers)
        predictor = Predictor(beta, none, kernel, kind, own=own, shift=shift)
        arrays = {role: value for role, value in given.items() if role not in numbers}
        return RowFunction(PredictedColumns(predictor, "value"), beside=arrays)


_FIRST, _LATER = 33, 9  # powers a pass
_NARROW = 1 / 32  # of the bracket is looked at again
_SETTLED = 1e-3  # of what was looked at: the next root would be the same
_ROUNDS = 8


def solve_power(
    sums: Callable[[FloatArray], FloatArray], df_resid: float, low: float, high: float
) -> float:
    """The root of Pearson's equation for the power.

    Parameters
    ----------
    sums : callable
        Powers (m,) to `power_sums` of all rows; a pass.
    df_resid : float
        Residual degrees of freedom.
    low, high : float
        Where the power is sought.

    Raises
    ------
    ValueError
        It is not there.

    Notes
    -----
    The equation asks for ``df_resid * B(p) / A(p) = C`` of the three sums. ``A`` is a sum
    of exponentials of p, so that ``B / A = -d log A / dp`` falls: there is one root, and
    the function is smooth enough to be interpolated between few powers.
    """
    left, right, nodes = low, high, _between(low, high, _FIRST)
    root = np.nan
    for _ in range(_ROUNDS):
        values = _equation(sums(nodes), df_resid)
        if values[0] * values[-1] > 0:
            if np.isnan(root):
                raise ValueError("f(a) and f(b) must have different signs")
            nodes = _between(left, right, _FIRST)
            continue
        at = int(np.argmax(np.sign(values[1:]) != np.sign(values[0])))
        before, looked_at = root, nodes[-1] - nodes[0]
        left, right = float(nodes[at]), float(nodes[at + 1])
        root = _root(nodes, values, left, right)
        if abs(root - before) <= _SETTLED * looked_at:
            break
        reach = _NARROW * (right - left)
        nodes = _between(max(left, root - reach), min(right, root + reach), _LATER)
    return root


def _between(low: float, high: float, count: int) -> FloatArray:
    """Chebyshev's points of an interval, its ends among them."""
    angles = np.linspace(np.pi, 0, count)
    points: FloatArray = low + (high - low) * (1 + np.cos(angles)) / 2
    points[0], points[-1] = low, high
    return points


def _equation(sums: FloatArray, df_resid: float) -> FloatArray:
    m = len(sums) // 2
    values: FloatArray = df_resid * sums[m : 2 * m] / sums[:m] - sums[-1]
    return values


def _root(nodes: FloatArray, values: FloatArray, left: float, right: float) -> float:
    ends = dict(zip(nodes.tolist(), values.tolist(), strict=True))
    for end in (left, right):
        if ends[end] == 0:
            return end
    interpolator = BarycentricInterpolator(nodes, values)
    return float(brentq(lambda p: float(interpolator(p)), left, right, xtol=1e-14))
