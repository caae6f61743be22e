"""New data that are read in chunks, seen through the design of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from patsy import PatsyError

from statsmodels_ooc.design.anew import columns_anew, formula_anew
from statsmodels_ooc.design.beside import spec_beside
from statsmodels_ooc.design.learned import FormulaSpec
from statsmodels_ooc.design.spec import Missing
from statsmodels_ooc.engine import AllRows, Ledger, StreamedRows, check_levels
from statsmodels_ooc.errors import DesignError, OptionError
from statsmodels_ooc.reductions.lost import LostRows
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.coerce import as_source, is_chunked
from statsmodels_ooc.sources.dask_array import AlignedSource, from_arrays
from statsmodels_ooc.sources.dask_kinds import is_lazy


def is_read_in_chunks(exog: Any, *given: Any) -> bool:
    """Whether new data are a source; frames are, where something is given by a column's name."""
    if isinstance(exog, pd.DataFrame):
        return any(isinstance(value, str) for value in given)
    return is_lazy(exog) or is_chunked(exog)


def with_columns(exog: Any, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A frame with what is given for each of its rows as columns, and their names.

    So rows of missing values go together with what is given for them.

    Parameters
    ----------
    exog : object
        New data; only a frame gets columns.
    given : mapping
        Names to columns, numbers, None, or values for each row, in order.
    """
    told, added = dict(given), {}
    if not isinstance(exog, pd.DataFrame):
        return exog, told
    for name, values in given.items():
        if np.ndim(values) == 1 and len(values) == len(exog):
            told[name] = next(code for i in count() if (code := f"{name}_{i}") not in exog.columns)
            added[told[name]] = np.asarray(values)
    return exog.assign(**added), told


@dataclass(frozen=True)
class NewData:
    """New data, seen through the design of a model.

    Attributes
    ----------
    rows : StreamedRows
        Their rows, with what is given beside them; its passes are the model's.
    labelled : bool
        Whether answers have labels, as for frames; dask arrays have none.
    shift : float
        What is added to the linear predictor of every row, besides what the rows have.
    """

    rows: StreamedRows
    labelled: bool
    shift: float = 0.0

    def series(self, found: AllRows) -> Any:
        """An answer as statsmodels gives it."""
        return pd.Series(found.values, index=found.labels) if self.labelled else found.values


def open_new_data(
    model: Any,
    exog: Any,
    transform: bool,
    given: Mapping[str, Any],
    *,
    agg_weights: Any = None,
    missing: Missing = "none",
) -> NewData:
    """Open new data for predictions.

    Parameters
    ----------
    model : model
        The model.
    exog : object
        Whatever `as_source` takes, with the variables of the formula; for a model without one
        a table of the columns of the design, or a dask Array of them, (m, k).
    transform : bool
        Whether a formula's variables are in `exog`, rather than the columns of the design.
    given : mapping
        Offset, exposure and weights, by role: a column, an expression in columns, a number, or
        values for the rows that the design keeps.
    agg_weights : str or array_like, optional
        Likewise, weights of an average.
    missing : {"none", "drop"}
        Of a model without a formula: whether rows with missing values stay.

    Raises
    ------
    DesignError
        The new data do not fit the design.
    """
    told = {role: value for role, value in given.items() if value is not None}
    in_spec = {r: plain(r, v) for r, v in told.items() if isinstance(v, str) or np.ndim(v) == 0}
    is_formula = isinstance(model.spec, FormulaSpec)
    source = _source(exog, is_formula and transform)
    spec: Any
    if is_formula and transform:
        spec = formula_anew(model.spec, source, in_spec)
    else:
        places = source.exog_columns if isinstance(source, AlignedSource) else None
        names = model.spec_names
        spec = columns_anew(names, source, in_spec, missing=missing, places=places)
    if isinstance(agg_weights, str):
        spec = spec_beside(spec, source, {"agg_weights": agg_weights})
    arrays = {role: value for role, value in told.items() if role not in in_spec}
    if agg_weights is not None and not isinstance(agg_weights, str):
        arrays["agg_weights"] = agg_weights
    rows = StreamedRows(source, spec, Ledger(model.passes))
    is_array = is_lazy(exog) and not hasattr(exog, "columns")
    return NewData(rows.beside(**arrays) if arrays else rows, not is_array)


def require_levels(rows: StreamedRows) -> None:
    """Refuse levels that were not learned, in a pass that counts the rows.

    Raises
    ------
    UnseenLevelError
        It counts them, and says where the first one stands.
    """
    (lost,) = rows.fold("new rows", LostRows())
    check_levels(lost, {i: p.label for i, p in enumerate(rows.source.partitions)})


@contextmanager
def levels_are_counted(model: Any, exog: Any, transform: bool) -> Iterator[None]:
    """Inside, patsy makes a design of a frame: of levels that it does not know, say all.

    Raises
    ------
    UnseenLevelError
        In place of patsy's error, which stops at the first.
    """
    try:
        yield
    except PatsyError:
        if isinstance(exog, pd.DataFrame) and transform and isinstance(model.spec, FormulaSpec):
            rows = open_new_data(model, exog, transform, {}).rows
            require_levels(replace(rows, ledger=Ledger()))
        raise


def plain(role: str, value: Any) -> str | float:
    """A column, an expression or a number for all rows.

    Raises
    ------
    OptionError
        `value` is something else.
    """
    if isinstance(value, str):
        return value
    if np.ndim(value) or not isinstance(value, float | int | np.number | np.ndarray):
        told = f"{role} has shape {np.shape(value)}" if np.ndim(value) else f"{role}={value!r}"
        raise OptionError(f"{told}; it is a column, an expression, or one number for all rows")
    return float(value)


def _source(exog: Any, is_formula: bool) -> Source:
    if is_lazy(exog) and not (hasattr(exog, "columns") and exog.ndim == 2):
        if is_formula:
            raise DesignError(
                "a formula needs columns by name, and a dask array has none",
                hint="give a dask DataFrame, or transform=False for an array of the design",
            )
        array = exog if exog.ndim == 2 else exog[:, None]
        return from_arrays(array[:, 0], array)
    return as_source(exog)
