"""The log-likelihood of a generalised linear model at any scale, from sums at scale one."""

from __future__ import annotations

import numpy as np

from statsmodels_ooc.families.elementwise import gamma_at_mean

__all__ = ["loglike_at"]


def loglike_at(
    form: str, saturated: float, deviance: float, scale: float, freq_total: float
) -> float:
    """Log-likelihood as the families of statsmodels define it.

    Parameters
    ----------
    form : {"fixed", "linear", "dispersion", "gamma", "undefined"}
        How the scale enters: not at all, as a divisor, as the dispersion of a normal
        density, as that of a gamma density of unit weights, or in no way known.
    saturated : float
        Log-likelihood at scale one where the means are the responses.
    deviance : float
        Deviance at scale one.
    scale : float
        The scale.
    freq_total : float
        Sum of the frequency weights.
    """
    s = np.float64(scale)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        match form:
            case "fixed":
                return saturated - deviance / 2
            case "linear":
                return float((saturated - deviance / 2) / s)
            case "dispersion":
                return float(saturated - deviance / (2 * s) - freq_total / 2 * np.log(s))
            case "gamma":
                shape = 1 / s
                constant = 1 + gamma_at_mean(np.array([shape]))[0]
                return float(saturated + freq_total * constant - shape * deviance / 2)
            case "undefined":
                return float("nan")
    raise ValueError(f"unknown form of likelihood: {form!r}")
