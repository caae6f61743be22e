"""What a first pass finds out of all rows before rows are selected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.genmod import families

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.formula import FormulaSpec
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.families.kernels import Kernel, kernel_of
from statsmodels_ooc.reductions.exact import ExactMomentsState, MeansState
from statsmodels_ooc.reductions.facts import RowFactsState
from statsmodels_ooc.reductions.responses import Impossible
from statsmodels_ooc.selection.candidates import CandidatesState
from statsmodels_ooc.selection.pilot import INTERCEPT
from statsmodels_ooc.selection.scorers import is_constant


@dataclass
class Survey:
    """What is known of all rows so far."""

    spec: DesignSpec
    facts: RowFactsState | None = None  # counts and extremes
    moments: ExactMomentsState | None = None  # where scores need them, of squares for T
    means: MeansState | None = None  # of a linear model without moments, for its adjusted intercept
    sample: CandidatesState | None = None  # the rows with the smallest hashes
    impossible: Impossible | None = None  # the first response that the family cannot have

    @property
    def averages(self) -> FloatArray | None:
        """Means of the columns of ``[X | y]`` over all rows, (k + 1,), where they are known."""
        known = self.moments or self.means
        return None if known is None else known.mean()

    @property
    def constants(self) -> tuple[int, ...]:
        """The columns that are the same in all rows, as far as anybody knows."""
        if self.facts is None:
            return tuple(j for j, name in enumerate(self.spec.exog_names) if name == INTERCEPT)
        return tuple(np.flatnonzero(self.facts.low[:-1] == self.facts.high[:-1]).tolist())

    @property
    def constant(self) -> int | None:
        """The first of them that is not zero: an intercept, whatever its name."""
        if self.facts is None:
            return next(iter(self.constants), None)
        return next((j for j in self.constants if self.facts.low[j] != 0), None)

    @property
    def left_out(self) -> tuple[int, ...]:
        """The columns that can have no parameter of their own."""
        return tuple(j for j in self.constants if j != self.constant)

    @property
    def columns(self) -> tuple[int, ...]:
        """The other ones: p of them."""
        return tuple(j for j in range(self.spec.k) if j not in self.constants)


def by_column(what: str, values: Any, spec: DesignSpec, whole: bool) -> FloatArray | None:
    """What a caller gives for the columns of a design, (k,); None for nothing.

    Parameters
    ----------
    what : str
        The argument's name.
    values : Series, mapping or array_like, or None
        By name; or in the order of the design's columns, with or without the intercept.
    spec : DesignSpec
        The design.
    whole : bool
        Whether the intercept must have its value, too; zero otherwise.

    Raises
    ------
    ValueError
        A column is left out, or a value is not finite.
    """
    if values is None:
        return None
    names = list(spec.exog_names)
    if isinstance(values, (pd.Series, Mapping)):
        given = dict(values.items())
    else:
        array = np.asarray(values, dtype=np.float64)
        others = [name for name in names if name != INTERCEPT]
        order = others if array.shape == (len(others),) and not whole else names
        if array.shape != (len(order),):
            raise ValueError(
                f"{what} has shape {array.shape}; it needs one number for each of {names}"
            )
        given = dict(zip(order, array.tolist(), strict=True))
    missing = [n for n in names if n not in given and (whole or n != INTERCEPT)]
    if missing:
        raise ValueError(f"{what} says nothing of {missing[0]!r}; it needs {names}")
    found = np.array([float(given.get(name, 0.0)) for name in names])
    if not np.isfinite(found).all():
        j = int(np.argmin(np.isfinite(found)))
        raise ValueError(f"{what} is {found[j]} for {names[j]!r}; finite numbers are needed")
    return found


@dataclass(frozen=True)
class Needs:
    """What a selection needs to know, and what of that is not given; see `Selecting`."""

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
