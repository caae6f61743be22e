"""Predictions as statsmodels shows them while they are small, and lazily above."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from statsmodels_ooc._statsmodels import (
    PredictionResults,
    PredictionResultsBase,
    PredictionResultsDelta,
    PredictionResultsMean,
    PredictionResultsMonotonic,
)
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import one_for_each
from statsmodels_ooc.engine import RowArray, StreamedRows, check_levels, lazy_frame, read_small
from statsmodels_ooc.errors import EmptyDataError
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.lost import LostRows
from statsmodels_ooc.reductions.predictions import (
    AveragePrediction,
)
from statsmodels_ooc.results.new_data import require_levels
from statsmodels_ooc.results.predictions import PredictedColumns, Predictor, quantile_of
from statsmodels_ooc.sources.base import NO_ROWS


@dataclass(frozen=True)
class Intervals:
    """How predictions are shown: as statsmodels' own class, or lazily.

    Attributes
    ----------
    results : results
        Whose distribution and degrees of freedom count.
    predictor : Predictor
        What is predicted.
    fields : tuple of str
        Columns that are read for statsmodels' class.
    make : callable
        Those columns by name, the distribution's arguments and the labels to that class.
    shown : mapping
        The columns of a summary frame, and what they show.
    """

    results: Any
    predictor: Predictor
    fields: tuple[str, ...]
    make: Callable[[Mapping[str, FloatArray], Mapping[str, Any]], Any]
    shown: Mapping[str, str]

    def of(self, rows: StreamedRows, row_labels: Any, *, new: bool, labelled: bool) -> Any:
        """The predictions of the rows that the design keeps.

        Parameters
        ----------
        rows : StreamedRows
            The rows.
        row_labels : array_like, optional
            In place of their own labels.
        new : bool
            Whether they are of new data, which are read once.
        labelled : bool
            Whether they have labels.
        """
        function, width = PredictedColumns(self.predictor, self.fields), len(self.fields)
        if new:
            found = read_small(rows, "predictions", function, width)
            if found is None:
                require_levels(rows)
                return LazyPredictions(self, rows)
            values = found.values[found.kept]
            labels = found.labels[found.kept] if labelled else None
        else:
            if 8 * rows.kept * width > options.array_limit:
                return LazyPredictions(self, rows)
            values = rows.read("predictions", function, width)
            labels = rows.used.labels if labelled else None
        if row_labels is not None:
            labels = one_for_each("row_labels", row_labels, len(values))
        dist = {"df": self.results.df_resid, "dist": "t" if self.results.use_t else "norm"}
        columns = dict(zip(self.fields, values.T, strict=True))
        return self.make(columns, {**dist, "row_labels": labels})


class LazyPredictions:
    """Predictions of more rows than ``array_limit`` allows, with the members of statsmodels' class.

    What has a value for every row is a `RowArray`.

    Parameters
    ----------
    intervals : Intervals
        What is predicted.
    rows : StreamedRows
        Of what.
    """

    row_labels = None

    def __init__(self, intervals: Intervals, rows: StreamedRows) -> None:
        self._intervals, self._rows = intervals, rows
        self.df = intervals.results.df_resid
        self.dist: Any = stats.t if intervals.results.use_t else stats.norm
        self.dist_args = (self.df,) if intervals.results.use_t else ()

    def _lazily(self, names: str | tuple[str, ...], **how: Any) -> RowArray:
        function = PredictedColumns(self._intervals.predictor, names, **how)
        return self._rows.lazy(function, None if isinstance(names, str) else len(names))

    @property
    def predicted(self) -> RowArray:
        """The predictions, (n,)."""
        return self._lazily("value")

    @property
    def var_pred(self) -> RowArray:
        """Their variances, (n,)."""
        return self._lazily("variance")

    @property
    def se(self) -> RowArray:
        """Their standard errors, (n,)."""
        return self._lazily("se")

    predicted_mean, var_pred_mean, se_mean = predicted, var_pred, se

    @property
    def var_resid(self) -> RowArray:
        """The variances of new observations about their means, (n,)."""
        return self._lazily("noise")

    @property
    def se_obs(self) -> RowArray:
        """The standard errors of new observations, (n,)."""
        return self._lazily("se_obs")

    def conf_int(
        self, obs: bool = False, alpha: float = 0.05, method: str = "endpoint"
    ) -> RowArray:
        """Intervals, (n, 2).

        Parameters
        ----------
        obs : bool
            Whether they are of new observations, rather than of the prediction.
        alpha : float
            Their level is ``1 - alpha``.
        method : {"endpoint", "delta"}
            Of a GLM: whether the ends are those of the linear predictor.
        """
        names = ("lower_obs", "upper_obs") if obs else ("lower", "upper")
        quantile = quantile_of(self._intervals.results, alpha)
        return self._lazily(names, quantile=quantile, method=method)

    def summary_frame(self, alpha: float = 0.05) -> Any:
        """The table of statsmodels as a dask DataFrame; its index are the numbers of the rows.

        Parameters
        ----------
        alpha : float
            The level of intervals is ``1 - alpha``.
        """
        shown = self._intervals.shown
        quantile = quantile_of(self._intervals.results, alpha)
        function = PredictedColumns(self._intervals.predictor, tuple(shown.values()), quantile)
        return lazy_frame(self._rows, function, list(shown))

    def __repr__(self) -> str:
        return f"<predictions of {self._rows.kept:,} rows of {self._rows.source.name}, lazy>"


# --- what statsmodels makes of them

_MEAN = {"mean": "value", "mean_se": "se", "mean_ci_lower": "lower", "mean_ci_upper": "upper"}
_OBS = {"obs_ci_lower": "lower_obs", "obs_ci_upper": "upper_obs"}
_PREDICTED = {"predicted": "value", "se": "se", "ci_lower": "lower", "ci_upper": "upper"}
SHOWN = {**_MEAN, **_OBS}
"""The columns of predictions in tables and files, and what of `PredictedColumns` they are."""


def linear_intervals(results: Any, predictor: Predictor) -> Intervals:
    """Predictions of linear models."""
    noise = predictor.noise

    def make(columns: Mapping[str, FloatArray], how: Mapping[str, Any]) -> Any:
        resid = columns["noise"] if predictor.weighted else noise
        return PredictionResults(columns["value"], columns["variance"], resid, **how)

    return Intervals(results, predictor, ("value", "variance", "noise"), make, SHOWN)


def glm_intervals(results: Any, predictor: Predictor, which: str | None) -> Intervals:
    """Predictions of a GLM, in the class that statsmodels has for `which`."""
    link = results.model.family.link
    fields = ("value", "variance", "linear", "linear_variance")

    def make(columns: Mapping[str, FloatArray], how: Mapping[str, Any]) -> Any:
        value, variance, linear, spread = (columns[name] for name in fields)
        if which is None:
            of_eta = PredictionResults(linear, spread, predictor.noise, **how)
            return PredictionResultsMean(
                value, variance, predictor.noise, linpred=of_eta, link=link, **how
            )
        if which == "linear":
            return PredictionResultsBase(value, variance, **how)
        if which == "mean":
            return PredictionResultsMonotonic(
                value,
                variance,
                linpred=linear,
                linpred_se=np.sqrt(spread),
                func=link.inverse,
                deriv=link.inverse_deriv,
                **how,
            )
        return PredictionResultsDelta(_Delta(value, variance))

    return Intervals(results, predictor, fields, make, _MEAN if which is None else _PREDICTED)


@dataclass(frozen=True)
class _Delta:
    """What statsmodels asks for predictions by the delta method."""

    value: Any
    variance: Any

    def predicted(self) -> Any:
        return self.value

    def var(self) -> Any:
        return self.variance


def average_prediction(
    predictor: Predictor, rows: StreamedRows, factor: float, *, new: bool
) -> Any:
    """The mean over rows of their predictions, times weights that stand beside them; one pass.

    Parameters
    ----------
    predictor : Predictor
        What is predicted.
    rows : StreamedRows
        The rows.
    factor : float
        A weight of all of them.
    new : bool
        Whether they are of new data, which may have levels that were not learned.

    Notes
    -----
    As in statsmodels weights are not normalised: ``m = sum w_i f(eta_i) / n``, whose variance is
    ``g' cov g`` for the gradient ``g = sum w_i f'(eta_i) x_i / n``.
    """
    p = predictor
    question = AveragePrediction(p.kernel, p.params, p.which, p.own, p.shift)
    sums, lost = rows.fold("average prediction", question, LostRows())
    if new:
        check_levels(lost, {i: part.label for i, part in enumerate(rows.source.partitions)})
    if not sums.rows:
        raise EmptyDataError(
            f"no row of {rows.source.name} has all that a prediction needs", hint=NO_ROWS
        )
    gradient = factor * sums.gradient / sums.rows
    value = np.float64(factor * sums.total / sums.rows)
    return PredictionResultsDelta(_Delta(value, np.float64(gradient @ p.cov @ gradient)))
