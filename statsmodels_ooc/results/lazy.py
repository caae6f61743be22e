"""Answers of linear models for every row; new rows, and what needs the design in memory."""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.design.learned import FormulaSpec
from statsmodels_ooc.design.plain import plain_frame
from statsmodels_ooc.engine import (
    LazyAnswers,
    Passes,
    RowFunction,
    StreamedRows,
    kept_answers,
    row_answer,
    row_method,
)
from statsmodels_ooc.errors import warn_caller
from statsmodels_ooc.options import options
from statsmodels_ooc.results.new_data import is_read_in_chunks, levels_are_counted, with_columns
from statsmodels_ooc.results.predicting import predict_linear, predict_new, predict_own
from statsmodels_ooc.results.rows import Fitted, HetScale, Residuals
from statsmodels_ooc.sources.coerce import as_source, is_chunked

_OF_PREDICT = ("exposure", "offset", "which")  # of a GLM, in order


class HasRows:
    """A mixin for results of a model that streams: the way to its rows."""

    model: Any
    params: Any

    @property
    def passes(self) -> Passes:
        """Every pass over the data so far: name, rows, seconds, bytes."""
        records: Passes = self.model.passes
        return records

    @property
    def lazy(self) -> LazyAnswers:
        """What has a value for every row, as dask arrays of whatever size."""
        return LazyAnswers(self)

    def open_rows(self) -> StreamedRows:
        """The rows, once they are known to be sound."""
        rows: StreamedRows = self.model.open_rows()
        return rows

    def ask_model(self, *args: Any, **kwargs: Any) -> Any:
        """What the model's ``predict`` asks of every row; of a subclass it may be a plain one."""
        predict = type(self.model).predict
        ask = predict.ask if isinstance(predict, row_method) else predict
        return ask(self.model, self.params, None, *args, **kwargs)

    @row_method
    def predict(self, exog: Any = None, transform: bool = True, *args: Any, **kwargs: Any) -> Any:
        """Predicted values, of new data or of the data itself.

        Parameters
        ----------
        exog : DataFrame, dict or array_like, or whatever `as_source` takes, optional
            New data; the data itself by default.
        transform : bool
            Whether a formula's variables are in `exog`, rather than its columns.
        *args, **kwargs
            As the model's ``predict``: of a GLM ``exposure``, ``offset`` and ``which``. The first
            two may be columns of the data, or expressions in columns.

        Returns
        -------
        Series, ndarray or RowArray, (n,)
            With the labels of the new data, and NaN for rows with missing values.

        Raises
        ------
        UnseenLevelError
            New data have levels that the formula did not learn; it counts such rows.
        """
        given = dict(zip(_OF_PREDICT, args, strict=False), **kwargs)
        if is_read_in_chunks(exog, given.get("exposure"), given.get("offset")):
            return predict_new(self, exog, transform, given)
        if exog is None and any(isinstance(given.get(role), str) for role in _OF_PREDICT[:2]):
            return predict_own(self, given)
        if exog is None:
            return self.ask_model(*args, **kwargs)
        new = new_rows(exog)
        with levels_are_counted(self.model, new, transform):
            return super().predict(new, transform, *args, **kwargs)  # type: ignore[misc]

    def __repr__(self) -> str:
        spec, source = self.model.spec, self.model.likelihood.stream.source.name
        cov_type = getattr(self, "cov_type", None)
        told = f", {cov_type} standard errors" if cov_type else ""
        what = f"{spec.endog_name!r} on {spec.k} columns, {int(self.model.nobs):,} rows"
        return f"<{type(self).__name__} of {what}{told}: {source}>"

    def forget_rows(self) -> None:
        """Let go of the rows, and of the answers that are as long as the data."""
        self.model.forget_rows()
        for name in kept_answers(self):
            del self.__dict__[name]

    def __getstate__(self) -> dict[str, Any]:
        rows = kept_answers(self)
        return {key: value for key, value in self.__dict__.items() if key not in rows}


