"""What results predict of their own data, and of new data that are read in chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from statsmodels.genmod.families import links
from statsmodels.tools.validation import string_like

from statsmodels_ooc._statsmodels import StreamedFrameData
from statsmodels_ooc.checks import ABOVE_ZERO, number_between, numbers_not_negative
from statsmodels_ooc.engine import NewRowFunction, OwnRowFunction, row_method
from statsmodels_ooc.families.elementwise import quiet
from statsmodels_ooc.likelihoods.base import rows_beside
from statsmodels_ooc.reductions.predictions import SHIFTS
from statsmodels_ooc.results.intervals import average_prediction, glm_intervals, linear_intervals
from statsmodels_ooc.results.new_data import NewData, open_new_data
from statsmodels_ooc.results.predictions import PredictedColumns, Predictor

_WHICH = ("mean", "linear", "var_unscaled")


def predict_new(
    results: Any, exog: Any, transform: bool, given: Mapping[str, Any]
) -> NewRowFunction:
    """What ``predict`` asks of every row of new data.

    Parameters
    ----------
    results : results
        The fit.
    exog, transform
        As for `open_new_data`.
    given : mapping
        Of a GLM ``exposure``, ``offset`` and ``which``.
    """
    kernel = kernel_of_model(results.model)
    unknown = sorted(set(given) - ({"exposure", "offset", "which"} if kernel else set()))
    if unknown:
        raise TypeError(f"predict() got an unexpected keyword argument {unknown[0]!r}")
    _require_own_predict(results.model)
    which = checked_which(given.get("which", "mean"))
    extras = {role: given.get(role) for role in ("offset", "exposure")} if kernel else {}
    check_exposure(results.model, extras.get("exposure"))
    new = open_new_data(results.model, exog, transform, extras)
    params = np.asarray(results.params, dtype=np.float64)
    predictor = Predictor(params, np.empty((0, 0)), kernel, which)  # no variance is asked for
    return NewRowFunction(PredictedColumns(predictor, "value"), rows=new.rows, finish=new.series)


def predict_own(results: Any, given: Mapping[str, Any]) -> OwnRowFunction:
    """What ``predict`` asks of every row of the data, with an offset or exposure by name.

    Parameters
    ----------
    results : results
        The fit of a GLM.
    given : mapping
        ``exposure`` and ``offset``, of which one is a column or an expression, and ``which``.
    """
    _require_own_predict(results.model)
    kernel, which = kernel_of_model(results.model), checked_which(given.get("which", "mean"))
    extras = {role: given.get(role) for role in ("offset", "exposure")}
    check_exposure(results.model, extras["exposure"])
    opened = _opened(results, None, True, extras)
    own = tuple(role for role, value in extras.items() if value is None)
    params = np.asarray(results.params, dtype=np.float64)
    predictor = Predictor(params, np.empty((0, 0)), kernel, which, own=own, shift=opened.shift)
    return OwnRowFunction(PredictedColumns(predictor, "value"), rows=opened.rows)


def predict_linear(results: Any, exog: Any, transform: bool, weights: Any, row_labels: Any) -> Any:
    """What ``get_prediction`` of a linear model gives.

    Parameters
    ----------
    results : results
        The fit.
    exog, transform
        As for `open_new_data`; None for the data itself.
    weights : str or array_like, optional
        Weights of new observations.
    row_labels : array_like, optional
        In place of the labels of the rows.
    """
    _require_own_predict(results.model)
    noise = float(results.scale)
    if results.cov_type == "fixed scale":
        noise = float(results.cov_kwds["scale"])
    weighted = weights is not None or exog is None
    if weights is not None and not isinstance(weights, str) and np.ndim(weights) == 0:
        with quiet():
            noise = float(noise / numbers_not_negative("weights", weights))
        weights, weighted = None, False
    new = _opened(results, exog, transform, {"weights": weights})
    predictor = predictor_of(results, noise=noise, weighted=weighted)
    return linear_intervals(results, predictor).of(
        new.rows, row_labels, new=exog is not None, labelled=new.labelled
    )


def predict_glm(
    results: Any,
    exog: Any,
    transform: bool,
    given: Mapping[str, Any],
    which: str | None,
    average: bool,
    agg_weights: Any,
    row_labels: Any,
) -> Any:
    """What ``get_prediction`` of a GLM gives; see `GLMResults.get_prediction`."""
    _require_own_predict(results.model)
    kind = checked_which("mean" if which is None else which)
    check_exposure(results.model, given.get("exposure"))
    averages = average and which is not None
    weights: Any = agg_weights if averages else None
    factor = 1.0
    if weights is not None and not isinstance(weights, str) and np.ndim(weights) == 0:
        weights, factor = None, float(weights)
    new = _opened(results, exog, transform, given, agg_weights=weights)
    noise = float(results.scale)
    own = SHIFTS if exog is not None else ()  # as in statsmodels
    predictor = predictor_of(results, kind, noise=noise, own=own, shift=new.shift)
    if averages:
        return average_prediction(predictor, new.rows, factor, new=exog is not None)
    return glm_intervals(results, predictor, which).of(
        new.rows, row_labels, new=exog is not None, labelled=new.labelled
    )


def _opened(
    results: Any, exog: Any, transform: bool, given: Mapping[str, Any], agg_weights: Any = None
) -> NewData:
    """The rows that are predicted: of new data, or of the data itself."""
    if exog is not None:
        return open_new_data(results.model, exog, transform, given, agg_weights=agg_weights)
    model = results.model
    told = {role: value for role, value in given.items() if value is not None}
    numbers = {role: v for role, v in told.items() if not isinstance(v, str) and np.ndim(v) == 0}
    beside = {role: value for role, value in told.items() if role not in numbers}
    if agg_weights is not None:
        beside["agg_weights"] = agg_weights
    shift = shift_of(numbers)
    rows = rows_beside(model.open_rows(), **beside)
    return NewData(rows, isinstance(model.data, StreamedFrameData), shift)


def shift_of(numbers: Mapping[str, Any]) -> float:
    """What an offset and an exposure of all rows add to their linear predictors.

    Raises
    ------
    OptionError
        The exposure is not above zero.
    """
    exposure = number_between("exposure", numbers.get("exposure", 1.0), *ABOVE_ZERO, "above 0")
    return float(numbers.get("offset", 0.0)) + float(np.log(exposure))


def predictor_of(results: Any, which: str = "mean", **how: Any) -> Predictor:
    """What results predict.

    Parameters
    ----------
    results : results
        The fit.
    which : {"mean", "linear", "var_unscaled"}
        What is predicted.
    **how
        Other fields of `Predictor`.
    """
    params = np.asarray(results.params, dtype=np.float64)
    cov = np.asarray(results.cov_params(), dtype=np.float64)
    return Predictor(params, cov, kernel_of_model(results.model), which, **how)


def kernel_of_model(model: Any) -> Any:
    """The family and the link of a GLM; None for linear models."""
    return getattr(model.likelihood, "kernel", None)


def checked_which(which: str) -> str:
    """What is predicted.

    Raises
    ------
    ValueError
        There is no such prediction.
    """
    found: str = string_like(which, "which", options=_WHICH, lower=False)
    return found


def check_exposure(model: Any, exposure: Any) -> None:
    """Refuse an exposure where the link is no logarithm.

    Raises
    ------
    ValueError
        As in statsmodels.
    """
    if exposure is not None and not isinstance(model.family.link, links.Log):
        raise ValueError("exposure can only be used with the log link function")


def _require_own_predict(model: Any) -> None:
    """Refuse models whose class predicts by itself, which this file knows nothing of.

    Raises
    ------
    NotImplementedError
        It says what to do.
    """
    if not isinstance(type(model).predict, row_method):
        raise NotImplementedError(
            f"{type(model).__name__} predicts by itself: new data are predicted frame by frame, "
            "[res.predict(frame) for frame in smo.as_source(new).frames()]"
        )
