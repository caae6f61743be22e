"""The only files that touch patsy's private names."""

from patsy import DesignInfo, EvalEnvironment, PatsyError
from patsy.categorical import _CategoricalBox as Box  # what C(...) evaluates to
from patsy.categorical import guess_categorical
from patsy.desc import INTERCEPT, Term
from patsy.design_info import FactorInfo
from patsy.eval import EvalFactor

from statsmodels_ooc._patsy.memorizing import (
    evaluated_code,
    finish_memorizing,
    memorize,
    memorized_bytes,
    scope_of,
    start_memorizing,
    used_of,
)
from statsmodels_ooc._patsy.parts import IndivisibleError, with_columns
from statsmodels_ooc._patsy.pickling import Remade
from statsmodels_ooc._patsy.terms import (
    design_info,
    expression_term,
    factor_names,
    is_column,
    is_missing,
    is_numeric,
    model_desc,
    planned_columns,
    scope,
    simple_column,
    sorted_levels,
    subterm_columns,
)

__all__ = [
    "INTERCEPT",
    "Box",
    "DesignInfo",
    "EvalEnvironment",
    "EvalFactor",
    "FactorInfo",
    "IndivisibleError",
    "PatsyError",
    "Remade",
    "Term",
    "design_info",
    "evaluated_code",
    "expression_term",
    "factor_names",
    "finish_memorizing",
    "guess_categorical",
    "is_column",
    "is_missing",
    "is_numeric",
    "memorize",
    "memorized_bytes",
    "model_desc",
    "planned_columns",
    "scope",
    "scope_of",
    "simple_column",
    "sorted_levels",
    "start_memorizing",
    "subterm_columns",
    "used_of",
    "with_columns",
]
