"""The fit that a diagnostic is about: in memory, or streamed with the way to its rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from statsmodels.regression.linear_model import OLS, WLS

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.checks import number_between
from statsmodels_ooc.diagnostics.rows import ColumnsOf, Plain
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.likelihoods.base import Question, as_it_is, rows_beside
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.auxiliary import Auxiliary
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.least_squares import Triangle, triangularize
from statsmodels_ooc.solvers.least_squares import LinearFit

_NAMED = 10  # columns that a message lists


@dataclass(frozen=True)
class Subject:
    """A linear fit whose rows stay outside memory.

    Attributes
    ----------
    results : RegressionResults
        Of a streamed OLS or WLS.
    name : str
        The diagnostic, which its passes are named by.
    """

    results: Any
    name: str

    @cached_property
    def params(self) -> FloatArray:
        """The parameters, (k,)."""
        return np.asarray(self.results.params, dtype=np.float64)

    @property
    def k(self) -> int:
        """Number of columns of the design."""
        return len(self.params)

    @property
    def nobs(self) -> int:
        """Number of rows."""
        return int(self.results.model.likelihood.facts.rows)

    @property
    def fit(self) -> LinearFit:
        """What least squares found, weighted where the model is."""
        fit: LinearFit = self.results.linear_fit
        return fit

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self.results.model.exog_names)

    @cached_property
    def constant(self) -> int | None:
        """The column of an explicit constant."""
        facts = self.results.model.likelihood.facts
        low, high = facts.low[:-1], facts.high[:-1]
        constant = np.flatnonzero((low == high) & (low != 0))
        return int(constant[0]) if len(constant) else None

    @cached_property
    def weighted(self) -> bool:
        """Whether rows may have weights."""
        return not isinstance(self.results.model, OLS)

    def ask(
        self, reduction: Reduction[Any], finish: Callable[[Any], Any], *options: Hashable
    ) -> Any:
        """What the rows tell, read once for the same parameters and options."""
        return self.ask_all(self.question(reduction, finish, *options))[0]

    def question(
        self,
        reduction: Reduction[Any],
        finish: Callable[[Any], Any] = as_it_is,
        *options: Hashable,
    ) -> Question:
        """Something that is known by the parameters and the options."""
        return Question(self.name, (self.name, self.params.tobytes(), *options), reduction, finish)

    def ask_all(self, *questions: Question) -> tuple[Any, ...]:
        """What the rows tell, those that are not known in one pass."""
        with one_blas_thread():  # the same bits on every machine
            found: tuple[Any, ...] = self.results.model.likelihood.ask(*questions)
        return found

    def once(self, make: Callable[[], Any], *options: Hashable) -> Any:
        """What is made of passes with something beside the rows, made once."""
        key = (self.name, self.params.tobytes(), *options)
        with one_blas_thread():
            return self.results.model.likelihood.asked.once(key, make)

    def rows(self, **beside: Any) -> StreamedRows:
        """The rows, with columns, expressions or arrays beside them."""
        rows: StreamedRows = self.results.model.open_rows()
        return rows_beside(rows, **beside) if beside else rows

    def resid_in_memory(self, why: str) -> FloatArray:
        """The residuals, (n,), where they are smaller than ``array_limit``: a pass.

        Raises
        ------
        NotImplementedError
            They are not.
        """
        if 8 * self.nobs > options.array_limit:
            raise NotImplementedError(
                f"{self.name}: {why}, and {self.nobs:,} residuals of 8 bytes are more than "
                f"smo.options.array_limit = {options.array_limit:,}; raise the limit where memory "
                "has room"
            )
        return np.asarray(self.results.resid)

    def require_order(self) -> None:
        """Refuse rows whose order means nothing."""
        self.rows().require_order(self.name)

    def require_constant(self, words: str) -> None:
        """Refuse a design without a constant and a second column, in statsmodels' words.

        Raises
        ------
        ValueError
            It is one.
        """
        if self.constant is None or self.k < 2:
            raise ValueError(
                f"{words} test requires exog to have at least two columns where one is a constant."
            )


def subject(
    results: Any, name: str, of: Literal["fit", "residuals", "design"] = "fit"
) -> Subject | None:
    """The fit to diagnose; None where its data is in memory, as statsmodels' own functions want.

    Parameters
    ----------
    results : results of a fit
        Of a linear model.
    name : str
        The diagnostic.
    of : {"fit", "residuals", "design"}
        What it is about: the residuals as those of a regression on the design, the residuals
        alone, or the design alone, which generalised linear models have, too.

    Raises
    ------
    DesignError
        The fit is subject to constraints, so that its residuals are not those of a regression on
        the design.
    NotImplementedError
        A generalised linear model, for which statsmodels does not define the test.
    TypeError
        These are no results.
    """
    model = getattr(results, "model", None)
    if model is None:
        raise TypeError(
            f"{name} takes the results of a fit, such as smof.ols(...).fit(), not {results!r}"
        )
    streams = getattr(model, "streams", False)
    if of != "design" and not hasattr(results, "linear_fit" if streams else "resid"):
        raise NotImplementedError(
            f"{name} is about the residuals y - X b of least squares, and statsmodels does not "
            f"define it for {_what(results)}; fits of OLS and WLS have it"
        )
    if of == "fit" and getattr(results, "k_constr", None):
        raise DesignError(
            f"{name} is about a regression on the design, which this fit subject to constraints "
            "is not",
            hint="fit the formula that is left, such as I(a + b) where a = b",
        )
    return Subject(results, name) if streams else None


def _what(results: Any) -> str:
    """The kind of a fit that is none of OLS or WLS."""
    linear = isinstance(results.model, WLS | OLS)
    return "a penalised fit" if linear else type(results.model).__name__


def require_ddof(about: Subject, ddof: Any) -> None:
    """Refuse degrees of freedom that leave none of the residuals.

    Raises
    ------
    OptionError
        They do, or are no number.
    """
    number_between("ddof", ddof, 0, about.nobs - 1, f"from 0 to {about.nobs - 1:,}")


def factor_of_design(about: Subject) -> FloatArray:
    """R of ``[1 | X]`` without weights, (k + 1, k + 1): no pass where the fit tells it.

    That is OLS with a column that is constant; others take a pass.
    """
    k, constant = about.k, about.constant
    if about.weighted or constant is None:  # of a GLM, too
        plain = Auxiliary(Plain(), Triangle(k), k)
        r: FloatArray = about.ask(plain, lambda state: state.r[: k + 1, : k + 1], "design")
    else:
        value = about.results.model.likelihood.facts.low[constant]
        fit = about.results.model.likelihood.fit()  # a penalised one has the design, too
        columns = fit.r_exog[:, [constant, *range(k)]]
        r = triangularize(np.vstack((columns, np.zeros(k + 1))))
        r[:, 0] /= value
        r[1:, 1 + constant] = 0.0
    return r * np.sign(np.where(np.diag(r) == 0, 1.0, np.diag(r)))[:, None]


def column_values(about: Subject, column: int | str) -> FloatArray:
    """A column of the design in memory, (n,): a pass.

    Raises
    ------
    DesignError
        There is no such column.
    MemoryLimitError
        It does not fit; before the first read.
    """
    return design_columns(about, [column])[:, 0]


def design_columns(about: Subject, columns: Sequence[int | str]) -> FloatArray:
    """Columns of the design in memory, (n, c): a pass."""
    at = tuple(position(about, column) for column in columns)
    return about.rows().read(about.name, ColumnsOf(at), len(at))


def position(about: Subject, column: Any) -> int:
    """Where a column of the design stands, by its name or number.

    Raises
    ------
    DesignError
        There is no such column.
    """
    names, k = about.names, about.k
    if isinstance(column, str) and column in names:
        return names.index(column)
    is_number = isinstance(column, int | np.integer) and not isinstance(column, bool)
    if is_number and -k <= column < k:
        return int(column) % k
    raise DesignError(
        f"{about.name}: {column!r} is no column of the design",
        hint=f"it has {k:,} columns: {', '.join(names[:_NAMED])}{', ...' if k > _NAMED else ''}",
    )


def row_order(about: Subject, order_by: Any) -> NDArray[np.int64]:
    """The numbers of the rows in an order that is given, (n,).

    Raises
    ------
    DesignError
        They are none, or not as many.
    """
    n, order = about.nobs, np.asarray(order_by)
    if order.shape != (n,) or order.dtype.kind not in "iu":
        raise DesignError(
            f"{about.name}: order_by has shape {order.shape} and type {order.dtype}",
            hint=f"it holds the numbers of all {n:,} rows, each in its place",
        )
    bad = order[(order < -n) | (order >= n)]
    if len(bad):
        raise DesignError(f"{about.name}: order_by has row {bad[0]:,} of {n:,}")
    numbers: NDArray[np.int64] = np.arange(n)[order]
    if len(np.unique(numbers)) < n:
        raise DesignError(f"{about.name}: order_by has rows more than once, and others not")
    return numbers
