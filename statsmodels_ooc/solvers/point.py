"""A point of a likelihood: what one pass at some parameters finds, and the scale that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.reductions.recession import RecessionState
from statsmodels_ooc.reductions.scoring import Outside
from statsmodels_ooc.solvers.least_squares import LinearFit
from statsmodels_ooc.solvers.separation import SeparationSearch

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Point:
    """What one pass found at k parameters.

    Attributes
    ----------
    beta : ndarray, (k,), or None
        The parameters; None for means that follow from the responses.
    deviance, pearson : float
        At scale one.
    score : ndarray, (k,)
        Gradient of the log-likelihood at scale one; ``X'Wz`` of the working response z
        where there are no parameters yet.
    gap : float
        The largest distance of a response from its mean.
    outside : Outside or None
        A row whose mean the family cannot have; nothing else counts then.
    fit : LinearFit
        Of the weighted design, without a response.
    factor : ndarray, (k + 2, k + 2)
        R of ``sqrt(w) * [1 | X | 0]``.
    edge : float
        The smallest distance of a linear predictor from where means become impossible.
    lowest : float
        The smallest weight of a row, before prior weights.
    faint : bool
        Whether the weight is next to nothing of a row whose likelihood rises for ever.
    observed : ndarray, (k, k), or None
        The observed information, where the pass was asked for it.
    recession : RecessionState or None
        How the rows stand to a direction, likewise.
    """

    beta: FloatArray | None
    deviance: float
    pearson: float
    score: FloatArray
    gap: float
    outside: Outside | None
    fit: LinearFit
    factor: FloatArray
    edge: float = np.inf
    lowest: float = np.inf
    faint: bool = False
    observed: FloatArray | None = None
    recession: RecessionState | None = None

    @property
    def usable(self) -> bool:
        """Whether all means are possible and the deviance is finite."""
        return self.outside is None and bool(np.isfinite(self.deviance))

    @property
    def weight(self) -> float:
        """Sum of the weights."""
        return float(self.factor[0, 0] ** 2)


@dataclass(frozen=True)
class Watch:
    """What else a pass is asked for."""

    observed: bool = False  # the observed information
    search: SeparationSearch | None = None  # how the rows stand to its direction

    def is_answered_by(self, point: Point) -> bool:
        """Whether a point has all of it."""
        if self.observed and point.observed is None:
            return False
        return self.search is None or self.search.is_answered_by(point.recession)


@dataclass(frozen=True)
class Step:
    """The next step of Fisher scoring.

    The decrement, ``score @ direction``, is the fall of the deviance that the step promises; its
    root is the length of the step in standard errors.
    """

    direction: FloatArray  # what is added to the parameters, (k,)
    decrement: float


@dataclass(frozen=True)
class Criterion:
    """When statsmodels takes an iteration for converged: what must stand still, and how still."""

    name: Literal["deviance", "params"]
    atol: float
    rtol: float

    def holds(self, history: dict[str, list[Any]]) -> bool:
        """Whether the last two entries are close; a deviance up to its rounding."""
        before, after = history[self.name][-2:]
        atol = self.atol
        if self.name == "deviance":
            if not np.isfinite(after):  # over a scale of zero, or far from any optimum
                return False
            atol += 4 * _EPS * abs(after)
        return bool(np.allclose(before, after, atol=atol, rtol=self.rtol))

    def will_hold(self, point: Point, step: Step, scale: float) -> bool:
        """Whether the step will not move what must stand still: no pass has to try."""
        if self.name == "params":
            assert point.beta is not None
            after = point.beta + step.direction
            return bool(np.allclose(point.beta, after, atol=self.atol, rtol=self.rtol))
        return step.decrement <= self.atol * scale + self.rtol * abs(point.deviance)


class Gaps(Protocol):
    """How far the responses are from their means, at scale one."""

    @property
    def deviance(self) -> float: ...

    @property
    def pearson(self) -> float: ...


@dataclass(frozen=True)
class ScaleRule:
    """The scale: a number, or Pearson's chi-squared or the deviance over the degrees of freedom."""

    kind: Literal["fixed", "x2", "dev"]
    value: float = 1.0  # the number

    @property
    def asked(self) -> str | float:
        """What ``fit(scale=...)`` is told to get it."""
        return self.value if self.kind == "fixed" else self.kind

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
