"""What a robust covariance is, and what it may ask of a fit and of what is beside its rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.sandwich import RowScores
from statsmodels_ooc.solvers.least_squares import LinearFit


@dataclass(frozen=True)
class Robust:
    """A covariance, and what is said of it.

    Attributes
    ----------
    cov : ndarray, (k, k)
        Of the parameters.
    description : str
        A line under the summary.
    told : mapping
        What `cov_kwds` of the results says beside it.
    attributes : mapping
        What results get, such as ``df_resid_inference``.
    """

    cov: FloatArray
    description: str
    told: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NoOptions:
    """Of a covariance that takes no keywords."""


@dataclass
class ScoredFit(ABC):
    """A fit, and what the scores of its rows tell.

    Attributes
    ----------
    likelihood : LeastSquares or GLMLikelihood
        Answers of all rows.
    params : ndarray, (k,)
        The parameters.
    fit : LinearFit
        A factor of the weighted design.
    nobs, df_resid : float
        Rows, each counted as often as its frequency, and residual degrees of freedom.
    """

    likelihood: Any
    params: FloatArray
    fit: LinearFit
    nobs: float
    df_resid: float

    @property
    @abstractmethod
    def scores(self) -> RowScores:
        """The scores of the rows by their linear predictors."""

    @property
    @abstractmethod
    def root(self) -> FloatArray:
        """What the rows are multiplied by: ``g = root.T x``, (r,), is measured."""

    @abstractmethod
    def bread(self) -> FloatArray:
        """What a meat of the rows g stands between, (k, r)."""

    def alongside(self) -> tuple[Question, ...]:
        """What the bread will ask of all rows, where that is not known."""
        return ()

    @property
    def free(self) -> int:
        """How many parameters are estimated: all of them, unless constraints leave fewer."""
        return len(self.params)

    def require_spare_rows(self) -> None:
        """Refuse a correction by ``n - k``, where there are no more rows than parameters.

        Raises
        ------
        DesignError
            There are none.
        """
        if self.nobs <= self.free:
            raise DesignError(
                f"{self.nobs:g} rows leave nothing of {self.free} parameters for a correction by "
                "n - k",
                hint="use_correction=False, or HC0",
            )

    @property
    def axes(self) -> Axes:
        """In which the rows are measured."""
        return Axes(self.root, self.fit.centre)

    def ask(self, *questions: Question) -> tuple[Any, ...]:
        """Answers of all rows; what the bread asks is read along."""
        _ = self.likelihood.facts  # rows that no fit can be made of are refused first
        found: tuple[Any, ...] = self.likelihood.asked.ask(*questions, *self.alongside())
        return found[: len(questions)]

    def key(self, kind: str, *more: Hashable) -> Hashable:
        """The key of a question about the scores of this fit."""
        return (kind, self.params.tobytes(), self.root.tobytes(), *more)


Fit_contra = TypeVar("Fit_contra", bound=ScoredFit, contravariant=True)


class Covariance(Protocol[Fit_contra]):
    """An entry of a registry.

    Attributes
    ----------
    name : str
        ``cov_type``.
    Options : type
        A frozen dataclass of its keywords.
    """

    @property
    def name(self) -> str: ...

    Options: ClassVar[type[Any]]

    def questions(self, fit: Fit_contra, options: Any) -> tuple[Question, ...]:
        """What is asked of all rows, so that several covariances can ask together."""
        ...

    def of(self, fit: Fit_contra, options: Any) -> Robust:
        """The covariance of a fit's parameters."""
        ...


@runtime_checkable
class Scattered(Protocol):
    """A covariance that a test of scores can take for theirs."""

    def scatter(self, fit: Any, options: Any) -> FloatArray:
        """Sums of products of ``(u, 1)`` for the scores u of rows, as the meat takes them.

        Of shape (r + 1, r + 1), so that the scores may be taken about their mean afterwards.
        """
        ...


def sandwich(bread: FloatArray, meat: FloatArray) -> FloatArray:
    """``bread @ meat @ bread.T``, symmetric to the last bit, (k, k)."""
    product = bread @ meat @ bread.T
    return (product + product.T) / 2
