"""What a robust covariance is, and what it may ask of a fit and of what is beside its rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, TypeVar

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.design.beside import spec_beside
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.base import Reduction
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

    @property
    def axes(self) -> Axes:
        """In which the rows are measured."""
        return Axes(self.root, self.fit.centre)

    def fold(
        self, name: str, reduction: Reduction[Any], *, key: Hashable = None, **beside: Any
    ) -> Any:
        """A pass over all rows, with something beside them.

        Parameters
        ----------
        name : str
            What it is called.
        reduction : Reduction
            What is folded.
        key : hashable, optional
            Equal where, at the same parameters, the reduction and what stands beside the
            rows are equal: then it is read once.
        **beside : str or array_like or dask Array, (n,) or (n, q)
            Columns, expressions, or values for the rows.
        """
        likelihood = self.likelihood
        _ = likelihood.facts  # rows that no fit can be made of are refused first

        def read() -> Any:
            rows, also = rows_beside(likelihood.stream, likelihood.spec, **beside), self.alongside()
            state, *states = rows.fold(name, reduction, *(more.reduction for more in also))
            for question, found in zip(also, states, strict=True):
                likelihood.asked.remember(question.key, question.finish(found))
            return state

        if key is None:
            return read()
        return likelihood.asked.once((name, self.params.tobytes(), self.root.tobytes(), key), read)


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

    def of(self, fit: Fit_contra, options: Any) -> Robust:
        """The covariance of a fit's parameters."""
        ...


def sandwich(bread: FloatArray, meat: FloatArray) -> FloatArray:
    """``bread @ meat @ bread.T``, symmetric to the last bit, (k, k)."""
    product = bread @ meat @ bread.T
    return (product + product.T) / 2


def rows_beside(rows: StreamedRows, spec: DesignSpec, **given: Any) -> StreamedRows:
    """The same rows, with more beside each: `Extras.beside` of the blocks has it by name.

    Parameters
    ----------
    rows : StreamedRows
        The rows.
    spec : DesignSpec
        Their design.
    **given : str or array_like or dask Array, (n,) or (n, q)
        A column's name or an expression in columns; or values, in the order of the rows that
        the design keeps.

    Raises
    ------
    ColumnNotFoundError
        A name in an expression is no column of the data.
    DesignError
        There are not as many values as rows; an expression does not work row by row.
    """
    codes = {name: value for name, value in given.items() if isinstance(value, str)}
    if codes:
        source = rows.whole_source
        _ = source.partitions  # of rows that are gone, says so
        rows = replace(rows, source=source, spec=spec_beside(spec, source, codes))
    arrays = {name: value for name, value in given.items() if name not in codes}
    return rows.beside(**arrays) if arrays else rows
