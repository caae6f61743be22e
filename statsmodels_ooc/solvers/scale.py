"""How the scale of a generalised linear model comes about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from statsmodels_ooc.errors import DesignError

__all__ = ["Gaps", "ScaleRule"]


class Gaps(Protocol):
    """How far the responses are from their means, at scale one."""

    @property
    def deviance(self) -> float: ...

    @property
    def pearson(self) -> float: ...


@dataclass(frozen=True)
class ScaleRule:
    """The scale: a number, or one of two sums over the residual degrees of freedom.

    Attributes
    ----------
    kind : {"fixed", "x2", "dev"}
        A number, Pearson's chi-squared, or the deviance.
    value : float
        The number.
    """

    kind: Literal["fixed", "x2", "dev"]
    value: float = 1.0

    def of(self, gaps: Callable[[], Gaps], rows: float, df_resid: float) -> float:
        """The scale.

        Parameters
        ----------
        gaps : callable
            Finds the sums; not asked where the scale is fixed.
        rows, df_resid : float
            Rows, each as often as it counts, and residual degrees of freedom.

        Raises
        ------
        DesignError
            There are no degrees of freedom to estimate it with.
        """
        if self.kind == "fixed":
            return self.value
        if df_resid <= 0:
            raise DesignError(
                f"{rows:g} rows and {rows - df_resid:g} parameters leave nothing to "
                "estimate the scale from",
                hint="fit(scale=1.0) fixes it",
            )
        found = gaps()
        total = found.pearson if self.kind == "x2" else found.deviance
        return np.float64(np.divide(total, df_resid))
