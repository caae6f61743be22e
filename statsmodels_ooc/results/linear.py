"""Results of streamed linear models: the familiar classes, without the rows."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import statsmodels.regression.linear_model as lm
from statsmodels.iolib import summary2 as iolib

from statsmodels_ooc._statsmodels import cache_writable
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.errors import DesignError, EstimabilityWarning
from statsmodels_ooc.reductions.residuals import ResidualMomentsState
from statsmodels_ooc.results.collinearity import HasCollinearity
from statsmodels_ooc.results.covariance.linear import LinearScored, residual_moments
from statsmodels_ooc.results.covariance.registry import (
    LINEAR,
    HasCovariances,
    checked,
    set_covariance,
)
from statsmodels_ooc.results.growing import Grows
from statsmodels_ooc.results.hypotheses import EstimableTests
from statsmodels_ooc.results.influence import HasInfluence
from statsmodels_ooc.results.lazy import LazyRows, WithDesign
from statsmodels_ooc.results.nested import NestedTests
from statsmodels_ooc.results.penalized_path import HasPath
from statsmodels_ooc.results.submodels import HasSubmodels
from statsmodels_ooc.results.term_choice import HasTermChoice
from statsmodels_ooc.results.writing import WritesRows
from statsmodels_ooc.solvers.least_squares import LinearFit
from statsmodels_ooc.solvers.residual_tests import ResidualTests, residual_tests


class StreamedResults(
    HasCovariances,
    LazyRows,
    WritesRows,
    Grows,
    HasInfluence,
    HasSubmodels,
    HasTermChoice,
    HasPath,
    HasCollinearity,
    NestedTests,
    EstimableTests,
):
    """A mixin in front of statsmodels' regression results.

    Sums come from the fit, rows come lazily, and what needs another pass makes it
    once, when it is first asked for. What survives `remove_data` and pickling stands
    in the instance, not in the parents' cache.
    """

    model: Any
    params: Any
    df_resid: float
    normalized_cov_params: FloatArray
    use_t: bool
    registry = LINEAR
    _scored: LinearScored | None = None

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
        **attributes: Any,
    ) -> None:
        checked(LINEAR, cov_type, cov_kwds)
        self._fit = model.likelihood.fit() if linear_fit is None else linear_fit
        super().__init__(  # type: ignore[call-arg]
            model,
            params,
            normalized_cov_params,
            scale,
            cov_type=cov_type,
            cov_kwds=None if cov_kwds is None else dict(cov_kwds),
            use_t=use_t,
            **attributes,
        )

    # --- sums of the fit

    @property
    def nobs(self) -> float:
        """Number of rows."""
        return float(self.model.nobs)

    @cache_writable()  # type: ignore[untyped-decorator]
    def scale(self) -> float:
        """Residual variance: ``ssr / df_resid`` unless it was fixed."""
        return np.float64(np.divide(self.ssr, self.df_resid))

    @property
    def ssr(self) -> float:
        """Sum of squared whitened residuals."""
        return np.float64(self._fit.ssr_at(np.asarray(self.params)))

    @property
    def centered_tss(self) -> float:
        """Weighted total sum of squares about the mean."""
        facts = self.model.likelihood.facts
        if facts.low[-1] == facts.high[-1]:  # a constant response: nothing is left but rounding
            return np.float64(0.0)
        return np.float64(self._fit.centered_tss)

    @property
    def uncentered_tss(self) -> float:
        """Weighted total sum of squares."""
        return np.float64(self._fit.uncentered_tss)  # zero is no error to divide by

    @property
    def effects(self) -> FloatArray:
        """``Q'y``, the first k entries, from which `anova_lm` makes its table.

        Raises
        ------
        DesignError
            The rank is short: the effects do not belong to the columns one by one.
        """
        if self._fit.rank < len(self._fit.params):
            raise DesignError(
                f"the rank of the design is {self._fit.rank} of {len(self._fit.params)} columns, "
                "and statsmodels' anova_lm counts columns",
                hint="smo.anova_lm counts ranks",
            )
        return self._fit.effects

    @cached_property
    def fvalue(self) -> float:
        """F statistic of all slopes together; of a short rank, of the estimable ones."""
        with warnings.catch_warnings():  # df_model, printed beside it, counts the rank already
            warnings.simplefilter("ignore", EstimabilityWarning)
            return super().fvalue  # type: ignore[misc,no-any-return]

    @property
    def linear_fit(self) -> LinearFit:
        """What least squares found: triangular factor, effects, singular values, rank."""
        return self._fit

    def _design_fit(self) -> LinearFit | None:
        return self._fit

    def without_arrays(self) -> Any:
        """The same results, of a model whose response and design are lazy at any size."""
        found, model = copy.copy(self), copy.copy(self.model)
        model.endog, model.exog = self.model.lazy.endog, self.model.lazy.exog
        found.model = model
        return found

    # --- one more pass

    @property
    def scored(self) -> LinearScored:
        """What robust covariances ask of the fit."""
        if self._scored is None:
            params, fit = np.asarray(self.params), self._fit
            likelihood, names = self.model.likelihood, self.model.exog_names
            span = self._span()
            self._scored = LinearScored(
                likelihood, params, fit, self.nobs, float(self.df_resid), names, span
            )
        return self._scored

    def _span(self) -> FloatArray | None:
        """What the parameters are combinations of, (k, r); None for any."""
        chosen = np.asarray(self.params) != 0
        return np.eye(len(chosen))[:, chosen] if hasattr(self, "regularized") else None

    def _again(self) -> Any:
        """The same results, to be given another covariance."""
        again = type(self)(
            self.model,
            self.params,
            normalized_cov_params=self.normalized_cov_params,
            scale=self.scale,
            linear_fit=self._fit,
        )
        for name in self._restricted_by():
            setattr(again, name, getattr(self, name))
        return again

    def _restricted_by(self) -> tuple[str, ...]:
        """What results have where the parameters are not free: how, and what that costs."""
        return ("regularized", "df_model", "df_resid") if hasattr(self, "regularized") else ()

    @property
    def _residual_tests(self) -> ResidualTests:
        asked = residual_moments(np.asarray(self.params))
        moments: ResidualMomentsState = self.model.likelihood.ask(asked)[0]
        return residual_tests(moments, ordered=_unordered(self) is None)

    def get_robustcov_results(
        self, cov_type: str = "HC1", use_t: bool | None = None, **kwargs: Any
    ) -> Any:
        """New results with another covariance; see statsmodels.

        Parameters
        ----------
        cov_type : str
            The covariance estimator, see :doc:`/standard_errors`.
        use_t : bool, optional
            Whether tests use Student's t.
        **kwargs
            Keywords of the covariance estimator.

        Raises
        ------
        NotImplementedError, ValueError
            The covariance type is not available out of memory, or has no such keyword.

        Warns
        -----
        LeverageWarning
            HC2 or HC3 leave out rows of leverage one.
        """
        results = self
        if not kwargs.pop("use_self", False):
            results = self._again()
            results._scored = self.scored
        use_t = self.use_t if use_t is None else use_t
        set_covariance(results, LINEAR, results.scored, cov_type, kwargs, use_t)
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
            As statsmodels'; Durbin and Watson's statistic is NaN where rows have no order.
        """
        cache = self.__dict__.setdefault("_summary_cache", {})
        cache["rank_deficient"] = False  # fewer rows than columns are refused
        if not slim:
            tests = self._residual_tests
            cache["jarque_bera"] = tests.jarque_bera
            cache["omni_normtest"] = tests.omnibus
            cache["durbin_watson"] = tests.durbin_watson
        summary = super().summary(yname, xname, title, alpha, slim)  # type: ignore[misc]
        note = _order_note(self)
        if note and not slim:
            summary.add_extra_txt([*summary.extra_txt.split("\n"), note])
        return summary

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
        """Let go of the data.

        What needs no rows stays, predictions of new data among it; the summary and
        robust covariances stay if they have been asked for.
        """
        self.forget_rows()


