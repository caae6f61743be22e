"""Covariances of least squares: HC0 to HC3, and a fixed scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from statsmodels.base.covtype import descriptions

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.checks import number_between
from statsmodels_ooc.errors import LeverageWarning, warn_caller
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.reductions.leverage import LeverageOne
from statsmodels_ooc.reductions.residuals import ResidualMoments
from statsmodels_ooc.reductions.sandwich import LinearScores, WhiteMeat, WhiteMeatState
from statsmodels_ooc.results.covariance.base import NoOptions, Robust, ScoredFit, sandwich
from statsmodels_ooc.solvers.submodels import spanned
from statsmodels_ooc.sources.base import Source

_NAMED = 5  # coefficients; more would not be read


def leverage_message(meat: WhiteMeatState, names: Sequence[str], source: Source) -> str | None:
    """The text of a `LeverageWarning`, None where no row has leverage one.

    Parameters
    ----------
    meat : WhiteMeatState
        The sums of k columns.
    names : sequence of str
        Names of the k columns.
    source : Source
        The data.
    """
    if meat.first is None:
        return None
    where = f"row {meat.first.row} of {source.partitions[meat.first.partition].label}"
    more = f" ({meat.count:,} rows do, the first named)" if meat.count > 1 else ""
    return (
        f"{where} has leverage one{more}: alone it determines {_listed(meat, names)}, and it says "
        "nothing about other coefficients. HC2 and HC3 leave it out; the robust standard errors "
        "of what it determines lack its scatter and are not usable"
    )


def _listed(meat: WhiteMeatState, names: Sequence[str]) -> str:
    chosen = [repr(name) for name, known in zip(names, meat.determined, strict=True) if known]
    left = len(chosen) - _NAMED
    return ", ".join(chosen[:_NAMED]) + (f" and {left:,} more" if left > 0 else "")


Meat = Callable[[WhiteMeatState, float, float], FloatArray]  # state, n, df_resid

MEATS: dict[str, Meat] = {
    "HC0": lambda state, n, df: state.hc0,
    "HC1": lambda state, n, df: state.hc0 * (n / df),
    "HC2": lambda state, n, df: state.hc2,
    "HC3": lambda state, n, df: state.hc3,
}


def residual_moments(params: FloatArray) -> Question:
    """The moments of the residuals at some parameters, (k,)."""
    key = ("residual moments", params.tobytes())
    return Question("residual tests", key, ResidualMoments(params))


@dataclass
class LinearScored(ScoredFit):
    """A fit by least squares.

    Attributes
    ----------
    names : sequence of str
        Names of the k columns, for warnings.
    span : ndarray, (k, r), or None
        What the parameters are combinations of, where a penalty has left some out.
    """

    names: Sequence[str]
    span: FloatArray | None = None
    _has_told: bool = False  # of rows with leverage one

    @property
    def scores(self) -> LinearScores:
        return LinearScores(self.params, self.axes)

    @cached_property
    def root(self) -> FloatArray:
        return self.fit.root if self.span is None else spanned(self.fit, self.span).root

    @property
    def free(self) -> int:
        return len(self.params) if self.span is None else self.span.shape[1]

    def bread(self) -> FloatArray:
        return self.root

    @property
    def ones(self) -> LeverageOne:
        """What tells rows of leverage one."""
        return LeverageOne(self.root, self.fit.column_rounding)

    def white(self) -> WhiteMeatState:
        """The meats."""
        return self._white_and_message()[0]

    def white_questions(self) -> tuple[Question, ...]:
        """The meats, and the moments of the residuals that their pass sees."""
        return self._question(self.params), residual_moments(self.params)

    def at(self, params: FloatArray) -> LinearScored:
        """The same with the scores at other parameters."""
        return replace(self, params=params)

    def warn_of_leverage(self) -> None:
        """Warn of rows that HC2 and HC3 leave out, once."""
        message = self._white_and_message()[1]
        if message is not None and not self._has_told:
            self._has_told = True
            warn_caller(message, LeverageWarning)

    def _white_and_message(self) -> tuple[WhiteMeatState, str | None]:
        found: tuple[WhiteMeatState, str | None] = self.ask(*self.white_questions())[0]
        return found

    def _question(self, params: FloatArray) -> Question:
        """The meats, and what is to be said of rows with leverage one."""
        source = self.likelihood.stream.source
        return Question(
            "robust covariance",
            ("white", params.tobytes(), self.root.tobytes()),
            WhiteMeat(LinearScores(params, self.axes), self.axes, self.ones),
            lambda meat: (meat, leverage_message(meat, self.names, source)),
        )


@dataclass(frozen=True)
class White:
    """Heteroscedasticity-robust covariance.

    HC0 is that of White (1980); HC1 is HC0 times ``n / df_resid``; in HC2 and HC3 squared
    residuals are divided by ``1 - h`` and ``(1 - h)**2``, MacKinnon and White (1985). Rows
    of leverage h = 1 are left out of the last two, with a `LeverageWarning`.

    Parameters
    ----------
    name : {"HC0", "HC1", "HC2", "HC3"}
        Which of them.
    """

    name: str
    Options: ClassVar[type[NoOptions]] = NoOptions

    def questions(self, fit: LinearScored, options: NoOptions) -> tuple[Question, ...]:
        """The meats of all four."""
        return fit.white_questions()

    def of(self, fit: LinearScored, options: NoOptions) -> Robust:
        """The covariance; one pass for all four."""
        if self.name in ("HC2", "HC3"):
            fit.warn_of_leverage()
        meat = MEATS[self.name](fit.white(), fit.nobs, fit.df_resid)
        return Robust(sandwich(fit.bread(), meat), descriptions[self.name])

    def scatter(self, fit: LinearScored, options: NoOptions) -> FloatArray:
        """Of each row with itself."""
        total = fit.root.T @ fit.fit.gradient_at(fit.params)
        meat: WhiteMeatState = fit.ask(fit.white_questions()[0])[0][0]
        return np.block([[meat.hc0, total[:, None]], [total[None, :], np.array(fit.nobs)]])


@dataclass(frozen=True)
class ScaleOptions:
    """The scale of a covariance that is not estimated."""

    scale: float = 1.0

    def __post_init__(self) -> None:
        number_between("scale", self.scale, 0, np.finfo(np.float64).max, "0 or more, and finite")


@dataclass(frozen=True)
class FixedScale:
    """The covariance at a scale that is given."""

    name: str = "fixed scale"
    Options: ClassVar[type[ScaleOptions]] = ScaleOptions

    def questions(self, fit: LinearScored, options: ScaleOptions) -> tuple[Question, ...]:
        """Nothing."""
        return ()

    def of(self, fit: LinearScored, options: ScaleOptions) -> Robust:
        """The covariance; no pass."""
        scale = options.scale
        cov = np.asarray(scale * (fit.root @ fit.root.T))
        told = {"scale": scale}
        return Robust(cov, descriptions["fixed_scale"], told, {"scale": scale})
