"""What every model here does with data that stays outside memory."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import pandas as pd
from statsmodels.tools.sm_exceptions import ValueWarning

from statsmodels_ooc._statsmodels import StreamedArrayData, StreamedFrameData, is_keyword
from statsmodels_ooc.design.columns import ColumnSpec
from statsmodels_ooc.design.spec import DesignSpec, Missing
from statsmodels_ooc.engine import (
    LazyAnswers,
    PassRecord,
    RowFunction,
    StreamedRows,
    UsedRows,
    kept_answers,
    row_answer,
    row_method,
)
from statsmodels_ooc.errors import MemoryLimitError, warn_caller
from statsmodels_ooc.likelihoods.opening import environment
from statsmodels_ooc.models.in_memory_only import InMemoryOnly
from statsmodels_ooc.options import options
from statsmodels_ooc.results.rows import Design, Fitted, Response, Weights
from statsmodels_ooc.sources.coerce import is_chunked, is_in_memory
from statsmodels_ooc.sources.dask_array import AlignedSource

_OF_FORMULAS = ("subset", "drop_cols", "eval_env", "sep", "delimiter")
_EXTRAS = ("weights", "offset", "exposure", "freq_weights", "var_weights")

__all__ = ["StreamedModel", "column_stream", "refuse_sources"]


def _hint(name: str, known: Collection[str]) -> str:
    """What an unknown keyword may have been meant for."""
    near = difflib.get_close_matches(name, known, n=1)
    if not near:
        return ""
    if near[0] in ("sep", "delimiter"):
        return '; of a file it is said by smo.read_csv(path, delimiter=";")'
    return f"; did you mean {near[0]}=?"


class StreamedModel:
    """A mixin in front of a statsmodels model.

    An instance either streams, and then `_stream` is set and nothing of the parent's
    constructor has run, or it is the parent's own, data in memory and all.
    """

    _stream: StreamedRows | None = None
    _cloned: tuple[str, ...] = ()  # arguments beside endog and exog that a clone needs
    likelihood: Any  # makes the passes of a fit; tells `facts` and `constant`, and can `fit`
    spec: DesignSpec

    @classmethod
    def from_formula(
        cls,
        formula: Any,
        data: Any,
        subset: Any = None,
        drop_cols: Sequence[str] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Create a model from a formula and data that need not fit into memory.

        Parameters
        ----------
        formula : str
            As for statsmodels; patsy reads it chunk by chunk. Python code that is run,
            as strings for weights, offset and subset are: never a stranger's.
        data : path, list of paths, glob, Source, DataFrame, ...
            Whatever `as_source` takes. A pandas DataFrame takes statsmodels' own road;
            wrapped in `as_source` it streams.
        subset : str, callable or array of bool, optional
            The rows to use: an expression for `DataFrame.eval`, a function from a
            chunk to a mask, or a mask as long as the data.
        drop_cols : sequence of str, optional
            Columns to leave out of the design.
        *args
            Passed to the model.
        **kwargs
            Passed to the model. ``missing`` is "drop" or "raise". ``eval_env`` is the
            number of frames up, -1 for none, or a dict; names that are not columns
            are looked up there.

        Returns
        -------
        model
            An instance of this class.

        Raises
        ------
        SourceError, DesignError
            The data or the formula is at fault; see `statsmodels_ooc.errors`.
        """
        if is_in_memory(data):
            depth = kwargs.pop("eval_env", None)
            given = [role for role in _EXTRAS if isinstance(kwargs.get(role), str)]
            if given:
                scope = environment(depth, depth=2)
                chosen = data if subset is None else data.loc[subset]
                for role in given:
                    name = kwargs[role]
                    kwargs[role] = (
                        chosen[name] if name in chosen else scope.eval(name, inner_namespace=chosen)
                    )
            if depth is None or (isinstance(depth, int) and depth >= 0):
                depth = (1 if depth is None else depth) + 1
            return super().from_formula(  # type: ignore[misc]
                formula, data, subset, drop_cols, *args, eval_env=depth, **kwargs
            )
        env = environment(kwargs.pop("eval_env", None), depth=2)
        model = cls.__new__(cls)
        model._start_formula(formula, data, subset, drop_cols, env, *args, **kwargs)
        return model

    def _start_formula(
        self, formula: Any, data: Any, subset: Any, drop_cols: Any, env: Any, *args: Any, **kw: Any
    ) -> None:
        """Learn the formula and call `_start`; each family of models has its own way."""
        raise NotImplementedError

    def _warn_of_unknown(self, kwargs: Mapping[str, Any], extra: Collection[str] = ()) -> None:
        """Warn of keywords that mean nothing, as statsmodels does, at the caller's line.

        Where "formula" is among them, those of `from_formula` are known as well.
        """
        unknown = [name for name in kwargs if not is_keyword(self, name, extra)]
        if unknown:
            known = [*inspect.signature(type(self)).parameters, *extra]
            if "formula" in kwargs:
                known += _OF_FORMULAS
            hints = {_hint(name, known): None for name in unknown}
            warn_caller(f"unknown kwargs {unknown!r}{''.join(hints)}", ValueWarning)

    def _start(
        self,
        stream: StreamedRows,
        spec: DesignSpec,
        planner: Any,
        hasconst: bool | None,
        formula: Any = None,
        *,
        is_frame_like: bool = True,
    ) -> None:
        """Set what the parents' constructors would have set."""
        self._stream = stream
        self.spec = spec
        self.likelihood = planner
        kind = StreamedFrameData if is_frame_like else StreamedArrayData
        names = spec.endog_names
        ynames = names[0] if len(names) == 1 else list(names)
        self.data = kind(self, ynames, stream.source, formula)
        if formula is not None:
            self.formula = formula
        self._data_attr: list[str] = []
        self._init_keys: list[str] = [*self._cloned, *([] if hasconst is None else ["hasconst"])]
        if hasconst is not None:
            self.hasconst = hasconst
        self._df_model = None
        self._df_resid = None

    _fit_zeros = InMemoryOnly(
        "leave the columns out of the formula, or tell a GLM's fit_constrained that they are zero"
    )
    _fit_collinear = InMemoryOnly(
        "fit() gives the solution of minimum norm; leave the columns that repeat others out of "
        "the formula"
    )

    @property
    def streams(self) -> bool:
        """Whether the data stays outside memory."""
        return self._stream is not None

    @property
    def passes(self) -> list[PassRecord]:
        """Every pass over the data so far: name, rows, seconds, bytes."""
        return [] if self._stream is None else self._stream.passes

    @property
    def dropped(self) -> Mapping[str, int]:
        """RowFunction that were left out, by the variable that had a missing value."""
        return {} if self._stream is None else dict(self.likelihood.facts.missing)

    # What only a pass can tell. The parents assign these for data in memory, and an
    # instance's own attribute comes before a cached_property.

    @cached_property
    def nobs(self) -> float:
        return float(self.likelihood.facts.rows)

    @cached_property
    def k_constant(self) -> int:
        return self._constant[0]

    @property
    def _constant(self) -> tuple[int, int | None]:
        found: tuple[int, int | None] = self.likelihood.constant
        return found

    @property
    def const_idx(self) -> int | None:
        """The column of an explicit constant."""
        index: int | None = self.data.const_idx if self._stream is None else self._constant[1]
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

    def _opened(self) -> StreamedRows | None:
        if self._stream is not None:
            _ = self.likelihood.facts  # the fit comes first, so that bad rows are refused
        return self._stream

    @property
    def row_labels(self) -> pd.Index[Any]:
        """The labels of the rows that the model uses, or their numbers in the source, (n,).

        Raises
        ------
        MemoryLimitError
            There are more of them than ``array_limit`` allows.
        """
        if self._stream is None:
            return self.data.row_labels
        return self._used("row_labels", int(self.nobs)).labels

    @property
    def dropped_rows(self) -> list[int]:
        """Numbers of the rows that were dropped, among all that `subset` chose.

        Raises
        ------
        MemoryLimitError
            There are more of them than ``array_limit`` allows.
        """
        if self._stream is None:
            return list(getattr(self.data, "missing_row_idx", ()))
        facts = self.likelihood.facts
        lost = int(facts.rows_read - facts.rows)
        found: list[int] = self._used("missing_row_idx", lost).dropped.tolist() if lost else []
        return found

    def _used(self, what: str, count: int) -> UsedRows:
        if 8 * count > options.array_limit:
            raise MemoryLimitError(
                f"{what} has {count:,} entries of 8 bytes; array_limit is {options.array_limit:,}",
                hint="smo.options.array_limit = '1 GiB' raises the limit; model.dropped counts "
                "the rows that were left out by the variable to blame",
            )
        assert self._stream is not None
        return self._stream.used

    @property
    def spec_names(self) -> tuple[str, ...]:
        """Names of the columns; arrays get statsmodels' names."""
        if isinstance(self.data, StreamedFrameData):
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
        if self._stream is None or exog is not None:
            return super().predict(params, exog, *args, **kwargs)  # type: ignore[misc]
        return RowFunction(Fitted(params))

    def __repr__(self) -> str:
        if self._stream is None:
            return super().__repr__()
        kind, source = type(self).__name__, self._stream.source.name
        return f"<{kind} of {self.spec.endog_name!r} on {self.spec.k} columns: {source}>"

    def forget_rows(self) -> None:
        """Let go of the rows."""
        assert self._stream is not None
        self._stream.forget()
        self.likelihood.forget()
        for name in kept_answers(self):
            del self.__dict__[name]

    def __getstate__(self) -> dict[str, Any]:
        if self._stream is None:
            return self.__dict__
        rows = kept_answers(self)
        return {key: value for key, value in self.__dict__.items() if key not in rows}


def refuse_sources(*arrays: Any) -> None:
    """Refuse tables where a model in memory wants arrays.

    Raises
    ------
    TypeError
        One of them would have to be read in chunks: the formula that does is said.
    """
    for array in arrays:
        if is_chunked(array) and not hasattr(array, "__array__"):
            raise TypeError(
                f"endog and exog are arrays or dask collections, not a {type(array).__qualname__}"
                "\nHint: name the columns in a formula: smo.OLS.from_formula('y ~ x', data=...)"
            )


def column_stream(
    source: AlignedSource, extras: Mapping[str, str | float], missing: Missing
) -> tuple[StreamedRows, DesignSpec]:
    """A stream over plain columns."""
    spec = ColumnSpec(source.endog_columns, source.exog_columns, extras, missing)
    return StreamedRows(source, spec), spec