class RegressionResults(StreamedResults, lm.RegressionResults):  # type: ignore[misc]
    """Results of a streamed WLS; see statsmodels' `RegressionResults`."""


class OLSResults(StreamedResults, lm.OLSResults):  # type: ignore[misc]
    """Results of a streamed OLS; see statsmodels' `OLSResults`."""

    el_test = WithDesign("it solves for a weight of every row, thousands of passes over the data")
    conf_int_el = WithDesign(
        "it solves for a weight of every row, thousands of passes over the data"
    )


def summary2(
    results: Any,
    tests: ResidualTests,
    yname: str | None,
    xname: Any,
    title: str | None,
    alpha: float,
    float_format: str,
) -> Any:
    """`RegressionResults.summary2`, which knows no other way than all residuals."""
    summary = iolib.Summary()
    summary.add_base(
        results=results,
        alpha=alpha,
        float_format=float_format,
        xname=xname,
        yname=yname,
        title=title,
    )
    bera, bera_p, skew, kurtosis = tests.jarque_bera
    summary.add_dict(
        {
            "Omnibus:": f"{tests.omnibus[0]:.3f}",
            "Prob(Omnibus):": f"{tests.omnibus[1]:.3f}",
            "Skew:": f"{skew:.3f}",
            "Kurtosis:": f"{kurtosis:.3f}",
            "Durbin-Watson:": f"{tests.durbin_watson:.3f}",
            "Jarque-Bera (JB):": f"{bera:.3f}",
            "Prob(JB):": f"{bera_p:.3f}",
            "Condition No.:": f"{results.condition_number:.0f}",
        }
    )
    notes = [f"[{i + 1}] {note}" for i, note in enumerate(_notes(results))]
    notes += filter(None, [_order_note(results)])
    for line in ["Notes:", *notes] if notes else []:
        summary.add_text(line)
    return summary


def _unordered(results: Any) -> str | None:
    """Why the order of the rows means nothing; None where it does."""
    why: str | None = results.model.likelihood.stream.whole_source.unordered
    return why


def _order_note(results: Any) -> str:
    """Why there is no Durbin-Watson statistic, where there is none."""
    why = _unordered(results)
    return f"Durbin-Watson needs rows in order: {why}" if why else ""


def _notes(results: Any) -> list[str]:
    """The notes, white space and all, as statsmodels words them."""
    notes = []
    if not results.k_constant:
        notes.append(
            "R² is computed without centering (uncentered) since the \
                model does not contain a constant."
        )
    notes.append(results.cov_kwds["description"])
    smallest, condition = results.eigenvals[-1], results.condition_number
    if smallest < 1e-10:
        notes.append(
            f"The smallest eigenvalue is {smallest:6.3g}. This might indicate that\
                there are strong multicollinearity problems or that the design\
                matrix is singular."
        )
    elif condition > 1000:
        notes.append(
            f"The condition number is large, {condition:6.3g}. This might indicate\
                that there are strong multicollinearity or other numerical\
                problems."
        )
    return notes
