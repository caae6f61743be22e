"""The only file that touches statsmodels' private names."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple, Self

import pandas as pd
from patsy import DesignInfo
from statsmodels.base._constraints import LinearConstraints
from statsmodels.base._parameter_inference import ScoreTestResult
from statsmodels.base._parameter_inference import _lm_robust as robust_score_test
from statsmodels.base._prediction_inference import (
    PredictionResultsBase,
    PredictionResultsDelta,
    PredictionResultsMean,
    PredictionResultsMonotonic,
)
from statsmodels.base.data import ModelData, PandasData
from statsmodels.discrete.discrete_margins import DiscreteMargins
from statsmodels.formula._manager import FormulaManager
from statsmodels.genmod.generalized_linear_model import GLMResultsWrapper
from statsmodels.regression._prediction import PredictionResults
from statsmodels.regression.linear_model import RegressionResultsWrapper
from statsmodels.tools._decorators import cache_writable

__all__ = [
    "LinearConstraints",
    "Margins",
    "PredictionResults",
    "PredictionResultsBase",
    "PredictionResultsDelta",
    "PredictionResultsMean",
    "PredictionResultsMonotonic",
    "ScoreTestResult",
    "StreamedArrayData",
    "StreamedFrameData",
    "StreamedGLMWrapper",
    "StreamedWrapper",
    "Term",
    "cache_writable",
    "is_keyword",
    "robust_score_test",
    "terms_of",
]


# Beside the attributes that all data of a model share. By a name: mypy takes a tuple there for
# all attributes that there are.
_OF_ITS_OWN = ("_model",)


class _StreamedData(ModelData):  # type: ignore[misc]
    """What statsmodels asks a model's ``data`` for, without the data.

    `ModelData.__init__` is not run: it would turn the rows into arrays.

    A model keeps one that knows no model; asked for its data it hands out one that knows it,
    with the same attributes (`of`). So no cycle keeps the rows alive.
    """

    __slots__ = _OF_ITS_OWN
    _model: Any  # the streamed model: it knows what only a pass can tell

    def __init__(self, ynames: str | list[str], frame: Any, formula: Any) -> None:
        self._cache: dict[str, Any] = {}
        self.ynames = ynames
        self.frame = frame
        if formula is not None:
            self.formula = formula

    def of(self, model: Any) -> Self:
        """The same, of a model: what is set in one is set in both."""
        bound = object.__new__(type(self))
        bound.__dict__ = self.__dict__
        bound._model = model
        return bound

    def __getattr__(self, name: str) -> Any:
        # Reached only for what is not there: the rows, and what a pass finds out.
        if name.startswith("_"):
            raise AttributeError(name)
        model = self._model
        match name:
            case "k_constant" | "const_idx" | "endog" | "exog":
                return getattr(model, name)
            case "orig_endog" | "orig_exog":
                return self._labelled(getattr(model, name.removeprefix("orig_")), name)
            case "missing_row_idx":
                return model.dropped_rows
            case "model_spec":
                return self._design_info()
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def _design_info(self) -> DesignInfo:
        try:
            return self._model.spec.design_info
        except AttributeError:
            raise AttributeError("model_spec: the model has no formula") from None

    @property
    def xnames(self) -> list[str]:
        return list(self._model.spec_names)

    @property
    def row_labels(self) -> Any:
        return None

    def _labelled(self, rows: Any, name: str) -> Any:
        return rows

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "frame"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.frame = None


class StreamedArrayData(_StreamedData):
    """Results come as plain arrays, as for ndarray input."""


class StreamedFrameData(_StreamedData, PandasData):  # type: ignore[misc]
    """Results come with names and labels, as for pandas and formula input."""

    @property
    def row_labels(self) -> pd.Index[Any]:
        labels: pd.Index[Any] = self._model.row_labels
        return labels

    def attach_rows(self, result: Any) -> Any:
        # Lazy rows stay as they are: labels would mean all of them in memory.
        return result if hasattr(result, "dask") else super().attach_rows(result)

    def _labelled(self, rows: Any, name: str) -> Any:
        """The frame, or of an array-like response the Series, that statsmodels was given."""
        if hasattr(rows, "dask"):
            return rows
        names = self.ynames
        if name == "orig_exog":
            return pd.DataFrame(rows, self.row_labels, self.xnames)
        if isinstance(names, list):  # successes and failures, of which endog is the share
            trials = self._model.n_trials
            counts = {names[0]: rows * trials, names[1]: trials - rows * trials}
            return pd.DataFrame(counts, self.row_labels)
        if hasattr(self, "formula"):
            return pd.DataFrame(rows, self.row_labels, [names])
        return pd.Series(rows, self.row_labels, name=names)


@cache
def _both(results: Any, wrapper: Any) -> type:
    """A class for what is results and their wrapper at once; nobody makes an instance of it."""
    names = {"__module__": results.__module__, "__qualname__": results.__qualname__}
    return type(results.__name__, (results, wrapper), names)


def _class_of(wrapper: Any) -> type:
    inside: Any = type(object.__getattribute__(wrapper, "_results"))
    outside: Any = type(wrapper)
    return _both(inside, outside)


class _Labelled:
    """A mixin for wrappers: covariances with names, and a line that says what the results are."""

    _results: Any

    def covariance(self, cov_type: str, **cov_kwds: Any) -> Any:
        """A covariance of the parameters beside that of the results, see `covariances`."""
        return self._named(self._results.covariance(cov_type, **cov_kwds))

    def covariances(self, kinds: Any) -> list[Any]:
        """Several covariances of the parameters in one pass.

        Parameters
        ----------
        kinds : iterable of str or (str, dict)
            For each the ``cov_type``, with its keywords where it takes some, such as
            ``["HC1", "HC3", ("cluster", {"groups": "firm"})]``.

        Returns
        -------
        list of DataFrame, (k, k)
            In the order of `kinds`.
        """
        return [self._named(cov) for cov in self._results.covariances(kinds)]

    def _named(self, cov: Any) -> Any:
        return self._results.model.data.wrap_output(cov, "cov")

    def __repr__(self) -> str:
        return repr(self._results)


class StreamedWrapper(_Labelled, RegressionResultsWrapper):  # type: ignore[misc]
    """A wrapper that is an instance of the class of the results inside, too."""

    __class__ = property(_class_of)

    def __reduce__(self) -> tuple[Any, ...]:
        return (StreamedWrapper, (self._results,))


class StreamedGLMWrapper(_Labelled, GLMResultsWrapper):  # type: ignore[misc]
    """The same for the results of a GLM."""

    __class__ = property(_class_of)

    def __reduce__(self) -> tuple[Any, ...]:
        return (StreamedGLMWrapper, (self._results,))


class Margins(DiscreteMargins):  # type: ignore[misc]
    """Marginal effects that can be forgotten."""

    def reset(self) -> None:
        """Forget them."""
        self._reset()


def is_keyword(model: Any, name: str, extra: Collection[str]) -> bool:
    """Whether a statsmodels model takes a keyword, or it is one of some others."""
    try:
        model._check_kwargs([name], extra, error=True)
    except ValueError:
        return False
    return True


class Term(NamedTuple):
    """A term of a formula: its name, its factors, and its columns in the design."""

    name: str
    factors: frozenset[Any]
    columns: range
    is_intercept: bool


def terms_of(model_spec: Any) -> list[Term]:
    """The terms of a formula, in the order of their columns."""
    manager = FormulaManager()
    return [
        Term(
            manager.get_term_name(term),
            frozenset(term.factors),
            range(*manager.get_slice(model_spec, term).indices(len(model_spec.column_names))),
            term == manager.intercept_term,
        )
        for term in model_spec.terms
    ]
