"""Statsmodels' own models of rows in memory, whose design was learned from all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.base.data import PandasData
from statsmodels.genmod import families

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.design.formula import FormulaSpec
from statsmodels_ooc.errors import PrecisionError, SelectionWarning, warn_caller
from statsmodels_ooc.selection.fitting import block_of

__all__ = ["fit_model", "model_of"]

_ASTRAY = 1e-2  # root mean square difference of linear predictors from those at the maximum


class _LearnedData(PandasData):  # type: ignore[misc]
    """Rows whose formula was learned elsewhere, and is not learned again from a pickle."""

    learned: FormulaSpec

    @property
    def model_spec(self) -> Any:
        return self.learned.design_info


def model_of(spec: FormulaSpec, frame: pd.DataFrame, formula: Any, family: Any) -> Any:
    """A model of the rows of a frame, as ``from_formula`` leaves it.

    Parameters
    ----------
    spec : FormulaSpec
        The learned formula.
    frame : DataFrame
        The rows.
    formula : str
        As the user wrote it.
    family : Family or None
        None for a linear model.

    Returns
    -------
    OLS, WLS or GLM
        Statsmodels' own.
    """
    block = block_of(spec, frame)
    exog = pd.DataFrame(block.dense().copy(), frame.index, list(spec.exog_names))
    endog: Any = pd.Series(block.endog, frame.index, name=spec.endog_name)
    extras: dict[str, Any] = block.extras.given()
    if family is None:
        kind = sm.WLS if "weights" in extras else sm.OLS
        model = kind(endog, exog, **extras)
    else:
        if "exposure" in extras:
            extras["exposure"] = np.exp(extras["exposure"])
        trials = extras.pop("trials", None)
        if trials is not None and isinstance(family, families.Binomial):
            counts = np.column_stack((block.endog * trials, (1 - block.endog) * trials))
            endog = pd.DataFrame(counts, frame.index, list(spec.endog_names))
        model = sm.GLM(endog, exog, family=family, **extras)
    model.formula = formula
    model.data.__class__ = _LearnedData
    model.data.learned, model.data.frame = spec, frame
    return model


def fit_model(model: Any, best: FloatArray | None, options: dict[str, Any]) -> Any:
    """Fit a model of `model_of`, and see that it ends where it should.

    Parameters
    ----------
    model : OLS, WLS or GLM
        The model.
    best : ndarray, (k,), or None
        The parameters that maximise its likelihood, where they are known.
    options : dict
        For the model's ``fit``.
    """
    results = model.fit(**options)
    if best is None or not getattr(results, "converged", True) or not _is_astray(results, best):
        return results
    name = type(model.family).__name__
    if str(options.get("method", "IRLS")).upper() == "IRLS":
        warn_caller(
            f"statsmodels' IRLS ended away from the maximum of the {name} likelihood, as it does "
            "where a mean is next to a bound; its Newton method was asked instead",
            SelectionWarning,
        )
        options = options | {"method": "newton", "start_params": best, "disp": False}
        results = model.fit(**options)
        if not _is_astray(results, best):
            return results
    raise PrecisionError(
        f"statsmodels ended away from the maximum of the {name} likelihood",
        hint="smo.GLM.from_formula(formula, selection, ...) finds it",
    )


def _is_astray(results: Any, best: FloatArray) -> bool:
    apart = np.asarray(results.model.exog) @ (np.asarray(results.params) - best)
    return not np.sqrt(np.mean(apart**2)) <= _ASTRAY
