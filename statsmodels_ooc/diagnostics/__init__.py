"""Statsmodels' diagnostics of linear models, over data that stays outside memory."""

from statsmodels_ooc.diagnostics.autocorrelation import (
    acorr_breusch_godfrey,
    acorr_ljungbox,
    acorr_lm,
    het_arch,
)
from statsmodels_ooc.diagnostics.collinearity import variance_inflation_factor
from statsmodels_ooc.diagnostics.heteroscedasticity import (
    het_breuschpagan,
    het_goldfeldquandt,
    het_white,
    spec_white,
)
from statsmodels_ooc.diagnostics.linearity import linear_lm, linear_reset
from statsmodels_ooc.diagnostics.nonnested import compare_cox, compare_encompassing, compare_j
from statsmodels_ooc.diagnostics.normality import durbin_watson, jarque_bera, omni_normtest
from statsmodels_ooc.diagnostics.stability import breaks_cusumolsresid, breaks_hansen
from statsmodels_ooc.diagnostics.subsets import (
    linear_harvey_collier,
    linear_rainbow,
    recursive_olsresiduals,
)

__all__ = [
    "acorr_breusch_godfrey",
    "acorr_ljungbox",
    "acorr_lm",
    "breaks_cusumolsresid",
    "breaks_hansen",
    "compare_cox",
    "compare_encompassing",
    "compare_j",
    "durbin_watson",
    "het_arch",
    "het_breuschpagan",
    "het_goldfeldquandt",
    "het_white",
    "jarque_bera",
    "linear_harvey_collier",
    "linear_lm",
    "linear_rainbow",
    "linear_reset",
    "omni_normtest",
    "recursive_olsresiduals",
    "spec_white",
    "variance_inflation_factor",
]
