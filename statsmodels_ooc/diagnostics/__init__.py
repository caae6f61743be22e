"""Statsmodels' diagnostics of linear models, over data that stays outside memory."""

from statsmodels_ooc.diagnostics.autocorrelation import (
    acorr_breusch_godfrey,
    acorr_ljungbox,
    acorr_lm,
    het_arch,
)
from statsmodels_ooc.diagnostics.heteroscedasticity import (
    het_breuschpagan,
    het_goldfeldquandt,
    het_white,
    spec_white,
)

__all__ = [
    "acorr_breusch_godfrey",
    "acorr_ljungbox",
    "acorr_lm",
    "het_arch",
    "het_breuschpagan",
    "het_goldfeldquandt",
    "het_white",
    "spec_white",
]
