"""Least squares subject to linear constraints, which nothing more is read for."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

from statsmodels_ooc._statsmodels import LinearConstraints, StreamedWrapper
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.design.hypotheses import linear_hypotheses
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.errors import warn_caller
from statsmodels_ooc.likelihoods.least_squares import METHODS, LeastSquares
from statsmodels_ooc.models.missing_groups import without_rows_of_no_group
from statsmodels_ooc.results.constrained import ConstrainedOLSResults, ConstrainedResults
from statsmodels_ooc.results.covariance.registry import LINEAR, checked, set_covariance
from statsmodels_ooc.results.linear import OLSResults
from statsmodels_ooc.solvers.constraints import restricted, solutions
from statsmodels_ooc.solvers.dependence import describe, lengths, scaled_rank


class HasConstrained:
    """A mixin for linear models that stream: fits subject to linear constraints."""

    likelihood: LeastSquares
    spec_names: tuple[str, ...]
    exog_names: Any
    results_kind: Any
    nobs: float
    k_constant: int

    @without_rows_of_no_group
    def fit_constrained(
        self,
        constraints: Any,
        start_params: Any = None,
        *,
        method: str = "pinv",
        cov_type: str = "nonrobust",
        cov_kwds: dict[str, Any] | None = None,
        use_t: bool | None = None,
    ) -> Any:
        r"""Fit subject to linear constraints ``R @ params == q``; no pass beyond that of `fit`.

        Parameters
        ----------
        constraints : str, list of str, (R, q) or array_like
            As for statsmodels' `t_test`, and for ``fit_constrained`` of a GLM.
        start_params : None
            Not used: there is nothing to iterate.
        method, cov_type, cov_kwds, use_t
            As for `fit`.

        Returns
        -------
        RegressionResultsWrapper
            With ``constraints`` and ``k_constr``. ``df_resid`` counts the constraints;
            ``fvalue`` is NaN where they rule out that only a constant is left.

        Raises
        ------
        DesignError
            The constraints contradict one another, or one follows from the others.

        Notes
        -----
        Restricted least squares,

        .. math:: b_R = b - (X'X)^{-1} R' (R (X'X)^{-1} R')^{-1} (R b - q), \qquad
           \operatorname{cov} b_R = \sigma^2 Z (Z'X'XZ)^{-1} Z', \quad RZ = 0,

        found from the triangular factor, without an inverse. Parameters and standard errors are
        those of statsmodels' Gaussian GLM; robust covariances, influence and leverages those of
        the regression on ``X Z``. Statsmodels' OLS has no ``fit_constrained``.

        References
        ----------
        Greene (2018). Econometric Analysis, 8th ed., section 5.5.

        Examples
        --------
        >>> import pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> import statsmodels_ooc.formula.api as smof
        >>> frame = pd.DataFrame({"x": [0.0, 1, 2, 3, 4], "z": [1.0, 0, 2, 1, 1]})
        >>> frame["y"] = [1.0, 3.0, 2.0, 5.0, 4.0]
        >>> res = smof.ols("y ~ x + z", smo.as_source(frame)).fit_constrained("x + z = 1")
        >>> round(float(res.params["x"] + res.params["z"]), 12)
        1.0
        """
        # 1. What the caller wants, checked.
        if method not in METHODS:
            raise ValueError(f"method must be one of {METHODS}, not {method!r}")
        checked(LINEAR, cov_type, cov_kwds)
        found = linear_hypotheses(constraints, self.exog_names)
        # 2. One pass, or none where the rows have told.
        fit, factor = self.likelihood.fit(method), self.likelihood.factor
        with one_blas_thread():
            feasible = solutions(found.coefs, found.constants.ravel(), lengths(fit.r_exog))
            params, determined = restricted(fit, feasible)
            nested = _is_nested(factor, fit.rows, feasible.span, self.k_constant)
        # 3. What the constraints leave undetermined is named.
        if determined.rank < feasible.span.shape[1]:
            combined = describe(fit.r_exog, fit.rows, self.spec_names, feasible.span)
            warn_caller(
                f"The constraints leave the design matrix rank-deficient: {combined}. The model "
                "parameters are not uniquely determined.",
                SingularMatrixWarning,
            )
        # 4. Results with the covariance that was asked for.
        is_ols = issubclass(self.results_kind, OLSResults)
        results = (ConstrainedOLSResults if is_ols else ConstrainedResults)(
            self,
            params,
            normalized_cov_params=determined.root @ determined.root.T,
            use_t=use_t,
            linear_fit=fit,
            constraints=LinearConstraints.from_formula_parser(found),
            k_constr=len(found.coefs),
            span=feasible.span,
            is_nested=nested and not found.constants.any(),
            df_model=float(determined.rank - self.k_constant),
            df_resid=self.nobs - determined.rank,
        )
        if cov_type != "nonrobust":
            results.use_t = False  # as for `fit`
            set_covariance(results, LINEAR, results.scored, cov_type, cov_kwds or {}, use_t)
        return StreamedWrapper(results)


def _is_nested(factor: FloatArray, rows: int, span: FloatArray, k_constant: int) -> bool:
    """Whether a constant is among what the constraints leave, where the model has one."""
    inside = factor[:, 1:-1] @ span
    with_ones = np.column_stack((factor[:, 0], inside))
    return not k_constant or scaled_rank(with_ones, rows) == scaled_rank(inside, rows)
