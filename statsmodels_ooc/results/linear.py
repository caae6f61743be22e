"""Results of streamed linear models: the familiar classes, without the rows."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import statsmodels.regression.linear_model as lm

from statsmodels_ooc._statsmodels import cache_writable
from statsmodels_ooc.engine import PassRecord, RowArray
from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.residuals import ResidualMoments
from statsmodels_ooc.reductions.sandwich import WhiteMeat, WhiteMeatState
from statsmodels_ooc.results.covariance import MEATS, refuse_unavailable, sandwich
from statsmodels_ooc.results.rows import Fitted, Residuals
from statsmodels_ooc.results.summary import summary2
from statsmodels_ooc.solvers.least_squares import LinearFit
from statsmodels_ooc.solvers.residual_tests import ResidualTests, residual_tests

__all__ = ["OLSResults", "RegressionResults"]


class _StreamedResults:
    """A mixin in front of statsmodels' regression results.

    Sums come from the fit, rows come lazily, and what needs another pass makes it
    once, when it is first asked for. What survives `remove_data` and pickling stands
    in the instance, not in the parents' cache.
    """

    model: Any
    params: Any
    df_resid: float
    nobs: float
    scale: float

    def __init__(
        self,
        model: Any,
        params: Any,
        normalized_cov_params: Any = None,
        scale: float = 1.0,
        cov_type: str = "nonrobust",
        cov_kwds: dict[str, Any] | None = None,
        use_t: bool | None = None,
        linear_fit: LinearFit | None = None,
    ) -> None:
        refuse_unavailable(cov_type)
        self._fit = model._planner.fit() if linear_fit is None else linear_fit
        super().__init__(  # type: ignore[call-arg]
            model,
            params,
            normalized_cov_params,
            scale,
            cov_type=cov_type,
            cov_kwds=None if cov_kwds is None else dict(cov_kwds),
            use_t=use_t,
        )

    # --- sums of the fit

    @property
    def nobs(self) -> float:  # type: ignore[no-redef]
        """Number of rows."""
        return float(self.model.nobs)

    @cache_writable()  # type: ignore[untyped-decorator]
    def scale(self) -> float:  # type: ignore[no-redef]
        """Residual variance: ``ssr / df_resid`` unless it was fixed."""
        return float(np.divide(self.ssr, self.df_resid))

    @property
    def ssr(self) -> float:
        """Sum of squared whitened residuals."""
        return self._fit.ssr_at(np.asarray(self.params))

    @property
    def centered_tss(self) -> float:
        """Weighted total sum of squares about the mean."""
        return self._fit.centered_tss

    @property
    def uncentered_tss(self) -> float:
        """Weighted total sum of squares."""
        return self._fit.uncentered_tss

    @property
    def effects(self) -> FloatArray:
        """``Q'y``, the first k entries, from which `anova_lm` makes its table."""
        return self._fit.effects

    @property
    def passes(self) -> list[PassRecord]:
        """Every pass over the data so far: name, rows, seconds, bytes."""
        records: list[PassRecord] = self.model.passes
        return records

    # --- rows, lazily

    @cached_property
    def fittedvalues(self) -> RowArray:
        """``X params``, (n,)."""
        return self._rows(Fitted(np.asarray(self.params)))

    @cached_property
    def resid(self) -> RowArray:
        """``y - X params``, (n,)."""
        return self._rows(Residuals(np.asarray(self.params)))

    @cached_property
    def wresid(self) -> RowArray:
        """``sqrt(w) * (y - X params)``, (n,)."""
        return self._rows(Residuals(np.asarray(self.params), whitened=True))

    @cached_property
    def resid_pearson(self) -> RowArray:
        """``wresid / sqrt(scale)``, (n,)."""
        return self._rows(
            Residuals(np.asarray(self.params), whitened=True, divisor=float(np.sqrt(self.scale)))
        )

    def _rows(self, function: Any) -> RowArray:
        rows: RowArray = self.model._rows(function)
        return rows

    def predict(self, exog: Any = None, transform: bool = True, *args: Any, **kwargs: Any) -> Any:
        """Predicted values: of new data, or lazily of the data itself.

        Parameters
        ----------
        exog : DataFrame, dict or array_like, optional
            New data; the data itself by default.
        transform : bool
            Whether a formula's variables are in `exog`, rather than its columns.
        *args, **kwargs
            Passed to the model's ``predict``.
        """
        if exog is None:
            return self.fittedvalues
        return super().predict(exog, transform, *args, **kwargs)  # type: ignore[misc]

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
        exog : DataFrame, dict or array_like, optional
            New data. None takes the data itself, while its design is smaller than
            ``smo.options.array_limit``.
        transform : bool
            Whether a formula's variables are in `exog`, rather than its columns.
        weights : array_like, optional
            As for WLS, for the variance of a new observation.
        row_labels : array_like, optional
            Index of the summary frame.
        **kwargs
            As statsmodels.

        Raises
        ------
        MemoryLimitError
            The design of the data does not fit.
        """
        if exog is None:
            exog, transform = np.asarray(self.model.exog), False
            weights = np.asarray(self.model.weights) if weights is None else weights
        return super().get_prediction(  # type: ignore[misc]
            exog, transform, weights, row_labels, **kwargs
        )

    # --- one more pass

    @cached_property
    def _white_meat(self) -> WhiteMeatState:
        meat = WhiteMeat(np.asarray(self.params), self._fit.root)
        (state,) = self.model._stream.fold("robust covariance", meat)
        return state  # type: ignore[no-any-return]

    def _cov_white(self, kind: str) -> FloatArray:
        meat = MEATS[kind](self._white_meat, self.nobs, self.df_resid)
        return sandwich(self._fit.normalized_cov_params, meat)

    @property
    def cov_HC0(self) -> FloatArray:  # noqa: N802
        """Heteroscedasticity-robust covariance, White (1980)."""
        return self._cov_white("HC0")

    @property
    def cov_HC1(self) -> FloatArray:  # noqa: N802
        """`cov_HC0` times ``n / df_resid``."""
        return self._cov_white("HC1")

    @property
    def cov_HC2(self) -> FloatArray:  # noqa: N802
        """With squared residuals over ``1 - h``, MacKinnon and White (1985)."""
        return self._cov_white("HC2")

    @property
    def cov_HC3(self) -> FloatArray:  # noqa: N802
        """With squared residuals over ``(1 - h)**2``, MacKinnon and White (1985)."""
        return self._cov_white("HC3")

    @cached_property
    def _residual_tests(self) -> ResidualTests:
        moments = ResidualMoments(np.asarray(self.params))
        (state,) = self.model._stream.fold("residual tests", moments)
        return residual_tests(state)

    def get_robustcov_results(
        self, cov_type: str = "HC1", use_t: bool | None = None, **kwargs: Any
    ) -> Any:
        """New results with another covariance; see statsmodels.

        Parameters
        ----------
        cov_type : {"HC0", "HC1", "HC2", "HC3", "fixed scale"}
            The covariance estimator.
        use_t : bool, optional
            Whether tests use Student's t.
        **kwargs
            ``scale`` for "fixed scale".

        Raises
        ------
        NotImplementedError
            The covariance type is not available out of memory.
        """
        refuse_unavailable(cov_type)
        results = super().get_robustcov_results(  # type: ignore[misc]
            cov_type, use_t, **kwargs
        )
        if results is not self:  # the rows have been read already
            for name in ("_white_meat", "_residual_tests"):
                if name in self.__dict__:
                    results.__dict__[name] = self.__dict__[name]
        return results

    def summary(
        self,
        yname: str | None = None,
        xname: Any = None,
        title: str | None = None,
        alpha: float = 0.05,
        slim: bool = False,
    ) -> Any:
        """Summarise the results; the residual tests take one pass, the first time.

        Parameters
        ----------
        yname, xname, title : optional
            Names and title in place of the model's.
        alpha : float
            Level of the confidence intervals.
        slim : bool
            Leave out the residual tests, and with them the pass.

        Returns
        -------
        Summary
            As statsmodels'.
        """
        cache = self.__dict__.setdefault("_summary_cache", {})
        cache["rank_deficient"] = False  # fewer rows than columns are refused
        if not slim:
            tests = self._residual_tests
            cache["jarque_bera"] = tests.jarque_bera
            cache["omni_normtest"] = tests.omnibus
            cache["durbin_watson"] = tests.durbin_watson
        return super().summary(yname, xname, title, alpha, slim)  # type: ignore[misc]

    def summary2(
        self,
        yname: str | None = None,
        xname: Any = None,
        title: str | None = None,
        alpha: float = 0.05,
        float_format: str = "%.4f",
    ) -> Any:
        """Experimental summary; see statsmodels.

        Parameters
        ----------
        yname, xname, title : optional
            Names and title in place of the model's.
        alpha : float
            Level of the confidence intervals.
        float_format : str
            Format of the numbers in the table of parameters.
        """
        return summary2(self, self._residual_tests, yname, xname, title, alpha, float_format)

    # --- keeping and losing data

    def remove_data(self) -> None:
        """Let go of the data; statistics, summary and predictions of new data stay."""
        self.model._stream.forget()
        for name in ("fittedvalues", "resid", "wresid", "resid_pearson"):
            self.__dict__.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        lazy = ("fittedvalues", "resid", "wresid", "resid_pearson")
        return {key: value for key, value in self.__dict__.items() if key not in lazy}

    # --- what needs rows in a way that is not built yet

    def compare_lm_test(self, restricted: Any, demean: bool = True, use_lr: bool = False) -> Any:
        """Not available out of memory: it needs the scores of both models, row by row."""
        raise NotImplementedError(
            "compare_lm_test needs a joint pass over the rows of both models, which is not built; "
            "compare_f_test and compare_lr_test(large_sample=False) are available"
        )

    def compare_lr_test(self, restricted: Any, large_sample: bool = False) -> Any:
        """Likelihood ratio test against a nested model; see statsmodels."""
        if large_sample:
            self.compare_lm_test(restricted, use_lr=True)
        return super().compare_lr_test(restricted, large_sample)  # type: ignore[misc]

    @property
    def het_scale(self) -> Any:
        """Not available out of memory: a value for every row."""
        raise NotImplementedError("het_scale, the adjusted squared residuals, is not built")


class RegressionResults(_StreamedResults, lm.RegressionResults):  # type: ignore[misc]
    """Results of a streamed WLS; see statsmodels' `RegressionResults`."""


class OLSResults(_StreamedResults, lm.OLSResults):  # type: ignore[misc]
    """Results of a streamed OLS; see statsmodels' `OLSResults`."""

    def get_influence(self) -> Any:
        """Not available out of memory yet."""
        raise NotImplementedError("get_influence: measures for every row are not built")

    def outlier_test(self, *args: Any, **kwargs: Any) -> Any:
        """Not available out of memory yet."""
        raise NotImplementedError("outlier_test: studentised residuals are not built")

    def el_test(self, *args: Any, **kwargs: Any) -> Any:
        """Not available out of memory: empirical likelihood weighs every row anew."""
        raise NotImplementedError(
            "el_test solves for a weight of every row, thousands of passes over the data"
        )

    def conf_int_el(self, *args: Any, **kwargs: Any) -> Any:
        """Not available out of memory: empirical likelihood weighs every row anew."""
        raise NotImplementedError(
            "conf_int_el solves for a weight of every row, thousands of passes over the data"
        )
