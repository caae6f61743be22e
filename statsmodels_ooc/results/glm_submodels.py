"""What the fit of a GLM does not tell of smaller ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statsmodels_ooc.errors import SubmodelError


def _needs_fits(name: str, why: str, instead: str) -> Callable[..., Any]:
    """A method that only results of linear models have."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise SubmodelError(f"{name}: {why}", hint=instead)

    method.__name__ = name
    method.__doc__ = (
        f"Of linear models alone.\n\n        Raises\n        ------\n        SubmodelError\n"
        f"            Here {why}.\n        "
    )
    return method


_WEIGHTS = (
    "the weights of the rows of a GLM follow from its parameters, so that a smaller model needs "
    "passes of its own"
)
_FIT = (
    "fit the smaller formula, or model.fit_constrained('x = 0'); wald_test_terms() tests the terms "
    "by the fit at hand"
)


class HasNoSubmodels:
    """A mixin for results of a GLM: what results of linear models tell without a pass."""

    submodel = _needs_fits("submodel", _WEIGHTS, _FIT)
    best_subset = _needs_fits("best_subset", _WEIGHTS, _FIT)
    stepwise = _needs_fits("stepwise", _WEIGHTS, _FIT)
    regularization_path = _needs_fits(
        "regularization_path",
        _WEIGHTS,
        "model.fit_regularized(alpha=...) for each alpha; start_params takes the last solution",
    )
