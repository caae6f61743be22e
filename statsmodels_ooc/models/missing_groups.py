"""Fits whose covariance needs a label of every row, without the rows that have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import pandas as pd

from statsmodels_ooc.engine import Ledger, Passes, StreamedRows
from statsmodels_ooc.errors import MissingGroupError, MissingGroupWarning, warn_caller
from statsmodels_ooc.models.streamed import seen_anew
from statsmodels_ooc.sources.subset import subset_source

P = ParamSpec("P")
T = TypeVar("T")


def without_rows_of_no_group(fit: Callable[P, T]) -> Callable[P, T]:
    """A fit that is made again without the rows that lack a label, where missing ones are dropped.

    Labels are treated as the other variables of the model: with ``missing="drop"`` a row
    without one is left out, of the parameters too. The design stays what it was: as with other
    missing values, a level that is in none of the rows that are left is a column of zeros.
    """

    @wraps(fit)
    def fitting(*args: P.args, **kwargs: P.kwargs) -> T:
        model: Any = args[0]
        try:
            return fit(*args, **kwargs)
        except MissingGroupError as error:
            source = model.likelihood.stream.whole_source
            if model.spec.missing != "drop" or error.code not in source.columns:
                raise
            code = error.code
        reduced = _without(model, code)
        results: Any = fitting(reduced, *args[1:], **kwargs)  # type: ignore[arg-type]
        lost = int(model.nobs - reduced.nobs)
        warn_caller(
            f"{lost:,} of {int(model.nobs):,} rows have no {code!r}, which the covariance needs; "
            "they are left out of the fit, and of res.model",
            MissingGroupWarning,
        )
        return results  # type: ignore[no-any-return]

    return fitting


def _without(model: Any, column: str) -> Any:
    """The same model of the rows that have a value of a column."""
    stream: StreamedRows = model.likelihood.stream
    source = subset_source(stream.whole_source, _has_value(column))
    fewer = StreamedRows(source, stream.spec, Ledger(Passes(stream.passes)))
    likelihood = replace(model.likelihood, stream=fewer)
    anew = seen_anew(model, fewer, likelihood, getattr(model, "formula", None))
    anew.conditions = (*model.conditions, _has_value(column))
    return anew


def _has_value(column: str) -> Any:
    """A condition on rows: an expression, which reads no other column, where one can say it."""
    return HasValue(column) if "`" in column else f"`{column}`.notna()"


@dataclass(frozen=True)
class HasValue:
    """Rows that have a value of a column."""

    column: str

    def __call__(self, frame: pd.DataFrame) -> Any:
        return frame[self.column].notna()
