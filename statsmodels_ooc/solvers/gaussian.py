"""The Gaussian likelihood of a linear model, from what least squares found."""

from __future__ import annotations

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.solvers.least_squares import LinearFit


def concentrated_loglike(ssr: float, n: float, log_weights: float = 0.0) -> float:
    """Log-likelihood with the scale profiled out.

    Parameters
    ----------
    ssr : float
        Sum of squared whitened residuals.
    n : float
        Rows.
    log_weights : float
        Sum of the logarithms of the weights.
    """
    with np.errstate(divide="ignore"):
        profile = np.log(ssr) + 1 + np.log(2 * np.pi / n)
    return float(-0.5 * n * profile + 0.5 * log_weights)


def loglike(ssr: float, n: float, scale: float) -> float:
    """Log-likelihood at a given scale."""
    return float(-0.5 * n * np.log(2 * np.pi * scale) - ssr / (2 * scale))


def score(fit: LinearFit, params: FloatArray, n: float, scale: float | None) -> FloatArray:
    """Gradient of the log-likelihood, (k,); the scale profiled out where it is None."""
    gradient = fit.gradient_at(params)
    return n * gradient / fit.ssr_at(params) if scale is None else gradient / scale


def hessian(fit: LinearFit, params: FloatArray, n: float, scale: float | None) -> FloatArray:
    """Hessian of the log-likelihood, (k, k), as statsmodels' OLS defines it."""
    xtx = fit.r_exog.T @ fit.r_exog
    if scale is not None:
        return -xtx / scale
    ssr = fit.ssr_at(params)
    slope = -2 * fit.gradient_at(params)
    return -n * (xtx / ssr - np.outer(slope, slope) / ssr**2) / 2


def surrogate_rows(fit: LinearFit) -> tuple[FloatArray, FloatArray]:
    """A response (k + 1,) and a design (k + 1, k) with the data's cross products.

    Whatever uses the rows of a Gaussian model only through X'X, X'y and y'y gives
    the same answer on these, once it is told the true number of rows.
    """
    k = len(fit.effects)
    exog = np.vstack((fit.r_exog, np.zeros((1, k))))
    return np.append(fit.effects, fit.rho), exog
