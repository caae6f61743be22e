"""Statsmodels' own models of rows in memory, whose design was learned from all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.base.data import PandasData
from statsmodels.genmod import families

from statsmodels_ooc.design.formula import FormulaSpec
from statsmodels_ooc.selection.fitting import block_of

__all__ = ["model_of"]


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
    extras = dict(block.extras)
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
