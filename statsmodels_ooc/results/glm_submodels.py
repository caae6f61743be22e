"""What the fit of a GLM does not tell of smaller ones."""

from __future__ import annotations

from functools import partial

from statsmodels_ooc.errors import SubmodelError
from statsmodels_ooc.results.refused import refused

_WEIGHTS = (
    "the weights of the rows of a GLM follow from its parameters, so that a smaller model needs "
    "passes of its own"
)
_FIT = (
    "fit the smaller formula, or model.fit_constrained('x = 0'); wald_test_terms() tests the terms "
    "by the fit at hand"
)


_refused = partial(refused, error=SubmodelError)


class HasNoSubmodels:
    """A mixin for results of a GLM: what results of linear models tell without a pass."""

    submodel = _refused("submodel", _WEIGHTS, _FIT)
    best_subset = _refused("best_subset", _WEIGHTS, _FIT)
    stepwise = _refused("stepwise", _WEIGHTS, _FIT)
    regularization_path = _refused(
        "regularization_path",
        _WEIGHTS,
        "model.fit_regularized(alpha=...) for each alpha; start_params takes the last solution",
    )
