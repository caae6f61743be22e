"""Log-likelihoods of a generalised linear model: of parameters, and of the null model."""

from __future__ import annotations

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.families.lookup import loglike_form
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.likelihoods.glm import GLMLikelihood
from statsmodels_ooc.reductions.loglike import LogLike
from statsmodels_ooc.solvers.likelihood import loglike_at
from statsmodels_ooc.solvers.point import Point

__all__ = ["loglike", "loglike_null", "loglike_of"]


def loglike(likelihood: GLMLikelihood, beta: FloatArray, deviance: float, scale: float) -> float:
    """The log-likelihood at a scale, from the deviance where that tells it."""
    told = _from_deviance(likelihood, deviance, scale)
    return _by_rows(likelihood, beta, scale)[0] if told is None else told


def loglike_null(likelihood: GLMLikelihood, beta: FloatArray, scale: float) -> float:
    """The log-likelihood of the null model, read along with that of some parameters."""
    told = _from_deviance(likelihood, likelihood.null_deviance, scale)
    return _by_rows(likelihood, beta, scale)[1] if told is None else told


def loglike_of(likelihood: GLMLikelihood, point: Point, scale: float) -> np.float64:
    """The log-likelihood at a point; minus infinity where a mean is impossible."""
    assert point.beta is not None
    if point.outside is not None:
        return np.float64(-np.inf)
    return np.float64(loglike(likelihood, point.beta, point.deviance, scale))


def _from_deviance(likelihood: GLMLikelihood, deviance: float, scale: float) -> float | None:
    found = likelihood.responses
    form = loglike_form(likelihood.kernel.family, found.unit_var_weights)
    if form is None:
        return None
    return loglike_at(form, found.saturated, deviance, scale, found.freq)


def _by_rows(likelihood: GLMLikelihood, beta: FloatArray, scale: float) -> tuple[float, float]:
    """Of some parameters and of the null model, where only the rows tell: a pass."""
    kernel, name = likelihood.kernel, "log-likelihood"
    full = LogLike(kernel, beta, scale)
    null = LogLike(kernel, 0 * beta, scale, likelihood.null_constant)
    found: tuple[float, float] = likelihood.ask(
        Question(name, (name, beta.tobytes(), scale), full),
        Question(name, ("null " + name, scale), null),
    )
    return found
