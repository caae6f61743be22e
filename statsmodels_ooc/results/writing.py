"""Rows and what results say of them, written to a file."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from statsmodels_ooc.checks import meant, share
from statsmodels_ooc.design.anew import columns_anew, formula_anew
from statsmodels_ooc.design.beside import require_named
from statsmodels_ooc.design.learned import FormulaSpec
from statsmodels_ooc.engine import (
    Ledger,
    RowColumns,
    RowFunction,
    StreamedRows,
    WrittenRows,
    row_answer,
    row_method,
    write_rows,
)
from statsmodels_ooc.engine.writing import RESERVED
from statsmodels_ooc.errors import ColumnNotFoundError, DesignError, OptionError
from statsmodels_ooc.reductions.predictions import SHIFTS
from statsmodels_ooc.results.intervals import SHOWN
from statsmodels_ooc.results.new_data import plain
from statsmodels_ooc.results.predicting import check_exposure, kernel_of_model, predictor_of
from statsmodels_ooc.results.predictions import PredictedColumns, Predictor, quantile_of
from statsmodels_ooc.sources.base import ForgottenSource, Source
from statsmodels_ooc.sources.coerce import as_source

_OBS = ("obs_ci_lower", "obs_ci_upper")
_WIDE = {"exog", "wexog", "pinv_wexog"}  # of which a row has several numbers


class WritesRows:
    """A mixin for results: what they know of every row, in a file."""

    model: Any

    def write_rows(
        self,
        path: str | os.PathLike[str],
        columns: str | Sequence[str],
        keep: Sequence[str] | None = None,
        data: Any = None,
        *,
        alpha: float = 0.05,
        offset: str | float | None = None,
        exposure: str | float | None = None,
        weights: str | float | None = None,
        overwrite: bool = False,
    ) -> WrittenRows:
        """Write a file with a row for every row of the data, or of new data; one pass.

        Parameters
        ----------
        path : path_like
            ``.parquet`` or ``.csv`` for one file; without a suffix a folder with a Parquet file
            for each partition of the data.
        columns : str or sequence of str
            What the file says of each row: predictions (``mean``, ``mean_se``, ``mean_ci_lower``,
            ``mean_ci_upper``, of linear models ``obs_ci_lower`` and ``obs_ci_upper``), and whatever
            of the results or the model has a number for every row, such as ``fittedvalues``,
            ``resid``, ``mu`` or ``resid_deviance``; and the columns of the summary frame of
            ``get_influence()``, such as ``cooks_d``, of which some take two passes before.
        keep : sequence of str, optional
            Columns of the data that come along.
        data : object, optional
            New data, whatever `as_source` takes; the data of the model by default.
        alpha : float
            The level of intervals is ``1 - alpha``.
        offset, exposure, weights : str or float, optional
            Of new data: columns, expressions in columns, or one number for all rows. By default
            the model's own, by the names that they had.
        overwrite : bool
            Whether a file of this name is replaced, or a folder that has nothing but such files.
            A file that the model or `data` is read from is not; which ones dask, polars and
            functions read, nobody tells.

        Returns
        -------
        WrittenRows
            Where the file is, how many rows it has, and how many have no answers, by why.

        Raises
        ------
        WriteError
            There is a file of this name, or it cannot be written.
        DesignError
            There is no such column; it lists those that there are.

        Notes
        -----
        The file has the columns ``row``, the number of the row in the source, counted from 0; those
        that are kept; those that are asked for; ``in_sample``, whether the row has answers; and
        ``dropped_because``, why it has none: a missing value, or a level that was not learned. Rows
        that ``subset`` did not choose are left out. The rows are in the order of the source. The
        file is there when it is complete, and not before.

        What the model's own offset and exposure are counts for predictions, too, so that ``mean``
        is ``fittedvalues``. Columns of predictions alone need no response in new data.

        Examples
        --------
        >>> import tempfile, pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> frame = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0], "x": [0.0, 1.0, None, 3.0]})
        >>> res = smo.OLS.from_formula("y ~ x", smo.as_source(frame)).fit()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     told = res.write_rows(folder + "/rows.parquet", ["fittedvalues"], keep=["y"])
        ...     pd.read_parquet(folder + "/rows.parquet")["fittedvalues"].round(3).tolist()
        [1.286, 2.571, nan, 5.143]
        >>> told.rows, told.in_sample, told.dropped
        (4, 3, {'missing value of x': 1})
        """
        names, kept = _named("columns", columns), _named("keep", () if keep is None else keep)
        _check_names(names, kept)
        given = {"offset": offset, "exposure": exposure, "weights": weights}
        told = {role: plain(role, v) for role, v in given.items() if v is not None}
        asked = _asked(self, names, alpha, new=data is not None)
        if data is None:
            if told:
                raise DesignError(
                    f"{', '.join(told)} are of new data; the model's own count for its own"
                )
            rows = self.model.open_rows()
        else:
            rows = _new_rows(self, names, data, told)
        _check_kept(kept, rows.whole_source)
        return write_rows(
            _with_arrays(rows, asked, is_new=data is not None),
            path,
            [one for one, _ in asked],
            kept,
            order=names,
            overwrite=overwrite,
            also_read=_read_by(self.model),
        )


# --- what can be asked


def _asked(
    results: Any, names: Sequence[str], alpha: float, *, new: bool
) -> list[tuple[RowColumns, Mapping[str, Any]]]:
    """The columns that are asked for, and what has to stand beside the rows for each."""
    alpha = share("alpha", alpha)
    predicted = tuple(name for name in names if name in SHOWN)
    found: list[tuple[RowColumns, Mapping[str, Any]]] = []
    if predicted:
        predictor, quantile = _predictor(results, predicted), np.nan
        if predicted != ("mean",):
            quantile = quantile_of(results, alpha)
        inner = tuple(SHOWN[name] for name in predicted)
        function = PredictedColumns(predictor, inner, quantile)
        found.append((RowColumns(predicted, function), {}))
    for name in names:
        if name not in SHOWN:
            answer = row_function(results, name, new=new)
            found.append((RowColumns((name,), answer.function), answer.beside))
    return found


def _predictor(results: Any, names: Sequence[str]) -> Predictor:
    """What predicts the columns of these names."""
    kernel = kernel_of_model(results.model)
    if tuple(names) == ("mean",):
        return Predictor(np.asarray(results.params, dtype=np.float64), np.empty((0, 0)), kernel)
    if not hasattr(results, "cov_params"):
        raise DesignError(
            "a penalised fit has no standard errors", hint="of its predictions there is the mean"
        )
    if kernel is not None and set(names) & set(_OBS):
        raise DesignError(
            f"{_OBS[0]} and {_OBS[1]} are intervals of new observations of linear models",
            hint=f"a GLM has {', '.join(name for name in SHOWN if name not in _OBS)}",
        )
    noise = results.cov_kwds["scale"] if results.cov_type == "fixed scale" else results.scale
    return predictor_of(results, noise=float(noise), weighted=True)


def row_function(results: Any, name: str, *, new: bool = False) -> RowFunction:
    """What gives a number for every row, by its name.

    Parameters
    ----------
    results : results
        They are looked at first, then their model, then ``results.get_influence()`` where that
        has answers for rows.
    name : str
        What is asked for.
    new : bool
        Whether rows of new data are asked, which have no influence on the fit.

    Raises
    ------
    DesignError
        There is no such answer; it lists those that there are.
    """
    known: dict[str, Callable[[], Any]] = {}
    for answers in _ANSWERS[: 2 if new else 3]:
        known = {**answers(results), **known}
        if name in known:
            break
    else:
        every = sorted({*SHOWN, *known} - _WIDE)
        raise DesignError(
            f"{name!r} is no number for every row",
            hint=f"{meant(name, every)}those that there are: {', '.join(every)}; columns of "
            "the data are named in keep=",
        )
    try:
        found = known[name]()
    except AttributeError as error:  # what is not there yet says so
        raise DesignError(f"{name!r} cannot be written: {error}") from error
    if not isinstance(found, RowFunction):
        raise DesignError(f"{name!r} of this model is no answer for every row")
    if found.width is not None:
        raise DesignError(f"{name!r} has {found.width} numbers for every row, not one")
    return found


def _answers(owner: Any) -> dict[str, Callable[[], Any]]:
    """All of an object that has a value for every row, and what gives the question."""
    kind = type(owner)
    members = {
        name: inspect.getattr_static(kind, name) for name in dir(kind) if not name.startswith("_")
    }
    return {name: _question(m, owner) for name, m in members.items() if _is_plain(m, owner)}


def _question(member: Any, owner: Any) -> Callable[[], Any]:
    return lambda: member.ask(owner)


def _is_plain(member: Any, owner: Any) -> bool:
    """Whether it is a question to every row that takes no arguments."""
    if isinstance(member, row_answer):
        return True
    if not isinstance(member, row_method):
        return False
    try:
        inspect.signature(member.ask).bind(owner)
    except TypeError:
        return False
    return True


def _answers_of_influence(results: Any) -> dict[str, Callable[[], Any]]:
    """What ``row_functions`` of the influence of rows tells by name, where it does."""
    made = inspect.getattr_static(type(results), "get_influence", None)
    if made is None or str(made.__module__).partition(".")[0] == "statsmodels":
        return {}
    told = getattr(results.get_influence(), "row_functions", dict)
    found: dict[str, Callable[[], Any]] = told()
    return found


_ANSWERS: tuple[Callable[[Any], dict[str, Callable[[], Any]]], ...] = (
    _answers,
    lambda results: _answers(results.model),
    _answers_of_influence,
)


# --- the rows


def _new_rows(
    results: Any, names: Sequence[str], data: Any, told: Mapping[str, Any]
) -> StreamedRows:
    """New data, seen through what the columns need of the model."""
    model = results.model
    kernel = kernel_of_model(model)
    if kernel is None and set(told) & set(SHIFTS):
        raise DesignError("linear models have neither an offset nor an exposure")
    if kernel is not None and "weights" in told:
        raise DesignError("weights are of linear models")
    if kernel is not None:
        check_exposure(model, told.get("exposure"))
    source = as_source(data)
    predicts = set(names) <= set(SHOWN)
    if isinstance(model.spec, FormulaSpec):
        roles = SHIFTS if not set(names) & set(_OBS) else (*SHIFTS, "weights")
        own = roles if predicts else tuple(model.spec.learned.extras)
        spec: Any = formula_anew(model.spec, source, told, own=own, response=not predicts)
    else:
        spec = _columns_of_new(model, source, told, predicts)
    return StreamedRows(source, spec, Ledger(model.passes))


def _columns_of_new(model: Any, source: Source, told: Mapping[str, Any], predicts: bool) -> Any:
    needed = [role for role in SHIFTS if role in model.spec.extras and role not in told]
    if not predicts or needed:
        what = " and ".join(needed) if predicts else "the response"
        raise DesignError(
            f"the model was given {what} as an array, which new data do not have",
            hint="give offset= and exposure= as columns of the new data"
            if predicts
            else f"of new data it can say {', '.join(SHOWN)}",
        )
    return columns_anew(model.spec_names, source, told, missing="drop")


def _read_by(model: Any) -> list[Source]:
    """The data of a model, while it has them."""
    source = model.likelihood.stream.whole_source
    return [] if isinstance(source, ForgottenSource) else [source]


def _with_arrays(
    rows: StreamedRows, asked: Sequence[tuple[RowColumns, Mapping[str, Any]]], *, is_new: bool
) -> StreamedRows:
    """The rows, with the arrays beside them that functions need."""
    together: dict[str, Any] = {}
    for one, arrays in asked:
        for name, values in arrays.items():
            if is_new or together.get(name, values) is not values:
                raise DesignError(
                    f"{one.names[0]!r} goes with arrays as long as the data of the model"
                    if is_new
                    else f"{one.names[0]!r} cannot be written together with the other columns",
                    hint="leave it out, or write it to a file of its own",
                )
            together[name] = values
    return rows.beside(**together) if together else rows


def _named(what: str, given: Any) -> tuple[str, ...]:
    """Names of columns, of which one may stand alone."""
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable):
        raise OptionError(f"{what}={given!r}; it is a name or a list of names")
    names = tuple(given)
    odd = next((name for name in names if not isinstance(name, str)), None)
    if odd is not None and what == "columns":
        raise OptionError(f"columns has {odd!r}, which is no name")
    return names


def _check_names(names: Sequence[str], keep: Sequence[str]) -> None:
    every = [*RESERVED, *map(str, keep), *names]
    twice = sorted({name for name in every if every.count(name) > 1})
    if twice:
        raise DesignError(
            f"the file would have more than one column {twice[0]!r}",
            hint=f"{', '.join(RESERVED)} are in every file",
        )


def _check_kept(keep: Sequence[str], source: Source) -> None:
    _ = source.partitions  # of rows that are gone, says so
    require_named(keep, source)
    absent = [name for name in keep if name not in source.columns]
    if absent:
        raise ColumnNotFoundError(
            f"{source.name} has no column {absent[0]!r} to keep",
            hint=f"its columns are {', '.join(map(repr, source.columns))}",
        )
