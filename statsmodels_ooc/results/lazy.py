"""Answers as long as the data, which stay out of memory."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from statsmodels_ooc.engine import RowArray
from statsmodels_ooc.errors import DesignError, warn_caller
from statsmodels_ooc.results.rows import Fitted, Residuals
from statsmodels_ooc.sources.coerce import as_source, is_chunked

__all__ = ["LazyRows", "new_rows"]


class LazyRows:
    """Fitted values, residuals and predictions of results with a streamed model."""

    model: Any
    params: Any
    nobs: Any
    scale: Any
    uncentered_tss: Any

    @cached_property
    def fittedvalues(self) -> RowArray:
        """``X params``, (n,)."""
        return self._rows(Fitted(np.asarray(self.params)))

    @cached_property
    def resid(self) -> RowArray:
        """``y - X params``, (n,)."""
        return self._rows(Residuals(np.asarray(self.params)))

    @cached_property
    def wresid(self) -> RowArray:
        """``sqrt(w) * (y - X params)``, (n,)."""
        return self._rows(Residuals(np.asarray(self.params), whitened=True))

    @cached_property
    def resid_pearson(self) -> RowArray:
        """``wresid / sqrt(scale)``, (n,)."""
        sigma, total = float(np.sqrt(self.scale)), float(np.sqrt(self.uncentered_tss))
        if sigma < 10 * np.finfo(np.float64).eps * total / np.sqrt(self.nobs):
            warn_caller(
                "All residuals are 0, cannot compute normed residuals.",
                RuntimeWarning,
            )
            return self.wresid
        return self._rows(Residuals(np.asarray(self.params), whitened=True, divisor=sigma))

    def _rows(self, function: Any) -> RowArray:
        rows: RowArray = self.model._rows(function)
        return rows

    def predict(self, exog: Any = None, transform: bool = True, *args: Any, **kwargs: Any) -> Any:
        """Predicted values: of new data, or lazily of the data itself.

        Parameters
        ----------
        exog : DataFrame, dict or array_like, optional
            New data; the data itself by default.
        transform : bool
            Whether a formula's variables are in `exog`, rather than its columns.
        *args, **kwargs
            Passed to the model's ``predict``.
        """
        if exog is None:
            return self.fittedvalues
        exog = new_rows(exog)
        return super().predict(exog, transform, *args, **kwargs)  # type: ignore[misc]

    def get_prediction(
        self,
        exog: Any = None,
        transform: bool = True,
        weights: Any = None,
        row_labels: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Predictions with their intervals.

        Parameters
        ----------
        exog : DataFrame, dict or array_like, optional
            New data. None takes the data itself, while its design is smaller than
            ``smo.options.array_limit``.
        transform : bool
            Whether a formula's variables are in `exog`, rather than its columns.
        weights : array_like, optional
            As for WLS, for the variance of a new observation.
        row_labels : array_like, optional
            Index of the summary frame.
        **kwargs
            As statsmodels.

        Raises
        ------
        MemoryLimitError
            The design of the data does not fit.
        """
        if exog is None:
            exog, transform = np.asarray(self.model.exog), False
            weights = np.asarray(self.model.weights) if weights is None else weights
        else:
            exog = new_rows(exog)
        return super().get_prediction(  # type: ignore[misc]
            exog, transform, weights, row_labels, **kwargs
        )


def new_rows(exog: Any) -> Any:
    """New data for a prediction; tables of polars and Arrow as a DataFrame.

    Raises
    ------
    DesignError
        They would have to be read in chunks.
    """
    if not (is_chunked(exog) or hasattr(exog, "dask")):
        return exog
    if hasattr(exog, "__array__") and not hasattr(exog, "dask"):
        source = as_source(exog)
        return source.head(source.rows or 0)
    kind = f"{type(exog).__module__.partition('.')[0]} {type(exog).__qualname__}"
    raise DesignError(
        "new data are a DataFrame of pandas, a dict or an array, not a "
        + kind.removeprefix("builtins "),
        hint="predict frame by frame: [res.predict(frame) for frame in "
        "smo.as_source(new).frames()]",
    )
