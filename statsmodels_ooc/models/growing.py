"""Models of rows that came later, and of data that are together nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

from statsmodels_ooc.design.described import described
from statsmodels_ooc.design.stored import StoredSpec
from statsmodels_ooc.engine import Ledger, StreamedRows, joined_rows
from statsmodels_ooc.errors import DesignError, SourceError
from statsmodels_ooc.fingerprints import UntoldError, in_words
from statsmodels_ooc.likelihoods.joined import joined, with_rows
from statsmodels_ooc.likelihoods.least_squares import LeastSquares
from statsmodels_ooc.models.streamed import seen_anew
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.subset import subset_source

_SHOWN = 200  # characters of a difference


def new_rows(model: Any, data: Any) -> StreamedRows:
    """More rows, seen through the design of a model; nothing is read.

    Raises
    ------
    DesignError
        The model is one of arrays, whose columns have no names, or of a design store.
    """
    old: StreamedRows = model.likelihood.stream
    if getattr(model, "formula", None) is None:
        raise DesignError(
            "the model is one of arrays, whose columns have no names by which they are found in "
            "new data",
            hint="fit it from a formula, or join old and new arrays with dask.array.concatenate",
        )
    if isinstance(old.spec, StoredSpec):
        raise DesignError(
            "the model is one of a design store, which has no way to the columns of new data",
            hint="store.append(data) adds rows to the store; fit it again",
        )
    source = as_source(data)
    for condition in model.conditions:
        source = subset_source(source, _of_new_rows(condition))
    return StreamedRows(source, old.spec, Ledger(), solving=old.solving)


def _of_new_rows(condition: Any) -> Any:
    """What chose the old rows, if it can tell of new ones."""
    if condition is None or not (isinstance(condition, str) or callable(condition)):
        raise SourceError(
            "subset was a mask of the old rows, a function that was not saved with the model, or "
            "not the same of combined results: nothing tells which new rows belong to it",
            hint="choose rows by an expression such as 'x > 0', which is kept",
        )
    return condition


def grown_linear(model: Any, data: Any) -> Any:
    """A linear model of its rows and of more, of which alone are read: one pass."""
    likelihood = with_rows(model.likelihood, new_rows(model, data))
    return seen_anew(model, likelihood.stream, likelihood, model.formula)


def grown_glm(model: Any, data: Any) -> Any:
    """A generalized linear model of its rows and of more; nothing is read yet."""
    rows = joined_rows([model.likelihood.stream, new_rows(model, data)])
    return seen_anew(model, rows, replace(model.likelihood, stream=rows), model.formula)


def combine(results: Sequence[Any], *others: Any) -> Any:
    """The fit of the rows of several fits together, from what these know; nothing is read.

    Parameters
    ----------
    results : sequence of results of OLS or WLS
        Of the same formula, on data that stayed outside memory: from files here, or loaded
        from what others have saved, whose rows may be anywhere.
    *others : object
        Refused: the results are one list.

    Returns
    -------
    RegressionResultsWrapper
        Of all rows, with ``cov_type="nonrobust"``. What needs the rows (residuals, robust
        covariances) reads those of all results, where they can be read.

    Raises
    ------
    TypeError
        No list; or results of something else: a generalized linear model is not determined by
        sums that do not depend on its parameters.
    DesignError
        The designs differ: in columns, levels, or what ``center`` and the like have learned.

    Notes
    -----
    Triangular factors of ``sqrt(w) * [1 | X | y]`` are stacked and factored again, which is
    exact: R of rows A and B has ``R'R = A'A + B'B`` [1]_.

    References
    ----------
    .. [1] Demmel, Grigori, Hoemmen, Langou (2012). Communication-optimal parallel and
       sequential QR and LU factorizations. SIAM J. Sci. Comput. 34, A206-A239.

    Examples
    --------
    >>> import pandas as pd
    >>> import statsmodels_ooc.api as smo
    >>> north = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0], "x": [0.0, 1.0, 2.0, 3.0]})
    >>> south = pd.DataFrame({"y": [2.0, 3.0, 3.0, 4.0], "x": [1.0, 1.0, 2.0, 4.0]})
    >>> fits = [smo.OLS.from_formula("y ~ x", smo.as_source(d)).fit() for d in (north, south)]
    >>> smo.combine(fits).params.round(3).to_dict()
    {'Intercept': 1.543, 'x': 0.761}
    """
    if others or hasattr(results, "params") or not isinstance(results, Iterable):
        given = "several arguments" if others else f"one {type(results).__name__}"
        raise TypeError(
            f"combine takes a list of results, not {given}\nHint: smo.combine([north, south])"
        )
    results = [results] if isinstance(results, str) else list(results)
    models = [_linear(one, at) for at, one in enumerate(results)]
    for one in results:
        one.check_free("combine")
    if not models:
        raise TypeError("combine needs at least one result")
    first = models[0]
    for at, model in enumerate(models[1:], 1):
        _check_same_design(first, model, at)
    likelihood = joined([model.likelihood for model in models])
    whole = seen_anew(first, likelihood.stream, likelihood, getattr(first, "formula", None))
    if len({_conditions(model) for model in models}) > 1:
        whole.conditions = (None,)  # nothing tells which new rows belong to it
    return whole.fit()


def _linear(results: Any, at: int) -> Any:
    model = getattr(results, "model", None)
    if isinstance(results, str | PathLike):
        raise TypeError(
            f"result {at} is a path, {str(results)!r}\n"
            "Hint: smo.combine([smo.load(path) for path in paths])"
        )
    if not isinstance(getattr(model, "likelihood", None), LeastSquares):
        kind = type(model).__name__ if model is not None else type(results).__name__
        raise TypeError(
            f"result {at} is of {kind}; combine takes results of OLS and WLS on data that stays "
            "outside memory\nHint: wrap data in memory, smo.as_source(frame); fit a GLM to all "
            "rows, or start one from the other: model.fit(start_params=res.params)"
        )
    return model


def _check_same_design(first: Any, model: Any, at: int) -> None:
    """Refuse designs whose columns are not the same functions of the data."""
    try:
        designs = described(first.spec), described(model.spec)
    except UntoldError as error:
        raise DesignError(
            f"{error}; so nothing tells whether the designs of result {at} and result 0 are the "
            "same",
            hint="use numbers, dates, text, arrays, and functions of these in the formula",
        ) from error
    mine, other = {**_asked(first), **designs[0]}, {**_asked(model), **designs[1]}
    names = [name for name in {**mine, **other} if mine.get(name) != other.get(name)]
    if names:
        here, there = (told.get(names[0], "nothing")[:_SHOWN] for told in (other, mine))
        raise DesignError(
            f"{names[0]}: {here} in result {at}, {there} in result 0",
            hint="fit the same formula, with levels and numbers written into it: "
            "C(g, levels=['a', 'b']), I(x - 3.2) for center(x)",
        )


def _conditions(model: Any) -> str:
    try:
        return in_words(list(model.conditions))
    except UntoldError:
        return f"those of {id(model)}"


def _asked(model: Any) -> dict[str, str]:
    return {"model": model.door.__name__, "hasconst": str(getattr(model, "hasconst", None))}
