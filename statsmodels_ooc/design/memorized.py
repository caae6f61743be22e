"""What the transforms of a formula have memorized of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from statsmodels_ooc.design.learned import FormulaSpec
from statsmodels_ooc.design.spec import DesignSpec


def learned_numbers(spec: DesignSpec) -> list[tuple[str, str, dict[str, Any]]]:
    """What a design has learned beside names and levels: equal where equal names are equal columns.

    Parameters
    ----------
    spec : DesignSpec
        The design; one of plain columns has learned nothing.

    Returns
    -------
    list of (str, str, dict)
        Factor, transform and the numbers that it has memorized: of ``center`` the mean.
    """
    if not isinstance(spec, FormulaSpec):
        return []
    return [
        (factor.name(), name, _numbers(transform))
        for factor, info in spec.learned.factors.items()
        for name, transform in info.state.get("transforms", {}).items()
    ]


def _numbers(transform: Any) -> dict[str, Any]:
    return {name: np.asarray(value).tolist() for name, value in sorted(vars(transform).items())}
