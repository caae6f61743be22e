"""Models from formulas: ``import statsmodels_ooc.formula.api as smof``."""

from statsmodels_ooc.models.glm import GLM
from statsmodels_ooc.models.linear import OLS, WLS

__all__ = ["glm", "ols", "wls"]

glm = GLM.from_formula
ols = OLS.from_formula
wls = WLS.from_formula
