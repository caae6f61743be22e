"""Results of least squares subject to linear constraints."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.results.linear import OLSResults, RegressionResults
from statsmodels_ooc.results.refused import refused
from statsmodels_ooc.solvers.least_squares import LinearFit

_unrestricted = partial(refused, why="a fit subject to constraints has none", error=DesignError)
_CHOICE = "choose terms from fit(), and give the model that is left its constraints"


class Constrained:
    """A mixin for results whose parameters satisfy constraints.

    Attributes
    ----------
    constraints : LinearConstraints
        The constraints.
    k_constr : int
        How many there are.
    span : ndarray, (k, k - k_constr)
        What the parameters may differ by.
    is_nested : bool
        Whether a model of a constant alone, or of nothing where there is no constant, satisfies
        the constraints: only then is there an F statistic.
    """

    constraints: Any
    k_constr: int
    span: FloatArray
    is_nested: bool
    df_model: float
    df_resid: float
    mse_model: Any
    mse_resid: Any
    cov_type: str

    def _span(self) -> FloatArray | None:
        return self.span

    def _design_fit(self) -> LinearFit | None:
        return None

    def _restricted_by(self) -> tuple[str, ...]:
        return ("constraints", "k_constr", "span", "is_nested", "df_model", "df_resid")

    @cached_property
    def fvalue(self) -> float:
        """F of all that the constraints leave free; NaN for a robust covariance.

        NaN, too, where the constraints rule out that only a constant is left.
        """
        if not self.is_nested or self.cov_type != "nonrobust":
            return np.float64(np.nan)
        return np.float64(self.mse_model / self.mse_resid)

    effects = property(
        _unrestricted("effects", instead="compare fits: anova_lm(constrained, unconstrained)")
    )
    compare_lm_test = _unrestricted(
        "compare_lm_test",
        instead="compare_f_test and compare_lr_test compare with the larger model",
    )
    submodel = _unrestricted("submodel", instead="model.submodel(...).fit_constrained(...)")
    best_subset = _unrestricted("best_subset", instead=_CHOICE)
    stepwise = _unrestricted("stepwise", instead=_CHOICE)
    regularization_path = _unrestricted(
        "regularization_path", instead="fit() without the constraints"
    )


class ConstrainedResults(Constrained, RegressionResults):
    """Results of a streamed WLS subject to constraints."""


class ConstrainedOLSResults(Constrained, OLSResults):
    """Results of a streamed OLS subject to constraints."""

    el_test = _unrestricted(
        "el_test", instead="t_test and wald_test go by the restricted covariance"
    )
    conf_int_el = _unrestricted("conf_int_el", instead="conf_int goes by the restricted covariance")
