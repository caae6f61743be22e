"""Tests of hypotheses that a design of short rank may not determine."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from statsmodels.stats.contrast import ContrastResults

from statsmodels_ooc.design.hypotheses import linear_hypotheses
from statsmodels_ooc.errors import DesignError, EstimabilityWarning, warn_caller
from statsmodels_ooc.solvers.estimable import Estimable, estimable_part, estimable_rows
from statsmodels_ooc.solvers.least_squares import LinearFit


class EstimableTests:
    """A mixin in front of statsmodels' tests: where the rank is short, they ask the design.

    At full rank everything is statsmodels' own. Where the rank is short, parameters are
    the shortest of many with the same means, and only combinations of the rows of the
    design mean the same for all of them.
    """

    model: Any
    nobs: Any
    df_resid: Any
    use_t: bool

    def _design_fit(self) -> LinearFit | None:
        """The factor of the design; None where other things restrict the parameters, too."""
        raise NotImplementedError

    def _short_fit(self) -> LinearFit | None:
        """The factor of the design, where its rank is short."""
        fit = self._design_fit()
        return fit if fit is not None and fit.rank < len(fit.params) else None

    def wald_test(
        self,
        r_matrix: Any,
        cov_p: Any = None,
        invcov: Any = None,
        use_f: bool | None = None,
        df_constraints: int | None = None,
        scalar: bool = True,
    ) -> Any:
        """Wald test of a joint hypothesis; of a short rank, its estimable part.

        Parameters
        ----------
        r_matrix : array_like, str, or tuple
            The hypothesis: L, a formula, or (L, q).
        cov_p : array_like, (k, k), optional
            Covariance of the parameters in place of their own.
        invcov : array_like, (j, j), optional
            Inverse covariance of the rows of the hypothesis.
        use_f : bool, optional
            F or chi-squared; by default as the results say.
        df_constraints : int, optional
            Degrees of freedom in place of those that are counted.
        scalar : bool
            Whether the statistic is a float.

        Returns
        -------
        ContrastResults
            As statsmodels'. The degrees of freedom are the number of independent
            estimable restrictions; without any, the statistic is NaN.

        Raises
        ------
        DesignError
            `r_matrix` is no hypothesis about these parameters, its restrictions contradict one
            another, or `invcov` belongs to some that are not estimable.

        Warns
        -----
        EstimabilityWarning
            Some of the restrictions are not estimable.
        """
        told = linear_hypotheses(r_matrix, self.model.data.cov_names)
        matrix, values = told.coefs, told.constants.ravel()
        fit = self._short_fit()
        if fit is not None:
            part = estimable_part(fit, matrix, values)
            self._check(part, fit, invcov)
            if part.df == 0:
                return _no_test(self.df_resid, self.use_t if use_f is None else use_f, scalar)
            if invcov is None:
                matrix, values = part.matrix, part.values
        return super().wald_test(  # type: ignore[misc]
            (matrix, values), cov_p, invcov, use_f, df_constraints, scalar
        )

    def _check(self, part: Estimable, fit: LinearFit, invcov: Any) -> None:
        """Refuse contradictions, and warn of what is left out."""
        if not part.consistent:
            raise DesignError(
                "the restrictions contradict one another: equal combinations of the parameters "
                "are to have different values",
                hint="leave out those that follow from the others",
            )
        if part.df == part.asked:
            return
        lost = f"{part.asked - part.df} of {part.asked} independent restrictions"
        if invcov is not None:
            raise DesignError(
                f"{lost} are not estimable, and invcov belongs to all of them",
                hint="hand the covariance of the parameters over as cov_p",
            )
        warn_caller(
            f"{lost} cannot be estimated, because the rank of the design is {fit.rank} of "
            f"{len(fit.params)} columns; what is left of the hypothesis is tested, with its "
            f"{part.df} degrees of freedom. For terms of a formula, smo.anova_lm and "
            "wald_test_terms count ranks",
            EstimabilityWarning,
        )

    def wald_test_terms(
        self,
        skip_single: bool = False,
        extra_constraints: Any = None,
        combine_terms: Any = None,
        scalar: bool = True,
    ) -> Any:
        """Wald tests of the terms of the formula; see statsmodels.

        Parameters
        ----------
        skip_single : bool
            Whether terms of one column are left out.
        extra_constraints : list of (name, matrix), optional
            Further hypotheses.
        combine_terms : list of str, optional
            Parts of names; terms with such a name are tested together, too.
        scalar : bool
            Whether statistics are floats.

        Returns
        -------
        WaldTestResults
            As statsmodels'.

        Notes
        -----
        Where the rank is short, the estimable part of "all coefficients of the term are
        zero" is tested. It compares the models with and without the columns of the term,
        and has as many degrees of freedom as their ranks differ.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EstimabilityWarning)
            return super().wald_test_terms(  # type: ignore[misc]
                skip_single, extra_constraints, combine_terms, scalar
            )

    def t_test(self, r_matrix: Any, cov_p: Any = None, use_t: bool | None = None) -> Any:
        """A t test for each row of a hypothesis; see statsmodels.

        Parameters
        ----------
        r_matrix : array_like, str, or tuple
            The hypothesis: L, a formula, or (L, q).
        cov_p : array_like, (k, k), optional
            Covariance of the parameters in place of their own.
        use_t : bool, optional
            Student's t or the normal distribution; by default as the results say.

        Returns
        -------
        ContrastResults
            As statsmodels'.

        Raises
        ------
        DesignError
            `r_matrix` is no hypothesis about these parameters.

        Warns
        -----
        EstimabilityWarning
            The design does not determine some of the rows: their numbers are those of
            the shortest parameters, and others fit as well.
        """
        told = linear_hypotheses(r_matrix, self.model.data.cov_names)
        matrix, values = told.coefs, told.constants.ravel()
        fit = self._short_fit()
        if fit is not None:
            lost = np.flatnonzero(~estimable_rows(fit, matrix))
            if len(lost):
                warn_caller(
                    f"{len(lost)} of {len(matrix)} hypotheses cannot be estimated, the first of "
                    f"them number {lost[0]}, because the rank of the design is {fit.rank} of "
                    f"{len(fit.params)} columns; their numbers are those of the shortest "
                    "parameters, and others fit as well",
                    EstimabilityWarning,
                )
        return super().t_test((matrix, values), cov_p, use_t)  # type: ignore[misc]


def _no_test(df_resid: float, use_f: bool, scalar: bool) -> ContrastResults:
    """The test of nothing."""
    nan = np.nan if scalar else np.full((1, 1), np.nan)
    if use_f:
        return ContrastResults(F=nan, df_denom=df_resid, df_num=0)
    return ContrastResults(chi2=nan, df_denom=0, statistic=nan, distribution="chi2", distargs=(0,))
