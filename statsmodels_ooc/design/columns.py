"""Designs from plain columns: what arrays and frames without a formula give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.design.block import FloatArray, Where
from statsmodels_ooc.design.plain import column_values
from statsmodels_ooc.design.spec import DesignSpec, Missing, Rows, check_weights, keep_rows

__all__ = ["ColumnSpec"]


class ColumnSpec(DesignSpec):
    """The columns of a source as they are.

    Parameters
    ----------
    endog : str
        The column of the response.
    exog : sequence of str
        The columns of the design.
    weights : str or float, optional
        The column of the weights, or the weight of every row.
    missing : {"none", "drop", "raise"}
        What happens to rows with missing values.
    """

    has_intercept = False

    def __init__(
        self,
        endog: str,
        exog: Sequence[str],
        weights: str | float | None = None,
        missing: Missing = "none",
    ) -> None:
        self.endog_name = endog
        self.exog_names = tuple(exog)
        self.weights = weights
        self.missing = missing
        self.columns = (endog, *exog, *([weights] if isinstance(weights, str) else []))
        self.encoded = frozenset()

    def rows(self, frame: pd.DataFrame, where: Where) -> Rows:
        columns = [column_values(frame[name], name, where) for name in self.columns]
        absent = {
            name: mask
            for name, values in zip(self.columns, columns, strict=True)
            if (mask := _absent(values)) is not None
        }
        kept, counts = keep_rows(absent, self.missing, where)
        if kept is not None:
            columns = [values.take(kept) for values in columns]
        weights = None
        if isinstance(self.weights, str):
            weights = columns.pop()
            check_weights(weights, self.weights, where, kept)
        elif self.weights is not None:
            weights = np.full(len(columns[0]), self.weights)
            check_weights(weights, "weights", where, kept)
        return Rows(columns[0], tuple(columns[1:]), weights, kept, counts)

    def fill(self, rows: Rows, piece: slice, out: FloatArray) -> None:
        for j, values in enumerate(rows.values):
            out[:, j] = values[piece]


def _absent(values: FloatArray) -> NDArray[np.bool_] | None:
    mask = np.isnan(values)
    return mask if mask.any() else None
