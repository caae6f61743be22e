"""Models from formulas: ``import statsmodels_ooc.formula.api as smof``."""

from statsmodels_ooc.models.linear import OLS, WLS

__all__ = ["ols", "wls"]

ols = OLS.from_formula
wls = WLS.from_formula
