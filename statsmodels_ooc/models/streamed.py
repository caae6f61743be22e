"""What every model here does with data that stays outside memory."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any, ClassVar

import pandas as pd

from statsmodels_ooc._statsmodels import StreamedArrayData, StreamedFrameData
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.columns import ColumnSpec
from statsmodels_ooc.design.spec import DesignSpec, Missing
from statsmodels_ooc.engine import (
    LazyAnswers,
    Passes,
    RowFunction,
    StreamedRows,
    UsedRows,
    kept_answers,
    row_answer,
    row_method,
)
from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.models.door import refused
from statsmodels_ooc.models.travelling import Travels
from statsmodels_ooc.options import options
from statsmodels_ooc.results.rows import Design, Fitted, Response, Weights
from statsmodels_ooc.sources.dask_array import AlignedSource


class StreamedModel(Travels):
    """A mixin in front of a door: what it does with data that stays outside memory.

    Nothing of the constructor of statsmodels has run.
    """

    _cloned: tuple[str, ...] = ()  # arguments beside endog and exog that a clone needs
    likelihood: Any  # makes the passes of a fit; tells `facts` and `constant`
    spec: DesignSpec
    column_names: tuple[str, ...] | None = None  # where the design does not tell them
    conditions: tuple[Any, ...] = ()  # by which rows were chosen: expressions, functions, masks
    door: ClassVar[Any]

    def set_up(
        self,
        stream: StreamedRows,
        spec: DesignSpec,
        likelihood: Any,
        hasconst: bool | None,
        formula: Any = None,
        *,
        is_frame_like: bool = True,
    ) -> None:
        """Set what the parents' constructors would have set."""
        self.spec = spec
        self.likelihood = likelihood
        kind = StreamedFrameData if is_frame_like else StreamedArrayData
        names = spec.endog_names
        ynames = names[0] if len(names) == 1 else list(names)
        self._data = kind(ynames, stream.source, formula)
        if formula is not None:
            self.formula = formula
        self._data_attr: list[str] = []
        self._init_keys: list[str] = [*self._cloned, *([] if hasconst is None else ["hasconst"])]
        if hasconst is not None:
            self.hasconst = hasconst
        self._df_model = None
        self._df_resid = None

    _fit_zeros = refused(
        "_fit_zeros",
        "leave the columns out of the formula, or tell a GLM's fit_constrained that they are zero",
    )
    _fit_collinear = refused(
        "_fit_collinear",
        "fit() gives the solution of minimum norm; leave the columns that repeat others out of "
        "the formula",
    )

    @property
    def streams(self) -> bool:
        """Whether the data stays outside memory."""
        return True

    @property
    def data(self) -> StreamedArrayData | StreamedFrameData:
        """What statsmodels asks of the data: names, labels and, when asked for, the rows."""
        return self._data.of(self)

    @property
    def passes(self) -> Passes:
        """Every pass over the data so far: name, rows, seconds, bytes."""
        passes: Passes = self.likelihood.stream.passes
        return passes

    @property
    def dropped(self) -> Mapping[str, int]:
        """Rows that were left out, by the variable that had a missing value."""
        return dict(self.likelihood.facts.missing)

    # What only a pass can tell.

    @cached_property
    def nobs(self) -> float:
        return float(self.likelihood.facts.rows)

    @cached_property
    def k_constant(self) -> int:
        constant: int = self.likelihood.constant[0]
        return constant

    @property
    def const_idx(self) -> int | None:
        """The column of an explicit constant."""
        index: int | None = self.likelihood.constant[1]
        return index

    @row_answer
    def exog(self) -> RowFunction:
        """The design, (n, k)."""
        return RowFunction(Design(), self.spec.k)

    @row_answer
    def endog(self) -> RowFunction:
        """The response, (n,)."""
        return RowFunction(Response())

    @row_answer
    def weights(self) -> RowFunction:
        """The weights, (n,)."""
        return RowFunction(Weights())

    @property
    def lazy(self) -> LazyAnswers:
        """What has a value for every row, as dask arrays of whatever size."""
        return LazyAnswers(self)

    def open_rows(self) -> StreamedRows:
        """The rows; the fit comes first, so that bad ones are refused."""
        _ = self.likelihood.facts
        rows: StreamedRows = self.likelihood.stream
        return rows

    @property
    def row_labels(self) -> pd.Index[Any]:
        """The labels of the rows that the model uses, or their numbers in the source, (n,).

        Raises
        ------
        MemoryLimitError
            There are more of them than ``array_limit`` allows.
        """
        return _used(self.likelihood.stream, "row_labels", int(self.nobs)).labels

    @property
    def dropped_rows(self) -> list[int]:
        """Numbers of the rows that were dropped, among all that `subset` chose.

        Raises
        ------
        MemoryLimitError
            There are more of them than ``array_limit`` allows.
        """
        facts = self.likelihood.facts
        lost = int(facts.rows_read - facts.rows)
        found: list[int] = []
        if lost:
            found = _used(self.likelihood.stream, "missing_row_idx", lost).dropped.tolist()
        return found

    @property
    def spec_names(self) -> tuple[str, ...]:
        """Names of the columns; arrays get statsmodels' names."""
        if self.column_names is not None:
            return self.column_names
        if isinstance(self._data, StreamedFrameData):
            return self.spec.exog_names
        facts = self.likelihood.facts
        constant = (facts.low == facts.high)[:-1]
        names = [f"x{i}" for i in range(1, self.spec.k + (0 if constant.any() else 1))]
        if constant.any():
            names.insert(int(constant.argmax()), "const")
        return tuple(names)

    @row_method
    def predict(self, params: Any, exog: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Predicted values, of a new design or of the data."""
        if exog is not None:
            return super().predict(params, exog, *args, **kwargs)  # type: ignore[misc]
        return RowFunction(Fitted(params))

    def __repr__(self) -> str:
        kind, source = type(self).__name__, self.likelihood.stream.source.name
        return f"<{kind} of {self.spec.endog_name!r} on {self.spec.k} columns: {source}>"

    def forget_rows(self) -> None:
        """Let go of the rows."""
        self.likelihood.stream.forget()
        self.likelihood.forget()
        for name in kept_answers(self):
            del self.__dict__[name]


def seen_anew(model: Any, stream: StreamedRows, likelihood: Any, formula: Any) -> Any:
    """A model like another one, of other rows or of another design.

    Parameters
    ----------
    model : StreamedModel
        The other one.
    stream, likelihood, formula
        The rows, what asks them, and the formula or None.
    """
    kept = kept_answers(model)
    anew = copy.copy(model)
    anew.conditions = model.conditions  # a copy is made as a pickle is, without functions
    for name in list(vars(model)):
        if name in kept or isinstance(getattr(type(model), name, None), functools.cached_property):
            anew.__dict__.pop(name, None)
    anew.set_up(
        stream,
        likelihood.spec,
        likelihood,
        getattr(model, "hasconst", None),
        formula,
        is_frame_like=isinstance(model.data, StreamedFrameData),
    )
    return anew


def _used(rows: StreamedRows, what: str, count: int) -> UsedRows:
    if 8 * count > options.array_limit:
        raise MemoryLimitError(
            f"{what} has {count:,} entries of 8 bytes; array_limit is {options.array_limit:,}",
            hint="smo.options.array_limit = '1 GiB' raises the limit; model.dropped counts "
            "the rows that were left out by the variable to blame",
        )
    return rows.used


def column_stream(
    source: AlignedSource, extras: Mapping[str, str | float], missing: Missing
) -> tuple[StreamedRows, DesignSpec]:
    """A stream over plain columns."""
    spec = ColumnSpec(source.endog_columns, source.exog_columns, extras, missing)
    return StreamedRows(source, spec), spec
