"""Which passes a least-squares fit makes, and what they found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.engine.blas import one_blas_thread
from statsmodels_ooc.errors import DesignError, PrecisionError
from statsmodels_ooc.likelihoods.checks import check_facts
from statsmodels_ooc.likelihoods.gram_or_r import DIGITS, factor_of_gram
from statsmodels_ooc.reductions.facts import RowFacts, RowFactsState
from statsmodels_ooc.reductions.moments import Moments
from statsmodels_ooc.reductions.triangle import Triangle
from statsmodels_ooc.solvers.constant import find_constant
from statsmodels_ooc.solvers.dependence import describe
from statsmodels_ooc.solvers.least_squares import LinearFit, solve

__all__ = ["METHODS", "LeastSquares"]

METHODS = ("pinv", "qr", "auto", "gram")

_MANY_COLUMNS = 40  # from here on a Gram matrix is several times cheaper than TSQR


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
    _facts: RowFactsState | None = None
    _digits: float | None = None
    _factors: dict[str, FloatArray] = field(default_factory=dict)
    _fits: dict[str, LinearFit] = field(default_factory=dict)

    def fit(self, method: str = "pinv") -> LinearFit:
        """Solve by one of `METHODS`; what is known already is not read again."""
        if method not in self._fits:
            factor = self._factor(method)
            with one_blas_thread():  # the same bits on every machine
                self._fits[method] = solve(factor, self.facts.rows)
        return self._fits[method]

    def dependent(self, fit: LinearFit, names: Sequence[str]) -> str:
        """Which columns are combinations of which, in words; empty at full rank."""
        with one_blas_thread():
            return describe(fit.r_exog, self.facts.rows, names)

    @property
    def facts(self) -> RowFactsState:
        """What the rows were."""
        if self._facts is None:
            self.fit()
        assert self._facts is not None
        return self._facts

    @cached_property
    def constant(self) -> tuple[int, int | None]:
        """`k_constant` and `const_idx`."""
        self.fit()
        return find_constant(self.facts, self._factor("pinv"), self.hasconst)

    def forget(self) -> None:
        """Nothing here is data."""

    def _factor(self, method: str) -> FloatArray:
        """R of ``sqrt(w) * [1 | X | y]``, (k + 2, k + 2)."""
        if method == "gram":
            return self._gram_or_refuse()
        if method != "qr" and "qr" not in self._factors and self._gram_will_do():
            return self._factors["gram"]
        if "qr" not in self._factors:
            self._factors["qr"] = self._fold(Triangle(self.spec.k)).r
        return self._factors["qr"]

    def _gram_will_do(self) -> bool:
        """Whether moments are much cheaper than TSQR, and as good."""
        # Without an intercept the centred moments of a full set of dummies are singular.
        known = "gram" in self._factors
        many = known or (self.spec.k >= _MANY_COLUMNS and self.spec.has_intercept)
        return many and self._gram_digits() >= DIGITS

    def _gram_or_refuse(self) -> FloatArray:
        digits = self._gram_digits()
        if digits < DIGITS:
            raise PrecisionError(
                f"method='gram': the Gram matrix gives {digits:.1f} correct digits at the "
                f"worst, fewer than {DIGITS:.0f}",
                hint="method='qr' keeps twice as many; 'auto' uses it where it must",
            )
        return self._factors["gram"]

    def _gram_digits(self) -> float:
        if self._digits is None:
            state = self._fold(Moments(self.spec.k))
            self._digits, factor = factor_of_gram(state)
            if factor is not None:
                self._factors["gram"] = factor
        return self._digits

    def _fold(self, reduction: Any) -> Any:
        """One pass; the first one finds the facts of the rows as well."""
        if self._facts is not None:
            (state,) = self.stream.fold("fit", reduction)
            return state
        state, facts = self.stream.fold("fit", reduction, RowFacts(self.spec.k))
        check_facts(facts, self.spec, self.stream.source, self.spec.k + 1)
        if facts.total_weight == 0:
            name = self.stream.source.name
            raise DesignError(f"the weights of all {facts.rows:,} rows of {name} are zero")
        self._facts = facts
        return state