class LazyRows(HasRows):
    """Fitted values, residuals and predictions of results with a streamed model."""

    params: Any
    nobs: Any
    scale: Any
    uncentered_tss: Any
    df_resid: Any
    scored: Any
    het_kind: str | None = None

    @row_answer
    def fittedvalues(self) -> RowFunction:
        """``X params``, (n,)."""
        return RowFunction(Fitted(np.asarray(self.params)))

    @row_answer
    def resid(self) -> RowFunction:
        """``y - X params``, (n,)."""
        return RowFunction(Residuals(np.asarray(self.params)))

    @row_answer
    def wresid(self) -> RowFunction:
        """``sqrt(w) * (y - X params)``, (n,)."""
        return RowFunction(Residuals(np.asarray(self.params), whitened=True))

    @row_answer
    def resid_pearson(self) -> RowFunction:
        """``wresid / sqrt(scale)``, (n,)."""
        sigma, total = float(np.sqrt(self.scale)), float(np.sqrt(self.uncentered_tss))
        if sigma < 10 * np.finfo(np.float64).eps * total / np.sqrt(self.nobs):
            warn_caller("All residuals are 0, cannot compute normed residuals.", RuntimeWarning)
            sigma = 1.0
        return RowFunction(Residuals(np.asarray(self.params), whitened=True, divisor=sigma))

    @row_answer
    def het_scale(self) -> RowFunction:
        """Squared residuals as the last covariance of HC0 to HC3 took them, (n,)."""
        if self.het_kind is None:
            raise AttributeError("het_scale is there once one of HC0 to HC3 has been asked for")
        factor = self.nobs / self.df_resid if self.het_kind == "HC1" else 1.0
        power = {"HC2": 1, "HC3": 2}.get(self.het_kind, 0)
        scored = self.scored
        return RowFunction(HetScale(scored.params, scored.axes, factor, power, scored.ones))

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
        exog : DataFrame, dict or array_like, or whatever `as_source` takes, optional
            New data. None takes the data itself; rows with missing values are left out.
        transform : bool
            Whether a formula's variables are in `exog`, rather than its columns.
        weights : array_like or str, optional
            As for WLS, for the variance of a new observation; also a column of the data.
        row_labels : array_like, optional
            Index of the summary frame.
        **kwargs
            As statsmodels.

        Returns
        -------
        PredictionResults or LazyPredictions
            That of statsmodels while it is smaller than ``array_limit``; lazy answers above.
        """
        if transform and isinstance(self.model.spec, FormulaSpec):
            exog, given = with_columns(exog, {"weights": weights})
            weights = given["weights"]
        if exog is None or is_read_in_chunks(exog, weights):
            if kwargs:  # statsmodels hands them to predict, which does not know them either
                raise TypeError(f"get_prediction has no keyword {', '.join(map(repr, kwargs))}")
            return predict_linear(self, exog, transform, weights, row_labels)
        new = new_rows(exog)
        with levels_are_counted(self.model, new, transform):
            return super().get_prediction(  # type: ignore[misc]
                new, transform, weights, row_labels, **kwargs
            )


class WithDesign:
    """A method of statsmodels that takes all rows, of a design smaller than ``array_limit``.

    Parameters
    ----------
    why : str
        What it does with all rows.
    """

    def __init__(self, why: str) -> None:
        self.why = why
        self.__doc__ = "For every row, of a design smaller than ``array_limit``; see statsmodels."

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    def __get__(self, results: Any, kind: type | None = None) -> Any:
        if results is None:
            return self
        asked = getattr(super(self.owner, results), self.name)

        @wraps(asked)
        def method(*args: Any, **kwargs: Any) -> Any:
            require_design(results.model, f"{self.name}: {self.why}")
            return asked(*args, **kwargs)

        return method


def require_design(model: Any, what: str) -> None:
    """Refuse what needs all rows at once, where the design is not smaller than ``array_limit``.

    Raises
    ------
    NotImplementedError
        It says how large the design is, and what to do.
    """
    size = 8 * int(model.nobs) * model.spec.k
    if size > options.array_limit:
        raise NotImplementedError(
            f"{what}; the design has {size:,} bytes, and below smo.options.array_limit = "
            f"{options.array_limit:,} it is statsmodels' own. Raise the limit where memory has "
            "room, or fit a sample of the rows"
        )


def new_rows(exog: Any) -> Any:
    """New data for a prediction, with numbers of 64 bits; all tables as a DataFrame of pandas."""
    if isinstance(exog, pd.DataFrame):
        return plain_frame(exog)
    if isinstance(exog, Mapping):
        return {name: _wide(values) for name, values in exog.items()}
    if is_chunked(exog) and hasattr(exog, "__array__"):
        source = as_source(exog)
        return plain_frame(source.head(source.rows or 0))
    return exog


def _wide(values: Any) -> Any:
    """What a dict holds of a variable, with numbers of 64 bits; lists stay what they are."""
    if isinstance(values, np.ndarray | np.generic) and values.dtype.kind in "iuf":
        wide = np.float64 if values.dtype.kind == "f" else np.int64
        return values.astype(wide) if values.dtype.itemsize < 8 else values
    if isinstance(values, pd.Series | pd.api.extensions.ExtensionArray):
        return plain_frame(pd.DataFrame({"": values}))[""]
    return values
