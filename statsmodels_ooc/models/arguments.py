"""What fits are told, checked."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from statsmodels.tools.validation import string_like

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.families.kernels import SCALE_OF_ONE
from statsmodels_ooc.results.covariance.registry import GLM, checked
from statsmodels_ooc.solvers.point import Criterion, ScaleRule

_IRLS_OPTIONS = {"atol", "rtol", "tol_criterion", "wls_method", "attach_wls"}
_WLS_METHODS = ("lstsq", "pinv", "qr")


def checked_covariance(cov_type: str, cov_kwds: Any = None) -> tuple[bool, str]:
    """Whether the information is the expected one, and the covariance type of the results."""
    expected = str(cov_type).lower() == "eim"
    cov_type = "nonrobust" if expected else cov_type
    checked(GLM, cov_type, cov_kwds)
    return expected, cov_type


def checked_maxiter(maxiter: Any) -> int:
    """How many iterations there may be."""
    if not isinstance(maxiter, numbers.Real) or maxiter < 0 or float(maxiter) % 1:
        raise OptionError(f"maxiter={maxiter!r}; it is a number of iterations, 0 or more")
    return int(float(maxiter))


def checked_scale(scale: str | float | None) -> str | float | None:
    """How the scale is estimated, or its value; refuses anything else."""
    if scale is None:
        return None
    if isinstance(scale, str):
        chosen: str = string_like(scale, "scale", options=("x2", "dev"))
        return chosen
    try:
        value = float(scale)
    except (TypeError, ValueError) as error:
        raise type(error)("scale must be a float if given and not a string.") from error
    if not (np.isfinite(value) and value > 0):
        raise OptionError(f"scale={scale!r}; a scale is finite and above zero, or 'X2' or 'dev'")
    return value


def checked_start(values: Any, k: int) -> FloatArray:
    """Parameters to start from, as an array of their own."""
    try:
        beta = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"start_params are {k} numbers here, not {values!r}") from error
    if beta.shape != (k,):
        raise OptionError(f"start_params are {k} numbers here, not an array of shape {beta.shape}")
    if not np.isfinite(beta).all():
        raise OptionError(f"start_params are finite, not {beta[~np.isfinite(beta)][0]}")
    return beta


def scale_rule(scale: str | float | None, family: Any) -> ScaleRule:
    """The rule behind a checked scale; None is the number one, or Pearson's, by the family."""
    if scale is None:
        return ScaleRule("fixed" if isinstance(family, SCALE_OF_ONE) else "x2")
    if isinstance(scale, str):
        return ScaleRule("x2" if scale.lower() == "x2" else "dev")
    return ScaleRule("fixed", float(scale))


def checked_options(options: dict[str, Any]) -> str:
    """The method of the least squares, which is only recorded; refuses unknown options."""
    unknown = sorted(set(options) - _IRLS_OPTIONS)
    if unknown:
        raise TypeError(
            f"fit(method='IRLS') has no option {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(sorted(_IRLS_OPTIONS))}"
        )
    if options.get("attach_wls"):
        raise NotImplementedError("attach_wls: there is no WLS model in memory to attach")
    wls_method: str = options.get("wls_method", "lstsq")
    if wls_method not in _WLS_METHODS:
        raise ValueError(f"wls_method must be one of {_WLS_METHODS}, not {wls_method!r}")
    return wls_method


def criterion_of(tol: float, options: dict[str, Any]) -> Criterion:
    """When the iterations stop, from statsmodels' options."""
    name = options.get("tol_criterion", "deviance")
    if name not in ("deviance", "params"):
        raise ValueError(f"tol_criterion must be 'deviance' or 'params', not {name!r}")
    atol = options.get("atol")
    return Criterion(name, tol if atol is None else atol, options.get("rtol", 0.0))
