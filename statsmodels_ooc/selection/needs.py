"""What a selection needs to know of the columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from statsmodels.genmod import families

from statsmodels_ooc.design.formula import FormulaSpec
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.families.lookup import kernel_of
from statsmodels_ooc.selection.information import is_constant

__all__ = ["Needs"]


@dataclass(frozen=True)
class Needs:
    """What a selection needs to know, and what of that is not given.

    Parameters
    ----------
    settings : IBOSS
        What the user wants.
    spec : FormulaSpec
        The design.
    family : Family or None
        None for a linear model.
    roles : frozenset of str
        What goes with the rows: weights, offset and the like.
    """

    settings: Any
    spec: FormulaSpec
    family: Any
    roles: frozenset[str]

    @cached_property
    def kernel(self) -> Kernel | None:
        """What tells rows apart by their means; None where the link makes them equal."""
        if self.family is None or is_constant(self.family):
            return None
        return kernel_of(self.family)

    @property
    def is_optimal(self) -> bool:
        return bool(self.settings.criterion != "uniform")

    @property
    def is_weighted(self) -> bool:
        trials = isinstance(self.family, families.Binomial) and len(self.spec.endog_names) == 2
        return trials or any(role.endswith("weights") for role in self.roles)

    @property
    def pilot(self) -> bool:
        wanted = self.is_optimal and self.kernel is not None
        return bool(wanted and self.settings.pilot_params is None)

    @property
    def mean(self) -> bool:
        varies = self.kernel is not None or self.is_weighted
        return self.settings.criterion == "T" or (self.settings.criterion == "D" and varies)

    @property
    def scale(self) -> bool:
        return bool(self.settings.criterion == "T")

    @property
    def lacks_mean(self) -> bool:
        return self.mean and self.settings.mean is None

    @property
    def lacks_scale(self) -> bool:
        return self.scale and self.settings.scale is None
