"""Which passes a least-squares fit makes, and what they found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.errors import DesignError, PrecisionError
from statsmodels_ooc.likelihoods.base import Asked, Question
from statsmodels_ooc.likelihoods.opening import check_facts
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.facts import RowFacts, RowFactsState
from statsmodels_ooc.reductions.least_squares import Moments, MomentsState, Triangle, TriangleState
from statsmodels_ooc.solvers.dependence import describe, find_constant
from statsmodels_ooc.solvers.least_squares import DIGITS, LinearFit, factor_of_gram, solve
from statsmodels_ooc.solvers.submodels import seen_through

METHODS = ("pinv", "qr", "auto", "gram")

# From here on a Gram matrix saves more than the pass that it costs where it will not do.
_MANY_COLUMNS, _MANY_ROWS = 40, 2**20


@dataclass
class LeastSquares:
    """The fits of one model, each from as few passes as its numbers allow.

    Parameters
    ----------
    stream : StreamedRows
        The rows.
    spec : DesignSpec
        The design.
    hasconst : bool or None
        The user's word on whether the design holds a constant.
    """

    stream: StreamedRows
    spec: DesignSpec
    hasconst: bool | None
    asked: Asked = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.asked = Asked.of_matrices(self.stream, self.spec.k)

    def ask(self, *questions: Question) -> tuple[Any, ...]:
        """Answers of the rows, see `Asked.ask`."""
        return self.asked.ask(*questions)

    def fit(self, method: str = "pinv") -> LinearFit:
        """Solve by one of `METHODS`; what is known already is not read again."""
        fit: LinearFit = self.asked.once(("fit", method), lambda: self._solved(method))
        return fit

    def _solved(self, method: str) -> LinearFit:
        factor = self._factor(method)
        with one_blas_thread():  # the same bits on every machine
            return solve(factor, self.facts.rows)

    def dependent(self, fit: LinearFit, names: Sequence[str]) -> str:
        """Which columns are combinations of which, in words; empty at full rank."""
        with one_blas_thread():
            return describe(fit.r_exog, self.facts.rows, names)

    @property
    def facts(self) -> RowFactsState:
        """What the rows were; the fit comes first."""
        if "facts" not in self.asked.answers:
            self.fit()
        facts: RowFactsState = self.asked.answers["facts"]
        return facts

    @property
    def factor(self) -> FloatArray:
        """R of ``sqrt(w) * [1 | X | y]``, (k + 2, k + 2); the fit comes first."""
        _ = self.facts
        return self._factor("pinv")

    @property
    def constant(self) -> tuple[int, int | None]:
        """`k_constant` and `const_idx`."""
        self.fit()
        found: tuple[int, int | None] = self.asked.once(
            "constant", lambda: find_constant(self.facts, self._factor("pinv"), self.hasconst)
        )
        return found

    def part(self, spec: DesignSpec, span: FloatArray) -> LeastSquares:
        """The same rows seen through combinations of the columns; known without a further pass.

        Parameters
        ----------
        spec : DesignSpec
            Of q columns, which makes the same of the rows otherwise.
        span : ndarray, (k, q)
            Its columns are those of this design times the span.
        """
        facts = self.facts
        low, high = facts.low[:-1], facts.high[:-1]
        part = LeastSquares(replace(self.stream, spec=spec), spec, self.hasconst)
        for key, factor in self._known_factors():
            with one_blas_thread():
                seen = seen_through(factor, facts.rows, low, high, span)
            extremes = np.append(seen.low, facts.low[-1]), np.append(seen.high, facts.high[-1])
            part.asked.remember("facts", replace(facts, low=extremes[0], high=extremes[1]))
            digits = DIGITS  # of fewer columns there are no fewer
            whole = TriangleState(seen.r, np.zeros(spec.k + 1))
            part.asked.remember(key, whole if key == "r" else (digits, seen.r))
        return part

    def _known_factors(self) -> Iterator[tuple[str, FloatArray]]:
        """The factors that have been found, by what they were folded as."""
        triangle: TriangleState | None = self.asked.answers.get("r")
        if triangle is not None:
            yield "r", triangle.r
        gram: tuple[float, FloatArray | None] = self.asked.answers.get("gram", (0.0, None))
        if gram[1] is not None:
            yield "gram", gram[1]

    def forget(self) -> None:
        """Nothing here is data."""

    def _factor(self, method: str) -> FloatArray:
        """R of ``sqrt(w) * [1 | X | y]``, (k + 2, k + 2)."""
        if method == "gram":
            return self._gram_or_refuse()
        if method != "qr" and "r" not in self.asked.answers and self._gram_is_cheap():
            _, factor = self._gram()
            if factor is not None:
                return factor
        triangle: TriangleState = self._of_all_rows("r", Triangle(self.spec.k))
        return triangle.r

    def _gram_is_cheap(self) -> bool:
        """Whether moments are known, or much cheaper than TSQR and perhaps as good."""
        rows = self.stream.source.rows or 0
        many = self.spec.k >= _MANY_COLUMNS or rows >= _MANY_ROWS
        return many or "gram" in self.asked.answers

    def _gram_or_refuse(self) -> FloatArray:
        digits, factor = self._gram()
        if factor is None:
            raise PrecisionError(
                f"method='gram': the Gram matrix gives {digits:.1f} correct digits at the "
                f"worst, fewer than {DIGITS:.0f}",
                hint="method='qr' keeps twice as many; 'auto' uses it where it must",
            )
        return factor

    def _gram(self) -> tuple[float, FloatArray | None]:
        found: tuple[float, FloatArray | None] = self._of_all_rows(
            "gram",
            Moments(self.spec.k),
            self._factored,
        )
        return found

    def _factored(self, state: MomentsState) -> tuple[float, FloatArray | None]:
        # Without an intercept the centred moments of a full set of dummies are singular.
        with one_blas_thread():  # the same bits on every machine
            return factor_of_gram(state, centred=self.spec.has_intercept)

    def _of_all_rows(self, key: str, reduction: Reduction[Any], *finish: Any) -> Any:
        """One pass; the first one finds the facts of the rows as well, and checks them."""
        facts = Question("fit", "facts", RowFacts(self.spec.k), self._checked)
        return self.ask(facts, Question("fit", key, reduction, *finish))[1]

    def _checked(self, facts: RowFactsState) -> RowFactsState:
        check_facts(facts, self.spec, self.stream.source, self.spec.k + 1)
        if facts.total_weight == 0:
            name = self.stream.source.name
            raise DesignError(f"the weights of all {facts.rows:,} rows of {name} are zero")
        return facts
