"""Which value of a categorical response a binomial model is about."""

from __future__ import annotations

from typing import Any

from statsmodels.genmod import families

from statsmodels_ooc.design.formula import FormulaSpec
from statsmodels_ooc.errors import ResponseWarning, warn_caller

__all__ = ["warn_of_levels"]


def warn_of_levels(spec: FormulaSpec, family: Any) -> None:
    """Say which level a binomial model takes for success, where nobody wrote it down.

    Parameters
    ----------
    spec : FormulaSpec
        The learned formula.
    family : Family or None
        Only a Binomial one has two values.
    """
    response = spec.response
    if response is None or not isinstance(family, families.Binomial):
        return
    code, (first, other) = response
    warn_caller(
        f"the binomial response {code!r} is categorical: P({code} = {first}) is modelled, that "
        f"of the first of its levels, as in statsmodels. For P({code} = {other}) write "
        f"{response.reversed} ~ ..., or {response.in_order} ~ ... to say that this is meant.",
        ResponseWarning,
    )
